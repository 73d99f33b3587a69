//! Background tasks, which run as long as the server.

use std::{panic::AssertUnwindSafe, sync::Arc};

use diagnosis::Cause;
use futures::{FutureExt, future::BoxFuture};
use kube_dial::Backoff;
use net::Random;
use tokio::time::sleep;

use crate::metrics::Telemetry;

/// Catches panics of background tasks, counts them and starts the task again with backoff.
pub(crate) struct Supervisor {
    telemetry: Arc<Telemetry>,
    random: Random,
}

// === impl Supervisor ===

impl Supervisor {
    /// Panics are counted by `telemetry`.
    pub(crate) fn new(telemetry: Arc<Telemetry>, random: Random) -> Self {
        Self { telemetry, random }
    }

    /// Runs `work` on `state` until it returns. After a panic it is run again, each time after a
    /// longer wait.
    pub(crate) async fn keep<S>(
        &self,
        task: &'static str,
        mut state: S,
        work: impl for<'s> Fn(&'s mut S) -> BoxFuture<'s, ()>,
    ) {
        let mut backoff = Backoff::new(self.random.clone());
        // A state that a panic left half changed is safe: lists, files and cycles are always read as
        // a whole.
        while AssertUnwindSafe(work(&mut state)).catch_unwind().await.is_err() {
            self.telemetry.panicked(task);
            let wait = backoff.next().unwrap_or_default();
            tracing::error!(
                task,
                again_in = ?wait,
                cure = Cause::Panic.cure(),
                "A task panicked, starting it again"
            );
            sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use net::Clock;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn panics_are_counted_and_tasks_start_again_with_backoff() {
        let telemetry = Telemetry::new(Clock::system(), Duration::from_mins(1), [].into()).unwrap();
        let telemetry = Arc::new(telemetry);
        let supervisor = Supervisor::new(telemetry.clone(), Random::seeded(1));
        let mut begun = Vec::new();
        let start = Instant::now();
        supervisor
            .keep("test", &mut begun, |begun| {
                Box::pin(async {
                    begun.push(start.elapsed());
                    assert!(begun.len() > 4, "a mistake");
                })
            })
            .await;
        let waits: Vec<_> = begun.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        for (at, wait) in waits.iter().enumerate() {
            let least = Duration::from_millis(800) * 2u32.pow(u32::try_from(at).unwrap());
            assert!((least..least * 2 + Duration::from_millis(1)).contains(wait), "{waits:?}");
        }
        assert_eq!(waits.len(), 4);
        let metrics = telemetry.metrics().unwrap();
        assert!(metrics.contains("metrics_server_panics_total{task=\"test\"} 4"), "{metrics}");
    }
}
