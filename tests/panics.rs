//! Mistakes in the program, brought about by a network that panics: each costs what it happened in
//! and nothing else, is counted, and background tasks start again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails panics")]

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use harness::{
    events::What,
    file::{self, ScenarioFile},
    world::{ClientIdentity, Simulated},
};
use net::{Datagram, Listener, Network, Stream};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const API_SERVER: &str = "10.96.0.1:443";
const ONE: &str = "10.0.0.1";
const OTHER: &str = "10.0.0.2";

/// Where the kubelet of node one listens after it has moved.
const MOVED: &str = "10.0.0.1:10350";

/// How many connections from now on panic, by where they lead.
type Faults = Arc<Mutex<BTreeMap<&'static str, u32>>>;

/// A network with [`Faults`].
struct Faulty {
    network: Arc<dyn Network>,
    faults: Faults,
}

struct FaultyListener {
    listener: Box<dyn Listener>,
    faults: Faults,
}

/// Panics as soon as it is read.
struct Broken;

/// The key of connections that come in.
const IN: &str = "in";

fn is_due(faults: &Faults, connection: &str) -> bool {
    let mut faults = faults.lock().unwrap();
    match faults.get_mut(connection) {
        Some(left @ 1..) => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

fn scenario() -> ScenarioFile {
    let node = |name: &str, address: &str| {
        json!({
            "name": name,
            "addresses": [{ "type": "InternalIP", "address": address }],
            "usage": { "cpu": "1", "memory": "1Gi" },
            "pods": [{
                "namespace": "default",
                "name": format!("on-{name}"),
                "containers": [{ "name": "c", "usage": { "cpu": "100m", "memory": "1Mi" } }],
            }],
        })
    };
    let scenario = json!({
        "apiVersion": "harness/v1alpha1",
        "kind": "Scenario",
        "metadata": { "name": "panics" },
        "spec": {
            "about": "Two nodes.",
            "nodes": [node("one", ONE), node("other", OTHER)],
            "server": { "args": ["--kubelet-insecure-tls", "--metric-resolution=15s", "--kubelet-use-node-status-port"] },
            "steps": [{ "name": "move", "change": { "nodes": { "one": { "port": 10350 } } } }],
        },
    });
    file::parse(Path::new("panics.yaml"), scenario.to_string()).unwrap().remove(0)
}

async fn world(faults: &Faults) -> Simulated {
    let faults = faults.clone();
    let wrap =
        move |network| -> Arc<dyn Network> { Arc::new(Faulty { network, faults: faults.clone() }) };
    Simulated::build_with_network(&scenario(), wrap).await.unwrap()
}

async fn cycles(world: &mut Simulated, cycles: u32) {
    assert!(world.cycles(cycles, Duration::from_mins(5)).await, "it does not scrape");
}

async fn get(world: &Simulated, path: &str) -> String {
    let admin = ClientIdentity::User { name: "admin", group: "system:masters" };
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    world.direct_client(admin).unwrap().request_text(request).await.unwrap()
}

async fn nodes(world: &Simulated) -> Vec<String> {
    let list: Value =
        serde_json::from_str(&get(world, "/apis/metrics.k8s.io/v1beta1/nodes").await).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

async fn panics(world: &Simulated) -> Vec<String> {
    let metrics = get(world, "/metrics").await;
    let lines = metrics.lines().filter_map(|line| line.strip_prefix("metrics_server_panics_total"));
    lines.map(str::to_owned).collect()
}

fn log(world: &Simulated) -> String {
    let events = world.timeline().all();
    let lines = events.into_iter().filter_map(|event| match event.what {
        What::Log { text: line } => Some(line + "\n"),
        What::Ended { text: why } => panic!("it ended: {why}"),
        _ => None,
    });
    lines.collect()
}

#[tokio::test(start_paused = true)]
async fn a_scrape_that_panics_is_one_missed_scrape_of_one_node() {
    let faults = Faults::default();
    let mut world = world(&faults).await;
    cycles(&mut world, 3).await;
    assert_eq!(nodes(&world).await, ["one", "other"]);

    let moved = scenario().scenario.spec.steps.remove(0).change.unwrap();
    world.change(&moved).await.unwrap();
    faults.lock().unwrap().insert(MOVED, 1);
    cycles(&mut world, 1).await;
    assert_eq!(nodes(&world).await, ["other"], "{}", log(&world));
    assert_eq!(panics(&world).await, ["{task=\"scrape\"} 1"]);
    let said = log(&world);
    assert!(said.contains("err=\"internal error: panic while scraping\""), "{said}");

    cycles(&mut world, 2).await;
    assert_eq!(nodes(&world).await, ["one", "other"], "{}", log(&world));
    assert_eq!(panics(&world).await, ["{task=\"scrape\"} 1"]);
}

#[tokio::test(start_paused = true)]
async fn watches_of_the_cluster_start_again() {
    let faults = Faults::default();
    faults.lock().unwrap().insert(API_SERVER, 5);
    let mut world = world(&faults).await;
    cycles(&mut world, 3).await;
    assert_eq!(nodes(&world).await, ["one", "other"]);
    let counted = panics(&world).await;
    assert!(counted.iter().any(|line| line.starts_with("{task=\"cluster_watch\"}")), "{counted:?}");
    assert!(counted.iter().any(|line| line.starts_with("{task=\"client_ca\"}")), "{counted:?}");
    let log = log(&world);
    assert!(log.contains("\"A task panicked, starting it again\" task=\"cluster_watch\""), "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_panics_does_not_affect_others() {
    let faults = Faults::default();
    let mut world = world(&faults).await;
    cycles(&mut world, 3).await;
    faults.lock().unwrap().insert(IN, 2);
    for _ in 0..2 {
        let request = http::Request::get("/livez").body(Vec::new()).unwrap();
        let client = world.direct_client(ClientIdentity::Anonymous).unwrap();
        client.request_text(request).await.unwrap_err();
    }
    assert_eq!(nodes(&world).await, ["one", "other"]);
    assert_eq!(panics(&world).await, ["{task=\"connection\"} 2"]);
}

// === impl Faulty ===

#[async_trait]
impl Network for Faulty {
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        assert!(!is_due(&self.faults, &to.to_string()), "a mistake on the way to {to}");
        self.network.connect(to).await
    }

    async fn datagram(&self, to: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        self.network.datagram(to).await
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let listener = self.network.listen(at).await?;
        Ok(Box::new(FaultyListener { listener, faults: self.faults.clone() }))
    }
}

// === impl FaultyListener ===

#[async_trait]
impl Listener for FaultyListener {
    async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        let (stream, from) = self.listener.accept().await?;
        let broken = is_due(&self.faults, IN);
        Ok((if broken { Box::new(Broken) } else { stream }, from))
    }

    fn local(&self) -> SocketAddr {
        self.listener.local()
    }
}

// === impl Broken ===

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        panic!("a mistake in a connection")
    }
}

impl AsyncWrite for Broken {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
