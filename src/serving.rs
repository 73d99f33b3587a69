//! The listening side of every program: accepts, speaks TLS and HTTP, hands requests to a router.

mod busy;
mod connections;
mod cors;
mod deadline;
mod filters;
mod held;
mod limits;
mod secure;
mod shown;
mod stall;

pub(crate) use self::held::until_sent;
pub use self::{
    connections::{LastOfConnection, Peer, serve, serve_within},
    filters::Filters,
    limits::Limits,
    secure::{Secure, SecureError},
};
