//! The listening side of every program: accepts, speaks TLS and HTTP, hands requests to a router.

mod any_client;
mod body_guard;
mod certificate_resolver;
mod connections;
mod cors;
mod deadline;
mod filters;
mod idle;
mod limits;
mod pair;
mod secure;
mod self_signed;
pub mod tls;
mod write_timeout;

pub(crate) use self::body_guard::until_sent;
pub use self::{
    any_client::AnyClient,
    connections::{LastOfConnection, Peer, serve, serve_within},
    filters::Filters,
    limits::Limits,
    pair::PairError,
    secure::{Secure, SecureError},
    self_signed::SelfSignedError,
};
