//! The Status of a request that failed.

use http::StatusCode;
use k8s_text::go;

use crate::encode::{json, protobuf};

/// A request that cannot be answered, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such object.
    NotFound {
        /// The group of the resource; empty, none is named.
        group: &'static str,
        /// The resource or kind, as the message names it.
        kind: &'static str,
        /// The object.
        name: String,
        /// Why; may be empty.
        reason: String,
    },
    /// Nothing is at this path.
    UnknownPath,
    /// Objects can only be read.
    MethodNotAllowed,
    /// Objects cannot be watched.
    WatchNotSupported {
        /// The group of the resource.
        group: &'static str,
        /// The resource.
        resource: &'static str,
    },
    /// A parameter cannot be understood.
    BadRequest(String),
    /// Parameters that do not go together.
    InvalidOptions(Vec<Cause>),
    /// Nothing that the client accepts is written here, but these are.
    NotProduced(Vec<String>),
    /// Nothing that the client accepts can be written of this object.
    NotAcceptable(String),
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    reason: &'static str,
    message: String,
    field: &'static str,
}

/// A `Status` object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Option<Details>,
}

/// What a [`Status`] is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The name of the object.
    pub name: String,
    /// The group of its resource.
    pub group: String,
    /// Its resource or kind.
    pub kind: String,
    causes: Vec<Cause>,
}

// === impl Failure ===

impl Failure {
    /// The `Status` that is sent.
    pub fn status(&self) -> Status {
        let about = Details::about;
        match self {
            Self::NotFound { group, kind, name, reason } => {
                let dot = if group.is_empty() { "" } else { "." };
                let colon = if reason.is_empty() { "" } else { ": " };
                let quoted = go::quoted(name);
                let message = format!("{kind}{dot}{group} {quoted} not found{colon}{reason}");
                Status::new(StatusCode::NOT_FOUND, "NotFound", message)
                    .with_details(about(name, group, kind))
            }
            Self::UnknownPath => Status::new(
                StatusCode::NOT_FOUND,
                "NotFound",
                "the server could not find the requested resource",
            )
            .with_details(Details::default()),
            Self::MethodNotAllowed => Status::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            )
            .with_details(Details::default()),
            Self::WatchNotSupported { group, resource } => {
                let message =
                    format!("watch is not supported on resources of kind \"{resource}.{group}\"");
                Status::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
                    .with_details(about("", group, resource))
            }
            Self::BadRequest(message) => {
                Status::new(StatusCode::BAD_REQUEST, "BadRequest", message)
            }
            Self::InvalidOptions(causes) => {
                let list: Vec<_> = causes.iter().map(Cause::with_field).collect();
                let list = match &list[..] {
                    [one] => one.clone(),
                    several => format!("[{}]", several.join(", ")),
                };
                let message = format!("ListOptions.meta.k8s.io \"\" is invalid: {list}");
                let details = about("", "meta.k8s.io", "ListOptions");
                Status::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
                    .with_details(Details { causes: causes.clone(), ..details })
            }
            // With details, though empty, because in the Go server the router answers this one.
            Self::NotProduced(names) => {
                let names = names.join(", ");
                let message = format!("406: Not Acceptable\n\nAvailable representations: {names}");
                Status::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
                    .with_details(Details::default())
            }
            Self::NotAcceptable(message) => {
                Status::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
            }
        }
    }
}

// === impl Cause ===

impl Cause {
    pub(crate) fn forbidden(field: &'static str, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", message: format!("Forbidden: {why}"), field }
    }

    pub(crate) fn unsupported(field: &'static str, value: &str, supported: &str) -> Self {
        let value = go::quoted(value);
        let message = format!("Unsupported value: {value}: supported values: {supported}");
        Self { reason: "FieldValueNotSupported", message, field }
    }

    fn with_field(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}

// === impl Status ===

impl Status {
    /// A failure.
    pub fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    /// The same, saying what it is about.
    #[must_use]
    pub fn with_details(self, details: Details) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The HTTP status that it is sent with.
    pub fn code(&self) -> StatusCode {
        self.code
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// As an object.
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.json()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        json::field(
            &mut out,
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"#,
            &self.message,
        );
        json::field(&mut out, ",\"reason\":", self.reason);
        if let Some(details) = &self.details {
            out.extend_from_slice(b",\"details\":");
            details.write_json(&mut out);
        }
        out.extend_from_slice(format!(",\"code\":{}}}", self.code.as_u16()).as_bytes());
        out
    }

    pub(crate) fn protobuf(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        protobuf::list_metadata(&mut out);
        protobuf::string(&mut out, 2, "Failure");
        protobuf::string(&mut out, 3, &self.message);
        protobuf::string(&mut out, 4, self.reason);
        if let Some(details) = &self.details {
            protobuf::message(&mut out, 5, |out| details.write_protobuf(out));
        }
        protobuf::number(&mut out, 6, self.code.as_u16().into());
        protobuf::document("v1", "Status", &out)
    }
}

// === impl Details ===

impl Details {
    /// Of an object, or all objects of a kind.
    pub fn about(name: &str, group: &str, kind: &str) -> Self {
        let causes = Vec::new();
        Self { name: name.to_owned(), group: group.to_owned(), kind: kind.to_owned(), causes }
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        let mut before = "{";
        let texts = [("name", &self.name), ("group", &self.group), ("kind", &self.kind)];
        for (name, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
            json::field(out, &format!("{before}\"{name}\":"), value);
            before = ",";
        }
        out.extend_from_slice(if before == "{" { b"{" } else { b"" });
        for (at, cause) in self.causes.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b",\"causes\":[" } else { b"," });
            json::field(out, "{\"reason\":", cause.reason);
            json::field(out, ",\"message\":", &cause.message);
            json::field(out, ",\"field\":", cause.field);
            out.push(b'}');
        }
        out.extend_from_slice(if self.causes.is_empty() { b"}" } else { b"]}" });
    }

    fn write_protobuf(&self, out: &mut Vec<u8>) {
        protobuf::string(out, 1, &self.name);
        protobuf::string(out, 2, &self.group);
        protobuf::string(out, 3, &self.kind);
        for cause in &self.causes {
            protobuf::message(out, 4, |out| {
                protobuf::string(out, 1, cause.reason);
                protobuf::string(out, 2, &cause.message);
                protobuf::string(out, 3, cause.field);
            });
        }
        protobuf::number(out, 5, 0);
        protobuf::string(out, 6, "");
    }
}
