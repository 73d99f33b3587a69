//! A network in memory, a client that shows raw bytes, and an observer that remembers.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use cluster_format::{Access, CertificateKind, Faults, X509};
use fake_kubelet::{
    Certificates, Container, DenyAll, Dependencies, FakeKubelet, KubeletSpec, Node,
    ObservedRequest, Observer, Pod, Sampling, Shape, Usage,
};
use jiff::Timestamp;
use net::{Clock, Datagram, Doors, Files, Listener, Network, Programs, Random, Stream};
use rustls::{
    ClientConfig, RootCertStore,
    client::WebPkiServerVerifier,
    pki_types::{CertificateDer, ServerName, UnixTime},
    time_provider::TimeProvider,
};
use tls::provider;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    sync::mpsc,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) const AT: &str = "10.200.100.215:10250";
pub(crate) const NOW: &str = "2026-11-22T09:48:15Z";

type Arrivals = mpsc::UnboundedSender<(Stream, SocketAddr)>;

/// Listeners by address; addresses without one refuse connections.
#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<SocketAddr, Arrivals>>);

struct MemoryListener {
    arrivals: mpsc::UnboundedReceiver<(Stream, SocketAddr)>,
    local: SocketAddr,
}

#[async_trait]
impl Network for Memory {
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        let (ours, theirs) = duplex(65_536);
        let from = "10.244.1.6:40000".parse().unwrap();
        let sent = self.0.lock().unwrap().get(&to).map(|a| a.send((Box::new(theirs), from)));
        match sent {
            Some(Ok(())) => Ok(Box::new(ours)),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }

    async fn datagram(&self, _: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let mut listeners = self.0.lock().unwrap();
        if listeners.get(&at).is_some_and(|arrivals| !arrivals.is_closed()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, arrivals) = mpsc::unbounded_channel();
        listeners.insert(at, sender);
        Ok(Box::new(MemoryListener { arrivals, local: at }))
    }
}

#[async_trait]
impl Listener for MemoryListener {
    async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        self.arrivals.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn local(&self) -> SocketAddr {
        self.local
    }
}

/// What kubelets saw, a line each.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

impl Notes {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Notes {
    fn connection(&self, node: &str, at: SocketAddr, from: SocketAddr) {
        self.0.lock().unwrap().push(format!("{node} {at} from {from}"));
    }

    fn request(&self, seen: &ObservedRequest<'_>) {
        let ObservedRequest { node, method, target, status, user_agent, authorization, .. } = seen;
        let line = format!("{node} {method} {target} {status:?} {user_agent:?} {authorization:?}");
        self.0.lock().unwrap().push(line);
    }
}

/// A world in memory.
pub(crate) struct World {
    pub(crate) surroundings: Dependencies,
    pub(crate) notes: Arc<Notes>,
}

impl World {
    pub(crate) fn new() -> Self {
        let now: Timestamp = NOW.parse().unwrap();
        let notes = Arc::new(Notes::default());
        let doors = Doors {
            clock: Clock::starting_at(now),
            network: Arc::new(Memory::default()),
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        let surroundings = Dependencies {
            doors,
            certificates: Arc::new(Certificates::new(now).unwrap()),
            reviewer: Arc::new(DenyAll),
            observer: Arc::clone(&notes) as _,
        };
        Self { surroundings, notes }
    }

    pub(crate) async fn start(&self, spec: KubeletSpec) -> FakeKubelet {
        FakeKubelet::start(spec, &self.surroundings).await.unwrap()
    }

    /// A TLS connection to a kubelet whose certificate is good for `name` by the cluster's CA.
    pub(crate) async fn tls(&self, name: &str) -> io::Result<TlsStream<Stream>> {
        let ca = self.surroundings.certificates.cluster().certificate();
        self.tls_trusting(ca, name).await
    }

    pub(crate) async fn tls_trusting(
        &self,
        ca: &CertificateDer<'static>,
        name: &str,
    ) -> io::Result<TlsStream<Stream>> {
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone()).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let clock = Arc::new(Time(self.surroundings.doors.clock.clone()));
        let config = ClientConfig::builder_with_details(provider(), clock)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_webpki_verifier(verifier.unwrap())
            .with_no_client_auth();
        let stream = self.surroundings.doors.network.connect(AT.parse().unwrap()).await?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// What is answered to a request for `target` with these header lines: all the bytes.
    pub(crate) async fn get(&self, target: &str, headers: &str) -> io::Result<Vec<u8>> {
        self.ask("GET", target, headers).await
    }

    async fn ask(&self, method: &str, target: &str, headers: &str) -> io::Result<Vec<u8>> {
        let mut stream = self.tls("10.200.100.215").await?;
        let headers = format!("{headers}Connection: close\r\n");
        ask(&mut stream, &format!("{method} {target}"), &headers).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    }

    /// The status line, header lines and body.
    pub(crate) async fn get_text(&self, target: &str, headers: &str) -> (String, String) {
        self.ask_text("GET", target, headers).await
    }

    /// The same of a request with another method.
    #[allow(dead_code, reason = "not every test has another method")]
    pub(crate) async fn ask_text(
        &self,
        method: &str,
        target: &str,
        headers: &str,
    ) -> (String, String) {
        let answer = self.ask(method, target, headers).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }
}

pub(crate) async fn ask(
    stream: &mut TlsStream<Stream>,
    what: &str,
    headers: &str,
) -> io::Result<()> {
    let request = format!("{what} HTTP/1.1\r\nHost: k8s-node1\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await
}

#[derive(Debug)]
struct Time(Clock);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let now = std::time::Duration::try_from(self.0.now().as_duration()).ok()?;
        Some(UnixTime::since_unix_epoch(now))
    }
}

/// An open kubelet with a signed certificate: one container that uses a core and 64 MiB.
pub(crate) fn spec() -> KubeletSpec {
    let started = Timestamp::from_second(1_795_340_237).unwrap();
    let shape = Shape::Constant { cpu: 1_000_000_000, memory: 64 << 20 };
    let container = Container { name: "c".into(), usage: Usage::new(started, shape) };
    let pod = Pod { namespace: "ns".into(), name: "p".into(), containers: vec![container] };
    KubeletSpec {
        name: "k8s-node1".to_owned(),
        listen: vec![AT.parse().unwrap()],
        names: vec!["k8s-node1".to_owned()],
        addresses: vec!["10.200.100.215".parse().unwrap()],
        node: Node::new(started, None, vec![pod]),
        sampling: Sampling::default(),
        certificate: CertificateKind::Signed,
        x509: X509::default(),
        access: Access::Open,
        replay: None,
        resource_path: None,
        faults: Faults::default(),
    }
}
