//! Where a scenario runs.

mod cluster;
mod error;
mod loopback;
mod network;
mod objects;
mod people;
mod rig;
mod running;
mod simulated;

pub(crate) use self::rig::{KUBECONFIG, Rig, TOKEN};
pub use self::{error::WorldError, loopback::Loopback, simulated::Simulated};

/// What stands in a scenario's flags for the path of a file with the cluster's CA.
const AUTHORITY_PLACEHOLDER: &str = "${clusterCA}";
