//! A Kubernetes client over the doors of `net`, with the timeouts, token files and backoff of
//! client-go.

mod backoff;
mod body_timeout;
mod client;
mod retry_after;
mod tls;
mod token;
mod watch_error;

pub use self::{
    backoff::Backoff,
    client::{ApiClient, ApiClientError, api_client},
    tls::{TlsOptionsError, tls_options},
    token::BearerToken,
    watch_error::{explain, report},
};
