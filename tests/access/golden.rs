//! Requests that were recorded with the Go server, and its answers.

use metrics_server::access::Settings;
use serde_json::Value;

use super::support::Cluster;

const EXCHANGES: &str = include_str!("../golden/metrics-api/exchanges.json");

/// Exchanges whose answers are refusals: byte for byte. Of the others, that they are let in.
const REFUSED: [&str; 5] =
    ["anon-nodes", "anon-metrics", "bad-token", "front-proxy-nobody", "spoof"];
const LET_IN: [&str; 6] =
    ["healthz-anon", "livez-anon", "readyz-anon", "front-proxy-masters", "nodes", "metrics-slis"];

#[tokio::test(start_paused = true)]
async fn what_was_recorded_is_refused_and_let_in_as_it_was() {
    let cluster = Cluster::new();
    let server = cluster.serve_with(&Settings::default()).await;
    let exchanges: Vec<Value> = serde_json::from_str(EXCHANGES).unwrap();
    let mut checked = 0;
    for exchange in &exchanges {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let name = text(&exchange["name"]);
        let refused = REFUSED.contains(&name.as_str());
        if !refused && !LET_IN.contains(&name.as_str()) {
            continue;
        }
        checked += 1;
        let (request, wanted) = (&exchange["request"], &exchange["response"]);
        let identity = match request["identity"].as_str().unwrap() {
            "anonymous" => None,
            "client certificate, O=system:masters" => {
                Some(cluster.certificate(&cluster.clients, "admin", Some("system:masters")))
            }
            "front-proxy certificate, CN=front-proxy-client" => Some(cluster.front_proxy()),
            other => panic!("who is {other}?"),
        };
        let headers = request["headers"].as_object().unwrap().iter();
        let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), text(value))).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = server.ask(identity.as_ref(), &text(&request["path"]), &headers).await;
        if !refused {
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
            continue;
        }
        assert_eq!(answer.status, u16::try_from(wanted["status"].as_u64().unwrap()).unwrap());
        assert_eq!(answer.body, text(&wanted["body"]), "{name}");
        for (header, value) in wanted["headers"].as_object().unwrap() {
            assert_eq!(answer.headers[header], text(value), "{name}: {header}");
        }
        let sniffing = wanted["headers"].get("x-content-type-options").is_some();
        assert_eq!(answer.headers.contains_key("x-content-type-options"), sniffing, "{name}");
    }
    assert_eq!(checked, REFUSED.len() + LET_IN.len());
    assert!(cluster.logged(&["Unable to authenticate the request", "err=\"invalid bearer token"]));
    assert!(!cluster.log().contains("nope"), "{}", cluster.log());
}
