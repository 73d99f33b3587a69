use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

/// The text before the node's name in the certificates that the cluster issues to kubelets.
const NODE_USER: &str = "system:node:";

/// The node whose kubelet has this certificate, where it names one: those that the cluster signs do,
/// those that kubelets make for themselves do not.
pub(super) fn node_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    name.strip_prefix(NODE_USER).filter(|node| !node.is_empty()).map(str::to_owned)
}
