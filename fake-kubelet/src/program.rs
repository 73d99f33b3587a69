//! The program `fake-kubelet`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Parser, Subcommand};
use kube::config::{KubeConfigOptions, Kubeconfig};
use metrics_server::{doors::Doors, duration};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    access::{ApiServer, NobodyKnown, Reviewer},
    certificates::{CertificateError, Certificates},
    config::{Config, ConfigError},
    fleet::Fleet,
    kubelet::{KubeletError, Surroundings},
    record::{Order, RecordError, record},
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
    /// Runs the kubelets of a configuration file until it is told to end (SIGINT or SIGTERM).
    Run(Run),
    /// Saves what a real kubelet says, through the API server's node proxy, for `replay`.
    Record(Record),
}

#[derive(Debug, clap::Args)]
struct Run {
    /// Which kubelets to run, in YAML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The cluster whose API server kubelets with `access: Webhook` ask who may ask them.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Where to write the CA of kubelets with `certificate: Signed`, in PEM.
    #[arg(long, value_name = "FILE")]
    write_ca: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Record {
    /// The node whose kubelet is asked.
    #[arg(long)]
    node: String,
    /// The cluster. Default: as kubectl finds it.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How many scrapes to save.
    #[arg(long, default_value_t = 3)]
    scrapes: u32,
    /// How far apart they are.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    every: Duration,
    /// The folder to save them in.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Replace the names of node, namespaces, pods and containers, the same by the same each time.
    #[arg(long)]
    rename: bool,
}

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(
        "node {node:?} has access: Webhook: name a cluster with --kubeconfig, or write access: Open"
    )]
    NoKubeconfig { node: String },
    #[error("use the kubeconfig {}: {reason}", file.display())]
    Kubeconfig { file: PathBuf, reason: String },
    #[error("find a cluster: {0}; name one with --kubeconfig")]
    NoCluster(String),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("write the CA to {}: {source}", file.display())]
    WriteCa { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Kubelet(#[from] KubeletError),
    #[error("listen to signals: {0}")]
    Signals(io::Error),
    #[error("start the runtime: {0}")]
    Runtime(io::Error),
}

/// Runs the program with the process's arguments.
#[allow(clippy::print_stderr, reason = "a program talks to the terminal")]
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ProgramError::Runtime)
        .and_then(|runtime| match command {
            Command::Run(run) => runtime.block_on(run.run()),
            Command::Record(record) => runtime.block_on(record.run()),
        });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake-kubelet: {error}");
            error.exit_code()
        }
    }
}

// === impl Run ===

impl Run {
    #[allow(clippy::print_stdout, reason = "a program talks to the terminal")]
    async fn run(self) -> Result<(), ProgramError> {
        let mut interrupted = signal(SignalKind::interrupt()).map_err(ProgramError::Signals)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(ProgramError::Signals)?;
        let config = Config::read(&self.config)?;
        let reviewer = self.reviewer(&config).await?;
        let doors = Doors::host();
        let now = doors.clock.now();
        let specs = config.specs(&self.config, now)?;
        let certificates = Arc::new(Certificates::new(now)?);
        if let Some(file) = self.write_ca {
            fs::write(&file, certificates.cluster().pem())
                .map_err(|source| ProgramError::WriteCa { file, source })?;
        }
        let observer = Arc::new(());
        let surroundings = Surroundings { doors, certificates, reviewer, observer };
        let fleet = Fleet::start(specs, surroundings).await?;
        for kubelet in fleet.all() {
            for address in kubelet.listens_on().await {
                println!("{} https://{address}/metrics/resource", kubelet.name());
            }
        }
        tokio::select! {
            biased;
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        fleet.stop().await;
        Ok(())
    }

    async fn reviewer(&self, config: &Config) -> Result<Arc<dyn Reviewer>, ProgramError> {
        match (config.first_with_webhook(), &self.kubeconfig) {
            (None, _) => Ok(Arc::new(NobodyKnown)),
            (Some(_), Some(file)) => Ok(Arc::new(ApiServer::new(client(file).await?))),
            (Some(node), None) => Err(ProgramError::NoKubeconfig { node: node.to_owned() }),
        }
    }
}

// === impl Record ===

impl Record {
    #[allow(clippy::print_stdout, reason = "a program talks to the terminal")]
    async fn run(self) -> Result<(), ProgramError> {
        let client = match &self.kubeconfig {
            Some(file) => client(file).await?,
            None => kube::Client::try_default()
                .await
                .map_err(|error| ProgramError::NoCluster(error.to_string()))?,
        };
        let order = Order {
            node: self.node,
            scrapes: self.scrapes,
            every: self.every,
            folder: self.out,
            rename: self.rename,
        };
        record(&client, &order, |file| println!("{}", file.display())).await?;
        Ok(())
    }
}

async fn client(file: &Path) -> Result<kube::Client, ProgramError> {
    let failed = |reason: String| ProgramError::Kubeconfig { file: file.to_owned(), reason };
    let kubeconfig = Kubeconfig::read_from(file).map_err(|error| failed(error.to_string()))?;
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| failed(error.to_string()))?;
    kube::Client::try_from(config).map_err(|error| failed(error.to_string()))
}

// === impl ProgramError ===

impl ProgramError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_)
            | Self::NoKubeconfig { .. }
            | Self::Kubeconfig { .. }
            | Self::NoCluster(_) => BAD_CONFIG.into(),
            _ => ExitCode::FAILURE,
        }
    }
}
