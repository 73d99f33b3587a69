//! A Kubernetes client over the doors of `net`, with the timeouts, token files and backoff of
//! client-go.

mod backoff;
mod body_timeout;
mod client;
mod exec;
mod kubeconfig;
mod retry_after;
mod tls;
mod token;
mod watch_error;

pub use self::{
    backoff::Backoff,
    client::{ApiClient, ApiClientError, api_client, api_client_with_token},
    exec::ExecError,
    kubeconfig::{KubeconfigFileError, read_kubeconfig},
    tls::{TlsOptionsError, tls_options},
    token::BearerToken,
    watch_error::{explain, report},
};
