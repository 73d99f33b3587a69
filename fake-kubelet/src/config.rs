//! The program's configuration file: which kubelets to run, in the node format of scenarios, and how
//! their nodes are kept in a cluster.
//!
//! ```yaml
//! nodes:
//!   - name: k8s-node1
//!     listen: ["127.0.0.1:10250"]
//!     kubelet: {access: Open}
//!     pods:
//!       - namespace: kube-system
//!         name: coredns-576cbf47c7-bc9jb
//!         containers:
//!           - {name: coredns, usage: {cpu: 1m, memory: 17Mi}}
//! ```

mod check;
mod cluster;
mod node;

use std::{path::Path, sync::LazyLock};

use cluster_format::{Access, FileErrors, Mistake, Usage, check::check_usage, validate, yaml};
use jiff::Timestamp;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

pub(crate) use self::{
    cluster::{ClusterConfig, DEFAULT_OWNER},
    node::{FleetNode, Hosting, TaintConfig},
};
use crate::spec::{KubeletSpec, Sources, SpecError};

/// The schema's name for itself.
const ID: &str = "urn:fake-kubelet:config";

/// Ten thousand nodes with a hundred containers each, written out.
const LIMIT: yaml::Limit =
    yaml::Limit { bytes: 256 << 20, help: "write nodes as templates with a `count`" };

/// The kubelets to run.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// How the nodes and their pods are kept in a cluster. Without it, the cluster is only asked for
    /// reviews of requests to the kubelets.
    pub(crate) cluster: Option<ClusterConfig>,
    /// The nodes.
    nodes: Vec<FleetNode>,
}

/// The JSON Schema (draft 2020-12) of configuration files.
pub(crate) fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = schema_of::<Config>();
        schema["$id"] = ID.into();
        schema
    });
    &SCHEMA
}

fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// Reads usage that is the value of an annotation.
pub(crate) fn parse_usage(text: &str) -> Result<Usage, String> {
    static SCHEMA: LazyLock<Value> = LazyLock::new(schema_of::<Usage>);
    let read = yaml::parse(text, yaml::Limit { bytes: 64 << 10, help: "write less" });
    let in_one_line = |mistakes: Vec<Mistake>| {
        let all = mistakes.iter().map(|mistake| match &mistake.help {
            Some(help) => format!("{}: {help}", mistake.message),
            None => mistake.message.clone(),
        });
        all.collect::<Vec<_>>().join("; ")
    };
    let root = read.map_err(in_one_line)?;
    let (_, mut mistakes) = validate(&root, text, &SCHEMA, "");
    if !mistakes.is_empty() {
        return Err(in_one_line(mistakes));
    }
    let usage: Usage = from_json(root.to_json()).map_err(|error| error.to_string())?;
    // Who may create pods must not make this program read files.
    if usage.is_trace() {
        return Err("a Trace is for the configuration file only".to_owned());
    }
    check_usage(&usage, &root, Path::new(""), &mut mistakes);
    if mistakes.is_empty() { Ok(usage) } else { Err(in_one_line(mistakes)) }
}

fn from_json<T: DeserializeOwned>(json: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(json)
}

// === impl Config ===

impl Config {
    /// Reads a file, with all that would make a kubelet of it impossible at `now`.
    pub(crate) fn read(file: &Path, now: Timestamp) -> Result<Self, FileErrors> {
        match yaml::read(file, LIMIT) {
            Ok(text) => Self::parse(file, text, now),
            Err(mistakes) => Err(FileErrors::new(file, String::new(), mistakes)),
        }
    }

    /// The same with the text of the file.
    pub(crate) fn parse(file: &Path, text: String, now: Timestamp) -> Result<Self, FileErrors> {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let root = match yaml::parse(&text, LIMIT) {
            Ok(root) => root,
            Err(mistakes) => return Err(FileErrors::new(file, text, mistakes)),
        };
        let (sound, mut mistakes) = validate(&root, &text, schema(), "");
        let whole = mistakes.is_empty();
        let config = sound.map(|sound| (from_json::<Self>(sound.to_json()), sound));
        match config {
            Some((Ok(config), sound)) => {
                let sources = Sources { folder: folder(file), seed: 0, start: now };
                if let Some(cluster) = &config.cluster {
                    check::check_cluster(cluster, sound.field("cluster"), &mut mistakes);
                }
                check::check(&config.nodes, sound.field("nodes"), sources, &mut mistakes);
                if mistakes.is_empty() {
                    return Ok(config);
                }
            }
            Some((Err(error), sound)) if whole => {
                mistakes.push(Mistake::at(sound.place(), error.to_string()));
            }
            _ => {}
        }
        Err(FileErrors::new(file, text, mistakes))
    }

    /// All nodes, one after the other: a fleet's nodes take more memory as they are written than as
    /// they run.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = FleetNode> {
        self.nodes.iter().flat_map(FleetNode::expand)
    }

    /// The name of a node whose kubelet sends reviews to the API server.
    pub(crate) fn first_with_webhook(&self) -> Option<&str> {
        let webhook = |node: &&FleetNode| node.access() == Access::Webhook;
        self.nodes.iter().find(webhook).map(|node| node.node.name.as_str())
    }

    /// The kubelets to start.
    pub(crate) fn specs(
        &self,
        file: &Path,
        now: Timestamp,
        hosting: Hosting,
    ) -> Result<Vec<KubeletSpec>, SpecError> {
        let sources = Sources { folder: folder(file), seed: 0, start: now };
        self.nodes().map(|node| node.hosted_spec(hosting, sources)).collect()
    }
}

/// What the paths in a file are relative to.
pub(crate) fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests;
