//! The API server as its clients see it: through its router, with kube's watcher, with `kubectl`.

#[allow(
    clippy::unwrap_used,
    clippy::assigning_clones,
    clippy::format_push_string,
    clippy::print_stdout,
    reason = "all of it is tests"
)]
mod api_server {
    mod access;
    mod aggregation;
    mod discovery;
    mod kube_client;
    mod kubectl;
    mod pki;
    mod reading;
    mod support;
    mod watching;
    mod writing;
}
