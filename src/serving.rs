//! The listening side of every program: accepts, speaks TLS and HTTP, hands requests to a router.

mod connections;
pub mod tls;

pub use self::connections::{Peer, serve};
