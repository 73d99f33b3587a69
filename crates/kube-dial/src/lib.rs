//! A Kubernetes client over the doors of `net`, with the timeouts, token files and backoff of
//! client-go.

mod backoff;
mod body_timeout;
mod client;
mod retry_after;
mod token;
mod watch_error;

pub use self::{
    backoff::Backoff,
    client::{ApiClient, ApiClientError, api_client},
    token::BearerToken,
    watch_error::{explain, report},
};
