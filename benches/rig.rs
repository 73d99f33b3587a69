//! The cluster of the budgets, made smaller: nodes of 30 pods with 2 containers each, scraped
//! twice.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use fake_kubelet::{Container, Node, Pod, Shape, Usage, exposition};
use http::Request;
use http_body_util::BodyExt;
use jiff::Timestamp;
use metrics_server::{
    api::{Settings, Sources, router},
    cluster::{Cluster, PodKey},
    kubelet::decode::decode,
    scrape::Scrapes,
    store::Store,
};
use net::Clock;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const PODS: u32 = 30;
/// How many nodes there are.
pub const NODES: u32 = 100;
const RESOLUTION: Duration = Duration::from_secs(15);

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn namespace(pod: u32) -> String {
    format!("team-{:02}", pod % 20)
}

fn name(node: u32, pod: u32) -> String {
    format!("app-{pod:04}-5d4f7c9b86-{node:07}")
}

/// A node with all that runs on it.
fn fake_node(node: u32) -> Node {
    let container = |name: &str, millicores: u32| Container {
        name: name.into(),
        usage: Usage::new(
            second(1_000),
            Shape::Constant { cpu: u64::from(millicores) * 1_003_007, memory: 64 << 20 },
        ),
    };
    let pods = (0..PODS).map(|pod| Pod {
        namespace: namespace(pod).into(),
        name: name(node, pod).into(),
        containers: vec![container("main", 100 + pod), container("side-1", 10 + pod)],
    });
    Node::new(second(1_000), None, pods.collect())
}

/// The response of a node's kubelet at a second.
pub fn body(node: u32, at: i64) -> String {
    exposition::render(&fake_node(node).sample(second(at)))
}

/// A node that was scraped before, and a scrape of it: what being scraped costs a fleet besides
/// what it costs to send the answer.
pub fn scraped() -> impl Fn(i64) -> Vec<u8> {
    let node = fake_node(7);
    move |at| node.exposition(second(at))
}

/// All nodes, scraped twice.
pub fn filled() -> Store {
    let store = Store::new(RESOLUTION);
    for at in [100_000, 100_015] {
        for node in 0..NODES {
            if let Ok(decoded) = decode(body(node, at).as_bytes(), 0) {
                store.record(&format!("node-{node}"), decoded.sample);
            }
        }
    }
    store
}

/// Gets every pod.
pub fn look_up_all(store: &Store) -> usize {
    let of = |node| (0..PODS).filter_map(move |pod| store.pod(&namespace(pod), &name(node, pod)));
    (0..NODES).flat_map(of).count()
}

/// What answers the API's requests about all that, and what runs it.
pub struct Api {
    runtime: Runtime,
    router: Router,
}

// === impl Api ===

impl Api {
    /// Over all nodes, scraped twice.
    pub fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().build()?;
        let pods = (0..NODES).flat_map(|node| {
            (0..PODS).map(move |pod| {
                let key: PodKey = (namespace(pod).into(), name(node, pod).into());
                let labels: BTreeMap<_, _> = [
                    ("app".to_owned(), format!("app-{pod:04}")),
                    ("pod-template-hash".to_owned(), "5d4f7c9b86".to_owned()),
                ]
                .into();
                (key, Arc::new(labels))
            })
        });
        let clock = Clock::starting_at(second(100_020));
        let router = router(&Sources {
            cluster: Arc::new(Cluster::of([], pods)),
            store: Arc::new(filled()),
            scrapes: Arc::new(Scrapes::new(clock.clone())),
            clock,
            served: Arc::new(|_| {}),
            settings: Settings::default(),
        });
        Ok(Self { runtime, router })
    }

    /// How long the answer to a GET is, in bytes.
    pub fn get(&self, path: &str) -> usize {
        let Ok(request) = Request::get(path).body(Body::empty()) else { return 0 };
        self.runtime.block_on(async {
            let Ok(response) = self.router.clone().oneshot(request).await;
            response.into_body().collect().await.map_or(0, |body| body.to_bytes().len())
        })
    }
}

/// Every pod there is.
pub const ALL_PODS: &str = "/apis/metrics.k8s.io/v1beta1/pods";

/// The pods of one workload: a hundred of three thousand.
pub const SELECTED_PODS: &str =
    "/apis/metrics.k8s.io/v1beta1/namespaces/team-07/pods?labelSelector=app%3Dapp-0007";
