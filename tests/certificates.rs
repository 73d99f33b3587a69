//! Certificates made by openssl, with every kind of key and in both versions of X.509, wherever the
//! server takes one: what Go's crypto/x509 and crypto/tls accept is accepted.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, which says why it is skipped"
)]

#[path = "certificates/plugins.rs"]
mod plugins;

use std::{fs, path::PathBuf, process::Command, sync::Arc};

use apiserver::serving::{Secure, SecureOptions, SniCertificate};
use kube::Config;
use kube_dial::{Credentials, tls_options};
use net::{Clock, Doors, Files};
use rustls::{
    ClientConfig, ServerConfig,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tls::{
    AnyClient,
    ca_bundle::Bundle,
    client::{TlsOptions, client_config},
    pem, server,
};
use tokio::io::duplex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The name in all certificates.
const NAME: &str = "n1.example";

/// A CA and what it has signed, in a folder.
struct Certificates {
    folder: TempDir,
}

/// How a key is made with openssl.
#[derive(Clone, Copy)]
enum Key {
    /// With these arguments of `openssl req`.
    New(&'static [&'static str]),
    /// A copy of this file.
    Kept(&'static str),
}

const KEYS: [(&str, Key); 7] = [
    ("P-256", Key::New(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])),
    ("P-384", Key::New(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"])),
    ("P-521", Key::New(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"])),
    ("RSA 2048", Key::New(&["-newkey", "rsa:2048"])),
    ("RSA 3072", Key::New(&["-newkey", "rsa:3072"])),
    // To find the primes takes half a minute.
    ("RSA 8192", Key::Kept(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates/rsa8192.key"))),
    ("Ed25519", Key::New(&["-newkey", "ed25519"])),
];

// === impl Certificates ===

impl Certificates {
    /// A CA with a key of kind `ca`, and a certificate of `version` with a key of kind `leaf`.
    fn make(ca: Key, leaf: Key, version: u8, digest: &str) -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        made.key_and_request("ca", ca);
        made.key_and_request("leaf", leaf);
        fs::write(made.file("ca.ext"), "basicConstraints=critical,CA:TRUE\n").unwrap();
        fs::write(made.file("leaf.ext"), format!("subjectAltName=DNS:{NAME}\n")).unwrap();
        let extensions = |name| if version == 3 { vec!["-extfile", name] } else { Vec::new() };
        let days = ["-days", "30", digest];
        let ca = ["x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", "-out", "ca.crt"];
        made.openssl(&[&ca[..], &days, &extensions("ca.ext")].concat());
        let leaf = ["x509", "-req", "-in", "leaf.csr", "-CA", "ca.crt", "-CAkey", "ca.key"];
        let out = ["-CAcreateserial", "-out", "leaf.crt"];
        made.openssl(&[&leaf[..], &out, &days, &extensions("leaf.ext")].concat());
        made
    }

    fn key_and_request(&self, name: &str, key: Key) {
        let file = |ending| format!("{name}.{ending}");
        let (secret, request, subject) =
            (file("key"), file("csr"), format!("/O=system:masters/CN={NAME}"));
        let subject = if name == "ca" { "/CN=ca" } else { &subject };
        let arguments = match key {
            Key::New(kind) => [kind, &["-nodes", "-keyout", &secret]].concat(),
            Key::Kept(kept) => {
                fs::copy(kept, self.file(&secret)).unwrap();
                vec!["-key", &secret]
            }
        };
        self.openssl(
            &[&["req", "-new", "-subj", subject, "-out", &request], &arguments[..]].concat(),
        );
    }

    fn openssl(&self, arguments: &[&str]) {
        let output =
            Command::new("openssl").args(arguments).current_dir(self.folder.path()).output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    /// Whether the version is the requested one: newer versions of openssl have other defaults.
    fn is_of(&self, version: u8) -> bool {
        let text = Command::new("openssl")
            .args(["x509", "-noout", "-text", "-in"])
            .arg(self.file("leaf.crt"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&text.stdout).contains(&format!("Version: {version}"))
    }
}

fn openssl_is_missing() -> bool {
    let missing = Command::new("openssl").arg("version").output().is_err();
    if missing {
        println!("skipped: there is no openssl");
    }
    missing
}

/// The certificates that the client showed, and those that the server showed.
async fn handshake(
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
) -> Result<[Vec<CertificateDer<'static>>; 2], String> {
    let (near, far) = duplex(256 << 10);
    let connector = TlsConnector::from(client);
    let connecting = connector.connect(ServerName::try_from(NAME).unwrap(), near);
    let accepting = TlsAcceptor::from(server).accept(far);
    let (connected, accepted) = tokio::join!(connecting, accepting);
    let connected = connected.map_err(|error| error.to_string())?;
    let accepted = accepted.map_err(|error| error.to_string())?;
    let shown =
        [accepted.get_ref().1.peer_certificates(), connected.get_ref().1.peer_certificates()];
    Ok(shown.map(|certificates| {
        certificates.unwrap_or_default().iter().map(|der| der.clone().into_owned()).collect()
    }))
}

/// A server with a certificate that is beyond doubt.
fn plain_server() -> Arc<ServerConfig> {
    let options = SecureOptions::default();
    Secure::new(&options, [127, 0, 0, 1].into(), &Doors::host()).unwrap().tls
}

/// A client that accepts any server.
fn accepting_any() -> Arc<ClientConfig> {
    let options = TlsOptions { insecure: true, ..TlsOptions::default() };
    client_config(options, &Clock::system()).unwrap()
}

/// Front proxies and clients: the handshake, and the verification with a CA bundle.
async fn client_door(made: &Certificates) -> Result<(), String> {
    let config = kubeconfig(made);
    let doors = Doors::host();
    let credentials = Credentials::new(&config.auth_info, &doors).map_err(|e| e.to_string())?;
    let client = tls_options(&config, &credentials, &doors).map_err(|e| e.to_string())?;
    let client = TlsOptions { insecure: true, ..client };
    let client = client_config(client, &Clock::system()).unwrap();
    let [shown, _] = handshake(plain_server(), client).await?;
    let bundle = Bundle::parse(&String::from_utf8_lossy(&made.read("ca.crt")), &"a test")?;
    bundle.verify(&shown, &Clock::system()).map_err(|error| error.to_string())
}

/// A kubeconfig with a client certificate in files, which is how kubelets get it too.
fn kubeconfig(made: &Certificates) -> Config {
    let mut config = Config::new("https://n1.example".parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.client_certificate = Some(made.file("leaf.crt").display().to_string());
    config.auth_info.client_key = Some(made.file("leaf.key").display().to_string());
    config
}

/// The serving pair, by default and for a name.
async fn serving_door(made: &Certificates, sni: bool) -> Result<(), String> {
    let (certificate, key) = (made.file("leaf.crt"), made.file("leaf.key"));
    let mut options = SecureOptions::default();
    if sni {
        let names = vec![NAME.to_owned()];
        options.tls_sni_cert_key = vec![SniCertificate { certificate, key, names }];
    } else {
        (options.tls_cert_file, options.tls_private_key_file) = (Some(certificate), Some(key));
    }
    let secure = Secure::new(&options, [127, 0, 0, 1].into(), &Doors::host());
    let [_, shown] = handshake(secure.map_err(|e| e.to_string())?.tls, accepting_any()).await?;
    let own = pem::Certificates::parse(&made.read("leaf.crt"))?.logged(&"a test");
    assert_eq!(shown, own);
    Ok(())
}

/// A kubelet with this serving certificate, verified with its CA.
async fn kubelet_door(made: &Certificates, insecure: bool) -> Result<(), String> {
    let chain = pem::Certificates::parse(&made.read("leaf.crt"))?.logged(&"a test");
    let key = pem::private_key(&made.read("leaf.key"))?;
    let kubelet = server::config(chain, key, Arc::new(AnyClient::default())).unwrap();
    let files =
        metrics_server::kubelet::TlsFiles { authority: Some(made.file("ca.crt")), identity: None };
    let base = TlsOptions { insecure, ..TlsOptions::default() };
    let client =
        files.open(base, &Files::default(), &Clock::system()).map_err(|e| e.to_string())?;
    handshake(kubelet, client.get()).await.map(drop)
}

#[tokio::test]
async fn certificates_that_go_accepts_are_accepted() {
    if openssl_is_missing() {
        return;
    }
    for (kind, key) in KEYS {
        for version in [1, 3] {
            let made = Certificates::make(key, key, version, "-sha256");
            if !made.is_of(version) {
                println!("skipped: this openssl makes no certificates of version {version}");
                continue;
            }
            let what = format!("{kind}, version {version}");
            let ok = Ok(());
            assert_eq!(client_door(&made).await, ok, "{what}: a client");
            assert_eq!(serving_door(&made, false).await, ok, "{what}: the serving certificate");
            assert_eq!(serving_door(&made, true).await, ok, "{what}: a certificate for a name");
            assert_eq!(kubelet_door(&made, true).await, ok, "{what}: a kubelet, not verified");
            let verified = kubelet_door(&made, false).await;
            if version == 3 {
                assert_eq!(verified, ok, "{what}: a kubelet");
            } else {
                // It has no SAN, which Go requires.
                let error = verified.unwrap_err();
                assert!(error.contains("LegacyName"), "{what}: {error}");
            }
        }
    }
}

/// Rows of: description, the CA's key, the digest, and the error of a client's certificate.
#[tokio::test]
async fn certificates_that_go_refuses_are_refused_with_the_reason() {
    if openssl_is_missing() {
        return;
    }
    let strong = KEYS[0].1;
    let weak = Key::New(&["-newkey", "rsa:1024"]);
    let unknown = "x509: certificate signed by unknown authority (possibly because of";
    let rows = [
        ("a CA with RSA 1024, as Go", weak, strong, "-sha256", Ok(())),
        ("a CA with RSA 1024, SHA-512", weak, strong, "-sha512", Ok(())),
        (
            "SHA-1",
            KEYS[3].1,
            strong,
            "-sha1",
            Err(format!(
                "{unknown} \"x509: cannot verify signature: insecure algorithm SHA1-RSA\" while trying to verify candidate authority certificate \"ca\")"
            )),
        ),
        (
            "a CA with RSA 768",
            Key::New(&["-newkey", "rsa:768"]),
            strong,
            "-sha256",
            Err(format!(
                "{unknown} \"crypto/rsa: 768-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)\" while trying to verify candidate authority certificate \"ca\")"
            )),
        ),
    ];
    for (what, ca, leaf, digest, expected) in rows {
        let made = Certificates::make(ca, leaf, 3, digest);
        assert_eq!(client_door(&made).await, expected, "{what}");
    }
    // Go would take it; the crypto library signs with nothing smaller than 2,048 bits.
    let made = Certificates::make(strong, weak, 3, "-sha256");
    let error = serving_door(&made, false).await.unwrap_err();
    assert!(
        error.contains("leaf.key for --tls-private-key-file: failed to parse private key: an RSA key of 1024 bits, which must have 2048 or more"),
        "{error}"
    );
}

/// Of a bundle, what can be read counts.
#[tokio::test]
async fn one_unreadable_certificate_does_not_invalidate_a_bundle() {
    if openssl_is_missing() {
        return;
    }
    let made = Certificates::make(KEYS[0].1, KEYS[0].1, 3, "-sha256");
    let nonsense = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bundle = [&nonsense[..], &made.read("ca.crt")].concat();
    fs::write(made.file("ca.crt"), bundle).unwrap();
    assert_eq!(client_door(&made).await, Ok(()));
    assert_eq!(kubelet_door(&made, false).await, Ok(()));
}
