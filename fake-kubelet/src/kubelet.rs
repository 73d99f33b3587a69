//! One fake kubelet: started, changed while it runs, stopped.

mod tls_maker;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use net::{Doors, Network, Random};
use tokio::sync::{Mutex, watch};

use self::tls_maker::TlsMaker;
use crate::{
    access::{Access, Gate, Reviewer},
    answers::Answers,
    certificates::{CertificateError, CertificateKind, Certificates},
    entrance::{Conduct, Entrance},
    faults::{Faults, Standing},
    node::{Node, Pod},
    observer::Observer,
    replay::{Recording, Replay},
    sample::NodeSample,
    sampling::Sampling,
    tls,
    usage::Course,
};

/// What a kubelet is like when it starts.
#[derive(Clone, Debug)]
pub struct KubeletSpec {
    /// The node's name.
    pub name: String,
    /// Where it listens: port 0 lets the system choose one.
    pub listen: Vec<SocketAddr>,
    /// All names of the node that a signed certificate is for.
    pub names: Vec<String>,
    /// All addresses of the node that a signed certificate is for.
    pub addresses: Vec<IpAddr>,
    /// What the node and its pods use.
    pub node: Node,
    /// When it measures.
    pub sampling: Sampling,
    /// Its serving certificate.
    pub certificate: CertificateKind,
    /// Who may ask it.
    pub access: Access,
    /// Answers with this instead of what the node uses.
    pub replay: Option<Arc<Recording>>,
    /// What it does wrong.
    pub faults: Faults,
}

/// What the kubelets of a fleet share.
#[derive(Clone)]
pub struct Surroundings {
    /// Time and the network.
    pub doors: Doors,
    /// The cluster's CA and the kubelets' key.
    pub certificates: Arc<Certificates>,
    /// Whom kubelets with [`Access::Webhook`] ask.
    pub reviewer: Arc<dyn Reviewer>,
    /// Is told what kubelets see; `()` if nobody wants to know.
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
        /// What the system said.
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
    answers: Arc<Answers>,
    network: Arc<dyn Network>,
    random: Random,
    maker: TlsMaker,
    conduct: watch::Sender<Conduct>,
    /// Held over whole changes, so that they come one after the other.
    inside: Mutex<Inside>,
}

struct Inside {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    entrances: Vec<Entrance>,
}

// === impl FakeKubelet ===

impl FakeKubelet {
    /// Starts a kubelet. It listens on all of its addresses when this returns.
    pub async fn start(
        spec: KubeletSpec,
        surroundings: &Surroundings,
    ) -> Result<Self, KubeletError> {
        let Doors { clock, network, random } = surroundings.doors.clone();
        let clients = tls::verifier(surroundings.certificates.clients())
            .map_err(|source| KubeletError::Tls { node: spec.name.clone(), source })?;
        let gate = match spec.access {
            Access::Open => None,
            Access::Webhook => {
                let reviewer = Arc::clone(&surroundings.reviewer);
                Some(Gate::new(&spec.name, reviewer, Arc::clone(&clients), clock.clone()))
            }
        };
        let inside = Inside { names: spec.names, addresses: spec.addresses, entrances: Vec::new() };
        let standing = Arc::new(Standing::new(spec.faults, &clock, random.clone()));
        let answers = Arc::new(Answers {
            name: spec.name,
            clock,
            observer: Arc::clone(&surroundings.observer),
            gate,
            sampling: spec.sampling,
            replay: spec.replay.map(Replay::new),
            node: spec.node.into(),
        });
        let maker = TlsMaker {
            certificates: Arc::clone(&surroundings.certificates),
            kind: spec.certificate,
            clients,
        };
        let tls = maker.make(&answers, &inside, &standing)?;
        let kubelet = Self {
            answers,
            network,
            random,
            maker,
            conduct: watch::Sender::new(Conduct { generation: 1, standing, tls }),
            inside: Mutex::new(inside),
        };
        kubelet.inside.lock().await.open(&kubelet, &spec.listen).await?;
        Ok(kubelet)
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.answers.name
    }

    /// Where it listens, or would if it did not refuse.
    pub async fn listens_on(&self) -> Vec<SocketAddr> {
        self.inside.lock().await.entrances.iter().map(Entrance::local).collect()
    }

    /// From now on it does this wrong and nothing else, and times and requests are counted from
    /// now. If anything changes, open connections are cut; new ones see the change when this
    /// returns.
    pub async fn set_faults(&self, faults: Faults) -> Result<(), KubeletError> {
        let mut inside = self.inside.lock().await;
        let before = self.conduct.borrow().clone();
        if faults == *before.standing.faults() {
            return Ok(());
        }
        let standing = Standing::new(faults, &self.answers.clock, self.random.clone());
        let tls = if standing.tls_needed() == before.standing.tls_needed() {
            before.tls
        } else {
            self.maker.make(&self.answers, &inside, &standing)?
        };
        inside.take_on(&self.conduct, Arc::new(standing), tls).await;
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
        let mut inside = self.inside.lock().await;
        (inside.names, inside.addresses) = (names, addresses);
        let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut inside.entrances)
            .into_iter()
            .partition(|entrance| listen.contains(&entrance.local()));
        inside.entrances = stay;
        for entrance in go {
            entrance.close().await;
        }
        let standing = Arc::clone(&self.conduct.borrow().standing);
        let tls = self.maker.make(&self.answers, &inside, &standing)?;
        inside.take_on(&self.conduct, standing, tls).await;
        inside.open(self, listen).await
    }

    /// The node uses this from now on, whatever its containers use.
    pub fn set_usage(&self, course: impl Into<Course>) {
        let now = self.answers.clock.now();
        self.answers.node().set_usage(now, course);
    }

    /// A container uses this from now on. False if there is no such container.
    pub fn set_container_usage(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        course: impl Into<Course>,
    ) -> bool {
        let now = self.answers.clock.now();
        self.answers.node().set_container_usage((namespace, pod, container), now, course)
    }

    /// A pod runs on the node from now on, in place of one of that name.
    pub fn add_pod(&self, pod: Pod) {
        let at = self.answers.sampling.last(self.answers.clock.now());
        self.answers.node().add_pod(at, pod);
    }

    /// A pod runs on the node no longer. False if there is no such pod.
    pub fn remove_pod(&self, namespace: &str, name: &str) -> bool {
        let at = self.answers.sampling.last(self.answers.clock.now());
        self.answers.node().remove_pod(at, namespace, name)
    }

    /// The node as it is: what a kubelet that is started again finds.
    pub fn model(&self) -> Node {
        self.answers.node().clone()
    }

    /// What the node's kubelet serves at this moment: what a metrics server's answers are to be
    /// judged against. A recording that is replayed is not looked at.
    pub fn sample(&self) -> NodeSample {
        self.answers.sample()
    }

    /// The node, its pods and what they use at any moment until now. `None` where a recording is
    /// replayed: what is true then, nobody knows.
    pub fn truth(&self) -> Option<Node> {
        self.answers.replay.is_none().then(|| self.model())
    }

    /// Closes all ports and connections.
    pub async fn stop(&self) {
        let entrances = std::mem::take(&mut self.inside.lock().await.entrances);
        for entrance in entrances {
            entrance.close().await;
        }
    }
}

// === impl Inside ===

impl Inside {
    /// Listens on those of the addresses where it does not yet.
    async fn open(
        &mut self,
        kubelet: &FakeKubelet,
        listen: &[SocketAddr],
    ) -> Result<(), KubeletError> {
        for address in listen.iter().copied() {
            if self.entrances.iter().any(|entrance| entrance.local() == address) {
                continue;
            }
            let network = Arc::clone(&kubelet.network);
            let answers = Arc::clone(&kubelet.answers);
            let entrance = Entrance::open(address, network, answers, kubelet.conduct.subscribe())
                .await
                .map_err(|source| {
                    let node = kubelet.name().to_owned();
                    KubeletError::Listen { node, address, source }
                })?;
            self.entrances.push(entrance);
        }
        Ok(())
    }

    async fn take_on(
        &mut self,
        conduct: &watch::Sender<Conduct>,
        standing: Arc<Standing>,
        tls: Arc<tls::Choices>,
    ) {
        let generation = conduct.borrow().generation + 1;
        conduct.send_replace(Conduct { generation, standing, tls });
        for entrance in &mut self.entrances {
            entrance.take_on(generation).await;
        }
    }
}
