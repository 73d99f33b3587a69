//! What can be chosen about TLS.

use std::path::PathBuf;

/// What can be chosen about TLS, under the names of the flags of k8s.io/apiserver.
#[derive(Clone, Debug, Default)]
pub struct SecureOptions {
    /// `--cert-dir`: where a self-signed certificate is kept; empty, in memory.
    pub cert_dir: PathBuf,
    /// `--tls-cert-file`.
    pub tls_cert_file: Option<PathBuf>,
    /// `--tls-private-key-file`.
    pub tls_private_key_file: Option<PathBuf>,
    /// `--tls-sni-cert-key`.
    pub tls_sni_cert_key: Vec<SniCertificate>,
    /// `--tls-min-version`.
    pub tls_min_version: TlsVersion,
    /// `--tls-cipher-suites`; none, all that are safe.
    pub tls_cipher_suites: Vec<rustls::CipherSuite>,
    /// `--disable-http2-serving`.
    pub disable_http2_serving: bool,
    /// `--http2-max-streams-per-connection`; 0, the default.
    pub http2_max_streams_per_connection: u64,
}

/// A lower limit for TLS. Older versions than 1.2 are not spoken at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2 and everything after it.
    #[default]
    Tls12,
    /// 1.3 and everything after it.
    Tls13,
}

/// A serving certificate for some names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SniCertificate {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's file.
    pub key: PathBuf,
    /// The names it is for, wildcards allowed; empty for those in the certificate.
    pub names: Vec<String>,
}
