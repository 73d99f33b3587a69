//! The paths, what they answer, and how both versions of OpenAPI say so.

use ring::digest;
use serde_json::{Map, Value, json};

use super::{
    meta::{BUILD, GROUP, GROUPS, RESOURCES},
    schema::Dialect,
    types::names,
};
use crate::api::{GROUP as GROUP_NAME, version::Version};

const JSON: &str = "application/json";
const ALL: [&str; 3] = [JSON, "application/yaml", "application/vnd.kubernetes.protobuf"];
const STREAMS: [&str; 2] =
    ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

/// A `GET` of a path.
pub(super) struct Operation {
    pub(super) path: String,
    /// The document of OpenAPI version 3 that it is in.
    pub(super) document: String,
    about: String,
    tag: String,
    id: String,
    answer: &'static str,
    reads: Reads,
}

enum Reads {
    Discovery,
    Build,
    List { version: Version, kind: &'static str, namespaced: bool },
    Object { version: Version, kind: &'static str, namespaced: bool },
}

/// A parameter of several operations.
struct Parameter {
    name: &'static str,
    kind: &'static str,
    about: &'static str,
    in_path: bool,
}

const PRETTY: Parameter = Parameter {
    name: "pretty",
    kind: "string",
    about: "If true, the answer is indented. It is anyway for curl, wget and browsers.",
    in_path: false,
};
const NAMESPACE: Parameter = Parameter {
    name: "namespace",
    kind: "string",
    about: "The namespace to look in.",
    in_path: true,
};
const LIST: [Parameter; 10] = [
    list("allowWatchBookmarks", "boolean", "Accepted and without effect: there are no watches."),
    list("continue", "string", "Accepted and without effect: a list always has one page."),
    list("fieldSelector", "string", "Only objects with this metadata.name or metadata.namespace."),
    list("labelSelector", "string", "Only objects whose labels fit."),
    list("limit", "integer", "Accepted and without effect: a list always has one page."),
    list(
        "resourceVersion",
        "string",
        "Accepted and without effect: answers are always the newest.",
    ),
    list("resourceVersionMatch", "string", "How resourceVersion is to be understood."),
    list("sendInitialEvents", "boolean", "Refused: it belongs to watches, and there are none."),
    list("timeoutSeconds", "integer", "Accepted and without effect: lists do not wait."),
    list("watch", "boolean", "Refused: metrics cannot be watched."),
];

const fn list(name: &'static str, kind: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind, about, in_path: false }
}

/// All operations that are there.
pub(super) fn operations() -> Vec<Operation> {
    let group = format!("apis/{GROUP_NAME}");
    let mut all = vec![
        Operation {
            path: "/apis/".to_owned(),
            document: "apis".to_owned(),
            about: "which groups there are".to_owned(),
            tag: "apis".to_owned(),
            id: "getAPIVersions".to_owned(),
            answer: GROUPS,
            reads: Reads::Discovery,
        },
        Operation {
            path: format!("/{group}/"),
            document: group,
            about: "which versions the group has".to_owned(),
            tag: "metrics".to_owned(),
            id: "getMetricsAPIGroup".to_owned(),
            answer: GROUP,
            reads: Reads::Discovery,
        },
        Operation {
            path: "/version/".to_owned(),
            document: "version".to_owned(),
            about: "which build of the server this is".to_owned(),
            tag: "version".to_owned(),
            id: "getCodeVersion".to_owned(),
            answer: BUILD,
            reads: Reads::Build,
        },
    ];
    all.extend(Version::ALL.into_iter().flat_map(of_version));
    all
}

fn of_version(version: Version) -> Vec<Operation> {
    let document = format!("apis/{GROUP_NAME}/{version}");
    let title = if version == Version::V1 { "V1" } else { "V1beta1" };
    let names = names(version);
    let operation = |path: &str, id: String, about: String, answer, reads| Operation {
        path: format!("/{document}/{path}"),
        document: document.clone(),
        about,
        tag: format!("metrics_{version}"),
        id,
        answer,
        reads,
    };
    let list = |path: &str, kind, namespaced, scope: [&str; 2], answer| {
        let id = format!("listMetrics{title}{}{kind}{}", scope[0], scope[1]);
        let about = format!("the {kind} of all objects, or of those selected");
        operation(path, id, about, answer, Reads::List { version, kind, namespaced })
    };
    let object = |path: &str, kind, namespaced, scope: &str, answer| {
        let id = format!("readMetrics{title}{scope}{kind}");
        let about = format!("the {kind} of one object");
        operation(path, id, about, answer, Reads::Object { version, kind, namespaced })
    };
    let (node, pod) = ("NodeMetrics", "PodMetrics");
    let in_namespace = "namespaces/{namespace}/pods";
    vec![
        operation(
            "",
            format!("getMetrics{title}APIResources"),
            "which resources the version has".to_owned(),
            RESOURCES,
            Reads::Discovery,
        ),
        list(in_namespace, pod, true, ["Namespaced", ""], names.pods),
        object("namespaces/{namespace}/pods/{name}", pod, true, "Namespaced", names.pod),
        list("nodes", node, false, ["", ""], names.nodes),
        object("nodes/{name}", node, false, "", names.node),
        list("pods", pod, false, ["", "ForAllNamespaces"], names.pods),
    ]
}

// === impl Operation ===

impl Operation {
    pub(super) fn render(&self, dialect: Dialect) -> Value {
        let mut get = Map::new();
        let mut put = |name: &str, value: Value| drop(get.insert(name.to_owned(), value));
        put("description", json!(self.about));
        put("tags", json!([self.tag]));
        put("operationId", json!(self.id));
        let produces = self.produces();
        let schema = json!({"$ref": dialect.reference(self.answer)});
        match dialect {
            Dialect::V2 => {
                put("consumes", self.consumes());
                put("produces", json!(produces));
                put("schemes", json!(["https"]));
                put("responses", json!({"200": {"description": "OK", "schema": schema}}));
            }
            Dialect::V3 => {
                let content: Map<_, _> = produces
                    .iter()
                    .map(|name| ((*name).to_owned(), json!({"schema": schema})))
                    .collect();
                put("responses", json!({"200": {"description": "OK", "content": content}}));
            }
        }
        let (action, parameters) = match self.reads {
            Reads::Discovery | Reads::Build => (None, Vec::new()),
            Reads::List { version, kind, namespaced } => {
                let mut parameters: Vec<_> = LIST.iter().collect();
                parameters.extend([&PRETTY].into_iter().chain(namespaced.then_some(&NAMESPACE)));
                parameters.sort_by_key(|parameter| parameter.name);
                let rendered = parameters.iter().map(|parameter| parameter.refer(dialect));
                (Some(("list", version, kind)), rendered.collect())
            }
            Reads::Object { version, kind, namespaced } => {
                let name = Parameter {
                    name: "name",
                    kind: "string",
                    about: "The name of the node or pod.",
                    in_path: true,
                };
                let mut rendered = vec![name.render(dialect)];
                rendered.extend(namespaced.then(|| NAMESPACE.refer(dialect)));
                rendered.push(PRETTY.refer(dialect));
                (Some(("get", version, kind)), rendered)
            }
        };
        if let Some((action, version, kind)) = action {
            put("x-kubernetes-action", json!(action));
            let kind = json!({"group": GROUP_NAME, "version": version.name(), "kind": kind});
            put("x-kubernetes-group-version-kind", kind);
        }
        let mut path = Map::from_iter([("get".to_owned(), Value::Object(get))]);
        if !parameters.is_empty() {
            path.insert("parameters".to_owned(), json!(parameters));
        }
        Value::Object(path)
    }

    fn produces(&self) -> Vec<&'static str> {
        match self.reads {
            Reads::Build => vec![JSON],
            Reads::List { .. } => ALL.into_iter().chain(STREAMS).collect(),
            Reads::Discovery | Reads::Object { .. } => ALL.to_vec(),
        }
    }

    fn consumes(&self) -> Value {
        match self.reads {
            Reads::Build => json!([JSON]),
            Reads::Discovery => json!(ALL),
            Reads::List { .. } | Reads::Object { .. } => json!(["*/*"]),
        }
    }
}

/// The parameters that several operations of version 2 refer to.
pub(super) fn shared_parameters() -> Value {
    let all = LIST.iter().chain([&PRETTY, &NAMESPACE]);
    let rendered = all.map(|parameter| (parameter.key(), parameter.render(Dialect::V2)));
    Value::Object(rendered.collect())
}

// === impl Parameter ===

impl Parameter {
    fn render(&self, dialect: Dialect) -> Value {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
        put("name", json!(self.name));
        put("in", json!(if self.in_path { "path" } else { "query" }));
        put("description", json!(self.about));
        if self.in_path {
            put("required", json!(true));
        }
        match dialect {
            Dialect::V2 => {
                put("uniqueItems", json!(true));
                put("type", json!(self.kind));
            }
            Dialect::V3 => put("schema", json!({"type": self.kind, "uniqueItems": true})),
        }
        Value::Object(out)
    }

    /// A reference to it where there are such, itself where not.
    fn refer(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::V2 => json!({"$ref": format!("#/parameters/{}", self.key())}),
            Dialect::V3 => self.render(dialect),
        }
    }

    /// Its name with what tells it from other servers' parameters of that name, since the API
    /// server merges all of them.
    fn key(&self) -> String {
        use std::fmt::Write;
        let hash = digest::digest(&digest::SHA512, self.about.as_bytes());
        let mut key = format!("{}-", self.name);
        for byte in &hash.as_ref()[..4] {
            // Writing to a String cannot fail.
            let _ = write!(key, "{byte:02x}");
        }
        key
    }
}
