use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use metrics_server::{
    cluster::{Node, NodeAddress},
    dns::{Hosts, ResolvConf, Resolver},
    doors::{Clock, Datagram, Doors, Listener, Network, Random, Stream},
    kubelet::{AddressTypes, Endpoint, Kept, KubeletClient, Limits, Settings, Tally, Transport},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Builder,
    time::Instant,
};

const LIMIT: Duration = Duration::from_secs(5);

/// What a kubelet sends: in pieces whose size the first byte says, and then the end of the
/// connection or, if that byte is odd, silence. The scrape must end in its time, and a second one
/// on what is left of the connection too.
pub fn answer(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else { return };
    let kubelet = Kubelet {
        bytes: bytes.into(),
        piece: usize::from(first / 2).max(1) * 8,
        is_silent_then: first % 2 == 1,
        connections: Mutex::new(0),
    };
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let Some(client) = client(Arc::new(kubelet)) else { return };
        let mut kept = Kept::default();
        for _ in 0..2 {
            let began = Instant::now();
            let outcome = client.scrape(&node(), None, &mut kept, began + LIMIT).await;
            assert!(began.elapsed() <= LIMIT + Duration::from_millis(1), "{outcome:?}");
        }
    });
}

/// Says the same on every connection.
struct Kubelet {
    bytes: Arc<[u8]>,
    piece: usize,
    is_silent_then: bool,
    connections: Mutex<u32>,
}

async fn speak(mut stream: DuplexStream, bytes: Arc<[u8]>, piece: usize, is_silent_then: bool) {
    let mut request = [0; 1024];
    if stream.read(&mut request).await.is_err() {
        return;
    }
    for piece in bytes.chunks(piece) {
        if stream.write_all(piece).await.is_err() {
            return;
        }
    }
    if is_silent_then {
        while let Ok(1..) = stream.read(&mut request).await {}
    }
}

#[async_trait]
impl Network for Kubelet {
    async fn connect(&self, _: SocketAddr) -> io::Result<Stream> {
        let mut connections = self.connections.lock().map_err(|_| io::ErrorKind::Other)?;
        *connections += 1;
        assert!(*connections <= 4, "a scrape tries again without end");
        let (near, far) = duplex(4096);
        tokio::spawn(speak(far, self.bytes.clone(), self.piece, self.is_silent_then));
        Ok(Box::new(near))
    }

    async fn datagram(&self, _: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn client(network: Arc<Kubelet>) -> Option<KubeletClient> {
    let doors = Doors { clock: Clock::system(), network, random: Random::seeded(1) };
    let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
    let settings = Settings {
        address_types: AddressTypes(vec!["InternalIP".to_owned()]),
        port: 10255,
        use_node_status_port: false,
        address_fallback: false,
        endpoint: Endpoint::Auto,
        limits: Limits::default(),
    };
    Some(KubeletClient::new(doors, resolver, settings, Transport::Plain, Tally::new().ok()?))
}

fn node() -> Node {
    let address = NodeAddress { kind: "InternalIP".to_owned(), address: "10.0.0.1".to_owned() };
    Node { name: "node-1".to_owned(), addresses: vec![address], ..Node::default() }
}
