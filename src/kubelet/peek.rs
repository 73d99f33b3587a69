use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use net::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The first bytes of HTTP without TLS, as many as Go compares.
const HTTP: &[u8] = b"HTTP/";

/// A stream that records its first bytes: TLS reports only that it did not
/// understand.
pub(super) struct Peek {
    stream: Stream,
    first: [u8; HTTP.len()],
    seen: usize,
}

// === impl Peek ===

impl Peek {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, first: Default::default(), seen: 0 }
    }

    /// Whether the peer sent HTTP without TLS.
    pub(super) fn is_http(&self) -> bool {
        self.first.as_slice() == HTTP
    }

    fn note(&mut self, bytes: &[u8]) {
        let rest = &mut self.first[self.seen..];
        let new = rest.len().min(bytes.len());
        rest[..new].copy_from_slice(&bytes[..new]);
        self.seen += new;
    }
}

impl AsyncRead for Peek {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let known = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.seen < HTTP.len() {
            self.note(&buffer.filled()[known..]);
        }
        read
    }
}

impl AsyncWrite for Peek {
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
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
