//! Runs the streams of an HTTP/2 connection. Each ends with its exchange, also while its peer keeps
//! it from being polled: what is dropped here is reset there.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::ready,
    time::Duration,
};

use hyper::rt::Executor;

use super::{
    Exchange, Observer,
    turns::{Lane, Turns},
};

tokio::task_local! {
    /// The exchange of the stream that is being polled.
    static EXCHANGE: Exchange;
}

/// Runs each stream as a task of its own.
#[derive(Clone)]
pub(super) struct Streams {
    /// The most that a stream may take.
    pub(super) limit: Option<Duration>,
    pub(super) observer: Observer,
    pub(super) turns: Turns,
}

/// The exchange of the stream that is being polled.
pub(super) fn current() -> Option<Exchange> {
    EXCHANGE.try_with(Clone::clone).ok()
}

// === impl Streams ===

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let Self { limit, observer, turns } = self.clone();
        let (exchange, mut turn) = (Exchange::begin(), turns.lane(Lane::Stream));
        // The first poll needs no turn: most requests, and all probes, are answered by then.
        let mut is_new = true;
        tokio::spawn(EXCHANGE.scope(exchange.clone(), async move {
            let mut stream = pin!(stream);
            let answered = poll_fn(|context| {
                if !std::mem::take(&mut is_new) {
                    ready!(turn.poll(context));
                }
                stream.as_mut().poll(context)
            });
            tokio::select! {
                biased;
                _ = answered => {}
                over = exchange.over(limit) => observer(over.into()),
            }
        }));
    }
}
