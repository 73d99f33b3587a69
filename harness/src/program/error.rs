//! Why the program `scenario` ends without having done its work, and its exit codes.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

use super::{arguments::Colour, sandbox::SandboxError};
use crate::{
    attack::AttackError,
    bench::BenchError,
    capture::CaptureError,
    chaos::ChaosError,
    compare::CompareError,
    diagnose::DiagnoseError,
    explain::ExplainError,
    file::{DiscoverError, FileErrors},
    new::NewError,
    report::{EarlierError, WriteError},
    up::UpError,
};

/// Exit code when an expectation does not hold.
pub(super) const FAILED: u8 = 1;

/// Exit code for a bad file or bad usage; clap uses it for arguments too.
const BAD_INPUT: u8 = 2;

/// Exit code when a report cannot be written.
const NO_REPORT: u8 = 3;

/// Exit code where the sandbox world cannot be had.
const NO_SANDBOX: u8 = 4;

/// Why the program ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProgramError {
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    #[error("{} scenario files have mistakes", .0.len())]
    Files(Vec<FileErrors>),
    #[error("{} files of --known-failures have mistakes", .0.len())]
    KnownFailures(Vec<FileErrors>),
    #[error("no scenario fits --filter: see \"scenario list\" for names and labels")]
    NothingLeft,
    #[error("{} is several scenarios: choose one of them with --case: {cases}", .path.display())]
    Case { path: PathBuf, cases: String },
    #[error("{} has no matrix: leave --case out", .0.display())]
    NoMatrix(PathBuf),
    #[error("failed to write to standard output: {0}")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Report(#[from] WriteError),
    #[error(transparent)]
    Earlier(#[from] EarlierError),
    #[error("two reports go to {}; give each a file of its own", .0.display())]
    SameFile(PathBuf),
    #[error(transparent)]
    Up(#[from] UpError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Attack(#[from] AttackError),
    #[error(transparent)]
    Explain(ExplainError),
    #[error(transparent)]
    New(NewError),
    #[error(transparent)]
    Capture(CaptureError),
    #[error(transparent)]
    Chaos(ChaosError),
    #[error(transparent)]
    Diagnose(DiagnoseError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

// === impl ProgramError ===

impl ProgramError {
    /// What the user reads on standard error.
    pub(super) fn render(&self, colour: Colour) -> String {
        let (Self::Files(errors) | Self::KnownFailures(errors)) = self else {
            return format!("error: {self}");
        };
        let colour = colour.on(io::stderr().is_terminal());
        let texts: Vec<_> = errors.iter().map(|error| error.render(colour)).collect();
        let texts: Vec<_> = texts.iter().map(|text| text.trim_end()).collect();
        texts.join("\n\n")
    }

    /// The program's exit code.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Report(_) | Self::Chaos(_) | Self::Diagnose(DiagnoseError::Write { .. }) => {
                NO_REPORT
            }
            Self::Sandbox(SandboxError::Namespaces(_)) => NO_SANDBOX,
            Self::Up(_) | Self::Bench(_) | Self::Attack(_) => FAILED,
            _ => BAD_INPUT,
        }
    }
}

impl From<NewError> for ProgramError {
    fn from(error: NewError) -> Self {
        match error {
            NewError::Print(error) => Self::Write(error),
            error => Self::New(error),
        }
    }
}

impl From<ExplainError> for ProgramError {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Write(error) => Self::Write(error),
            error @ ExplainError::Read { .. } => Self::Explain(error),
        }
    }
}

impl From<CompareError> for ProgramError {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Write(error) => Self::Write(error),
            CompareError::Report(error) => Self::Earlier(error),
        }
    }
}

impl From<CaptureError> for ProgramError {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::Print(error) => Self::Write(error),
            error => Self::Capture(error),
        }
    }
}

impl From<ChaosError> for ProgramError {
    fn from(error: ChaosError) -> Self {
        match error {
            ChaosError::Print(error) => Self::Write(error),
            error @ ChaosError::Write { .. } => Self::Chaos(error),
        }
    }
}

impl From<DiagnoseError> for ProgramError {
    fn from(error: DiagnoseError) -> Self {
        match error {
            DiagnoseError::Print(error) => Self::Write(error),
            DiagnoseError::File(errors) => Self::Files(vec![errors]),
            error => Self::Diagnose(error),
        }
    }
}
