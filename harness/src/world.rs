//! Where a scenario runs.

mod cluster;
mod network;
mod people;
mod simulated;

pub use self::simulated::{Simulated, WorldError};
