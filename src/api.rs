//! `metrics.k8s.io`: its resources as the generic API server serves them.

mod item;
mod not_found_reason;
mod objects;
mod resource;
mod schemas;
mod version;

use std::sync::Arc;

use apiserver::{ApiGroup, PathMux, Resource};
use axum::Router;
use jiff::Timestamp;
use net::Clock;

use self::resource::{Kind, MetricsResource};
pub use self::version::{Version, VersionError};
use crate::{cluster::Cluster, names::GROUP, scrape::Scrapes, store::Store};

/// What requests are answered from.
#[derive(Clone)]
pub struct Sources {
    /// Which nodes and pods there are.
    pub cluster: Arc<Cluster>,
    /// What they use.
    pub store: Arc<Store>,
    /// The health of their scrapes.
    pub scrapes: Arc<Scrapes>,
    /// The time.
    pub clock: Clock,
    /// Is called with the age of what is served.
    pub served: Served,
    /// What can be chosen about the answers.
    pub settings: Settings,
}

/// Takes the moment at which usage that is being served was measured.
pub type Served = Arc<dyn Fn(Timestamp) + Send + Sync>;

/// What can be chosen about the answers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The version that discovery prefers: `--preferred-api-version`.
    pub preferred: Version,
    /// The address that the server advertises, as `host:port`; the Go server leaves the host empty.
    pub address: String,
}

/// All paths of the API, to which others may be added.
pub fn paths(sources: &Sources) -> PathMux {
    let clock = sources.clock.clone();
    let group = ApiGroup {
        name: GROUP,
        versions: sources.settings.preferred.and_others().map(Version::names).collect(),
        server_address: sources.settings.address.clone(),
        resources: Kind::ALL
            .into_iter()
            .map(|kind| {
                let sources = sources.clone();
                Arc::new(MetricsResource { kind, sources }) as Arc<dyn Resource>
            })
            .collect(),
        openapi: schemas::description,
    };
    PathMux::new(group, clock)
}

/// The API alone.
pub fn router(sources: &Sources) -> Router {
    paths(sources).into_router()
}
