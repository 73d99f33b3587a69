//! The recorded exchanges with the Go metrics server, replayed against a whole running server over
//! TLS with the same users.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails panics")]

#[path = "golden_api/exchange.rs"]
mod exchange;
#[path = "golden_api/normal.rs"]
mod normal;
#[path = "golden_api/served.rs"]
mod served;

use self::{
    exchange::{Answer, Exchange, exchanges, get},
    normal::Normal,
    served::Served,
};

/// What the recorded server does not serve and ours does: v1, and two pages that newer Go servers
/// have as well.
const OURS: [&str; 3] = ["gv-404", "statusz", "flagz"];

/// The recorded server was started with `--secure-port=4443`, ours listens where the world's does.
fn at_our_port(text: &str) -> String {
    text.replace(r#""serverAddress":":4443""#, r#""serverAddress":":10250""#)
}

fn is_cold(exchange: &Exchange) -> bool {
    exchange.name.starts_with("cold-")
}

#[tokio::test(start_paused = true)]
async fn every_exchange_is_answered_alike() {
    let cold = Served::cold(&[]).await;
    let cold_answers = replay(&cold, is_cold).await;
    drop(cold);
    let warm = Served::warm(&[]).await;
    let warm_answers = replay(&warm, |exchange| !is_cold(exchange)).await;
    assert_eq!(cold_answers + warm_answers, exchanges().len());

    let log = warm.log();
    assert!(log.contains("Unable to authenticate the request"), "{log}");
    assert!(!log.contains("nope"), "a token is in the log:\n{log}");
}

async fn replay(server: &Served, which: impl Fn(&Exchange) -> bool) -> usize {
    let mut replayed = 0;
    for exchange in exchanges().into_iter().filter(which) {
        replayed += 1;
        let seen = server.ask(&exchange.request()).await;
        if OURS.contains(&exchange.name.as_str()) {
            assert_eq!(seen.status, 200, "{}", exchange.name);
            continue;
        }
        let mut expected = Normal::of(&exchange.answer);
        expected.body = at_our_port(&expected.body);
        if let Some(differences) = Normal::of(&seen).differences(&expected) {
            panic!("{}:\n{differences}", exchange.name);
        }
    }
    replayed
}

/// The same types under another name: whatever was recorded of one holds for the other.
#[tokio::test(start_paused = true)]
async fn v1_answers_as_v1beta1() {
    let to_v1 = |text: &str| text.replace("metrics.k8s.io/v1beta1", "metrics.k8s.io/v1");
    let server = Served::warm(&[]).await;
    let mut replayed = 0;
    for exchange in exchanges().iter().filter(|exchange| !is_cold(exchange)) {
        if !exchange.path().starts_with("/apis/metrics.k8s.io/v1beta1") {
            continue;
        }
        let mut request = exchange.request();
        request.path = to_v1(&request.path);
        let seen = Normal::of(&server.ask(&request).await);
        let mut expected = Normal::of(&exchange.answer);
        if expected.headers["content-type"] == "application/vnd.kubernetes.protobuf" {
            // One field is shorter by the five bytes of "beta1".
            assert_eq!(expected.body.len(), seen.body.len() + 5);
            continue;
        }
        expected.body = to_v1(&expected.body);
        assert_eq!(seen, expected, "{}", exchange.name);
        replayed += 1;
    }
    assert!(replayed > 30, "only {replayed} exchanges were found");
}

#[tokio::test(start_paused = true)]
async fn the_preferred_version_comes_first() {
    let server = Served::warm(&["--preferred-api-version=v1"]).await;
    let group = server.ask(&get("/apis/metrics.k8s.io")).await;
    assert_eq!(
        group.text(),
        "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",\"name\":\"metrics.k8s.io\",\"versions\":[{\"groupVersion\":\"metrics.k8s.io/v1\",\"version\":\"v1\"},{\"groupVersion\":\"metrics.k8s.io/v1beta1\",\"version\":\"v1beta1\"}],\"preferredVersion\":{\"groupVersion\":\"metrics.k8s.io/v1\",\"version\":\"v1\"}}\n"
    );
    let discovery = async |version: &str| {
        let mut request = get("/apis");
        let accept =
            format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
        request.headers.push(("Accept".to_owned(), accept));
        server.ask(&request).await
    };
    let Answer { headers, body, .. } = discovery("v2").await;
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["apiVersion"], "apidiscovery.k8s.io/v2");
    assert_eq!(document["items"][0]["versions"][0]["version"], "v1");
    assert_eq!(
        headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    // Kubernetes 1.36 no longer has this version.
    assert_eq!(discovery("v2beta1").await.status.as_u16(), 406);
}
