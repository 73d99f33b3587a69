//! Time, the network, randomness and other programs: each enters a program through one door, so that
//! the same code runs on a real machine and in a simulated world. Above them, names are resolved
//! (`dns`), hosts are dialed (`dial`), through proxies where there
//! are any (`proxy`), and files are read again when others change them
//! (`dynamic_file`).

mod clock;
pub mod dial;
pub mod dns;
mod dynamic_file;
pub mod errno;
mod network;
mod programs;
pub mod proxy;
mod random;

use std::sync::Arc;

pub use self::{
    clock::Clock,
    dynamic_file::{DynamicFile, FileError, FileKind, FileSource, Files, Malformed},
    network::{ByteStream, Datagram, HostNetwork, Listener, Network, Stream},
    programs::Programs,
    random::Random,
};

/// The doors together, which every program passes on.
#[derive(Clone)]
pub struct Doors {
    /// Wall-clock time.
    pub clock: Clock,
    /// Connections out and in.
    pub network: Arc<dyn Network>,
    /// Jitter and identifiers.
    pub random: Random,
    /// Files that change while the program runs.
    pub files: Files,
    /// Other programs.
    pub programs: Programs,
}

impl Doors {
    /// The doors of the machine the program runs on.
    pub fn host() -> Self {
        Self {
            clock: Clock::system(),
            network: Arc::new(HostNetwork),
            random: Random::from_os(),
            files: Files::default(),
            programs: Programs::default(),
        }
    }
}
