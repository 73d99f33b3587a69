//! The names under which this server is known to others.

/// The API group it serves.
pub(crate) const GROUP: &str = "metrics.k8s.io";

/// Its `User-Agent` in requests to the API server and to kubelets.
pub(crate) const USER_AGENT: &str = concat!("metrics-server/", env!("CARGO_PKG_VERSION"));
