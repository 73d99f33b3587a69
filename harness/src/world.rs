//! Where a scenario runs.

mod asker;
mod changes;
mod cluster;
mod describe;
mod error;
mod files;
mod front_proxy;
mod loopback;
mod names;
mod network;
mod objects;
mod people;
mod rig;
mod running;
mod simulated;
mod token;
mod visitor;

pub(crate) use self::people::is_metrics_server;
pub(crate) use self::rig::{KUBECONFIG, Rig, TOKEN};
pub use self::{
    error::WorldError,
    loopback::{Loopback, RoomError},
    simulated::Simulated,
    visitor::Visitor,
};
