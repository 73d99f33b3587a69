//! One kubelet: which of its addresses, how to reach it, what it says.

mod address;
mod body;
mod cause;
mod client;
mod connect;
mod connection;
mod connection_limit;
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
mod tls;
mod verify;
mod words;

pub(crate) use self::verify::{Authorities, Chain, Usage};
pub use self::{
    address::{AddressTypes, DEFAULT_ADDRESS_TYPES},
    body::Limits,
    client::{KubeletClient, Settings, Transport},
    endpoint::{Endpoint, EndpointError},
    error::ScrapeError,
    files::{FileError, FollowedFiles, TlsFiles},
    kept::Kept,
    sample::{ContainerSample, LeftOut, PassedOver, PodSample, Point, Sample},
    tally::Tally,
    tls::{Credentials, TlsError, TlsOptions, TokenFile, client_config},
    verify::{SignatureError, X509Error},
};
