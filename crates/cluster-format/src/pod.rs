//! Pods and their containers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{usage::Usage, values::In};

/// A running pod.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pod {
    /// Its namespace. Default: `default`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How many pods to make of this template. `{p}` in the name counts them from 0. Default: one,
    /// and `{p}` means nothing.
    pub count: Option<u32>,
    /// Labels of the Pod object.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container and what it uses.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// What it uses.
    pub usage: Usage,
    /// When it started. Default: with its kubelet; in a real cluster, when its pod began to run.
    pub started: Option<In<Timestamp>>,
}

// === impl Pod ===

impl Pod {
    /// Its namespace, or the default one.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }
}
