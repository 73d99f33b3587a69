//! The cycle: when kubelets are scraped, how many at once, what failed and why.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    cluster::{Cluster, Node},
    doors::Random,
    kubelet::{Connection, Credentials, KubeletClient, Sample, ScrapeError},
    observability::Telemetry,
    store::Store,
};

/// Scrapes are spread over this much time a node, and no more than [`LONGEST_SPREAD`] in all, so
/// that thousands of nodes do not answer at once. As the Go server does.
const SPREAD_PER_NODE: Duration = Duration::from_millis(8);
const LONGEST_SPREAD: Duration = Duration::from_secs(4);

/// When to scrape and how long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From one cycle to the next.
    pub resolution: Duration,
    /// The most that one scrape may take.
    pub request_timeout: Duration,
}

/// Scrapes all kubelets, again and again.
pub struct Scraper {
    cluster: Arc<Cluster>,
    client: Arc<KubeletClient>,
    credentials: Credentials,
    store: Arc<Store>,
    telemetry: Arc<Telemetry>,
    timing: Timing,
    random: Random,
    /// Open connections by node.
    connections: BTreeMap<String, Arc<Mutex<Option<Connection>>>>,
    cycles: watch::Sender<u64>,
}

struct Outcome {
    node: Arc<Node>,
    took: Duration,
    result: Result<Sample, ScrapeError>,
}

// === impl Scraper ===

impl Scraper {
    /// A scraper that has not begun.
    pub fn new(
        cluster: Arc<Cluster>,
        client: KubeletClient,
        credentials: Credentials,
        store: Arc<Store>,
        telemetry: Arc<Telemetry>,
        timing: Timing,
        random: Random,
    ) -> Self {
        Self {
            cluster,
            client: Arc::new(client),
            credentials,
            store,
            telemetry,
            timing,
            random,
            connections: BTreeMap::new(),
            cycles: watch::Sender::new(0),
        }
    }

    /// Says how many cycles have ended.
    pub fn cycles(&self) -> watch::Receiver<u64> {
        self.cycles.subscribe()
    }

    /// Scrapes for good, as soon as nodes and pods are known.
    pub async fn run(mut self) {
        self.cluster.known().await;
        let mut ticks = interval(self.timing.resolution);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let start = self.telemetry.cycle_began();
            self.cycle().await;
            let (nodes, containers) = self.store.points();
            self.telemetry.cycle_ended(start, nodes, containers);
            self.cycles.send_modify(|cycles| *cycles += 1);
        }
    }

    async fn cycle(&mut self) {
        let nodes = self.cluster.nodes();
        self.forget_others(&nodes);
        let token = self.credentials.token().await;
        let spread =
            (SPREAD_PER_NODE * u32::try_from(nodes.len()).unwrap_or(u32::MAX)).min(LONGEST_SPREAD);
        let mut scrapes = JoinSet::new();
        for node in nodes {
            let connection = self.connections.entry(node.name.clone()).or_default().clone();
            let (client, token) = (self.client.clone(), token.clone());
            let (delay, limit) = (self.random.below(spread), self.timing.request_timeout);
            scrapes.spawn(async move {
                sleep(delay).await;
                let start = Instant::now();
                let deadline = start + limit;
                let result = client
                    .scrape(&node, token.as_deref(), &mut *connection.lock().await, deadline)
                    .await;
                Outcome { node, took: start.elapsed(), result }
            });
        }
        while let Some(outcome) = scrapes.join_next().await {
            match outcome {
                Ok(outcome) => self.take(outcome),
                Err(error) => tracing::error!(err = %error, "A scrape panicked"),
            }
        }
    }

    fn take(&self, Outcome { node, took, result }: Outcome) {
        self.telemetry.scraped(&node.name, took, result.as_ref().err());
        match result {
            Ok(sample) => self.store.record(&node.name, sample),
            Err(error) => {
                // A node missed once starts anew: its next usage must not span the gap.
                self.store.forget(&node.name);
                let address = self.client.address(&node);
                if node.ready {
                    tracing::error!(node = node.name, address, err = %error, cure = error.cure(), "Failed to scrape node");
                } else {
                    tracing::debug!(node = node.name, address, err = %error, "Failed to scrape node, node is not ready");
                }
            }
        }
    }

    fn forget_others(&mut self, nodes: &[Arc<Node>]) {
        let is_there =
            |name: &str| nodes.binary_search_by(|node| node.name.as_str().cmp(name)).is_ok();
        self.connections.retain(|name, _| {
            let stays = is_there(name);
            if !stays {
                self.telemetry.forget_node(name);
            }
            stays
        });
        for name in self.store.node_names() {
            if !is_there(&name) {
                self.store.forget(&name);
            }
        }
    }
}
