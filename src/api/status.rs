use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;

use super::GROUP;

/// A request that cannot be answered, as a `Status` object says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such node or pod in the cluster.
    NoSuchObject {
        /// `node` or `pod`.
        kind: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// It exists, but its usage is not known.
    NoMetrics {
        /// `nodemetrics` or `podmetrics`.
        kind: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// Nothing is at this path.
    UnknownPath,
    /// Metrics can only be read.
    MethodNotAllowed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the API has it so")]
struct Status<'a> {
    kind: &'a str,
    api_version: &'a str,
    metadata: Empty,
    status: &'a str,
    message: String,
    reason: &'a str,
    details: Details<'a>,
    code: u16,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Default, Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (code, reason) = match self {
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            _ => (StatusCode::NOT_FOUND, "NotFound"),
        };
        let (message, details) = match self {
            Self::NoSuchObject { kind, name } => (
                format!("{kind} {name:?} not found"),
                Details { name: Some(name), kind: Some(kind), group: None },
            ),
            Self::NoMetrics { kind, name } => (
                format!("{kind}.{GROUP} {name:?} not found"),
                Details { name: Some(name), group: Some(GROUP), kind: Some(kind) },
            ),
            Self::UnknownPath => {
                ("the server could not find the requested resource".to_owned(), Details::default())
            }
            Self::MethodNotAllowed => (
                "the server does not allow this method on the requested resource".to_owned(),
                Details::default(),
            ),
        };
        let status = Status {
            kind: "Status",
            api_version: "v1",
            metadata: Empty {},
            status: "Failure",
            message,
            reason,
            details,
            code: code.as_u16(),
        };
        (code, Json(status)).into_response()
    }
}
