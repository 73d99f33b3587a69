//! Time, the network and randomness: each enters the programs through one door, so that the same
//! code runs on a real machine and in the harness's simulated world.

mod clock;
mod network;
mod random;

use std::sync::Arc;

pub use self::{
    clock::Clock,
    network::{ByteStream, Datagram, HostNetwork, Listener, Network, Stream},
    random::Random,
};

/// The three doors together, as every program is handed them.
#[derive(Clone)]
pub struct Doors {
    /// Wall-clock time.
    pub clock: Clock,
    /// Connections out and in.
    pub network: Arc<dyn Network>,
    /// Jitter and identifiers.
    pub random: Random,
}

impl Doors {
    /// The doors of the machine the program runs on.
    pub fn host() -> Self {
        Self { clock: Clock::system(), network: Arc::new(HostNetwork), random: Random::from_os() }
    }
}
