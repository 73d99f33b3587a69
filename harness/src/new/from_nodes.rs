//! Nodes as kubectl prints them.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    net::IpAddr,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::template::{MadeNode, scalar};

/// The largest file that is read.
const LARGEST: u64 = 256 << 20;

/// The types that an address may have.
const TYPES: [&str; 5] = ["Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS"];

/// The port of kubelets.
const PORT: u64 = 10250;

/// The annotation with the path of a kubelet's metrics.
const PATH_ANNOTATION: &str = "metrics.k8s.io/resource-metrics-path";

/// Why the nodes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NodesError {
    /// The file cannot be read.
    #[error("failed to read {}: {error}; pass what kubectl get nodes --output=json has printed", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is neither JSON nor YAML.
    #[error("{} is neither JSON nor YAML: {error}; pass what kubectl get nodes --output=json has printed", .path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Where and why.
        error: String,
    },
    /// There are no nodes in it.
    #[error("{} has no Node in it{}; pass what kubectl get nodes --output=json has printed", .path.display(), found(.kinds))]
    None {
        /// Which.
        path: PathBuf,
        /// What there is instead.
        kinds: BTreeSet<String>,
    },
}

/// The nodes in a file.
pub(super) fn read(path: &Path) -> Result<Vec<MadeNode>, NodesError> {
    let read_error = |error| NodesError::Read { path: path.to_owned(), error };
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().take(LARGEST).read_to_string(&mut text).map_err(read_error)?;
    } else {
        let file = fs::File::open(path).map_err(read_error)?;
        file.take(LARGEST).read_to_string(&mut text).map_err(read_error)?;
    }
    let documents: Vec<Value> = match serde_json::from_str(&text) {
        Ok(value) => vec![value],
        Err(_) => serde_yaml::from_multiple(&text).map_err(|error| NodesError::Form {
            path: path.to_owned(),
            error: error.to_string().lines().next().unwrap_or_default().to_owned(),
        })?,
    };
    let (mut nodes, mut kinds) = (Vec::new(), BTreeSet::new());
    for document in &documents {
        collect(document, &mut nodes, &mut kinds);
    }
    if nodes.is_empty() {
        return Err(NodesError::None { path: path.to_owned(), kinds });
    }
    let mut unknown = 0;
    Ok(nodes.into_iter().map(|node| made(node, &mut unknown)).collect())
}

/// The Nodes of a document: one, or those of a list.
fn collect<'v>(value: &'v Value, nodes: &mut Vec<&'v Value>, kinds: &mut BTreeSet<String>) {
    match value["kind"].as_str() {
        Some("Node") => nodes.push(value),
        Some(kind) if kind == "List" || kind.ends_with("List") => {
            for item in value["items"].as_array().into_iter().flatten() {
                // The items of a NodeList need not say what they are.
                if kind == "NodeList" || item["kind"] == "Node" {
                    nodes.push(item);
                } else {
                    kinds.extend(item["kind"].as_str().map(str::to_owned));
                }
            }
        }
        Some(kind) => {
            kinds.insert(kind.to_owned());
        }
        None => {}
    }
}

/// What of a Node matters to a metrics server. Nodes without an IP address get one, of which
/// `unknown` counts how many there are.
fn made(node: &Value, unknown: &mut u32) -> MadeNode {
    let status = &node["status"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let addresses: Vec<(String, String)> = status["addresses"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|address| (text(&address["type"]), text(&address["address"])))
        .filter(|(kind, _)| TYPES.contains(&kind.as_str()))
        .collect();
    let has_ip = addresses.iter().any(|(_, address)| address.parse::<IpAddr>().is_ok());
    let ip = (!has_ip && !addresses.is_empty()).then(|| {
        *unknown += 1;
        let [_, _, c, d] = unknown.to_be_bytes();
        format!("10.255.{c}.{d}")
    });
    let mut fields = Vec::new();
    let ready = status["conditions"].as_array().into_iter().flatten();
    let ready = ready.filter(|condition| condition["type"] == "Ready");
    if ready.into_iter().any(|condition| condition["status"] != "True") {
        fields.push(("ready", "false".to_owned()));
    }
    if let Some(version) = status["nodeInfo"]["kubeletVersion"].as_str() {
        fields.push(("version", scalar(version)));
    }
    let allocatable = &status["allocatable"];
    if let (Some(cpu), Some(memory)) = (allocatable["cpu"].as_str(), allocatable["memory"].as_str())
    {
        fields
            .push(("allocatable", format!("{{cpu: {}, memory: {}}}", quoted(cpu), quoted(memory))));
    }
    let path = node["metadata"]["annotations"][PATH_ANNOTATION].as_str();
    // Others are not served by fake kubelets.
    if let Some(path) = path.filter(|path| path.starts_with("/metrics/")) {
        fields.push(("annotations", format!("{{{PATH_ANNOTATION}: {}}}", scalar(path))));
    }
    let port = status["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_u64();
    if let Some(port) = port.filter(|port| *port != PORT && *port != 0) {
        fields.push(("kubelet", format!("{{port: {port}}}")));
    }
    MadeNode { name: text(&node["metadata"]["name"]), count: None, addresses, ip, fields }
}

/// A quantity: a number may stay bare.
fn quoted(quantity: &str) -> String {
    if quantity.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        quantity.to_owned()
    } else {
        scalar(quantity)
    }
}

fn found(kinds: &BTreeSet<String>) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
    format!(", but {}", kinds.join(", "))
}
