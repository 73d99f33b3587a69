//! Discovery: one document for each group and version, and the aggregated form of them all.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIResource, APIResourceList};
use serde_json::{Value, json};

use super::{
    resources::{ALL, GROUPS},
    response::{json_response, text_response},
};

/// The version in `/version`.
const GIT_VERSION: &str = "v1.36.2";

/// A group that another server serves.
#[derive(Clone, Debug)]
pub(super) struct DiscoveredGroup {
    pub(super) group: String,
    pub(super) versions: Vec<DiscoveredVersion>,
}

/// One version of such a group.
#[derive(Clone, Debug)]
pub(super) struct DiscoveredVersion {
    pub(super) version: String,
    /// Nothing when the server's discovery fails: the version is then known and stale.
    pub(super) resources: Option<APIResourceList>,
}

/// The document at a path of discovery, if there is one.
pub(super) fn document(path: &str, aggregated: &[DiscoveredGroup]) -> Option<Value> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments[..] {
        ["api"] => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        ["api", "v1"] => Some(json!(resource_list("", "v1"))),
        ["apis"] => {
            let own = GROUPS.into_iter().map(|group| api_group(group, &["v1"]));
            let others = aggregated.iter().map(|it| api_group(&it.group, &it.version_names()));
            let groups: Vec<Value> = own.chain(others).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["apis", group] => {
            let other = aggregated.iter().find(|it| it.group == group);
            let versions = other.map_or_else(|| vec!["v1"], DiscoveredGroup::version_names);
            (other.is_some() || GROUPS.contains(&group)).then(|| {
                let mut document = api_group(group, &versions);
                document["kind"] = json!("APIGroup");
                document["apiVersion"] = json!("v1");
                document
            })
        }
        ["apis", group, "v1"] if GROUPS.contains(&group) => Some(json!(resource_list(group, "v1"))),
        _ => None,
    }
}

/// All groups below `/api` or `/apis` in one document.
pub(super) fn aggregated_document(
    path: &str,
    version: &str,
    others: &[DiscoveredGroup],
) -> Response {
    let items: Vec<Value> = if path.trim_end_matches('/') == "/api" {
        vec![own_group("")]
    } else {
        let others = others.iter().map(DiscoveredGroup::item);
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
pub(super) fn non_resource(path: &str) -> Response {
    match path.trim_end_matches('/') {
        "/healthz" | "/livez" | "/readyz" => text_response(StatusCode::OK, "ok"),
        "/version" => json_response(format!("{:#}", version())),
        "" => json_response(format!(
            "{:#}",
            json!({ "paths": [
            "/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version",
        ] })
        )),
        _ => text_response(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

fn version() -> Value {
    let mut numbers = GIT_VERSION.trim_start_matches('v').split('.');
    let major = numbers.next().unwrap_or_default();
    let minor = numbers.next().unwrap_or_default();
    json!({
        "major": major,
        "minor": minor,
        "gitVersion": GIT_VERSION,
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

/// The resources of a group that the API server serves itself.
fn resource_list(group: &str, version: &str) -> APIResourceList {
    let names = |names: &[&str]| {
        (!names.is_empty()).then(|| names.iter().map(ToString::to_string).collect())
    };
    let resources = ALL.into_iter().filter(|resource| resource.group == group);
    let resources = resources.map(|resource| APIResource {
        name: resource.plural.to_owned(),
        singular_name: resource.singular.to_owned(),
        namespaced: resource.namespaced,
        kind: resource.kind.to_owned(),
        verbs: resource.verbs.iter().map(ToString::to_string).collect(),
        short_names: names(resource.short_names),
        categories: names(resource.categories),
        ..APIResource::default()
    });
    let group_version =
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    APIResourceList { group_version, resources: resources.collect() }
}

fn own_group(group: &str) -> Value {
    let version = "v1".to_owned();
    let resources = Some(resource_list(group, &version));
    let versions = vec![DiscoveredVersion { version, resources }];
    DiscoveredGroup { group: group.to_owned(), versions }.item()
}

fn scope(namespaced: bool) -> &'static str {
    if namespaced { "Namespaced" } else { "Cluster" }
}

// === impl DiscoveredGroup ===

impl DiscoveredGroup {
    fn version_names(&self) -> Vec<&str> {
        self.versions.iter().map(|version| version.version.as_str()).collect()
    }

    fn item(&self) -> Value {
        let versions: Vec<Value> =
            self.versions.iter().map(|version| version.item(&self.group)).collect();
        // The core group has no name, not an empty one.
        let metadata =
            if self.group.is_empty() { json!({}) } else { json!({ "name": self.group }) };
        json!({ "metadata": metadata, "versions": versions })
    }
}

// === impl DiscoveredVersion ===

impl DiscoveredVersion {
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
