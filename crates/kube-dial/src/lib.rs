//! A Kubernetes client over the doors of `net`, with the timeouts, token files and backoff of
//! client-go.

mod backoff;
mod body_timeout;
mod client;
mod credentials;
mod exec;
mod kubeconfig;
mod retry_after;
mod tls;
mod watch_error;

pub use self::{
    backoff::Backoff,
    client::{ApiClient, ApiClientError, api_client, api_client_with, proxy},
    credentials::Credentials,
    exec::ExecError,
    kubeconfig::{KubeconfigFileError, read_context, read_kubeconfig},
    tls::{TlsOptionsError, tls_options},
    watch_error::{explain, report},
};
