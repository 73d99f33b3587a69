use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use net::{Listener, Network};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    answers::Answers,
    faults::{Faults, Standing},
    tls,
    visitors::Visitors,
};

/// After so long it is tried again to listen where something else listens now.
const RETRY: Duration = Duration::from_secs(1);

/// How a kubelet treats those who connect, from some change on.
#[derive(Clone)]
pub(crate) struct Conduct {
    /// Counts the changes.
    pub(crate) generation: u64,
    pub(crate) standing: Arc<Standing>,
    pub(crate) tls: Arc<tls::Choices>,
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
            let conduct = self.conduct.borrow_and_update().clone();
            let place = self.local.ip();
            let door = conduct.standing.door(place);
            if door.refuse {
                listener = None;
            } else if listener.is_none() {
                listener = self.listen_again().await;
            }
            self.taken_on.send_replace(conduct.generation);
            let visitors = Visitors {
                answers: Arc::clone(&self.answers),
                standing: Arc::clone(&conduct.standing),
                tls: conduct.tls,
                at: self.local,
            };
            tokio::select! {
                biased;
                changed = self.conduct.changed() => if changed.is_err() {
                    return;
                },
                () = conduct.standing.changed_from(place, &door) => {}
                () = attend_to(&mut listener, &visitors, &door) => {}
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
async fn attend_to(listener: &mut Option<Box<dyn Listener>>, visitors: &Visitors, door: &Faults) {
    match listener {
        _ if door.refuse => std::future::pending().await,
        None => tokio::time::sleep(RETRY).await,
        Some(listener) => visitors.receive(&mut **listener).await,
    }
}
