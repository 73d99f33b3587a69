use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::{
    io::AsyncReadExt,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::error::{self, RequestError};
use crate::doors::Stream;

/// hyper's read buffer. Its default grows to 400 KiB a connection, which thousands of nodes pay.
const READ_BUFFER: usize = 8192;

/// An open connection to a kubelet, kept from one scrape to the next: a handshake costs more than
/// everything else in a scrape.
///
/// It is kept as the bare stream: what HTTP needs on top of it, 24 KiB of buffers and a task, is
/// made for every scrape, because with thousands of nodes that is most of what would be kept.
pub(super) struct Connection {
    authority: String,
    /// The TLS configuration it was made with: another one may show or believe other certificates.
    tls: Option<Arc<ClientConfig>>,
    stream: Stream,
}

/// A connection with a request on its way.
pub(super) struct Exchange {
    authority: String,
    tls: Option<Arc<ClientConfig>>,
    sender: http1::SendRequest<Empty<Bytes>>,
    driver: Driver,
}

/// What moves bytes while a request is on its way; gives the stream back when the sender is gone.
struct Driver(JoinHandle<Option<Stream>>);

// === impl Connection ===

impl Connection {
    pub(super) fn new(authority: String, tls: Option<Arc<ClientConfig>>, stream: Stream) -> Self {
        Self { authority, tls, stream }
    }

    /// Host and port that it leads to.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether it can carry a request under the configuration that holds now.
    pub(super) fn is_good_for(&mut self, tls: Option<&Arc<ClientConfig>>) -> bool {
        let same_tls = match (&self.tls, tls) {
            (None, None) => true,
            (Some(mine), Some(now)) => Arc::ptr_eq(mine, now),
            _ => false,
        };
        same_tls && self.is_quiet()
    }

    /// Whether the other end has neither closed it nor said anything unasked.
    fn is_quiet(&mut self) -> bool {
        self.stream.read(&mut [0]).now_or_never().is_none()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        self,
        request: Request<Empty<Bytes>>,
        deadline: Instant,
    ) -> Result<(Exchange, Response<Incoming>), RequestError> {
        let Self { authority, tls, stream } = self;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| RequestError::Http(error.to_string()))?;
        let driver = tokio::spawn(async move {
            let parts = connection.without_shutdown().await.ok()?;
            parts.read_buf.is_empty().then(|| parts.io.into_inner())
        });
        let mut exchange = Exchange { authority, tls, sender, driver: Driver(driver) };
        match timeout_at(deadline, exchange.sender.send_request(request)).await {
            Ok(Ok(response)) => Ok((exchange, response)),
            Ok(Err(error)) => Err(error::broken(&error)),
            Err(_) => Err(RequestError::Timeout),
        }
    }
}

// === impl Exchange ===

impl Exchange {
    /// The connection, when it can carry another request. The answer has been read whole.
    pub(super) async fn end(self, deadline: Instant) -> Option<Connection> {
        let Self { authority, tls, sender, mut driver } = self;
        drop(sender);
        let stream = timeout_at(deadline, &mut driver.0).await.ok()?.ok()??;
        Some(Connection { authority, tls, stream })
    }
}

// === impl Driver ===

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
