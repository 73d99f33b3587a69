//! Limits of connections, requests and responses.

use std::{convert::Infallible, sync::Arc, time::Duration};

use apiserver::serving::Limits;
use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

use super::{
    guarded::Guarded,
    support::{Cluster, NODES, settle},
};

/// A server that answers `/` at once and `/slow` in five minutes.
fn plain(cluster: &Cluster, limits: Limits) -> Guarded {
    let slow = async || {
        sleep(Duration::from_mins(5)).await;
        "slow"
    };
    let router = Router::new().route("/", get(async || "quick")).route("/slow", get(slow));
    cluster.serve_router(limits, router)
}

/// When a connection on which nothing more is sent is closed.
async fn closed(stream: &mut (impl AsyncReadExt + Unpin), since: Instant) -> Duration {
    let mut buffer = [0; 1024];
    while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn both_protocols_are_served() {
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
async fn a_connection_without_a_handshake_does_not_block_others() {
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
async fn new_connections_are_accepted_and_the_oldest_handshake_is_closed() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits { connections: 16, ..Limits::default() });
    let began = Instant::now();
    let mut silent: Vec<_> = (0..16).map(|_| server.dial()).collect();
    for _ in 0..100 {
        assert_eq!(server.connect(None).await.get("/", &[]).await.body, "quick");
    }
    assert_eq!(closed(&mut silent[0], began).await, Duration::ZERO);
    assert_eq!(closed(&mut silent[15], began).await.as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn idle_and_slow_crowds_keep_out_neither_probes_nor_users() {
    const LIMIT: usize = 32;
    let cluster = Cluster::new();
    let server = cluster.serve_within(Limits { connections: LIMIT, ..Limits::default() }).await;
    let bob = cluster.certificate(&cluster.clients, "bob", None);
    let mut known = server.connect_speaking(Some(&bob), b"h2").await.unwrap();
    assert_eq!(known.get(NODES, &[]).await.status, 403);
    let mut crowd: Vec<Box<dyn std::any::Any>> = Vec::new();
    let mut kept = Vec::new();
    for round in 0..20 {
        // Not one byte.
        crowd.extend((0..LIMIT * 2).map(|_| Box::new(server.dial()) as Box<dyn std::any::Any>));
        // A probe now and then over a connection that is kept.
        for _ in 0..LIMIT / 2 {
            let mut probe = server.connect(None).await;
            assert_eq!(probe.get("/livez", &[]).await.status, 200, "{round}");
            kept.push(probe);
        }
        // One byte of a request, and no more.
        let mut slow = server.raw(None, b"http/1.1").await;
        slow.write_all(b"G").await.unwrap();
        crowd.push(Box::new(slow));
        assert_eq!(server.ask(None, "/livez", &[]).await.status, 200, "{round}");
        assert_eq!(server.ask(Some(&bob), NODES, &[]).await.status, 403, "{round}");
        assert_eq!(known.get(NODES, &[]).await.status, 403, "who is known stays: {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_of_front_proxies_are_evicted_last() {
    let cluster = Cluster::new();
    let server = cluster.serve_within(Limits { connections: 16, ..Limits::default() }).await;
    let headers = [("x-remote-user", "alice")];
    let mut proxy = server.connect_speaking(Some(&cluster.front_proxy()), b"h2").await.unwrap();
    assert_eq!(proxy.get(NODES, &headers).await.status, 403);
    let bob = cluster.certificate(&cluster.clients, "bob", None);
    let mut kept = Vec::new();
    for _ in 0..40 {
        let mut connection = server.connect(Some(&bob)).await;
        assert_eq!(connection.get(NODES, &[]).await.status, 403);
        kept.push(connection);
    }
    settle().await;
    assert!(kept[0].is_closed());
    assert_eq!(proxy.get(NODES, &headers).await.status, 403, "the oldest one of all stays");
}

#[tokio::test(start_paused = true)]
async fn requests_without_one_host_are_refused() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits::default());
    for (head, expected) in [
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET / HTTP/1.1\r\nhost:\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET / HTTP/1.1\r\nhost: [2001:db8::1]:443\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request: missing required Host header"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400 Bad Request: too many Host headers"),
        ("GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", "400 Bad Request: too many Host headers"),
        ("GET / HTTP/1.1\r\nhost: a b\r\n\r\n", "400 Bad Request: malformed Host header"),
        ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", "400 Bad Request: malformed Host header"),
    ] {
        let mut stream = server.raw(None, b"http/1.1").await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(1), stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains(expected), "{head:?}: {answer}");
        let is_refused = answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.0 400 ");
        assert_eq!(is_refused, expected.starts_with("400"), "{head:?}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_end_at_their_limit_whether_they_are_read_or_not() {
    let cluster = Cluster::new();
    let held = Arc::new(());
    let answers = {
        let (large, small) = (held.clone(), held.clone());
        Router::new()
            .route("/large", get(async move || Held(large.clone()).answer(128, 64 << 10)))
            .route("/small", get(async move || Held(small.clone()).answer(1, 2000)))
    };
    let limits = Limits {
        answer: Some(Duration::from_secs(20)),
        write_timeout: Duration::from_mins(10),
        ..Limits::default()
    };
    let server = cluster.serve_router(limits, answers);
    for (protocol, window, path) in [
        ("HTTP/2", 0, "/small"),
        ("HTTP/2", 1, "/small"),
        ("HTTP/2", 0, "/large"),
        ("HTTP/2", 1, "/large"),
        ("HTTP/2", 1000, "/large"),
        ("HTTP/1.1", 0, "/large"),
    ] {
        let began = Instant::now();
        let mut connection = match protocol {
            "HTTP/2" => server.connect_with_window(None, window).await,
            _ => server.connect(None).await,
        };
        let answer = connection.head(path).await.unwrap();
        let at_rest = 3;
        assert_eq!(Arc::strong_count(&held), at_rest + 1, "{protocol} {window} {path}");
        sleep(Duration::from_secs(19)).await;
        assert_eq!(Arc::strong_count(&held), at_rest + 1, "{protocol} {window} {path}");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(Arc::strong_count(&held), at_rest, "its memory is free: {protocol} {path}");
        let error = answer.into_body().collect().await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), 21, "{error}");
    }
}

/// What an answer holds until it has been taken.
struct Held(#[expect(dead_code, reason = "dropped with its last owner")] Arc<()>);

impl Held {
    /// This many pieces of a length.
    fn answer(self, pieces: usize, length: usize) -> Body {
        let pieces = (0..pieces).map(move |_| {
            // The body holds it until it is dropped.
            let Self(_) = &self;
            Ok::<_, Infallible>(Bytes::from(vec![b'a'; length]))
        });
        Body::from_stream(futures::stream::iter(pieces))
    }
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_may_end_after_shutdown_begins() {
    let cluster = Cluster::new();
    for protocol in [&b"http/1.1"[..], b"h2"] {
        let limits = Limits { shutdown: Duration::from_mins(6), ..Limits::default() };
        let mut server = plain(&cluster, limits);
        let began = Instant::now();
        let mut silent = server.dial();
        let mut idle = server.connect_speaking(None, protocol).await.unwrap();
        assert_eq!(idle.get("/", &[]).await.body, "quick");
        let mut busy = server.connect_speaking(None, protocol).await.unwrap();
        let slow = busy.get("/slow", &[]);
        let stopping = async {
            sleep(Duration::from_secs(1)).await;
            server.stop();
            settle().await;
            assert!(!server.listens());
            assert!(idle.is_closed(), "{protocol:?}");
            assert!(closed(&mut silent, began).await < Duration::from_secs(2));
            server.stopped().await;
            began.elapsed()
        };
        let (slow, ended) = futures::future::join(slow, stopping).await;
        assert_eq!((&*slow.body, ended.as_secs()), ("slow", 300), "{protocol:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_the_shutdown_limit_are_cut_off() {
    let cluster = Cluster::new();
    let limits = Limits { shutdown: Duration::from_secs(10), ..Limits::default() };
    let mut server = plain(&cluster, limits);
    let began = Instant::now();
    let mut busy = server.connect(None).await;
    let stopping = async {
        settle().await;
        server.stop();
        server.stopped().await;
        assert_eq!(began.elapsed().as_secs(), 10);
    };
    let (slow, ()) = futures::future::join(busy.send("GET", "/slow", &[]), stopping).await;
    assert!(slow.is_err());
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
async fn unauthenticated_http2_connections_are_closed() {
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
async fn connections_of_peers_that_do_not_read_are_closed() {
    let cluster = Cluster::new();
    let large = Router::new().route("/", get(async || "a".repeat(1 << 20)));
    let server = cluster.serve_router(Limits::default(), large);
    let mut connection = server.connect(None).await;
    let answer = connection.head("/").await.unwrap();
    sleep(Duration::from_secs(29)).await;
    assert!(!connection.is_closed());
    sleep(Duration::from_secs(2)).await;
    assert!(answer.into_body().collect().await.is_err());
}

/// Rows of: what clients send, and the cause that is logged.
#[tokio::test(start_paused = true)]
async fn failed_handshakes_are_logged_once_per_cause() {
    let cluster = Cluster::new();
    let server = plain(&cluster, Limits::default());
    let rows: [(&[u8], &str); 3] = [
        (b"GET / HTTP/1.1\r\n\r\n", "not_tls"),
        (b"", "closed_by_client"),
        (b"\x16\x03\x01", "closed_by_client"),
    ];
    for _ in 0..20 {
        for (sent, _) in rows {
            let mut stream = server.dial();
            stream.write_all(sent).await.unwrap();
            stream.shutdown().await.unwrap();
            closed(&mut stream, Instant::now()).await;
        }
    }
    for (_, cause) in rows {
        let line = format!("cause=\"{cause}\"");
        let log = cluster.log();
        let logged = log.lines().filter(|l| l.contains("TLS handshake error") && l.contains(&line));
        assert_eq!(logged.count(), 1, "{cause}: {log}");
    }
}
