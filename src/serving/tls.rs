//! TLS configurations of the listening side.

use std::{net::IpAddr, sync::Arc};

use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::danger::ClientCertVerifier,
};
use time::OffsetDateTime;

use super::AnyClient;
use crate::doors::Clock;

/// Why a serving certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServingCertificateError {
    /// A self-signed certificate could not be made.
    #[error("make a self-signed certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS cannot use the certificate with its key.
    #[error("use the serving certificate: {0}")]
    Use(#[from] rustls::Error),
}

/// The one crypto provider of all programs.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A configuration with a self-signed certificate made on the spot for `names` and `addresses`,
/// under which clients may show any certificate.
pub fn self_signed(
    names: &[&str],
    addresses: &[IpAddr],
    clock: &Clock,
) -> Result<Arc<ServerConfig>, ServingCertificateError> {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names)?;
    params.subject_alt_names.extend(addresses.iter().map(|ip| SanType::IpAddress(*ip)));
    let now = OffsetDateTime::from_unix_timestamp(clock.now().as_second())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // As Go's: an hour back, for clocks that go wrong, and a year on.
    params.not_before = now - time::Duration::hours(1);
    params.not_after = now + time::Duration::days(365);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(config(vec![certificate.der().clone()], key, Arc::new(AnyClient::default()))?)
}

/// A configuration for HTTP/2 and HTTP/1.1 that shows `chain` and judges clients' certificates with `clients`.
pub fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
