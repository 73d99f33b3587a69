//! The TLS of one kubelet.

use std::sync::Arc;

use rustls::server::danger::ClientCertVerifier;

use super::{Inside, KubeletError};
use crate::{
    answers::Answers,
    certificates::{CertificateKind, Certificates},
    faults::Standing,
    tls::{self, Clients},
};

/// Makes the TLS that a kubelet speaks, as often as its names, its addresses or its faults change.
pub(super) struct TlsMaker {
    pub(super) certificates: Arc<Certificates>,
    pub(super) kind: CertificateKind,
    pub(super) clients: Arc<dyn ClientCertVerifier>,
}

// === impl TlsMaker ===

impl TlsMaker {
    /// All that the faults need, by what they say is wrong.
    pub(super) fn make(
        &self,
        answers: &Answers,
        inside: &Inside,
        standing: &Standing,
    ) -> Result<Arc<tls::Choices>, KubeletError> {
        let node = &answers.name;
        let names = (inside.names.as_slice(), inside.addresses.as_slice());
        let now = answers.clock.now();
        let choice = |(fault, demanded)| {
            let identity = self
                .certificates
                .kubelet(node, self.kind, names, &fault, now)
                .map_err(|source| KubeletError::Certificate { node: node.clone(), source })?;
            let clients = match (demanded, &answers.gate) {
                (true, _) => Clients::Demanded(Arc::clone(&self.clients)),
                (false, Some(_)) => Clients::Asked(Arc::clone(&self.clients)),
                (false, None) => Clients::Ignored,
            };
            let tls = tls::config(&identity, clients, &answers.clock)
                .map_err(|source| KubeletError::Tls { node: node.clone(), source })?;
            Ok(((fault, demanded), tls))
        };
        standing.tls_needed().into_iter().map(choice).collect::<Result<_, _>>().map(Arc::new)
    }
}
