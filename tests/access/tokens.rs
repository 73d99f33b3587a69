//! Bearer tokens.

use std::{sync::atomic::Ordering, time::Duration};

use apiserver::access::Settings;
use serde_json::json;
use tokio::time::advance;

use super::support::{Cluster, NODES, lister};

const REVIEW: &str = "POST tokenreviews 201";
const ACCESS: &str = "POST subjectaccessreviews 201";

#[tokio::test(start_paused = true)]
async fn token_reviews_are_cached_for_a_while() {
    let cluster = Cluster::new();
    cluster.introduce("carol", lister());
    let server = cluster.serve().await;
    let user = server.ask_with_token("carol", NODES).await.user();
    assert_eq!(user["name"], "carol");
    assert_eq!(user["groups"], json!(["dev", "system:authenticated"]));
    assert_eq!(cluster.take_reviews(), [REVIEW, ACCESS]);

    cluster.api_server.remove_token("carol");
    advance(Duration::from_millis(9_990)).await;
    assert_eq!(server.ask_with_token("carol", NODES).await.short(), "carol");
    assert_eq!(cluster.take_reviews(), [""; 0]);
    advance(Duration::from_millis(20)).await;
    assert_eq!(server.ask_with_token("carol", NODES).await.short(), "401 Unauthorized");
    assert_eq!(cluster.take_reviews(), [REVIEW]);

    cluster.introduce("carol", lister());
    assert_eq!(server.ask_with_token("carol", NODES).await.short(), "carol");
    assert_eq!(cluster.take_reviews(), [REVIEW, ACCESS], "a wrong token is not remembered");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_cached_with_a_ttl_of_zero() {
    let cluster = Cluster::new();
    cluster.introduce("carol", lister());
    let settings = Settings {
        token_ttl: Duration::ZERO,
        authorized_ttl: Duration::ZERO,
        ..Settings::default()
    };
    let server = cluster.serve_with(&settings).await;
    for _ in 0..2 {
        assert_eq!(server.ask_with_token("carol", NODES).await.short(), "carol");
        assert_eq!(cluster.take_reviews(), [REVIEW, ACCESS]);
    }
}

#[tokio::test(start_paused = true)]
async fn equal_requests_at_the_same_time_share_one_review() {
    let cluster = Cluster::new();
    cluster.introduce("carol", lister());
    let server = cluster.serve().await;
    let one = || server.ask_with_token("carol", NODES);
    let (a, b, c) = tokio::join!(one(), one(), one());
    assert_eq!([a.short(), b.short(), c.short()], ["carol"; 3]);
    assert_eq!(cluster.take_reviews(), [REVIEW, ACCESS]);
}

#[tokio::test(start_paused = true)]
async fn other_authorization_headers_are_ignored() {
    let cluster = Cluster::new();
    cluster.introduce("carol", lister());
    let server = cluster.serve().await;
    for (header, user) in [
        ("Bearer carol", "carol"),
        ("bEARER carol", "carol"),
        ("  Bearer carol and more", "carol"),
        ("Bearer", "system:anonymous"),
        ("Bearer  carol", "system:anonymous"),
        ("Basic Y2Fyb2w6", "system:anonymous"),
        ("", "system:anonymous"),
    ] {
        let answer = server.ask(None, "/healthz", &[("authorization", header)]).await;
        assert_eq!(answer.short(), user, "{header}");
        assert_eq!(answer.json()["headers"], json!(["host"]), "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_api_server_every_token_is_refused() {
    let cluster = Cluster::new();
    cluster.introduce("carol", lister());
    let server = cluster.serve().await;
    cluster.away.store(true, Ordering::Relaxed);
    assert_eq!(server.ask_with_token("carol", "/healthz").await.short(), "401 Unauthorized");
    assert!(cluster.logged(&[
        "Unable to authenticate the request",
        "tokenreviews\\\": dial tcp 10.96.0.1:443: connect: connection refused",
        "cure=\"check that the API server runs and can be reached from here\"",
    ]));
    assert_eq!(server.ask(None, "/healthz", &[]).await.short(), "system:anonymous");
    cluster.away.store(false, Ordering::Relaxed);
    assert_eq!(server.ask_with_token("carol", NODES).await.short(), "carol");
    cluster.bind(&["reader"]);
    assert_eq!(server.ask_with_token("other", NODES).await.short(), "401 Unauthorized");
    assert!(cluster.logged(&["cannot create resource", "tokenreviews", "system:auth-delegator"]));
    assert!(!cluster.log().contains("carol"), "{}", cluster.log());
}
