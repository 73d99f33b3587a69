//! The cluster around the server under test, in a process of its own: this program once more.
//!
//! It says a line when it is up. To every line it is sent it answers with one of JSON: the
//! [`Scrapes`] until then. It ends with its input, so that it never outlives who started it.

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
use crate::world::Rig;

/// The hidden subcommand that is the rig.
pub(crate) const SUBCOMMAND: &str = "bench-rig";

const UP: &str = "up";

/// What the rig's process is told.
#[derive(Debug, Args)]
pub struct RigOptions {
    #[command(flatten)]
    size: Size,
    /// Longer pauses than this are between cycles.
    #[arg(long, value_parser = duration::parse)]
    pause: Duration,
    /// Where the kubeconfig goes.
    #[arg(long)]
    folder: PathBuf,
}

/// The rig as its parent sees it. Dropping it ends it.
pub(super) struct RigProcess {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// Is the rig, until standard input ends.
pub fn run(options: &RigOptions) -> Result<(), BenchError> {
    Builder::new_current_thread().enable_all().build()?.block_on(serve(options))
}

async fn serve(options: &RigOptions) -> Result<(), BenchError> {
    let rig = Rig::build(options.size, &options.folder).await?;
    say(UP)?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        say(&serde_json::to_string(&rig.scrapes(options.pause)).map_err(io::Error::from)?)?;
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

// === impl RigProcess ===

impl RigProcess {
    /// Starts a rig and waits until its cluster is up.
    pub(super) async fn start(
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
            return Err(BenchError::Rig("it has no pipes".to_owned()));
        };
        let mut rig = Self { child, input, output: BufReader::new(output).lines() };
        match rig.output.next_line().await? {
            Some(line) if line == UP => Ok(rig),
            _ => Err(rig.ended().await),
        }
    }

    /// The scrapes until now.
    pub(super) async fn scrapes(&mut self) -> Result<Scrapes, BenchError> {
        if self.input.write_all(b"\n").await.is_ok()
            && let Some(line) = self.output.next_line().await?
        {
            return serde_json::from_str(&line).map_err(|error| BenchError::Rig(error.to_string()));
        }
        Err(self.ended().await)
    }

    /// CPU seconds it has used.
    pub(super) fn cpu(&self) -> io::Result<f64> {
        process::cpu(self.child.id().unwrap_or_default())
    }

    async fn ended(&mut self) -> BenchError {
        let how = self.child.wait().await.map_or_else(|e| e.to_string(), |how| how.to_string());
        BenchError::Rig(format!("its process ended: {how}"))
    }
}
