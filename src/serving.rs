//! The listening side of every program: accepts, speaks TLS and HTTP, hands requests to a router.

mod any_client;
mod body_guard;
mod certificate_resolver;
mod connection;
mod connection_table;
mod cors;
mod deadline;
mod events;
mod exchange;
mod filters;
mod host;
mod idle;
mod limits;
mod listener;
mod open_files;
mod pair;
mod secure;
mod self_signed;
mod shares;
mod streams;
pub mod tls;
mod turns;
mod write_timeout;

pub(crate) use self::body_guard::until_sent;
pub use self::{
    any_client::AnyClient,
    connection::{LastOfConnection, Peer},
    connection_table::ConnectionHandle,
    events::{Closed, CutOff, Event, Observer},
    exchange::Exchange,
    filters::Filters,
    limits::Limits,
    listener::{serve, serve_within},
    open_files::OpenFiles,
    pair::PairError,
    secure::{Secure, SecureError},
    self_signed::SelfSignedError,
    shares::{Share, Shares},
};
