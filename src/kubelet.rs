//! One kubelet: which of its addresses, how to reach it, what it says.

mod address;
mod cause;
mod client;
mod connection;
mod cure;
pub mod decode;
mod error;
mod files;
mod sample;
mod target;
mod tls;
mod verify;
mod words;

pub use self::{
    address::{AddressTypes, DEFAULT_ADDRESS_TYPES},
    client::{KubeletClient, Settings, Transport},
    connection::Connection,
    error::ScrapeError,
    files::{FileError, TlsFiles},
    sample::{ContainerSample, LeftOut, PodSample, Point, Sample},
    tls::{Credentials, TlsError, TlsOptions, TokenFile, client_config},
    verify::X509Error,
};
