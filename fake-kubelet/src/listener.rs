//! One address of a kubelet: listens there, closes the port during the fault `refuse`, and accepts
//! connections under the current policy.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use net::{Listener, Network};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    connection::ConnectionHandler,
    faults::{ActiveFaults, ConnectionFaults},
    handler::RequestHandler,
    tls,
};

/// How long until listening is tried again at an address that something else has taken.
const RETRY: Duration = Duration::from_secs(1);

/// How a kubelet treats connections, from some change on.
#[derive(Clone)]
pub(crate) struct ConnectionPolicy {
    /// Counts the changes.
    pub(crate) generation: u64,
    pub(crate) active_faults: Arc<ActiveFaults>,
    pub(crate) tls: Arc<tls::ConfigSet>,
}

/// One address of a kubelet, and the task that listens there until this is dropped.
pub(crate) struct KubeletListener {
    local: SocketAddr,
    /// The generation of the policy that is in force.
    observed_generation: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

struct ListenerTask {
    handler: Arc<RequestHandler>,
    network: Arc<dyn Network>,
    local: SocketAddr,
    policy: watch::Receiver<ConnectionPolicy>,
    observed_generation: watch::Sender<u64>,
}

// === impl KubeletListener ===

impl KubeletListener {
    pub(crate) async fn open(
        at: SocketAddr,
        network: Arc<dyn Network>,
        handler: Arc<RequestHandler>,
        policy: watch::Receiver<ConnectionPolicy>,
    ) -> io::Result<Self> {
        let listener = network.listen(at).await?;
        let local = listener.local();
        let (sender, observed_generation) = watch::channel(0);
        let task = ListenerTask { handler, network, local, policy, observed_generation: sender };
        let task = tokio::spawn(task.run(listener));
        let mut listener = Self { local, observed_generation, task };
        listener.wait_for(1).await;
        Ok(listener)
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Waits until the policy of this generation, or a later one, is in force.
    pub(crate) async fn wait_for(&mut self, generation: u64) {
        // An error would mean that the task has ended: nothing to wait for.
        let _ = self.observed_generation.wait_for(|observed| *observed >= generation).await;
    }

    /// Closes the port and all connections.
    pub(crate) async fn close(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for KubeletListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl ListenerTask ===

impl ListenerTask {
    async fn run(mut self, listener: Box<dyn Listener>) {
        let mut listener = Some(listener);
        loop {
            let policy = self.policy.borrow_and_update().clone();
            let ip = self.local.ip();
            let faults = policy.active_faults.for_listener(ip);
            if faults.refuse {
                listener = None;
            } else if listener.is_none() {
                listener = self.listen_again().await;
            }
            self.observed_generation.send_replace(policy.generation);
            let connections = ConnectionHandler {
                handler: Arc::clone(&self.handler),
                active_faults: Arc::clone(&policy.active_faults),
                tls: policy.tls,
                at: self.local,
            };
            tokio::select! {
                biased;
                changed = self.policy.changed() => if changed.is_err() {
                    return;
                },
                () = policy.active_faults.listener_changed(ip, &faults) => {}
                () = accept(&mut listener, &connections, &faults) => {}
            }
        }
    }

    async fn listen_again(&self) -> Option<Box<dyn Listener>> {
        match self.network.listen(self.local).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                let (node, at) = (&self.handler.name, self.local);
                tracing::warn!(node, %at, err = %error, "Failed to listen again, will retry");
                None
            }
        }
    }
}

/// Returns only when it is time to try to listen again.
async fn accept(
    listener: &mut Option<Box<dyn Listener>>,
    connections: &ConnectionHandler,
    faults: &ConnectionFaults,
) {
    match listener {
        _ if faults.refuse => std::future::pending().await,
        None => tokio::time::sleep(RETRY).await,
        Some(listener) => connections.accept_all(&mut **listener).await,
    }
}
