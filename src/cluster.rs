//! What the API server tells: the nodes and the running pods, and nothing more of them than
//! scraping and serving need.

mod backoff;
mod client;
mod node;
mod patience;
mod registry;
mod token;
mod trouble;
mod watch;

pub(crate) use self::trouble::{explain, report};
pub use self::{
    backoff::Backoff,
    client::{ApiClient, ApiClientError, api_client},
    node::{Node, NodeAddress},
    registry::{Cluster, PodKey, PodLabels},
    watch::watch,
};
