//! Where a scenario runs.

mod cluster;
mod front_proxy;
mod network;
mod people;
mod simulated;

pub use self::simulated::{Simulated, WorldError};
