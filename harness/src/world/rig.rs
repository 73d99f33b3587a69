//! A large cluster to measure a metrics server in: API server and kubelets on loopback addresses,
//! nothing watched but the moments of scrapes.

use std::{
    fs, iter,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fake_apiserver::{Credential, FakeApiServer, Settings, kubeconfig};
use fake_kubelet::{
    Certificates, DenyAll, Dependencies, Fleet, KubeletSpec, ObservedRequest, Observer, Sources,
};
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use net::{Clock, HostNetwork, Network, Random};
use serde_json::json;
use tokio::time::Instant;

use super::{
    WorldError,
    cluster::{Site, start_api_server},
    objects, people,
    running::Running,
};
use crate::{
    bench::{Scrapes, Size},
    file::format,
};

/// The kubeconfig in a rig's folder, of somebody who may do everything: servers differ in what
/// they ask of the API server, and their rights are not what is measured.
pub(crate) const KUBECONFIG: &str = "kubeconfig";

/// The bearer token in [`KUBECONFIG`].
pub(crate) const TOKEN: &str = people::ADMIN_TOKEN;

/// Kubelets listen in 127.x.0.0/16. Benches side by side take different ones, most of the time.
const FIRST_BLOCK: u32 = 16;
const BLOCKS: u32 = 200;

/// A cluster that runs until dropped.
pub(crate) struct Rig {
    seen: Arc<Seen>,
    _fleet: Fleet,
    _api_server: Running,
}

/// When kubelets answered.
#[derive(Default)]
struct Seen(Mutex<Vec<Instant>>);

// === impl Rig ===

impl Rig {
    /// Builds a cluster of that size and writes its kubeconfig into `folder`.
    pub(crate) async fn build(size: Size, folder: &Path) -> Result<Self, WorldError> {
        let clock = Clock::system();
        let start = clock.now();
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let place = Site {
            start,
            clock: clock.clone(),
            random: Random::from_os(),
            machine: Arc::new(|_| Arc::new(HostNetwork) as Arc<dyn Network>),
            api_server: SocketAddr::new(localhost, 0),
            desk: localhost,
        };
        let certificates = Arc::new(Certificates::new(start)?);
        let control_plane = FakeApiServer::new(clock, Settings::default());
        people::introduce(&control_plane, None);
        let authority = certificates.cluster().pem();
        control_plane.upsert_config_map(authentication_config_map(&authority));

        let seen = Arc::new(Seen::default());
        let surroundings = Dependencies {
            doors: place.doors(),
            certificates: Arc::clone(&certificates),
            reviewer: Arc::new(DenyAll),
            observer: Arc::clone(&seen) as Arc<dyn Observer>,
        };
        let fleet = Fleet::new(surroundings);
        let block = Ipv4Addr::from(0x7f00_0000 | (FIRST_BLOCK + process::id() % BLOCKS) << 16);
        for number in 0..size.nodes {
            let node = node(size, number, block)?;
            let sources = Sources { folder, seed: 1, start };
            control_plane.upsert_node(objects::node_object(&node, sources));
            for pod in objects::pod_objects(&node, sources) {
                control_plane.upsert_pod(pod);
            }
            fleet.add(KubeletSpec::new(&node, sources)?).await?;
        }
        let (api_server, address) = start_api_server(&place, &control_plane, &certificates).await?;
        let url = format!("https://{address}");
        let config = kubeconfig(&url, &authority, Credential::Token(TOKEN));
        fs::write(folder.join(KUBECONFIG), config).map_err(WorldError::File)?;
        Ok(Self { seen, _fleet: fleet, _api_server: api_server })
    }

    /// The scrapes until now. Cycles are told apart by pauses longer than `pause`.
    pub(crate) fn scrapes(&self, pause: Duration) -> Scrapes {
        Scrapes::of(&self.seen.times(), pause)
    }
}

/// A node as a scenario would describe it, so that what scenarios can say stays in one place.
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

/// What the Go server reads at its start.
fn authentication_config_map(authority: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            namespace: Some("kube-system".to_owned()),
            name: Some("extension-apiserver-authentication".to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(iter::once(("client-ca-file".to_owned(), authority.to_owned())).collect()),
        ..ConfigMap::default()
    }
}

// === impl Seen ===

impl Seen {
    fn times(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Seen {
    fn request(&self, request: &ObservedRequest<'_>) {
        if request.status == Some(200) {
            self.times().push(Instant::now());
        }
    }
}
