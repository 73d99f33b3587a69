//! The order in which one server is measured.

use std::{fs, path::Path, time::Duration};

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::{
    BenchError, Options, Scrapes, Size,
    client::Client,
    cluster_process::ClusterProcess,
    figures::{Cycle, Figures, List, Start},
    server::ServerProcess,
};

/// The most time for a server to list nodes and pods: the Go server needs half a minute of CPU for
/// 5,000 nodes, on a machine that may be busy.
const START_LIMIT: Duration = Duration::from_mins(10);

/// After the last scrape of a cycle, until it is stored.
const SETTLE: Duration = Duration::from_millis(500);

/// Memory is looked at this long after what changed it: allocators give it back late.
const REST: Duration = Duration::from_secs(2);

/// Every question at least this often, however long its answer takes.
const LEAST_TIMES: u32 = 3;

/// And more often while they all take no longer than this.
const ENOUGH: Duration = Duration::from_secs(3);
const MOST_TIMES: u32 = 100;

/// A server in its cluster.
struct Experiment<'a> {
    options: &'a Options,
    cluster: ClusterProcess,
    server: ServerProcess,
}

/// Measures one program.
pub(super) async fn measure(
    program: &Path,
    args: &[String],
    options: &Options,
) -> Result<Figures, BenchError> {
    let folder = TempDir::new()?;
    // Spreads are shorter than a third of a cycle in every server known; pauses are longer.
    let pause = options.resolution / 3;
    let cluster = ClusterProcess::start(options.size, pause, folder.path()).await?;
    let started = Instant::now();
    let server = ServerProcess::start(program, args, options.resolution, folder.path()).await?;
    let mut experiment = Experiment { options, cluster, server };
    let start = experiment.start(started).await?;
    let cycle = experiment.cycles().await?;
    let memory_before_lists = experiment.server.memory()?;
    let lists = experiment.lists().await?;
    sleep(REST).await;
    let memory_after_lists = experiment.server.memory()?;
    Ok(Figures {
        program: program.to_owned(),
        args: args.to_vec(),
        bytes: fs::metadata(program).map_or(0, |file| file.len()),
        start,
        cycle,
        memory_before_lists,
        lists,
        memory_after_lists,
    })
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn average(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count as f64
}

// === impl Experiment ===

impl Experiment<'_> {
    fn nodes(&self) -> usize {
        self.options.size.nodes as usize
    }

    /// Waits until two cycles are over, which a server needs for its first usage.
    async fn start(&mut self, started: Instant) -> Result<Start, BenchError> {
        self.until("scrape a kubelet", START_LIMIT, |seen| seen.answered > 0).await?;
        let (seconds, first) = (started.elapsed().as_secs_f64(), self.server.cpu()?);
        let nodes = self.nodes();
        let limit = self.options.resolution * 4;
        self.until("scrape every kubelet", limit, |seen| seen.answered >= nodes).await?;
        sleep(SETTLE).await;
        let second = self.server.cpu()?;
        self.until("scrape every kubelet twice", limit, |seen| seen.answered >= 2 * nodes).await?;
        sleep(REST).await;
        Ok(Start { cpu_seconds: first, seconds, first_cycle_cpu_seconds: second - first })
    }

    /// The configured number of cycles, without other requests.
    async fn cycles(&mut self) -> Result<Cycle, BenchError> {
        let cycles = self.options.cycles;
        let before = self.cluster.scrapes().await?.cycles.len();
        let (server, cluster) = (self.server.cpu()?, self.cluster.cpu()?);
        sleep(self.options.resolution * cycles).await;
        let (server, cluster) = (self.server.cpu()? - server, self.cluster.cpu()? - cluster);
        let seen = self.cluster.scrapes().await?.cycles;
        let seen = seen.get(before..).unwrap_or_default();
        let spread = average(seen.iter().map(|cycle| cycle.seconds));
        Ok(Cycle {
            cpu_seconds: server / f64::from(cycles),
            cluster_cpu_seconds: cluster / f64::from(cycles),
            answered: average(seen.iter().map(|cycle| cycle.answered as f64)),
            spread_seconds: spread,
            busiest: average(seen.iter().map(|cycle| {
                let slices = (cycle.seconds * 10.0).max(1.0);
                cycle.busiest as f64 / (cycle.answered as f64 / slices)
            })),
        })
    }

    async fn lists(&mut self) -> Result<Vec<List>, BenchError> {
        const ROOT: &str = "/apis/metrics.k8s.io/v1beta1";
        let pod = self.options.size.pod(0, 0);
        let namespace = format!("{ROOT}/namespaces/{}/pods", pod.namespace);
        let questions = [
            ("all pods", format!("{ROOT}/pods")),
            ("pods of a namespace", namespace.clone()),
            (
                "pods of a namespace by label",
                format!("{namespace}?labelSelector=app%3D{}", pod.app),
            ),
            ("one pod", format!("{namespace}/{}", pod.name)),
            ("all nodes", format!("{ROOT}/nodes")),
            ("one node", format!("{ROOT}/nodes/{}", Size::node(0))),
        ];
        let mut lists = Vec::new();
        for (what, path) in questions {
            self.between_cycles().await?;
            lists.push(self.ask(what, path).await?);
        }
        Ok(lists)
    }

    async fn ask(&mut self, what: &'static str, path: String) -> Result<List, BenchError> {
        let mut asker = Client::connect(self.server.address).await?;
        let (mut items, mut bytes) = (0, 0);
        let mut times = Vec::new();
        let start = Instant::now();
        let cpu = self.server.cpu()?;
        while times.len() < LEAST_TIMES as usize
            || times.len() < MOST_TIMES as usize && start.elapsed() < ENOUGH
        {
            let answer = asker.get(&path).await?;
            times.push(answer.took.as_secs_f64());
            if times.len() == 1 {
                let body = String::from_utf8_lossy(&answer.body);
                (items, bytes) = (body.matches("\"window\":").count(), body.len());
            }
        }
        let cpu = self.server.cpu()? - cpu;
        times.sort_by(f64::total_cmp);
        Ok(List {
            what,
            path,
            times: times.len() as u32,
            items,
            bytes,
            median_seconds: median(&times),
            least_seconds: times.first().copied().unwrap_or(f64::NAN),
            cpu_seconds: cpu / times.len() as f64,
        })
    }

    /// Waits for the time after a cycle's last scrape, so that lists do not wait for scrapes.
    async fn between_cycles(&mut self) -> Result<(), BenchError> {
        let before = self.cluster.scrapes().await?.answered;
        let (limit, nodes) = (self.options.resolution * 4, self.nodes());
        self.until("go on scraping", limit, |seen| seen.answered > before).await?;
        self.until("end a cycle", limit, |seen| {
            seen.cycles.last().is_some_and(|cycle| cycle.answered >= nodes)
        })
        .await?;
        sleep(SETTLE).await;
        Ok(())
    }

    async fn until(
        &mut self,
        what: &str,
        limit: Duration,
        done: impl Fn(&Scrapes) -> bool,
    ) -> Result<(), BenchError> {
        self.server.until(&mut self.cluster, what, limit, done).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_few_values_are_sound() {
        assert_eq!(median(&[1.0, 2.0, 9.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(&[3.0]).to_bits(), 3.0_f64.to_bits());
        assert!(average([].into_iter()).is_nan());
        assert_eq!(average([1.0, 2.0].into_iter()).to_bits(), 1.5_f64.to_bits());
    }
}
