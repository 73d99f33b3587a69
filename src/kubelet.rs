//! One kubelet: which of its addresses, how to reach it, what it says.

mod address;
mod body;
mod cause;
mod client;
mod connect;
mod connection;
mod credentials;
mod cure;
pub mod decode;
mod endpoint;
mod error;
mod fallback;
mod files;
mod http;
mod identity;
mod kept;
mod overheard;
mod room;
mod sample;
mod tally;
mod target;
mod words;

pub use self::{
    address::{AddressTypes, DEFAULT_ADDRESS_TYPES},
    body::Limits,
    client::{KubeletClient, Settings, Transport},
    credentials::{Credentials, TokenFile},
    endpoint::{Endpoint, EndpointError},
    error::ScrapeError,
    files::{FileError, FollowedFiles, TlsFiles},
    kept::Kept,
    sample::{ContainerSample, LeftOut, PassedOver, PodSample, Point, Sample},
    tally::Tally,
};
