//! The metrics server behind the aggregation layer of a real API server, with our manifests and
//! fake nodes. Runs where `KUBEBUILDER_ASSETS` names a folder with `kube-apiserver` and `etcd`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says what it skips"
)]

#[path = "real_api_server/cluster.rs"]
mod cluster;
#[path = "real_api_server/manifests.rs"]
mod manifests;
mod program;

use std::{collections::BTreeSet, path::Path, process::Command};

use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::ServiceAccount,
    },
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

use self::{
    cluster::{Killed, RealCluster},
    program::{PATIENCE, Run, beside},
};

const FLEET: &str = "
cluster: {owner: test}
nodes:
  - name: fake-{n}
    count: 2
    listen: ['127.0.0.1:0']
    kubelet: {certificate: Signed, sampling: {every: 0s}}
    pods:
      - name: app-{n}
        containers: [{name: main, usage: {cpu: 250m, memory: 64Mi}}]
";

const NODES: &str = "/apis/metrics.k8s.io/v1beta1/nodes";
const PODS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";

/// Types that the metrics server's document of version 2 refers to and does not define.
const LEFT_TO_THE_API_SERVER: [&str; 8] = [
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup",
    "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList",
    "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    "io.k8s.apimachinery.pkg.version.Info",
];

/// A cluster whose metrics server has metrics.
struct World {
    // Clients of the API server end before it does.
    _server: Killed,
    _fleet: Run,
    cluster: RealCluster,
    /// Definitions that the API server's OpenAPI document has of its own.
    definitions: BTreeSet<String>,
}

// === impl World ===

impl World {
    async fn start(program: &Path) -> Option<Self> {
        let cluster = RealCluster::start().await?;
        let (status, document) = cluster.get("/openapi/v2", None).await;
        assert_eq!(status, 200, "{document}");
        let document: Value = serde_json::from_str(&document).unwrap();
        let definitions = document["definitions"].as_object().unwrap().keys().cloned().collect();
        let [port] = cluster::free_ports();
        manifests::apply(&cluster.client, port).await;
        let token = token(&cluster).await;
        cluster.write_kubeconfig("metrics-server.kubeconfig", &token);
        std::fs::write(cluster.path("fleet.yaml"), FLEET).unwrap();
        let (kubeconfig, ca) = (cluster.path("kubeconfig"), cluster.path("kubelets.crt"));
        let more = ["--kubeconfig", &kubeconfig, "--write-ca", &ca];
        let fleet = Run::start(Path::new(&cluster.path("fleet.yaml")), &more);
        let mut command = Command::new(program);
        command
            .args(["--kubeconfig", &cluster.path("metrics-server.kubeconfig")])
            .args(["--kubelet-certificate-authority", &ca])
            .args(["--kubelet-use-node-status-port", "--metric-resolution=10s"])
            .args(["--kubelet-request-timeout=5s", "--bind-address=127.0.0.1"])
            .arg("--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname")
            .args(["--cert-dir", &cluster.path("certificates")])
            .arg(format!("--secure-port={port}"));
        let server = Killed::start(&mut command, Path::new(&cluster.path("metrics-server.log")));
        let world = Self { cluster, definitions, _fleet: fleet, _server: server };
        world.until(NODES, None, |said| items(said) == 2).await;
        world.until(PODS, None, |said| items(said) == 2).await;
        Some(world)
    }

    /// The answer, once it is as expected: 200 and this.
    async fn until(&self, path: &str, acting_as: Option<&str>, is: impl Fn(&Value) -> bool) {
        let found = async {
            loop {
                let (status, said) = self.cluster.get(path, acting_as).await;
                if status == 200 && serde_json::from_str(&said).is_ok_and(|said| is(&said)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, found).await.is_err() {
            let (status, said) = self.cluster.get(path, acting_as).await;
            panic!("{path}: {status} {said}\n{}", self.cluster.log("metrics-server.log"));
        }
    }

    async fn json(&self, path: &str) -> Value {
        let (status, said) = self.cluster.get(path, None).await;
        assert_eq!(status, 200, "{path}: {said}");
        serde_json::from_str(&said).unwrap()
    }

    async fn message(&self, path: &str, acting_as: &str) -> (u16, String) {
        let (status, said) = self.cluster.get(path, Some(acting_as)).await;
        let said: Value = serde_json::from_str(&said).unwrap();
        (status, said["message"].as_str().unwrap_or_default().to_owned())
    }
}

fn items(list: &Value) -> usize {
    list["items"].as_array().map_or(0, Vec::len)
}

/// What the kubelet would mount into the metrics server's pod.
async fn token(cluster: &RealCluster) -> String {
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client.clone(), "kube-system");
    let request =
        TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
    let params = PostParams::default();
    let made = accounts.create_token_request("metrics-server", &params, &request).await.unwrap();
    made.status.unwrap().token.unwrap()
}

#[tokio::test]
async fn the_metrics_server_serves_behind_a_real_api_server() {
    let Some(program) = beside("metrics-server") else { return };
    let Some(mut world) = World::start(&program).await else { return };

    for version in ["v1beta1", "v1"] {
        let services: Api<APIService> = Api::all(world.cluster.client.clone());
        let service = services.get(&format!("{version}.metrics.k8s.io")).await.unwrap();
        let conditions = service.status.unwrap().conditions.unwrap();
        assert_eq!(
            (conditions[0].type_.as_str(), conditions[0].status.as_str()),
            ("Available", "True")
        );
        let node = world.json(&format!("/apis/metrics.k8s.io/{version}/nodes/fake-0")).await;
        assert_eq!(node["apiVersion"], format!("metrics.k8s.io/{version}"));
        assert_eq!(node["usage"]["memory"], "64Mi", "{node}");
        assert_eq!(node["metadata"]["labels"]["kubernetes.io/hostname"], "fake-0");
    }
    let selected = format!("{NODES}?labelSelector=kubernetes.io%2Fhostname%3Dfake-1");
    assert_eq!(items(&world.json(&selected).await), 1);

    // Discovery and OpenAPI are one with the API server's own.
    let group = world.json("/apis/metrics.k8s.io").await;
    assert_eq!(group["preferredVersion"]["version"], "v1beta1");
    assert_eq!(group["versions"].as_array().unwrap().len(), 2);
    let merged = |said: &Value| {
        let path = "/apis/metrics.k8s.io/v1/nodes/{name}";
        let node = "io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics";
        let own = "io.k8s.api.core.v1.Node";
        !said["paths"][path].is_null()
            && [node, own].iter().all(|name| !said["definitions"][name].is_null())
    };
    world.until("/openapi/v2", None, merged).await;
    // The API server would give another name to a definition that differs from its own.
    let document = world.json("/openapi/v2").await;
    let definitions = document["definitions"].as_object().unwrap();
    let duration = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration";
    let is_expected = |name: &&String| name.starts_with("io.k8s.metrics.") || *name == duration;
    let added = definitions.keys().filter(|name| !world.definitions.contains(*name));
    let (expected, others): (Vec<_>, Vec<_>) = added.partition(is_expected);
    assert_eq!((expected.len(), others), (11, Vec::new()));
    for name in LEFT_TO_THE_API_SERVER {
        assert!(world.definitions.contains(name), "{name}");
    }
    let listed = |said: &Value| !said["paths"]["apis/metrics.k8s.io/v1"].is_null();
    world.until("/openapi/v3", None, listed).await;
    world
        .until("/openapi/v3/apis/metrics.k8s.io/v1", None, |said| !said["components"].is_null())
        .await;

    // A user without permission gets the API server's error.
    let words = "nodes.metrics.k8s.io is forbidden: User \"carol\" cannot list resource \"nodes\" in API group \"metrics.k8s.io\" at the cluster scope";
    assert_eq!(world.message(NODES, "carol").await, (403, words.to_owned()));
    manifests::let_read(&world.cluster.client, "carol").await;
    world.until(NODES, Some("carol"), |said| items(said) == 2).await;
    let watched = world.message(&format!("{NODES}?watch=1"), "carol").await;
    let no_watch = "watch is not supported on resources of kind \"nodes.metrics.k8s.io\"";
    assert_eq!(watched, (405, no_watch.to_owned()));
    let missing = world.message("/apis/metrics.k8s.io/v1beta1/nodes/missing", "carol").await;
    assert_eq!(missing, (404, "node \"missing\" not found".to_owned()));

    // The API server comes back with another front proxy, whose CA it adds to those it publishes.
    world.cluster.restart_with_new_front_proxy().await;
    world.until(NODES, None, |said| items(said) == 2).await;
    world.until(NODES, Some("carol"), |said| items(said) == 2).await;

    let audit = world.cluster.log("audit.log");
    let agents = [("metrics-server", "watch"), ("fake-kubelet", "patch")];
    for (agent, verb) in agents {
        let agent = format!("{agent}/{}", env!("CARGO_PKG_VERSION"));
        let of_it = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|_| json!({}));
            event["userAgent"] == agent && event["verb"] == verb
        };
        assert!(audit.lines().any(of_it), "{agent} never did {verb}");
    }
}

/// The commands of `docs/migrating.md`, as far as an API server validates them.
#[tokio::test]
async fn both_ways_work_as_documented() {
    let Some(cluster) = RealCluster::start().await else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let kubectl = |arguments: &str| {
        let mut command = Command::new("kubectl");
        command.current_dir(&root).arg("--kubeconfig").arg(cluster.path("kubeconfig"));
        let output = command.args(arguments.split(' ')).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let done = |arguments: &str| {
        let (is_done, said) = kubectl(arguments);
        assert!(is_done, "{arguments}: {said}");
        said
    };
    // Helm's Deployment has another selector.
    done("--namespace kube-system create deployment metrics-server --image=metrics-server");
    let (is_done, said) = kubectl("apply --kustomize kind-config/base");
    assert!(!is_done && said.contains("field is immutable"), "{said}");
    done("--namespace kube-system delete deployment metrics-server");
    done("apply --kustomize kind-config/base");
    done("apply --kustomize kind-config/v1");
    assert!(done("get apiservices --output=name").contains("/v1.metrics.k8s.io"));

    done("delete apiservice v1.metrics.k8s.io --ignore-not-found");
    done("delete apiservice v1.metrics.k8s.io --ignore-not-found");
    let image = "metrics-server=registry.k8s.io/metrics-server/metrics-server:v0.9.0";
    done(&format!("--namespace kube-system set image deployment/metrics-server {image}"));
    let left = done("get apiservices --output=name");
    assert!(left.contains("/v1beta1.metrics.k8s.io"), "{left}");
    assert!(!left.contains("/v1.metrics.k8s.io"), "{left}");
    done("delete --kustomize kind-config/base");
}
