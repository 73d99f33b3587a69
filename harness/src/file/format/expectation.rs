//! What must be seen.

use schemars::JsonSchema;
use serde::Deserialize;

/// Something a user can see: exactly one of `get`, `top`, `log`, `noLog`, `ready`, `refused`,
/// `kubelet` and `dns`, with the fields that go with it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// A path asked of the API server, which passes `/apis/metrics.k8s.io` on to the metrics
    /// server. Goes with `status` and `body`.
    pub get: Option<String>,
    /// The status of the answer to `get`. Default: 200.
    pub status: Option<u16>,
    /// What the answer to `get` must contain: of an object these fields, of a list exactly these
    /// items, each by the same rule.
    pub body: Option<serde_json::Value>,
    /// What `kubectl top` prints. Goes with `namespace`, `containers`, and `table` or `error`.
    pub top: Option<Top>,
    /// The namespace for `top: pods`. Default: all namespaces.
    pub namespace: Option<String>,
    /// `kubectl top pods --containers`.
    #[serde(default)]
    pub containers: bool,
    /// The table that `top` must print, to the letter but for space at line ends.
    pub table: Option<String>,
    /// The error that `top` must print instead of a table.
    pub error: Option<String>,
    /// A text that the server must have logged in this step, in one line. `…` stands for
    /// anything.
    pub log: Option<String>,
    /// A text that the server must not have logged in this step; as with `log`.
    pub no_log: Option<String>,
    /// Whether the server says that it is ready.
    pub ready: Option<bool>,
    /// A text in the error with which the server must have refused to start.
    pub refused: Option<String>,
    /// What a kubelet must have seen in this step.
    pub kubelet: Option<KubeletSaw>,
    /// What DNS must have seen in this step.
    pub dns: Option<DnsSaw>,
}

/// The two forms of `kubectl top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Top {
    /// `kubectl top nodes`.
    Nodes,
    /// `kubectl top pods`.
    Pods,
}

/// What a kubelet must have seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubeletSaw {
    /// The node.
    pub node: String,
    /// At least one request that it answered with this status.
    pub answered: Option<u16>,
    /// Exactly this many requests.
    pub requests: Option<u32>,
}

/// What DNS must have seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsSaw {
    /// The name asked for.
    pub name: String,
    /// Exactly this many questions about it, of whatever type.
    pub questions: u32,
}
