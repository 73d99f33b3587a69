//! The program: arguments, logging, signals, exit codes.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use apiserver::serving::OpenFiles;
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
    check::{self, CheckError},
    flags::{FlagError, Flags, VersionFlag},
    kubeconfigs::{self, KubeconfigError},
    server::{Server, StartError},
    status::{Build, short_version},
};

/// How long the program waits for its last log lines to be written: their reader may be stuck.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The exit code where `--check` could check nothing: 1 means that something is wrong.
const NOT_CHECKED: u8 = 2;

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("failed to start: {0}")]
    System(#[from] io::Error),
    #[error("received a second signal before requests in flight were answered")]
    SecondSignal,
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    // Flags that cannot be read do not tell.
    let checks = args.iter().any(|arg| ["--check", "--check=true"].contains(&arg.as_str()));
    match run(args.into_iter()) {
        Ok(code) => code,
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
            if checks { NOT_CHECKED.into() } else { ExitCode::FAILURE }
        }
    }
}

fn run(args: impl Iterator<Item = String>) -> Result<ExitCode, ProgramError> {
    let flags = Flags::parse_from_args(args)?;
    match flags.metrics_server.version {
        VersionFlag::No => {}
        VersionFlag::Short => {
            print(format_args!("{}\n", short_version()));
            return Ok(ExitCode::SUCCESS);
        }
        VersionFlag::Raw => {
            print(format_args!("{}\n", Build::current().to_json()));
            return Ok(ExitCode::SUCCESS);
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
    let runtime = Builder::new_current_thread().enable_all().build()?;
    if flags.metrics_server.check {
        return runtime.block_on(check(&flags));
    }
    runtime.block_on(serve(&flags, dropped)).map(|()| ExitCode::SUCCESS)
}

async fn check(flags: &Flags) -> Result<ExitCode, ProgramError> {
    let configs = kubeconfigs::read(flags, Config::incluster)?;
    let (doors, resolver) = machine(flags);
    let open_files = Some(OpenFiles::raise());
    let report = check::check(flags, &configs, &doors, &resolver, open_files).await?;
    print(format_args!("{report}"));
    Ok(if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The doors of this machine, and its resolver.
fn machine(flags: &Flags) -> (Doors, Resolver) {
    let doors = Doors::host();
    let files =
        ConfigFiles { resolv_conf: flags.kubelet.resolv_conf.clone(), ..ConfigFiles::default() };
    let resolver = Resolver::from_files(doors.clone(), files);
    (doors, resolver)
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
    let (doors, resolver) = machine(flags);
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
