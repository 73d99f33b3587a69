//! Pages for people, such as `/flagz`, that programs can have as objects of `config.k8s.io`, as in
//! Kubernetes 1.36 (`k8s.io/apiserver/pkg/server/flagz`).

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    accept::{Clause, clauses},
    encode::{pretty::Pretty, yaml},
    negotiate::Media,
    response::typed,
    status::Failure,
};

const GROUP: &str = "config.k8s.io";

/// Versions of the group, and whether each is deprecated.
const VERSIONS: [(&str, bool); 2] = [("v1beta1", false), ("v1alpha1", true)];

const TEXT: &str = "text/plain";

/// The same as a page's text, for programs.
#[derive(Clone, Debug)]
pub struct PageObject {
    /// The kind of object, such as `Flagz`.
    pub kind: &'static str,
    /// The component that the page is about.
    pub name: &'static str,
    /// The field that holds the page's content.
    pub field: (&'static str, Value),
}

/// The form that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Object { media: Media, pretty: bool, version: &'static str, is_deprecated: bool },
}

/// Answers a request for a page: with its text, or its object where the client accepts that group,
/// version and kind (`application/json;g=config.k8s.io;v=v1beta1;as=Flagz`), or 406.
pub fn respond(
    headers: &HeaderMap,
    object: Option<PageObject>,
    text: impl FnOnce() -> String,
) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let kind = object.as_ref().map(|object| object.kind);
    match (choose(accept.unwrap_or_default(), kind), object) {
        (Some(Form::Object { media, pretty, version, is_deprecated }), Some(object)) => {
            let (field, value) = object.field;
            let document = json!({
                "kind": object.kind,
                "apiVersion": format!("{GROUP}/{version}"),
                "metadata": {"name": object.name},
                field: value,
            });
            let mut json = document.to_string().into_bytes();
            let body = match media {
                Media::Yaml => yaml::document(&json),
                _ if pretty => Pretty::document(&json),
                _ => {
                    json.push(b'\n');
                    json
                }
            };
            let mut response = typed(StatusCode::OK, media.name(), false, Body::from(body));
            if is_deprecated {
                let page = object.kind.to_ascii_lowercase();
                let warning = format!(
                    "299 - \"This version of the {page} endpoint is deprecated. Please use a newer version.\""
                );
                response.headers_mut().extend(
                    HeaderValue::try_from(warning).ok().map(|warning| (header::WARNING, warning)),
                );
            }
            response
        }
        (Some(_), _) => {
            typed(StatusCode::OK, "text/plain; charset=utf-8", false, Body::from(text()))
        }
        (None, _) => {
            let objects = kind.map_or("", |_| "application/json, application/yaml, ");
            let message = format!("only the following media types are accepted: {objects}{TEXT}");
            let status = Failure::NotAcceptable(message).status();
            let body = Pretty::document(status.value().to_string().as_bytes());
            typed(status.code(), "application/json", false, Body::from(body))
        }
    }
}

/// The form that a client with this `Accept` header accepts of a page whose object has this kind.
fn choose(accept: &str, kind: Option<&str>) -> Option<Form> {
    if accept.trim().is_empty() {
        return Some(Form::Text);
    }
    clauses(accept).iter().filter(|clause| clause.parameter("stream").is_none()).find_map(
        |clause| match wanted(clause) {
            Some((GROUP, version, wanted)) if Some(wanted) == kind => {
                let media = [Media::Json, Media::Yaml].into_iter().find(|it| it.fits(clause))?;
                let (version, is_deprecated) =
                    VERSIONS.into_iter().find(|(known, _)| *known == version)?;
                let pretty = clause.parameter("pretty") == Some("1");
                Some(Form::Object { media, pretty, version, is_deprecated })
            }
            Some(_) => None,
            None => {
                matches!((clause.kind, clause.subtype), ("*" | "text", "*") | ("text", "plain"))
                    .then_some(Form::Text)
            }
        },
    )
}

/// The group, version and kind that a client wants.
fn wanted<'a>(clause: &Clause<'a>) -> Option<(&'a str, &'a str, &'a str)> {
    let [group, version, kind] = ["g", "v", "as"].map(|name| clause.parameter(name));
    let is_any = group.or(version).or(kind).is_some();
    is_any
        .then(|| (group.unwrap_or_default(), version.unwrap_or_default(), kind.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(media: Media, version: &'static str) -> Form {
        let is_deprecated = version == "v1alpha1";
        Form::Object { media, pretty: false, version, is_deprecated }
    }

    #[test]
    fn pages_are_negotiated_as_the_framework_does() {
        let flagz = |media: &str, rest: &str| format!("{media};g=config.k8s.io;as=Flagz;{rest}");
        let cases = [
            (String::new(), Some(Form::Text)),
            ("*/*".to_owned(), Some(Form::Text)),
            ("text/*".to_owned(), Some(Form::Text)),
            ("text/html,text/plain;q=0.1".to_owned(), Some(Form::Text)),
            (flagz("application/json", "v=v1beta1"), Some(object(Media::Json, "v1beta1"))),
            (flagz("application/yaml", "v=v1beta1"), Some(object(Media::Yaml, "v1beta1"))),
            (flagz("application/*", "v=v1alpha1"), Some(object(Media::Json, "v1alpha1"))),
            (flagz("*/*", "v=v1beta1"), Some(object(Media::Json, "v1beta1"))),
            (flagz("application/json", "v=v1") + ",text/plain", Some(Form::Text)),
            // Without group, version and kind there is nothing to be had in JSON.
            ("application/json".to_owned(), None),
            ("application/yaml".to_owned(), None),
            ("application/*".to_owned(), None),
            ("text/html".to_owned(), None),
            (flagz("application/json", "v=v1"), None),
            (flagz("application/vnd.kubernetes.protobuf", "v=v1beta1"), None),
            (flagz("text/plain", "v=v1beta1"), None),
            (flagz("application/json", "v=v1beta1;stream=watch"), None),
            ("application/json;g=apps;v=v1beta1;as=Flagz".to_owned(), None),
        ];
        for (accept, expected) in cases {
            assert_eq!(choose(&accept, Some("Flagz")), expected, "{accept}");
        }
        assert_eq!(choose(&flagz("application/json", "v=v1beta1"), None), None);
    }
}
