//! Flags of the sandbox world, and the way into it.

use std::{
    io,
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use clap::{Args, ValueEnum};
use k8s_text::duration;

use crate::{
    namespaces::{self, NamespaceError},
    up::{UpError, own_server},
    world::SandboxOptions,
};

/// The first argument of this program inside the namespaces.
const IN_SANDBOX: &str = "--in-sandbox";

/// The flag that names the metrics server's program.
const SERVER_FLAG: &str = "--server";

/// The flag that shows whether a program supports `profile: extension`.
const EXTENSION: &str = "--kubelet-address-fallback";

/// Scenarios in the sandbox mostly wait, so this many run for each core.
const JOBS_PER_CORE: NonZero<usize> = NonZero::new(8).unwrap();

/// Where scenarios run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WorldName {
    /// In virtual time on a network in memory, with this project's metrics server.
    Simulated,
    /// With any program in Linux namespaces, on real sockets and in real time.
    Sandbox,
}

/// Flags that only the sandbox world has.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --world sandbox")]
pub(super) struct SandboxArguments {
    /// The metrics server's program. Default: the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) server: Option<PathBuf>,
    /// A flag that every scenario gives the program, before its own. May be given several times.
    #[arg(long = "server-arg", value_name = "FLAG", allow_hyphen_values = true)]
    server_args: Vec<String>,
    /// The kubectl that is asked what `kubectl top` prints. Default: this program asks and prints
    /// as kubectl does.
    #[arg(long, value_name = "PROGRAM")]
    kubectl: Option<PathBuf>,
    /// Scenarios that take longer are skipped.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    longest: Duration,
}

/// Programs that cannot be used in the sandbox.
#[derive(Debug, thiserror::Error)]
pub(super) enum SandboxError {
    /// Namespaces cannot be had.
    #[error(transparent)]
    Namespaces(#[from] NamespaceError),
    /// A program cannot be run.
    #[error("{flag} {program}: {source}; name a program that this machine can run")]
    Program { flag: &'static str, program: String, source: io::Error },
    /// Our own program is not there.
    #[error(transparent)]
    Own(#[from] UpError),
    /// This process cannot end with the one that started it.
    #[error("failed to set up the cluster: {0}")]
    System(io::Error),
}

// === impl SandboxArguments ===

impl SandboxArguments {
    /// What the sandbox needs to know, inside the namespaces.
    pub(super) fn options(&self) -> Result<SandboxOptions, SandboxError> {
        let program = inside(self.server.as_deref())?;
        let kubectl = self.kubectl.as_deref().map(|it| find(it, "--kubectl")).transpose()?;
        Ok(SandboxOptions {
            has_extensions: has_extensions(&program)?,
            program,
            args: self.server_args.clone(),
            kubectl,
            longest: self.longest,
        })
    }
}

/// Runs this program again inside the namespaces, for scenarios with the metrics server's program
/// `server`.
pub(super) fn enter(server: Option<&Path>) -> Result<ExitCode, SandboxError> {
    // Cargo may have to build it, which needs the original namespaces.
    drop(program(server)?);
    Ok(namespaces::enter(IN_SANDBOX)?)
}

/// Lets this process end with its parent, inside the namespaces; returns the metrics server's
/// program.
pub(super) fn inside(server: Option<&Path>) -> Result<PathBuf, SandboxError> {
    namespaces::end_with_parent().map_err(SandboxError::System)?;
    program(server)
}

fn program(server: Option<&Path>) -> Result<PathBuf, SandboxError> {
    match server {
        Some(program) => find(program, SERVER_FLAG),
        None => Ok(own_server()?),
    }
}

/// How many scenarios run side by side by default.
pub(super) fn default_jobs() -> Option<NonZero<usize>> {
    thread::available_parallelism().ok().map(|cores| cores.saturating_mul(JOBS_PER_CORE))
}

/// Where a program is, whatever the current folder.
fn find(program: &Path, flag: &'static str) -> Result<PathBuf, SandboxError> {
    program.canonicalize().map_err(|source| SandboxError::Program {
        flag,
        program: program.display().to_string(),
        source,
    })
}

fn has_extensions(program: &Path) -> Result<bool, SandboxError> {
    let help = Command::new(program).arg("--help").stdin(Stdio::null()).output();
    let help = help.map_err(|source| SandboxError::Program {
        flag: SERVER_FLAG,
        program: program.display().to_string(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&[help.stdout, help.stderr].concat()).contains(EXTENSION))
}
