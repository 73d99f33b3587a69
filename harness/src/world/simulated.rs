//! The simulated world: one thread, virtual time, a network in memory; real TLS, HTTP and
//! Kubernetes objects, and the metrics server's library as it ships.
//!
//! It must be built and used inside a current-thread runtime whose clock is paused.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::FutureExt;
use kube::Config;
use metrics_server::{
    dns::{Hosts, ResolvConf, Resolver},
    doors::{Clock, Doors, Random},
    flags::Flags,
    klog::Klog,
    scrape::Cycles,
    server::Server,
    store::Store,
};
use tempfile::NamedTempFile;
use tokio::sync::watch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use super::{
    AUTHORITY_PLACEHOLDER, WorldError,
    cluster::{Cluster, Site, pod_resolv_conf, url},
    network::Fabric,
    objects, people,
    running::Running,
};
use crate::{
    events::{Timeline, What},
    file::{ScenarioFile, format::Change},
    truth::{Judge, Judged},
};

const API_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)), 443);
const DEFAULT_DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 10));
const DEFAULT_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 6));

/// The machine at which the person at the keyboard sits.
const DESK: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 2));

const DNS_PORT: u16 = 53;
const SERVER_PORT: u16 = 10250;

/// A cluster and the metrics server under test.
pub struct Simulated {
    cluster: Cluster,
    fabric: Fabric,
    resolv_conf: ResolvConf,
    server: Option<UnderTest>,
    server_address: SocketAddr,
    admin: kube::Client,
    probe: kube::Client,
    /// The cluster's CA for flags that want a file.
    authority_file: NamedTempFile,
    /// Looks at usage after each cycle, if somebody wants to know.
    judge: Option<Judge>,
}

struct UnderTest {
    task: Running,
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
        let cluster = Cluster::build(file, site).await?;
        let dns = SocketAddr::new(spec.dns.server.map_or(DEFAULT_DNS, |server| server.0), DNS_PORT);
        fabric.serve_names(dns, cluster.zone().clone());
        let server_ip = spec.server.address.map_or(DEFAULT_SERVER, |address| address.0);
        let server_address = SocketAddr::new(server_ip, SERVER_PORT);
        // The server's machine is there before the server is: it refuses connections until then.
        drop(fabric.machine(server_ip));
        cluster.aggregate(server_address)?;

        let authority_file = NamedTempFile::new().map_err(WorldError::File)?;
        fs::write(&authority_file, cluster.authority_pem()).map_err(WorldError::File)?;
        let mut world = Self {
            admin: cluster.site().client(&cluster.config(people::ADMIN_TOKEN))?,
            probe: cluster.site().client(&probe_config(server_address))?,
            cluster,
            fabric,
            resolv_conf: pod_resolv_conf(vec![dns]),
            server: None,
            server_address,
            authority_file,
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
        self.cluster.change(change).await?;
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
        let authority = self.authority_file.path().display().to_string();
        let args = args.iter().map(|arg| arg.replace(AUTHORITY_PLACEHOLDER, &authority));
        let flags = Flags::parse_from_args(args).map_err(|error| error.to_string())?;
        let site = self.cluster.site();
        let doors =
            Doors { network: self.fabric.machine(self.server_address.ip()), ..site.doors() };
        let resolver = Resolver::new(doors.clone(), self.resolv_conf.clone(), Hosts::default());
        let config = self.cluster.config(people::SERVER_TOKEN);
        let server = Server::new(&flags, &config, doors, resolver, Some(self.server_address))
            .map_err(|error| error.to_string())?;
        let timeline = self.timeline().clone();
        let sink = Arc::new(move |line: &str| timeline.add(What::Log(line.to_owned())));
        let klog = Klog::new(site.clock.clone(), 1, flags.logging.settings(), sink);
        let log = tracing::subscriber::set_default(tracing_subscriber::registry().with(klog));
        let (cycles, store) = (server.cycles(), server.store());
        let timeline = self.timeline().clone();
        let (stop, stopped) = watch::channel(false);
        let task = Running::spawn(async move {
            // Nobody tells it to stop: that it ends at all is worth an event.
            let ended =
                std::panic::AssertUnwindSafe(Box::pin(server.run(stopped))).catch_unwind().await;
            timeline.add(What::Ended(match ended {
                Ok(Ok(())) => "it ended by itself".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it panicked".to_owned(),
            }));
            drop(stop);
        });
        let resolution = flags.metrics_server.metric_resolution;
        Ok(UnderTest { task, cycles, resolution, store, judge: None, _log: log })
    }
}

/// The metrics server's own certificate is self-signed: whoever probes it does not care.
fn probe_config(server: SocketAddr) -> Config {
    let mut config = Config::new(url(server));
    config.accept_invalid_certs = true;
    config
}
