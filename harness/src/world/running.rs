use tokio::task::JoinHandle;

/// A task that is cut off when dropped.
pub(super) struct Running(JoinHandle<()>);

// === impl Running ===

impl Running {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Cuts it off; what it held is free when this returns.
    pub(super) async fn stop(mut self) {
        self.0.abort();
        drop((&mut self.0).await);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
