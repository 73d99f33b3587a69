//! Steps: what happens in order, and how long to wait for it.

use std::time::Duration;

use cluster_format::In;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Change, Expectation};

/// Something that happens, and what must be seen after it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "E: Deserialize<'de>")]
#[schemars(rename = "Step")]
pub struct Step<E = Expectation> {
    /// What happens, in a few words.
    pub name: String,
    /// What changes in the world.
    pub change: Option<Change>,
    /// How long to wait after that.
    pub wait: Option<Wait>,
    /// For how long all of it must go on being seen: looked at every second. Log lines, kubelets
    /// and DNS are looked at from the start of the step on.
    pub holds_for: Option<In<Duration>>,
    /// What must be seen then.
    #[serde(default)]
    pub expect: Vec<E>,
}

/// How long to wait: exactly one of the fields.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wait {
    /// Until the server has ended this many further scrape cycles.
    pub cycles: Option<u32>,
    /// This long.
    #[serde(rename = "for")]
    pub for_: Option<In<Duration>>,
    /// Until all expectations of the step hold, but no longer than this.
    pub up_to: Option<In<Duration>>,
}
