//! The program: arguments, logging, signals, exit codes.

use std::{path::Path, process::ExitCode, sync::Arc};

use apiserver::access::ApiConfigs;
use k8s_text::klog::Klog;
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use net::{
    Doors,
    dns::{ConfigFiles, Resolver},
    errno,
};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::layer::SubscriberExt;

use crate::{
    flags::{FlagError, Flags, VersionFlag},
    server::{Server, StartError},
    status::{Build, short_version},
};

/// Why the program ends before its time.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error("read the kubeconfig {file}: {cause}; give a readable one with {flag}")]
    Kubeconfig { file: String, cause: String, flag: &'static str },
    #[error(
        "find the API server: {cause}; run in a cluster, or name a kubeconfig with --kubeconfig"
    )]
    NotInCluster { cause: String },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("set up: {0}")]
    System(#[from] std::io::Error),
    #[error("received a second signal before the requests under way had been answered")]
    SecondSignal,
}

/// Runs the program with the process's arguments.
#[allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "this is where the program talks to its user"
)]
pub fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ProgramError::Flags(FlagError::Help(text))) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "--version talks to the user")]
fn run(args: impl Iterator<Item = String>) -> Result<(), ProgramError> {
    let flags = Flags::parse_from_args(args)?;
    match flags.metrics_server.version {
        VersionFlag::No => {}
        VersionFlag::Short => {
            println!("{}", short_version());
            return Ok(());
        }
        VersionFlag::Raw => {
            println!("{}", Build::current().to_json());
            return Ok(());
        }
    }
    log_to_stderr(&flags);
    // One thread: scraping is cheaper without handing work to others, and the simulated world
    // runs the same way.
    Builder::new_current_thread().enable_all().build()?.block_on(serve(&flags))
}

fn log_to_stderr(flags: &Flags) {
    #[allow(clippy::print_stderr, reason = "the log of a program goes to stderr")]
    let sink = Arc::new(|line: &str| eprintln!("{line}"));
    let klog = Klog::new(Doors::host().clock, std::process::id(), flags.logging.settings(), sink);
    // What panics is contained where it happens; only here is known where that was.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, err = panic.payload_as_str().unwrap_or_default(), "Panicked");
    }));
    // It fails only where another one is set: then that one is wanted.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(klog));
}

async fn serve(flags: &Flags) -> Result<(), ProgramError> {
    let configs = ApiConfigs {
        cluster: api_config(flags).await?,
        authentication: match &flags.authentication.authentication_kubeconfig {
            Some(file) => Some(kubeconfig(file, "--authentication-kubeconfig").await?),
            None => None,
        },
        authorization: match &flags.authorization.authorization_kubeconfig {
            Some(file) => Some(kubeconfig(file, "--authorization-kubeconfig").await?),
            None => None,
        },
    };
    let doors = Doors::host();
    let files =
        ConfigFiles { resolv_conf: flags.kubelet.resolv_conf.clone(), ..ConfigFiles::default() };
    let resolver = Resolver::from_files(doors.clone(), files);
    let server = Server::new(flags, &configs, doors, resolver, None)?;
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
        tracing::warn!("Received a second signal, exiting without waiting for requests");
    };
    tokio::select! {
        biased;
        ended = Box::pin(server.run(stopped)) => Ok(ended?),
        () = second_signal => Err(ProgramError::SecondSignal),
    }
}

async fn api_config(flags: &Flags) -> Result<Config, ProgramError> {
    match &flags.metrics_server.kubeconfig {
        Some(file) => kubeconfig(file, "--kubeconfig").await,
        None => {
            Config::incluster().map_err(|error| ProgramError::NotInCluster { cause: chain(&error) })
        }
    }
}

async fn kubeconfig(file: &Path, flag: &'static str) -> Result<Config, ProgramError> {
    let wrong =
        |cause: String| ProgramError::Kubeconfig { file: file.display().to_string(), cause, flag };
    let kubeconfig = Kubeconfig::read_from(file).map_err(|error| match error {
        KubeconfigError::ReadConfig(error, _) => wrong(errno::file(&error)),
        error => wrong(chain(&error)),
    })?;
    let options = KubeConfigOptions::default();
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| wrong(chain(&error)))
}

/// An error and its sources in one line: the first line of each, because some bring a snippet.
fn chain(error: &dyn std::error::Error) -> String {
    let first_line = |error: &dyn std::error::Error| {
        error.to_string().lines().next().unwrap_or_default().to_owned()
    };
    let mut text = first_line(error);
    let mut next = error.source();
    while let Some(source) = next {
        let more = first_line(source);
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}
