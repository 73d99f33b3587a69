//! The listening side of every program: accepts connections, does TLS and HTTP, calls a router.

mod body_guard;
mod certificate_resolver;
mod connection;
mod connection_table;
mod cors;
mod deadline;
mod events;
mod exchange;
mod filters;
mod handshake_failure;
mod host;
mod idle;
mod large_headers;
mod limits;
mod listener;
mod open_files;
mod origin;
mod secure;
mod secure_options;
mod shares;
mod streams;
mod turns;
mod write_timeout;

pub(crate) use self::body_guard::until_sent;
pub use self::{
    connection::{LastOfConnection, Peer},
    connection_table::ConnectionHandle,
    events::{Closed, CutOff, Event, Observer},
    exchange::Exchange,
    filters::{FilterOptions, Filters},
    handshake_failure::HandshakeFailure,
    limits::Limits,
    listener::{serve, serve_within},
    open_files::OpenFiles,
    origin::{Origin, OriginError},
    secure::{Secure, SecureError},
    secure_options::{SecureOptions, SniCertificate, TlsVersion},
    shares::{Share, Shares},
};
