use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http_body_util::BodyExt;
use jiff::Timestamp;
use metrics_server::{
    api::{Settings, Sources},
    cluster::{Cluster, Node, PodKey, PodLabels},
    kubelet::{ContainerSample, PodSample, Point, Sample},
    scrape::Scrapes,
    store::Store,
};
use net::Clock;
use tower::ServiceExt;

use super::exchange::{Answer, Request};

const NODES: [&str; 3] = ["k8s-m1", "k8s-node1", "k8s-node2"];
const START: &str = "2026-11-22T09:27:03Z";
const NODE_MEMORY: u64 = 2_343_750 * 1024;
const CONTAINER_MEMORY: u64 = 100_339_638;

/// The cluster that the exchanges were recorded in.
pub(crate) struct World {
    pub(crate) sources: Sources,
}

// === impl World ===

impl World {
    /// Before anything was scraped.
    pub(crate) fn cold() -> Self {
        let nodes = NODES.map(|name| Node {
            name: name.to_owned(),
            labels: labels(&[("kubernetes.io/hostname", name), ("kubernetes.io/os", "linux")]),
            ..Node::default()
        });
        let pods = (0..3).flat_map(|namespace| (0..3).map(move |app| pod(namespace, app)));
        let clock = Clock::starting_at("2026-11-22T09:27:23Z".parse().unwrap());
        let sources = Sources {
            served: Arc::new(|_| {}),
            scrapes: Arc::new(Scrapes::new(clock.clone())),
            cluster: Arc::new(Cluster::of(nodes, pods)),
            store: Arc::new(Store::new(Duration::from_secs(15))),
            clock,
            settings: Settings::default(),
        };
        Self { sources }
    }

    /// After every kubelet was scraped twice.
    pub(crate) fn warm() -> Self {
        let world = Self::cold();
        for (at, node) in NODES.into_iter().enumerate() {
            for seconds in [0.0, 15.006] {
                world.sources.store.record(node, sample(at, seconds));
            }
        }
        world
    }
    /// With many pods more, and nothing else.
    pub(crate) fn crowded(pods: usize) -> Self {
        let name = |at: usize| format!("app-{at:06}-7d9c5b6f4-abcde");
        let known = (0..pods).map(|at| {
            let key: PodKey = ("crowded".into(), name(at).into());
            (key, Arc::new(labels(&[("app", "a0"), ("tier", "front")])))
        });
        let mut world = Self::cold();
        world.sources.cluster = Arc::new(Cluster::of([], known));
        for (node, first) in (0..pods).step_by(30).enumerate() {
            for seconds in [0.0, 15.006] {
                let mut sample = sample(0, seconds);
                let one = sample.pods.swap_remove(0);
                sample.pods = (first..pods.min(first + 30))
                    .map(|at| PodSample {
                        namespace: "crowded".into(),
                        name: name(at).into(),
                        ..one.clone()
                    })
                    .collect();
                world.sources.store.record(&format!("node-{node}"), sample);
            }
        }
        world
    }
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn pod(namespace: usize, app: usize) -> (PodKey, PodLabels) {
    let (namespace, name) = names(namespace, app);
    let app = format!("a{app}");
    ((namespace.into(), name.into()), Arc::new(labels(&[("app", &app)])))
}

fn names(namespace: usize, app: usize) -> (String, String) {
    (format!("team-{namespace:02}"), format!("app-{app:05}-7d9c5b6f4-{namespace:05}"))
}

/// The response of a node's kubelet: one pod of each namespace runs there.
fn sample(node: usize, seconds: f64) -> Sample {
    let start: Timestamp = START.parse().unwrap();
    let time = i64::try_from(start.as_nanosecond()).unwrap() + (seconds * 1e9) as i64;
    let point = |cores: f64, memory| Point {
        start: Some(0),
        time: Some(time),
        cpu: (1e12 + seconds * cores * 1e9).round() as u64,
        memory,
    };
    let pods = (0..3).map(|namespace| {
        let (namespace, name) = names(namespace, node);
        let containers = ["c0", "c1"]
            .map(|name| ContainerSample { name: name.into(), point: point(0.1, CONTAINER_MEMORY) });
        PodSample { namespace: namespace.into(), name: name.into(), containers: containers.into() }
    });
    let node = Some(point(1.0, NODE_MEMORY));
    Sample { node, pods: pods.collect(), ..Sample::default() }
}

/// Sends a request, and waits for the whole response.
pub(crate) async fn ask(service: Router, request: &Request) -> Answer {
    let mut asked = http::Request::builder().method(&request.method).uri(&request.path);
    for (name, value) in &request.headers {
        asked = asked.header(name, value);
    }
    let response = service.oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: head.status, headers: head.headers, body }
}
