//! One kubelet: its addresses, connections to it, its responses and what they hold.

mod address;
mod address_choice;
mod body;
mod body_budget;
mod client;
mod connect;
mod connection;
mod connection_limit;
pub mod decode;
mod diagnosis;
mod endpoint;
mod error;
mod http;
mod identity;
mod metrics;
mod peek;
mod sample;
mod session;
mod target;
mod tls;

pub(crate) use self::diagnosis::MOST_TEXT;
pub use self::{
    address::{AddressTypes, DEFAULT_ADDRESS_TYPES},
    body::Limits,
    client::{KubeletClient, Settings, Transport},
    diagnosis::{Diagnosis, Known},
    endpoint::{Endpoint, EndpointError, Page},
    error::{ScrapeError, Stage},
    metrics::KubeletMetrics,
    sample::{ContainerSample, Dropped, LeftOut, PodSample, Point, Sample},
    session::Session,
    tls::TlsFiles,
};
