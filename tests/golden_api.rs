//! The recorded exchanges with the Go metrics server that concern the API, replayed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails panics")]

#[path = "golden_api/exchange.rs"]
mod exchange;
#[path = "golden_api/normal.rs"]
mod normal;
#[path = "golden_api/world.rs"]
#[allow(dead_code, reason = "shared with the other tests of the API")]
mod world;

use axum::Router;
use http::StatusCode;
use metrics_server::api::{Settings, Sources, Version, router};

use self::{
    exchange::{Answer, Exchange, exchanges},
    world::{World, ask},
};

/// Others answer these: health, version, own metrics, access.
fn is_ours(exchange: &Exchange) -> bool {
    let path = exchange.path();
    let others = ["/healthz", "/livez", "/readyz", "/version"];
    let refused = matches!(exchange.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
    !refused && !others.iter().any(|other| path.starts_with(other))
}

fn service(exchange: &Exchange) -> Router {
    let world = if exchange.name.starts_with("cold-") { World::cold() } else { World::warm() };
    // As the recorded server was started: --secure-port=4443.
    let settings = Settings { preferred: Version::V1Beta1, address: ":4443".to_owned() };
    router(Sources { settings, ..world.sources })
}

#[tokio::test]
async fn every_exchange_is_answered_alike() {
    let mut replayed = 0;
    for exchange in exchanges().iter().filter(|exchange| is_ours(exchange)) {
        let seen = ask(service(exchange), &exchange.request()).await;
        let (expected, seen) = match exchange.name.as_str() {
            // The recorded server does not serve it. Ours does: see `v1_answers_as_v1beta1`.
            "gv-404" => continue,
            _ => (normal::recorded(exchange), normal::seen(&seen)),
        };
        if let Some(differences) = seen.differences(&expected) {
            panic!("{}:\n{differences}", exchange.name);
        }
        replayed += 1;
    }
    assert!(replayed > 50, "only {replayed} exchanges were found");
}

/// The same types under another name: whatever was recorded of one holds for the other.
#[tokio::test]
async fn v1_answers_as_v1beta1() {
    let to_v1 = |text: &str| text.replace("metrics.k8s.io/v1beta1", "metrics.k8s.io/v1");
    let mut replayed = 0;
    for exchange in exchanges().iter().filter(|exchange| is_ours(exchange)) {
        let path = exchange.path();
        if !path.starts_with("/apis/metrics.k8s.io/v1beta1") {
            continue;
        }
        let mut request = exchange.request();
        request.path = to_v1(&request.path);
        let seen = ask(service(exchange), &request).await;
        let mut expected = normal::recorded(exchange);
        if expected.content_type == "application/vnd.kubernetes.protobuf" {
            // One field is shorter by the five bytes of "beta1".
            assert_eq!(expected.body.len(), normal::seen(&seen).body.len() + 5);
            continue;
        }
        expected.body = to_v1(&expected.body);
        assert_eq!(normal::seen(&seen), expected, "{}", exchange.name);
        replayed += 1;
    }
    assert!(replayed > 30, "only {replayed} exchanges were found");
}

#[tokio::test]
async fn the_preferred_version_comes_first() {
    let world = World::warm();
    let settings = Settings { preferred: Version::V1, address: String::new() };
    let service = router(Sources { settings, ..world.sources });
    let group = ask(service.clone(), &exchange::get("/apis/metrics.k8s.io")).await;
    assert_eq!(
        group.text(),
        "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",\"name\":\"metrics.k8s.io\",\"versions\":[{\"groupVersion\":\"metrics.k8s.io/v1\",\"version\":\"v1\"},{\"groupVersion\":\"metrics.k8s.io/v1beta1\",\"version\":\"v1beta1\"}],\"preferredVersion\":{\"groupVersion\":\"metrics.k8s.io/v1\",\"version\":\"v1\"}}\n"
    );
    let mut request = exchange::get("/apis");
    request.headers.push((
        "Accept".to_owned(),
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList".to_owned(),
    ));
    let Answer { headers, body, .. } = ask(service, &request).await;
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["apiVersion"], "apidiscovery.k8s.io/v2beta1");
    assert_eq!(document["items"][0]["versions"][0]["version"], "v1");
    assert_eq!(
        headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
    );
}
