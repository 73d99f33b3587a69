//! Request info: the attributes of a request, read from its method, path and query as the real API
//! server does.

use std::collections::BTreeMap;

use axum::extract::Query;
use http::{Method, Uri};
use k8s_text::selector::FieldSelector;

use super::status::Status;

/// What is authorized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestInfo {
    /// Something with objects: `/api` and `/apis` below a version.
    Resource(ResourceInfo),
    /// Any other path.
    NonResource {
        /// The method in lower case.
        verb: String,
        /// The path.
        path: String,
    },
}

/// Strings are empty where the request has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ResourceInfo {
    pub(super) verb: String,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    pub(super) name: String,
}

/// The parameters of a LIST or WATCH.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

// === impl RequestInfo ===

impl RequestInfo {
    pub(super) fn of(method: &Method, uri: &Uri, parameters: &Parameters) -> Self {
        let path = uri.path();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let (group, version, rest) = match segments[..] {
            ["api", version, ref rest @ ..] if !rest.is_empty() => ("", version, rest),
            ["apis", group, version, ref rest @ ..] if !rest.is_empty() => (group, version, rest),
            _ => {
                let verb = method.as_str().to_ascii_lowercase();
                return Self::NonResource { verb, path: path.to_owned() };
            }
        };
        let (namespace, parts) = match rest {
            ["namespaces", namespace, "status" | "finalize", ..] => (*namespace, rest),
            ["namespaces", namespace, parts @ ..] if !parts.is_empty() => (*namespace, parts),
            ["namespaces", namespace] => (*namespace, rest),
            _ => ("", rest),
        };
        let collection = parts.len() < 2;
        let verb = match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if collection => "deletecollection",
            Method::DELETE => "delete",
            _ if !collection => "get",
            _ if parameters.watch() => "watch",
            _ => "list",
        };
        let part = |index: usize| parts.get(index).copied().unwrap_or_default().to_owned();
        let mut request = ResourceInfo {
            verb: verb.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            resource: part(0),
            name: part(1),
            subresource: part(2),
        };
        if collection && *method == Method::GET {
            // A list of one name is authorized as a request for that name.
            request.name = parameters.exact_name().unwrap_or_default();
        }
        Self::Resource(request)
    }
}

// === impl Parameters ===

impl Parameters {
    pub(super) fn of(uri: &Uri) -> Result<Self, Status> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Status::bad_request(error.to_string()))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            parameters.entry(name).or_insert(value);
        }
        Ok(Self(parameters))
    }

    /// A parameter, empty when it is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A parameter that is a number of zero or more, nothing when it is missing.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Status> {
        match self.text(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
            }),
        }
    }

    /// The requested resource version; nothing when there is none.
    pub(super) fn resource_version(&self) -> Result<Option<u64>, Status> {
        match self.text("resourceVersion") {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Status::bad_request(format!(
                    "Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                ))
            }),
        }
    }

    pub(super) fn watch(&self) -> bool {
        self.flag("watch")
    }

    /// A parameter that is true when it is present, unless its value is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false"))
    }

    fn exact_name(&self) -> Option<String> {
        let fields = FieldSelector::parse(self.text("fieldSelector")).ok()?;
        fields.exact("metadata.name").map(str::to_owned)
    }
}
