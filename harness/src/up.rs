//! `scenario up`: a scenario's cluster for real on this machine, until Ctrl-C.

mod shell;

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines, Stdin},
    runtime::Builder,
    signal,
};

use crate::{
    file::{ScenarioFile, format::Step},
    world::{Loopback, WorldError},
};

pub(crate) use self::shell::hold_open;

/// The metrics server's program when none is named.
const SERVER: &str = "metrics-server";

/// Why a cluster does not stay up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// It cannot be as the scenario describes it.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The metrics server's program is not where it is looked for.
    #[error("failed to find the metrics server: there is no {}; name the program with --server, or build it with: cargo build --release --bin metrics-server", .0.display())]
    NoServer(PathBuf),
    /// Cargo could not build it.
    #[error("failed to build the metrics server: {0}")]
    Build(String),
    /// The process has no runtime or no signals.
    #[error("failed to set up the cluster: {0}")]
    System(#[from] io::Error),
}

/// Who ends the wait.
enum Next {
    Interrupted,
    Step,
    ServerEnded(String),
    NoMoreInput,
}

/// Brings the cluster up and keeps it up until Ctrl-C. Steps are taken one by one on Enter.
pub fn up(file: &ScenarioFile, server: Option<&Path>) -> Result<(), UpError> {
    let program = match server {
        Some(program) => program.to_owned(),
        None => own_server()?,
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(stay_up(file, &program));
    // A read from the terminal cannot be called off: it must not be waited for.
    runtime.shutdown_background();
    result
}

/// The metrics server beside this program. Under cargo it is built first, so that it is never an
/// old one.
pub(crate) fn own_server() -> Result<PathBuf, UpError> {
    let here = env::current_exe()?;
    let program = here.with_file_name(SERVER);
    if let Some(cargo) = env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", SERVER, "--bin", SERVER]);
        if here.parent().is_some_and(|folder| folder.ends_with("release")) {
            build.arg("--release");
        }
        let status = build.status()?;
        if !status.success() {
            return Err(UpError::Build(status.to_string()));
        }
    }
    if program.is_file() { Ok(program) } else { Err(UpError::NoServer(program)) }
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is where the program talks to its user"
)]
async fn stay_up(file: &ScenarioFile, program: &Path) -> Result<(), UpError> {
    let log = Arc::new(|line: &str| eprintln!("metrics-server | {line}"));
    let mut world = Loopback::build(file, program, log).await?;
    greet(&world);
    let mut steps = world.file().scenario.spec.steps.clone().into_iter();
    let mut waiting = next_change(&mut steps);
    announce(waiting.as_ref());
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let mut listens = true;
    loop {
        match next(&mut world, &mut input, listens && waiting.is_some()).await? {
            Next::Interrupted => return Ok(()),
            Next::ServerEnded(how) => println!("\nThe metrics server ended: {how}."),
            Next::NoMoreInput => listens = false,
            Next::Step => {
                if let Some(change) = waiting.as_ref().and_then(|step| step.change.as_ref()) {
                    world.change(change).await?;
                    println!("Done.\n");
                }
                waiting = next_change(&mut steps);
                announce(waiting.as_ref());
            }
        }
    }
}

fn next_change(steps: &mut impl Iterator<Item = Step>) -> Option<Step> {
    steps.find(|step| step.change.is_some())
}

async fn next(
    world: &mut Loopback,
    input: &mut Lines<BufReader<Stdin>>,
    listen: bool,
) -> Result<Next, UpError> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = signal::ctrl_c() => Ok(Next::Interrupted),
        _ = terminate.recv() => Ok(Next::Interrupted),
        how = world.server_ended() => Ok(Next::ServerEnded(how)),
        line = input.next_line(), if listen => Ok(match line? {
            Some(_) => Next::Step,
            None => Next::NoMoreInput,
        }),
    }
}

#[allow(clippy::print_stdout, reason = "this is where the program talks to its user")]
fn greet(world: &Loopback) {
    let spec = &world.file().scenario.spec;
    println!("{}\n", spec.about.trim());
    println!("The API server is at https://{}. In another terminal:\n", world.api_server());
    println!("  export KUBECONFIG={}", world.kubeconfig().display());
    println!("  kubectl top nodes");
    println!("  kubectl top pods --all-namespaces --containers");
    println!("  kubectl get nodes");
    println!("  kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes\n");
    println!("Every address of the file, IPv6 ones too, is one of 127.86.0.0/16 here.");
    if !spec.server.hosts.is_empty() {
        println!(
            "The metrics server reads this machine's /etc/hosts: server.hosts means nothing here."
        );
    }
    println!("Usage is there after two scrapes. Ctrl-C takes everything down.\n");
}

#[allow(clippy::print_stdout, reason = "this is where the program talks to its user")]
fn announce(step: Option<&Step>) {
    if let Some(step) = step {
        println!("Press Enter for the next step: {}", step.name);
    }
}
