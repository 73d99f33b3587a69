//! What the API server serves, for clients that look before they ask: one document for each group
//! and version, and the aggregated form of them all.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIResource, APIResourceList};
use serde_json::{Value, json};

use super::{
    resources::{ALL, GROUPS, ResourceType},
    status::{json_response, text_response},
};

/// A group that another server serves.
#[derive(Clone, Debug)]
pub(super) struct Aggregated {
    pub(super) group: String,
    pub(super) versions: Vec<AggregatedVersion>,
}

/// One version of such a group.
#[derive(Clone, Debug)]
pub(super) struct AggregatedVersion {
    pub(super) version: String,
    /// Nothing when the server does not say: the version is then known and stale.
    pub(super) resources: Option<APIResourceList>,
}

/// The document at a path of discovery, if there is one.
pub(super) fn document(path: &str, aggregated: &[Aggregated]) -> Option<Value> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments[..] {
        ["api"] => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        ["api", "v1"] => Some(resource_list("", "v1")),
        ["apis"] => {
            let own = GROUPS.into_iter().map(|group| api_group(group, &["v1"]));
            let others = aggregated.iter().map(|it| api_group(&it.group, &it.version_names()));
            let groups: Vec<Value> = own.chain(others).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["apis", group] => {
            let other = aggregated.iter().find(|it| it.group == group);
            let versions = other.map_or_else(|| vec!["v1"], Aggregated::version_names);
            (other.is_some() || GROUPS.contains(&group)).then(|| {
                let mut document = api_group(group, &versions);
                document["kind"] = json!("APIGroup");
                document["apiVersion"] = json!("v1");
                document
            })
        }
        ["apis", group, "v1"] if GROUPS.contains(&group) => Some(resource_list(group, "v1")),
        _ => None,
    }
}

/// All groups below `/api` or `/apis` in one document.
pub(super) fn aggregated_document(path: &str, version: &str, others: &[Aggregated]) -> Response {
    let items: Vec<Value> = if path.trim_end_matches('/') == "/api" {
        vec![own_group("")]
    } else {
        let others = others.iter().map(Aggregated::item);
        GROUPS.into_iter().map(own_group).chain(others).collect()
    };
    let document = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": items,
    });
    let mut response = json_response(document.to_string());
    let content_type =
        format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    if let Ok(value) = HeaderValue::from_str(&content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// What is at a path that is no object's: nothing, in most cases.
pub(super) fn elsewhere(path: &str, git_version: &str) -> Response {
    match path.trim_end_matches('/') {
        "/healthz" | "/livez" | "/readyz" => text_response(StatusCode::OK, "ok"),
        "/version" => json_response(format!("{:#}", version(git_version))),
        "" => json_response(format!(
            "{:#}",
            json!({ "paths": [
            "/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version",
        ] })
        )),
        _ => text_response(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

fn version(git_version: &str) -> Value {
    let mut numbers = git_version.trim_start_matches('v').split('.');
    let major = numbers.next().unwrap_or_default();
    let minor = numbers.next().unwrap_or_default();
    json!({
        "major": major,
        "minor": minor,
        "gitVersion": git_version,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": "linux/amd64",
    })
}

fn api_group(group: &str, versions: &[&str]) -> Value {
    let written: Vec<Value> = versions
        .iter()
        .map(|version| json!({ "groupVersion": format!("{group}/{version}"), "version": version }))
        .collect();
    json!({ "name": group, "versions": written, "preferredVersion": written.first() })
}

fn of_group(group: &str) -> impl Iterator<Item = &'static ResourceType> {
    ALL.into_iter().filter(move |resource| resource.group == group)
}

fn resource_list(group: &str, version: &str) -> Value {
    let resources: Vec<Value> = of_group(group)
        .map(|resource| {
            let mut written = json!({
                "name": resource.plural,
                "singularName": resource.singular,
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": resource.verbs,
            });
            if !resource.short_names.is_empty() {
                written["shortNames"] = json!(resource.short_names);
            }
            if !resource.categories.is_empty() {
                written["categories"] = json!(resource.categories);
            }
            written
        })
        .collect();
    let group_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    })
}

fn own_group(group: &str) -> Value {
    let resources: Vec<Value> = of_group(group)
        .map(|resource| {
            let mut written = json!({
                "resource": resource.plural,
                "responseKind": {
                    "group": resource.group,
                    "version": resource.version,
                    "kind": resource.kind,
                },
                "scope": scope(resource.namespaced),
                "singularResource": resource.singular,
                "verbs": resource.verbs,
            });
            if !resource.short_names.is_empty() {
                written["shortNames"] = json!(resource.short_names);
            }
            if !resource.categories.is_empty() {
                written["categories"] = json!(resource.categories);
            }
            written
        })
        .collect();
    // The core group has no name, not an empty one.
    let metadata = if group.is_empty() { json!({}) } else { json!({ "name": group }) };
    json!({
        "metadata": metadata,
        "versions": [{ "version": "v1", "resources": resources, "freshness": "Current" }],
    })
}

fn scope(namespaced: bool) -> &'static str {
    if namespaced { "Namespaced" } else { "Cluster" }
}

// === impl Aggregated ===

impl Aggregated {
    fn version_names(&self) -> Vec<&str> {
        self.versions.iter().map(|version| version.version.as_str()).collect()
    }

    fn item(&self) -> Value {
        let versions: Vec<Value> =
            self.versions.iter().map(|version| version.item(&self.group)).collect();
        json!({ "metadata": { "name": self.group }, "versions": versions })
    }
}

// === impl AggregatedVersion ===

impl AggregatedVersion {
    fn item(&self, group: &str) -> Value {
        let Some(list) = &self.resources else {
            return json!({ "version": self.version, "freshness": "Stale" });
        };
        let resources = list.resources.iter().filter(|resource| !resource.name.contains('/'));
        let resources: Vec<Value> =
            resources.map(|resource| self.resource(group, resource)).collect();
        json!({ "version": self.version, "resources": resources, "freshness": "Current" })
    }

    fn resource(&self, group: &str, resource: &APIResource) -> Value {
        let mut written = json!({
            "resource": resource.name,
            "responseKind": {
                "group": resource.group.as_deref().unwrap_or(group),
                "version": resource.version.as_deref().unwrap_or(&self.version),
                "kind": resource.kind,
            },
            "scope": scope(resource.namespaced),
            "singularResource": resource.singular_name,
            "verbs": resource.verbs,
        });
        if let Some(names) = &resource.short_names {
            written["shortNames"] = json!(names);
        }
        if let Some(categories) = &resource.categories {
            written["categories"] = json!(categories);
        }
        written
    }
}
