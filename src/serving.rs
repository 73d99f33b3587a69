//! The listening side of every program: accepts, speaks TLS and HTTP, hands requests to a router.

mod any_client;
mod busy;
mod connections;
mod cors;
mod deadline;
mod filters;
mod held;
mod limits;
mod pair;
mod secure;
mod self_signed;
mod shown;
mod stall;
pub mod tls;

pub(crate) use self::held::until_sent;
pub use self::{
    any_client::AnyClient,
    connections::{LastOfConnection, Peer, serve, serve_within},
    filters::Filters,
    limits::Limits,
    pair::PairError,
    secure::{Secure, SecureError},
    self_signed::SelfSignedError,
};
