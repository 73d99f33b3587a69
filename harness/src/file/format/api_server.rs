use std::time::Duration;

use cluster_format::In;
use schemars::JsonSchema;
use serde::Deserialize;

/// What the API server does wrong when the metrics server asks. Everybody else is answered as
/// ever, so that what the metrics server makes of it can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiServerFaults {
    /// Every answer has this status, as while an API server starts or is overloaded.
    pub status: Option<u16>,
    /// Every answer begins this much later.
    pub answers_after: Option<In<Duration>>,
    /// Every answer stops after this many bytes and does not end.
    pub stalls_after: Option<usize>,
    /// Every watch is cut after this long.
    pub watches_last: Option<In<Duration>>,
    /// Every watch is answered that the version it starts from is gone (410), as when the API server
    /// does not remember that far.
    #[serde(default)]
    pub gone: bool,
}
