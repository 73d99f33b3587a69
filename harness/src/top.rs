//! `kubectl top`, with the requests and the output of kubectl 1.32: so that a scenario can expect
//! in the simulated world what users see in their terminals.

use std::collections::BTreeMap;

use http::{Request, header::ACCEPT};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_text::{duration, quantity::Quantity, table::table};
use kube::{Api, Client, api::ListParams};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::file::format::{Top, TopExpectation};

const GROUP: &str = "metrics.k8s.io";
const VERSION: &str = "v1beta1";
const BASE: &str = "/apis/metrics.k8s.io/v1beta1";

/// kubectl's error where the API is not served.
const NOT_AVAILABLE: &str = "error: Metrics API not available";

/// All groups and versions in one document.
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// kubectl's `metricsCreationDelay`: a pod younger than that may have no metrics yet.
const CREATION_DELAY: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

/// CPU is counted in billionths of a core, memory in bytes.
const NANOS: i128 = 1_000_000_000;

/// The options of `kubectl top pods`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodOptions<'a> {
    /// `-n`; all namespaces without.
    pub namespace: Option<&'a str>,
    /// One pod; all without.
    pub name: Option<&'a str>,
    /// `--containers`.
    pub containers: bool,
}

/// What it prints: a table, or an error.
pub type Printed = Result<String, String>;

/// What an expectation requests.
pub(crate) async fn print(client: &Client, wanted: &TopExpectation, now: Timestamp) -> Printed {
    match wanted.what {
        Top::Nodes => nodes(client, wanted.name.as_deref()).await,
        Top::Pods => {
            let options = PodOptions {
                namespace: wanted.namespace.as_deref(),
                name: wanted.name.as_deref(),
                containers: wanted.containers,
            };
            pods(client, options, now).await
        }
    }
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct NodeMetrics {
    metadata: Metadata,
    usage: Usage,
}

#[derive(Deserialize)]
struct PodMetrics {
    metadata: Metadata,
    containers: Vec<ContainerMetrics>,
}

#[derive(Deserialize)]
struct ContainerMetrics {
    name: String,
    usage: Usage,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Deserialize)]
struct Usage {
    cpu: String,
    memory: String,
}

/// Nanocores and bytes.
#[derive(Clone, Copy, Default)]
struct Amount {
    cpu: i128,
    memory: i128,
}

/// `kubectl top nodes`, or of the one with `name`.
pub async fn nodes(client: &Client, name: Option<&str>) -> Printed {
    let metrics: List<NodeMetrics> = list_or_one(client, format!("{BASE}/nodes"), name).await?;
    if metrics.items.is_empty() {
        return Err("error: metrics not available yet".to_owned());
    }
    let selected = name.map_or_else(ListParams::default, |name| {
        ListParams::default().fields(&format!("metadata.name={name}"))
    });
    let nodes = Api::<Node>::all(client.clone())
        .list(&selected)
        .await
        .map_err(|error| format!("error: {error}"))?;
    let mut allocatable: BTreeMap<String, Amount> = nodes
        .into_iter()
        .map(|node| {
            (node.metadata.name.unwrap_or_default(), of_status(node.status.unwrap_or_default()))
        })
        .collect();
    let mut rows = vec![row(&["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"])];
    for item in &metrics.items {
        let used = item.usage.amount()?;
        let mut cells = vec![item.metadata.name.clone(), used.cpu_cell()];
        let available = allocatable.remove(&item.metadata.name);
        cells.extend(available.map(|available| share(used.cpu, available.cpu, NANOS)));
        cells.push(used.memory_cell());
        cells.extend(available.map(|available| share(used.memory, available.memory, 1)));
        rows.push(cells);
    }
    for name in allocatable.into_keys() {
        rows.push(row(&[&name, "<unknown>", "<unknown>", "<unknown>", "<unknown>"]));
    }
    Ok(table(&rows))
}

/// `kubectl top pods`.
pub async fn pods(client: &Client, options: PodOptions<'_>, now: Timestamp) -> Printed {
    let namespace = options.namespace.or_else(|| options.name.map(|_| "default"));
    let path = match namespace {
        Some(namespace) => format!("{BASE}/namespaces/{namespace}/pods"),
        None => format!("{BASE}/pods"),
    };
    let metrics: List<PodMetrics> = list_or_one(client, path, options.name).await?;
    if metrics.items.is_empty() {
        return Err(why_none(client, namespace, now).await);
    }
    let mut header = Vec::new();
    if namespace.is_none() {
        header.push("NAMESPACE");
    }
    if options.containers {
        header.push("POD");
    }
    header.extend(["NAME", "CPU(cores)", "MEMORY(bytes)"]);
    let mut rows = vec![row(&header)];
    for pod in &metrics.items {
        let mut start = Vec::new();
        if namespace.is_none() {
            start.push(pod.metadata.namespace.clone());
        }
        start.push(pod.metadata.name.clone());
        let mut total = Amount::default();
        for container in &pod.containers {
            let used = container.usage.amount()?;
            total = Amount { cpu: total.cpu + used.cpu, memory: total.memory + used.memory };
            if options.containers {
                let mut cells = start.clone();
                cells.extend([container.name.clone(), used.cpu_cell(), used.memory_cell()]);
                rows.push(cells);
            }
        }
        if !options.containers {
            start.extend([total.cpu_cell(), total.memory_cell()]);
            rows.push(start);
        }
    }
    Ok(table(&rows))
}

/// All of a path's objects, or the one with `name`.
async fn list_or_one<T: DeserializeOwned>(
    client: &Client,
    path: String,
    name: Option<&str>,
) -> Result<List<T>, String> {
    match name {
        None => get(client, &path).await,
        Some(name) => Ok(List { items: vec![get(client, &format!("{path}/{name}")).await?] }),
    }
}

async fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, String> {
    let request = Request::get(path).body(Vec::new()).map_err(|error| format!("error: {error}"))?;
    let error = match client.request(request).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    Err(match error {
        // An object that is not there has a name; a path that is not there has none.
        kube::Error::Api(status)
            if status.code == 503 || status.code == 404 && !names_object(&status) =>
        {
            NOT_AVAILABLE.to_owned()
        }
        // kubectl reads discovery before it sends the request; where there is an answer, it is the
        // same.
        _ if !is_discovered(client).await => NOT_AVAILABLE.to_owned(),
        kube::Error::Api(status) if status.reason == "Unauthorized" => {
            format!("error: You must be logged in to the server ({})", status.message)
        }
        kube::Error::Api(status) => {
            format!("Error from server ({}): {}", status.reason, status.message)
        }
        other => format!("error: {other}"),
    })
}

/// Whether discovery has the API: a version whose server does not list its resources is stale.
async fn is_discovered(client: &Client) -> bool {
    let request = Request::get("/apis").header(ACCEPT, DISCOVERY).body(Vec::new());
    let Ok(request) = request else { return false };
    let Ok(found) = client.request::<Value>(request).await else { return false };
    let groups = found["items"].as_array().into_iter().flatten();
    let mut versions = groups
        .filter(|group| group["metadata"]["name"] == GROUP)
        .flat_map(|group| group["versions"].as_array().into_iter().flatten());
    versions.any(|version| version["version"] == VERSION && version["freshness"] != "Stale")
}

fn names_object(status: &kube::core::Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

/// kubectl's output when there are no metrics of any pod.
async fn why_none(client: &Client, namespace: Option<&str>, now: Timestamp) -> String {
    let api = match namespace {
        Some(namespace) => Api::<Pod>::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let pods = match api.list(&ListParams::default()).await {
        Ok(pods) => pods.items,
        Err(error) => return format!("error: {error}"),
    };
    for pod in &pods {
        let created = pod.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
        let age = now.duration_since(created);
        if age > CREATION_DELAY {
            let (namespace, name) = (
                pod.metadata.namespace.as_deref().unwrap_or_default(),
                pod.metadata.name.as_deref().unwrap_or_default(),
            );
            let age = duration::format(age.unsigned_abs());
            return format!("error: Metrics not available for pod {namespace}/{name}, age: {age}");
        }
    }
    match (pods.is_empty(), namespace) {
        (true, Some(namespace)) => format!("No resources found in {namespace} namespace."),
        (true, None) => "No resources found".to_owned(),
        (false, _) => "error: metrics not available yet".to_owned(),
    }
}

fn of_status(status: k8s_openapi::api::core::v1::NodeStatus) -> Amount {
    let allocatable = status.allocatable.unwrap_or_default();
    let nanos = |name: &str| {
        allocatable
            .get(name)
            .and_then(|text| text.0.parse::<Quantity>().ok())
            .map_or(0, Quantity::nanos)
    };
    Amount { cpu: nanos("cpu"), memory: nanos("memory") / 1_000_000_000 }
}

/// In whole per cent, cut off; kubectl divides thousandths, rounded up, as floats.
fn share(used: i128, available: i128, unit: i128) -> String {
    let milli = |amount: i128| (amount * 1000 + unit - 1).div_euclid(unit) as f64;
    if available == 0 {
        return "<unknown>".to_owned();
    }
    format!("{}%", (milli(used) / milli(available) * 100.0) as i64)
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

// === impl Usage ===

impl Usage {
    fn amount(&self) -> Result<Amount, String> {
        let read = |text: &str| text.parse::<Quantity>().map_err(|error| format!("error: {error}"));
        Ok(Amount { cpu: read(&self.cpu)?.nanos(), memory: read(&self.memory)?.units() })
    }
}

// === impl Amount ===

impl Amount {
    /// In thousandths of a core, rounded up.
    fn cpu_cell(self) -> String {
        format!("{}m", (self.cpu + 999_999) / 1_000_000)
    }

    /// In whole mebibytes, cut off.
    fn memory_cell(self) -> String {
        format!("{}Mi", self.memory >> 20)
    }
}
