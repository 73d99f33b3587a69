//! Discovery: the groups, versions and resources that a server has.

use aws_lc_rs::digest;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{
    encode::protobuf,
    group::{ApiGroup, GroupVersion as Served, ResourceNames},
    negotiate::{self, Choice, Media},
    request_options::RequestOptions,
    response::{whole, write_json},
    status::Failure,
};

const VERBS: [&str; 2] = ["get", "list"];

/// A plain discovery document.
#[derive(Clone, Copy)]
pub(crate) enum Document<'a> {
    Groups(&'a ApiGroup),
    Group(&'a ApiGroup),
    Resources(&'a ApiGroup, Served),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupList<'a> {
    kind: &'static str,
    groups: [Group<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<&'static str>,
    name: &'static str,
    versions: Vec<GroupVersion>,
    preferred_version: GroupVersion,
    #[serde(rename = "serverAddressByClientCIDRs", skip_serializing_if = "Option::is_none")]
    addresses: Option<[Address<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersion {
    group_version: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    #[serde(rename = "clientCIDR")]
    client: &'static str,
    server_address: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceList {
    kind: &'static str,
    api_version: &'static str,
    group_version: &'static str,
    resources: Vec<ApiResource>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResource {
    name: &'static str,
    singular_name: &'static str,
    namespaced: bool,
    kind: &'static str,
    verbs: [&'static str; 2],
}

/// Answers with a plain document.
pub(crate) fn plain(asked: &RequestOptions, document: Document<'_>) -> Result<Response, Failure> {
    let choice = negotiate::discovery(asked)?;
    let body = match choice.media {
        Media::Protobuf => document.protobuf(),
        _ => write_json(choice, document.json()),
    };
    Ok(whole(asked, StatusCode::OK, choice.media.name(), body))
}

/// Answers with everything in one document.
pub(crate) fn aggregated(asked: &RequestOptions, choice: Choice<()>, group: &ApiGroup) -> Response {
    let json = aggregated_json(group);
    // The tag is of the document itself, not of its media type: the header Vary distinguishes
    // those.
    let tag = entity_tag(&json);
    let known = asked.knows(&tag);
    let content_type =
        format!("{};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", choice.media.name());
    let mut response = if known {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let body = match choice.media {
            Media::Protobuf => aggregated_protobuf(group),
            _ => write_json(choice, json),
        };
        whole(asked, StatusCode::OK, &content_type, body)
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    headers.append(header::VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A quoted tag that changes with `bytes`.
pub(crate) fn entity_tag(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut tag = String::from("\"");
    for byte in digest::digest(&digest::SHA512, bytes).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02X}");
    }
    tag.push('"');
    tag
}

// === impl Document ===

impl Document<'_> {
    fn json(self) -> Vec<u8> {
        let json = match self {
            Self::Groups(served) => {
                let group = group(served, true);
                serde_json::to_vec(&GroupList { kind: "APIGroupList", groups: [group] })
            }
            Self::Group(served) => serde_json::to_vec(&Group {
                kind: Some("APIGroup"),
                api_version: Some("v1"),
                ..group(served, false)
            }),
            Self::Resources(served, version) => serde_json::to_vec(&resources(served, version)),
        };
        // Structs of strings can always be written.
        json.unwrap_or_default()
    }

    fn protobuf(self) -> Vec<u8> {
        let mut out = Vec::new();
        let (api_version, kind) = match self {
            Self::Groups(served) => {
                let group = group(served, true);
                protobuf::message(&mut out, 1, |out| group.write_protobuf(out));
                ("", "APIGroupList")
            }
            Self::Group(served) => {
                group(served, false).write_protobuf(&mut out);
                ("v1", "APIGroup")
            }
            Self::Resources(served, version) => {
                protobuf::string(&mut out, 1, version.group_version);
                for resource in resources(served, version).resources {
                    protobuf::message(&mut out, 2, |out| resource.write_protobuf(out));
                }
                ("v1", "APIResourceList")
            }
        };
        protobuf::document(api_version, kind, &out)
    }
}

fn group(group: &ApiGroup, with_address: bool) -> Group<'_> {
    let address = Address { client: "0.0.0.0/0", server_address: &group.server_address };
    let versions: Vec<_> = group.versions.iter().copied().map(GroupVersion::from).collect();
    // A group without versions is not served.
    let preferred =
        group.versions.first().copied().unwrap_or(Served { version: "", group_version: "" });
    Group {
        kind: None,
        api_version: None,
        name: group.name,
        versions,
        preferred_version: preferred.into(),
        addresses: with_address.then_some([address]),
    }
}

fn resources(group: &ApiGroup, version: Served) -> ResourceList {
    let resource = |names: ResourceNames| ApiResource {
        name: names.plural,
        singular_name: "",
        namespaced: names.namespaced,
        kind: names.kind,
        verbs: VERBS,
    };
    ResourceList {
        kind: "APIResourceList",
        api_version: "v1",
        group_version: version.group_version,
        resources: group.resources.iter().map(|each| resource(each.names())).collect(),
    }
}

// === impl GroupVersion ===

impl From<Served> for GroupVersion {
    fn from(served: Served) -> Self {
        Self { group_version: served.group_version, version: served.version }
    }
}

impl GroupVersion {
    fn write_protobuf(&self, out: &mut Vec<u8>) {
        protobuf::string(out, 1, self.group_version);
        protobuf::string(out, 2, self.version);
    }
}

// === impl Group ===

impl Group<'_> {
    fn write_protobuf(&self, out: &mut Vec<u8>) {
        protobuf::string(out, 1, self.name);
        for version in &self.versions {
            protobuf::message(out, 2, |out| version.write_protobuf(out));
        }
        protobuf::message(out, 3, |out| self.preferred_version.write_protobuf(out));
        for address in self.addresses.iter().flatten() {
            protobuf::message(out, 4, |out| {
                protobuf::string(out, 1, address.client);
                protobuf::string(out, 2, address.server_address);
            });
        }
    }
}

// === impl ApiResource ===

impl ApiResource {
    fn write_protobuf(&self, out: &mut Vec<u8>) {
        protobuf::string(out, 1, self.name);
        protobuf::number(out, 2, self.namespaced.into());
        protobuf::string(out, 3, self.kind);
        protobuf::message(out, 4, |out| {
            for verb in self.verbs {
                protobuf::string(out, 1, verb);
            }
        });
        protobuf::string(out, 6, self.singular_name);
        (8..=10).for_each(|field| protobuf::string(out, field, ""));
    }
}

fn scope(names: ResourceNames) -> &'static str {
    if names.namespaced { "Namespaced" } else { "Cluster" }
}

fn aggregated_json(group: &ApiGroup) -> Vec<u8> {
    let resources: Vec<_> = group
        .resources
        .iter()
        .map(|resource| {
            let names = resource.names();
            let (plural, kind, scope) = (names.plural, names.kind, scope(names));
            format!(
                r#"{{"resource":"{plural}","responseKind":{{"group":"","version":"","kind":"{kind}"}},"scope":"{scope}","singularResource":"","verbs":["get","list"]}}"#
            )
        })
        .collect();
    let resources = resources.join(",");
    let versions: Vec<_> = group
        .versions
        .iter()
        .map(|Served { version, .. }| {
            format!(r#"{{"version":"{version}","resources":[{resources}],"freshness":"Current"}}"#)
        })
        .collect();
    let (name, versions) = (group.name, versions.join(","));
    format!(
        r#"{{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{{}},"items":[{{"metadata":{{"name":"{name}","creationTimestamp":null}},"versions":[{versions}]}}]}}"#
    )
    .into_bytes()
}

fn aggregated_protobuf(group: &ApiGroup) -> Vec<u8> {
    let mut out = Vec::new();
    protobuf::list_metadata(&mut out);
    protobuf::message(&mut out, 2, |out| {
        protobuf::message(out, 1, |out| {
            protobuf::string(out, 1, group.name);
            (2..=6).for_each(|field| protobuf::string(out, field, ""));
            protobuf::number(out, 7, 0);
            protobuf::message(out, 8, |_| {});
        });
        for version in &group.versions {
            protobuf::message(out, 2, |out| {
                protobuf::string(out, 1, version.version);
                for resource in &group.resources {
                    protobuf::message(out, 2, |out| discovered_resource(out, resource.names()));
                }
                protobuf::string(out, 3, "Current");
            });
        }
    });
    protobuf::document("apidiscovery.k8s.io/v2", "APIGroupDiscoveryList", &out)
}

fn discovered_resource(out: &mut Vec<u8>, names: ResourceNames) {
    protobuf::string(out, 1, names.plural);
    protobuf::message(out, 2, |out| {
        protobuf::string(out, 1, "");
        protobuf::string(out, 2, "");
        protobuf::string(out, 3, names.kind);
    });
    protobuf::string(out, 3, scope(names));
    protobuf::string(out, 4, "");
    for verb in VERBS {
        protobuf::string(out, 5, verb);
    }
}
