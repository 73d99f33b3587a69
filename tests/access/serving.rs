//! What strangers may cost.

use std::{io, time::Duration};

use axum::{Router, routing::get};
use metrics_server::serving::Limits;
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tls::provider;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

use super::{
    guarded::Guarded,
    support::{Cluster, NODES, settle},
};

/// Takes any server.
#[derive(Debug)]
pub(crate) struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A server that answers `/` at once and `/slow` in five minutes.
fn plain(cluster: &Cluster, limits: Limits) -> Guarded {
    let slow = async || {
        sleep(Duration::from_mins(5)).await;
        "slow"
    };
    let router = Router::new().route("/", get(async || "quick")).route("/slow", get(slow));
    cluster.serve_router(limits, router)
}

/// When a connection on which nothing more is said is closed.
async fn closed(stream: &mut (impl AsyncReadExt + Unpin), since: Instant) -> Duration {
    let mut buffer = [0; 1024];
    while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn both_protocols_are_spoken() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits::default());
    for protocol in [&b"http/1.1"[..], b"h2"] {
        let mut connection = server.connect_speaking(None, protocol).await.unwrap();
        for _ in 0..3 {
            assert_eq!(connection.get("/", &[]).await.body, "quick");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits::default());
    let began = Instant::now();
    let mut silent: Vec<_> = (0..100).map(|_| server.dial()).collect();
    assert_eq!(server.connect(None).await.get("/", &[]).await.body, "quick");
    for stream in &mut silent {
        assert_eq!(closed(stream, began).await.as_secs(), 10);
    }
    let mut garbage = server.dial();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(closed(&mut garbage, Instant::now()).await < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn connections_beyond_the_limit_are_closed_at_once_until_others_end() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits { connections: 3, ..Limits::default() });
    let mut silent: Vec<_> = (0..2).map(|_| server.dial()).collect();
    let mut inside = server.connect(None).await;
    assert_eq!(inside.get("/", &[]).await.body, "quick");
    for _ in 0..1000 {
        assert_eq!(closed(&mut server.dial(), Instant::now()).await, Duration::ZERO);
    }
    let refused = server.connect_speaking(None, b"h2").await.err().unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(inside.get("/", &[]).await.body, "quick", "those who are in stay");
    drop(silent.pop());
    settle().await;
    assert_eq!(server.connect(None).await.get("/", &[]).await.body, "quick");
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits::default());
    for (protocol, limit) in [(&b"http/1.1"[..], 32), (b"h2", 90)] {
        let mut connection = server.connect_speaking(None, protocol).await.unwrap();
        assert_eq!(connection.get("/slow", &[]).await.body, "slow");
        sleep(Duration::from_secs(limit - 1)).await;
        assert_eq!(connection.get("/", &[]).await.body, "quick");
        sleep(Duration::from_secs(limit - 1)).await;
        assert!(!connection.is_closed(), "{protocol:?}");
        sleep(Duration::from_secs(2)).await;
        assert!(connection.is_closed(), "{protocol:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn large_headers_are_refused() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits::default());
    let (fits, large) = ("a".repeat(40 << 10), "a".repeat(70 << 10));
    for protocol in [&b"http/1.1"[..], b"h2"] {
        let mut connection = server.connect_speaking(None, protocol).await.unwrap();
        assert_eq!(connection.get("/", &[("x-large", &fits)]).await.body, "quick");
        let refused = connection.send("GET", "/", &[("x-large", &large)]).await;
        assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status == 431));
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_trickle_are_not_waited_for() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits { header: Duration::from_secs(5), ..Limits::default() });
    let began = Instant::now();
    let mut stream = server.raw(None, b"http/1.1").await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    let trickle = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            if stream.write_all(b"a: b\r\n").await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    };
    timeout(Duration::from_mins(1), trickle).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_peers_that_may_keep_http2_open() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let mut anonymous = server.connect_speaking(None, b"h2").await.unwrap();
    assert_eq!(anonymous.get("/healthz", &[]).await.status, 200);
    settle().await;
    assert!(anonymous.is_closed());
    let mut wrong = server.connect_speaking(None, b"h2").await.unwrap();
    assert_eq!(wrong.get(NODES, &[("authorization", "Bearer nope")]).await.status, 401);
    settle().await;
    assert!(wrong.is_closed());
    let bob = cluster.certificate(&cluster.clients, "bob", None);
    let mut known = server.connect_speaking(Some(&bob), b"h2").await.unwrap();
    assert_eq!(known.get(NODES, &[]).await.status, 403);
    settle().await;
    assert!(!known.is_closed());
}

#[tokio::test(start_paused = true)]
async fn bodies_are_not_waited_for() {
    let cluster = Cluster::new();
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    let server = cluster.serve().await;
    let mut stream = server.raw(Some(&master), b"http/1.1").await;
    let began = Instant::now();
    let head = format!("POST {NODES} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.contains("\"body\":0") {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        answer += std::str::from_utf8(&buffer[..read]).unwrap();
        assert!(read > 0, "{answer}");
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(closed(&mut stream, began).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn peers_that_take_no_answers_are_let_go() {
    let cluster = Cluster::new();
    let large = Router::new().route("/", get(async || "a".repeat(1 << 20)));
    let server = cluster.serve_router(Limits { connections: 1, ..Limits::default() }, large);
    let mut stream = server.raw(None, b"http/1.1").await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_secs(29)).await;
    assert!(server.connect_speaking(None, b"h2").await.is_err(), "there is no room yet");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(server.connect(None).await.get("/", &[]).await.body.len(), 1 << 20);
}
