//! Time, the network and randomness: each enters a program through one door, so that the same code
//! runs on a real machine and in a simulated world. Above them, names are resolved (`dns`) and
//! hosts are dialed (`dial`).

mod clock;
pub mod dial;
pub mod dns;
pub mod errno;
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
