//! The listening side of every program: accepts, speaks TLS and HTTP, hands requests to a router.

mod any_client;
mod busy;
mod connections;
mod limits;
mod pair;
mod secure;
mod self_signed;
mod shown;
mod stall;
pub mod tls;

pub use self::{
    any_client::AnyClient,
    connections::{LastOfConnection, Peer, serve, serve_within},
    limits::Limits,
    pair::PairError,
    secure::{Secure, SecureError},
    self_signed::SelfSignedError,
};
