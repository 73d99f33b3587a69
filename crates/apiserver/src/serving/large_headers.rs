//! Limits the memory of request headers before authentication.
//!
//! A request may have a mebibyte of headers, as in Go: a user may be in a thousand groups. All
//! connections together could take a gibibyte that way, for clients that are not authenticated. So
//! most of it is shared: each connection may read a little, and beyond that it needs one of a few
//! turns until its request has been answered. Where a request was authenticated over a connection,
//! as with an API server's first one, there is no such limit.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::ConnectionHandle;

/// Bytes of headers for which no turn is needed.
const FREE: usize = 16 << 10;

/// Requests with large headers at a time over connections without an authenticated request.
const TURNS: usize = 8;

/// How often it is logged that headers were too large.
const SAY_EVERY: Duration = Duration::from_mins(5);

/// What HTTP/2 adds to the length of each header, RFC 9113.
const OF_A_HEADER: usize = 32;

/// A turn with large headers.
pub(super) type Turn = OwnedSemaphorePermit;

/// The turns of all connections.
#[derive(Clone)]
pub(super) struct LargeHeaders {
    turns: Arc<Semaphore>,
    said: Arc<Mutex<Option<Instant>>>,
}

/// What one connection has brought since its last request began.
#[derive(Clone)]
pub(super) struct Brought {
    shared: LargeHeaders,
    connection: ConnectionHandle,
    since_last: Arc<Mutex<SinceLast>>,
}

#[derive(Default)]
struct SinceLast {
    bytes: usize,
    turn: Option<Turn>,
}

/// A stream that reads no more than its connection is allowed.
pub(super) struct Bounded<S> {
    stream: S,
    brought: Brought,
    waiting: Option<BoxFuture<'static, Option<Turn>>>,
}

// === impl LargeHeaders ===

impl Default for LargeHeaders {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(TURNS)), said: Arc::default() }
    }
}

impl LargeHeaders {
    /// Of a connection.
    pub(super) fn of(&self, connection: &ConnectionHandle) -> Brought {
        let since_last = Arc::default();
        Brought { shared: self.clone(), connection: connection.clone(), since_last }
    }

    /// A request was refused because its headers are larger than `limit`.
    pub(super) fn say_too_large(&self, limit: u32) {
        let mut said = self.said.lock();
        if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            *said = Some(Instant::now());
            let cure =
                "look at who sends it: a user in very many groups, or a proxy that adds headers";
            tracing::warn!(limit, cure, "Refused a request whose headers are too large (431)");
        }
    }
}

// === impl Brought ===

impl Brought {
    /// Wraps what the connection reads from.
    pub(super) fn bound<S>(&self, stream: S) -> Bounded<S> {
        Bounded { stream, brought: self.clone(), waiting: None }
    }

    /// A request begins: the turn that its headers need until it is answered, or why it is refused.
    pub(super) fn admit<B>(
        &self,
        request: &Request<B>,
        limit: u32,
    ) -> Result<Option<Turn>, StatusCode> {
        let turn = std::mem::take(&mut *self.since_last.lock()).turn;
        let sizes = request.headers().iter();
        let sizes = sizes.map(|(name, value)| name.as_str().len() + value.len() + OF_A_HEADER);
        let size = sizes.sum::<usize>() + request.uri().path().len();
        // Over HTTP/1.1 nothing larger comes this far.
        if request.version() == Version::HTTP_2 && size > limit as usize {
            self.shared.say_too_large(limit);
            return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        if size <= FREE || turn.is_some() || self.connection.is_authenticated() {
            return Ok(turn);
        }
        let turn = self.shared.turns.clone().try_acquire_owned();
        turn.map(Some).map_err(|_| StatusCode::TOO_MANY_REQUESTS)
    }
}

/// The refusal of a request for its headers.
pub(super) fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(status.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

// === impl Bounded ===

impl<S> Bounded<S> {
    /// How much may be read now; without a turn, when there is one.
    fn poll_allowance(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        if self.brought.connection.is_authenticated() {
            return Poll::Ready(usize::MAX);
        }
        let (bytes, has_turn) = {
            let since_last = self.brought.since_last.lock();
            (since_last.bytes, since_last.turn.is_some())
        };
        if has_turn {
            return Poll::Ready(usize::MAX);
        }
        if bytes < FREE {
            return Poll::Ready(FREE - bytes);
        }
        let turns = &self.brought.shared.turns;
        let waiting = self.waiting.get_or_insert_with(|| {
            let turns = turns.clone();
            Box::pin(async move { turns.acquire_owned().await.ok() })
        });
        let turn = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        self.brought.since_last.lock().turn = turn;
        Poll::Ready(usize::MAX)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let allowance = ready!(self.poll_allowance(context)).min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(allowance));
        let read = Pin::new(&mut self.stream).poll_read(context, &mut part);
        let bytes = part.filled().len();
        buffer.advance(bytes);
        self.brought.since_last.lock().bytes += bytes;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
