//! The `Audit-ID` of each request: the client's own, or a new one. Each response has it.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use net::Random;

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// Gives each request that `router` gets an ID, where it has none.
pub(crate) fn identified(router: Router, random: &Random) -> Router {
    // A sequence of its own: a client's requests must not change when nodes are scraped.
    router.layer(from_fn_with_state(random.apart(), identify))
}

/// The ID of a request that has been given one.
pub(super) fn of(headers: &HeaderMap) -> String {
    let id = headers.get(AUDIT_ID).map_or(&[][..], HeaderValue::as_bytes);
    String::from_utf8_lossy(id).into_owned()
}

async fn identify(State(random): State<Random>, mut request: Request, next: Next) -> Response {
    let own = request.headers().get(AUDIT_ID).filter(|id| !id.is_empty()).cloned();
    let Some(id) = own.or_else(|| HeaderValue::try_from(uuid(&random)).ok()) else {
        return next.run(request).await;
    };
    request.headers_mut().insert(AUDIT_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().entry(AUDIT_ID).or_insert(id);
    response
}

/// A random UUID (RFC 9562, version 4).
fn uuid(random: &Random) -> String {
    let parts: [u16; 8] = std::array::from_fn(|_| random.u16());
    let (version, variant) = (parts[3] & 0x0fff | 0x4000, parts[4] & 0x3fff | 0x8000);
    let [first, second, third, .., sixth, seventh, eighth] = parts;
    format!(
        "{first:04x}{second:04x}-{third:04x}-{version:04x}-{variant:04x}-{sixth:04x}{seventh:04x}{eighth:04x}"
    )
}
