//! The simulated world: one thread, virtual time, a network in memory; real TLS, HTTP and
//! Kubernetes objects, and the metrics server's library as it ships.
//!
//! It must be built and used inside a current-thread runtime whose clock is paused.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::FutureExt;
use k8s_text::klog::Klog;
use metrics_server::{flags::Flags, scrape::Cycles, server::Server, store::Store};
use net::{
    Clock, Doors, Network, Random,
    dns::{Hosts, ResolvConf, Resolver},
};
use tokio::sync::watch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use super::{
    WorldError,
    cluster::{Cluster, Site, url},
    files::Files,
    names::{hosts, name_servers, pod_resolv_conf},
    network::Fabric,
    objects, people,
    running::Running,
    token::{self, AccountToken},
    visitor::{self, Visitor},
};
use crate::{
    events::{Timeline, What},
    file::{ScenarioFile, format::Change},
    truth::{Judge, Judged},
};

const API_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)), 443);
const DEFAULT_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 6));

/// The machine at which the person at the keyboard sits.
const DESK: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 2));

/// Where the files that its flags name seem to be.
const FILES: &str = "/files";

const DNS_PORT: u16 = 53;
const SERVER_PORT: u16 = 10250;

/// What a machine's way to the network is put behind.
type Door = dyn Fn(Arc<dyn Network>) -> Arc<dyn Network> + Send;

/// A cluster and the metrics server under test.
pub struct Simulated {
    pub(super) cluster: Cluster,
    fabric: Fabric,
    resolv_conf: ResolvConf,
    hosts: Hosts,
    _dns: Vec<Running>,
    door: Box<Door>,
    server: Option<UnderTest>,
    pub(super) server_address: SocketAddr,
    admin: kube::Client,
    probe: kube::Client,
    files: Files,
    token: AccountToken,
    /// Looks at usage after each cycle, if somebody wants to know.
    judge: Option<Judge>,
}

struct UnderTest {
    task: Running,
    stop: watch::Sender<bool>,
    cycles: watch::Receiver<Cycles>,
    resolution: Duration,
    store: Arc<Store>,
    judge: Option<Running>,
    _log: DefaultGuard,
}

// === impl Simulated ===

impl Simulated {
    /// Builds the cluster of a scenario and starts the metrics server in it.
    pub async fn build(file: &ScenarioFile) -> Result<Self, WorldError> {
        Self::build_behind(file, |network| network).await
    }

    /// The same; the metrics server reaches the network through `door`, which may have faults that
    /// no network has.
    pub async fn build_behind(
        file: &ScenarioFile,
        door: impl Fn(Arc<dyn Network>) -> Arc<dyn Network> + Send + 'static,
    ) -> Result<Self, WorldError> {
        let spec = &file.scenario.spec;
        let start = objects::start(spec);
        let fabric = Fabric::default();
        let machines = fabric.clone();
        let site = Site {
            start,
            clock: Clock::starting_at(start),
            random: Random::seeded(spec.seed.unwrap_or(1)),
            machine: Arc::new(move |address| machines.machine(address)),
            api_server: API_SERVER,
            desk: DESK,
        };
        let mut cluster = Cluster::build(file, site).await?;
        let name_servers: Vec<_> =
            name_servers(&spec.dns).map(|ip| SocketAddr::new(ip, DNS_PORT)).collect();
        let mut dns = Vec::new();
        for address in &name_servers {
            let serving = fabric.serve_names(*address, cluster.zone().clone()).await;
            let failed = |source| WorldError::Listen { what: "DNS", address: *address, source };
            dns.push(serving.map_err(failed)?);
        }
        let server_ip = spec.server.address.map_or(DEFAULT_SERVER, |address| address.0);
        let server_address = SocketAddr::new(server_ip, SERVER_PORT);
        // The server's machine is there before the server is: it refuses connections until then.
        drop(fabric.machine(server_ip));
        cluster.aggregate(server_address)?;

        let files = Files::new(&spec.server.files, cluster.certificates(), start)?;
        let token = AccountToken::new(files.folder())?;
        let mut world = Self {
            admin: cluster.site().client(&cluster.config(people::ADMIN_TOKEN))?,
            probe: cluster.site().client(&visitor::config(url(server_address), None))?,
            cluster,
            fabric,
            resolv_conf: pod_resolv_conf(name_servers, &spec.server.resolv_conf),
            hosts: hosts(&spec.server.hosts),
            _dns: dns,
            door: Box::new(door),
            server: None,
            server_address,
            files,
            token,
            judge: None,
        };
        world.start_server(&spec.server.args).await;
        Ok(world)
    }

    /// Everything that has happened.
    pub fn timeline(&self) -> &Timeline {
        self.cluster.timeline()
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        &self.cluster.site().clock
    }

    /// Asks the API server as the person at the keyboard.
    pub fn admin(&self) -> &kube::Client {
        &self.admin
    }

    /// Asks the metrics server itself.
    pub fn probe(&self) -> &kube::Client {
        &self.probe
    }

    /// Asks the metrics server itself, as somebody.
    pub fn visitor(&self, visitor: Visitor<'_>) -> Result<kube::Client, WorldError> {
        let identity = self.cluster.identity(visitor)?;
        let config = visitor::config(url(self.server_address), identity.as_ref());
        self.cluster.site().client(&config)
    }

    /// Waits until the metrics server has ended this many cycles that have not begun yet. False when it does not
    /// within `limit`, or does not run.
    pub async fn cycles(&mut self, cycles: u32, limit: Duration) -> bool {
        let Some(server) = &mut self.server else { return false };
        let target = server.cycles.borrow().begun + u64::from(cycles);
        let wait = server.cycles.wait_for(|cycles| cycles.ended >= target);
        matches!(tokio::time::timeout(limit, wait).await, Ok(Ok(_)))
    }

    /// How far apart the metrics server's cycles are; nothing where it does not run.
    pub fn resolution(&self) -> Duration {
        self.server.as_ref().map(|server| server.resolution).unwrap_or_default()
    }

    /// From now on, what the server knows of usage is held against the truth after each cycle. The
    /// server does not notice.
    pub fn judge_usage(&mut self) {
        self.judge = Some(Judge::new(self.clock().clone(), self.cluster.kubelets()));
        self.judge_server();
    }

    /// What came of [`Self::judge_usage`].
    pub fn judged(&self) -> Judged {
        self.judge.as_ref().map(|judge| judge.sum_up(self.clock().now())).unwrap_or_default()
    }

    fn judge_server(&mut self) {
        if let (Some(judge), Some(server)) = (&self.judge, &mut self.server) {
            let watch = judge.clone().follow(server.cycles.clone(), server.store.clone());
            server.judge = Some(Running::spawn(watch));
        }
    }

    /// Changes what a step says.
    pub async fn change(&mut self, change: &Change) -> Result<(), WorldError> {
        for gone in self.cluster.change(change).await? {
            self.fabric.unplug(gone);
        }
        if let Some(server) = change.server.as_ref().filter(|server| !server.files.is_empty()) {
            let names: Vec<_> = server.files.keys().map(String::as_str).collect();
            self.cluster.note(format!("other content in {}", names.join(", ")));
            self.files.change(&server.files, self.cluster.certificates())?;
        }
        if let Some(changed) = change.server.as_ref().and_then(|server| server.token) {
            self.cluster.note(token::describe(changed).to_owned());
            self.token.change(changed, self.cluster.api_server())?;
        }
        if change.server.as_ref().is_some_and(|server| server.terminated) {
            self.cluster.note("the metrics server is told to end".to_owned());
            if let Some(server) = &self.server {
                server.stop.send_replace(true);
            }
        }
        if let Some(args) = change.server.as_ref().and_then(|server| server.args.as_ref()) {
            let args_text = args.join(" ");
            self.cluster.note(format!("the metrics server is started again with {args_text}"));
            self.start_server(args).await;
        }
        Ok(())
    }

    /// Starts the metrics server in place of one that runs. One that refuses to start says why in
    /// the time line.
    async fn start_server(&mut self, args: &[String]) {
        if let Some(server) = self.server.take() {
            server.task.stop().await;
        }
        match self.prepare(args) {
            Ok(server) => {
                self.server = Some(server);
                self.judge_server();
            }
            Err(reason) => self.timeline().add(What::Ended(reason)),
        }
    }

    fn prepare(&self, args: &[String]) -> Result<UnderTest, String> {
        let args = args.iter().map(|arg| self.files.fill_in(arg));
        // It has no disk of its own to keep a certificate on.
        let args = std::iter::once("--cert-dir=".to_owned()).chain(args);
        let flags = Flags::parse_from_args(args).map_err(|error| error.to_string())?;
        let site = self.cluster.site();
        let doors = Doors {
            network: (self.door)(self.fabric.machine(self.server_address.ip())),
            ..site.doors()
        };
        let resolver = Resolver::new(doors.clone(), self.resolv_conf.clone(), self.hosts.clone());
        let mut config = self.cluster.config(people::SERVER_TOKEN);
        config.auth_info.token = None;
        config.auth_info.token_file = Some(self.token.file().display().to_string());
        let server =
            Server::new(&flags, &config.into(), doors, resolver, Some(self.server_address))
                .map_err(|error| error.to_string())?;
        let timeline = self.timeline().clone();
        // Where its files are differs from run to run.
        let folder = self.files.folder().display().to_string();
        let sink =
            Arc::new(move |line: &str| timeline.add(What::Log(line.replace(&folder, FILES))));
        let klog = Klog::new(site.clock.clone(), 1, flags.logging.settings(), sink);
        let log = tracing::subscriber::set_default(tracing_subscriber::registry().with(klog));
        let (cycles, store) = (server.cycles(), server.store());
        let timeline = self.timeline().clone();
        let (stop, stopped) = watch::channel(false);
        let task = Running::spawn(async move {
            let told = stopped.clone();
            let ended =
                std::panic::AssertUnwindSafe(Box::pin(server.run(stopped))).catch_unwind().await;
            timeline.add(match ended {
                Ok(Ok(())) if *told.borrow() => {
                    What::Change("the metrics server has ended".to_owned())
                }
                Ok(Ok(())) => What::Ended("it ended by itself".to_owned()),
                Ok(Err(error)) => What::Ended(error.to_string()),
                Err(_) => What::Ended("it panicked".to_owned()),
            });
        });
        let resolution = flags.metrics_server.metric_resolution;
        Ok(UnderTest { task, stop, cycles, resolution, store, judge: None, _log: log })
    }
}
