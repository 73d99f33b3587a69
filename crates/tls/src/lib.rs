//! TLS as every program here does it: one crypto provider, certificates verified with the rules and
//! words of Go's crypto/x509, key pairs and CA bundles in files that may change.

use std::sync::Arc;

pub mod any_client;
pub mod ca_bundle;
pub mod client;
mod handshake;
pub mod key_pair;
pub mod pem;
pub mod self_signed;
pub mod server;
pub mod x509;

pub use self::any_client::AnyClient;

/// The one crypto provider of all programs.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
