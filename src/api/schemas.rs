//! The types of `metrics.k8s.io` as OpenAPI describes them.

use apiserver::openapi::{DescribedResource, DescribedVersion, Description};
use serde_json::{Map, Value, json};

use super::{resource::Kind, version::Version};
use crate::names::GROUP;

const META: &str = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1";
const QUANTITY: &str = "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity";

/// The group and all of its types.
pub(super) fn description() -> Description {
    Description {
        title: "Kubernetes metrics-server",
        release: env!("CARGO_PKG_VERSION"),
        group: GROUP,
        versions: Version::ALL.into_iter().map(describe).collect(),
    }
}

fn describe(version: Version) -> DescribedVersion {
    let resource = |kind: Kind| {
        let names = kind.names();
        DescribedResource {
            name: names.plural,
            kind: names.kind,
            namespaced: names.namespaced,
            object: full_name(version, names.kind),
            list: full_name(version, names.list_kind),
        }
    };
    DescribedVersion {
        name: version.name(),
        resources: Kind::ALL.into_iter().map(resource).collect(),
        schemas: schemas(version),
    }
}

fn full_name(version: Version, kind: &str) -> String {
    format!("io.k8s.metrics.pkg.apis.metrics.{version}.{kind}")
}

fn schemas(version: Version) -> Map<String, Value> {
    let usage = json!({
        "type": "object",
        "additionalProperties": {"$ref": QUANTITY},
        "description": "Usage by resource: cpu in cores, on average over the window, and memory in bytes, the working set at the end of the window.",
    });
    let container = json!({
        "type": "object",
        "description": "Usage of one container.",
        "properties": {
            "name": {"type": "string", "description": "Name of the container in its pod."},
            "usage": usage,
        },
        "required": ["name", "usage"],
    });
    let containers = json!({
        "type": "array",
        "items": reference(version, "ContainerMetrics"),
        "description": "Usage of each running container, all over the same window.",
        "x-kubernetes-list-type": "atomic",
    });
    let list = |kind: Kind| {
        let items = json!({
            "type": "array",
            "items": reference(version, kind.names().kind),
            "description": "Objects by namespace and name.",
        });
        let metadata = meta("ListMeta", "Standard list metadata, which is empty.");
        let about = format!("A list of {}.", kind.names().kind);
        object(version, kind.names().list_kind, &about, &metadata, [("items", items)])
    };
    let measured = |kind: Kind, about: &str, (name, value): (&str, &Value)| {
        let metadata = meta(
            "ObjectMeta",
            "Name and labels of the measured object. The creation time is that of this response.",
        );
        let timestamp = meta("Time", "When usage was measured: the end of the window.");
        let window = json!({"$ref": format!("{META}.Duration")});
        let fields = [("timestamp", timestamp), ("window", window), (name, value.clone())];
        object(version, kind.names().kind, about, &metadata, fields)
    };
    let nodes = measured(Kind::Nodes, "Usage of one node.", ("usage", &usage));
    let about = "Usage of the containers of one pod.";
    let pods = measured(Kind::Pods, about, ("containers", &containers));
    let all = [
        ("ContainerMetrics", container),
        (Kind::Nodes.names().kind, nodes),
        (Kind::Nodes.names().list_kind, list(Kind::Nodes)),
        (Kind::Pods.names().kind, pods),
        (Kind::Pods.names().list_kind, list(Kind::Pods)),
    ];
    all.into_iter().map(|(kind, schema)| (full_name(version, kind), schema)).collect()
}

fn reference(version: Version, kind: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", full_name(version, kind))})
}

fn meta(kind: &str, about: &str) -> Value {
    json!({"allOf": [{"$ref": format!("{META}.{kind}")}], "description": about})
}

/// An object of the API, all of whose `fields` are required.
fn object<const N: usize>(
    version: Version,
    kind: &str,
    about: &str,
    metadata: &Value,
    fields: [(&str, Value); N],
) -> Value {
    let required = fields.each_ref().map(|(name, _)| *name).to_vec();
    let group_version = "Group and version of the type, such as metrics.k8s.io/v1beta1.";
    let mut properties = json!({
        "apiVersion": {"type": "string", "description": group_version},
        "kind": {"type": "string", "description": "Name of the type, such as NodeMetrics."},
        "metadata": metadata,
    });
    for (name, value) in fields {
        properties[name] = value;
    }
    json!({
        "type": "object",
        "description": about,
        "properties": properties,
        "required": required,
        "x-kubernetes-group-version-kind":
            [{"group": GROUP, "kind": kind, "version": version.name()}],
    })
}
