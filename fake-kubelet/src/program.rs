//! The program `fake-kubelet`.

mod client_ca;
mod cluster_flags;
mod record;
mod run;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{Parser, Subcommand};
use cluster_format::FileErrors;
use k8s_text::klog::{Klog, Settings};
use net::Doors;
use tracing_subscriber::layer::SubscriberExt;

use self::{cluster_flags::ClusterFlags, record::Record, run::Run};
use crate::{
    api_server::LocalApiServerError,
    certificates::CertificateError,
    cluster::{ClusterError, Ownership, delete_all},
    config::{self, Config, DEFAULT_OWNER},
    kubelet::KubeletError,
    random::RandomError,
    record::RecordError,
    spec::SpecError,
};

/// Exit code when what the user wrote cannot be used; clap's own for flags is the same.
const BAD_CONFIG: u8 = 2;

/// Thousands of kubelets in one process, true to the real one, each with its own faults.
#[derive(Debug, Parser)]
#[command(name = "fake-kubelet", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the kubelets of a configuration file until SIGINT or SIGTERM.
    Run(Run),
    /// Deletes from a cluster what crashed runs have left there.
    Clean(Clean),
    /// Records a real kubelet for `replay`.
    Record(Record),
    /// Finds mistakes in configuration files.
    Check(Check),
    /// Writes the JSON Schema of configuration files.
    Schema,
}

#[derive(Debug, clap::Args)]
struct Clean {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Whose nodes, pods and Leases: the configuration's cluster.owner.
    #[arg(long, default_value = DEFAULT_OWNER)]
    owner: String,
}

#[derive(Debug, clap::Args)]
struct Check {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error(transparent)]
    Config(#[from] FileErrors),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error("{0} of the files cannot be used")]
    BadFiles(usize),
    #[error(
        "node {node:?} has access: Webhook: name a cluster with --kubeconfig or --in-cluster, have one made with --out, or write `kubelet: {{access: Open}}`"
    )]
    NoKubeconfig { node: String },
    #[error(
        "the configuration asks for nodes in a cluster: name it with --kubeconfig or --in-cluster, or have one made with --out"
    )]
    NoCluster,
    #[error(
        "node {node:?} listens on all addresses: say with --address where the cluster reaches it"
    )]
    NoAddress { node: String },
    #[error("use the kubeconfig {}: {reason}", file.display())]
    Kubeconfig { file: PathBuf, reason: String },
    #[error("failed to find a cluster: {0}; name one with --kubeconfig")]
    UnknownCluster(String),
    #[error(
        "failed to find the kubelet of node {node:?}: {reason}; name its address with --address"
    )]
    NoKubelet { node: String, reason: String },
    #[error("use the CAs of clients in {}: {reason}", file.display())]
    ClientCa { file: PathBuf, reason: String },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("failed to write {}: {source}", file.display())]
    Write { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Kubelet(#[from] KubeletError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    LocalApiServer(#[from] LocalApiServerError),
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error("failed to listen to signals: {0}")]
    Signals(io::Error),
    #[error("failed to start the runtime: {0}")]
    Runtime(io::Error),
}

/// The crates whose events are logged.
const LOGGED_CRATES: [&str; 6] =
    ["fake_apiserver", "fake_kubelet", "kube_dial", "metrics_server", "net", "tls"];

/// Runs the program with the process's arguments.
#[allow(clippy::print_stderr, clippy::print_stdout, reason = "a program talks to the terminal")]
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let sink = Arc::new(|line: &str| eprintln!("{line}"));
    let settings = Settings { crates: &LOGGED_CRATES, ..Settings::default() };
    let klog = Klog::new(Doors::host().clock, std::process::id(), settings, sink);
    // It fails only where another one is installed: then that one is used.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(klog));
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ProgramError::Runtime)
        .and_then(|runtime| match command {
            Command::Run(run) => runtime.block_on(Box::pin(run.run())),
            Command::Clean(clean) => runtime.block_on(clean.run()),
            Command::Record(record) => runtime.block_on(record.run()),
            Command::Check(check) => check.run(),
            Command::Schema => {
                println!("{:#}", config::schema());
                Ok(())
            }
        });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake-kubelet: {error}");
            error.exit_code()
        }
    }
}

// === impl Clean ===

impl Clean {
    #[allow(clippy::print_stdout, reason = "a program talks to the terminal")]
    async fn run(self) -> Result<(), ProgramError> {
        let client = self.cluster.client().await?;
        let ownership = Ownership { owner: self.owner, instance: None, namespace: None };
        let removed = delete_all(&client, &ownership).await?;
        println!("{removed}");
        Ok(())
    }
}

// === impl Check ===

impl Check {
    #[allow(clippy::print_stderr, reason = "a program talks to the terminal")]
    fn run(self) -> Result<(), ProgramError> {
        let now = Doors::host().clock.now();
        let mut bad = 0;
        for file in &self.files {
            if let Err(errors) = Config::read(file, now) {
                bad += 1;
                eprintln!("{}", errors.render(io::stderr().is_terminal()));
            }
        }
        if bad == 0 { Ok(()) } else { Err(ProgramError::BadFiles(bad)) }
    }
}

// === impl ProgramError ===

impl ProgramError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_)
            | Self::Spec(_)
            | Self::BadFiles(_)
            | Self::NoKubeconfig { .. }
            | Self::NoCluster
            | Self::NoAddress { .. }
            | Self::Kubeconfig { .. }
            | Self::UnknownCluster(_)
            | Self::ClientCa { .. } => BAD_CONFIG.into(),
            _ => ExitCode::FAILURE,
        }
    }
}
