//! The Host header of HTTP/1.1, as RFC 9112 (section 3.2) and Go's net/http have it: a request that
//! two servers could read differently is not answered.

use axum::body::Body;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};

/// The refusal of a request without a Host header, with several, or with a malformed one.
pub(super) fn check<B>(request: &Request<B>) -> Option<Response<Body>> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let message = match first {
        _ if second.is_some() => "too many Host headers",
        // HTTP/1.0 knows none, and HTTP/2 has `:authority`.
        None if request.version() == Version::HTTP_11 => "missing required Host header",
        Some(host) if !host.as_bytes().iter().copied().all(is_allowed) => "malformed Host header",
        _ => return None,
    };
    let mut response = Response::new(Body::from(format!("400 Bad Request: {message}")));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if request.version() < Version::HTTP_2 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Some(response)
}

/// What may stand in a host and port, RFC 3986: sub-delimiters and the brackets of IPv6 too.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(&byte)
}
