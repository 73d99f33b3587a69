//! `metrics.k8s.io` over HTTP: discovery, objects, errors.

mod discovery;
mod objects;
mod resources;
mod status;

use std::sync::Arc;

use axum::{Router, routing::get};

use crate::{cluster::Cluster, doors::Clock, store::Store};

/// Group and version of the API.
pub const GROUP: &str = "metrics.k8s.io";
/// The version served.
pub const VERSION: &str = "v1beta1";

/// What requests are answered from.
#[derive(Clone)]
pub struct Sources {
    /// Which nodes and pods there are.
    pub cluster: Arc<Cluster>,
    /// What they use.
    pub store: Arc<Store>,
    /// What time it is.
    pub clock: Clock,
}

/// The server's HTTP interface.
pub fn router(sources: Sources) -> Router {
    let base = "/apis/metrics.k8s.io/v1beta1";
    Router::new()
        .route("/apis", get(discovery::groups))
        .route("/apis/metrics.k8s.io", get(discovery::group))
        .route(base, get(discovery::resources))
        .route(&format!("{base}/nodes"), get(resources::list_nodes))
        .route(&format!("{base}/nodes/{{name}}"), get(resources::get_node))
        .route(&format!("{base}/pods"), get(resources::list_pods))
        .route(
            &format!("{base}/namespaces/{{namespace}}/pods"),
            get(resources::list_namespace_pods),
        )
        .route(&format!("{base}/namespaces/{{namespace}}/pods/{{name}}"), get(resources::get_pod))
        .method_not_allowed_fallback(async || status::Failure::MethodNotAllowed)
        .fallback(async || status::Failure::UnknownPath)
        .with_state(sources)
}
