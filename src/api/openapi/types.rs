//! The types of `metrics.k8s.io`.

use super::{
    meta::{DURATION, LIST_META, OBJECT_META, QUANTITY, TIME},
    schema::{
        Field,
        Holds::{ListOf, MapOf, Reference, Text},
        Merge, Schema, Shape, optional, required,
    },
};
use crate::api::{GROUP, version::Version};

const API_VERSION: Field = optional(
    "apiVersion",
    Text,
    "Group and version of this object's type, such as metrics.k8s.io/v1beta1.",
);
const KIND: Field = optional(
    "kind",
    Text,
    "Name of this object's type. It follows from where the object was read.",
);
const METADATA: Field = optional(
    "metadata",
    Reference(OBJECT_META),
    "Name and labels of the node or pod that was measured. The creation time is that of this answer.",
);
const LIST_METADATA: Field =
    optional("metadata", Reference(LIST_META), "What is said of the list itself: nothing.");
const TIMESTAMP: Field =
    required("timestamp", Reference(TIME), "When the usage was measured: the end of the window.");
const WINDOW: Field = required("window", Reference(DURATION), "");

macro_rules! names {
    ($version:literal) => {
        &Names {
            container: concat!("io.k8s.metrics.pkg.apis.metrics.", $version, ".ContainerMetrics"),
            node: concat!("io.k8s.metrics.pkg.apis.metrics.", $version, ".NodeMetrics"),
            nodes: concat!("io.k8s.metrics.pkg.apis.metrics.", $version, ".NodeMetricsList"),
            pod: concat!("io.k8s.metrics.pkg.apis.metrics.", $version, ".PodMetrics"),
            pods: concat!("io.k8s.metrics.pkg.apis.metrics.", $version, ".PodMetricsList"),
        }
    };
}

/// The names of a version's types.
pub(super) struct Names {
    container: &'static str,
    pub(super) node: &'static str,
    pub(super) nodes: &'static str,
    pub(super) pod: &'static str,
    pub(super) pods: &'static str,
}

const CONTAINER_FIELDS: &[Field] = &[
    required("name", Text, "Which of the pod's containers it is."),
    required(
        "usage",
        MapOf(QUANTITY),
        "How much it used: cpu in cores, on average over the window, and memory in bytes, as the working set at its end.",
    ),
];

const NODE_FIELDS: &[Field] = &[
    API_VERSION,
    KIND,
    METADATA,
    TIMESTAMP,
    WINDOW,
    required(
        "usage",
        MapOf(QUANTITY),
        "How much all of the node used: cpu in cores, on average over the window, and memory in bytes, as the working set at its end.",
    ),
];

macro_rules! pod_fields {
    ($version:literal) => {
        const {
            &[
                API_VERSION,
                KIND,
                METADATA,
                TIMESTAMP,
                WINDOW,
                required(
                    "containers",
                    ListOf(
                        concat!("io.k8s.metrics.pkg.apis.metrics.", $version, ".ContainerMetrics"),
                        Merge::Atomic,
                    ),
                    "What each running container of the pod used, all over the same window.",
                ),
            ]
        }
    };
}

macro_rules! list_fields {
    ($version:literal, $kind:literal) => {
        const {
            &[
                API_VERSION,
                KIND,
                LIST_METADATA,
                required(
                    "items",
                    ListOf(
                        concat!("io.k8s.metrics.pkg.apis.metrics.", $version, ".", $kind),
                        Merge::Unsaid,
                    ),
                    "The metrics, ordered by namespace and name.",
                ),
            ]
        }
    };
}

/// The names of the types of `version`.
pub(super) fn names(version: Version) -> &'static Names {
    match version {
        Version::V1Beta1 => names!("v1beta1"),
        Version::V1 => names!("v1"),
    }
}

/// The types of `version`.
pub(super) fn schemas(version: Version) -> [Schema; 5] {
    let names = names(version);
    let (pod, nodes, pods): (&'static [Field], &'static [Field], &'static [Field]) = match version {
        Version::V1Beta1 => (
            pod_fields!("v1beta1"),
            list_fields!("v1beta1", "NodeMetrics"),
            list_fields!("v1beta1", "PodMetrics"),
        ),
        Version::V1 => {
            (pod_fields!("v1"), list_fields!("v1", "NodeMetrics"), list_fields!("v1", "PodMetrics"))
        }
    };
    let schema = |name, about, fields, kind: Option<&'static str>| Schema {
        name,
        about,
        shape: Shape::Object(fields),
        kind: kind.map(|kind| [GROUP, version.name(), kind]),
    };
    [
        schema(names.container, "What one container used.", CONTAINER_FIELDS, None),
        schema(names.node, "What a node used lately.", NODE_FIELDS, Some("NodeMetrics")),
        schema(names.nodes, "Metrics of several nodes.", nodes, Some("NodeMetricsList")),
        schema(names.pod, "What the containers of a pod used lately.", pod, Some("PodMetrics")),
        schema(names.pods, "Metrics of several pods.", pods, Some("PodMetricsList")),
    ]
}
