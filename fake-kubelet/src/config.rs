//! The program's configuration file: which kubelets to run, in YAML.
//!
//! ```yaml
//! nodes:
//!   - name: k8s-node1
//!     listen: ["127.0.0.1:10250"]
//!     access: Open
//!     pods:
//!       - namespace: kube-system
//!         name: coredns-576cbf47c7-bc9jb
//!         containers:
//!           - {name: coredns, usage: {cpu: 1m, memory: 17Mi}}
//! ```

mod check;
mod cluster;
mod mistake;
mod node;
mod placed;
#[cfg(test)]
mod reference;
mod usage;
mod values;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Deserialize;
use serde_json::Value;

use self::placed::Place;
pub(crate) use self::{
    cluster::{ClusterConfig, ObjectConfig, TaintConfig},
    node::{NodeConfig, PodConfig},
    usage::UsageConfig,
    values::{go_duration, some_go_duration, text},
};
use crate::{auth::Access, kubelet::KubeletSpec};

/// The schema's name for itself.
const ID: &str = "urn:fake-kubelet:config";

/// The kubelets to run.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// How the nodes and their pods are kept in a cluster. Where this is missing, a cluster is only
    /// asked who may ask the kubelets.
    pub(crate) cluster: Option<ClusterConfig>,
    /// The nodes.
    nodes: Vec<NodeConfig>,
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("read {}: {source}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{}:{}:{}: {}", file.display(), mistake.place.line, mistake.place.column, mistake.message)]
    Mistake { file: PathBuf, mistake: ConfigMistake },
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub(crate) struct ConfigMistake {
    place: Place,
    message: String,
}

/// The JSON Schema (draft 2020-12) of configuration files.
pub(crate) fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Config>();
    schema.insert("$id".to_owned(), ID.into());
    schema.to_value()
}

// === impl Config ===

impl Config {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(file)
            .map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        // Ten thousand nodes are more than its budget allows, and the file is the user's own.
        let options = serde_yaml::options! { budget: None, with_snippet: false };
        let config: Self = serde_yaml::from_str_with_options(text, options).map_err(|error| {
            let place = error.location().map(Place::from).unwrap_or_default();
            let mistake = ConfigMistake { place, message: mistake::in_one_line(&error) };
            ConfigError::Mistake { file: file.to_owned(), mistake }
        })?;
        check::check(&config.nodes)
            .map_err(|mistake| ConfigError::Mistake { file: file.to_owned(), mistake })?;
        Ok(config)
    }

    /// All nodes, one after the other: templates are unfolded as late as that, because a fleet's
    /// nodes take more room as they are written than as they run.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeConfig> {
        self.nodes.iter().flat_map(NodeConfig::unfold)
    }

    /// The name of a node whose kubelet asks the API server who may ask it.
    pub(crate) fn first_with_webhook(&self) -> Option<&str> {
        let node = self.nodes.iter().find(|node| node.access == Access::Webhook)?;
        Some(&node.name)
    }

    /// Looks for what makes a kubelet impossible, which reading the file does not show: what is
    /// wrong with one node of a template is wrong with its first.
    pub(crate) fn check(&self, file: &Path, now: Timestamp) -> Result<(), ConfigError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        self.nodes.iter().filter_map(|template| template.unfold().next()).try_for_each(|node| {
            let checked = node.spec(folder, now, false).map(drop);
            checked.map_err(|mistake| ConfigError::Mistake { file: file.to_owned(), mistake })
        })
    }

    /// What to start. Paths in the file are relative to its folder. Where pods come from a cluster,
    /// the kubelets have none to begin with.
    pub(crate) fn specs(
        &self,
        file: &Path,
        now: Timestamp,
        pods_from_cluster: bool,
    ) -> Result<Vec<KubeletSpec>, ConfigError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let spec = |node: NodeConfig| {
            node.spec(folder, now, pods_from_cluster)
                .map_err(|mistake| ConfigError::Mistake { file: file.to_owned(), mistake })
        };
        self.nodes().map(spec).collect()
    }
}

#[cfg(test)]
mod tests;
