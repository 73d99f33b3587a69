//! The cluster of a scenario without the metrics server: API server, DNS, nodes and kubelets, over
//! whatever network it is given.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use apiserver::serving;
use fake_apiserver::{Backend, FakeApiServer, Settings};
use fake_kubelet::{
    ApiServerReviewer, Certificates, Dependencies, FakeKubelet, Fleet, Identity, KubeletSpec,
    Sources, Subject, Validity,
};
use jiff::Timestamp;
use kube::Config;
use kube_dial::api_client;
use net::{
    Clock, Doors, Network, Random,
    dns::{Hosts, ResolvConf, Resolver},
};
use tokio::sync::watch;

use super::{
    WorldError, describe, front_proxy::FrontProxy, objects, people, running::Running,
    visitor::Visitor,
};
use crate::{
    dns::Zone,
    events::{Timeline, What},
    file::{
        ScenarioFile, fits,
        format::{self, ApiServerChange, Change, FrontProxyChange},
    },
    observers::Observers,
};

const DEFAULT_SEED: u64 = 1;

/// Gives the network as the machine with an address sees it.
pub(super) type MachineAt = Arc<dyn Fn(IpAddr) -> Arc<dyn Network> + Send + Sync>;

/// Where and when a cluster is built.
pub(super) struct Site {
    /// When its clock starts: ages count from there.
    pub(super) start: Timestamp,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) machine: MachineAt,
    /// Where its API server listens; port 0 lets the system choose.
    pub(super) api_server: SocketAddr,
    /// The machine on which kubelets and the person at the keyboard sit.
    pub(super) desk: IpAddr,
}

/// A cluster that runs.
pub(super) struct Cluster {
    pub(super) site: Site,
    timeline: Timeline,
    zone: Arc<Zone>,
    pub(super) control_plane: Arc<FakeApiServer>,
    certificates: Arc<Certificates>,
    front_proxy: FrontProxy,
    /// Where the metrics server is, once it is behind the API server.
    aggregated: Option<SocketAddr>,
    pub(super) fleet: Fleet,
    pub(super) nodes: Vec<format::Node>,
    pub(super) folder: PathBuf,
    pub(super) seed: u64,
    api_server: Option<Running>,
}

/// What is cut off when the API server is cut off, and where it listens.
pub(super) type ApiServerStarted = (Running, SocketAddr);

// === impl Cluster ===

impl Cluster {
    /// Builds the cluster that a scenario describes; everything in it listens when this returns.
    pub(super) async fn build(file: &ScenarioFile, mut site: Site) -> Result<Self, WorldError> {
        let spec = &file.scenario.spec;
        let timeline = Timeline::new(site.clock.clone());
        let observers = Arc::new(Observers::new(timeline.clone()));
        let certificates = Arc::new(Certificates::new(site.start)?);
        let zone = Arc::new(Zone::new(&spec.dns, observers.clone()));

        let control_plane = FakeApiServer::new(site.clock.clone(), Settings::default());
        people::introduce(&control_plane, spec.server.role.as_deref());
        people::grant(&control_plane, &spec.access);
        control_plane.observe(observers.clone());
        let front_proxy = FrontProxy::new(site.start)?;
        let config_map = front_proxy.config_map(&certificates.cluster().pem());
        control_plane.upsert_config_map(config_map);
        let nodes = objects::nodes(spec);
        let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
        let seed = spec.seed.unwrap_or(DEFAULT_SEED);
        let sources = Sources { folder: &folder, seed, start: site.start };
        for node in &nodes {
            control_plane.upsert_node(objects::node_object(node, sources));
            for pod in objects::pod_objects(node, sources) {
                control_plane.upsert_pod(pod);
            }
        }
        let (api_server, address) = start_api_server(&site, &control_plane, &certificates).await?;
        site.api_server = address;

        let config = api_config(address, people::KUBELETS_TOKEN, &certificates);
        let surroundings = Dependencies {
            doors: site.doors(),
            certificates: certificates.clone(),
            reviewer: Arc::new(ApiServerReviewer::new(site.client(&config)?)),
            observer: observers,
        };
        let kubelets: Vec<_> =
            nodes.iter().map(|node| KubeletSpec::new(node, sources)).collect::<Result<_, _>>()?;
        let fleet = Fleet::start(kubelets, surroundings).await?;
        let api_server = Some(api_server);
        Ok(Self {
            site,
            timeline,
            zone,
            control_plane,
            certificates,
            front_proxy,
            aggregated: None,
            fleet,
            nodes,
            folder,
            seed,
            api_server,
        })
    }

    /// Everything that has happened.
    pub(super) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// What answers DNS questions.
    pub(super) fn zone(&self) -> &Arc<Zone> {
        &self.zone
    }

    /// The kubelets of all nodes.
    pub(super) fn kubelets(&self) -> Vec<Arc<FakeKubelet>> {
        self.fleet.all()
    }

    /// The certificate of the cluster's CA, in PEM.
    pub(super) fn authority_pem(&self) -> String {
        self.certificates.cluster().pem()
    }

    pub(super) fn api_server(&self) -> &FakeApiServer {
        &self.control_plane
    }

    pub(super) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The certificate of somebody who asks the metrics server itself.
    pub(super) fn identity(&self, visitor: Visitor<'_>) -> Result<Option<Identity>, WorldError> {
        let now = self.site.clock.now();
        Ok(match visitor {
            Visitor::Nobody => None,
            Visitor::User { name, group } => {
                let subject = Subject {
                    common_name: name.to_owned(),
                    organization: Some(group.to_owned()),
                    ..Subject::default()
                };
                let validity = Validity::year_from_an_hour_before(now);
                Some(self.certificates.cluster().client(&subject, validity)?)
            }
            Visitor::FrontProxy => Some(self.front_proxy.identity()?),
        })
    }

    /// How the bearer of `token` reaches the API server.
    pub(super) fn config(&self, token: &str) -> Config {
        api_config(self.site.api_server, token, &self.certificates)
    }

    /// Puts the metrics server at `address` behind the API server.
    pub(super) fn aggregate(&mut self, address: SocketAddr) -> Result<(), WorldError> {
        self.aggregated = Some(address);
        Ok(self.control_plane.aggregate(Backend {
            group: "metrics.k8s.io".to_owned(),
            versions: vec!["v1beta1".to_owned(), "v1".to_owned()],
            namespace: "kube-system".to_owned(),
            service: "metrics-server".to_owned(),
            address,
            network: (self.site.machine)(self.site.api_server.ip()),
            certificate: Some(self.front_proxy.certificate()?),
        })?)
    }

    /// Changes what a step says of the cluster, and returns the addresses of machines that are
    /// gone. The metrics server's flags are not its business.
    pub(super) async fn change(&mut self, change: &Change) -> Result<Vec<IpAddr>, WorldError> {
        let mut gone = Vec::new();
        if let Some(dns) = &change.dns {
            self.zone.change(dns);
            self.note(format!("dns: {}", describe::dns(dns)));
        }
        for node in change.add.iter().flat_map(format::Node::expand) {
            self.add_node(node).await?;
        }
        for (pattern, node) in &change.nodes {
            let names: Vec<_> = self.nodes.iter().map(|node| node.name.clone()).collect();
            for name in names.iter().filter(|name| fits(pattern, name)) {
                gone.extend(self.change_node(name, node).await?);
            }
        }
        if change.access != format::Grants::default() {
            self.note("what users may do".to_owned());
            people::grant(&self.control_plane, &change.access);
        }
        match change.api_server {
            Some(ApiServerChange::Down) => {
                self.note("the API server goes away".to_owned());
                self.stop_api_server().await;
            }
            Some(ApiServerChange::Silent) => {
                self.note("the API server falls silent".to_owned());
                self.stop_api_server().await;
                self.api_server = Some(say_nothing(&self.site).await?);
            }
            Some(ApiServerChange::Up) => {
                self.note("the API server is back".to_owned());
                self.stop_api_server().await;
                let started = start_api_server(&self.site, &self.control_plane, &self.certificates);
                self.api_server = Some(started.await?.0);
            }
            None => {}
        }
        if let Some(shown) = change.front_proxy {
            self.note(format!("the API server as a front proxy: {shown:?}"));
            self.front_proxy.change(shown, self.site.clock.now())?;
            if shown == FrontProxyChange::Good {
                let client_ca = self.certificates.cluster().pem();
                self.control_plane.upsert_config_map(self.front_proxy.config_map(&client_ca));
            }
            if let Some(address) = self.aggregated {
                self.aggregate(address)?;
            }
        }
        if let Some(faults) = change.api_server_faults {
            let none = faults == format::ApiServerFaults::default();
            self.note(
                if none { "the API server is well" } else { "the API server has faults" }
                    .to_owned(),
            );
            people::set_trouble(&self.control_plane, faults);
            // Watches that are open meet the faults when they are opened again.
            self.control_plane.cut_watches();
        }
        if let Some(role) = change.server.as_ref().and_then(|server| server.role.as_deref()) {
            self.note("the metrics server's role".to_owned());
            people::set_role(&self.control_plane, Some(role));
        }
        Ok(gone)
    }

    async fn stop_api_server(&mut self) {
        self.control_plane.cut_watches();
        if let Some(api_server) = self.api_server.take() {
            api_server.stop().await;
        }
    }

    pub(super) fn note(&self, text: String) {
        self.timeline.add(What::Change(text));
    }
}

/// Lets the API server listen.
pub(super) async fn start_api_server(
    site: &Site,
    control_plane: &Arc<FakeApiServer>,
    certificates: &Certificates,
) -> Result<ApiServerStarted, WorldError> {
    let address = site.api_server;
    let subject = Subject {
        common_name: "kube-apiserver".to_owned(),
        names: vec!["kubernetes.default.svc".to_owned(), "localhost".to_owned()],
        addresses: vec![address.ip()],
        ..Subject::default()
    };
    let validity = Validity::year_from_an_hour_before(site.clock.now());
    let identity = certificates.cluster().serving(&subject, validity)?;
    let no_clients = rustls::server::WebPkiClientVerifier::no_client_auth();
    let tls = tls::server::config(identity.chain(), identity.key(), no_clients)?;
    let network = (site.machine)(address.ip());
    let listener = network.listen(address).await.map_err(|source| WorldError::Listen {
        what: "the API server",
        address,
        source,
    })?;
    let local = listener.local();
    let router = control_plane.router();
    let (stop, stopped) = watch::channel(false);
    let running = Running::spawn(async move {
        serving::serve(listener, tls, router, stopped).await;
        drop(stop);
    });
    Ok((running, local))
}

/// Accepts whoever connects to the API server's address, and says nothing for good.
async fn say_nothing(site: &Site) -> Result<Running, WorldError> {
    let address = site.api_server;
    let listening = (site.machine)(address.ip()).listen(address).await;
    let mut listener = listening.map_err(|source| WorldError::Listen {
        what: "the API server",
        address,
        source,
    })?;
    Ok(Running::spawn(async move {
        let mut held = Vec::new();
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        }
    }))
}

fn api_config(api_server: SocketAddr, token: &str, certificates: &Certificates) -> Config {
    let mut config = Config::new(url(api_server));
    config.root_cert = Some(vec![certificates.cluster().certificate().to_vec()]);
    config.auth_info.token = Some(token.to_owned().into());
    config
}

/// The root of what answers HTTPS at an address.
pub(super) fn url(address: SocketAddr) -> http::Uri {
    // A scheme, a socket address and a slash always are a URI.
    format!("https://{address}/").parse().unwrap_or_default()
}

// === impl Site ===

impl Site {
    /// The doors at the desk.
    pub(super) fn doors(&self) -> Doors {
        Doors {
            clock: self.clock.clone(),
            network: (self.machine)(self.desk),
            random: self.random.clone(),
        }
    }

    /// A client at the desk. Nothing in a scenario's cluster is asked by name from there.
    pub(super) fn client(&self, config: &Config) -> Result<kube::Client, WorldError> {
        let doors = self.doors();
        let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
        Ok(api_client(config, &doors, resolver, "harness")?)
    }
}
