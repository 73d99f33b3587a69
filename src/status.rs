//! The pages about the server itself: `/healthz`, `/livez`, `/readyz`, `/version`, `/metrics`,
//! `/statusz` and `/flagz`.

mod build;
mod health;
mod pages;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, header},
    routing::{MethodRouter, any, get},
};

use crate::{cluster::Cluster, metrics::Telemetry, scrape::Scrapes, store::Store};

pub use self::build::{Build, short_version};

/// What the pages are made from.
#[derive(Clone)]
pub struct Sources {
    /// The server's own metrics.
    pub telemetry: Arc<Telemetry>,
    /// Nodes and pods, as the API server lists them.
    pub cluster: Arc<Cluster>,
    /// Their usage.
    pub store: Arc<Store>,
    /// The scrape health of nodes.
    pub scrapes: Arc<Scrapes>,
}

/// As with the Go server, none of these pages may be cached.
const NO_CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache, private");
const PLAIN_TEXT: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");

/// Every path with its handler. Authorization is up to the filters around them.
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
