//! Where a scenario runs.

mod bench_cluster;
mod changes;
mod clients;
mod cluster;
mod describe;
mod error;
mod files;
mod front_proxy;
mod identities;
mod loopback;
mod network;
mod objects;
mod pod_dns;
mod server_under_test;
mod simulated;
mod task;
mod token;

pub(crate) use self::{
    bench_cluster::{BenchCluster, CERTIFICATE, KEY, KUBECONFIG, TOKEN},
    identities::is_metrics_server,
};
pub use self::{
    clients::ClientIdentity,
    error::WorldError,
    loopback::{AddressError, Loopback},
    simulated::Simulated,
};
