use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use metrics_server::doors::{Listener, Network};
use rustls::ServerConfig;
use tokio::{sync::watch, task::JoinHandle};

use crate::{answers::Answers, faults::Faults, visitors::Visitors};

/// After so long it is tried again to listen where something else listens now.
const RETRY: Duration = Duration::from_secs(1);

/// How a kubelet treats those who connect, from some change on.
#[derive(Clone)]
pub(crate) struct Conduct {
    /// Counts the changes.
    pub(crate) generation: u64,
    pub(crate) manner: Manner,
    pub(crate) tls: Arc<ServerConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Serve,
    Silence,
    Refuse,
}

/// One address of a kubelet, and the task that listens there until this is dropped.
pub(crate) struct Entrance {
    local: SocketAddr,
    /// The generation of conduct it has taken on.
    taken_on: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

struct Attendant {
    answers: Arc<Answers>,
    network: Arc<dyn Network>,
    local: SocketAddr,
    conduct: watch::Receiver<Conduct>,
    taken_on: watch::Sender<u64>,
}

// === impl Manner ===

impl Manner {
    pub(crate) fn of(faults: &Faults) -> Self {
        match faults {
            Faults { refuse: true, .. } => Self::Refuse,
            Faults { silence: true, .. } => Self::Silence,
            _ => Self::Serve,
        }
    }
}

// === impl Entrance ===

impl Entrance {
    pub(crate) async fn open(
        at: SocketAddr,
        network: Arc<dyn Network>,
        answers: Arc<Answers>,
        conduct: watch::Receiver<Conduct>,
    ) -> io::Result<Self> {
        let listener = network.listen(at).await?;
        let local = listener.local();
        let (sender, taken_on) = watch::channel(0);
        let attendant = Attendant { answers, network, local, conduct, taken_on: sender };
        let mut entrance = Self { local, taken_on, task: tokio::spawn(attendant.attend(listener)) };
        entrance.take_on(1).await;
        Ok(entrance)
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Waits until this conduct, or a later one, is taken on.
    pub(crate) async fn take_on(&mut self, generation: u64) {
        // An error would mean that the task is gone: nothing to wait for.
        let _ = self.taken_on.wait_for(|taken_on| *taken_on >= generation).await;
    }

    /// Closes the port and all connections.
    pub(crate) async fn close(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Attendant ===

impl Attendant {
    async fn attend(mut self, listener: Box<dyn Listener>) {
        let mut listener = Some(listener);
        loop {
            let Conduct { generation, manner, tls } = self.conduct.borrow_and_update().clone();
            if manner == Manner::Refuse {
                listener = None;
            } else if listener.is_none() {
                listener = self.listen_again().await;
            }
            self.taken_on.send_replace(generation);
            let visitors = Visitors { answers: Arc::clone(&self.answers), at: self.local };
            tokio::select! {
                biased;
                changed = self.conduct.changed() => if changed.is_err() {
                    return;
                },
                () = attend_to(&mut listener, &visitors, manner, tls) => {}
            }
        }
    }

    async fn listen_again(&self) -> Option<Box<dyn Listener>> {
        match self.network.listen(self.local).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                let (node, at) = (&self.answers.name, self.local);
                tracing::warn!(node, %at, err = %error, "Failed to listen again, will retry");
                None
            }
        }
    }
}

/// Ends only where it is time to try to listen again.
async fn attend_to(
    listener: &mut Option<Box<dyn Listener>>,
    visitors: &Visitors,
    manner: Manner,
    tls: Arc<ServerConfig>,
) {
    match (listener, manner) {
        (_, Manner::Refuse) => std::future::pending().await,
        (None, _) => tokio::time::sleep(RETRY).await,
        (Some(listener), Manner::Silence) => visitors.receive(&mut **listener, None).await,
        (Some(listener), Manner::Serve) => visitors.receive(&mut **listener, Some(tls)).await,
    }
}
