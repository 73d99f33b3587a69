//! A large cluster for benchmarks: API server and kubelets on loopback addresses. Of requests,
//! only the times of scrapes are kept.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process,
    sync::Arc,
    time::Duration,
};

use cluster_format::X509;
use fake_apiserver::{Credential, FakeApiServer, Serving, kubeconfig};
use fake_kubelet::{
    Certificates, DenyAll, Dependencies, Fleet, KubeletSpec, ObservedRequest, Observer, Sources,
};
use net::{Clock, HostNetwork, Network, Random};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use super::{WorldError, cluster::Environment, front_proxy::FrontProxy, identities, objects};
use crate::{
    bench::{Scrapes, Size},
    file::format,
};

/// The administrator's kubeconfig in the cluster's folder: servers differ in their requests to the
/// API server, and authorization is not what is measured.
pub(crate) const KUBECONFIG: &str = "kubeconfig";

/// The bearer token in [`KUBECONFIG`].
pub(crate) const TOKEN: &str = identities::ADMIN_TOKEN;

/// The API server's certificate as a front proxy, and its key, in the cluster's folder.
pub(crate) const CERTIFICATE: &str = "front-proxy-client.crt";
pub(crate) const KEY: &str = "front-proxy-client.key";

/// Kubelets listen in 127.x.0.0/16. Benches side by side take different ones, most of the time.
const FIRST_BLOCK: u32 = 16;
const BLOCKS: u32 = 200;

/// A cluster that runs until dropped.
pub(crate) struct BenchCluster {
    scrape_times: Arc<ScrapeTimes>,
    _fleet: Fleet,
    _api_server: Serving,
}

/// When kubelets answered with 200.
#[derive(Default)]
struct ScrapeTimes(Mutex<Vec<Instant>>);

// === impl BenchCluster ===

impl BenchCluster {
    /// Builds a cluster of that size and writes its kubeconfig into `folder`.
    pub(crate) async fn build(size: Size, folder: &Path) -> Result<Self, WorldError> {
        let clock = Clock::system();
        let start = clock.now();
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let environment = Environment {
            start,
            clock: clock.clone(),
            random: Random::from_os(),
            network_of: Arc::new(|_| Arc::new(HostNetwork) as Arc<dyn Network>),
            api_server: SocketAddr::new(localhost, 0),
            client: localhost,
        };
        let certificates = Arc::new(Certificates::new(start)?);
        let api_server = FakeApiServer::new(clock);
        identities::add(&api_server, None);
        let authority = certificates.cluster().pem();
        let front_proxy = FrontProxy::new(start, X509::default())?;
        api_server.upsert_config_map(front_proxy.config_map(&authority));
        if let Some(identity) = front_proxy.identity()? {
            for (file, pem) in [(CERTIFICATE, identity.chain_pem()), (KEY, identity.key_pem())] {
                fs::write(folder.join(file), pem).map_err(WorldError::File)?;
            }
        }

        let scrape_times = Arc::new(ScrapeTimes::default());
        let dependencies = Dependencies {
            doors: environment.doors(),
            certificates: Arc::clone(&certificates),
            reviewer: Arc::new(DenyAll),
            observer: Arc::clone(&scrape_times) as Arc<dyn Observer>,
        };
        let fleet = Fleet::new(dependencies);
        let block = Ipv4Addr::from(0x7f00_0000 | (FIRST_BLOCK + process::id() % BLOCKS) << 16);
        for number in 0..size.nodes {
            let node = node(size, number, block)?;
            let sources = Sources { folder, seed: 1, start };
            api_server.upsert_node(objects::node_object(&node, sources));
            for pod in objects::pod_objects(&node, sources) {
                api_server.upsert_pod(pod);
            }
            fleet.add(KubeletSpec::new(&node, sources)?).await?;
        }
        let serving = environment.start_api_server(&api_server, &certificates).await?;
        let url = format!("https://{}", serving.address());
        let config = kubeconfig(&url, &authority, Credential::Token(TOKEN));
        fs::write(folder.join(KUBECONFIG), config).map_err(WorldError::File)?;
        Ok(Self { scrape_times, _fleet: fleet, _api_server: serving })
    }

    /// The scrapes until now. Between cycles are pauses longer than `pause`.
    pub(crate) fn scrapes(&self, pause: Duration) -> Scrapes {
        Scrapes::of(&self.scrape_times.0.lock(), pause)
    }
}

/// A node as a scenario would describe it, so that the scenario format stays in one place.
fn node(size: Size, number: u32, block: Ipv4Addr) -> Result<format::Node, WorldError> {
    let pods: Vec<_> = (0..size.pods)
        .map(|pod| {
            let pod = size.pod(number, pod);
            let containers: Vec<_> = (0..size.containers)
                .map(|container| {
                    let spread = pod.number.wrapping_mul(7_919) + container * 104_729;
                    let cpu = format!("{}n", 1_000_000 + u64::from(spread) * 1_003 % 400_000_000);
                    let memory = format!("{}Ki", 4_096 + spread % 1_000_000);
                    json!({
                        "name": if container == 0 { "main".to_owned() } else { format!("side-{container}") },
                        "usage": { "cpu": cpu, "memory": memory },
                    })
                })
                .collect();
            json!({
                "namespace": pod.namespace,
                "name": pod.name,
                "labels": { "app": pod.app, "pod-template-hash": "5d4f7c9b86" },
                "containers": containers,
            })
        })
        .collect();
    let name = Size::node(number);
    let address = Ipv4Addr::from(u32::from(block) + number);
    // Real kubelets measure whenever they were started, not all at once.
    let offset = format!("{}ms", number.wrapping_mul(7_919) % 10_000);
    let node = json!({
        "name": name,
        "addresses": [
            { "type": "Hostname", "address": name },
            { "type": "InternalIP", "address": address },
        ],
        "allocatable": { "cpu": "16", "memory": "64Gi" },
        "kubelet": { "access": "Open", "sampling": { "every": "10s", "offset": offset } },
        "pods": pods,
    });
    serde_json::from_value(node).map_err(WorldError::Node)
}

// === impl ScrapeTimes ===

impl ScrapeTimes {}

impl Observer for ScrapeTimes {
    fn request(&self, request: &ObservedRequest<'_>) {
        if request.status == Some(200) {
            self.0.lock().push(Instant::now());
        }
    }
}
