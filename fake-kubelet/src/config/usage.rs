//! What containers and nodes use, as people write it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_text::quantity::Quantity;
use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{amount, go_duration, some_go_duration};
use crate::usage::{Level, Shape, ShapeKind, ShapeSpec, UsageError, UsageSchedule};

/// What is used.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UsageConfig {
    /// Cores, such as `250m`.
    #[serde(deserialize_with = "amount")]
    #[schemars(with = "String")]
    cpu: Quantity,
    /// Bytes, such as `64Mi`.
    #[serde(deserialize_with = "amount")]
    #[schemars(with = "String")]
    memory: Quantity,
    /// How it changes over time. Default: not at all.
    shape: Option<ShapeConfig>,
}

/// An amount of CPU and of memory.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LevelConfig {
    /// Cores.
    #[serde(deserialize_with = "amount")]
    #[schemars(with = "String")]
    cpu: Quantity,
    /// Bytes.
    #[serde(deserialize_with = "amount")]
    #[schemars(with = "String")]
    memory: Quantity,
}

/// How usage changes: from the start of the program on, or of the pod where it is annotated.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ShapeConfig {
    /// In which way.
    kind: ShapeKind,
    /// Where to: with all kinds but `Trace` and `Restart`.
    to: Option<LevelConfig>,
    /// How long it takes: with `Ramp` and `Leak` the way to `to`, with `Wave` a period, with
    /// `Spike` the time at `to`, with `Walk` a step.
    #[serde(default, deserialize_with = "some_go_duration")]
    #[schemars(with = "Option<String>")]
    over: Option<Duration>,
    /// How far apart spikes begin. Default: there is one.
    #[serde(default, deserialize_with = "some_go_duration")]
    #[schemars(with = "Option<String>")]
    every: Option<Duration>,
    /// How long before it begins. Default: `0s`.
    #[serde(default, deserialize_with = "go_duration")]
    #[schemars(with = "Option<String>")]
    after: Duration,
    /// The seed of a `Walk`. Default: 0.
    #[serde(default)]
    seed: u64,
    /// The file of a `Trace`, relative to the configuration file: lines such as `15s,250m,64Mi`.
    file: Option<PathBuf>,
}

// === impl UsageConfig ===

impl UsageConfig {
    /// As it is written, in YAML.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let options = serde_yaml::options! { with_snippet: false };
        serde_yaml::from_str_with_options(text, options)
            .map_err(|error| error.without_snippet().to_string().replace('\n', " "))
    }

    /// A constant amount.
    pub(crate) fn constant(cpu: Quantity, memory: Quantity) -> Self {
        Self { cpu, memory, shape: None }
    }

    /// Whether it is read from a file.
    pub(crate) fn is_trace(&self) -> bool {
        self.shape.as_ref().is_some_and(|shape| shape.kind == ShapeKind::Trace)
    }

    /// The course it takes; files are relative to `folder`.
    pub(crate) fn course(&self, folder: &Path) -> Result<UsageSchedule, UsageError> {
        let base = Level::from_quantities(self.cpu, self.memory);
        match &self.shape {
            None => Ok(Shape::from(base).into()),
            Some(shape) => UsageSchedule::new(base, &shape.spec(folder)),
        }
    }
}

// === impl ShapeConfig ===

impl ShapeConfig {
    fn spec(&self, folder: &Path) -> ShapeSpec {
        ShapeSpec {
            kind: self.kind,
            to: self.to.map(|to| Level::from_quantities(to.cpu, to.memory)),
            over: self.over,
            every: self.every,
            after: self.after,
            seed: self.seed,
            file: self.file.as_ref().map(|file| folder.join(file)),
        }
    }
}
