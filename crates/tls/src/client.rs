//! TLS configurations of the connecting side, with certificates verified as Go programs do.

use std::sync::Arc;

use net::{Clock, DynamicFile};
use rustls::{
    ClientConfig,
    client::{ResolvesClientCert, Resumption},
};

use crate::{
    provider,
    x509::{AcceptAny, Authorities, GoVerifier},
};

/// How servers are verified, and which certificate they are shown.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// The CAs that certificates are verified with; ignored when `insecure`.
    pub authorities: DynamicFile<Authorities>,
    /// Accept every certificate.
    pub insecure: bool,
    /// The client certificate, if any.
    pub identity: Option<Arc<dyn ResolvesClientCert>>,
}

// === impl TlsOptions ===

impl Default for TlsOptions {
    /// Has no CA, and accepts no certificate.
    fn default() -> Self {
        let authorities = DynamicFile::fixed(Authorities::default());
        Self { authorities, insecure: false, identity: None }
    }
}

/// A TLS configuration for HTTP/1.1 over TLS 1.2 and 1.3.
pub fn client_config(
    options: TlsOptions,
    clock: &Clock,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let builder = ClientConfig::builder_with_details(provider(), Arc::new(clock.clone()))
        .with_safe_default_protocol_versions()?
        .dangerous();
    let builder = if options.insecure {
        builder.with_custom_certificate_verifier(Arc::new(AcceptAny))
    } else {
        let verifier = GoVerifier::new(options.authorities, provider());
        builder.with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = match options.identity {
        Some(identity) => {
            let mut config = builder.with_client_cert_resolver(identity);
            // A resumed session would be that of an earlier certificate.
            config.resumption = Resumption::disabled();
            config
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
