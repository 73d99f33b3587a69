use std::{io, path::PathBuf};

use crate::{bench::BenchError, up::UpError};

/// Why nothing could be attacked.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    /// There is no server to attack.
    #[error(transparent)]
    Server(#[from] UpError),
    /// The cluster or the server did not come up, or the server has ended.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// Attackers cannot be equipped.
    #[error("failed to make the attackers' certificates: {0}")]
    Certificates(#[from] rcgen::Error),
    /// TLS does not work here, or not with the attackers' certificates.
    #[error("failed to set up TLS for the attackers: {0}")]
    Tls(#[from] rustls::Error),
    /// The thread of the users has ended.
    #[error("the users beside the attack panicked")]
    Users,
    /// The figures could not be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The system refuses what the attacks need.
    #[error("failed to set up the attack: {0}")]
    System(#[source] io::Error),
}
