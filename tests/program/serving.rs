//! Flags of serving, tried on the program.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use apiserver::serving::Secure;
use metrics_server::flags::Flags;
use net::Doors;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    CipherSuite, ProtocolVersion,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use tokio::{io::duplex, time::sleep};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{
    PATIENCE, Running,
    client::{Hello, ask},
    folder, free_port, run, text,
};

/// Writes `<stem>.crt` and `<stem>.key` and gives the certificate.
fn pair(folder: &Path, stem: &str, names: &[&str]) -> CertificateDer<'static> {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join(stem).with_extension("crt"), certificate.pem()).unwrap();
    fs::write(folder.join(stem).with_extension("key"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}

/// Starts the program at a free port, and gives its address.
fn start(folder: &Path, arguments: &[&str]) -> (Running, String) {
    let port = free_port();
    let given = ["--kubeconfig=good", "--bind-address=127.0.0.1"].map(str::to_owned);
    let all: Vec<_> = given
        .into_iter()
        .chain([format!("--secure-port={port}")])
        .chain(arguments.iter().map(ToString::to_string))
        .collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let mut server = Running::start(folder, &all);
    server.line("\"Serving securely\"");
    (server, format!("127.0.0.1:{port}"))
}

#[test]
fn each_name_has_its_certificate() {
    let folder = folder(1);
    let main = pair(folder.path(), "main", &["main.example"]);
    let own = pair(folder.path(), "own", &["shop.example", "*.wild.example"]);
    let given = pair(folder.path(), "given", &["shop.example"]);
    let (_server, address) = start(
        folder.path(),
        &[
            "--tls-cert-file=main.crt",
            "--tls-private-key-file=main.key",
            "--tls-sni-cert-key=own.crt,own.key",
            "--tls-sni-cert-key=given.crt,given.key:given.example,deep.wild.example,*.star.example",
        ],
    );
    for (name, expected) in [
        ("main.example", &main),
        ("127.0.0.1", &main),
        ("unknown.example", &main),
        ("shop.example", &own),
        ("SHOP.example", &own),
        ("a.wild.example", &own),
        ("a.b.wild.example", &main),
        ("wild.example", &main),
        ("given.example", &given),
        ("deep.wild.example", &given),
        ("a.star.example", &given),
    ] {
        let shown = Hello { name, ..Hello::default() }.shown(&address).unwrap();
        assert_eq!(shown.certificate, *expected, "{name}");
    }
}

#[test]
fn versions_suites_and_protocols_are_those_of_the_flags() {
    let folder = folder(1);
    let chacha = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    let old = Hello { version: Some(&TLS12), ..Hello::default() };
    let new = Hello { version: Some(&TLS13), protocols: &["h2", "http/1.1"], ..Hello::default() };

    let (_server, address) = start(folder.path(), &[]);
    assert_eq!(old.shown(&address).unwrap().version, ProtocolVersion::TLSv1_2);
    assert_eq!(new.shown(&address).unwrap().protocol.as_deref(), Some("h2"));

    let (_server, address) =
        start(folder.path(), &["--tls-min-version=VersionTLS13", "--disable-http2-serving"]);
    assert!(old.shown(&address).is_err());
    let shown = new.shown(&address).unwrap();
    assert_eq!(shown.version, ProtocolVersion::TLSv1_3);
    assert_eq!(shown.protocol.as_deref(), Some("http/1.1"));

    let suites =
        "--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305,TLS_RSA_WITH_AES_128_CBC_SHA";
    let (mut server, address) = start(folder.path(), &[suites]);
    assert_eq!(old.shown(&address).unwrap().suite, chacha);
    assert_eq!(new.shown(&address).unwrap().version, ProtocolVersion::TLSv1_3);
    server.signal("TERM");
    server.line("\"Received SIGTERM, shutting down");
    assert!(
        server.said.iter().any(|line| line.contains(
            "argument=\"--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA\" reason=\"this suite is weak"
        )),
        "{:?}",
        server.said
    );

    let (_server, address) = start(folder.path(), &["--tls-cipher-suites=TLS_AES_128_GCM_SHA256"]);
    assert!(old.shown(&address).is_err(), "there is no suite for TLS 1.2");
    assert_eq!(new.shown(&address).unwrap().version, ProtocolVersion::TLSv1_3);
}

#[test]
fn streams_of_http2_are_limited() {
    /// `SETTINGS_MAX_CONCURRENT_STREAMS` of RFC 9113, section 6.5.2.
    const MOST_STREAMS: [u8; 2] = [0, 3];
    let folder = folder(1);
    let client = Hello { protocols: &["h2"], ..Hello::default() };
    for (flag, streams) in [(None, 250_u32), (Some("--http2-max-streams-per-connection=3"), 3)] {
        let (_server, address) = start(folder.path(), flag.as_slice());
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let frame = client.say(&address, preface, 9 + 6);
        let length = u64::from(u32::from_be_bytes([0, frame[0], frame[1], frame[2]]));
        assert_eq!(frame[3], 4, "the first frame of a server holds its settings");
        let frame = client.say(&address, preface, 9 + length);
        let settings: Vec<_> = frame[9..].chunks(6).collect();
        let said = settings.iter().find(|setting| setting[..2] == MOST_STREAMS).unwrap();
        assert_eq!(said[2..], streams.to_be_bytes());
    }
}

#[test]
fn a_self_signed_pair_is_kept_and_used_again() {
    let folder = folder(1);
    let kept = folder.path().join("deep/certificates");
    let shown = |arguments: &[&str]| {
        let (_server, address) = start(folder.path(), arguments);
        Hello::default().shown(&address).unwrap().certificate
    };
    let first = shown(&["--cert-dir=deep/certificates"]);
    assert_eq!(shown(&["--cert-dir=deep/certificates"]), first);
    let mode = |file: &str| kept.join(file).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("apiserver.crt"), mode("apiserver.key")), (0o644, 0o600));
    assert_ne!(shown(&["--cert-dir="]), first, "one that is not kept is new");
    assert!(!folder.path().join("apiserver.crt").exists());
    let own = pair(&kept, "apiserver", &["own.example"]);
    assert_eq!(shown(&["--cert-dir=deep/certificates"]), own, "one's own is used too");
}

#[test]
fn certificates_that_cannot_be_used_end_the_start_with_the_cure() {
    let folder = folder(1);
    pair(folder.path(), "a", &["a.example"]);
    pair(folder.path(), "b", &["b.example"]);
    for half in ["half", "other"] {
        fs::create_dir(folder.path().join(half)).unwrap();
    }
    fs::copy(folder.path().join("a.crt"), folder.path().join("half/apiserver.crt")).unwrap();
    fs::copy(folder.path().join("a.key"), folder.path().join("other/apiserver.key")).unwrap();
    let cases: [(&[&str], &str); 10] = [
        (
            &["--tls-cert-file=missing", "--tls-private-key-file=a.key"],
            "failed to read missing for --tls-cert-file: no such file or directory; pass a PEM file that this process may read",
        ),
        (
            &["--tls-cert-file=a.crt", "--tls-private-key-file=."],
            "failed to read . for --tls-private-key-file: is a directory; pass a PEM file that this process may read",
        ),
        (
            &["--tls-cert-file=a.key", "--tls-private-key-file=a.key"],
            "failed to read a.key for --tls-cert-file: it holds no PEM certificate; pass a PEM file that this process may read",
        ),
        (
            &["--tls-cert-file=a.crt", "--tls-private-key-file=b.key"],
            "failed to read b.key for --tls-private-key-file: tls: private key does not match public key; pass the private key of the certificate",
        ),
        (
            &["--tls-sni-cert-key=a.crt,b.key:a.example"],
            "failed to read b.key for --tls-sni-cert-key: tls: private key does not match public key; pass the private key of the certificate",
        ),
        (
            &["--tls-sni-cert-key=a.crt"],
            "invalid value 'a.crt' for '--tls-sni-cert-key <CERT,KEY[:NAME,…]>': write certificate,key or certificate,key:name,…",
        ),
        (
            &["--cert-dir=half"],
            "failed to use the key pair in --cert-dir: there is half/apiserver.crt but not half/apiserver.key; restore the missing file, or remove the other one to have a new pair made",
        ),
        (
            &["--cert-dir=other"],
            "failed to use the key pair in --cert-dir: there is other/apiserver.key but not other/apiserver.crt; restore the missing file, or remove the other one to have a new pair made",
        ),
        (
            &["--cert-dir=a.crt/deep"],
            "failed to write a self-signed certificate to a.crt/deep: not a directory; pass a writable directory with --cert-dir, use --cert-dir= to keep it in memory, or pass a certificate with --tls-cert-file and --tls-private-key-file",
        ),
        (
            &["--authentication-kubeconfig=missing"],
            "failed to read kubeconfig \"missing\": no such file or directory; pass a readable file with --authentication-kubeconfig",
        ),
    ];
    for (arguments, message) in cases {
        let cert_dir = format!("--cert-dir={}", folder.path().join("unused").display());
        let all = [&["--kubeconfig=good", &cert_dir], arguments].concat();
        let output = run(folder.path(), &all);
        assert_eq!(
            (text(&output.stderr), output.status.code()),
            (&*format!("Error: {message}\n"), Some(1)),
            "{arguments:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn renewed_certificates_are_shown_without_a_restart() {
    let folder = folder(1);
    let path = folder.path();
    let (main, named) = (pair(path, "main", &["main.example"]), pair(path, "sni", &["a.example"]));
    let argument = |flag: &str, files: &str| format!("--{flag}={}/{files}", path.display());
    let flags = Flags::parse_from_args([
        argument("tls-cert-file", "main.crt"),
        argument("tls-private-key-file", "main.key"),
        argument("tls-sni-cert-key", &format!("sni.crt,{}/sni.key", path.display())),
    ])
    .unwrap();
    let secure =
        Secure::new(&(&flags.serving).into(), flags.serving.bind_address, &Doors::host()).unwrap();
    let tls = secure.tls;
    let shown = async |name: &'static str| {
        let (near, far) = duplex(64 << 10);
        let accepted = TlsAcceptor::from(tls.clone()).accept(far);
        let connector = TlsConnector::from(Hello::default().config());
        let connected = connector.connect(ServerName::try_from(name).unwrap(), near);
        let (client, _server) = tokio::try_join!(connected, accepted).unwrap();
        client.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    assert_eq!((shown("main.example").await, shown("a.example").await), (main, named.clone()));

    let renewed = pair(path, "main", &["main.example"]);
    sleep(PATIENCE).await;
    assert_eq!(shown("main.example").await, renewed);
    assert_eq!(shown("a.example").await, named, "the other one stays");

    fs::write(path.join("main.key"), "half a key").unwrap();
    let other_name = pair(path, "sni", &["b.example"]);
    sleep(PATIENCE).await;
    assert_eq!(shown("main.example").await, renewed, "broken files change nothing");
    assert_eq!(shown("b.example").await, other_name, "nor do they hold up other files");
    assert_eq!(shown("a.example").await, renewed, "a name that has gone is unknown");

    fs::remove_file(path.join("main.crt")).unwrap();
    sleep(PATIENCE).await;
    assert_eq!(shown("main.example").await, renewed);
    let repaired = pair(path, "main", &["main.example"]);
    sleep(PATIENCE).await;
    assert_eq!(shown("main.example").await, repaired);
}

#[test]
fn a_port_can_be_shared() {
    let folder = folder(1);
    let sharing = ["--permit-port-sharing", "--permit-address-sharing", "--cert-dir="];
    let (mut first, address) = start(folder.path(), &sharing);
    let port = format!("--secure-port={}", address.rsplit(':').next().unwrap());
    let second = [&["--kubeconfig=good", "--bind-address=127.0.0.1", &port][..], &sharing].concat();
    let mut second = Running::start(folder.path(), &second);
    second.line("\"Serving securely\"");
    first.signal("TERM");
    first.line("\"Received SIGTERM, shutting down");
    assert_eq!(first.end().code(), Some(0));
    assert!(ask(&address, "GET", "/livez", "").ends_with("ok"), "the other one goes on");
}

#[test]
fn headers_for_browsers_follow_the_flags() {
    let folder = folder(1);
    let (_server, address) = start(
        folder.path(),
        &[
            "--strict-transport-security-directives=max-age=31536000,includeSubDomains",
            r"--cors-allowed-origins=//shop\.example(:|$),^https://other\.example$",
        ],
    );
    let plain = ask(&address, "GET", "/healthz", "");
    let header = "strict-transport-security: max-age=31536000; includeSubDomains\r\n";
    assert!(plain.starts_with("HTTP/1.1 200") && plain.contains(header), "{plain}");
    assert!(!plain.contains("access-control-"), "{plain}");
    for (origin, allowed) in [
        ("https://shop.example", true),
        ("http://shop.example:8080", true),
        ("https://other.example", true),
        ("https://shop.example.evil.example", false),
        ("https://other.example:8443", false),
    ] {
        let origin = format!("origin: {origin}\r\n");
        let answer = ask(&address, "GET", "/healthz", &origin);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let echoed = answer.contains(&format!("access-control-allow-{origin}"));
        assert_eq!(echoed, allowed, "{answer}");
        let preflight = ask(&address, "OPTIONS", "/apis", &origin);
        assert_eq!(preflight.starts_with("HTTP/1.1 204"), allowed, "{preflight}");
        assert!(preflight.contains(header), "{preflight}");
        if allowed {
            for header in [
                "access-control-allow-methods: POST, GET, OPTIONS, PUT, DELETE, PATCH\r\n",
                "access-control-allow-credentials: true\r\n",
                "access-control-expose-headers: Date\r\n",
            ] {
                assert!(preflight.contains(header), "{preflight}");
            }
        }
    }
}

#[test]
fn reviews_go_to_the_api_servers_of_the_flags() {
    let cluster = free_port();
    let folder = folder(cluster);
    let (tokens, permissions) = (free_port(), free_port());
    let good = fs::read_to_string(folder.path().join("good")).unwrap();
    for (file, port) in [("tokens", tokens), ("permissions", permissions)] {
        let other = good.replace(&cluster.to_string(), &port.to_string());
        fs::write(folder.path().join(file), other).unwrap();
    }
    let (mut server, address) = start(
        folder.path(),
        &["--authentication-kubeconfig=tokens", "--authorization-kubeconfig=permissions"],
    );
    let answer = ask(&address, "GET", "/metrics", "authorization: Bearer a\r\n");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    server.line(&format!("https://127.0.0.1:{tokens}/apis/authentication.k8s.io/v1/tokenreviews"));
    let answer = ask(&address, "GET", "/metrics", "");
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    server.line(&format!(
        "https://127.0.0.1:{permissions}/apis/authorization.k8s.io/v1/subjectaccessreviews"
    ));
}
