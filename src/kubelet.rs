//! One kubelet: its addresses, connections to it, its responses and what they hold.

mod address;
mod address_choice;
mod body;
mod body_budget;
mod client;
mod connect;
mod connection;
mod connection_limit;
mod credentials;
pub mod decode;
mod diagnosis;
mod endpoint;
mod error;
mod files;
mod http;
mod identity;
mod metrics;
mod peek;
mod sample;
mod session;
mod target;

pub(crate) use self::diagnosis::printable;
pub use self::{
    address::{AddressTypes, DEFAULT_ADDRESS_TYPES},
    body::Limits,
    client::{KubeletClient, Settings, Transport},
    credentials::{Credentials, TokenFile},
    diagnosis::{Cause, Diagnosis, Known},
    endpoint::{Endpoint, EndpointError, Page},
    error::ScrapeError,
    files::{FileError, FollowedFiles, TlsFiles},
    metrics::KubeletMetrics,
    sample::{ContainerSample, Dropped, LeftOut, PodSample, Point, Sample},
    session::Session,
};
