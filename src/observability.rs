//! What the server tells of itself: health, version, status, flags in force, own metrics.

mod buckets;
mod build;
mod families;
mod health;
mod pages;
mod process;
mod requests;
mod telemetry;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, header},
    middleware::from_fn_with_state,
    routing::{MethodRouter, any, get},
};

use crate::{cluster::Cluster, scrape::Scrapes, store::Store};

pub use self::{
    build::{Build, USER_AGENT, short_version},
    telemetry::Telemetry,
};

/// What these requests are answered from.
#[derive(Clone)]
pub struct Sources {
    /// What the server has seen of itself.
    pub telemetry: Arc<Telemetry>,
    /// Which nodes and pods there are.
    pub cluster: Arc<Cluster>,
    /// What they use.
    pub store: Arc<Store>,
    /// How their scraping goes.
    pub scrapes: Arc<Scrapes>,
}

/// As the Go server: nothing that it says of itself may be kept.
const NO_CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache, private");
const PLAIN_TEXT: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");

/// Every path with what answers there: `/healthz`, `/livez` and `/readyz` with their single checks,
/// `/version`, `/metrics`, `/statusz` and `/flagz`. Whether these may be read is for what is
/// around them to judge.
pub fn routes(sources: &Sources) -> Vec<(String, MethodRouter)> {
    let page = |path: &str, handler: MethodRouter<Sources>| (path.to_owned(), handler);
    let pages = [
        page("/version", get(pages::version)),
        page("/metrics", any(pages::metrics)),
        page("/statusz", get(pages::statusz)),
        page("/flagz", get(pages::flagz)),
    ];
    let all = health::routes().chain(pages);
    all.map(|(path, handler)| (path, handler.with_state(sources.clone()))).collect()
}

/// All of [`routes`] as one router.
pub fn router(sources: &Sources) -> Router {
    let routes = routes(sources).into_iter();
    routes.fold(Router::new(), |router, (path, handler)| router.route(&path, handler))
}

/// Counts and times the requests that `router` answers.
pub fn observed(router: Router, telemetry: Arc<Telemetry>) -> Router {
    router.layer(from_fn_with_state(telemetry, requests::observe))
}

/// Has a panic of `router`, or of what it has before those who answer, cost no more than one answer,
/// and counts it.
pub fn contained(router: Router, telemetry: Arc<Telemetry>) -> Router {
    router.layer(from_fn_with_state(telemetry, requests::contain))
}
