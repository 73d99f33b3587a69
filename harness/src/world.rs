//! Where a scenario runs.

mod cluster;
mod describe;
mod error;
mod faults;
mod front_proxy;
mod loopback;
mod network;
mod objects;
mod people;
mod rig;
mod running;
mod simulated;
mod usage;
mod visitor;

pub(crate) use self::rig::{KUBECONFIG, Rig, TOKEN};
pub use self::{error::WorldError, loopback::Loopback, simulated::Simulated, visitor::Visitor};

/// What stands in a scenario's flags for the path of a file with the cluster's CA.
const AUTHORITY_PLACEHOLDER: &str = "${clusterCA}";
