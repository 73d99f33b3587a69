//! Bodies that come in chunks (RFC 9112, section 7.1).

use super::Taken;

/// How much more may stand around the data than belongs there: extensions and trailers. They are
/// not kept, but cost time to read. As Go's reader has it.
const MOST_AROUND: usize = 16 << 10;

/// The most framing around each chunk, besides twice the size of its data.
const AROUND_A_CHUNK: usize = 16;

/// How far a chunked body has been read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::kubelet) struct Chunks {
    at: At,
    /// Bytes around the data so far, less what is allowed for.
    around: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum At {
    /// The first digit of a size.
    #[default]
    Size,
    /// Further digits of it.
    Digits(u64),
    /// What follows the size in its line: nothing, or extensions.
    Extension(u64),
    /// This many bytes of data follow, at least one.
    Data(u64),
    /// The line end behind the data.
    DataEnd,
    /// A line of the trailer, which ends with an empty one.
    Trailer { is_empty: bool },
}

/// Why bytes are not chunks, in the words of Go's reader where it has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::kubelet) enum ChunkError {
    #[error("invalid byte in chunk length")]
    Digit,
    #[error("http chunk length too large")]
    TooLong,
    #[error("malformed chunked encoding")]
    End,
    #[error("chunked encoding contains too much non-data")]
    TooMuchAround,
}

// === impl Chunks ===

impl Chunks {
    /// As [`super::Framing::take`].
    pub(super) fn take(&mut self, body: &mut Vec<u8>, known: usize) -> Result<Taken, ChunkError> {
        let (mut from, mut to) = (known, known);
        while from < body.len() {
            if let At::Data(left) = &mut self.at {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(body.len() - from);
                body.copy_within(from..from + here, to);
                (from, to) = (from + here, to + here);
                self.around = self.around.saturating_sub(2 * here);
                *left -= here as u64;
                if *left == 0 {
                    self.around = self.around.saturating_sub(AROUND_A_CHUNK);
                    self.at = At::DataEnd;
                }
                continue;
            }
            let byte = body[from];
            from += 1;
            self.around += 1;
            if self.around > MOST_AROUND {
                return Err(ChunkError::TooMuchAround);
            }
            if self.step(byte)? {
                let surplus = from < body.len();
                body.truncate(to);
                return Ok(Taken::All { surplus });
            }
        }
        body.truncate(to);
        Ok(Taken::More)
    }

    /// Takes in a byte that is not data. True at the end of the body.
    fn step(&mut self, byte: u8) -> Result<bool, ChunkError> {
        self.at = match (&self.at, byte) {
            (At::Size, byte) => At::Digits(digit(byte).ok_or(ChunkError::Digit)?),
            (At::Digits(size) | At::Extension(size), b'\n') => match *size {
                0 => At::Trailer { is_empty: true },
                size => At::Data(size),
            },
            (At::Digits(size), b'\r' | b';' | b' ' | b'\t') | (At::Extension(size), _) => {
                At::Extension(*size)
            }
            (At::Digits(size), byte) => {
                let digit = digit(byte).ok_or(ChunkError::Digit)?;
                let size = size.checked_mul(16).ok_or(ChunkError::TooLong)?;
                At::Digits(size | digit)
            }
            (At::DataEnd, b'\r') => At::DataEnd,
            (At::DataEnd, b'\n') => At::Size,
            (At::DataEnd, _) => return Err(ChunkError::End),
            (At::Trailer { is_empty: true }, b'\n') => return Ok(true),
            (At::Trailer { .. }, b'\n') => At::Trailer { is_empty: true },
            (At::Trailer { is_empty }, b'\r') => At::Trailer { is_empty: *is_empty },
            (At::Trailer { .. }, _) => At::Trailer { is_empty: false },
            // Taken in whole.
            (At::Data(left), _) => At::Data(*left),
        };
        Ok(false)
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of reading `text` when it arrives in pieces of `size` bytes after `before`.
    fn read(text: &[u8], size: usize) -> Result<(Vec<u8>, Taken), ChunkError> {
        let (mut body, mut chunks) = (b"before ".to_vec(), Chunks::default());
        let mut taken = Taken::More;
        for piece in text.chunks(size) {
            let known = body.len();
            body.extend_from_slice(piece);
            taken = chunks.take(&mut body, known)?;
            if taken != Taken::More {
                break;
            }
        }
        Ok((body, taken))
    }

    #[test]
    fn data_is_joined_from_pieces_of_any_size() {
        let text = b"5\r\nHello\r\n1;name=\"value\"\r\n,\r\n0006 \r\n world\r\n0\r\nA: b\r\n\r\n";
        for size in 1..=text.len() {
            let (body, taken) = read(text, size).unwrap();
            assert_eq!(String::from_utf8(body).unwrap(), "before Hello, world");
            assert_eq!(taken, Taken::All { surplus: false });
        }
        assert_eq!(read(b"0\n\nx", 9).unwrap().1, Taken::All { surplus: true });
        assert_eq!(read(b"3\r\nab", 9).unwrap(), (b"before ab".to_vec(), Taken::More));
    }

    #[test]
    fn invalid_chunks_are_refused() {
        let endless = [b"1;".to_vec(), vec![b'x'; MOST_AROUND + 1]].concat();
        let trailer = [b"0\r\n".to_vec(), b"a: b\r\n".repeat(MOST_AROUND)].concat();
        let cases: [(&[u8], ChunkError); 7] = [
            (b"\r\n", ChunkError::Digit),
            (b"-1\r\n", ChunkError::Digit),
            (b"5x\r\n", ChunkError::Digit),
            (b"11111111111111111\r\n", ChunkError::TooLong),
            (b"1\r\nab\r\n", ChunkError::End),
            (&endless, ChunkError::TooMuchAround),
            (&trailer, ChunkError::TooMuchAround),
        ];
        for (text, error) in cases {
            for size in [1, 7, 4096] {
                assert_eq!(read(text, size).unwrap_err(), error);
            }
        }
    }
}
