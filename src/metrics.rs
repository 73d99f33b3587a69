//! The server's own metrics: their families, what is recorded in them, and the middleware that
//! counts requests and panics.

mod buckets;
mod families;
mod files;
mod process;
mod requests;
mod telemetry;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};

pub use self::{files::FileMetrics, telemetry::Telemetry};

/// Counts and times the requests that `router` answers.
pub fn observed(router: Router, telemetry: Arc<Telemetry>) -> Router {
    router.layer(from_fn_with_state(telemetry, requests::observe))
}

/// Answers 500 where a handler or a filter of `router` panics, and counts the panic.
pub fn contained(router: Router, telemetry: Arc<Telemetry>) -> Router {
    router.layer(from_fn_with_state(telemetry, requests::contain))
}
