//! The accept loop: our own, because a TLS handshake must not block the next connection, and
//! because a listener at its limit or out of file descriptors must still accept API servers and
//! other authenticated clients.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use net::Listener;
use rustls::ServerConfig;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    Closed, Event, Limits, Observer,
    connection::Connection,
    connection_table::{ConnectionTable, Place},
    handshake_failure::HandshakeLog,
    large_headers::LargeHeaders,
    turns::Turns,
};

/// How often it is logged that connections are closed because there are too many.
const SAY_EVERY: Duration = Duration::from_mins(5);

/// Serves `router` over TLS until `stop` is true or its sender is gone, then drops what is still
/// open. Dropping the future does the same.
pub async fn serve(
    listener: Box<dyn Listener>,
    tls: Arc<ServerConfig>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    serve_within(Limits::default(), listener, tls, router, stop, Arc::new(|_| {})).await;
}

/// [`serve`] with other limits. After `stop`, requests in flight may take [`Limits::shutdown`].
/// `observer` is called with each event of a connection.
pub async fn serve_within(
    limits: Limits,
    listener: Box<dyn Listener>,
    tls: Arc<ServerConfig>,
    router: Router,
    mut stop: watch::Receiver<bool>,
    observer: Observer,
) {
    let mut accepting = Accepting {
        limits,
        tls,
        router,
        table: ConnectionTable::new(&limits),
        open: JoinSet::new(),
        observer,
        turns: Turns::default(),
        handshakes: Arc::default(),
        large_headers: LargeHeaders::default(),
        last_logged: LastLogged::default(),
    };
    let _handing_out = accepting.turns.hand_out();
    accepting.run(listener, async { drop(stop.wait_for(|stop| *stop).await) }).await;
    if !limits.shutdown.is_zero() {
        accepting.drain().await;
    }
}

struct Accepting {
    limits: Limits,
    tls: Arc<ServerConfig>,
    router: Router,
    table: ConnectionTable,
    open: JoinSet<()>,
    observer: Observer,
    turns: Turns,
    handshakes: Arc<HandshakeLog>,
    large_headers: LargeHeaders,
    last_logged: LastLogged,
}

/// When each problem was last logged.
#[derive(Default)]
struct LastLogged {
    too_many: Option<Instant>,
    accept: Option<Instant>,
}

// === impl Accepting ===

impl Accepting {
    /// Accepts connections until `stopped`, then closes the listener.
    async fn run(&mut self, mut listener: Box<dyn Listener>, stopped: impl Future<Output = ()>) {
        let mut stopped = pin!(stopped);
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return,
                Some(ended) = self.open.join_next() => if ended.is_err() {
                    (self.observer)(Event::Panicked);
                },
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        let (place, evicted) = self.table.enter(from);
                        if let Some(evicted) = evicted {
                            self.evicted(evicted);
                        }
                        self.open.spawn(self.connection(from, place).serve(stream, self.tls.clone()));
                    }
                    Err(error) => {
                        if is_due(&mut self.last_logged.accept) {
                            let cure = "raise the limit of open files (ulimit -n, LimitNOFILE=)";
                            tracing::warn!(err = %error, cure, "Failed to accept a connection, closing others");
                        }
                        // Out of file descriptors, most likely: who waits comes before who idles.
                        if let Some(evicted) = self.table.evict() {
                            (self.observer)(Event::Closed(evicted));
                        }
                        sleep(Duration::from_millis(10)).await;
                    }
                },
            }
        }
    }

    /// Waits until the requests in flight have been answered, within the limit.
    async fn drain(&mut self) {
        let connections = self.open.len();
        tracing::info!(connections, "Stopped listening, waiting for requests in flight");
        self.table.stop();
        let ended = async { while self.open.join_next().await.is_some() {} };
        if timeout(self.limits.shutdown, ended).await.is_err() {
            tracing::warn!(
                connections = self.open.len(),
                "Closed connections with requests under way"
            );
            for _ in 0..self.open.len() {
                (self.observer)(Event::Closed(Closed::Shutdown));
            }
        }
    }

    fn connection(&self, from: std::net::SocketAddr, place: Place) -> Connection {
        Connection {
            limits: self.limits,
            address: from,
            place,
            router: self.router.clone(),
            observer: self.observer.clone(),
            turns: self.turns.clone(),
            handshakes: self.handshakes.clone(),
            large_headers: self.large_headers.clone(),
        }
    }

    fn evicted(&mut self, evicted: Closed) {
        (self.observer)(Event::Closed(evicted));
        if is_due(&mut self.last_logged.too_many) {
            let cure = "find the clients that hold connections open, and keep them out with a NetworkPolicy";
            let limit = self.limits.connections;
            tracing::warn!(
                limit,
                cure,
                "Too many connections, closing those of clients that were never authenticated first"
            );
        }
    }
}

/// Whether it is time to log something again; if so, the time is noted.
fn is_due(last_logged: &mut Option<Instant>) -> bool {
    let is_due = last_logged.is_none_or(|last_logged| last_logged.elapsed() >= SAY_EVERY);
    if is_due {
        *last_logged = Some(Instant::now());
    }
    is_due
}
