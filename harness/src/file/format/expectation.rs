//! What must be seen: fields in the file, an enum for the run.

use std::{collections::BTreeMap, net::IpAddr};

use cluster_format::{In, Share, X509};
use schemars::JsonSchema;
use serde::Deserialize;

/// Something a user can see.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ExpectationFields")]
pub enum Expectation {
    /// The answer to a GET request.
    Get(Box<GetExpectation>),
    /// What `kubectl top` prints.
    Top(TopExpectation),
    /// A line of the server's log.
    Log {
        /// A text in the line.
        text: String,
        /// How many such lines. `None`: at least one.
        times: Option<u32>,
    },
    /// Lines of the server's log, in order.
    Logs(Vec<String>),
    /// A text that is in no line of the server's log.
    NoLog(String),
    /// Whether the server is ready.
    Ready(bool),
    /// A text in the error with which the server refused to start.
    Refused(String),
    /// What the metrics server prints with `--check`.
    Check(CheckExpectation),
    /// One of the server's own metrics.
    Metric(MetricExpectation),
    /// The families of the server's own metrics.
    Families(Vec<String>),
    /// Requests that a kubelet saw.
    Kubelet(KubeletSaw),
    /// Questions that DNS saw.
    Dns(DnsSaw),
    /// The names that DNS was asked for, in order.
    DnsOrder(Vec<String>),
    /// Requests that the API server saw.
    Api(ApiSaw),
}

/// The answer to a GET request; the fields are those of [`ExpectationFields`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "described in ExpectationFields")]
pub struct GetExpectation {
    pub path: String,
    pub from: Option<RequestTarget>,
    pub as_: Option<Asker>,
    pub send: BTreeMap<String, String>,
    pub status: Option<u16>,
    pub headers: BTreeMap<String, String>,
    pub body: Option<serde_json::Value>,
    pub exact: Option<serde_json::Value>,
    pub absent: Vec<String>,
    pub within: Option<In<Share>>,
    pub items: Option<u32>,
    pub text: Vec<String>,
}

/// What `kubectl top` prints; the fields are those of [`ExpectationFields`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "described in ExpectationFields")]
pub struct TopExpectation {
    pub what: Top,
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub containers: bool,
    /// The table, or the error.
    pub printed: Result<String, String>,
}

/// What `--check` says; the fields are those of [`ExpectationFields`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "described in ExpectationFields")]
pub struct CheckExpectation {
    pub exit_code: u8,
    pub table: Option<String>,
    pub text: Vec<String>,
}

/// The value of a metric; the fields are those of [`ExpectationFields`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "described in ExpectationFields")]
pub struct MetricExpectation {
    pub metric: String,
    pub is: Option<f64>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    pub changed_by: Option<f64>,
}

/// Something a user can see: exactly one of `get`, `top`, `log`, `logs`, `noLog`, `ready`,
/// `refused`, `check`, `metric`, `families`, `kubelet`, `dns`, `dnsOrder` and `api`, with the fields
/// that go with it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Expectation")]
pub struct ExpectationFields {
    /// A path asked of the API server, which passes `/apis/metrics.k8s.io` on to the metrics
    /// server. Goes with `from`, `as`, `send`, `status`, `headers`, `body`, `exact`, `absent`,
    /// `within`, `items` and `text`.
    pub get: Option<String>,
    /// Where the request is sent. Default: the API server.
    pub from: Option<RequestTarget>,
    /// Who asks. Default: a user who may do everything; of the metrics server itself, a
    /// client without credentials.
    #[serde(rename = "as")]
    pub as_: Option<Asker>,
    /// Headers of the request, such as `accept`.
    #[serde(default)]
    pub send: BTreeMap<String, String>,
    /// The status of the answer to `get`. Default: 200.
    pub status: Option<u16>,
    /// Headers that the answer must have, and their values. `…` stands for anything.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What the answer to `get` must contain: of an object these fields, of a list exactly these
    /// items in this order, each by the same rule. In a text `…` stands for anything. An answer in
    /// protobuf is compared as if it were
    /// JSON.
    pub body: Option<serde_json::Value>,
    /// What the answer to `get` must be, with nothing besides.
    pub exact: Option<serde_json::Value>,
    /// What must not be in the answer to `get`: names joined by dots, such as
    /// `items.*.metadata.labels`. A number is an item of a list, `*` stands for all of them.
    #[serde(default)]
    pub absent: Vec<String>,
    /// How far quantities and numbers in the answer may be from those in `body`. Default: 0%.
    pub within: Option<In<Share>>,
    /// How many `items` the answer to `get` must have.
    pub items: Option<u32>,
    /// Texts that the answer to `get`, or what `check` prints, must have, each in one line. `…`
    /// stands for anything.
    #[serde(default)]
    pub text: Vec<String>,
    /// What `kubectl top` prints. Goes with `name`, `namespace`, `containers`, and `table` or
    /// `error`.
    pub top: Option<Top>,
    /// The one node or pod that `top` is asked for. Default: all.
    pub name: Option<String>,
    /// The namespace for `top: pods`. Default: all namespaces, or `default` with a `name`.
    pub namespace: Option<String>,
    /// `kubectl top pods --containers`.
    #[serde(default)]
    pub containers: bool,
    /// The table that `top` must print, or all that `check` must, to the letter but for space at
    /// line ends. `…` stands for anything.
    pub table: Option<String>,
    /// The error that `top` must print instead of a table. `…` stands for anything.
    pub error: Option<String>,
    /// A text that the server must have logged in this step, in one line. `…` stands for
    /// anything. Goes with `times`.
    pub log: Option<String>,
    /// How many lines with `log` there must be. Default: at least one.
    pub times: Option<u32>,
    /// Texts that the server must have logged in this step, in this order, each in a line of its
    /// own; as with `log`.
    pub logs: Option<Vec<String>>,
    /// A text that the server must not have logged in this step; as with `log`.
    pub no_log: Option<String>,
    /// Whether the server says that it is ready.
    pub ready: Option<bool>,
    /// A text in the error with which the server must have refused to start.
    pub refused: Option<String>,
    /// The exit code of the metrics server when it is run with its flags and `--check`. Goes with
    /// `table` and `text`.
    pub check: Option<u8>,
    /// One of the server's own metrics, such as `metrics_server_kubelet_request_total` or
    /// `name{label="value"}`: the sum of all series with these labels. Goes with `is`, `atLeast`,
    /// `atMost` and `changedBy`.
    pub metric: Option<String>,
    /// The value of `metric`.
    pub is: Option<f64>,
    /// The least value of `metric`.
    pub at_least: Option<f64>,
    /// The greatest value of `metric`.
    pub at_most: Option<f64>,
    /// By how much `metric` has risen in this step. One that was not there before was 0.
    pub changed_by: Option<f64>,
    /// The families of the server's own metrics whose names begin with `metrics_server_`: exactly
    /// these, in order of their names.
    pub families: Option<Vec<String>>,
    /// What a kubelet must have seen in this step.
    pub kubelet: Option<KubeletSaw>,
    /// What DNS must have seen in this step.
    pub dns: Option<DnsSaw>,
    /// The names that DNS must have been asked for in this step, in this order, and no others. A
    /// name that comes several times in a row is written once.
    pub dns_order: Option<Vec<String>>,
    /// What the API server must have seen in this step.
    pub api: Option<ApiSaw>,
}

/// Which server a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum RequestTarget {
    /// The API server, which passes requests on.
    #[serde(rename = "APIServer")]
    ApiServer,
    /// The metrics server itself: for `/readyz`, `/metrics`, and those who try to get around the
    /// API server.
    MetricsServer,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asker {
    /// The user's name. What they may do stands in the scenario's `access`.
    pub user: String,
    /// The user's groups, besides `system:authenticated`.
    #[serde(default)]
    pub groups: Vec<String>,
    /// How they show who they are. Default: `Token`.
    pub shows: Option<Credentials>,
    /// The version and key of their certificate.
    pub x509: Option<X509>,
}

/// Ways to show who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Credentials {
    /// A bearer token that the API server knows.
    Token,
    /// A bearer token that the API server does not know.
    UnknownToken,
    /// A bearer token whose time is over.
    ExpiredToken,
    /// A client certificate that the cluster's CA has signed.
    Certificate,
    /// A client certificate of a CA that the server does not trust.
    #[serde(rename = "UnknownCACertificate")]
    UnknownCaCertificate,
    /// Nothing but the headers `X-Remote-User` and `X-Remote-Group`, which only the API server may
    /// send.
    Headers,
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

/// What a kubelet must have seen: requests that fit all of `address`, `path` and `credentials`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubeletSaw {
    /// The node; `*` in the name stands for anything, and all nodes that fit count together.
    pub node: String,
    /// At least one request that it answered with this status.
    pub answered: Option<u16>,
    /// Exactly this many requests.
    pub requests: Option<u32>,
    /// Of requests at this IP address of the machine. Without `answered` and `requests`: there
    /// was at least one.
    pub address: Option<In<IpAddr>>,
    /// Of requests for this path, with its query; as with `address`.
    pub path: Option<String>,
    /// Of requests that showed this; as with `address`.
    pub credentials: Option<Shown>,
}

/// What a client shows a kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Shown {
    /// A bearer token.
    Token,
    /// A client certificate.
    Certificate,
    /// Nothing.
    None,
}

/// What DNS must have seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsSaw {
    /// The name asked for.
    pub name: String,
    /// Exactly this many questions about it, of whatever type, over UDP and TCP.
    pub questions: Option<u32>,
    /// Exactly these types of record were asked for, such as A and AAAA, in whatever order.
    pub kinds: Option<Vec<String>>,
    /// Of questions to the name server with this address. Default: to all.
    pub server: Option<In<IpAddr>>,
}

/// What the API server must have seen of the metrics server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiSaw {
    /// Of requests such as `GET /api/v1/nodes`, with their query. `…` stands for anything.
    pub request: String,
    /// Exactly this many of them. Default: at least one.
    pub requests: Option<u32>,
    /// Of requests that it answered with this status.
    pub answered: Option<u16>,
}

// === impl Expectation ===

impl TryFrom<ExpectationFields> for Expectation {
    type Error = &'static str;

    /// The checks of the file have reported fields that exclude each other with their locations.
    fn try_from(fields: ExpectationFields) -> Result<Self, Self::Error> {
        let f = fields;
        if let Some(path) = f.get {
            return Ok(Self::Get(Box::new(GetExpectation {
                path,
                from: f.from,
                as_: f.as_,
                send: f.send,
                status: f.status,
                headers: f.headers,
                body: f.body,
                exact: f.exact,
                absent: f.absent,
                within: f.within,
                items: f.items,
                text: f.text,
            })));
        }
        if let Some(what) = f.top {
            let printed = match (f.table, f.error) {
                (Some(table), _) => Ok(table),
                (None, Some(error)) => Err(error),
                (None, None) => return Err("\"top\" without \"table\" or \"error\""),
            };
            let (name, namespace, containers) = (f.name, f.namespace, f.containers);
            return Ok(Self::Top(TopExpectation { what, name, namespace, containers, printed }));
        }
        if let Some(exit_code) = f.check {
            return Ok(Self::Check(CheckExpectation { exit_code, table: f.table, text: f.text }));
        }
        if let Some(metric) = f.metric {
            let (is, changed_by) = (f.is, f.changed_by);
            let (at_least, at_most) = (f.at_least, f.at_most);
            let metric = MetricExpectation { metric, is, at_least, at_most, changed_by };
            return Ok(Self::Metric(metric));
        }
        let times = f.times;
        f.log
            .map(|text| Self::Log { text, times })
            .or(f.logs.map(Self::Logs))
            .or(f.no_log.map(Self::NoLog))
            .or(f.ready.map(Self::Ready))
            .or(f.refused.map(Self::Refused))
            .or(f.families.map(Self::Families))
            .or(f.kubelet.map(Self::Kubelet))
            .or(f.dns.map(Self::Dns))
            .or(f.dns_order.map(Self::DnsOrder))
            .or(f.api.map(Self::Api))
            .ok_or("an expectation without a kind")
    }
}
