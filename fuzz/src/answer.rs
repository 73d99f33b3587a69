use std::{io, mem, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use metrics_server::{
    cluster::{Node, NodeAddress},
    kubelet::{
        AddressTypes, Endpoint, KubeletClient, KubeletMetrics, Limits, Session, Settings, Transport,
    },
};
use net::{
    Clock, Datagram, Doors, Files, Listener, Network, Programs, Random, Stream,
    dns::{Hosts, ResolvConf, Resolver},
};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::Instant,
};

const LIMIT: Duration = Duration::from_secs(5);

thread_local! {
    /// Made once for all inputs: making it costs more than what it is for.
    static SCRAPER: Option<Scraper> = Scraper::new();
}

/// The response of a kubelet: in pieces whose size is the first byte, and then the end of the
/// connection or, if that byte is odd, no more bytes. The scrape must end at its deadline, a second
/// one over what is left of the connection too, and no connection may be left open.
pub fn answer(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else { return };
    let speech = Speech {
        bytes: bytes.into(),
        piece: usize::from(first / 2).max(1) * 8,
        is_silent_then: first % 2 == 1,
    };
    SCRAPER.with(|scraper| scraper.as_ref().map(|scraper| scraper.scrape_twice(speech)));
}

struct Scraper {
    runtime: Runtime,
    kubelet: Arc<Kubelet>,
    client: KubeletClient,
    node: Node,
}

/// Sends the same on every connection.
#[derive(Default)]
struct Kubelet(Mutex<Turn>);

/// What belongs to one input.
#[derive(Default)]
struct Turn {
    speech: Speech,
    connections: Vec<JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Speech {
    bytes: Arc<[u8]>,
    piece: usize,
    is_silent_then: bool,
}

// === impl Scraper ===

impl Scraper {
    fn new() -> Option<Self> {
        let kubelet = Arc::new(Kubelet::default());
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        Some(Self {
            runtime: runtime.ok()?,
            client: client(kubelet.clone())?,
            kubelet,
            node: node(),
        })
    }

    fn scrape_twice(&self, speech: Speech) {
        self.kubelet.0.lock().speech = speech;
        self.runtime.block_on(async {
            let mut session = Session::default();
            for _ in 0..2 {
                let began = Instant::now();
                let outcome =
                    self.client.scrape(&self.node, None, &mut session, began + LIMIT).await;
                assert!(began.elapsed() <= LIMIT + Duration::from_millis(1), "{outcome:?}");
            }
            drop(session);
            let connections = mem::take(&mut self.kubelet.0.lock().connections);
            for connection in connections {
                assert!(connection.await.is_ok(), "a connection ends well");
            }
        });
    }
}

// === impl Kubelet ===

impl Kubelet {}

#[async_trait]
impl Network for Kubelet {
    async fn connect(&self, _: SocketAddr) -> io::Result<Stream> {
        let (near, far) = duplex(4096);
        let mut turn = self.0.lock();
        let speech = turn.speech.clone();
        turn.connections.push(tokio::spawn(speech.speak(far)));
        assert!(turn.connections.len() <= 4, "a scrape tries again without end");
        Ok(Box::new(near))
    }

    async fn datagram(&self, _: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

// === impl Speech ===

impl Speech {
    async fn speak(self, mut stream: DuplexStream) {
        let mut request = [0; 1024];
        if stream.read(&mut request).await.is_err() {
            return;
        }
        for piece in self.bytes.chunks(self.piece) {
            if stream.write_all(piece).await.is_err() {
                return;
            }
        }
        if self.is_silent_then {
            while let Ok(1..) = stream.read(&mut request).await {}
        }
    }
}

fn client(network: Arc<Kubelet>) -> Option<KubeletClient> {
    let doors = Doors {
        clock: Clock::system(),
        network,
        random: Random::seeded(1),
        files: Files::default(),
        programs: Programs::default(),
    };
    let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
    let settings = Settings {
        address_types: AddressTypes(vec!["InternalIP".to_owned()]),
        port: 10255,
        use_node_status_port: false,
        address_fallback: false,
        endpoint: Endpoint::Auto,
        limits: Limits::default(),
    };
    Some(KubeletClient::new(
        doors,
        resolver,
        settings,
        Transport::Plain,
        KubeletMetrics::new().ok()?,
    ))
}

fn node() -> Node {
    let address = NodeAddress { kind: "InternalIP".to_owned(), address: "10.0.0.1".to_owned() };
    Node { name: "node-1".to_owned(), addresses: vec![address], ..Node::default() }
}
