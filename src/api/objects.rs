//! The objects of `metrics.k8s.io`, field by field in the order in which the Go server writes them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    cluster::{Node, PodKey, PodLabels},
    duration,
    store::{ContainerUsage, NodeUsage, PodUsage, Span, Usage},
};

const API_VERSION: &str = "metrics.k8s.io/v1beta1";

/// A list, or a single object, with its kind.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Typed<T> {
    kind: &'static str,
    api_version: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
pub(super) struct Items<T> {
    metadata: ListMetadata,
    items: Vec<T>,
}

#[derive(Serialize)]
struct ListMetadata {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<Arc<str>>,
    #[serde(serialize_with = "seconds")]
    creation_timestamp: Timestamp,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Labels(Arc<BTreeMap<String, String>>);

/// What a node uses.
#[derive(Serialize)]
pub(super) struct NodeMetrics {
    metadata: Metadata,
    #[serde(flatten)]
    span: SpanFields,
    usage: UsageFields,
}

/// What a pod's containers use.
#[derive(Serialize)]
pub(super) struct PodMetrics {
    metadata: Metadata,
    #[serde(flatten)]
    span: SpanFields,
    containers: Vec<ContainerMetrics>,
}

#[derive(Serialize)]
struct ContainerMetrics {
    name: Box<str>,
    usage: UsageFields,
}

#[derive(Serialize)]
struct SpanFields {
    #[serde(serialize_with = "optional_seconds")]
    timestamp: Option<Timestamp>,
    window: String,
}

#[derive(Serialize)]
struct UsageFields {
    cpu: String,
    memory: String,
}

fn seconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

#[allow(clippy::ref_option, reason = "serde's signature")]
fn optional_seconds<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => seconds(time, serializer),
        None => serializer.serialize_none(),
    }
}

// === impl Typed ===

impl<T> Typed<T> {
    pub(super) fn one(kind: &'static str, body: T) -> Self {
        Self { kind, api_version: API_VERSION, body }
    }
}

impl<T> Typed<Items<T>> {
    pub(super) fn list(kind: &'static str, items: Vec<T>) -> Self {
        Self::one(kind, Items { metadata: ListMetadata {}, items })
    }
}

// === impl Labels ===

impl Labels {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// === impl NodeMetrics ===

impl NodeMetrics {
    pub(super) fn new(node: &Node, usage: &NodeUsage, now: Timestamp) -> Self {
        Self {
            metadata: Metadata {
                name: node.name.as_str().into(),
                namespace: None,
                creation_timestamp: now,
                labels: Labels(Arc::new(node.labels.clone())),
            },
            span: Some(usage.span).into(),
            usage: usage.usage.into(),
        }
    }
}

// === impl PodMetrics ===

impl PodMetrics {
    pub(super) fn new(key: PodKey, labels: PodLabels, usage: PodUsage, now: Timestamp) -> Self {
        Self {
            metadata: Metadata {
                name: key.1,
                namespace: Some(key.0),
                creation_timestamp: now,
                labels: Labels(labels),
            },
            span: usage.span.into(),
            containers: usage.containers.into_iter().map(ContainerMetrics::from).collect(),
        }
    }
}

impl From<ContainerUsage> for ContainerMetrics {
    fn from(container: ContainerUsage) -> Self {
        Self { name: container.name, usage: container.usage.into() }
    }
}

impl From<Option<Span>> for SpanFields {
    fn from(span: Option<Span>) -> Self {
        Self {
            timestamp: span.map(|span| span.end),
            window: duration::format(span.map(|span| span.window).unwrap_or_default()),
        }
    }
}

impl From<Usage> for UsageFields {
    fn from(usage: Usage) -> Self {
        Self { cpu: usage.cpu.to_string(), memory: usage.memory.to_string() }
    }
}
