//! Refusals in the words of the API server's library.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{Attributes, ResourceAttributes, User};

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Whoever asks is not who they say they are, or it cannot be found out.
    #[error("Unauthorized")]
    Unauthorized,
    /// They may not.
    #[error("{}", forbidden(user, attributes, reason))]
    Forbidden {
        /// Who asks.
        user: User,
        /// For what.
        attributes: Box<Attributes>,
        /// What the API server says of it; often empty.
        reason: String,
    },
    /// Whether they may cannot be found out.
    #[error("{}", harmless(&format!("Internal Server Error: {uri:?}: {reason}")))]
    Undecided {
        /// What was asked for.
        uri: String,
        /// Why it cannot be found out.
        reason: String,
    },
}

/// The refusal as an object of the API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the API has it so")]
struct Status {
    kind: &'static str,
    api_version: &'static str,
    metadata: Empty,
    status: &'static str,
    message: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    code: u16,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Default, Serialize)]
struct Details {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
}

// === impl Refusal ===

impl Refusal {
    /// The status of the answer.
    pub fn code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::Undecided { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn status(&self, reason: &'static str, details: Option<Details>) -> Response {
        let status = Status {
            kind: "Status",
            api_version: "v1",
            metadata: Empty {},
            status: "Failure",
            message: self.to_string(),
            reason,
            details,
            code: self.code().as_u16(),
        };
        match serde_json::to_string(&status) {
            // The Go server ends its JSON with a newline.
            Ok(text) => ([(header::CONTENT_TYPE, JSON)], text + "\n").into_response(),
            Err(_) => Json(status).into_response(),
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");
const NOT_CACHED: HeaderValue = HeaderValue::from_static("no-cache, private");

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = match &self {
            Self::Unauthorized => self.status("Unauthorized", None),
            Self::Forbidden { attributes, .. } => {
                self.status("Forbidden", Some(details(attributes)))
            }
            Self::Undecided { .. } => {
                ([(header::CONTENT_TYPE, TEXT)], format!("{self}\n")).into_response()
            }
        };
        *response.status_mut() = self.code();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NOT_CACHED);
        if self != Self::Unauthorized {
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
        }
        response
    }
}

fn details(attributes: &Attributes) -> Details {
    match attributes {
        Attributes::Path { .. } => Details::default(),
        Attributes::Resource(of) => {
            Details { name: of.name.clone(), group: of.group.clone(), kind: of.resource.clone() }
        }
    }
}

fn forbidden(user: &User, attributes: &Attributes, reason: &str) -> String {
    let name = &user.name;
    let (what, denied) = match attributes {
        Attributes::Path { verb, path } => {
            (String::new(), format!("User {name:?} cannot {verb} path {path:?}"))
        }
        Attributes::Resource(of) => (qualified(of), denied(name, of)),
    };
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!("{what}forbidden: {}{reason}", harmless(&denied))
}

/// `pods.metrics.k8s.io "a" is `.
fn qualified(of: &ResourceAttributes) -> String {
    let ResourceAttributes { group, resource, name, .. } = of;
    if resource.is_empty() {
        return String::new();
    }
    let dot = if group.is_empty() { "" } else { "." };
    let name = if name.is_empty() { String::new() } else { format!(" {name:?}") };
    format!("{resource}{dot}{group}{name} is ")
}

fn denied(user: &str, of: &ResourceAttributes) -> String {
    let ResourceAttributes { verb, group, namespace, resource, subresource, .. } = of;
    let slash = if subresource.is_empty() { "" } else { "/" };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {namespace:?}")
    };
    let resource = format!("{resource}{slash}{subresource}");
    format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
}

/// What looks like HTML is not sent to browsers.
fn harmless(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
