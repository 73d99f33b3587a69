//! Where a scenario runs.

mod addresses;
mod bench_cluster;
mod changes;
mod clients;
mod cluster;
mod describe;
mod error;
mod files;
mod front_proxy;
mod identities;
mod installed;
mod loopback;
mod moved_times;
mod name_server;
mod network;
mod objects;
mod pod_dns;
mod sandbox;
mod server_under_test;
mod simulated;
mod task;
mod token;

use std::time::Duration;

use async_trait::async_trait;
use kube::Client;
use net::Clock;

pub(crate) use self::{
    bench_cluster::{BenchCluster, CERTIFICATE, KEY, KUBECONFIG, TOKEN},
    identities::is_metrics_server,
    sandbox::{FileClock, Sandbox, become_server, skip_reason},
    server_under_test::flag_mistakes,
};
pub use self::{
    clients::ClientIdentity,
    error::WorldError,
    loopback::{AddressError, Loopback},
    sandbox::SandboxOptions,
    simulated::Simulated,
};
use self::{clients::Clients, cluster::Cluster};
use crate::{
    events::Timeline,
    expected_usage::Comparison,
    file::format::{Asker, Change, TopExpectation},
    top::{self, Printed},
};

/// A cluster with a metrics server in it, as the steps of a scenario change it and its expectations
/// query it.
#[async_trait(?Send)]
pub(crate) trait World {
    /// All but the metrics server.
    fn cluster(&self) -> &Cluster;

    /// The client that sends the request.
    fn clients(&self) -> &Clients;

    /// Waits until the metrics server has ended this many cycles that have not begun yet. False
    /// when it does not within `limit`, or does not run.
    async fn cycles(&mut self, cycles: u32, limit: Duration) -> bool;

    /// The time between the metrics server's cycles; zero where it does not run.
    fn resolution(&self) -> Duration;

    /// Applies a step's change.
    async fn change(&mut self, change: &Change) -> Result<(), WorldError>;

    /// From now on compares reported with expected usage after each cycle, where it can.
    fn compare_usage(&mut self) {}

    /// The result of [`Self::compare_usage`].
    fn usage(&self) -> Comparison {
        Comparison::default()
    }

    /// How long changes that should be immediate take.
    fn moment(&self) -> Duration {
        Duration::from_millis(1)
    }

    /// How late expectations may hold.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// The file's clock beside the machine's, where time is real.
    fn file_clock(&self) -> Option<FileClock> {
        None
    }

    /// Runs the metrics server once more, with its flags and `--check`: its exit code, and what it
    /// prints.
    async fn check_server(&self) -> Result<(u8, String), String> {
        Err("--check is not run in this world".to_owned())
    }

    /// What `kubectl top` prints.
    async fn top(&self, wanted: &TopExpectation) -> Printed {
        top::print(&self.clients().admin, wanted, self.clock().now()).await
    }

    /// Everything that has happened.
    fn timeline(&self) -> &Timeline {
        self.cluster().timeline()
    }

    /// What time it is.
    fn clock(&self) -> &Clock {
        &self.cluster().environment.clock
    }

    /// The client of an expectation: of the metrics server itself if `directly`, else of the API
    /// server.
    fn client_of(&self, asker: Option<&Asker>, directly: bool) -> Result<Client, WorldError> {
        self.clients().of(self.cluster(), asker, directly)
    }

    /// A client that may read the metrics server's own metrics.
    fn metrics_client(&self) -> Result<Client, WorldError> {
        self.clients().metrics(self.cluster())
    }
}
