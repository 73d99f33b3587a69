//! The program in a cluster, from the outside: one run is the API server, others settle in it. And
//! the same with a real API server, where `KUBEBUILDER_ASSETS` names one.

#![allow(clippy::unwrap_used, reason = "all of it is tests")]

mod program;
#[path = "real_api_server/cluster.rs"]
#[allow(dead_code, reason = "shared with tests that look at more of it")]
mod real;

use std::{any::Any, path::PathBuf, process::Command};

use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Namespace, Node, Pod},
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::wait::{await_condition, conditions::is_deleted, conditions::is_pod_running},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::json;
use tempfile::TempDir;

use self::{
    program::{PATIENCE, PROGRAM, Run},
    real::RealCluster,
};

const WORLD: &str = "nodes: [{name: world-0, listen: ['127.0.0.1:0'], kubelet: {access: Open}}]";

const FLEET: &str = "
cluster: {owner: test, heartbeat: 100ms}
nodes:
  - name: fake-{n}
    count: 2
    listen: ['127.0.0.1:0']
    kubelet: {access: Open, certificate: Signed, sampling: {every: 0s}}
    labels: {zone: a}
    capacity: {cpu: '8', memory: 32Gi, pods: '200'}
    allocatable: {cpu: '7', memory: 32Gi}
    pods:
      - name: app-{n}
        containers: [{name: main, usage: {cpu: 250m, memory: 64Mi}}]
";

struct World {
    folder: TempDir,
    client: Client,
    _api_server: Box<dyn Any>,
}

impl World {
    /// Each API server there is to settle in, with a node `world-0`.
    async fn all() -> Vec<Self> {
        let mut all = vec![Self::own().await];
        all.extend(Self::real().await);
        all
    }

    async fn real() -> Option<Self> {
        let cluster = RealCluster::start().await?;
        let client = cluster.client.clone();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("fleet.yaml"), FLEET).unwrap();
        std::fs::copy(cluster.path("kubeconfig"), folder.path().join("kubeconfig")).unwrap();
        let world = Self { folder, client, _api_server: Box::new(cluster) };
        let node: Node = serde_json::from_value(json!({"metadata": {"name": "world-0"}})).unwrap();
        world.nodes().create(&PostParams::default(), &node).await.unwrap();
        Some(world)
    }

    async fn own() -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("world.yaml");
        std::fs::write(&config, WORLD).unwrap();
        std::fs::write(folder.path().join("fleet.yaml"), FLEET).unwrap();
        let run = Run::start(&config, &["--out", folder.path().to_str().unwrap()]);
        let kubeconfig = Kubeconfig::read_from(folder.path().join("kubeconfig")).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        let client = Client::try_from(config).unwrap();
        Self { folder, client, _api_server: Box::new(run) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settle(&self) -> Run {
        let kubeconfig = self.path("kubeconfig");
        Run::start(&self.path("fleet.yaml"), &["--kubeconfig", kubeconfig.to_str().unwrap()])
    }

    fn clean(&self, owner: &str) -> String {
        let output = Command::new(PROGRAM)
            .args(["clean", "--owner", owner, "--kubeconfig"])
            .arg(self.path("kubeconfig"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), "default")
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), "kube-node-lease")
    }

    async fn names(&self) -> Vec<String> {
        let nodes = self.nodes().list(&ListParams::default()).await.unwrap();
        nodes.iter().map(ResourceExt::name_any).collect()
    }

    async fn runs(&self, pod: &str) -> Pod {
        self.pod_when(pod, is_pod_running()).await.unwrap()
    }

    async fn pod_when(
        &self,
        pod: &str,
        condition: impl kube::runtime::wait::Condition<Pod>,
    ) -> Option<Pod> {
        let waiting = await_condition(self.pods(), pod, condition);
        tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap()
    }

    async fn makes_pod(&self, name: &str, annotations: serde_json::Value) -> Pod {
        self.makes_pod_on("fake-0", name, annotations).await
    }

    /// Puts a pod on a node; it runs when this returns.
    async fn makes_pod_on(&self, node: &str, name: &str, annotations: serde_json::Value) -> Pod {
        let pod = json!({
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
        });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        self.pods().create(&PostParams::default(), &pod).await.unwrap();
        self.runs(name).await
    }
}

#[tokio::test]
async fn a_fleet_creates_updates_and_deletes_its_objects() {
    for world in World::all().await {
        let mut fleet = world.settle();
        assert_eq!(world.names().await, ["fake-0", "fake-1", "world-0"]);
        let node = world.nodes().get("fake-1").await.unwrap();
        assert_eq!(node.labels()["zone"], "a");
        assert_eq!(node.labels()["fake-kubelet.dev/owner"], "test");
        let taints = node.spec.unwrap().taints.unwrap();
        assert_eq!(
            (taints[0].key.as_str(), taints[0].value.as_deref(), taints[0].effect.as_str()),
            ("fake-kubelet.dev/node", Some("test"), "NoSchedule")
        );
        let status = node.status.unwrap();
        let port = status.daemon_endpoints.unwrap().kubelet_endpoint.unwrap().port;
        assert_ne!(port, 10_250);
        let address = &status.addresses.unwrap()[0];
        assert_eq!((address.type_.as_str(), address.address.as_str()), ("ExternalIP", "127.0.0.1"));
        assert_eq!(status.allocatable.as_ref().unwrap()["cpu"].0, "7");
        assert_eq!(status.allocatable.unwrap()["memory"].0, "32Gi");

        let app = world.runs("app-1").await.status.unwrap();
        assert!(app.container_statuses.unwrap()[0].ready);
        let renewed = |lease: &Lease| lease.spec.as_ref().unwrap().renew_time.clone();
        let before = renewed(&world.leases().get("fake-0").await.unwrap());
        let later = move |lease: Option<&Lease>| lease.is_some_and(|lease| renewed(lease) > before);
        let waiting = await_condition(world.leases(), "fake-0", later);
        tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap();

        let mine = world.makes_pod("mine", json!({"kwok.x-k8s.io/usage-cpu": "200m"})).await;
        assert_eq!(mine.status.unwrap().host_ip.as_deref(), Some("127.0.0.1"));
        world.pods().delete("mine", &DeleteParams::default()).await.unwrap();
        let uid = mine.metadata.uid.unwrap();
        world.pod_when("mine", is_deleted(&uid)).await;

        world.makes_pod("stays", json!({})).await;
        fleet.terminate();
        assert_eq!(fleet.line_with("removed"), "removed 2 nodes, 3 pods and 2 Leases\n");
        assert!(fleet.ended_well());
        assert_eq!(world.names().await, ["world-0"]);
        let pods = world.pods().list(&ListParams::default()).await.unwrap();
        assert_eq!(pods.items, [], "a pod ends with its node");
    }
}

#[tokio::test]
async fn nodes_and_pods_go_with_the_namespace_that_owns_them() {
    for world in World::all().await {
        let kubeconfig = world.path("kubeconfig");
        let kubeconfig = ["--kubeconfig", kubeconfig.to_str().unwrap()];
        let more = [&kubeconfig[..], &["--owner-namespace", "default"]].concat();
        // What a run without an owner has left is taken over.
        drop(world.settle());
        let _fleet = Run::start(&world.path("fleet.yaml"), &more);
        let namespaces: Api<Namespace> = Api::all(world.client.clone());
        let owner = namespaces.get("default").await.unwrap().owner_ref(&()).unwrap();
        let node = world.nodes().get("fake-0").await.unwrap();
        assert_eq!(node.owner_references(), std::slice::from_ref(&owner));
        let pod = world.pods().get("app-0").await.unwrap();
        assert_eq!(pod.owner_references(), [owner]);
        assert_eq!(pod.spec.unwrap().termination_grace_period_seconds, Some(0));
        let lease = world.leases().get("fake-0").await.unwrap();
        assert_eq!(lease.owner_references()[0].kind, "Node");
    }
}

#[tokio::test]
async fn objects_of_a_killed_run_are_taken_over_or_cleaned() {
    for world in World::all().await {
        drop(world.settle());
        let left = world.nodes().get("fake-0").await.unwrap();
        drop(world.settle());
        let again = world.nodes().get("fake-0").await.unwrap();
        assert_eq!(left.uid(), again.uid(), "it was taken over");
        assert_eq!(world.clean("nobody"), "removed 0 nodes, 0 pods and 0 Leases\n");
        assert_eq!(world.clean("test"), "removed 2 nodes, 2 pods and 2 Leases\n");
        assert_eq!(world.names().await, ["world-0"]);
    }
}

#[tokio::test]
async fn nodes_and_pods_come_go_and_change_with_the_file() {
    for world in World::all().await {
        let mut fleet = world.settle();
        let before = world.nodes().get("fake-0").await.unwrap();
        let foreign = world.makes_pod_on("fake-1", "theirs", json!({})).await;
        let changed = FLEET
            .replace("count: 2", "count: 1")
            .replace("{zone: a}", "{rack: b}")
            .replace("cpu: '7'", "cpu: '6'")
            .replace("app-{n}", "web-{n}");
        std::fs::write(world.path("fleet.yaml"), changed).unwrap();
        let uid = foreign.metadata.uid.unwrap();
        world.pod_when("theirs", is_deleted(&uid)).await;
        world.runs("web-0").await;
        assert_eq!(world.names().await, ["fake-0", "world-0"]);
        let node = world.nodes().get("fake-0").await.unwrap();
        assert_eq!(node.uid(), before.uid());
        assert_eq!((node.labels().get("zone"), node.labels()["rack"].as_str()), (None, "b"));
        assert_eq!(node.status.unwrap().allocatable.unwrap()["cpu"].0, "6");
        assert!(world.pods().get_opt("app-0").await.unwrap().is_none());
        std::fs::write(world.path("fleet.yaml"), FLEET).unwrap();
        world.runs("app-0").await;
        world.runs("app-1").await;
        assert_eq!(world.names().await, ["fake-0", "fake-1", "world-0"]);
        fleet.terminate();
        assert_eq!(fleet.line_with("removed"), "removed 2 nodes, 2 pods and 2 Leases\n");
    }
}

#[tokio::test]
async fn the_api_server_forwards_requests_to_kubelets() {
    // The real one forwards nothing to loopback addresses.
    let world = World::own().await;
    let webhook = FLEET.replace("access: Open", "access: Webhook");
    std::fs::write(world.path("fleet.yaml"), webhook).unwrap();
    let _fleet = world.settle();
    let path = "/api/v1/nodes/fake-0/proxy/configz";
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    let answer = world.client.request_text(request).await.unwrap();
    assert!(answer.contains("kubeletconfig"), "{answer}");
}

#[tokio::test]
async fn a_run_that_keeps_its_nodes_is_continued_by_the_next() {
    for world in World::all().await {
        let kubeconfig = world.path("kubeconfig");
        let more = ["--keep", "--kubeconfig", kubeconfig.to_str().unwrap()];
        let mut first = Run::start(&world.path("fleet.yaml"), &more);
        let left = world.runs("app-0").await;
        first.terminate();
        assert!(first.ended_well());
        assert_eq!(world.names().await, ["fake-0", "fake-1", "world-0"]);
        std::fs::write(world.path("fleet.yaml"), FLEET.replace("count: 2", "count: 1")).unwrap();
        let mut second = Run::start(&world.path("fleet.yaml"), &more);
        assert_eq!(world.names().await, ["fake-0", "world-0"], "what it does not have is gone");
        assert_eq!(world.pods().get("app-0").await.unwrap().uid(), left.uid());
        second.terminate();
        assert!(second.ended_well());
        assert_eq!(world.clean("test"), "removed 1 nodes, 1 pods and 1 Leases\n");
    }
}

#[tokio::test]
async fn a_node_that_is_not_fake_is_never_changed() {
    for world in World::all().await {
        let foreign = json!({"metadata": {"name": "fake-1"}});
        let foreign: Node = serde_json::from_value(foreign).unwrap();
        let made = world.nodes().create(&PostParams::default(), &foreign).await.unwrap();
        let output = Command::new(PROGRAM)
            .args(["run", "--config"])
            .arg(world.path("fleet.yaml"))
            .arg("--kubeconfig")
            .arg(world.path("kubeconfig"))
            .output()
            .unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("Node \"fake-1\" exists already and does not belong to owner \"test\""),
            "{error}"
        );
        assert_eq!(world.names().await, ["fake-1", "world-0"]);
        assert_eq!(world.nodes().get("fake-1").await.unwrap(), made);
    }
}

#[tokio::test]
async fn a_pods_usage_follows_its_annotations_at_once() {
    for world in World::all().await {
        let ca = world.path("fleet-ca.crt");
        let kubeconfig = world.path("kubeconfig");
        let more =
            ["--kubeconfig", kubeconfig.to_str().unwrap(), "--write-ca", ca.to_str().unwrap()];
        let _fleet = Run::start(&world.path("fleet.yaml"), &more);
        let usage = |memory: &str| json!({"fake-kubelet.dev/usage": format!("{{cpu: 1, memory: {memory}}}")});
        world.makes_pod("mine", usage("64Mi")).await;
        let node = world.nodes().get("fake-0").await.unwrap().status.unwrap();
        let port = node.daemon_endpoints.unwrap().kubelet_endpoint.unwrap().port;
        let mut config = Config::new(format!("https://127.0.0.1:{port}").parse().unwrap());
        let pem = std::fs::read(ca).unwrap();
        let der = CertificateDer::from_pem_slice(&pem).unwrap();
        config.root_cert = Some(vec![der.to_vec()]);
        let kubelet = Client::try_from(config).unwrap();
        let until = async |bytes: &str| {
            loop {
                let request = http::Request::get("/metrics/resource").body(Vec::new()).unwrap();
                let text = kubelet.request_text(request).await.unwrap();
                let mut lines = text.lines();
                if lines.any(|line| {
                    line.starts_with("container_memory_working_set_bytes{")
                        && line.contains("pod=\"mine\"")
                        && line.contains(bytes)
                }) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, until("} 6.7108864e+07 ")).await.unwrap();
        let patch = Patch::Merge(json!({"metadata": {"annotations": usage("1Gi")}}));
        world.pods().patch("mine", &PatchParams::default(), &patch).await.unwrap();
        tokio::time::timeout(PATIENCE, until("} 1.073741824e+09 ")).await.unwrap();
    }
}
