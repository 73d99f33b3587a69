//! The sandbox world: any metrics server program, in Linux namespaces where it sees the cluster as
//! the file describes it, on real sockets and in real time.
//!
//! It must be built on a thread of its own, inside the namespaces that [`crate::namespaces::enter`]
//! makes, and used inside a current-thread runtime: the thread moves to the cluster's network.

mod cycles;
mod file_clock;
mod network;
mod pod;
mod server_process;
mod skip;

use std::{
    collections::BTreeSet,
    fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use fake_apiserver::{Credential, kubeconfig};
use jiff::{RoundMode, SignedDuration, TimestampRound, Unit};
use net::{Clock, Network, Random};
use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use self::{
    cycles::Cycles, network::SandboxNetwork, pod::PodFiles, server_process::ServerProcess,
    skip::resolution,
};
pub(crate) use self::{file_clock::FileClock, server_process::become_server, skip::skip_reason};
use super::{
    World, WorldError,
    addresses::{API_SERVER, CLIENT, DEFAULT_SERVER, DNS_PORT, FILES, SERVER_PORT},
    clients::{ClientIdentity, Clients},
    cluster::{Cluster, Environment},
    describe,
    files::Files,
    identities,
    moved_times::move_times,
    name_server::serve_names,
    objects,
    server_under_test::End,
    task::Task,
    token::{self, AccountToken},
};
use crate::{
    events::What,
    expect::metric,
    file::{
        ScenarioFile,
        format::{Change, Node, Top, TopExpectation},
    },
    top::{self, Printed},
};

/// How long building the cluster takes at most, most of the time: it starts by then.
const BUILD_TIME: SignedDuration = SignedDuration::from_secs(1);

/// How long a program may take to listen before the steps go on without it.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How often is looked whether it listens, and whether cycles have ended.
const LOOK: Duration = Duration::from_millis(100);

/// How long a change takes to reach every process, log lines in pipes included.
const MOMENT: Duration = Duration::from_millis(300);

/// How late expectations may hold: programs on other machines are slower than ours.
const PATIENCE: Duration = Duration::from_secs(3);

/// How the sandbox is to be.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// The metrics server's program.
    pub program: PathBuf,
    /// Flags that every scenario gives it, before its own.
    pub args: Vec<String>,
    /// The `kubectl` that runs `top`; none for the harness's own.
    pub kubectl: Option<PathBuf>,
    /// Scenarios that take longer are skipped.
    pub longest: Duration,
    /// Whether the program supports `profile: extension`.
    pub has_extensions: bool,
}

/// A cluster, and the metrics server's program in it.
pub(crate) struct Sandbox {
    cluster: Cluster,
    network: Arc<SandboxNetwork>,
    clients: Clients,
    options: SandboxOptions,
    file_clock: FileClock,
    pod: PodFiles,
    files: Files,
    token: AccountToken,
    server: Option<ServerProcess>,
    cycles: Cycles,
    /// May read the program's metrics without a review.
    counter: kube::Client,
    kubectl_home: TempDir,
    _dns: Vec<Task>,
}

// === impl Sandbox ===

impl Sandbox {
    /// Builds the cluster of a scenario and starts the metrics server in it.
    pub(crate) async fn build(
        file: &ScenarioFile,
        options: &SandboxOptions,
    ) -> Result<Self, WorldError> {
        let mut file = file.clone();
        let clock = Clock::system();
        // Whole seconds, as in the file, so that times can be written as offsets from it.
        let second = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
        let soon = clock.now() + BUILD_TIME;
        let start = soon.round(second).unwrap_or(soon);
        let ahead = move_times(&mut file.scenario.spec, start);
        let spec = &file.scenario.spec;
        let pod_address = spec.server.address.map_or(DEFAULT_SERVER, |address| address.0);
        let server_address = SocketAddr::new(pod_address, SERVER_PORT);

        let network = Arc::new(SandboxNetwork::new(pod_address).map_err(WorldError::Network)?);
        network.plug(machines(&file)).map_err(WorldError::Network)?;
        network.set_firewall(&spec.firewall).map_err(WorldError::Network)?;
        let door: Arc<dyn Network> = network.clone();
        let environment = Environment {
            start,
            clock: clock.clone(),
            random: Random::seeded(spec.seed.unwrap_or(1)),
            network_of: Arc::new(move |_| door.clone()),
            api_server: API_SERVER,
            client: CLIENT,
        };
        let mut cluster = Cluster::build(&file, environment).await?;
        let mut dns = Vec::new();
        for server in spec.dns.addresses() {
            let address = SocketAddr::new(server, DNS_PORT);
            let zone = cluster.zone().clone();
            dns.push(serve_names(&*network, address, server, zone).await?.0);
        }
        cluster.aggregate(server_address)?;

        let mut files = Files::new(&spec.server, cluster.certificates(), start)?;
        let pod = PodFiles::new(spec, pod_address, &cluster).map_err(WorldError::File)?;
        let token = pod.token()?;
        files.write_kubeconfig(spec.server.kubeconfig.as_deref(), API_SERVER, &token)?;
        let clients = Clients::new(&cluster, server_address)?;
        let counter = ClientIdentity::User { name: "scenario", group: "system:masters" };
        let mut world = Self {
            counter: clients.direct(&cluster, counter)?,
            clients,
            cluster,
            network,
            options: options.clone(),
            file_clock: FileClock { start, ahead },
            pod,
            files,
            token,
            server: None,
            cycles: Cycles::new(Duration::ZERO),
            kubectl_home: TempDir::new().map_err(WorldError::File)?,
            _dns: dns,
        };
        let left = start.duration_since(clock.now());
        sleep(Duration::try_from(left).unwrap_or_default()).await;
        world.start_server(&spec.server.args).await?;
        Ok(world)
    }

    /// Starts the program in place of one that runs, and waits until it listens. The time line has
    /// the reason where it refuses to start.
    async fn start_server(&mut self, args: &[String]) -> Result<(), WorldError> {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        let timeline = self.cluster.timeline().clone();
        let ended = move |end| {
            timeline.add(match end {
                End::Terminated => What::Change { text: "the metrics server has ended".to_owned() },
                End::Failed(reason) => What::Ended { text: reason },
            });
        };
        let timeline = self.cluster.timeline().clone();
        let (clock, folder) = (self.file_clock, self.files.folder().display().to_string());
        let log: server_process::LogSink = Arc::new(move |line: &str| {
            let text = clock.translate(&line.replace(&folder, FILES));
            timeline.add(What::Log { text });
        });
        let own = [
            format!("--cert-dir={}", self.pod.certificates().display()),
            format!("--secure-port={SERVER_PORT}"),
        ];
        let of_file = args.iter().map(|arg| self.files.fill_in(arg));
        let args: Vec<_> = own
            .into_iter()
            .chain(self.files.kubeconfig_flag())
            .chain(self.options.args.iter().cloned())
            .chain(of_file)
            .collect();
        let (network, folder) = (self.network.pod(), self.pod.folder());
        let server =
            ServerProcess::start(network, folder, &self.options.program, &args, &log, ended);
        let server = server.map_err(|source| WorldError::Program {
            program: self.options.program.display().to_string(),
            source,
        })?;
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline
            && !server.has_ended()
            && !self.network.pod_listens(SERVER_PORT).map_err(WorldError::Network)?
        {
            sleep(LOOK).await;
        }
        self.server = Some(server);
        self.cycles = Cycles::new(resolution(&args));
        Ok(())
    }

    /// Counts the cycles that have ended; a program that does not respond now may do so later.
    async fn count_cycles(&mut self) {
        let seen = metric::values(&self.counter, [cycles::COUNT, cycles::SUM]).await;
        if let Ok([Some(count), Some(sum)]) = seen {
            self.cycles.see(count as u64, sum);
        }
    }

    async fn wait_for_cycles(&mut self, cycles: u32) -> bool {
        let runs =
            |server: &Option<ServerProcess>| server.as_ref().is_some_and(|it| !it.has_ended());
        // Taken before the request to the program, which takes long where the machine is busy.
        let is_first = self.cycles.is_first();
        self.count_cycles().await;
        let begun = if is_first { 0 } else { self.cycles.begun() };
        let target = begun + u64::from(cycles);
        while runs(&self.server) {
            if self.cycles.ended() >= target {
                return true;
            }
            sleep(LOOK).await;
            self.count_cycles().await;
        }
        false
    }

    /// Writes the administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> io::Result<PathBuf> {
        let path = self.kubectl_home.path().join("kubeconfig");
        let url = format!("https://{API_SERVER}");
        let admin = Credential::Token(identities::ADMIN_TOKEN);
        fs::write(&path, kubeconfig(&url, &self.cluster.authority_pem(), admin))?;
        Ok(path)
    }

    /// Runs `kubectl` itself, on the cluster's network.
    async fn kubectl(&self, program: &Path, wanted: &TopExpectation) -> Printed {
        let failed = |error: io::Error| format!("{}: {error}", program.display());
        let home = self.kubectl_home.path();
        let config = self.kubeconfig().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg("top").env("KUBECONFIG", &config).env("HOME", home).kill_on_drop(true);
        command.arg(if wanted.what == Top::Nodes { "nodes" } else { "pods" });
        command.args(&wanted.name);
        match &wanted.namespace {
            Some(namespace) => drop(command.arg("-n").arg(namespace)),
            None if wanted.what == Top::Pods && wanted.name.is_none() => drop(command.arg("-A")),
            None => {}
        }
        if wanted.containers {
            command.arg("--containers");
        }
        let output = command.output().await.map_err(failed)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() && !output.stdout.is_empty() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }
}

#[async_trait(?Send)]
impl World for Sandbox {
    fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn clients(&self) -> &Clients {
        &self.clients
    }

    async fn cycles(&mut self, cycles: u32, limit: Duration) -> bool {
        timeout(limit, self.wait_for_cycles(cycles)).await.unwrap_or(false)
    }

    fn resolution(&self) -> Duration {
        self.cycles.resolution()
    }

    async fn change(&mut self, change: &Change) -> Result<(), WorldError> {
        if let Some(rules) = &change.firewall {
            self.cluster.note(describe::firewall(rules));
            self.network.set_firewall(rules).map_err(WorldError::Network)?;
        }
        for gone in self.cluster.change(change).await? {
            self.network.unplug(gone).map_err(WorldError::Network)?;
        }
        let Some(server) = &change.server else { return Ok(()) };
        if !server.files.is_empty() {
            let names: Vec<_> = server.files.keys().map(String::as_str).collect();
            self.cluster.note(format!("other content in {}", names.join(", ")));
            self.files.change(&server.files, self.cluster.certificates())?;
        }
        if let Some(said) = &server.resolv_conf {
            let text = self.pod.change_resolv_conf(said).map_err(WorldError::File)?;
            self.cluster.note(format!("resolv.conf: {}", text.trim_end().replace('\n', "; ")));
        }
        if let Some(changed) = server.token {
            self.cluster.note(token::describe(changed).to_owned());
            self.token.change(changed, self.cluster.api_server())?;
        }
        if server.terminated {
            self.cluster.note("SIGTERM to the metrics server".to_owned());
            if let Some(server) = &self.server {
                server.terminate().map_err(WorldError::Network)?;
            }
        }
        if let Some(text) = &server.kubeconfig {
            self.cluster.note("another kubeconfig".to_owned());
            self.files.write_kubeconfig(Some(text), API_SERVER, &self.token)?;
        }
        if let Some(args) = &server.args {
            let args_text = args.join(" ");
            self.cluster.note(format!("the metrics server is started again with {args_text}"));
            self.start_server(args).await?;
        }
        Ok(())
    }

    fn moment(&self) -> Duration {
        MOMENT
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn file_clock(&self) -> Option<FileClock> {
        Some(self.file_clock)
    }

    async fn top(&self, wanted: &TopExpectation) -> Printed {
        match &self.options.kubectl {
            Some(program) => self.kubectl(program, wanted).await,
            None => top::print(&self.clients.admin, wanted, self.clock().now()).await,
        }
    }
}

/// All addresses at which a scenario's kubelets listen from the beginning on, and the clients'.
fn machines(file: &ScenarioFile) -> BTreeSet<IpAddr> {
    let nodes = objects::nodes(&file.scenario.spec);
    let listen = nodes.iter().flat_map(Node::listen).map(|address| address.ip());
    listen.chain([CLIENT, API_SERVER.ip()]).collect()
}
