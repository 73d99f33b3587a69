use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Collected};
use jiff::Timestamp;
use metrics_server::{
    api::{Settings, Sources, router},
    cluster::{Cluster, PodKey},
    kubelet::{ContainerSample, PodSample, Point, Sample},
    scrape::Scrapes,
    store::Store,
};
use net::Clock;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// A label selector, and after a newline a field selector: refused, or some of all pods.
pub fn selector(input: &[u8]) {
    thread_local! {
        static WORLD: (Runtime, Router) = (runtime(), router(&sources()));
    }
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let mut query = String::new();
    for name in ["labelSelector", "fieldSelector"] {
        if let Some(text) = lines.next() {
            query +=
                &[name, "=", &percent_encode(text, NON_ALPHANUMERIC).to_string(), "&"].concat();
        }
    }
    WORLD.with(|(runtime, router)| {
        let path = format!("/apis/metrics.k8s.io/v1beta1/pods?{query}");
        let Ok(request) = Request::get(path).body(Body::empty()) else { return };
        let (status, body) = runtime.block_on(async {
            let response =
                router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
            let (head, body) = response.into_parts();
            (head.status, body.collect().await.map(Collected::to_bytes).unwrap_or_default())
        });
        let answer: serde_json::Value =
            serde_json::from_slice(&body).expect("every answer is JSON");
        match status {
            StatusCode::OK => {
                for item in answer["items"].as_array().expect("a list has items") {
                    let name = item["metadata"]["name"].as_str().unwrap_or_default();
                    assert!(PODS.iter().any(|(_, pod, _)| *pod == name), "{name} is no pod");
                }
            }
            StatusCode::BAD_REQUEST => assert_eq!(answer["reason"], "BadRequest"),
            other => panic!("{other}: {answer}"),
        }
    });
}

type Labels<'a> = &'a [(&'a str, &'a str)];

/// Namespace, name and labels.
const PODS: [(&str, &str, Labels<'_>); 3] = [
    ("default", "web-1", &[("app", "web"), ("tier", "front"), ("example.com/rank", "1")]),
    ("default", "web-2", &[("app", "web"), ("example.com/rank", "20")]),
    ("kube-system", "dns", &[("k8s-app", "dns"), ("empty", "")]),
];

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime without threads")
}

fn sources() -> Sources {
    let store = Store::new(Duration::from_secs(15));
    for seconds in [1_000, 1_015] {
        let nanoseconds = seconds * 1_000_000_000;
        let point = Point {
            start: Some(0),
            time: Some(nanoseconds),
            cpu: nanoseconds as u64 / 10,
            memory: 1 << 20,
        };
        let mut pods: Vec<_> = PODS
            .iter()
            .map(|(namespace, name, _)| PodSample {
                namespace: (*namespace).into(),
                name: (*name).into(),
                containers: vec![ContainerSample { name: "main".into(), point }],
            })
            .collect();
        pods.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        store.record("node", Sample { node: Some(point), pods, ..Sample::default() });
    }
    let pods = PODS.iter().map(|(namespace, name, labels)| {
        let labels: BTreeMap<_, _> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let key: PodKey = ((*namespace).into(), (*name).into());
        (key, Arc::new(labels))
    });
    let clock = Clock::starting_at(Timestamp::from_second(1_020).unwrap_or_default());
    Sources {
        scrapes: Arc::new(Scrapes::new(clock.clone())),
        clock,
        cluster: Arc::new(Cluster::of([], pods)),
        store: Arc::new(store),
        served: Arc::new(|_| {}),
        settings: Settings::default(),
    }
}
