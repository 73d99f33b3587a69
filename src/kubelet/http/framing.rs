//! Where the body of a response ends.

use super::chunks::{ChunkError, Chunks};

/// How a body is delimited, and how far it has been read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::kubelet) enum Framing {
    /// This many bytes have not arrived yet.
    Length(u64),
    Chunked(Chunks),
    /// It ends when the connection does.
    UntilClose,
}

/// What taking in some bytes led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kubelet) enum Taken {
    /// More has to come.
    More,
    /// The body is complete. `surplus` bytes follow it, which belong to no request.
    All {
        /// Whether there is any.
        surplus: bool,
    },
}

/// Why a body cannot be read on, in the words of Go's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::kubelet) enum FramingError {
    #[error("unexpected EOF")]
    CutOff,
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

// === impl Framing ===

impl Framing {
    pub(in crate::kubelet) fn chunked() -> Self {
        Self::Chunked(Chunks::default())
    }

    /// Takes in what came after the first `known` bytes of `body`, and leaves nothing in it but
    /// the body.
    pub(in crate::kubelet) fn take(
        &mut self,
        body: &mut Vec<u8>,
        known: usize,
    ) -> Result<Taken, FramingError> {
        match self {
            Self::UntilClose => Ok(Taken::More),
            Self::Length(left) => {
                let came = (body.len() - known) as u64;
                let surplus = came.saturating_sub(*left);
                body.truncate(body.len() - surplus as usize);
                *left -= came - surplus;
                Ok(if *left == 0 { Taken::All { surplus: surplus > 0 } } else { Taken::More })
            }
            Self::Chunked(chunks) => Ok(chunks.take(body, known)?),
        }
    }

    /// The other end has closed the connection.
    pub(in crate::kubelet) fn close(&self) -> Result<(), FramingError> {
        match self {
            Self::UntilClose => Ok(()),
            Self::Length(_) | Self::Chunked(_) => Err(FramingError::CutOff),
        }
    }
}
