use std::sync::Arc;

use metrics_server::serving::tls::provider;
use rustls::{ServerConfig, server::NoServerSessionStorage};

use crate::certificates::Identity;

/// TLS that shows `identity`. Without sessions to resume: their store would be the largest part of
/// an idle kubelet, and every handshake shall show the certificate.
pub(crate) fn config(identity: &Identity) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(identity.chain(), identity.key())?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
