//! The requests in flight over one connection, and how long it has been idle.

use std::time::Duration;

use axum::body::Body;
use tokio::{sync::watch, time::sleep};

use super::{body_guard::until_sent, connection_table::ConnectionHandle};

/// Counts the requests in flight.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    under_way: watch::Sender<usize>,
    connection: ConnectionHandle,
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct Request(Requests);

// === impl Requests ===

impl Requests {
    pub(super) fn over(connection: ConnectionHandle) -> Self {
        Self { under_way: watch::Sender::new(0), connection }
    }

    pub(super) fn begin(&self) -> Request {
        self.under_way.send_modify(|requests| *requests += 1);
        self.connection.set_busy(true);
        Request(self.clone())
    }

    /// Whether there is none.
    pub(super) fn is_idle(&self) -> bool {
        *self.under_way.borrow() == 0
    }

    /// Waits until there has been no request for that long.
    pub(super) async fn idle_for(&self, time: Duration) {
        let mut requests = self.under_way.subscribe();
        loop {
            // The sender is `self`: it is not gone.
            let _ = requests.wait_for(|requests| *requests == 0).await;
            tokio::select! {
                biased;
                _ = requests.wait_for(|requests| *requests > 0) => {}
                () = sleep(time) => return,
            }
        }
    }
}

// === impl Request ===

impl Request {
    /// The request now ends with this body.
    pub(super) fn until_sent(self, body: Body) -> Body {
        until_sent(body, self)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let Requests { under_way, connection } = &self.0;
        under_way.send_modify(|requests| *requests -= 1);
        connection.set_busy(!self.0.is_idle());
    }
}
