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
    usage::{Course, CourseError, Level, Shape, ShapeKind, ShapeSpec, Usage},
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
    #[error("{}: node {node:?}: {source}", file.display())]
    Course { file: PathBuf, node: String, source: CourseError },
}

/// Why a node cannot be as it is described.
#[derive(Debug, thiserror::Error)]
enum NodeError {
    #[error(transparent)]
    Replay(#[from] RecordingError),
    #[error(transparent)]
    Course(#[from] CourseError),
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

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UsageConfig {
    #[serde(deserialize_with = "quantity")]
    cpu: Quantity,
    #[serde(deserialize_with = "quantity")]
    memory: Quantity,
    shape: Option<ShapeConfig>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LevelConfig {
    #[serde(deserialize_with = "quantity")]
    cpu: Quantity,
    #[serde(deserialize_with = "quantity")]
    memory: Quantity,
}

/// How usage changes from the start of the program on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ShapeConfig {
    kind: ShapeKind,
    to: Option<LevelConfig>,
    #[serde(default, deserialize_with = "some_go_duration")]
    over: Option<Duration>,
    #[serde(default, deserialize_with = "some_go_duration")]
    every: Option<Duration>,
    #[serde(default, deserialize_with = "go_duration")]
    after: Duration,
    #[serde(default)]
    seed: u64,
    file: Option<PathBuf>,
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
                let file = file.to_owned();
                node.spec(folder, now).map_err(|error| match error {
                    NodeError::Replay(source) => ConfigError::Replay { file, node: name, source },
                    NodeError::Course(source) => ConfigError::Course { file, node: name, source },
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
    fn spec(self, folder: &Path, now: Timestamp) -> Result<KubeletSpec, NodeError> {
        let started = self.started.unwrap_or(now - AGE);
        let pods = self.pods.into_iter().map(|pod| pod.pod(started, folder, now));
        let pods = pods.collect::<Result<_, CourseError>>()?;
        let replay = self
            .replay
            .map(|path| Recording::read(&folder.join(path)).map(Arc::new))
            .transpose()?;
        let course = self.usage.map(|usage| usage.course(folder)).transpose()?;
        let base = course.as_ref().map(|course| course.base().clone());
        let mut node = Node::new(started, base, pods);
        if let Some(course) = course.filter(Course::changes) {
            node.set_usage(now, course);
        }
        Ok(KubeletSpec {
            addresses: self.listen.iter().map(SocketAddr::ip).collect(),
            listen: self.listen,
            names: vec![self.name.clone()],
            name: self.name,
            node,
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
    fn pod(
        self,
        node_started: Timestamp,
        folder: &Path,
        now: Timestamp,
    ) -> Result<node::Pod, CourseError> {
        let container = |config: ContainerConfig| {
            let course = config.usage.course(folder)?;
            let started = config.started.unwrap_or(node_started);
            let usage = Usage::following(started, now, &course);
            Ok::<_, CourseError>(node::Container { name: config.name.into(), usage })
        };
        Ok(node::Pod {
            namespace: self.namespace.as_deref().unwrap_or("default").into(),
            name: self.name.into(),
            containers: self.containers.into_iter().map(container).collect::<Result<_, _>>()?,
        })
    }
}

// === impl UsageConfig ===

impl UsageConfig {
    fn course(self, folder: &Path) -> Result<Course, CourseError> {
        let base = Level::from_quantities(self.cpu, self.memory);
        match self.shape {
            None => Ok(Shape::from(base).into()),
            Some(shape) => Course::new(base, &shape.spec(folder)),
        }
    }
}

// === impl ShapeConfig ===

impl ShapeConfig {
    fn spec(self, folder: &Path) -> ShapeSpec {
        ShapeSpec {
            kind: self.kind,
            to: self.to.map(|to| Level::from_quantities(to.cpu, to.memory)),
            over: self.over,
            every: self.every,
            after: self.after,
            seed: self.seed,
            file: self.file.map(|file| folder.join(file)),
        }
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
