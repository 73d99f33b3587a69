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

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use metrics_server::{duration, quantity::Quantity};
use serde::{Deserialize, Deserializer, de};

use crate::{
    access::Access,
    certificates::CertificateKind,
    faults::Faults,
    kubelet::KubeletSpec,
    node::{self, Node},
    replay::{Recording, RecordingError},
    sampling::Sampling,
    usage::{Shape, Usage},
};

/// Counters count from a day ago where the file does not say since when.
const AGE: Duration = Duration::from_hours(24);

/// The kubelets to run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    nodes: Vec<NodeConfig>,
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("read {}: {source}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{}:{line}:{column}: {message}", file.display())]
    Parse { file: PathBuf, line: u64, column: u64, message: String },
    #[error("{}: node {node:?}: {source}", file.display())]
    Replay { file: PathBuf, node: String, source: RecordingError },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NodeConfig {
    name: String,
    listen: Vec<SocketAddr>,
    #[serde(default, deserialize_with = "some_moment")]
    started: Option<Timestamp>,
    usage: Option<UsageConfig>,
    #[serde(default)]
    pods: Vec<PodConfig>,
    sampling: Option<SamplingConfig>,
    #[serde(default)]
    certificate: CertificateKind,
    #[serde(default)]
    access: Access,
    replay: Option<PathBuf>,
    #[serde(default)]
    faults: Faults,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PodConfig {
    namespace: Option<String>,
    name: String,
    containers: Vec<ContainerConfig>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContainerConfig {
    name: String,
    usage: UsageConfig,
    #[serde(default, deserialize_with = "some_moment")]
    started: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UsageConfig {
    #[serde(deserialize_with = "quantity")]
    cpu: Quantity,
    #[serde(deserialize_with = "quantity")]
    memory: Quantity,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SamplingConfig {
    #[serde(deserialize_with = "go_duration")]
    every: Duration,
    #[serde(default, deserialize_with = "go_duration")]
    offset: Duration,
}

// === impl Config ===

impl Config {
    pub(crate) fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(file)
            .map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        // Ten thousand nodes are more than its budget allows, and the file is the user's own.
        let options = serde_yaml::options! { budget: None, with_snippet: false };
        serde_yaml::from_str_with_options(text, options).map_err(|error| {
            let place = error.location();
            ConfigError::Parse {
                file: file.to_owned(),
                line: place.map_or(0, |place| place.line()),
                column: place.map_or(0, |place| place.column()),
                message: in_one_line(&error),
            }
        })
    }

    /// The name of a node whose kubelet asks the API server who may ask it.
    pub(crate) fn first_with_webhook(&self) -> Option<&str> {
        let node = self.nodes.iter().find(|node| node.access == Access::Webhook)?;
        Some(&node.name)
    }

    /// What to start. Paths in the file are relative to its folder.
    pub(crate) fn specs(
        self,
        file: &Path,
        now: Timestamp,
    ) -> Result<Vec<KubeletSpec>, ConfigError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        self.nodes
            .into_iter()
            .map(|node| {
                let name = node.name.clone();
                node.spec(folder, now).map_err(|source| ConfigError::Replay {
                    file: file.to_owned(),
                    node: name,
                    source,
                })
            })
            .collect()
    }
}

/// Without the snippet, which takes several lines, and without the place, which the file's name
/// goes before.
fn in_one_line(error: &serde_yaml::Error) -> String {
    let text = error.without_snippet().to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    message.replace('\n', " ")
}

// === impl NodeConfig ===

impl NodeConfig {
    fn spec(self, folder: &Path, now: Timestamp) -> Result<KubeletSpec, RecordingError> {
        let started = self.started.unwrap_or(now - AGE);
        let pods = self.pods.into_iter().map(|pod| pod.pod(started)).collect();
        let replay = self
            .replay
            .map(|path| Recording::read(&folder.join(path)).map(Arc::new))
            .transpose()?;
        Ok(KubeletSpec {
            addresses: self.listen.iter().map(SocketAddr::ip).collect(),
            listen: self.listen,
            names: vec![self.name.clone()],
            name: self.name,
            node: Node::new(started, self.usage.map(UsageConfig::shape), pods),
            sampling: self.sampling.map_or_else(Sampling::default, SamplingConfig::sampling),
            certificate: self.certificate,
            access: self.access,
            replay,
            faults: self.faults,
        })
    }
}

// === impl PodConfig ===

impl PodConfig {
    fn pod(self, node_started: Timestamp) -> node::Pod {
        let container = |config: ContainerConfig| node::Container {
            name: config.name.into(),
            usage: Usage::new(config.started.unwrap_or(node_started), config.usage.shape()),
        };
        node::Pod {
            namespace: self.namespace.as_deref().unwrap_or("default").into(),
            name: self.name.into(),
            containers: self.containers.into_iter().map(container).collect(),
        }
    }
}

// === impl UsageConfig ===

impl UsageConfig {
    fn shape(self) -> Shape {
        Shape::from_quantities(self.cpu, self.memory)
    }
}

// === impl SamplingConfig ===

impl SamplingConfig {
    fn sampling(self) -> Sampling {
        Sampling { every: self.every, offset: self.offset }
    }
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

fn some_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_: jiff::Error| {
        de::Error::custom(format!("{text:?} is not a moment: write it as 2019-01-04T09:53:00Z"))
    })
}

/// Reads a duration in Go's notation.
pub(crate) fn go_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    duration::parse(&text).map_err(de::Error::custom)
}

/// The same where there may be none.
pub(crate) fn some_go_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    go_duration(deserializer).map(Some)
}

/// Reads a string, or a number as it would be written.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|Text(text)| text)
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests;
