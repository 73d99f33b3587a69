//! The simulated world: one thread, virtual time, a network in memory; real TLS, HTTP and
//! Kubernetes objects, and the metrics server's library as it ships.
//!
//! It must be built and used inside a current-thread runtime whose clock is paused.

use std::{collections::BTreeMap, fs, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::Request;
use net::{Clock, Doors, Network, Programs, Random, dns::Resolver};

use super::{
    World, WorldError,
    addresses::{API_SERVER, CLIENT, DNS_PORT, FILES, Home},
    clients::{ClientIdentity, Clients},
    cluster::{Cluster, Environment},
    describe,
    files::Files,
    installed::Installed,
    network::Fabric,
    objects,
    pod_dns::{PodFiles, config_files, resolv_conf},
    server_under_test::{self, End, ServerUnderTest, Start},
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

/// Wraps the metrics server's network.
type WrapNetwork = dyn Fn(Arc<dyn Network>) -> Arc<dyn Network> + Send;

/// A cluster and the metrics server under test.
pub struct Simulated {
    cluster: Cluster,
    fabric: Fabric,
    dns: Dns,
    _dns: Vec<Task>,
    wrap_network: Box<WrapNetwork>,
    server: Option<ServerUnderTest>,
    /// The server's flags.
    args: Vec<String>,
    home: Home,
    has_host_network: bool,
    server_address: SocketAddr,
    clients: Clients,
    files: Files,
    token: AccountToken,
    /// Set by [`World::compare_usage`].
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
        fabric.set_firewall(&spec.firewall);
        let home = Home::of(spec);
        let server_address = home.address(spec.server.host_network, &spec.server.args);
        // The server's machine is there before the server is: it refuses connections until then.
        drop(fabric.machine(server_address.ip()));
        cluster.aggregate(server_address)?;

        let mut files = Files::new(&spec.server, cluster.certificates(), start)?;
        let token = AccountToken::new(files.folder())?;
        files.write_kubeconfig(spec.server.kubeconfig.as_deref(), API_SERVER, &token)?;
        PodFiles::new(&spec.dns, &spec.server, &BTreeMap::new())
            .write(files.folder())
            .map_err(WorldError::File)?;
        let mut world = Self {
            clients: Clients::new(&cluster, server_address)?,
            cluster,
            fabric,
            dns: spec.dns.clone(),
            _dns: dns,
            wrap_network: Box::new(wrap_network),
            server: None,
            args: Vec::new(),
            home,
            has_host_network: spec.server.host_network,
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

    /// The administrator's client of the API server.
    pub fn admin(&self) -> &kube::Client {
        &self.clients.admin
    }

    /// An anonymous client of the metrics server itself.
    pub fn probe(&self) -> &kube::Client {
        &self.clients.probe
    }

    /// Adds the objects of the metrics server's installation, after the steps of `file`, and its
    /// log.
    pub async fn install(&self, file: &ScenarioFile) -> Result<(), WorldError> {
        let spec = &file.scenario.spec;
        let probe = Request::get("/readyz").body(Vec::new());
        let ready = match probe {
            Ok(probe) => self.clients.probe.request_text(probe).await.is_ok(),
            Err(_) => false,
        };
        let installed = Installed {
            spec,
            changes: spec.steps.iter().filter_map(|step| step.change.as_ref()).collect(),
            nodes: &self.cluster.nodes,
            ready: Some(ready),
        };
        let timeline = self.timeline().clone();
        let log = move || {
            let events = timeline.all().into_iter();
            let lines = events.filter_map(|event| match event.what {
                What::Log { text } => Some(text + "\n"),
                // As the program prints it.
                What::Ended { text } => Some(format!("error: {text}\n")),
                _ => None,
            });
            lines.collect()
        };
        installed.add(self.cluster.api_server(), Box::new(log))
    }

    /// A client of the API server with this token.
    pub fn client(&self, token: &str) -> Result<kube::Client, WorldError> {
        self.cluster.environment.client(&self.cluster.config(token))
    }

    /// The API server itself.
    pub fn api_server(&self) -> &fake_apiserver::FakeApiServer {
        self.cluster.api_server()
    }

    /// A client of the metrics server itself.
    pub fn direct_client(&self, identity: ClientIdentity<'_>) -> Result<kube::Client, WorldError> {
        self.clients.direct(&self.cluster, identity)
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

    /// Applies a step's change.
    pub async fn change(&mut self, change: &Change) -> Result<(), WorldError> {
        if let Some(rules) = &change.firewall {
            self.cluster.note(describe::firewall(rules));
            self.fabric.set_firewall(rules);
        }
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
            let file = config_files(self.files.folder()).resolv_conf;
            fs::write(file, text).map_err(WorldError::File)?;
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
        if let Some(text) = change.server.as_ref().and_then(|server| server.kubeconfig.as_ref()) {
            self.cluster.note("another kubeconfig".to_owned());
            self.files.write_kubeconfig(Some(text), API_SERVER, &self.token)?;
        }
        let Some(server) = &change.server else { return Ok(()) };
        if server.args.is_some() || server.host_network.is_some() {
            let args = server.args.as_ref().unwrap_or(&self.args).clone();
            if let Some(text) = server.host_network.map(describe::host_network) {
                self.cluster.note(text.to_owned());
            }
            let args_text = args.join(" ");
            self.cluster.note(format!("the metrics server is started again with {args_text}"));
            self.move_server(server.host_network, &args)?;
            self.start_server(&args).await;
        }
        Ok(())
    }

    /// The server gets its node's network or one of its own, and the port of its flags.
    fn move_server(
        &mut self,
        host_network: Option<bool>,
        args: &[String],
    ) -> Result<(), WorldError> {
        self.has_host_network = host_network.unwrap_or(self.has_host_network);
        let address = self.home.address(self.has_host_network, args);
        if address != self.server_address {
            drop(self.fabric.machine(address.ip()));
            self.server_address = address;
            self.cluster.aggregate(address)?;
            self.clients = Clients::new(&self.cluster, address)?;
        }
        Ok(())
    }

    fn compare_server(&mut self) {
        if let (Some(comparer), Some(server)) = (&self.comparer, &mut self.server) {
            server.compare(comparer.clone());
        }
    }

    /// Starts the metrics server in place of one that runs. The time line has the reason where it
    /// refuses to start.
    async fn start_server(&mut self, args: &[String]) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        args.clone_into(&mut self.args);
        let timeline = self.timeline().clone();
        let ended = move |end| {
            timeline.add(match end {
                End::Terminated => What::Change { text: "the metrics server has ended".to_owned() },
                End::Failed(reason) => What::Ended { text: reason },
            });
        };
        let folder = self.files.folder().display().to_string();
        match ServerUnderTest::start(self.server_start(args), ended) {
            Ok(server) => {
                self.server = Some(server);
                self.compare_server();
            }
            Err(reason) => {
                let text = reason.replace(&folder, FILES);
                self.timeline().add(What::Ended { text });
            }
        }
    }

    fn server_start(&self, args: &[String]) -> Start {
        let network = self.fabric.machine(self.server_address.ip());
        let doors = Doors {
            network: (self.wrap_network)(network),
            programs: Programs::InNoTime,
            ..self.cluster.environment.doors()
        };
        let mut config = self.cluster.config("");
        config.auth_info.token = None;
        config.auth_info.token_file = Some(self.token.file().display().to_string());
        let timeline = self.timeline().clone();
        // The folder of its files differs from run to run.
        let folder = self.files.folder().display().to_string();
        Start {
            args: self
                .files
                .kubeconfig_flag()
                .into_iter()
                .chain(args.iter().map(|arg| self.files.fill_in(arg)))
                .collect(),
            resolver: Resolver::from_files(doors.clone(), config_files(self.files.folder())),
            doors,
            config,
            address: self.server_address,
            log: Arc::new(move |line: &str| {
                timeline.add(What::Log { text: line.replace(&folder, FILES) });
            }),
        }
    }
}

#[async_trait(?Send)]
impl World for Simulated {
    fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn clients(&self) -> &Clients {
        &self.clients
    }

    async fn cycles(&mut self, cycles: u32, limit: Duration) -> bool {
        Self::cycles(self, cycles, limit).await
    }

    fn resolution(&self) -> Duration {
        Self::resolution(self)
    }

    async fn change(&mut self, change: &Change) -> Result<(), WorldError> {
        Self::change(self, change).await
    }

    async fn check_server(&self) -> Result<(u8, String), String> {
        let (exit_code, printed) = server_under_test::check(self.server_start(&self.args)).await;
        let folder = self.files.folder().display().to_string();
        Ok((exit_code, printed.replace(&folder, FILES)))
    }

    fn compare_usage(&mut self) {
        self.comparer = Some(Comparer::new(self.clock().clone(), self.cluster.kubelets()));
        self.compare_server();
    }

    fn usage(&self) -> Comparison {
        self.comparer.as_ref().map(|it| it.sum_up(self.clock().now())).unwrap_or_default()
    }
}
