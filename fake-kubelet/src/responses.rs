//! Forms of a kubelet's responses, and its error responses.

use bytes::Bytes;
use cluster_format::BodyFault;
use http::{
    HeaderValue, Response, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS},
    request::Parts,
};

use crate::faults::{RequestFaults, body::corrupt};

const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON_TYPE: HeaderValue = HeaderValue::from_static("application/json");

fn response(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

pub(crate) fn json(body: impl Into<Bytes>) -> Response<Bytes> {
    response(StatusCode::OK, JSON_TYPE, body.into())
}

pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    response(status, TEXT_TYPE, text.into())
}

pub(crate) fn fail(status: u16, faults: &RequestFaults) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match faults.body {
        Some(fault @ (BodyFault::Garbage | BodyFault::Empty)) => text(status, corrupt(fault, "")),
        _ => text(status, format!("{}\n", status.canonical_reason().unwrap_or_default())),
    }
}

pub(crate) fn redirect(location: &str, faults: &RequestFaults) -> Response<Bytes> {
    let mut response = fail(faults.status.unwrap_or(StatusCode::FOUND.as_u16()), faults);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

pub(crate) fn apply_header_faults(response: &mut Response<Bytes>, faults: &RequestFaults) {
    let named = faults.content_type.as_ref().map(|name| HeaderValue::from_str(name));
    if let Some(Ok(name)) = named {
        response.headers_mut().insert(CONTENT_TYPE, name);
    }
}

/// Go's text of a 404.
pub(crate) fn not_found() -> Response<Bytes> {
    nosniff(text(StatusCode::NOT_FOUND, "404 page not found\n"))
}

pub(crate) fn nosniff(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// go-restful's answer, which routes some paths, where there is no route.
pub(crate) fn no_route() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, "404: Page Not Found")
}

/// go-restful's answer where the route takes other methods, or the client does not accept JSON;
/// `None` where both fit.
pub(crate) fn unsupported(request: &Parts, methods: &'static str) -> Option<Response<Bytes>> {
    if !methods.split(", ").any(|method| request.method == *method) {
        let mut response = Response::new("405: Method Not Allowed".into());
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
        response.headers_mut().insert(CONTENT_TYPE, TEXT_TYPE);
        return Some(response);
    }
    let accept = request.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let takes_json = accept.unwrap_or_default().split(',').any(|kind| {
        let name = kind.split(';').next().unwrap_or_default().trim();
        name.is_empty() || name == "*/*" || name == "application/json"
    });
    let says = "406: Not Acceptable\n\nAvailable representations: application/json";
    (!takes_json).then(|| text(StatusCode::NOT_ACCEPTABLE, says))
}
