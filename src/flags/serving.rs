use std::{net::IpAddr, path::PathBuf};

use apiserver::serving::{SniCertificate, TlsVersion};
use clap::{ArgAction, Args};

use super::{
    Warning,
    list::list_of,
    values::{
        BOOL, ValueError, drop_empty_path, read_address, read_bool, read_count, read_path,
        read_port,
    },
};

/// Where and how it listens.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Secure serving")]
pub struct ServingFlags {
    /// The address to listen on; 0.0.0.0 and :: mean all addresses of the host.
    #[arg(long, value_name = "IP", default_value = "0.0.0.0", value_parser = read_address)]
    pub bind_address: IpAddr,

    /// The port to listen on.
    #[arg(long, value_name = "PORT", default_value = "443", value_parser = read_port)]
    pub secure_port: u16,

    /// The directory of the self-signed certificate that is made when no serving certificate is
    /// given.
    #[arg(long, value_name = "DIRECTORY", default_value = "apiserver.local.config/certificates", value_parser = read_path)]
    pub cert_dir: PathBuf,

    /// The serving certificate, followed by its intermediates.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub tls_cert_file: Option<PathBuf>,

    /// The key of the serving certificate.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub tls_private_key_file: Option<PathBuf>,

    /// Another serving certificate and its key, for the names after the colon or else those in
    /// the certificate; may be repeated.
    #[arg(long, value_name = "CERT,KEY[:NAME,…]", value_parser = read_sni)]
    pub tls_sni_cert_key: Vec<SniCertificate>,

    /// The lowest TLS version; at least TLS 1.2.
    #[arg(long, value_name = "VERSION", default_value = "", value_parser = read_tls_version)]
    pub tls_min_version: TlsVersion,

    /// The cipher suites of TLS 1.2, by their Go names. Default: all that are safe.
    #[arg(long, value_name = "SUITE,…", value_parser = list_of(read_cipher_suite))]
    pub tls_cipher_suites: Vec<Vec<CipherSuite>>,

    /// Serve HTTP/1.1 only.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub disable_http2_serving: bool,

    /// The most concurrent streams of one HTTP/2 connection; 0 means 250.
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = read_count)]
    pub http2_max_streams_per_connection: u64,

    /// Share the port with other processes (`SO_REUSEPORT`).
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub permit_port_sharing: bool,

    /// Listen also on an address in `TIME_WAIT` state (`SO_REUSEADDR`). This server always does, as
    /// Go servers do.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub permit_address_sharing: bool,
}

/// A cipher suite by its Go name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CipherSuite {
    /// Its name.
    pub name: String,
    /// What TLS here calls it; `None` for those that are not spoken here, because they are weak.
    pub suite: Option<rustls::CipherSuite>,
}

/// Go's names of the suites that both have.
const SPOKEN: [(&str, rustls::CipherSuite); 11] = {
    use rustls::CipherSuite as S;
    [
        ("TLS_AES_128_GCM_SHA256", S::TLS13_AES_128_GCM_SHA256),
        ("TLS_AES_256_GCM_SHA384", S::TLS13_AES_256_GCM_SHA384),
        ("TLS_CHACHA20_POLY1305_SHA256", S::TLS13_CHACHA20_POLY1305_SHA256),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", S::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", S::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
            S::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            S::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", S::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", S::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", S::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
        (
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            S::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
    ]
};

/// The suites that only Go has: without forward secrecy, with CBC, RC4 or 3DES.
const UNSPOKEN: [&str; 16] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

fn read_tls_version(text: &str) -> Result<TlsVersion, ValueError> {
    match text {
        "" | "VersionTLS10" | "VersionTLS11" | "VersionTLS12" => Ok(TlsVersion::Tls12),
        "VersionTLS13" => Ok(TlsVersion::Tls13),
        _ => Err(ValueError::OneOf("VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13")),
    }
}

fn read_cipher_suite(name: &str) -> Result<CipherSuite, ValueError> {
    let suite = SPOKEN.iter().find(|(known, _)| *known == name).map(|(_, suite)| *suite);
    if suite.is_none() && !UNSPOKEN.contains(&name) {
        let known: Vec<_> = SPOKEN.iter().map(|(known, _)| *known).collect();
        let known = known.join(", ");
        return Err(ValueError::Other(format!(
            "there is no such cipher suite: choose from {known}"
        )));
    }
    Ok(CipherSuite { name: name.to_owned(), suite })
}

fn read_sni(text: &str) -> Result<SniCertificate, ValueError> {
    let (files, names) = match text.split_once(':') {
        Some((_, "")) => return Err(ValueError::Other("write names after the colon".to_owned())),
        Some((files, names)) => (files, names),
        None => (text, ""),
    };
    match files.split(',').map(str::trim).collect::<Vec<_>>()[..] {
        [certificate, key] if !certificate.is_empty() && !key.is_empty() => Ok(SniCertificate {
            certificate: certificate.into(),
            key: key.into(),
            names: names
                .split(',')
                .map(str::trim)
                .filter(|n| !n.is_empty())
                .map(str::to_owned)
                .collect(),
        }),
        _ => Err(ValueError::Other("write certificate,key or certificate,key:name,…".to_owned())),
    }
}

// === impl ServingFlags ===

impl ServingFlags {
    pub(super) fn drop_empty(&mut self) {
        drop_empty_path(&mut self.tls_cert_file);
        drop_empty_path(&mut self.tls_private_key_file);
    }

    /// Values that are ignored because they are not safe.
    pub(super) fn warnings(&self, min_version: &str) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if matches!(min_version, "VersionTLS10" | "VersionTLS11") {
            let argument = format!("--tls-min-version={min_version}");
            warnings.push(Warning { argument, reason: "TLS 1.2 is the oldest that is served" });
        }
        let weak = self.tls_cipher_suites.iter().flatten().filter(|suite| suite.suite.is_none());
        warnings.extend(weak.map(|suite| Warning {
            argument: format!("--tls-cipher-suites={}", suite.name),
            reason: "this suite is weak and not offered; the others are",
        }));
        warnings
    }
}
