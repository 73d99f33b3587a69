//! Request info: verb, group, resource and so on, read from method, path and query as
//! k8s.io/apiserver does. Where authorizer and handler could read a request differently, it is read
//! more strictly: what is authorized must be what is then done.

use http::{Method, Uri};

use super::percent;

/// The attributes of a request, which are authorized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestInfo {
    /// Objects of an API.
    Resource(ResourceInfo),
    /// A path outside the APIs.
    NonResource {
        /// The method in lower case.
        verb: String,
        /// The path, decoded.
        path: String,
    },
}

/// The attributes of a request for objects. Parts that the request does not name are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceInfo {
    /// Such as `get`, `list` or `watch`; empty for a method without a verb.
    pub verb: String,
    /// Such as `metrics.k8s.io`.
    pub group: String,
    /// Such as `v1beta1`.
    pub version: String,
    /// The namespace of the objects.
    pub namespace: String,
    /// Such as `pods`.
    pub resource: String,
    /// Such as `status`.
    pub subresource: String,
    /// The name of the one object.
    pub name: String,
}

// === impl RequestInfo ===

impl RequestInfo {
    /// Of a request with this method and URI.
    pub fn of(method: &Method, uri: &Uri) -> Self {
        // No handler takes a path that is not UTF-8.
        let path = percent::decode(uri.path()).unwrap_or_else(|| uri.path().to_owned());
        let trimmed = path.trim_matches('/');
        let parts: Vec<&str> = trimmed.split('/').collect();
        let (group, version, rest) = match parts[..] {
            ["api", version, ref rest @ ..] if !rest.is_empty() => ("", version, rest),
            ["apis", group, version, ref rest @ ..] if !rest.is_empty() => (group, version, rest),
            _ => {
                let verb = method.as_str().to_ascii_lowercase();
                return Self::NonResource { verb, path };
            }
        };
        Self::Resource(resource(method, uri.query(), (group, version), rest))
    }

    /// The verb.
    pub fn verb(&self) -> &str {
        match self {
            Self::Resource(resource) => &resource.verb,
            Self::NonResource { verb, .. } => verb,
        }
    }
}

fn resource(
    method: &Method,
    query: Option<&str>,
    (group, version): (&str, &str),
    rest: &[&str],
) -> ResourceInfo {
    // `/watch/…` and `/proxy/…` are the old form of a verb.
    let (verb_in_path, rest) = match rest {
        [verb @ ("watch" | "proxy"), rest @ ..] if !rest.is_empty() => (Some(*verb), rest),
        rest => (None, rest),
    };
    let (namespace, parts) = match rest {
        ["namespaces", namespace, "status" | "finalize", ..] | ["namespaces", namespace] => {
            (*namespace, rest)
        }
        ["namespaces", namespace, parts @ ..] if !parts.is_empty() => (*namespace, parts),
        rest => ("", rest),
    };
    let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_owned();
    let mut name = part(1);
    let verb = match verb_in_path {
        Some(verb) => verb,
        None => match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if name.is_empty() => "deletecollection",
            Method::DELETE => "delete",
            Method::GET | Method::HEAD if !name.is_empty() => "get",
            Method::GET | Method::HEAD => {
                // A user who may get one object may list that one.
                name = parameter(query, "fieldSelector")
                    .and_then(|selector| one_name(&selector))
                    .unwrap_or_default();
                if is_watch(query) { "watch" } else { "list" }
            }
            _ => "",
        },
    };
    ResourceInfo {
        verb: verb.to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        resource: part(0),
        subresource: if verb == "proxy" { String::new() } else { part(2) },
        name,
    }
}

/// A query parameter. One that is given twice could be read in two ways, and is ignored.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut values = query?.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| percent::decode(&text.replace('+', " "));
        (plain(key)? == name).then(|| plain(value))
    });
    let only = values.next()?;
    if values.next().is_some() { None } else { only }
}

/// Whether a list is a watch.
fn is_watch(query: Option<&str>) -> bool {
    parameter(query, "watch")
        .is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false"))
}

/// The name in a selector that is exactly `metadata.name=<name>`.
fn one_name(selector: &str) -> Option<String> {
    let (field, name) = selector.split_once('=')?;
    let name = name.strip_prefix('=').unwrap_or(name);
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_' | ':');
    let is_name = !name.is_empty() && name.chars().all(plain) && !matches!(name, "." | "..");
    (field == "metadata.name" && is_name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
