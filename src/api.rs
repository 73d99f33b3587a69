//! `metrics.k8s.io` over HTTP: discovery, objects, errors.
//!
//! A request is understood (`target`, `asked`, `options`), what it asks for is negotiated
//! (`accept`, `negotiate`), found (`objects`) and written (`item`, `table`, `list`, `encode`)
//! straight into the response.

mod accept;
mod answer;
mod asked;
mod discovery;
mod encode;
mod field_selector;
mod interface;
mod item;
mod list;
mod list_memory;
mod negotiate;
mod objects;
mod openapi;
mod options;
mod query;
mod read;
mod resource;
mod schemas;
mod send;
mod status;
mod table;
mod target;
mod version;
mod why;

use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;
use net::Clock;

pub use self::{
    asked::Asked,
    interface::Interface,
    status::{Details, Status},
    version::{Version, VersionError},
};
use crate::{cluster::Cluster, scrape::Scrapes, store::Store};

/// The group of the API.
pub const GROUP: &str = "metrics.k8s.io";

/// What requests are answered from.
#[derive(Clone)]
pub struct Sources {
    /// Which nodes and pods there are.
    pub cluster: Arc<Cluster>,
    /// What they use.
    pub store: Arc<Store>,
    /// How their scraping goes.
    pub scrapes: Arc<Scrapes>,
    /// What time it is.
    pub clock: Clock,
    /// Is told how old what is served is.
    pub served: Served,
    /// What can be chosen about the answers.
    pub settings: Settings,
}

/// Takes the moment at which usage that is being served was measured.
pub type Served = Arc<dyn Fn(Timestamp) + Send + Sync>;

/// What can be chosen about the answers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The version that clients are told to use when they have no wish of their own:
    /// `--preferred-api-version`.
    pub preferred: Version,
    /// Where the server says that it can be reached, as `host:port`; the Go server leaves the
    /// host empty.
    pub address: String,
}

/// The server's HTTP interface, to which others may add their paths.
pub fn interface(sources: Sources) -> Interface {
    let mut interface = Interface::new(sources).list("/apis").list(&format!("/apis/{GROUP}"));
    for version in Version::ALL {
        interface = interface.list(&format!("/apis/{GROUP}/{version}"));
    }
    openapi::add_to(interface, schemas::description)
}

/// The server's HTTP interface as it stands.
pub fn router(sources: Sources) -> Router {
    interface(sources).into_router()
}
