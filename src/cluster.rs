//! What the API server tells: the nodes and the running pods, and nothing more of them than
//! scraping and serving need.

mod node;
mod pod_row;
mod registry;
mod watch;

pub use self::{
    node::{Node, NodeAddress},
    registry::{Cluster, PodKey, PodLabels, RunningPod},
    watch::watch,
};
