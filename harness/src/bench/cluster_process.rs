//! The cluster around the server under test, in a process of its own: this program once more.
//!
//! It prints a line when it is up. For every line of its input it prints one of JSON: the
//! [`Scrapes`] until then. It ends with its input, so that it never outlives its parent.

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use clap::Args;
use k8s_text::duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    runtime::Builder,
};

use super::{BenchError, Scrapes, Size, process};
use crate::world::BenchCluster;

/// The hidden subcommand that runs the cluster.
pub(crate) const SUBCOMMAND: &str = "bench-cluster";

const UP: &str = "up";

/// Flags of the hidden subcommand.
#[derive(Debug, Args)]
pub struct ClusterOptions {
    #[command(flatten)]
    size: Size,
    /// Longer pauses than this are between cycles.
    #[arg(long, value_parser = duration::parse)]
    pause: Duration,
    /// Where the kubeconfig goes.
    #[arg(long)]
    folder: PathBuf,
}

/// The process of the cluster. Dropping it ends it.
pub(crate) struct ClusterProcess {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// Runs the cluster until standard input ends.
pub fn run(options: &ClusterOptions) -> Result<(), BenchError> {
    Builder::new_current_thread().enable_all().build()?.block_on(serve(options))
}

async fn serve(options: &ClusterOptions) -> Result<(), BenchError> {
    let cluster = BenchCluster::build(options.size, &options.folder).await?;
    print(UP)?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        print(&serde_json::to_string(&cluster.scrapes(options.pause)).map_err(io::Error::from)?)?;
    }
    Ok(())
}

fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

// === impl ClusterProcess ===

impl ClusterProcess {
    /// Starts a cluster and waits until its cluster is up.
    pub(crate) async fn start(
        size: Size,
        pause: Duration,
        folder: &Path,
    ) -> Result<Self, BenchError> {
        let program = env::current_exe()?;
        let mut child = Command::new(&program)
            .arg(SUBCOMMAND)
            .arg(format!("--nodes={}", size.nodes))
            .arg(format!("--pods={}", size.pods))
            .arg(format!("--containers={}", size.containers))
            .arg(format!("--pause={}", duration::format(pause)))
            .arg("--folder")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| BenchError::Start { program, source })?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(BenchError::Cluster("it has no pipes".to_owned()));
        };
        let mut cluster = Self { child, input, output: BufReader::new(output).lines() };
        match cluster.output.next_line().await? {
            Some(line) if line == UP => Ok(cluster),
            _ => Err(cluster.ended().await),
        }
    }

    /// The scrapes until now.
    pub(super) async fn scrapes(&mut self) -> Result<Scrapes, BenchError> {
        if self.input.write_all(b"\n").await.is_ok()
            && let Some(line) = self.output.next_line().await?
        {
            return serde_json::from_str(&line)
                .map_err(|error| BenchError::Cluster(error.to_string()));
        }
        Err(self.ended().await)
    }

    /// CPU seconds it has used.
    pub(super) fn cpu(&self) -> io::Result<f64> {
        process::cpu(self.child.id().unwrap_or_default())
    }

    async fn ended(&mut self) -> BenchError {
        let how = self.child.wait().await.map_or_else(|e| e.to_string(), |how| how.to_string());
        BenchError::Cluster(format!("its process ended: {how}"))
    }
}
