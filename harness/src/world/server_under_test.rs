//! The metrics server under test in the simulated world. The harness uses the `metrics-server`
//! crate only here: what surrounds and tests the server does not depend on it.

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use k8s_text::klog::Klog;
use kube::Config;
use metrics_server::{
    check,
    flags::{FlagError, Flags},
    kubeconfigs,
    scrape::Cycles,
    server::Server,
    store::{Span, Store, Usage},
};
use net::{Doors, dns::Resolver};
use tokio::sync::watch;
use tracing::{
    instrument::WithSubscriber,
    subscriber::{DefaultGuard, NoSubscriber, with_default},
};
use tracing_subscriber::layer::SubscriberExt;

use super::task::Task;
use crate::expected_usage::{Amount, Comparer, Reported, Subject};

/// What a server is started with.
pub(super) struct Start {
    pub(super) args: Vec<String>,
    pub(super) doors: Doors,
    pub(super) resolver: Resolver,
    /// Of the API server, where no flag names a kubeconfig.
    pub(super) config: Config,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Takes each line that it logs.
    pub(super) log: Arc<dyn Fn(&str) + Send + Sync>,
}

/// How a server ended.
pub(super) enum End {
    /// After [`ServerUnderTest::terminate`].
    Terminated,
    /// It ended without being stopped, and why.
    Failed(String),
}

/// A server that runs.
pub(super) struct ServerUnderTest {
    task: Task,
    stop: watch::Sender<bool>,
    cycles: watch::Receiver<Cycles>,
    resolution: Duration,
    store: Arc<Store>,
    comparison: Option<Task>,
    _log: DefaultGuard,
}

/// What is wrong with these flags of the server.
pub(crate) fn flag_mistakes(args: &[String]) -> Vec<String> {
    match Flags::parse_from_args(args.iter().cloned()) {
        Ok(_) => Vec::new(),
        Err(FlagError::Invalid(mistakes)) => mistakes,
        Err(error) => vec![error.to_string()],
    }
}

/// `--secure-port`, of flags without a mistake.
pub(super) fn secure_port(args: &[String]) -> Option<u16> {
    Flags::parse_from_args(args.iter().cloned()).ok().map(|flags| flags.serving.secure_port)
}

/// What the program does with `--check`: its exit code, and what it prints.
pub(super) async fn check(start: Start) -> (u8, String) {
    let checked = async {
        let flags = Flags::parse_from_args(start.args).map_err(|error| error.to_string())?;
        let configs = kubeconfigs::read(&flags, || Ok(start.config.clone()));
        let configs = configs.map_err(|error| error.to_string())?;
        let checked = check::check(&flags, &configs, &start.doors, &start.resolver, None);
        Box::pin(checked).await.map_err(|error| error.to_string())
    };
    // The log is that of the server that runs.
    match checked.with_subscriber(NoSubscriber::default()).await {
        Ok(report) => (u8::from(!report.is_ok()), report.to_string()),
        Err(error) => (2, format!("Error: {error}")),
    }
}

// === impl ServerUnderTest ===

impl ServerUnderTest {
    /// Starts a server, or returns why it refuses to start. `ended` is called when it ends.
    pub(super) fn start(
        start: Start,
        ended: impl FnOnce(End) + Send + 'static,
    ) -> Result<Self, String> {
        let Start { args, doors, resolver, config, address, log } = start;
        // It has no disk of its own to keep a certificate on.
        let args = std::iter::once("--cert-dir=".to_owned()).chain(args);
        let flags = Flags::parse_from_args(args).map_err(|error| error.to_string())?;
        let klog = Klog::new(doors.clock.clone(), 1, flags.logging.settings(), log);
        let configs = kubeconfigs::read(&flags, || Ok(config.clone()));
        let configs = configs.map_err(|error| error.to_string())?;
        let server = Server::new(&flags, &configs, doors, resolver, Some(address))
            .map_err(|error| error.to_string())?;
        let log = tracing::subscriber::set_default(tracing_subscriber::registry().with(klog));
        let (cycles, store) = (server.cycles(), server.store());
        let (stop, stopped) = watch::channel(false);
        let task = Task::spawn(async move {
            let terminated = stopped.clone();
            let result = AssertUnwindSafe(Box::pin(server.run(stopped))).catch_unwind().await;
            ended(match result {
                Ok(Ok(())) if *terminated.borrow() => End::Terminated,
                Ok(Ok(())) => End::Failed("it ended by itself".to_owned()),
                Ok(Err(error)) => End::Failed(error.to_string()),
                Err(_) => End::Failed("it panicked".to_owned()),
            });
        });
        let resolution = flags.metrics_server.metric_resolution;
        Ok(Self { task, stop, cycles, resolution, store, comparison: None, _log: log })
    }

    /// `--metric-resolution`.
    pub(super) fn resolution(&self) -> Duration {
        self.resolution
    }

    /// Waits until this many cycles have ended that have not begun yet.
    pub(super) async fn wait_for_cycles(&mut self, cycles: u32) -> bool {
        let target = self.cycles.borrow().begun + u64::from(cycles);
        self.cycles.wait_for(|cycles| cycles.ended >= target).await.is_ok()
    }

    /// Hands over what the server reports after each cycle, from its memory: the server does not
    /// notice.
    pub(super) fn compare(&mut self, comparer: Comparer) {
        let (mut cycles, store) = (self.cycles.clone(), Arc::clone(&self.store));
        self.comparison = Some(Task::spawn(async move {
            let mut ended = cycles.borrow().ended;
            while cycles.changed().await.is_ok() {
                let now = cycles.borrow_and_update().ended;
                if now > ended {
                    ended = now;
                    // What the store logs because of this is not the server's log.
                    with_default(NoSubscriber::default(), || {
                        comparer.take(|subject| reported(&store, subject));
                    });
                }
            }
        }));
    }

    /// Sends SIGTERM, as it were.
    pub(super) fn terminate(&self) {
        self.stop.send_replace(true);
    }

    /// Ends it at once.
    pub(super) async fn stop(self) {
        self.task.stop().await;
    }
}

fn reported(store: &Store, subject: &Subject) -> Option<Reported> {
    let Some(name) = &subject.container else {
        let node = store.node(&subject.node)?;
        return Some(report(node.span, node.usage));
    };
    let pod = store.pod(&name.namespace, &name.pod)?;
    let container = pod.containers.iter().find(|container| *container.name == *name.container)?;
    Some(report(pod.span?, container.usage))
}

fn report(Span { end, window }: Span, usage: Usage) -> Reported {
    let whole = |value: i128| u64::try_from(value.max(0)).unwrap_or(u64::MAX);
    let amount = Amount { cpu: whole(usage.cpu.nanos()), memory: whole(usage.memory.units()) };
    Reported { timestamp: end, window, amount }
}
