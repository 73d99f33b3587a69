//! TLS of the listener: certificates, server names, versions and cipher suites, from flags.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use net::{Clock, Doors, DynamicFile, FileError, FileKind, FileSource};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::ResolvesServerCert,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tls::{
    AnyClient, key_pair, provider,
    self_signed::{Kept, SelfSigned, SelfSignedError},
};

use super::{
    Limits, SecureOptions, SniCertificate, TlsVersion,
    certificate_resolver::{CertificateResolver, NamedCertificate},
};

const SERVING: FileKind =
    FileKind { name: "serving certificate", cure: "pass a PEM file that this process may read" };

/// Why connections cannot be secured.
#[derive(Debug, thiserror::Error)]
pub enum SecureError {
    /// Files that flags name cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no certificate of one's own.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// The TLS library does not support what flags configure.
    #[error("failed to set up TLS for serving: {0}")]
    Tls(#[from] rustls::Error),
}

/// How connections are secured.
pub struct Secure {
    /// For the handshakes. It stays the same when certificates change.
    pub tls: Arc<ServerConfig>,
    /// What connections may cost.
    pub limits: Limits,
    /// The self-signed certificate, if it is new.
    pub generated: Option<PathBuf>,
}

// === impl Secure ===

impl Secure {
    /// Configured by `options`, for a server at the address `bound`.
    pub fn new(options: &SecureOptions, bound: IpAddr, doors: &Doors) -> Result<Self, SecureError> {
        let (resolver, generated) = certificates(options, bound, doors)?;
        let mut limits = Limits { unauthenticated_requests: 8, ..Limits::default() };
        if let Ok(streams @ 1..) = u32::try_from(options.http2_max_streams_per_connection) {
            limits.streams = streams;
        }
        Ok(Self { tls: config(options, Arc::new(resolver))?, limits, generated })
    }
}

fn config(
    options: &SecureOptions,
    resolver: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut spoken = (*provider()).clone();
    let wanted = &options.tls_cipher_suites;
    if !wanted.is_empty() {
        // As in Go, the suites of TLS 1.3 are not a matter of choice.
        spoken
            .cipher_suites
            .retain(|suite| suite.tls13().is_some() || wanted.contains(&suite.suite()));
    }
    let speaks_12 = options.tls_min_version == TlsVersion::Tls12
        && spoken.cipher_suites.iter().any(|suite| suite.tls13().is_none());
    let versions = if speaks_12 { &[&TLS12, &TLS13][..] } else { &[&TLS13] };
    let mut config = ServerConfig::builder_with_provider(Arc::new(spoken))
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(Arc::new(AnyClient::default()))
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if !options.disable_http2_serving {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    Ok(Arc::new(config))
}

/// The certificates that `options` name, and where there is none, a self-signed one: its file, if
/// it is new.
fn certificates(
    options: &SecureOptions,
    bound: IpAddr,
    doors: &Doors,
) -> Result<(CertificateResolver, Option<PathBuf>), SecureError> {
    let open = |flags: [&'static str; 2], files: [&Path; 2], names: Option<Vec<String>>| {
        let [certificate, key] = [0, 1].map(|index| FileSource::new(flags[index], files[index]));
        let shown = move |pair| Arc::new(NamedCertificate::new(pair, names.clone()));
        key_pair::open(&doors.files, SERVING, [certificate, key], &doors.clock, shown)
    };
    let mut generated = None;
    let default = match (&options.tls_cert_file, &options.tls_private_key_file) {
        (Some(certificate), Some(key)) => {
            open(["--tls-cert-file", "--tls-private-key-file"], [certificate, key], None)?
        }
        _ if options.cert_dir.as_os_str().is_empty() => {
            let pair = memory(bound, &doors.clock)?;
            DynamicFile::fixed(Arc::new(NamedCertificate::new(pair, None)))
        }
        _ => {
            let Kept { certificate, key, is_new } =
                SelfSigned::in_folder(&options.cert_dir, bound, &doors.clock)?;
            generated = is_new.then(|| certificate.clone());
            open(["--cert-dir"; 2], [&certificate, &key], None)?
        }
    };
    let mut named = Vec::new();
    for SniCertificate { certificate, key, names } in &options.tls_sni_cert_key {
        let given = Some(names.clone()).filter(|names| !names.is_empty());
        let is_given = given.is_some();
        let certificate = open(["--tls-sni-cert-key"; 2], [certificate, key], given)?;
        named.push((is_given, certificate));
    }
    // As in the Go server, names that are given come before names in certificates.
    named.sort_by_key(|(is_given, _)| !is_given);
    let named = named.into_iter().map(|(_, certificate)| certificate).collect();
    Ok((CertificateResolver { default, named }, generated))
}

fn memory(bound: IpAddr, clock: &Clock) -> Result<CertifiedKey, SecureError> {
    let made = SelfSigned::make(bound, clock)?;
    let read = |error: pem::Error| rustls::Error::General(error.to_string());
    let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).map_err(read)?;
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).map_err(read)?;
    Ok(CertifiedKey::from_der(vec![certificate], key, &provider())?)
}
