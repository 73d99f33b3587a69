//! The paths and their responses, in both versions of OpenAPI.

use aws_lc_rs::digest;
use k8s_openapi::apimachinery::pkg::{
    apis::meta::v1::{APIGroup, APIGroupList, APIResourceList},
    version::Info,
};
use serde_json::{Map, Value, json};

use super::{
    description::{DescribedResource, Description},
    dialect::Dialect,
    meta,
};

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
    /// Name of the schema of the response.
    response: String,
    reads: Reads,
}

/// What an operation reads.
enum Reads {
    Discovery,
    Build,
    List { target: Target, namespaced: bool },
    Object { target: Target, namespaced: bool },
}

/// Group, version and kind of the objects that are read.
struct Target {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
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
    about: "If true, the response is indented.",
    in_path: false,
};
const NAMESPACE: Parameter = Parameter {
    name: "namespace",
    kind: "string",
    about: "The namespace of the objects.",
    in_path: true,
};
const LIST: [Parameter; 10] = [
    list("allowWatchBookmarks", "boolean", "Ignored: watch is not supported."),
    list("continue", "string", "Ignored: a list always has one page."),
    list("fieldSelector", "string", "Only objects with these values of fields."),
    list("labelSelector", "string", "Only objects with these labels."),
    list("limit", "integer", "Ignored: a list always has one page."),
    list("resourceVersion", "string", "Ignored: a response is always the newest."),
    list("resourceVersionMatch", "string", "How resourceVersion is meant."),
    list("sendInitialEvents", "boolean", "Refused: watch is not supported."),
    list("timeoutSeconds", "integer", "Ignored: a list does not wait."),
    list("watch", "boolean", "Refused: watch is not supported."),
];

const fn list(name: &'static str, kind: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind, about, in_path: false }
}

/// All operations of the group, and those of discovery.
pub(super) fn operations(description: &Description) -> Vec<Operation> {
    let (group, short) = (description.group, description.short_group());
    let discovery = |path: String, about: &str, tag: &str, id: String, response, reads| Operation {
        document: path.trim_matches('/').to_owned(),
        path,
        about: about.to_owned(),
        tag: tag.to_owned(),
        id,
        response,
        reads,
    };
    let mut all = vec![
        discovery(
            "/apis/".to_owned(),
            "list API groups",
            "apis",
            "getAPIVersions".to_owned(),
            meta::name::<APIGroupList>(),
            Reads::Discovery,
        ),
        discovery(
            format!("/apis/{group}/"),
            "read the versions of the group",
            short,
            format!("get{}APIGroup", title(short)),
            meta::name::<APIGroup>(),
            Reads::Discovery,
        ),
        discovery(
            "/version/".to_owned(),
            "read the version of the server",
            "version",
            "getCodeVersion".to_owned(),
            meta::name::<Info>(),
            Reads::Build,
        ),
    ];
    for version in &description.versions {
        let tag = format!("{short}_{}", version.name);
        all.push(discovery(
            format!("/apis/{group}/{}/", version.name),
            "list resources",
            &tag,
            format!("get{}{}APIResources", title(short), title(version.name)),
            meta::name::<APIResourceList>(),
            Reads::Discovery,
        ));
        for resource in &version.resources {
            all.extend(of_resource(description, version.name, resource));
        }
    }
    all
}

/// LIST in all namespaces, and LIST and GET in one, where the resource has namespaces.
fn of_resource(
    description: &Description,
    version: &'static str,
    resource: &DescribedResource,
) -> Vec<Operation> {
    let (group, short) = (description.group, description.short_group());
    let DescribedResource { name, kind, namespaced, object, list } = resource;
    let target = || Target { group, version, kind };
    let operation = |path: &str, verb, scope: [&str; 2], response: &String, reads| Operation {
        path: format!("/apis/{group}/{version}/{path}"),
        document: format!("apis/{group}/{version}"),
        about: format!("{verb} {kind}"),
        tag: format!("{short}_{version}"),
        id: format!("{verb}{}{}{}{kind}{}", title(short), title(version), scope[0], scope[1]),
        response: response.clone(),
        reads,
    };
    let list_in = |path: &str, scope, namespaced| {
        operation(path, "list", scope, list, Reads::List { target: target(), namespaced })
    };
    let read_in = |path: &str, scope, namespaced| {
        operation(path, "read", scope, object, Reads::Object { target: target(), namespaced })
    };
    if *namespaced {
        let path = format!("namespaces/{{namespace}}/{name}");
        vec![
            list_in(name, ["", "ForAllNamespaces"], false),
            list_in(&path, ["Namespaced", ""], true),
            read_in(&format!("{path}/{{name}}"), ["Namespaced", ""], true),
        ]
    } else {
        vec![list_in(name, ["", ""], false), read_in(&format!("{name}/{{name}}"), ["", ""], false)]
    }
}

/// `v1beta1` as `V1beta1`.
fn title(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
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
        let schema = json!({"$ref": dialect.reference(&self.response)});
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
        let (action, parameters) = match &self.reads {
            Reads::Discovery | Reads::Build => (None, Vec::new()),
            Reads::List { target, namespaced } => {
                let mut parameters: Vec<_> = LIST.iter().collect();
                parameters.extend([&PRETTY].into_iter().chain(namespaced.then_some(&NAMESPACE)));
                parameters.sort_by_key(|parameter| parameter.name);
                let rendered = parameters.iter().map(|parameter| parameter.refer(dialect));
                (Some(("list", target)), rendered.collect())
            }
            Reads::Object { target, namespaced } => {
                let name = Parameter {
                    name: "name",
                    kind: "string",
                    about: "The name of the object.",
                    in_path: true,
                };
                let mut rendered = vec![name.render(dialect)];
                rendered.extend(namespaced.then(|| NAMESPACE.refer(dialect)));
                rendered.push(PRETTY.refer(dialect));
                (Some(("get", target)), rendered)
            }
        };
        if let Some((action, target)) = action {
            put("x-kubernetes-action", json!(action));
            let Target { group, version, kind } = target;
            let kind = json!({"group": group, "version": version, "kind": kind});
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

    /// Its name with a suffix that distinguishes it from other servers' parameters of that name,
    /// because the API server merges all of them.
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
