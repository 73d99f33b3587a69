//! A connection that breaks or is slow on purpose.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use cluster_format::Trickle;
use net::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::faults::ConnectionFaults;

/// A stream with faults in writing.
pub(crate) struct FaultyStream {
    stream: Stream,
    /// How many bytes may still be written, if there is a limit.
    left: Option<u64>,
    throttle: Option<Throttle>,
}

struct Throttle {
    trickle: Trickle,
    /// How many bytes may be written before the next pause.
    left: usize,
    pause: Pin<Box<Sleep>>,
}

// === impl FaultyStream ===

impl FaultyStream {
    /// The stream itself where no fault is about writing.
    pub(crate) fn wrap(stream: Stream, faults: &ConnectionFaults) -> Stream {
        if faults.cut_after.is_none() && faults.trickle.is_none() {
            return stream;
        }
        let throttle = faults.trickle.map(|trickle| Throttle {
            trickle,
            left: trickle.bytes as usize,
            pause: Box::pin(sleep(trickle.every.0)),
        });
        Box::new(Self { stream, left: faults.cut_after, throttle })
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for FaultyStream {
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
        if let Some(throttle) = &mut self.throttle {
            most = most.min(ready!(throttle.poll_allowed(context)));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..most]))?;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(written as u64);
        }
        if let Some(throttle) = &mut self.throttle {
            throttle.left = throttle.left.saturating_sub(written);
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

// === impl Throttle ===

impl Throttle {
    /// How many bytes may be written now: at least one, so that it ends.
    fn poll_allowed(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        if self.left == 0 {
            ready!(self.pause.as_mut().poll(context));
            self.pause = Box::pin(sleep(self.trickle.every.0));
            self.left = self.trickle.bytes.max(1) as usize;
        }
        Poll::Ready(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cluster_format::In;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;

    fn faulty(faults: &ConnectionFaults) -> (Stream, tokio::io::DuplexStream) {
        let (near, far) = duplex(1024);
        (FaultyStream::wrap(Box::new(near), faults), far)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_breaks_after_a_number_of_bytes() {
        let (mut stream, mut far) =
            faulty(&ConnectionFaults { cut_after: Some(5), ..ConnectionFaults::default() });
        let broken = stream.write_all(b"0123456789").await.unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::ConnectionReset);
        drop(stream);
        let mut seen = String::new();
        far.read_to_string(&mut seen).await.unwrap();
        assert_eq!(seen, "01234");
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_trickle() {
        let trickle = Trickle { bytes: 3, every: In(Duration::from_secs(1)) };
        let (mut stream, mut far) =
            faulty(&ConnectionFaults { trickle: Some(trickle), ..ConnectionFaults::default() });
        let start = Instant::now();
        stream.write_all(b"0123456789").await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        let mut seen = [0; 10];
        far.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"0123456789");
    }
}
