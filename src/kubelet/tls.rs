use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{ClientConfig, client::ResolvesClientCert, pki_types::CertificateDer};

use super::verify::{Authorities, BelieveAnything, KubeletVerifier};
use crate::{doors::Clock, serving::tls::provider};

/// How TLS towards kubelets is done.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Certificates of the authorities to believe; ignored when `insecure`.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Believe every certificate.
    pub insecure: bool,
    /// The client certificate to show, if any.
    pub identity: Option<Arc<dyn ResolvesClientCert>>,
}

/// What a kubelet is shown besides a certificate.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// A bearer token.
    Token(Arc<str>),
    /// A file with a bearer token.
    TokenFile(Arc<TokenFile>),
}

/// A file with a bearer token, read again for every cycle, because tokens are rotated.
pub struct TokenFile {
    path: PathBuf,
    /// What it held when it could be read last.
    last: Mutex<Option<Arc<str>>>,
}

/// A TLS configuration that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// An authority's certificate cannot be used.
    #[error("use the certificate authority for kubelets: {0}")]
    Authority(#[source] rustls::Error),
    /// The crypto provider lacks the default protocol versions.
    #[error("set up TLS: {0}")]
    Protocol(#[source] rustls::Error),
}

/// The TLS configuration for connections to kubelets.
pub fn client_config(options: TlsOptions, clock: &Clock) -> Result<Arc<ClientConfig>, TlsError> {
    let authorities = Authorities::new(options.authorities).map_err(TlsError::Authority)?;
    let builder = ClientConfig::builder_with_details(provider(), Arc::new(clock.clone()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Protocol)?
        .dangerous();
    let builder = if options.insecure {
        builder.with_custom_certificate_verifier(Arc::new(BelieveAnything::new(provider())))
    } else {
        builder.with_custom_certificate_verifier(Arc::new(KubeletVerifier::new(
            authorities,
            provider(),
        )))
    };
    let mut config = match options.identity {
        Some(identity) => builder.with_client_cert_resolver(identity),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

// === impl Credentials ===

impl Credentials {
    /// The token to show now.
    pub fn token(&self) -> Option<Arc<str>> {
        match self {
            Self::None => None,
            Self::Token(token) => Some(token.clone()),
            Self::TokenFile(file) => file.read(),
        }
    }
}

// === impl TokenFile ===

impl TokenFile {
    /// A file that has not been read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), last: Mutex::default() }
    }

    /// The token; the one before it while the file cannot be read.
    fn read(&self) -> Option<Arc<str>> {
        // A few hundred bytes of a file system in memory. A read on another thread would end when
        // it ends, and two runs in the simulated world would differ.
        let read = std::fs::read_to_string(&self.path);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(token) => *last = Some(token.trim().into()),
            Err(error) => {
                let file = self.path.display();
                tracing::error!(%file, err = %error, "Failed to read the token for kubelets");
            }
        }
        last.clone()
    }
}
