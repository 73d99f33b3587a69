//! The TLS configurations of one kubelet, for all that its faults can do.

use std::sync::Arc;

use cluster_format::{CertificateKind, X509};
use rustls::server::danger::ClientCertVerifier;

use super::{Endpoints, KubeletError};
use crate::{
    certificates::Certificates,
    faults::ActiveFaults,
    handler::RequestHandler,
    tls::{self, ClientAuth},
};

/// Makes a kubelet's TLS configurations, whenever its names, addresses or faults change.
pub(super) struct TlsConfigs {
    pub(super) certificates: Arc<Certificates>,
    pub(super) kind: CertificateKind,
    pub(super) x509: X509,
    pub(super) clients: Arc<dyn ClientCertVerifier>,
}

// === impl TlsConfigs ===

impl TlsConfigs {
    /// One for each combination of faults.
    pub(super) fn make(
        &self,
        handler: &RequestHandler,
        endpoints: &Endpoints,
        active_faults: &ActiveFaults,
    ) -> Result<Arc<tls::ConfigSet>, KubeletError> {
        let node = &handler.name;
        let names = (endpoints.names.as_slice(), endpoints.addresses.as_slice());
        let now = handler.clock.now();
        let variant = |(fault, demanded)| {
            let identity = self
                .certificates
                .kubelet(node, self.kind, self.x509, names, &fault, now)
                .map_err(|source| KubeletError::Certificate { node: node.clone(), source })?;
            let client_auth = match (demanded, &handler.authorizer) {
                (true, _) => ClientAuth::RequireAndVerify(Arc::clone(&self.clients)),
                (false, Some(_)) => ClientAuth::Request(Arc::clone(&self.clients)),
                (false, None) => ClientAuth::None,
            };
            let tls = tls::config(&identity, client_auth, &handler.clock)
                .map_err(|source| KubeletError::Tls { node: node.clone(), source })?;
            Ok(((fault, demanded), tls))
        };
        active_faults
            .tls_variants()
            .into_iter()
            .map(variant)
            .collect::<Result<_, _>>()
            .map(Arc::new)
    }
}
