//! CORS: the origins whose pages may read responses, with the headers of the API server's library.

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tower::ServiceExt;

use super::Origin;

/// What a page of an allowed origin may do.
const ALLOWED: [(HeaderName, HeaderValue); 4] = [
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST, GET, OPTIONS, PUT, DELETE, PATCH"),
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since",
        ),
    ),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Date")),
    (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")),
];

/// Allows pages of these origins to call `router`, and answers their preflight requests.
pub(super) fn allowing(origins: &[Origin], router: Router) -> Router {
    if origins.is_empty() {
        return router;
    }
    let origins = origins.to_vec();
    Router::new().fallback(move |request: Request| {
        let origin = allowed(&origins, &request);
        let router = router.clone();
        async move { answer(origin, router, request).await }
    })
}

fn allowed(origins: &[Origin], request: &Request) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let text = origin.to_str().ok().filter(|text| !text.is_empty())?;
    origins.iter().any(|pattern| pattern.matches(text)).then(|| origin.clone())
}

async fn answer(origin: Option<HeaderValue>, router: Router, request: Request) -> Response {
    let Some(origin) = origin else { return router.oneshot(request).await.into_response() };
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        router.oneshot(request).await.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.extend(ALLOWED);
    response
}
