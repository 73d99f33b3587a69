//! What attackers and users have in common: where the server is, and how to get there.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use net::Clock;
use rustls::{ClientConfig, client::ResolvesClientCert, pki_types::ServerName};
use tls::client::{TlsOptions, client_config};
use tokio::{
    net::{TcpSocket, TcpStream},
    runtime::Builder,
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{AttackError, certificates};

/// The number of the attackers' addresses, from 127.0.0.2 on.
const HOSTS: usize = 8;

/// The first of the attackers' addresses.
pub(super) const FIRST_HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// As many intermediates as were seen to stop a server.
const INTERMEDIATES: usize = 130;

/// A connection over TLS.
pub(super) type Connection = TlsStream<TcpStream>;

/// The server under attack, and the ways to connect to it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    with_chain: Arc<ClientConfig>,
    front_proxy: Arc<ClientConfig>,
}

/// The protocol and the certificate of an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speak {
    Http1,
    Http2,
    /// HTTP/1.1, after a certificate with many intermediates.
    WithChain,
    /// HTTP/1.1, as the API server.
    AsFrontProxy,
}

/// The attackers of one attack at work, in a thread of their own.
pub(super) struct Attackers {
    stop: watch::Sender<bool>,
    thread: thread::JoinHandle<()>,
    done: Arc<Done>,
}

/// What attackers have done.
#[derive(Debug, Default)]
pub(super) struct Done {
    connections: AtomicU64,
    requests: AtomicU64,
}

// === impl Target ===

impl Target {
    /// The server at `address`, in the cluster whose files are in `folder`.
    pub(super) fn new(address: SocketAddr, folder: &Path) -> Result<Self, AttackError> {
        let config = |identity: Option<Arc<dyn ResolvesClientCert>>, protocol: &[u8]| {
            let options = TlsOptions { insecure: true, identity, ..TlsOptions::default() };
            let mut config = (*client_config(options, &Clock::system())?).clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            // Every handshake is a whole one.
            config.resumption = rustls::client::Resumption::disabled();
            Ok::<_, AttackError>(Arc::new(config))
        };
        Ok(Self {
            address,
            http1: config(None, b"http/1.1")?,
            http2: config(None, b"h2")?,
            with_chain: config(Some(certificates::chain(INTERMEDIATES)?), b"http/1.1")?,
            front_proxy: config(Some(certificates::front_proxy(folder)?), b"http/1.1")?,
        })
    }

    /// A connection without TLS, from one of this host's addresses.
    pub(super) async fn connect_from(&self, from: IpAddr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(from, 0))?;
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A connection after its handshake.
    pub(super) async fn secure_from(&self, from: IpAddr, speak: Speak) -> io::Result<Connection> {
        let config = match speak {
            Speak::Http1 => &self.http1,
            Speak::Http2 => &self.http2,
            Speak::WithChain => &self.with_chain,
            Speak::AsFrontProxy => &self.front_proxy,
        };
        let stream = self.connect_from(from).await?;
        let name = ServerName::from(self.address.ip());
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }
}

// === impl Attackers ===

impl Attackers {
    /// `count` attackers, each of which repeats `attack` until they are stopped. Their requests
    /// come from several addresses, one after the other.
    pub(super) fn launch<F>(
        target: &Target,
        count: usize,
        attack: impl Fn(Target, IpAddr, Arc<Done>) -> F + Clone + Send + 'static,
    ) -> Self
    where
        F: Future<Output = io::Result<()>> + 'static,
    {
        let (stop, mut stopped) = watch::channel(false);
        let done = Arc::<Done>::default();
        let (target, counted) = (target.clone(), done.clone());
        let thread = thread::spawn(move || {
            let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
            let tasks = tokio::task::LocalSet::new();
            tasks.block_on(&runtime, async move {
                let mut attackers = JoinSet::new();
                for number in 0..count {
                    let (target, done, attack) = (target.clone(), counted.clone(), attack.clone());
                    attackers.spawn_local(async move {
                        loop {
                            // An attacker that is refused or disconnected tries again, after the
                            // others.
                            let _ = attack(target.clone(), host(number), done.clone()).await;
                            tokio::task::yield_now().await;
                        }
                    });
                }
                let _ = stopped.wait_for(|stop| *stop).await;
            });
        });
        Self { stop, thread, done }
    }

    /// Stops them.
    pub(super) async fn end(self) -> (u64, u64) {
        self.stop.send_replace(true);
        // Closing thousands of connections takes a while.
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
        (self.done.connections.load(Ordering::Relaxed), self.done.requests.load(Ordering::Relaxed))
    }
}

// === impl Done ===

impl Done {
    pub(super) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn requests(&self, count: u64) {
        self.requests.fetch_add(count, Ordering::Relaxed);
    }
}

/// The address of an attacker.
fn host(number: usize) -> IpAddr {
    let IpAddr::V4(first) = FIRST_HOST else { return FIRST_HOST };
    Ipv4Addr::from_bits(first.to_bits() + (number % HOSTS) as u32).into()
}
