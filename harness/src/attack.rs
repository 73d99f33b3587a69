//! `scenario attack`: clients that try to stop a metrics server, beside users that it must answer.
//!
//! The cluster is that of `scenario bench`, in a process of its own. One attack after the other
//! runs against the server for some time. Meanwhile a kubelet probes it over fresh connections,
//! from its own address and from an attacker's, and an API server requests usage.

mod attacker;
mod attacks;
mod certificates;
mod error;
mod figures;
mod http2;
mod options;
mod report;
mod users;

use std::{
    fs,
    io::{self, Write},
    thread,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::{runtime::Builder, sync::watch, time::sleep};

use self::{
    attacker::Target,
    figures::{Attacked, Figures},
    users::{User, Visits},
};
pub use self::{error::AttackError, options::Options};
use crate::{
    bench::{ClusterProcess, ServerProcess},
    up::own_server,
};

/// Until there is usage.
const START_LIMIT: Duration = Duration::from_mins(3);

/// Before the users are counted, an attack takes hold.
const TAKES_HOLD: Duration = Duration::from_secs(1);

/// After an attack, until its connections and requests are gone.
const REST: Duration = Duration::from_secs(2);

/// Attacks a server; prints the table and writes it where `options` say. True when the server
/// stayed within its bounds.
pub fn attack(options: &Options) -> Result<bool, AttackError> {
    let program = options.server.clone().map_or_else(own_server, Ok)?;
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(AttackError::System)?;
    let attacked = runtime.block_on(attack_all(&program, options))?;
    let mut out = io::stdout().lock();
    report::write(&mut out, &attacked).and_then(|()| out.flush()).map_err(AttackError::System)?;
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&attacked).map_err(io::Error::from);
        text.and_then(|text| fs::write(path, text + "\n"))
            .map_err(|source| AttackError::Write { path: path.clone(), source })?;
    }
    Ok(attacked.held())
}

#[allow(
    clippy::print_stderr,
    reason = "progress is for the user, and standard output has the table"
)]
async fn attack_all(program: &std::path::Path, options: &Options) -> Result<Attacked, AttackError> {
    let folder = TempDir::new().map_err(AttackError::System)?;
    let resolution = options.resolution;
    let mut cluster = ClusterProcess::start(options.size, resolution / 3, folder.path()).await?;
    let mut server =
        ServerProcess::start(program, &options.server_arg, resolution, folder.path()).await?;
    // The second scrape of a node gives it usage.
    let scrapes = 2 * options.size.nodes as usize;
    let what = "scrape every kubelet twice";
    server.until(&mut cluster, what, START_LIMIT, |seen| seen.answered >= scrapes).await?;
    raise_limit_of_open_files();
    let target = Target::new(server.address, folder.path())?;
    let mut attacked = Attacked::new(program, options);
    for attack in options.attacks() {
        eprintln!("{attack}: {}", attack.about());
        let memory = server.memory()?.resident;
        let cpu = server.cpu()?;
        let (stop, stopped) = watch::channel(false);
        let users = visit(&target, options, &stopped);
        let attackers = attack.launch(&target, options.crowd);
        let peak = server.peak_memory(options.duration + TAKES_HOLD).await?;
        stop.send_replace(true);
        let carried_out = attackers.end().await;
        let cpu = server.cpu()? - cpu;
        let visits = users.join().map_err(|_| AttackError::Users)?;
        attacked.attacks.push(Figures::new(attack, &visits, carried_out, memory, peak, cpu));
        sleep(REST).await;
    }
    Ok(attacked)
}

/// Users have a thread of their own: what they wait for must not be the attackers' work.
fn visit(
    target: &Target,
    options: &Options,
    stopped: &watch::Receiver<bool>,
) -> thread::JoinHandle<Vec<Visits>> {
    let (target, stopped) = (target.clone(), stopped.clone());
    let (duration, timeout) = (options.duration, options.probe_timeout);
    thread::spawn(move || {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
            return Vec::new();
        };
        runtime.block_on(async {
            let users = User::all()
                .map(|user| user.visit(&target, TAKES_HOLD, duration, timeout, &stopped));
            futures::future::join_all(users).await
        })
    })
}

/// Raises the limit of open files of this process to the most that the system allows.
fn raise_limit_of_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // With fewer, attacks with many connections are smaller, which the table shows.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
