//! A task that ends with the value that holds it.

use tokio::task::JoinHandle;

/// A task that is aborted when this is dropped.
pub(super) struct Task(JoinHandle<()>);

// === impl Task ===

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Aborts it; what it held is free when this returns.
    pub(super) async fn stop(mut self) {
        self.0.abort();
        // The error is that it was aborted.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
