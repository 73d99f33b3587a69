//! Authentication and authorization of a metrics server from outside: over TLS, with an API server
//! behind it.

#[allow(clippy::unwrap_used, reason = "all of it is tests")]
mod access {
    mod another_api;
    mod audit;
    mod authorization;
    mod certificates;
    mod front_proxy;
    mod guarded;
    mod impersonation;
    mod in_flight;
    mod large_headers;
    mod reviews;
    mod rotation;
    mod serving;
    mod start;
    mod support;
    mod tokens;
}
