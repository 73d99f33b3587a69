//! `scenario up --shell`: the sandbox world held open, with a shell among its machines.

use std::{env, path::Path, time::Duration};

use tokio::{process::Command, runtime::Builder};

use super::{UpError, next_change};
use crate::{
    events::{Mark, What},
    file::ScenarioFile,
    world::{Sandbox, SandboxOptions, World},
};

/// The shell where the variable `SHELL` names none.
const SHELL: &str = "/bin/sh";

/// Brings the cluster up on this thread, inside the sandbox's namespaces, and opens a shell in it.
/// Each time the shell ends, the next step is taken; after the last one the cluster ends.
pub(crate) fn hold_open(file: &ScenarioFile, program: &Path) -> Result<(), UpError> {
    let options = SandboxOptions {
        program: program.to_owned(),
        args: Vec::new(),
        kubectl: None,
        longest: Duration::MAX,
        has_extensions: true,
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(file, &options))
}

#[allow(clippy::print_stdout, reason = "this is where the program talks to its user")]
async fn run(file: &ScenarioFile, options: &SandboxOptions) -> Result<(), UpError> {
    let mut world = Sandbox::build(file, options).await?;
    let kubeconfig = world.kubeconfig()?;
    let log = kubeconfig.with_file_name("server.log");
    println!("{}\n", file.scenario.spec.about.trim());
    println!("This shell is on a machine of the cluster; usage is there after two scrapes. Try:\n");
    println!("  kubectl top nodes");
    println!("  kubectl top pods --all-namespaces --containers");
    println!("  cat $SERVER_LOG\n");
    let mut steps = file.scenario.spec.steps.clone().into_iter();
    let mut shown = Mark::default();
    loop {
        let next = next_change(&mut steps);
        match &next {
            Some(step) => println!("Leave the shell for the next step: {}", step.name),
            None => println!("Leave the shell to take everything down."),
        }
        let shell = env::var_os("SHELL").unwrap_or_else(|| SHELL.into());
        let mut shell = Command::new(shell)
            .env("KUBECONFIG", &kubeconfig)
            .env("SERVER_LOG", &log)
            .kill_on_drop(true)
            .spawn()?;
        // The log is there while it is looked at.
        let mut ticks = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                biased;
                _ = shell.wait() => break,
                _ = ticks.tick() => shown = write_log(&world, &log, shown)?,
            }
        }
        let Some(change) = next.and_then(|step| step.change) else { return Ok(()) };
        world.change(&change).await?;
        println!("Done.\n");
    }
}

/// Adds what the server has logged since `from`.
fn write_log(world: &Sandbox, path: &Path, from: Mark) -> Result<Mark, UpError> {
    use std::io::Write;
    let timeline = world.timeline();
    let (end, events) = (timeline.mark(), timeline.since(from));
    let mut file = std::fs::File::options().append(true).create(true).open(path)?;
    for event in events {
        match event.what {
            What::Log { text } => writeln!(file, "{text}")?,
            What::Ended { text } => writeln!(file, "(ended: {text})")?,
            _ => {}
        }
    }
    Ok(end)
}
