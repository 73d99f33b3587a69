//! The nodes and running pods that the API server lists, with only the fields that scraping and
//! serving need.

mod list;
mod node;
mod pod_row;
mod registry;
mod watch;

pub(crate) use self::list::{has_running_pods, list_nodes};
pub use self::{
    node::{Capacity, Node, NodeAddress},
    registry::{Cluster, PodKey, PodLabels, RunningPod},
    watch::watch,
};
