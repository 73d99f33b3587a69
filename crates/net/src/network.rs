use std::{fs, io, net::SocketAddr, path::Path, sync::LazyLock};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream, UdpSocket},
};

use crate::proxy::{Environment, Proxy};

/// A TCP connection, as both ends see it.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// One TCP connection.
pub type Stream = Box<dyn ByteStream>;

/// Connections to other machines, and from them. It knows addresses only: names are resolved above
/// it by [`crate::dns::Resolver`], which sends its queries through this trait too, so that
/// simulated worlds run the same resolver as production.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// Opens a TCP connection. Waits as long as the network does: callers set the limit.
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream>;

    /// A UDP socket that talks to one peer.
    async fn datagram(&self, to: SocketAddr) -> io::Result<Box<dyn Datagram>>;

    /// The number of the network interface that an IPv6 zone names, such as `eth0`, or that it is
    /// itself. `None` where there is no such interface.
    fn scope_id(&self, zone: &str) -> Option<u32> {
        zone.parse().ok()
    }

    /// The proxy that the machine's environment names for connections of `scheme` to `host`.
    fn proxy_for(&self, _scheme: &str, _host: &str, _port: u16) -> Option<Proxy> {
        None
    }

    /// Accepts TCP connections at an address.
    async fn listen(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>>;

    /// The same where other processes may listen too: the system spreads connections over them.
    /// Only real machines know of this.
    async fn listen_beside_others(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        self.listen(at).await
    }
}

/// A connected UDP socket.
#[async_trait]
pub trait Datagram: Send {
    /// Sends one datagram.
    async fn send(&mut self, payload: &[u8]) -> io::Result<()>;

    /// Receives one datagram.
    async fn receive(&mut self) -> io::Result<Vec<u8>>;

    /// The address and port this end uses.
    fn local(&self) -> SocketAddr;
}

/// A listening TCP socket.
#[async_trait]
pub trait Listener: Send {
    /// The next connection and the address it comes from. An error concerns one connection only:
    /// callers go on accepting.
    async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)>;

    /// The address and port listened on.
    fn local(&self) -> SocketAddr;
}

/// The most of a datagram that is read. Queries allow DNS servers no more than 1232 bytes, and
/// thousands of queries may wait for their responses.
const DATAGRAM_LIMIT: usize = 2048;

/// Connections that wait to be accepted: as many as Linux allows by default. Where more come in at
/// once, the ones beyond wait for a second or longer until their client tries again.
const BACKLOG: u32 = 4096;

/// Where Linux shows the network interfaces.
const INTERFACES: &str = "/sys/class/net";

/// The network of the machine the program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostNetwork;

struct HostDatagram {
    socket: UdpSocket,
    local: SocketAddr,
}

struct HostListener {
    socket: TcpListener,
    local: SocketAddr,
}

// === impl HostNetwork ===

#[async_trait]
impl Network for HostNetwork {
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    async fn datagram(&self, to: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(to).await?;
        let local = socket.local_addr()?;
        Ok(Box::new(HostDatagram { socket, local }))
    }

    fn scope_id(&self, zone: &str) -> Option<u32> {
        // A name with a slash would lead elsewhere, and no interface has one.
        let file = Path::new(INTERFACES).join(zone.replace('/', "")).join("ifindex");
        let index = fs::read_to_string(file).ok().and_then(|index| index.trim().parse().ok());
        index.or_else(|| zone.parse().ok())
    }

    fn proxy_for(&self, scheme: &str, host: &str, port: u16) -> Option<Proxy> {
        // Read once, as in Go.
        static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(Environment::read);
        ENVIRONMENT.proxy_for(scheme, host, port).cloned()
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        HostListener::bind(at, false)
    }

    async fn listen_beside_others(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        HostListener::bind(at, true)
    }
}

#[async_trait]
impl Datagram for HostDatagram {
    async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        self.socket.send(payload).await.map(drop)
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; DATAGRAM_LIMIT];
        let length = self.socket.recv(&mut buffer).await?;
        buffer.truncate(length);
        Ok(buffer)
    }

    fn local(&self) -> SocketAddr {
        self.local
    }
}

// === impl HostListener ===

impl HostListener {
    fn bind(at: SocketAddr, is_shared: bool) -> io::Result<Box<dyn Listener>> {
        let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restart need not wait until the system has forgotten the previous connections.
        socket.set_reuseaddr(true)?;
        if is_shared {
            socket.set_reuseport(true)?;
        }
        socket.bind(at)?;
        let socket = socket.listen(BACKLOG)?;
        let local = socket.local_addr()?;
        Ok(Box::new(Self { socket, local }))
    }
}

#[async_trait]
impl Listener for HostListener {
    async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        let (stream, from) = self.socket.accept().await?;
        stream.set_nodelay(true)?;
        Ok((Box::new(stream), from))
    }

    fn local(&self) -> SocketAddr {
        self.local
    }
}
