//! Those who ask the metrics server itself, past the API server.

use base64::{Engine, engine::general_purpose::STANDARD};
use fake_kubelet::Identity;
use kube::Config;

/// Who they show that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor<'a> {
    /// Nothing.
    Nobody,
    /// A certificate of the cluster's CA.
    User {
        /// The user's name.
        name: &'a str,
        /// The user's group.
        group: &'a str,
    },
    /// The certificate that the API server shows when it passes requests on: what they say in
    /// `X-Remote-*` headers is believed.
    FrontProxy,
}

/// Reaches a server at `url`, whose certificate nobody has signed, showing `identity`.
pub(super) fn config(url: http::Uri, identity: Option<&Identity>) -> Config {
    let mut config = Config::new(url);
    config.accept_invalid_certs = true;
    // Without any, all of the system's would be read, and then not used.
    config.root_cert = Some(Vec::new());
    if let Some(identity) = identity {
        show(&mut config, identity);
    }
    config
}

/// Shows `identity` from now on.
pub(super) fn show(config: &mut Config, identity: &Identity) {
    config.auth_info.client_certificate_data = Some(STANDARD.encode(identity.chain_pem()));
    config.auth_info.client_key_data = Some(STANDARD.encode(identity.key_pem()).into());
}
