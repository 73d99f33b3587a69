//! Nodes as kubectl prints them.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::capture::{Made, MadeNode, Objects};

/// The largest file that is read.
const LARGEST: u64 = 256 << 20;

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
    let mut objects = Objects::default();
    objects.add_text(&text).map_err(|error| NodesError::Form { path: path.to_owned(), error })?;
    let nodes = objects.of("Node");
    if nodes.is_empty() {
        let kinds = objects.kinds().map(str::to_owned).collect();
        return Err(NodesError::None { path: path.to_owned(), kinds });
    }
    let mut unknown = 0;
    Ok(nodes.into_iter().map(|node| made(node, &mut unknown)).collect())
}

/// What of a Node matters to a metrics server. Nodes without an IP address get one, of which
/// `unknown` counts how many there are.
fn made(node: &Value, unknown: &mut u32) -> MadeNode {
    let mut made = MadeNode::of(node);
    if !made.has_ip() && !made.addresses.is_empty() {
        *unknown += 1;
        let [_, _, c, d] = unknown.to_be_bytes();
        let why = "Its machine's own address, which only DNS knows (below).";
        made.ips = Some(Made::new(format!("[10.255.{c}.{d}]")).because(why));
    }
    let port = MadeNode::port(node).map(|port| ("kubelet", Made::new(format!("{{port: {port}}}"))));
    made.fields.extend(port);
    made
}

fn found(kinds: &BTreeSet<String>) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
    format!(", but {}", kinds.join(", "))
}
