//! One fake kubelet: started, changed while it runs, stopped.

mod tls_configs;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use cluster_format::{Access, Faults};
use net::{Doors, Network, Random};
use tokio::sync::{Mutex, watch};

use self::tls_configs::TlsConfigs;
use crate::{
    auth::{Authorizer, Reviewer},
    certificates::{CertificateError, Certificates},
    faults::ActiveFaults,
    handler::RequestHandler,
    listener::{ConnectionPolicy, KubeletListener},
    node::{Node, Pod},
    observer::Observer,
    replay::Replay,
    sample::NodeSample,
    spec::KubeletSpec,
    tls,
    usage::UsageSchedule,
};

/// What the kubelets of a fleet have in common.
#[derive(Clone)]
pub struct Dependencies {
    /// Time and the network.
    pub doors: Doors,
    /// The cluster's CA and the kubelets' key.
    pub certificates: Arc<Certificates>,
    /// Where kubelets with [`Access::Webhook`] send their reviews.
    pub reviewer: Arc<dyn Reviewer>,
    /// Gets each connection and request; `()` for no observer.
    pub observer: Arc<dyn Observer>,
}

/// A kubelet cannot be as it should be.
#[derive(Debug, thiserror::Error)]
pub enum KubeletError {
    /// It cannot listen.
    #[error("kubelet of {node:?}: listen on {address}: {source}")]
    Listen {
        /// The node.
        node: String,
        /// Where.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// It has no certificate.
    #[error("kubelet of {node:?}: {source}")]
    Certificate {
        /// The node.
        node: String,
        /// Why not.
        source: CertificateError,
    },
    /// TLS refuses its certificate.
    #[error("kubelet of {node:?}: use its certificate: {source}")]
    Tls {
        /// The node.
        node: String,
        /// Why.
        source: rustls::Error,
    },
}

/// A running kubelet. Dropping it stops it.
pub struct FakeKubelet {
    handler: Arc<RequestHandler>,
    network: Arc<dyn Network>,
    random: Random,
    maker: TlsConfigs,
    policy: watch::Sender<ConnectionPolicy>,
    /// Held over whole changes, so that they come one after the other.
    endpoints: Mutex<Endpoints>,
}

struct Endpoints {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    listeners: Vec<KubeletListener>,
}

// === impl FakeKubelet ===

impl FakeKubelet {
    /// Starts a kubelet. It listens on all of its addresses when this returns.
    pub async fn start(
        spec: KubeletSpec,
        dependencies: &Dependencies,
    ) -> Result<Self, KubeletError> {
        let Doors { clock, network, random, .. } = dependencies.doors.clone();
        let clients = tls::verifier(dependencies.certificates.clients())
            .map_err(|source| KubeletError::Tls { node: spec.name.clone(), source })?;
        let authorizer = match spec.access {
            Access::Open => None,
            Access::Webhook => {
                let reviewer = Arc::clone(&dependencies.reviewer);
                Some(Authorizer::new(&spec.name, reviewer, Arc::clone(&clients), clock.clone()))
            }
        };
        let endpoints =
            Endpoints { names: spec.names, addresses: spec.addresses, listeners: Vec::new() };
        let active_faults = Arc::new(ActiveFaults::new(spec.faults, &clock, random.clone()));
        let handler = Arc::new(RequestHandler {
            name: spec.name,
            clock,
            observer: Arc::clone(&dependencies.observer),
            authorizer,
            sampling: spec.sampling,
            replay: spec.replay.map(Replay::new),
            resource_path: spec.resource_path.into(),
            node: spec.node.into(),
        });
        let maker = TlsConfigs {
            certificates: Arc::clone(&dependencies.certificates),
            kind: spec.certificate,
            x509: spec.x509,
            clients,
        };
        let tls = maker.make(&handler, &endpoints, &active_faults)?;
        let kubelet = Self {
            handler,
            network,
            random,
            maker,
            policy: watch::Sender::new(ConnectionPolicy { generation: 1, active_faults, tls }),
            endpoints: Mutex::new(endpoints),
        };
        kubelet.endpoints.lock().await.open(&kubelet, &spec.listen).await?;
        Ok(kubelet)
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.handler.name
    }

    /// Where it listens, or would if it did not refuse.
    pub async fn listens_on(&self) -> Vec<SocketAddr> {
        self.endpoints.lock().await.listeners.iter().map(KubeletListener::local).collect()
    }

    /// From now on it does this wrong and nothing else, and times and requests are counted from
    /// now. If anything changes, open connections are cut; new ones see the change when this
    /// returns.
    pub async fn set_faults(&self, faults: Faults) -> Result<(), KubeletError> {
        let mut endpoints = self.endpoints.lock().await;
        let before = self.policy.borrow().clone();
        if faults == *before.active_faults.faults() {
            return Ok(());
        }
        let active_faults = ActiveFaults::new(faults, &self.handler.clock, self.random.clone());
        let tls = if active_faults.tls_variants() == before.active_faults.tls_variants() {
            before.tls
        } else {
            self.maker.make(&self.handler, &endpoints, &active_faults)?
        };
        endpoints.set_policy(&self.policy, Arc::new(active_faults), tls).await;
        Ok(())
    }

    /// The node has other addresses from now on: it listens there only and has a certificate for
    /// them. Open connections are cut.
    pub async fn set_addresses(
        &self,
        listen: &[SocketAddr],
        names: Vec<String>,
        addresses: Vec<IpAddr>,
    ) -> Result<(), KubeletError> {
        let mut endpoints = self.endpoints.lock().await;
        (endpoints.names, endpoints.addresses) = (names, addresses);
        let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut endpoints.listeners)
            .into_iter()
            .partition(|listener| listen.contains(&listener.local()));
        endpoints.listeners = stay;
        for listener in go {
            listener.close().await;
        }
        let active_faults = Arc::clone(&self.policy.borrow().active_faults);
        let tls = self.maker.make(&self.handler, &endpoints, &active_faults)?;
        endpoints.set_policy(&self.policy, active_faults, tls).await;
        endpoints.open(self, listen).await
    }

    /// The node uses this from now on, whatever its containers use.
    pub fn set_usage(&self, schedule: impl Into<UsageSchedule>) {
        let now = self.handler.clock.now();
        self.handler.node().set_usage(now, schedule);
    }

    /// Its `/metrics/resource` is at this path too from now on, and at no other.
    pub fn set_resource_path(&self, path: Option<String>) {
        *self.handler.resource_path.lock() = path;
    }

    /// A container uses this from now on. False if there is no such container.
    pub fn set_container_usage(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        schedule: impl Into<UsageSchedule>,
    ) -> bool {
        let now = self.handler.clock.now();
        self.handler.node().set_container_usage((namespace, pod, container), now, schedule)
    }

    /// A pod runs on the node from now on, in place of one of that name.
    pub fn add_pod(&self, pod: Pod) {
        let at = self.handler.sampling.last(self.handler.clock.now());
        self.handler.node().add_pod(at, pod);
    }

    /// A pod runs on the node no longer. False if there is no such pod.
    pub fn remove_pod(&self, namespace: &str, name: &str) -> bool {
        let at = self.handler.sampling.last(self.handler.clock.now());
        self.handler.node().remove_pod(at, namespace, name)
    }

    /// The node as it is: what a kubelet that is started again finds.
    pub fn model(&self) -> Node {
        self.handler.node().clone()
    }

    /// What the node's kubelet serves at this moment, to compare a metrics server's responses with.
    /// A recording that is replayed is not read.
    pub fn sample(&self) -> NodeSample {
        self.handler.sample()
    }

    /// The node, its pods and their usage at any moment until now. `None` where a recording is
    /// replayed: the usage is unknown then.
    pub fn truth(&self) -> Option<Node> {
        self.handler.replay.is_none().then(|| self.model())
    }

    /// Closes all ports and connections.
    pub async fn stop(&self) {
        let listeners = std::mem::take(&mut self.endpoints.lock().await.listeners);
        for listener in listeners {
            listener.close().await;
        }
    }
}

// === impl Endpoints ===

impl Endpoints {
    /// Listens on those of the addresses where it does not yet.
    async fn open(
        &mut self,
        kubelet: &FakeKubelet,
        listen: &[SocketAddr],
    ) -> Result<(), KubeletError> {
        for address in listen.iter().copied() {
            if self.listeners.iter().any(|listener| listener.local() == address) {
                continue;
            }
            let network = Arc::clone(&kubelet.network);
            let handler = Arc::clone(&kubelet.handler);
            let listener =
                KubeletListener::open(address, network, handler, kubelet.policy.subscribe())
                    .await
                    .map_err(|source| {
                        let node = kubelet.name().to_owned();
                        KubeletError::Listen { node, address, source }
                    })?;
            self.listeners.push(listener);
        }
        Ok(())
    }

    async fn set_policy(
        &mut self,
        policy: &watch::Sender<ConnectionPolicy>,
        active_faults: Arc<ActiveFaults>,
        tls: Arc<tls::ConfigSet>,
    ) {
        let generation = policy.borrow().generation + 1;
        policy.send_replace(ConnectionPolicy { generation, active_faults, tls });
        for listener in &mut self.listeners {
            listener.wait_for(generation).await;
        }
    }
}
