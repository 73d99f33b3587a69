//! The cycle: when kubelets are scraped, how many at once, what failed and why.

mod health;
mod log;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use diagnosis::Cause;
use futures::FutureExt;
use kube_dial::Credentials;
use net::Random;
use tokio::{
    sync::{Mutex, watch},
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

pub use self::health::{NodeScrapes, ScrapeHealth, Scrapes};
use self::log::ScrapeLog;
pub(crate) use self::log::counts;
use crate::{
    cluster::{Cluster, Node},
    kubelet::{Diagnosis, KubeletClient, Sample, ScrapeError, Session},
    metrics::Telemetry,
    store::Store,
};

/// Scrapes are spread over this much time for each node, and no more than [`LONGEST_SPREAD`] in
/// all.
const SPREAD_PER_NODE: Duration = Duration::from_millis(8);
const LONGEST_SPREAD: Duration = Duration::from_secs(4);

/// With this many nodes or more, scrapes begin together every [`GRID`]: whenever the process wakes
/// up there is work to do for many, which costs less CPU than waking up for each.
const MANY: usize = 500;
const GRID: Duration = Duration::from_millis(20);

/// When to scrape and how long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From one cycle to the next.
    pub resolution: Duration,
    /// The most that one scrape may take.
    pub request_timeout: Duration,
}

/// How many cycles there have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cycles {
    /// How many have begun.
    pub begun: u64,
    /// How many have ended.
    pub ended: u64,
}

/// Scrapes all kubelets, again and again.
pub struct Scraper {
    cluster: Arc<Cluster>,
    client: Arc<KubeletClient>,
    credentials: Credentials,
    store: Arc<Store>,
    telemetry: Arc<Telemetry>,
    scrapes: Arc<Scrapes>,
    log: ScrapeLog,
    timing: Timing,
    random: Random,
    /// What is kept of each node's kubelet from cycle to cycle.
    sessions: BTreeMap<String, Arc<Mutex<Session>>>,
    /// Whether a kubelet has refused the credentials in this cycle.
    unauthorized: bool,
    cycles: watch::Sender<Cycles>,
}

/// What became of one scrape.
pub(crate) struct Outcome {
    pub(crate) node: Arc<Node>,
    /// Host and port.
    pub(crate) address: String,
    took: Duration,
    pub(crate) result: Result<Sample, (ScrapeError, Diagnosis)>,
}

/// When each node is scraped after the beginning of a cycle, in order.
pub(crate) fn plan(nodes: Vec<Arc<Node>>, random: &Random) -> Vec<(Duration, Arc<Node>)> {
    let spread =
        (SPREAD_PER_NODE * u32::try_from(nodes.len()).unwrap_or(u32::MAX)).min(LONGEST_SPREAD);
    let grid = if nodes.len() < MANY { Duration::from_millis(1) } else { GRID };
    let mut plan: Vec<_> =
        nodes.into_iter().map(|node| (floor(random.below(spread), grid), node)).collect();
    plan.sort_by_key(|(delay, _)| *delay);
    plan
}

/// The largest multiple of `grid` that is not more than `time`.
fn floor(time: Duration, grid: Duration) -> Duration {
    Duration::from_millis((time.as_millis() / grid.as_millis() * grid.as_millis()) as u64)
}

// === impl Outcome ===

impl Outcome {
    /// Scrapes `node` until `deadline`. A panic is a failure as others are.
    pub(crate) async fn of(
        client: &KubeletClient,
        node: Arc<Node>,
        token: Option<&str>,
        session: &mut Session,
        deadline: Instant,
    ) -> Self {
        let began = Instant::now();
        let scrape = client.scrape(&node, token, session, deadline);
        let ended = AssertUnwindSafe(scrape).catch_unwind().await;
        let address = session.address().to_owned();
        let result = ended.unwrap_or_else(|_| {
            // It may be half changed.
            *session = Session::default();
            Err(ScrapeError::Panicked)
        });
        let result = result.map_err(|error| {
            let diagnosis = error.diagnose(&session.known(&node));
            (error, diagnosis)
        });
        Self { node, address, took: began.elapsed(), result }
    }
}

// === impl Scraper ===

impl Scraper {
    /// A scraper that has not begun.
    #[allow(clippy::too_many_arguments, reason = "it brings the parts together")]
    pub fn new(
        cluster: Arc<Cluster>,
        client: KubeletClient,
        credentials: Credentials,
        store: Arc<Store>,
        telemetry: Arc<Telemetry>,
        scrapes: Arc<Scrapes>,
        timing: Timing,
        random: Random,
    ) -> Self {
        Self {
            cluster,
            client: Arc::new(client),
            credentials,
            store,
            telemetry,
            scrapes,
            log: ScrapeLog::new(timing.resolution),
            timing,
            random,
            sessions: BTreeMap::new(),
            unauthorized: false,
            cycles: watch::Sender::new(Cycles::default()),
        }
    }

    /// The number of cycles begun and ended.
    pub fn cycles(&self) -> watch::Receiver<Cycles> {
        self.cycles.subscribe()
    }

    /// Scrapes for good, as soon as nodes and pods are known. After a panic it can be run again.
    pub async fn run(&mut self) {
        self.cluster.known().await;
        let mut ticks = interval(self.timing.resolution);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.cycles.send_modify(|cycles| cycles.begun += 1);
            let start = self.telemetry.cycle_began();
            self.cycle().await;
            let (nodes, containers) = self.store.points();
            self.telemetry.cycle_ended(start, nodes, containers);
            self.cycles.send_modify(|cycles| cycles.ended = cycles.begun);
        }
    }

    async fn cycle(&mut self) {
        let nodes = self.cluster.nodes();
        self.forget_others(&nodes);
        // Without a token, kubelets answer 401; why there is none is logged.
        let token = self.credentials.token().await.unwrap_or_default();
        let plan = plan(nodes, &self.random);
        let start = Instant::now();
        let end = start + self.timing.resolution;
        let mut scrapes = JoinSet::new();
        // Tasks are large: those that are not due yet are better not there yet.
        for batch in plan.chunk_by(|(one, _), (next, _)| one == next) {
            self.take_until(start + batch[0].0, &mut scrapes).await;
            for (_, node) in batch {
                let session = self.sessions.entry(node.name.clone()).or_default().clone();
                let (client, token, node) = (self.client.clone(), token.clone(), node.clone());
                let limit = self.timing.request_timeout;
                scrapes.spawn(async move {
                    // A scrape ends with its cycle at the latest, so that one slow kubelet does not
                    // hold up the next cycle of all others.
                    let deadline = (Instant::now() + limit).min(end);
                    let mut session = session.lock().await;
                    Outcome::of(&client, node, token.as_deref(), &mut session, deadline).await
                });
            }
        }
        while let Some(outcome) = scrapes.join_next().await {
            self.take_joined(outcome);
        }
        // As client-go, which asks a credential plugin again.
        if std::mem::take(&mut self.unauthorized) {
            self.credentials.refused(token.as_deref()).await;
        }
        self.log.end_cycle(self.store.limit());
    }

    /// Takes what comes in before `moment`.
    async fn take_until(&mut self, moment: Instant, scrapes: &mut JoinSet<Outcome>) {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(moment) => return,
                Some(outcome) = scrapes.join_next() => self.take_joined(outcome),
            }
        }
    }

    fn take_joined(&mut self, outcome: Result<Outcome, JoinError>) {
        // What a task does is contained in it: there is always an outcome.
        if let Ok(outcome) = outcome {
            self.take(outcome);
        }
    }

    fn take(&mut self, Outcome { node, address, took, mut result }: Outcome) {
        let cause = result.as_ref().err().map(|(_, diagnosis)| diagnosis.cause);
        if cause == Some(Cause::Panic) {
            self.telemetry.panicked("scrape");
        }
        self.unauthorized |= cause == Some(Cause::Unauthorized);
        self.telemetry.scraped(&node.name, took, cause);
        if let Ok(sample) = &result {
            ScrapeLog::left_out(&node, &sample.left_out);
        }
        let noted = result.as_mut().map_err(|(_, diagnosis)| diagnosis.clone());
        let transition = self.scrapes.note(&node, &address, self.cluster.has_pods(), noted);
        match result {
            Ok(sample) => {
                self.log.succeeded(&node, &address, &transition);
                self.record(&node, sample);
            }
            Err((mut error, diagnosis)) => {
                self.log.failed(&node, &address, &error, &diagnosis, &transition);
                match error.take_sample() {
                    Some(sample) => self.record(&node, sample),
                    None => self.store.miss(&node.name),
                }
            }
        }
    }

    fn record(&mut self, node: &Node, sample: Sample) {
        let recorded = self.store.record_within(&node.name, sample, node.capacity);
        self.telemetry.recorded(&recorded);
        self.log.dropped_pods(recorded.dropped_pods);
    }

    fn forget_others(&mut self, nodes: &[Arc<Node>]) {
        let is_there =
            |name: &str| nodes.binary_search_by(|node| node.name.as_str().cmp(name)).is_ok();
        self.sessions.retain(|name, _| {
            let stays = is_there(name);
            if !stays {
                self.telemetry.forget_node(name);
            }
            stays
        });
        self.scrapes.retain(is_there);
        for name in self.store.node_names() {
            if !is_there(&name) {
                self.store.forget(&name);
            }
        }
    }
}
