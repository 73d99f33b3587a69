//! A connection that breaks or dawdles on purpose.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use net::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::faults::{Faults, Trickle};

/// A stream whose writing goes wrong.
pub(crate) struct Wire {
    stream: Stream,
    /// How many bytes may still be written, if there is a limit.
    left: Option<u64>,
    drip: Option<Drip>,
}

struct Drip {
    trickle: Trickle,
    /// How many bytes may be written before the next pause.
    left: usize,
    pause: Pin<Box<Sleep>>,
}

// === impl Wire ===

impl Wire {
    /// The stream as it is where no fault concerns it.
    pub(crate) fn of(stream: Stream, faults: &Faults) -> Stream {
        if faults.cut_after.is_none() && faults.trickle.is_none() {
            return stream;
        }
        let drip = faults.trickle.map(|trickle| Drip {
            trickle,
            left: trickle.bytes as usize,
            pause: Box::pin(sleep(trickle.every)),
        });
        Box::new(Self { stream, left: faults.cut_after, drip })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut most = bytes.len();
        if let Some(left) = self.left {
            if left == 0 {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        if let Some(drip) = &mut self.drip {
            most = most.min(ready!(drip.poll_allowed(context)));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..most]))?;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(written as u64);
        }
        if let Some(drip) = &mut self.drip {
            drip.left = drip.left.saturating_sub(written);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

// === impl Drip ===

impl Drip {
    /// How many bytes may be written now: at least one, lest nothing ever ends.
    fn poll_allowed(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        if self.left == 0 {
            ready!(self.pause.as_mut().poll(context));
            self.pause = Box::pin(sleep(self.trickle.every));
            self.left = self.trickle.bytes.max(1) as usize;
        }
        Poll::Ready(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;

    fn wire(faults: &Faults) -> (Stream, tokio::io::DuplexStream) {
        let (near, far) = duplex(1024);
        (Wire::of(Box::new(near), faults), far)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_breaks_after_so_many_bytes() {
        let (mut wire, mut far) = wire(&Faults { cut_after: Some(5), ..Faults::default() });
        let broken = wire.write_all(b"0123456789").await.unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::ConnectionReset);
        drop(wire);
        let mut seen = String::new();
        far.read_to_string(&mut seen).await.unwrap();
        assert_eq!(seen, "01234");
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_trickle() {
        let trickle = Trickle { bytes: 3, every: Duration::from_secs(1) };
        let (mut wire, mut far) = wire(&Faults { trickle: Some(trickle), ..Faults::default() });
        let start = Instant::now();
        wire.write_all(b"0123456789").await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        let mut seen = [0; 10];
        far.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"0123456789");
    }
}
