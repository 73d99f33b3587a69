//! Crowds: users in very many groups, and headers that are too large.

use std::time::Duration;

use apiserver::serving::Limits;
use axum::{Router, routing::get};
use fake_kubelet::Identity;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::support::{Cluster, NODES, settle};

const PROTOCOLS: [&[u8]; 2] = [b"http/1.1", b"h2"];

/// A request of a user in 1,000 groups with 100 extra fields, and some ballast.
fn crowd(ballast: usize) -> Vec<(String, String)> {
    let group = |n| format!("CN=Team-{n:04},OU=Groups,OU=Security,DC=corp,DC=example,DC=com");
    let groups = (0..1000).map(|n| ("x-remote-group".to_owned(), group(n)));
    let extras = (0..100).map(|n| (format!("x-remote-extra-field-{n}"), format!("value-{n}")));
    let user = [("x-remote-user".to_owned(), "alice".to_owned())];
    let master = [("x-remote-group".to_owned(), "system:masters".to_owned())];
    let ballast = [("x-ballast".to_owned(), "a".repeat(ballast))];
    user.into_iter().chain(groups).chain(master).chain(extras).chain(ballast).collect()
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_user_may_be_in_a_thousand_groups() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let proxy = cluster.front_proxy();
    // Nearly a mebibyte in all.
    for (protocol, ballast) in PROTOCOLS.into_iter().zip([900 << 10; 2]) {
        let mut connection = server.connect_speaking(Some(&proxy), protocol).await.unwrap();
        let answer = connection.get(NODES, &borrowed(&crowd(ballast))).await;
        assert_eq!(answer.status, 200, "{protocol:?} {}", answer.body);
        let seen: Value = serde_json::from_str(&answer.body).unwrap();
        let user = &seen["user"];
        assert_eq!(user["name"], "alice");
        assert_eq!(user["groups"].as_array().unwrap().len(), 1002, "{protocol:?}");
        assert_eq!(user["extra"].as_object().unwrap().len(), 100, "{protocol:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn larger_headers_get_431_alone_and_one_line_in_the_log() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let proxy = cluster.front_proxy();
    for protocol in PROTOCOLS {
        let mut connection = server.connect_speaking(Some(&proxy), protocol).await.unwrap();
        assert_eq!(connection.get(NODES, &borrowed(&crowd(0))).await.status, 200);
        let refused = connection.send("GET", NODES, &borrowed(&crowd(1 << 20))).await;
        // Over HTTP/1.1 the server closes the connection while the client still sends, as Go's does.
        if protocol == b"h2" {
            assert_eq!(refused.unwrap().status, 431);
            assert_eq!(connection.get(NODES, &borrowed(&crowd(0))).await.status, 200);
        } else {
            assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status == 431));
        }
    }
    let log = cluster.log();
    assert_eq!(
        log.matches("Refused a request whose headers are too large (431)").count(),
        1,
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn http1_answers_431_before_it_closes() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let mut stream = server.raw(None, b"http/1.1").await;
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\nx-large: {}", "a".repeat(1 << 20));
    stream.write_all(head.as_bytes()).await.unwrap();
    let rest = async {
        // It need not take all of it.
        let _ = stream.write_all(&[b'a'; 8192]).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    let answer = timeout(Duration::from_secs(20), rest).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 431 "), "{:?}", String::from_utf8_lossy(&answer));
}

/// None of these connections is authenticated: all together they may have a few large heads, and
/// requests with small ones do not wait.
#[tokio::test(start_paused = true)]
async fn unauthenticated_clients_share_the_memory_for_large_headers() {
    let cluster = Cluster::new();
    let limits = Limits { header: Duration::from_secs(10), ..Limits::default() };
    let server = cluster.serve_router(limits, Router::new().route("/", get(async || "quick")));
    let large = "a".repeat(20 << 10);
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = server.raw(None, b"http/1.1").await;
        let head = format!("GET / HTTP/1.1\r\nhost: a\r\nx-large: {large}");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        slow.push(stream);
    }
    settle().await;
    let nobody: Option<&Identity> = None;
    assert_eq!(server.ask(nobody, "/", &[]).await.status, 200);
    let mut streams = server.connect_speaking(nobody, b"h2").await.unwrap();
    assert_eq!(streams.get("/", &[("x-large", &large)]).await.status, 429);
    let began = Instant::now();
    let waited = server.ask(nobody, "/", &[("x-large", &large)]).await;
    assert_eq!(waited.status, 200);
    // Until the time for the headers of the others is over.
    let took = began.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(10)).contains(&took), "{took:?}");
}
