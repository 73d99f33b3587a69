//! Refusals in the words of the API server's library.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::{Attributes, ResourceAttributes, User};
use crate::api::{Asked, Details, Status};

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Whoever asks is not who they say they are, or it cannot be found out.
    #[error("Unauthorized")]
    Unauthorized,
    /// They wish to act as somebody in a way that makes no sense.
    #[error("{said}")]
    Impersonation {
        /// Who asks.
        user: Box<User>,
        /// What is wrong with it.
        said: String,
    },
    /// They may not.
    #[error("{}", forbidden(user, attributes, reason))]
    Forbidden {
        /// Who asks.
        user: Box<User>,
        /// For what.
        attributes: Box<Attributes>,
        /// What the API server says of it; often empty.
        reason: String,
    },
    /// They may, later: too many ask at once.
    #[error("Too many requests, please try again later.")]
    TooMany {
        /// Who asks.
        user: Box<User>,
    },
    /// Whether they may cannot be found out.
    #[error("{}", harmless(&format!("Internal Server Error: {uri:?}: {reason}")))]
    Undecided {
        /// Who asks.
        user: Box<User>,
        /// What was asked for.
        uri: String,
        /// Why it cannot be found out.
        reason: String,
    },
}

// === impl Refusal ===

impl Refusal {
    /// The status of the answer.
    pub fn code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Impersonation { .. } => StatusCode::BAD_REQUEST,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Undecided { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer that says so, in the notation that the client asked for where it is an object.
    pub fn respond(&self, asked: &Asked) -> Response {
        let mut response = match self {
            Self::Unauthorized => self.status("Unauthorized").respond(asked),
            Self::Impersonation { .. } => self.status("BadRequest").respond(asked),
            Self::Forbidden { attributes, .. } => {
                self.status("Forbidden").with_details(details(attributes)).respond(asked)
            }
            Self::TooMany { .. } | Self::Undecided { .. } => {
                ([(header::CONTENT_TYPE, TEXT)], format!("{self}\n")).into_response()
            }
        };
        *response.status_mut() = self.code();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NOT_CACHED);
        if *self != Self::Unauthorized {
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
        }
        if matches!(self, Self::TooMany { .. }) {
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

fn details(attributes: &Attributes) -> Details {
    match attributes {
        Attributes::Path { .. } => Details::default(),
        Attributes::Resource(of) => Details::about(&of.name, &of.group, &of.resource),
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
