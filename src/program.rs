//! The program: arguments, logging, signals, exit codes.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use k8s_text::klog::{Klog, LineWriter};
use kube::Config;
use net::{
    Doors,
    dns::{ConfigFiles, Resolver},
};
use prometheus::{IntCounterVec, Opts};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::layer::SubscriberExt;

use crate::{
    flags::{FlagError, Flags, VersionFlag},
    kubeconfigs::{self, KubeconfigError},
    server::{Server, StartError},
    status::{Build, short_version},
};

/// How long the program waits for its last log lines to be written: their reader may be stuck.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("failed to start: {0}")]
    System(#[from] io::Error),
    #[error("received a second signal before requests in flight were answered")]
    SecondSignal,
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ProgramError::Flags(FlagError::Help(text))) => {
            print(format_args!("{text}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Where it cannot be written, the exit code still reports the failure.
            if let Ok(stderr) = LineWriter::stderr(|_| {}) {
                stderr.write(&format!("Error: {error}"));
                stderr.flush(LAST_LINES);
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: impl Iterator<Item = String>) -> Result<(), ProgramError> {
    let flags = Flags::parse_from_args(args)?;
    match flags.metrics_server.version {
        VersionFlag::No => {}
        VersionFlag::Short => {
            print(format_args!("{}\n", short_version()));
            return Ok(());
        }
        VersionFlag::Raw => {
            print(format_args!("{}\n", Build::current().to_json()));
            return Ok(());
        }
    }
    let dropped = IntCounterVec::new(
        Opts::new(
            "metrics_server_log_lines_dropped_total",
            "Log lines that could not be written to stderr. Present once there was one.",
        ),
        &[],
    )
    .map_err(StartError::Metrics)?;
    let _log = Log(log_to_stderr(&flags, dropped.clone())?);
    // One thread: scraping costs less CPU without passing work to others, and the simulated world
    // runs the same way. `apiserver::serving` (turns) describes why clients cannot delay probes.
    Builder::new_current_thread().enable_all().build()?.block_on(serve(&flags, dropped))
}

/// A reader that closes its end early is no failure.
fn print(text: fmt::Arguments<'_>) {
    let _ = io::stdout().write_fmt(text);
}

/// The log, whose last lines are written before the program ends.
struct Log(LineWriter);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush(LAST_LINES);
    }
}

fn log_to_stderr(flags: &Flags, dropped: IntCounterVec) -> io::Result<LineWriter> {
    let writer = LineWriter::stderr(move |lines| {
        dropped.with_label_values::<&str>(&[]).inc_by(lines);
    })?;
    let lines = writer.clone();
    let sink = Arc::new(move |line: &str| lines.write(line));
    let klog = Klog::new(Doors::host().clock, std::process::id(), flags.logging.settings(), sink);
    // Panics are caught where tasks are awaited, but only this hook knows the location.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, err = panic.payload_as_str().unwrap_or_default(), "Panicked");
    }));
    // An error means that another subscriber is set already, which then is the right one.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(klog));
    Ok(writer)
}

async fn serve(flags: &Flags, dropped: IntCounterVec) -> Result<(), ProgramError> {
    let configs = kubeconfigs::read(flags, Config::incluster)?;
    let doors = Doors::host();
    let files =
        ConfigFiles { resolv_conf: flags.kubelet.resolv_conf.clone(), ..ConfigFiles::default() };
    let resolver = Resolver::from_files(doors.clone(), files);
    let server = Server::new(flags, &configs, doors, resolver, None)?;
    server.add_metrics(vec![Box::new(dropped)])?;
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut signal = async move || {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let second_signal = async move {
        signal().await;
        stop.send_replace(true);
        signal().await;
        tracing::warn!("Received a second signal, exiting without waiting for requests in flight");
    };
    tokio::select! {
        biased;
        ended = Box::pin(server.run(stopped)) => Ok(ended?),
        () = second_signal => Err(ProgramError::SecondSignal),
    }
}
