//! The simulated world: one thread, virtual time, a network in memory; real TLS, HTTP and
//! Kubernetes objects, and the metrics server's library as it ships.
//!
//! It must be built and used inside a current-thread runtime whose clock is paused.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use fake_kubelet::{ApiServer, Certificates, Fleet, KubeletError, RecordingError, Surroundings};
use fake_kubelet::{CertificateError, Subject, Validity};
use kube::Config;
use metrics_server::{
    cluster::{ApiClientError, api_client},
    dns::{Hosts, ResolvConf, Resolver},
    doors::{Clock, Doors, Random},
    flags::Flags,
    klog::Klog,
    server::Server,
    serving,
};
use tempfile::NamedTempFile;
use tokio::{sync::watch, task::JoinHandle};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use super::{cluster, front_proxy::FrontProxy, network::Fabric, people};
use crate::{
    control_plane::{Backend, BackendError, ControlPlane, Settings},
    dns::Zone,
    events::{Timeline, What},
    file::{
        ScenarioFile,
        format::{self, ApiServerChange, Change, NodeChange},
    },
    observers::Observers,
};

const API_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)), 443);
const DEFAULT_DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 10));
const DEFAULT_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 6));

/// The machine from which the person at the keyboard asks.
const WORKSTATION: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 2));

/// Where the machine stands whose kubelets ask for reviews.
const KUBELETS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 2));

/// What stands in a scenario's flags for the path of a file with the cluster's CA.
const AUTHORITY_PLACEHOLDER: &str = "${clusterCA}";

const DNS_PORT: u16 = 53;
const SERVER_PORT: u16 = 10250;

/// What the kubelet writes into the resolv.conf of a pod in kube-system.
const SEARCH: [&str; 3] = ["kube-system.svc.cluster.local", "svc.cluster.local", "cluster.local"];
const NDOTS: usize = 5;

/// A cluster and the metrics server under test.
pub struct Simulated {
    timeline: Timeline,
    clock: Clock,
    random: Random,
    fabric: Fabric,
    zone: Arc<Zone>,
    control_plane: Arc<ControlPlane>,
    certificates: Arc<Certificates>,
    fleet: Fleet,
    nodes: Vec<format::Node>,
    resolv_conf: ResolvConf,
    api_server: Option<Running>,
    server: Option<UnderTest>,
    server_address: SocketAddr,
    admin: kube::Client,
    probe: kube::Client,
    /// The cluster's CA for flags that want a file.
    authority_file: NamedTempFile,
}

/// A task that is cut off when dropped.
struct Running(JoinHandle<()>);

struct UnderTest {
    task: Running,
    cycles: watch::Receiver<u64>,
    resolution: Duration,
    _log: DefaultGuard,
}

/// A world that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A recording could not be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A kubelet could not be started.
    #[error(transparent)]
    Kubelet(#[from] KubeletError),
    /// A client could not be made.
    #[error(transparent)]
    Client(#[from] ApiClientError),
    /// The metrics server could not be put behind the API server.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The API server could not be started.
    #[error("start the API server: {0}")]
    ApiServer(String),
    /// There is no thread's runtime to be had.
    #[error("start a runtime: {0}")]
    Runtime(io::Error),
    /// The file with the cluster's CA could not be written.
    #[error("write the cluster's CA into a temporary file: {0}")]
    AuthorityFile(io::Error),
}

// === impl Simulated ===

impl Simulated {
    /// Builds the cluster of a scenario and starts the metrics server in it.
    pub async fn build(file: &ScenarioFile) -> Result<Self, WorldError> {
        let spec = &file.scenario.spec;
        let start = cluster::start(spec);
        let clock = Clock::starting_at(start);
        let random = Random::seeded(spec.seed.unwrap_or(1));
        let timeline = Timeline::new(clock.clone());
        let observers = Arc::new(Observers::new(timeline.clone()));
        let fabric = Fabric::default();
        let certificates = Arc::new(Certificates::new(start)?);

        let zone = Arc::new(Zone::new(&spec.dns, observers.clone()));
        let dns = SocketAddr::new(spec.dns.server.map_or(DEFAULT_DNS, |server| server.0), DNS_PORT);
        fabric.serve_names(dns, zone.clone());
        let resolv_conf = ResolvConf {
            servers: vec![dns],
            search: SEARCH.map(str::to_owned).to_vec(),
            ndots: NDOTS,
            ..ResolvConf::default()
        };

        let control_plane = ControlPlane::new(clock.clone(), Settings::default());
        people::introduce(&control_plane, spec.server.role.as_deref());
        control_plane.observe(observers.clone());
        let front_proxy = FrontProxy::new(start)?;
        control_plane.upsert_config_map(front_proxy.config_map(&certificates.cluster().pem()));
        let nodes = cluster::nodes(spec);
        for node in &nodes {
            control_plane.upsert_node(cluster::node_object(node, start));
            for pod in cluster::pod_objects(node, start) {
                control_plane.upsert_pod(pod);
            }
        }

        let doors = |address| Doors {
            clock: clock.clone(),
            network: fabric.machine(address),
            random: random.clone(),
        };
        let client = |address, config: &Config| {
            let doors = doors(address);
            let resolver = Resolver::new(doors.clone(), resolv_conf.clone(), Hosts::default());
            api_client(config, &doors, resolver)
        };
        let authority = certificates.cluster().certificate().to_vec();
        let reviewer = client(KUBELETS, &api_config(people::KUBELETS_TOKEN, &authority))?;
        let admin = client(WORKSTATION, &api_config(people::ADMIN_TOKEN, &authority))?;
        let server_ip = spec.server.address.map_or(DEFAULT_SERVER, |address| address.0);
        let server_address = SocketAddr::new(server_ip, SERVER_PORT);
        let probe = client(WORKSTATION, &probe_config(server_address))?;

        let surroundings = Surroundings {
            doors: doors(KUBELETS),
            certificates: certificates.clone(),
            reviewer: Arc::new(ApiServer::new(reviewer)),
            observer: observers,
        };
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let kubelets: Vec<_> = nodes
            .iter()
            .map(|node| cluster::kubelet(node, folder, start))
            .collect::<Result<_, _>>()?;
        let fleet = Fleet::start(kubelets, surroundings).await?;

        control_plane.aggregate(Backend {
            group: "metrics.k8s.io".to_owned(),
            versions: vec!["v1beta1".to_owned()],
            namespace: "kube-system".to_owned(),
            service: "metrics-server".to_owned(),
            address: server_address,
            network: fabric.machine(API_SERVER.ip()),
            certificate: Some(front_proxy.certificate(start)?),
        })?;

        let authority_file = NamedTempFile::new().map_err(WorldError::AuthorityFile)?;
        fs::write(&authority_file, certificates.cluster().pem())
            .map_err(WorldError::AuthorityFile)?;

        let mut world = Self {
            timeline,
            clock,
            random,
            fabric,
            zone,
            control_plane,
            certificates,
            fleet,
            nodes,
            resolv_conf,
            api_server: None,
            server: None,
            server_address,
            admin,
            probe,
            authority_file,
        };
        world.start_api_server().await?;
        world.start_server(&spec.server.args).await;
        Ok(world)
    }

    /// Everything that has happened.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Asks the API server as the person at the keyboard.
    pub fn admin(&self) -> &kube::Client {
        &self.admin
    }

    /// Asks the metrics server itself.
    pub fn probe(&self) -> &kube::Client {
        &self.probe
    }

    /// Waits until the metrics server has ended this many further cycles. False when it does not
    /// within `limit`, or does not run.
    pub async fn cycles(&mut self, cycles: u32, limit: Duration) -> bool {
        let Some(server) = &mut self.server else { return false };
        let target = *server.cycles.borrow() + u64::from(cycles);
        let wait = server.cycles.wait_for(|ended| *ended >= target);
        matches!(tokio::time::timeout(limit, wait).await, Ok(Ok(_)))
    }

    /// How far apart the metrics server's cycles are; nothing where it does not run.
    pub fn resolution(&self) -> Duration {
        self.server.as_ref().map(|server| server.resolution).unwrap_or_default()
    }

    /// Changes what a step says.
    pub async fn change(&mut self, change: &Change) -> Result<(), WorldError> {
        if let Some(dns) = &change.dns {
            self.zone.change(dns);
            self.note(format!("dns: {}", names(dns.records.keys().chain(dns.failures.keys()))));
        }
        for (name, node) in &change.nodes {
            self.change_node(name, node).await?;
        }
        match change.api_server {
            Some(ApiServerChange::Down) => {
                self.note("the API server goes away".to_owned());
                self.control_plane.cut_watches();
                if let Some(api_server) = self.api_server.take() {
                    api_server.stop().await;
                }
            }
            Some(ApiServerChange::Up) => {
                self.note("the API server is back".to_owned());
                self.start_api_server().await?;
            }
            None => {}
        }
        if let Some(server) = &change.server {
            if let Some(role) = &server.role {
                self.note("the metrics server's role".to_owned());
                people::set_role(&self.control_plane, Some(role));
            }
            if let Some(args) = &server.args {
                self.note(format!("the metrics server is started again with {}", args.join(" ")));
                self.start_server(args).await;
            }
        }
        Ok(())
    }

    fn note(&self, text: String) {
        self.timeline.add(What::Change(text));
    }

    async fn change_node(&mut self, name: &str, change: &NodeChange) -> Result<(), WorldError> {
        let Some(at) = self.nodes.iter().position(|node| node.name == name) else { return Ok(()) };
        if change.removed {
            self.note(format!("node {name} is removed"));
            let node = self.nodes.remove(at);
            self.fleet.remove(name).await;
            for pod in cluster::pod_objects(&node, self.clock.now()) {
                let metadata = pod.metadata;
                self.control_plane.remove_pod(
                    &metadata.namespace.unwrap_or_default(),
                    &metadata.name.unwrap_or_default(),
                );
            }
            self.control_plane.remove_node(name);
            return Ok(());
        }
        self.note(format!("node {name}"));
        let node = &mut self.nodes[at];
        let kubelet = self.fleet.get(name);
        if let Some(addresses) = &change.addresses {
            node.addresses.clone_from(addresses);
            if let Some(kubelet) = &kubelet {
                let listen = cluster::listen(addresses, node.kubelet.port);
                kubelet
                    .set_addresses(&listen, cluster::names(addresses), cluster::ips(addresses))
                    .await?;
            }
        }
        if let (Some(faults), Some(kubelet)) = (&change.faults, &kubelet) {
            kubelet.set_faults(cluster::faults(faults)).await?;
        }
        if let (Some(usage), Some(kubelet)) = (&change.usage, &kubelet) {
            kubelet.set_usage(cluster::shape(usage));
        }
        node.ready = change.ready.or(node.ready);
        self.control_plane.upsert_node(cluster::node_object(node, self.clock.now()));
        Ok(())
    }

    async fn start_api_server(&mut self) -> Result<(), WorldError> {
        let now = self.clock.now();
        let subject = Subject {
            common_name: "kube-apiserver".to_owned(),
            names: vec!["kubernetes.default.svc".to_owned()],
            addresses: vec![API_SERVER.ip()],
            ..Subject::default()
        };
        let identity = self
            .certificates
            .cluster()
            .serving(&subject, Validity::year_from_an_hour_before(now))?;
        let no_clients = rustls::server::WebPkiClientVerifier::no_client_auth();
        let failed = |error: &dyn std::fmt::Display| WorldError::ApiServer(error.to_string());
        let tls = serving::tls::config(identity.chain(), identity.key(), no_clients)
            .map_err(|error| failed(&error))?;
        let network = self.fabric.machine(API_SERVER.ip());
        let listener = network.listen(API_SERVER).await.map_err(|error| failed(&error))?;
        let router = self.control_plane.router();
        let (stop, stopped) = watch::channel(false);
        self.api_server = Some(Running(tokio::spawn(async move {
            serving::serve(listener, tls, router, stopped).await;
            drop(stop);
        })));
        Ok(())
    }

    /// Starts the metrics server in place of one that runs. One that refuses to start says why in
    /// the time line.
    async fn start_server(&mut self, args: &[String]) {
        if let Some(server) = self.server.take() {
            server.task.stop().await;
        }
        match self.prepare(args) {
            Ok(server) => self.server = Some(server),
            Err(reason) => self.timeline.add(What::Ended(reason)),
        }
    }

    fn prepare(&self, args: &[String]) -> Result<UnderTest, String> {
        let authority = self.authority_file.path().display().to_string();
        let args = args.iter().map(|arg| arg.replace(AUTHORITY_PLACEHOLDER, &authority));
        let flags = Flags::parse_from_args(args).map_err(|error| error.to_string())?;
        let doors = Doors {
            clock: self.clock.clone(),
            network: self.fabric.machine(self.server_address.ip()),
            random: self.random.clone(),
        };
        let resolver = Resolver::new(doors.clone(), self.resolv_conf.clone(), Hosts::default());
        let config = api_config(people::SERVER_TOKEN, self.certificates.cluster().certificate());
        let server = Server::new(&flags, &config, doors, resolver, Some(self.server_address))
            .map_err(|error| error.to_string())?;
        let timeline = self.timeline.clone();
        let sink = Arc::new(move |line: &str| timeline.add(What::Log(line.to_owned())));
        let klog = Klog::new(self.clock.clone(), 1, flags.verbosity, sink);
        let log = tracing::subscriber::set_default(tracing_subscriber::registry().with(klog));
        let cycles = server.cycles();
        let timeline = self.timeline.clone();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            if let Err(error) = server.run(stopped).await {
                timeline.add(What::Ended(error.to_string()));
            }
            drop(stop);
        });
        Ok(UnderTest {
            task: Running(task),
            cycles,
            resolution: flags.metric_resolution,
            _log: log,
        })
    }
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.cloned().collect::<Vec<_>>().join(", ")
}

fn api_config(token: &str, authority: &[u8]) -> Config {
    let mut config = Config::new(url(API_SERVER));
    config.root_cert = Some(vec![authority.to_vec()]);
    config.auth_info.token = Some(token.to_owned().into());
    config
}

/// The metrics server's own certificate is self-signed: whoever probes it does not care.
fn probe_config(server: SocketAddr) -> Config {
    let mut config = Config::new(url(server));
    config.accept_invalid_certs = true;
    config
}

fn url(address: SocketAddr) -> http::Uri {
    // A scheme, a socket address and a slash always are a URI.
    format!("https://{address}/").parse().unwrap_or_default()
}

// === impl Running ===

impl Running {
    /// Cuts it off; what it held is free when this returns.
    async fn stop(mut self) {
        self.0.abort();
        drop((&mut self.0).await);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
