//! The simulated world: one thread, virtual time, a network in memory; real TLS, HTTP and
//! Kubernetes objects, and the metrics server's library as it ships.
//!
//! It must be built and used inside a current-thread runtime whose clock is paused.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use net::{Clock, Doors, Network, Random, dns::Resolver};

use super::{
    WorldError,
    clients::direct_config,
    cluster::{Cluster, Environment, url},
    files::Files,
    identities,
    network::Fabric,
    objects,
    pod_dns::{PodFiles, resolv_conf},
    server_under_test::{End, ServerUnderTest, Start},
    task::Task,
    token::{self, AccountToken},
};
use crate::{
    events::{Timeline, What},
    expected_usage::{Comparer, Comparison},
    file::{
        ScenarioFile,
        format::{Change, Dns},
    },
};

const API_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)), 443);
const DEFAULT_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 6));

/// The machine of the administrator and of the kubelets' API clients.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 2));

/// Where the files that its flags name seem to be.
const FILES: &str = "/files";

const DNS_PORT: u16 = 53;
const SERVER_PORT: u16 = 10250;

/// Wraps the metrics server's network.
type WrapNetwork = dyn Fn(Arc<dyn Network>) -> Arc<dyn Network> + Send;

/// A cluster and the metrics server under test.
pub struct Simulated {
    pub(super) cluster: Cluster,
    fabric: Fabric,
    dns: Dns,
    pod_files: PodFiles,
    _dns: Vec<Task>,
    wrap_network: Box<WrapNetwork>,
    server: Option<ServerUnderTest>,
    pub(super) server_address: SocketAddr,
    admin: kube::Client,
    probe: kube::Client,
    files: Files,
    token: AccountToken,
    /// Set by [`Self::compare_usage`].
    comparer: Option<Comparer>,
}

// === impl Simulated ===

impl Simulated {
    /// Builds the cluster of a scenario and starts the metrics server in it.
    pub async fn build(file: &ScenarioFile) -> Result<Self, WorldError> {
        Self::build_with_network(file, |network| network).await
    }

    /// The same with the metrics server's network wrapped, such as to let it panic.
    pub async fn build_with_network(
        file: &ScenarioFile,
        wrap_network: impl Fn(Arc<dyn Network>) -> Arc<dyn Network> + Send + 'static,
    ) -> Result<Self, WorldError> {
        let spec = &file.scenario.spec;
        let start = objects::start(spec);
        let fabric = Fabric::default();
        let machines = fabric.clone();
        let environment = Environment {
            start,
            clock: Clock::starting_at(start),
            random: Random::seeded(spec.seed.unwrap_or(1)),
            network_of: Arc::new(move |address| machines.machine(address)),
            api_server: API_SERVER,
            client: CLIENT,
        };
        let mut cluster = Cluster::build(file, environment).await?;
        let mut dns = Vec::new();
        for ip in spec.dns.addresses() {
            let address = SocketAddr::new(ip, DNS_PORT);
            let serving = fabric.serve_names(address, cluster.zone().clone()).await;
            let failed = |source| WorldError::Listen { what: "DNS", address, source };
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
            admin: cluster.environment.client(&cluster.config(identities::ADMIN_TOKEN))?,
            probe: cluster.environment.client(&direct_config(url(server_address)))?,
            cluster,
            fabric,
            dns: spec.dns.clone(),
            pod_files: PodFiles::new(&spec.dns, &spec.server),
            _dns: dns,
            wrap_network: Box::new(wrap_network),
            server: None,
            server_address,
            files,
            token,
            comparer: None,
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
        &self.cluster.environment.clock
    }

    /// The administrator's client of the API server.
    pub fn admin(&self) -> &kube::Client {
        &self.admin
    }

    /// An anonymous client of the metrics server itself.
    pub fn probe(&self) -> &kube::Client {
        &self.probe
    }

    /// Waits until the metrics server has ended this many cycles that have not begun yet. False when
    /// it does not within `limit`, or does not run.
    pub async fn cycles(&mut self, cycles: u32, limit: Duration) -> bool {
        let Some(server) = &mut self.server else { return false };
        tokio::time::timeout(limit, server.wait_for_cycles(cycles)).await.unwrap_or(false)
    }

    /// The time between the metrics server's cycles; zero where it does not run.
    pub fn resolution(&self) -> Duration {
        self.server.as_ref().map(ServerUnderTest::resolution).unwrap_or_default()
    }

    /// From now on compares reported with expected usage after each cycle.
    pub fn compare_usage(&mut self) {
        self.comparer = Some(Comparer::new(self.clock().clone(), self.cluster.kubelets()));
        self.compare_server();
    }

    /// The result of [`Self::compare_usage`].
    pub fn usage(&self) -> Comparison {
        self.comparer.as_ref().map(|it| it.sum_up(self.clock().now())).unwrap_or_default()
    }

    fn compare_server(&mut self) {
        if let (Some(comparer), Some(server)) = (&self.comparer, &mut self.server) {
            server.compare(comparer.clone());
        }
    }

    /// Applies a step's change.
    pub async fn change(&mut self, change: &Change) -> Result<(), WorldError> {
        for gone in self.cluster.change(change).await? {
            self.fabric.unplug(gone);
        }
        if let Some(server) = change.server.as_ref().filter(|server| !server.files.is_empty()) {
            let names: Vec<_> = server.files.keys().map(String::as_str).collect();
            self.cluster.note(format!("other content in {}", names.join(", ")));
            self.files.change(&server.files, self.cluster.certificates())?;
        }
        if let Some(said) = change.server.as_ref().and_then(|server| server.resolv_conf.as_ref()) {
            let text = resolv_conf(&self.dns, said, &BTreeMap::new());
            self.cluster.note(format!("resolv.conf: {}", text.trim_end().replace('\n', "; ")));
            self.pod_files.change(text);
        }
        if let Some(changed) = change.server.as_ref().and_then(|server| server.token) {
            self.cluster.note(token::describe(changed).to_owned());
            self.token.change(changed, self.cluster.api_server())?;
        }
        if change.server.as_ref().is_some_and(|server| server.terminated) {
            self.cluster.note("SIGTERM to the metrics server".to_owned());
            if let Some(server) = &self.server {
                server.terminate();
            }
        }
        if let Some(args) = change.server.as_ref().and_then(|server| server.args.as_ref()) {
            let args_text = args.join(" ");
            self.cluster.note(format!("the metrics server is started again with {args_text}"));
            self.start_server(args).await;
        }
        Ok(())
    }

    /// Starts the metrics server in place of one that runs. The timeline says why one refuses to
    /// start.
    async fn start_server(&mut self, args: &[String]) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        let timeline = self.timeline().clone();
        let ended = move |end| {
            timeline.add(match end {
                End::Terminated => What::Change { text: "the metrics server has ended".to_owned() },
                End::Failed(reason) => What::Ended { text: reason },
            });
        };
        match ServerUnderTest::start(self.server_start(args), ended) {
            Ok(server) => {
                self.server = Some(server);
                self.compare_server();
            }
            Err(reason) => self.timeline().add(What::Ended { text: reason }),
        }
    }

    fn server_start(&self, args: &[String]) -> Start {
        let network = self.fabric.machine(self.server_address.ip());
        let doors =
            Doors { network: (self.wrap_network)(network), ..self.cluster.environment.doors() };
        let mut config = self.cluster.config("");
        config.auth_info.token = None;
        config.auth_info.token_file = Some(self.token.file().display().to_string());
        let timeline = self.timeline().clone();
        // The folder of its files differs from run to run.
        let folder = self.files.folder().display().to_string();
        Start {
            args: args.iter().map(|arg| self.files.fill_in(arg)).collect(),
            resolver: Resolver::following(doors.clone(), self.pod_files.clone()),
            doors,
            config,
            address: self.server_address,
            log: Arc::new(move |line: &str| {
                timeline.add(What::Log { text: line.replace(&folder, FILES) });
            }),
        }
    }
}
