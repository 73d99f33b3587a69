use std::{io, path::PathBuf};

use crate::{up::UpError, world::WorldError};

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// There is no server to measure.
    #[error(transparent)]
    Server(#[from] UpError),
    /// The cluster around it could not be built.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The cluster around it could not be built in a process of its own.
    #[error("failed to build a cluster to measure in: {0}")]
    Cluster(String),
    /// A program could not be started.
    #[error("failed to start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The server ended while it was measured.
    #[error("{} ended while it was measured: {how}; the end of its log:\n{words}", program.display())]
    Ended {
        /// The program.
        program: PathBuf,
        /// How it ended.
        how: String,
        /// The end of its log.
        words: String,
    },
    /// The server did not do what was waited for.
    #[error("{} did not {what} in time; the end of its log:\n{words}", program.display())]
    Late {
        /// The program.
        program: PathBuf,
        /// What was waited for.
        what: String,
        /// The end of its log.
        words: String,
    },
    /// The server does not answer as it should.
    #[error("GET {path}: {cause}")]
    Request {
        /// The path.
        path: String,
        /// What was wrong.
        cause: String,
    },
    /// The figures could not be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The system refuses what the measurement needs.
    #[error("measure: {0}")]
    System(#[from] io::Error),
}
