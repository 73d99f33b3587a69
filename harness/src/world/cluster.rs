//! The cluster of a scenario without the metrics server: API server, DNS, nodes and kubelets, on
//! any network.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use fake_apiserver::{Backend, Endpoint, FakeApiServer, Serving};
use fake_kubelet::{
    ApiServerReviewer, Certificates, Dependencies, FakeKubelet, Fleet, Identity, KubeletSpec,
    Sources, Subject, Validity, api_server_endpoint,
};
use jiff::Timestamp;
use kube::Config;
use kube_dial::api_client;
use net::{
    Clock, Doors, Files, Network, Programs, Random,
    dns::{Hosts, ResolvConf, Resolver},
};

use super::{
    WorldError, clients::ClientIdentity, describe, front_proxy::FrontProxy, identities, objects,
};
use crate::{
    dns::Zone,
    events::{Timeline, What},
    file::{
        ScenarioFile, fits,
        format::{self, ApiServerChange, Change, FrontProxyState},
    },
    observers::Observers,
};

const DEFAULT_SEED: u64 = 1;

/// The network of the machine with an address.
pub(super) type NetworkOf = Arc<dyn Fn(IpAddr) -> Arc<dyn Network> + Send + Sync>;

/// The clock, network and addresses of a cluster.
pub(crate) struct Environment {
    /// When its clock starts; ages of objects count from here.
    pub(super) start: Timestamp,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) network_of: NetworkOf,
    /// Where its API server listens; the system chooses port 0.
    pub(super) api_server: SocketAddr,
    /// The machine of the kubelets' API clients and of the administrator's.
    pub(super) client: IpAddr,
}

/// A cluster that runs.
pub(crate) struct Cluster {
    pub(super) environment: Environment,
    timeline: Timeline,
    zone: Arc<Zone>,
    pub(super) api_server: Arc<FakeApiServer>,
    certificates: Arc<Certificates>,
    front_proxy: FrontProxy,
    /// The metrics server's address, once it is behind the API server.
    backend: Option<SocketAddr>,
    pub(super) fleet: Fleet,
    pub(super) nodes: Vec<format::Node>,
    pub(super) folder: PathBuf,
    pub(super) seed: u64,
    /// None while the API server is down.
    serving: Option<Serving>,
}

// === impl Cluster ===

impl Cluster {
    /// Builds the cluster that a scenario describes; everything in it listens when this returns.
    pub(super) async fn build(
        file: &ScenarioFile,
        mut environment: Environment,
    ) -> Result<Self, WorldError> {
        let spec = &file.scenario.spec;
        let timeline = Timeline::new(environment.clock.clone());
        let observers = Arc::new(Observers::new(timeline.clone()));
        let certificates = Arc::new(Certificates::new(environment.start)?);
        let zone = Arc::new(Zone::new(&spec.dns, environment.random.apart(), observers.clone()));

        let api_server = FakeApiServer::new(environment.clock.clone());
        identities::add(&api_server, spec.server.role.as_deref());
        identities::grant(&api_server, &spec.access);
        api_server.observe(observers.clone());
        let mut front_proxy =
            FrontProxy::new(environment.start, spec.front_proxy_x509.unwrap_or_default())?;
        let client_ca = certificates.cluster().pem();
        api_server.upsert_config_map(front_proxy.config_map(&client_ca));
        if let Some(state) = spec.front_proxy {
            front_proxy.change(state, environment.start)?;
            if is_published(state) {
                api_server.upsert_config_map(front_proxy.config_map(&client_ca));
            }
        }
        let nodes = objects::nodes(spec);
        let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
        let seed = spec.seed.unwrap_or(DEFAULT_SEED);
        let sources = Sources { folder: &folder, seed, start: environment.start };
        for node in &nodes {
            api_server.upsert_node(objects::node_object(node, sources));
            for pod in objects::pod_objects(node, sources) {
                api_server.upsert_pod(pod);
            }
        }
        let serving = environment.start_api_server(&api_server, &certificates).await?;
        environment.api_server = serving.address();

        let config = api_config(environment.api_server, identities::KUBELETS_TOKEN, &certificates);
        let dependencies = Dependencies {
            doors: environment.doors(),
            certificates: certificates.clone(),
            reviewer: Arc::new(ApiServerReviewer::new(environment.client(&config)?)),
            observer: observers,
        };
        let kubelets: Vec<_> =
            nodes.iter().map(|node| KubeletSpec::new(node, sources)).collect::<Result<_, _>>()?;
        let fleet = Fleet::start(kubelets, dependencies).await?;
        Ok(Self {
            environment,
            timeline,
            zone,
            api_server,
            certificates,
            front_proxy,
            backend: None,
            fleet,
            nodes,
            folder,
            seed,
            serving: Some(serving),
        })
    }

    /// Everything that has happened.
    pub(super) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The records that DNS serves.
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
        &self.api_server
    }

    pub(super) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The certificate of a client of the metrics server itself.
    pub(super) fn client_certificate(
        &self,
        identity: ClientIdentity<'_>,
    ) -> Result<Option<Identity>, WorldError> {
        let now = self.environment.clock.now();
        Ok(match identity {
            ClientIdentity::Anonymous => None,
            ClientIdentity::User { name, group } => {
                let subject = Subject {
                    common_name: name.to_owned(),
                    organization: Some(group.to_owned()),
                    ..Subject::default()
                };
                let validity = Validity::year_from_an_hour_before(now);
                Some(self.certificates.cluster().client(&subject, validity)?)
            }
            ClientIdentity::FrontProxy => self.front_proxy.identity()?,
        })
    }

    /// The client configuration of the API server with a bearer token.
    pub(super) fn config(&self, token: &str) -> Config {
        api_config(self.environment.api_server, token, &self.certificates)
    }

    /// Puts the metrics server at `address` behind the API server.
    pub(super) fn aggregate(&mut self, address: SocketAddr) -> Result<(), WorldError> {
        self.backend = Some(address);
        Ok(self.api_server.add_backend(Backend {
            group: "metrics.k8s.io".to_owned(),
            versions: vec!["v1beta1".to_owned(), "v1".to_owned()],
            namespace: "kube-system".to_owned(),
            service: "metrics-server".to_owned(),
            address,
            network: (self.environment.network_of)(self.environment.api_server.ip()),
            certificate: self.front_proxy.certificate()?,
        })?)
    }

    /// Applies a step's change to the cluster, and returns the addresses of machines that are gone.
    /// The metrics server's own flags are not changed here.
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
            identities::grant(&self.api_server, &change.access);
        }
        match change.api_server {
            Some(ApiServerChange::Down) => {
                self.note("the API server goes away".to_owned());
                self.stop_api_server().await;
            }
            Some(ApiServerChange::Silent) => {
                self.note("the API server falls silent".to_owned());
                self.stop_api_server().await;
                let endpoint = self.environment.endpoint(&self.certificates)?;
                self.serving = Some(endpoint.hang().await?);
            }
            Some(ApiServerChange::Up) => {
                self.note("the API server is back".to_owned());
                self.stop_api_server().await;
                let started =
                    self.environment.start_api_server(&self.api_server, &self.certificates);
                self.serving = Some(started.await?);
            }
            None => {}
        }
        if let Some(shown) = change.front_proxy {
            self.note(format!("the API server as a front proxy: {shown:?}"));
            self.front_proxy.change(shown, self.environment.clock.now())?;
            if is_published(shown) {
                let client_ca = self.certificates.cluster().pem();
                self.api_server.upsert_config_map(self.front_proxy.config_map(&client_ca));
            }
            if let Some(address) = self.backend {
                self.aggregate(address)?;
            }
        }
        if let Some(faults) = change.api_server_faults {
            let none = faults == format::ApiServerFaults::default();
            self.note(
                if none { "the API server is well" } else { "the API server has faults" }
                    .to_owned(),
            );
            identities::set_faults(&self.api_server, faults);
            // Watches that are open meet the faults when they are opened again.
            self.api_server.close_watches();
        }
        if let Some(role) = change.server.as_ref().and_then(|server| server.role.as_deref()) {
            self.note("the metrics server's role".to_owned());
            identities::set_role(&self.api_server, Some(role));
        }
        Ok(gone)
    }

    async fn stop_api_server(&mut self) {
        self.api_server.close_watches();
        if let Some(serving) = self.serving.take() {
            serving.stop().await;
        }
    }

    pub(super) fn note(&self, text: String) {
        self.timeline.add(What::Change { text });
    }
}

/// Whether `extension-apiserver-authentication` follows the front proxy.
fn is_published(state: FrontProxyState) -> bool {
    matches!(state, FrontProxyState::Good | FrontProxyState::Absent)
}

fn api_config(api_server: SocketAddr, token: &str, certificates: &Certificates) -> Config {
    let mut config = Config::new(url(api_server));
    config.root_cert = Some(vec![certificates.cluster().certificate().to_vec()]);
    config.auth_info.token = Some(token.to_owned().into());
    config
}

/// The URL of a server at an address.
pub(super) fn url(address: SocketAddr) -> http::Uri {
    // A scheme, a socket address and a slash always are a URI.
    format!("https://{address}/").parse().unwrap_or_default()
}

// === impl Environment ===

impl Environment {
    /// The doors of the clients' machine.
    pub(super) fn doors(&self) -> Doors {
        Doors {
            clock: self.clock.clone(),
            network: (self.network_of)(self.client),
            random: self.random.clone(),
            files: Files::default(),
            programs: Programs::default(),
        }
    }

    /// Starts the API server.
    pub(super) async fn start_api_server(
        &self,
        api_server: &Arc<FakeApiServer>,
        certificates: &Certificates,
    ) -> Result<Serving, WorldError> {
        Ok(api_server.start(self.endpoint(certificates)?).await?)
    }

    fn endpoint(&self, certificates: &Certificates) -> Result<Endpoint, WorldError> {
        let address = self.api_server;
        let network = (self.network_of)(address.ip());
        Ok(api_server_endpoint(network, address, certificates, self.clock.now())?)
    }

    /// A client on the clients' machine, which needs no DNS.
    pub(super) fn client(&self, config: &Config) -> Result<kube::Client, WorldError> {
        let doors = self.doors();
        let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
        Ok(api_client(config, &doors, resolver, "harness")?)
    }
}
