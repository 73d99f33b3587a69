use std::{io, mem, sync::Arc};

use futures::FutureExt;
use net::Stream;
use rustls::{ClientConfig, sign::CertifiedKey};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::{
    connection_limit::Slot,
    error::{self, BodyError, RequestError},
    http::{Framing, Head, LONGEST_HEAD, Taken},
};

/// A head has about 200 bytes. What is read of the body with it is copied once more.
const USUAL_HEAD: usize = 1 << 10;

/// An open connection to a kubelet, kept from one scrape to the next: a handshake costs more than
/// everything else in a scrape.
pub(super) struct Connection {
    authority: String,
    /// The TLS configuration it was made with: another one may have other certificates or CAs.
    tls: Option<Arc<ClientConfig>>,
    /// The client certificate it was made with.
    identity: Option<Arc<CertifiedKey>>,
    stream: Stream,
    slot: Slot,
}

/// A response whose head has been read, with its connection.
pub(super) struct Exchange {
    connection: Connection,
    framing: Framing,
    /// What came of the body with the head.
    early: Vec<u8>,
    /// The connection can carry another request when the body has been read.
    stays_open: bool,
    /// The body has been read.
    is_over: bool,
}

// === impl Connection ===

impl Connection {
    pub(super) fn new(
        authority: String,
        tls: Option<Arc<ClientConfig>>,
        stream: Stream,
        slot: Slot,
    ) -> Self {
        let identity = identity(tls.as_ref());
        Self { authority, tls, identity, stream, slot }
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
        let address = |pair: Option<&Arc<CertifiedKey>>| pair.map(Arc::as_ptr);
        let same_identity = address(self.identity.as_ref()) == address(identity(tls).as_ref());
        same_tls && same_identity && self.is_quiet()
    }

    /// Whether the other end has neither closed it nor sent anything without a request.
    fn is_quiet(&mut self) -> bool {
        self.stream.read(&mut [0]).now_or_never().is_none()
    }

    /// Sends a request and waits for the head of the response.
    pub(super) async fn send(
        mut self,
        request: &[u8],
        deadline: Instant,
    ) -> Result<(Head, Exchange), RequestError> {
        let answered = timeout_at(deadline, self.round_trip(request)).await;
        let (mut head, early) = answered.map_err(|_| RequestError::Timeout)??;
        let framing = mem::replace(&mut head.framing, Framing::Length(0));
        let stays_open = head.keeps_alive;
        let exchange = Exchange { connection: self, framing, early, stays_open, is_over: false };
        Ok((head, exchange))
    }

    /// The head of the response, and what came behind it.
    async fn round_trip(&mut self, request: &[u8]) -> Result<(Head, Vec<u8>), RequestError> {
        let mut sent = self.stream.write_all(request).await;
        if sent.is_ok() {
            sent = self.stream.flush().await;
        }
        if let Err(error) = sent {
            // A kubelet that closes the connection may have sent an alert before.
            return Err(match self.stream.read(&mut [0]).await {
                Err(alert) if error::is_alert(&alert) => error::broken("read", &alert),
                _ => error::broken("write", &error),
            });
        }
        let mut bytes = Vec::with_capacity(USUAL_HEAD);
        let (mut seen, mut interim) = (0, 0);
        loop {
            if interim + bytes.len() >= LONGEST_HEAD {
                return Err(RequestError::Http(format!(
                    "net/http: server response headers exceeded {LONGEST_HEAD} bytes; aborted"
                )));
            }
            if bytes.len() == bytes.capacity() {
                bytes.reserve_exact(bytes.len());
            }
            match self.stream.read_buf(&mut bytes).await {
                Ok(1..) => {}
                // A connection that closes where a response is due is an `EOF` to Go.
                Ok(0) => return Err(RequestError::Http(eof(&bytes).to_owned())),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(RequestError::Http(eof(&bytes).to_owned()));
                }
                Err(error) => return Err(error::broken("read", &error)),
            }
            while let Some(head) =
                Head::parse(&bytes, seen).map_err(|error| RequestError::Http(error.to_string()))?
            {
                let rest = bytes.split_off(head.length);
                // Switching protocols is final: what follows is no HTTP.
                if !head.status.is_informational() || head.status.as_u16() == 101 {
                    return Ok((head, rest));
                }
                // Heads that only announce another one count together, as in Go's client.
                interim += head.length;
                (bytes, seen) = (rest, 0);
            }
            seen = bytes.len();
        }
    }
}

/// The client certificate of connections that are made now: a credential plugin may have given another
/// one, or a kubeconfig's file may hold one.
fn identity(tls: Option<&Arc<ClientConfig>>) -> Option<Arc<CertifiedKey>> {
    tls?.client_auth_cert_resolver.resolve(&[], &[])
}

/// The error for a connection that ends after these bytes of a response.
fn eof(bytes: &[u8]) -> &'static str {
    if bytes.is_empty() {
        "EOF"
    } else {
        "net/http: HTTP/1.x transport connection broken: unexpected EOF"
    }
}

// === impl Exchange ===

impl Exchange {
    /// The Content-Length of the body, if there is one.
    pub(super) fn length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked(_) | Framing::UntilClose => None,
        }
    }

    /// How many bytes [`Exchange::begin`] puts into the body.
    pub(super) fn early(&self) -> usize {
        self.early.len()
    }

    /// Moves what came with the head into `body`, which is empty. True when the body is complete.
    pub(super) fn begin(&mut self, body: &mut Vec<u8>) -> Result<bool, BodyError> {
        body.append(&mut self.early);
        self.take(body, 0)
    }

    /// Reads into the unused capacity of `body`, which is not 0. True when the body is complete.
    pub(super) async fn read(&mut self, body: &mut Vec<u8>) -> Result<bool, BodyError> {
        let known = body.len();
        match self.connection.stream.read_buf(body).await {
            Ok(0) => {
                self.framing.close().map_err(|error| BodyError::Broken(error.to_string()))?;
                self.is_over = true;
                Ok(true)
            }
            Ok(_) => self.take(body, known),
            Err(error) => Err(error::cut_off(&error)),
        }
    }

    fn take(&mut self, body: &mut Vec<u8>, known: usize) -> Result<bool, BodyError> {
        let taken = self.framing.take(body, known);
        let taken = taken.map_err(|error| BodyError::Broken(error.to_string()))?;
        if let Taken::All { surplus } = taken {
            self.is_over = true;
            self.stays_open &= !surplus;
        }
        Ok(self.is_over)
    }

    /// The connection, where it can carry another request and need not give way to others.
    pub(super) fn end(self) -> Option<Connection> {
        let stays = self.is_over && self.stays_open && self.connection.slot.may_stay();
        stays.then_some(self.connection)
    }
}
