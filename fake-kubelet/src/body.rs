//! Response bodies as Go's HTTP server sends them, or with a fault of transfer.

use std::{
    io::Write,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use cluster_format::TransferFault;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, header::ACCEPT_ENCODING};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Go's HTTP server gives the length of answers that fit its buffer and sends longer ones in
/// chunks.
const GO_BUFFER: usize = 2048;

/// How much is sent at once of what has no end.
const PORTION: usize = 16 << 10;

/// What `Content-Length` announces of a gigantic body.
const GIGANTIC: u64 = 1 << 40;

/// A gigabyte, in members of a mebibyte each.
const BOMB_MEMBERS: usize = 1024;
const BOMB_MEMBER: usize = 1 << 20;

/// A body, sent as Go's HTTP server would, or worse.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Option<Bytes>,
    chunked: bool,
    end: End,
}

/// What follows the bytes of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Proper,
    /// The connection is closed; this many bytes were announced.
    Cut {
        announced: u64,
        flushed: bool,
    },
    /// The same again, for good.
    None {
        announced: u64,
    },
}

/// The connection is to be closed within a body.
#[derive(Debug, thiserror::Error)]
#[error("cut off, on purpose")]
pub(crate) struct Cut;

/// Whether the client accepts gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|list| list.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight, Some(Ok(0.0)))
    })
}

/// The bytes in gzip format.
pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish().map(Bytes::from)
}

/// A mebibyte that unfolds to a gibibyte.
fn gzip_bomb() -> std::io::Result<Bytes> {
    // Members one after the other are one file: only one of them has to be made.
    gzip(&vec![b'\n'; BOMB_MEMBER]).map(|member| member.repeat(BOMB_MEMBERS).into())
}

// === impl Body ===

impl Body {
    /// How these bytes are sent.
    pub(crate) fn sent(bytes: &Bytes, fault: Option<TransferFault>) -> Self {
        let right = Self::from(bytes.clone());
        let half = bytes.slice(..bytes.len() / 2);
        let cut = End::Cut { announced: bytes.len() as u64, flushed: false };
        let endless = || Some(Bytes::from(bytes.repeat(PORTION / bytes.len().max(1) + 1)));
        match fault {
            None | Some(TransferFault::NoAnswer) => right,
            Some(TransferFault::Gzip) => gzip(bytes).map_or(right, Self::from),
            Some(TransferFault::GzipBomb) => gzip_bomb().map_or(right, Self::from),
            Some(TransferFault::CutShort) => Self { bytes: Some(half), chunked: false, end: cut },
            Some(TransferFault::CutChunks) => Self { bytes: Some(half), chunked: true, end: cut },
            Some(TransferFault::Endless) => {
                Self { bytes: endless(), chunked: true, end: End::None { announced: 0 } }
            }
            Some(TransferFault::Gigantic) => {
                Self { bytes: endless(), chunked: false, end: End::None { announced: GIGANTIC } }
            }
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        let bytes = bytes.into();
        Self { chunked: bytes.len() > GO_BUFFER, bytes: Some(bytes), end: End::Proper }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let End::None { .. } = self.end {
            return Poll::Ready(self.bytes.clone().map(|bytes| Ok(Frame::data(bytes))));
        }
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.end {
            End::Proper | End::None { .. } => Poll::Ready(None),
            End::Cut { flushed: true, .. } => Poll::Ready(Some(Err(Cut))),
            End::Cut { flushed, .. } => {
                // hyper sends what it has while it waits, and drops it on an error.
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end == End::Proper && self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked {
            return SizeHint::default();
        }
        let length = || self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        SizeHint::with_exact(match self.end {
            End::Proper => length(),
            End::Cut { announced, .. } | End::None { announced } => announced,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_if_the_client_accepts_it() {
        let cases = [
            (None, false),
            (Some(""), false),
            (Some("gzip"), true),
            (Some("deflate, GZIP;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("identity"), false),
        ];
        for (value, takes) in cases {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            }
            assert_eq!(takes_gzip(&headers), takes, "{value:?}");
        }
    }
}
