//! Refused requests, with the status codes and texts of k8s.io/apiserver.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::{RequestInfo, ResourceInfo, User};
use crate::{Details, RequestOptions, Status};

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Authentication failed.
    #[error("Unauthorized")]
    Unauthorized,
    /// The impersonation headers are invalid.
    #[error("{message}")]
    Impersonation {
        /// The authenticated user.
        user: Box<User>,
        /// What is wrong with the headers.
        message: String,
    },
    /// The user has no permission.
    #[error("{}", forbidden(user, info, reason))]
    Forbidden {
        /// The authenticated user.
        user: Box<User>,
        /// The request.
        info: Box<RequestInfo>,
        /// The API server's reason; often empty.
        reason: String,
    },
    /// Too many requests are in flight.
    #[error("Too many requests, please try again later.")]
    TooManyRequests {
        /// The authenticated user; none when the credential was not checked.
        user: Option<Box<User>>,
    },
    /// The permission review failed.
    #[error("{}", escape_html(&format!("Internal Server Error: {uri:?}: {reason}")))]
    InternalError {
        /// The authenticated user.
        user: Box<User>,
        /// The path and query.
        uri: String,
        /// Why the review failed.
        reason: String,
    },
}

// === impl Refusal ===

impl Refusal {
    /// The status code of the response.
    pub fn code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Impersonation { .. } => StatusCode::BAD_REQUEST,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The response: a Status in the encoding that the client accepts, or plain text.
    pub fn respond(&self, asked: &RequestOptions) -> Response {
        let mut response = match self {
            Self::Unauthorized => self.status("Unauthorized").respond(asked),
            Self::Impersonation { .. } => self.status("BadRequest").respond(asked),
            Self::Forbidden { info, .. } => {
                self.status("Forbidden").with_details(details(info)).respond(asked)
            }
            Self::TooManyRequests { .. } | Self::InternalError { .. } => {
                ([(header::CONTENT_TYPE, TEXT)], format!("{self}\n")).into_response()
            }
        };
        *response.status_mut() = self.code();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NOT_CACHED);
        if *self != Self::Unauthorized {
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
        }
        if matches!(self, Self::TooManyRequests { .. }) {
            headers.insert(header::RETRY_AFTER, SOON);
        }
        response
    }

    fn status(&self, reason: &'static str) -> Status {
        Status::new(self.code(), reason, self.to_string())
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");
const NOT_CACHED: HeaderValue = HeaderValue::from_static("no-cache, private");
/// Seconds.
const SOON: HeaderValue = HeaderValue::from_static("1");

fn details(info: &RequestInfo) -> Details {
    match info {
        RequestInfo::NonResource { .. } => Details::default(),
        RequestInfo::Resource(of) => Details::about(&of.name, &of.group, &of.resource),
    }
}

fn forbidden(user: &User, info: &RequestInfo, reason: &str) -> String {
    let name = &user.name;
    let (object, denied) = match info {
        RequestInfo::NonResource { verb, path } => {
            (String::new(), format!("User {name:?} cannot {verb} path {path:?}"))
        }
        RequestInfo::Resource(of) => (qualified(of), denied(name, of)),
    };
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!("{object}forbidden: {}{reason}", escape_html(&denied))
}

/// `pods.metrics.k8s.io "a" is `.
fn qualified(of: &ResourceInfo) -> String {
    let ResourceInfo { group, resource, name, .. } = of;
    if resource.is_empty() {
        return String::new();
    }
    let dot = if group.is_empty() { "" } else { "." };
    let name = if name.is_empty() { String::new() } else { format!(" {name:?}") };
    format!("{resource}{dot}{group}{name} is ")
}

fn denied(user: &str, of: &ResourceInfo) -> String {
    let ResourceInfo { verb, group, namespace, resource, subresource, .. } = of;
    let slash = if subresource.is_empty() { "" } else { "/" };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {namespace:?}")
    };
    let resource = format!("{resource}{slash}{subresource}");
    format!("User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}")
}

/// A browser must not read the text as HTML.
fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
