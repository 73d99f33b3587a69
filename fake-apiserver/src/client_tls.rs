//! TLS to backends and kubelets, whose certificates are not verified: an `APIService` with
//! `insecureSkipTLSVerify` allows it, and kubelets sign their own.

use std::sync::Arc;

use rustls::{
    ClientConfig,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::SingleCertAndKey,
};
use tls::{
    key_pair::{KeyPairError, certified},
    provider,
    x509::AcceptAny,
};

/// A client certificate, its issuers, and its key.
pub struct ClientCertificate {
    /// The certificate first, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the first.
    pub key: PrivateKeyDer<'static>,
}

/// A backend or kubelet that TLS cannot be used with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The client certificate does not fit its key.
    #[error("failed to use the client certificate: {0}")]
    Certificate(#[from] KeyPairError),
    /// TLS cannot be set up.
    #[error("failed to set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The Service is no server name.
    #[error("failed to use the Service as a server name: {0}")]
    Name(#[from] rustls::pki_types::InvalidDnsNameError),
}

pub(super) fn config(certificate: Option<ClientCertificate>) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAny));
    let mut config = match certificate {
        Some(ClientCertificate { chain, key }) => {
            let pair = certified(chain, key)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair)))
        }
        None => builder.with_no_client_auth(),
    };
    // Whether a session may be resumed depends on real time, which a simulated world does not have.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
