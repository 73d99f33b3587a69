//! One stored object, kept as the JSON it is answered with: a fleet has many of them, and most are
//! only ever written out.

use std::{cmp::Ordering, collections::BTreeMap, ops::Range};

use k8s_openapi::{
    Metadata,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        certificates::v1::CertificateSigningRequest,
        coordination::v1::Lease,
        core::v1::{ConfigMap, Namespace, Node, Pod, Service},
        discovery::v1::EndpointSlice,
        rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use serde::Serialize;

use super::{
    resources::{self, ResourceType},
    response::to_json,
};

/// Where an object lives; the namespace is empty for those that have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// An object at one resource version.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) key: Key,
    pub(super) resource: &'static ResourceType,
    pub(super) version: u64,
    pub(super) labels: BTreeMap<String, String>,
    /// The fields that field selectors can name, beside name and namespace.
    fields: Fields,
    pub(super) stamp: Stamp,
    /// The members of the object without kind and version, from the first to the last brace.
    json: String,
    metadata: Range<usize>,
}

/// Names and values of fields.
pub(super) type Fields = Vec<(&'static str, String)>;

/// What the API server gives an object when it is made, and keeps.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    pub(super) uid: String,
    pub(super) created: jiff::Timestamp,
}

/// A Kubernetes type that the store keeps.
pub(super) trait Stored: Metadata<Ty = ObjectMeta> + Serialize {
    const RESOURCE: &'static ResourceType;

    fn fields(&self) -> Fields {
        Vec::new()
    }
}

// === impl Key ===

impl Key {
    fn path(&self) -> impl Iterator<Item = u8> {
        self.namespace.bytes().chain([b'/']).chain(self.name.bytes())
    }
}

/// The order of `namespace/name`, in which the real API server lists: `team-00/a` is before
/// `team/a`.
impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.namespace == other.namespace {
            return self.name.cmp(&other.name);
        }
        self.path().cmp(other.path())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

// === impl Object ===

impl Object {
    /// `source` as it is stored. Its metadata are complete.
    pub(super) fn new<K: Stored>(source: &K, key: Key, version: u64, stamp: Stamp) -> Self {
        let resource = K::RESOURCE;
        let whole = to_json(source);
        let head =
            format!(r#"{{"apiVersion":"{}","kind":"{}","#, resource.api_version(), resource.kind);
        let json = format!("{{{}", whole.strip_prefix(&head).unwrap_or(&whole));
        let member = format!(r#""metadata":{}"#, to_json(source.metadata()));
        let start = json.find(&member).map_or(0, |at| at + r#""metadata":"#.len());
        let metadata = start..start + member.len() - r#""metadata":"#.len();
        Self {
            key,
            resource,
            version,
            labels: source.metadata().labels.clone().unwrap_or_default(),
            fields: source.fields(),
            stamp,
            json,
            metadata,
        }
    }

    /// The object as an item of a list of its kind.
    pub(super) fn item(&self) -> &str {
        &self.json
    }

    /// The object alone.
    pub(super) fn alone(&self) -> String {
        let head = format!(
            r#"{{"kind":"{}","apiVersion":"{}","#,
            self.resource.kind,
            self.resource.api_version()
        );
        head + &self.json[1..]
    }

    /// The object's metadata alone.
    pub(super) fn partial(&self) -> String {
        format!(
            r#"{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{}}}"#,
            &self.json[self.metadata.clone()]
        )
    }

    /// The value of a field that field selectors can name; empty if it has none.
    pub(super) fn field(&self, name: &str) -> &str {
        match name {
            "metadata.name" => &self.key.name,
            "metadata.namespace" => &self.key.namespace,
            _ => {
                let field = self.fields.iter().find(|(field, _)| *field == name);
                field.map_or("", |(_, value)| value)
            }
        }
    }

    /// The same object with `version` as its resource version: how a watch shows a deleted object.
    pub(super) fn at(&self, version: u64) -> Self {
        const MEMBER: &str = r#""resourceVersion":""#;
        let mut moved = self.clone();
        moved.version = version;
        // The last one: labels and annotations come before it and may be called the same.
        let Some(found) = self.json[self.metadata.clone()].rfind(MEMBER) else { return moved };
        let start = self.metadata.start + found + MEMBER.len();
        let old = self.version.to_string();
        let new = version.to_string();
        moved.json.replace_range(start..start + old.len(), &new);
        moved.metadata.end = self.metadata.end - old.len() + new.len();
        moved
    }

    /// Whether the two differ in nothing but their version.
    pub(super) fn same_content(&self, other: &Self) -> bool {
        self.at(other.version).json == other.json
    }
}

// === impl Stored ===

impl Stored for Node {
    const RESOURCE: &'static ResourceType = &resources::NODES;

    fn fields(&self) -> Fields {
        let unschedulable = self.spec.as_ref().and_then(|spec| spec.unschedulable);
        vec![("spec.unschedulable", unschedulable.unwrap_or_default().to_string())]
    }
}

impl Stored for Pod {
    const RESOURCE: &'static ResourceType = &resources::PODS;

    fn fields(&self) -> Fields {
        let spec = self.spec.as_ref();
        let status = self.status.as_ref();
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        vec![
            ("spec.nodeName", text(spec.and_then(|spec| spec.node_name.as_ref()))),
            ("status.phase", text(status.and_then(|status| status.phase.as_ref()))),
            ("status.podIP", text(status.and_then(|status| status.pod_ip.as_ref()))),
        ]
    }
}

impl Stored for Namespace {
    const RESOURCE: &'static ResourceType = &resources::NAMESPACES;

    fn fields(&self) -> Fields {
        let phase = self.status.as_ref().and_then(|status| status.phase.clone());
        vec![("status.phase", phase.unwrap_or_default())]
    }
}

impl Stored for Lease {
    const RESOURCE: &'static ResourceType = &resources::LEASES;
}

impl Stored for ConfigMap {
    const RESOURCE: &'static ResourceType = &resources::CONFIG_MAPS;
}

impl Stored for APIService {
    const RESOURCE: &'static ResourceType = &resources::API_SERVICES;
}

impl Stored for Service {
    const RESOURCE: &'static ResourceType = &resources::SERVICES;
}

impl Stored for Deployment {
    const RESOURCE: &'static ResourceType = &resources::DEPLOYMENTS;
}

impl Stored for ReplicaSet {
    const RESOURCE: &'static ResourceType = &resources::REPLICA_SETS;
}

impl Stored for EndpointSlice {
    const RESOURCE: &'static ResourceType = &resources::ENDPOINT_SLICES;
}

impl Stored for ClusterRole {
    const RESOURCE: &'static ResourceType = &resources::CLUSTER_ROLES;
}

impl Stored for ClusterRoleBinding {
    const RESOURCE: &'static ResourceType = &resources::CLUSTER_ROLE_BINDINGS;
}

impl Stored for RoleBinding {
    const RESOURCE: &'static ResourceType = &resources::ROLE_BINDINGS;
}

impl Stored for CertificateSigningRequest {
    const RESOURCE: &'static ResourceType = &resources::CERTIFICATE_SIGNING_REQUESTS;

    fn fields(&self) -> Fields {
        vec![("spec.signerName", self.spec.signer_name.clone())]
    }
}
