//! Whether requests are under way over a connection.

use std::time::Duration;

use axum::body::Body;
use tokio::{sync::watch, time::sleep};

use super::body_guard::until_sent;

/// Counts the requests under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(watch::Sender<usize>);

/// One request under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Request(Requests);

// === impl Requests ===

impl Requests {
    pub(super) fn request(&self) -> Request {
        self.0.send_modify(|requests| *requests += 1);
        Request(self.clone())
    }

    /// Waits until there has been no request for that long.
    pub(super) async fn idle_for(&self, time: Duration) {
        let mut requests = self.0.subscribe();
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
        self.0.0.send_modify(|requests| *requests -= 1);
    }
}
