//! The status line and headers of a response.

use std::borrow::Cow;

use http::{HeaderName, StatusCode};
use httparse::{EMPTY_HEADER, Header, Response, Status};
use k8s_text::go;

use super::Framing;

/// Go's client reads up to 10 MiB. A kubelet's head has about 200 bytes, and thousands of kubelets
/// are listened to at the same time.
pub(in crate::kubelet) const LONGEST_HEAD: usize = 64 << 10;

/// More than any server or proxy sends.
const MOST_HEADERS: usize = 128;

/// How much of what is no HTTP is shown.
const SHOWN: usize = 60;

/// The status line and headers.
#[derive(Debug)]
pub(in crate::kubelet) struct Head {
    pub(in crate::kubelet) status: StatusCode,
    /// How the body is encoded, where it is.
    pub(in crate::kubelet) encoding: Option<String>,
    pub(in crate::kubelet) framing: Framing,
    /// Whether the other end means to leave the connection open.
    pub(in crate::kubelet) keeps_alive: bool,
    /// The length in bytes.
    pub(in crate::kubelet) length: usize,
}

/// Why bytes are not a head, in the words of Go's client.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::kubelet) enum HeadError {
    #[error("net/http: HTTP/1.x transport connection broken: malformed HTTP response {}", go::quoted(.0))]
    NoHttp(String),
    #[error("net/http: HTTP/1.x transport connection broken: malformed HTTP status code {}", go::quoted(.0))]
    NoStatus(String),
    #[error("net/http: HTTP/1.x transport connection broken: malformed HTTP version {}", go::quoted(.0))]
    NoVersion(String),
    #[error("net/http: HTTP/1.x transport connection broken: malformed MIME header: missing colon: {}", go::quoted(.0))]
    NoColon(String),
    #[error("net/http: HTTP/1.x transport connection broken: malformed MIME header line: {}", go::quoted(.0))]
    BadHeader(String),
    #[error("net/http: HTTP/1.x transport connection broken: more than {MOST_HEADERS} headers")]
    ManyHeaders,
    #[error("net/http: HTTP/1.x transport connection broken: bad Content-Length {}", go::quoted(.0))]
    BadLength(String),
    #[error(
        "net/http: HTTP/1.x transport connection broken: http: message cannot contain multiple Content-Length headers; got [{} {}]",
        go::quoted(.0),
        go::quoted(.1)
    )]
    ManyLengths(String, String),
    #[error(
        "net/http: HTTP/1.x transport connection broken: unsupported transfer encoding: {}",
        go::quoted(.0)
    )]
    BadTransferEncoding(String),
}

// === impl Head ===

impl Head {
    /// Reads the head that `bytes` begin with; `None` where more of it is needed. `seen` of the
    /// bytes were there the last time: a head that comes byte by byte is not read each time.
    pub(in crate::kubelet) fn parse(bytes: &[u8], seen: usize) -> Result<Option<Self>, HeadError> {
        let first_line = memchr::memchr(b'\n', bytes);
        let has_new_first_line = first_line.is_some_and(|at| at >= seen);
        // Bytes without a line end that are longer than any status line are no HTTP either. It is
        // checked once, because a reason phrase may be long.
        let long = 4 * SHOWN;
        let is_no_line = first_line.is_none() && bytes.len() > long && seen <= long;
        if !has_new_first_line && !is_no_line && !ends_in(bytes, seen.saturating_sub(3)) {
            return Ok(None);
        }
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut response = Response::new(&mut headers);
        match response.parse(bytes) {
            Ok(Status::Complete(length)) => Self::of(&response, length).map(Some),
            Ok(Status::Partial) => Ok(None),
            Err(httparse::Error::TooManyHeaders) => Err(HeadError::ManyHeaders),
            Err(
                httparse::Error::HeaderName
                | httparse::Error::HeaderValue
                | httparse::Error::NewLine,
            ) => Err(header_error(bytes)),
            Err(_) => Err(status_line_error(bytes)),
        }
    }

    fn of(response: &Response<'_, '_>, length: usize) -> Result<Self, HeadError> {
        let code = response.code.unwrap_or_default();
        let status = StatusCode::from_u16(code);
        let status = status.map_err(|_| HeadError::NoStatus(format!("{code:03}")))?;
        let is_1_1 = response.version == Some(1);
        let mut keeps_alive = is_1_1;
        let (mut encoding, mut chunked) = (None, false);
        let mut content_length: Option<(u64, String)> = None;
        for Header { name, value } in response.headers.iter() {
            let text = || String::from_utf8_lossy(value).trim().to_owned();
            if name.eq_ignore_ascii_case("content-length") {
                let text = text();
                let parsed =
                    parse_length(&text).ok_or_else(|| HeadError::BadLength(text.clone()))?;
                // The same length twice is harmless; two lengths may hide a second response.
                match content_length {
                    Some((before, first)) if before != parsed => {
                        return Err(HeadError::ManyLengths(first, text));
                    }
                    _ => content_length = Some((parsed, text)),
                }
            } else if is_1_1 && name.eq_ignore_ascii_case("transfer-encoding") {
                let text = text();
                if !text.eq_ignore_ascii_case("chunked") || chunked {
                    return Err(HeadError::BadTransferEncoding(text));
                }
                chunked = true;
            } else if name.eq_ignore_ascii_case("connection") {
                for option in text().split(',').map(str::trim) {
                    keeps_alive &= !option.eq_ignore_ascii_case("close");
                    keeps_alive |= !is_1_1 && option.eq_ignore_ascii_case("keep-alive");
                }
            } else if name.eq_ignore_ascii_case("content-encoding") {
                encoding =
                    Some(text()).filter(|encoding| !encoding.eq_ignore_ascii_case("identity"));
            }
        }
        let has_body = !status.is_informational()
            && status != StatusCode::NO_CONTENT
            && status != StatusCode::NOT_MODIFIED;
        let framing = match content_length {
            _ if !has_body => Framing::Length(0),
            _ if chunked => Framing::chunked(),
            Some((length, _)) => Framing::Length(length),
            None => Framing::UntilClose,
        };
        // After switching protocols it carries another one.
        keeps_alive &=
            !matches!(framing, Framing::UntilClose) && status != StatusCode::SWITCHING_PROTOCOLS;
        Ok(Self { status, encoding, framing, keeps_alive, length })
    }
}

/// Whether an empty line ends the head at `from` or later.
fn ends_in(bytes: &[u8], from: usize) -> bool {
    memchr::memchr_iter(b'\n', &bytes[from..]).any(|at| {
        let rest = &bytes[from + at + 1..];
        rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    })
}

fn parse_length(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all_digits)
}

/// Go's error for a first line that cannot be parsed.
fn status_line_error(bytes: &[u8]) -> HeadError {
    let line = lines(bytes).next().unwrap_or_default();
    let Some((protocol, status)) = line.split_once(' ') else {
        return HeadError::NoHttp(shown(&line));
    };
    let code = status.trim_start_matches(' ').split(' ').next().unwrap_or_default();
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        HeadError::NoStatus(shown(code))
    } else if !protocol.starts_with("HTTP/") {
        HeadError::NoVersion(shown(protocol))
    } else {
        HeadError::NoHttp(shown(&line))
    }
}

/// The same of the first header that cannot be read.
fn header_error(bytes: &[u8]) -> HeadError {
    let sound = |name: &str| HeaderName::from_bytes(name.as_bytes()).is_ok();
    for line in lines(bytes).skip(1) {
        match line.split_once(':') {
            None => return HeadError::NoColon(shown(&line)),
            Some((name, value)) if sound(name) && !value.contains(char::is_control) => {}
            Some(_) => return HeadError::BadHeader(shown(&line)),
        }
    }
    HeadError::BadHeader(String::new())
}

/// Lines without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    bytes.split(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8_lossy(line)
    })
}

fn shown(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Head>, HeadError> {
        Head::parse(text.as_bytes(), 0)
    }

    #[test]
    fn the_head_frames_the_body() {
        use Framing::{Length, UntilClose};
        let chunked = Framing::chunked;
        let cases = [
            ("200 OK\r\nContent-Length: 12", Length(12), true),
            ("200 OK\r\ncontent-length:  12 ", Length(12), true),
            ("200 OK\r\nContent-Length: 12\r\nConnection: close", Length(12), false),
            ("200 OK\r\nContent-Length: 12\r\nContent-Length: 12", Length(12), true),
            ("200 OK\r\nTransfer-Encoding: Chunked", chunked(), true),
            ("200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", chunked(), true),
            ("200 OK", UntilClose, false),
            ("200", UntilClose, false),
            ("204 No Content", Length(0), true),
            ("304 Not Modified\r\nContent-Length: 7", Length(0), true),
            ("101 Switching Protocols\r\nUpgrade: h2c", Length(0), false),
        ];
        for (head, framing, keeps_alive) in cases {
            let text = format!("HTTP/1.1 {head}\r\n\r\nbody");
            let parsed = parse(&text).unwrap().unwrap();
            assert_eq!((parsed.framing, parsed.keeps_alive), (framing, keeps_alive), "{text}");
            assert_eq!(&text[parsed.length..], "body");
        }
        let old = |connection: &str| {
            let text = format!("HTTP/1.0 200 OK\r\nContent-Length: 1{connection}\r\n\r\n");
            parse(&text).unwrap().unwrap().keeps_alive
        };
        assert!(!old("") && old("\r\nConnection: keep-alive"));
        // It did not know of chunks yet.
        let old = parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(old.unwrap().unwrap().framing, UntilClose);
    }

    #[test]
    fn invalid_heads_are_refused_with_gos_errors() {
        let broken = "net/http: HTTP/1.x transport connection broken: ";
        let cases = [
            ("SSH-2.0-OpenSSH_9.2\r\n", "malformed HTTP response \"SSH-2.0-OpenSSH_9.2\""),
            ("HTTP/1.1 abc OK\r\n\r\n", "malformed HTTP status code \"abc\""),
            ("HTTP/1.1 000 OK\r\n\r\n", "malformed HTTP status code \"000\""),
            ("SSH-2.0-OpenSSH_9.2 Debian-2\r\n", "malformed HTTP status code \"Debian-2\""),
            ("ICY 200 OK\r\n\r\n", "malformed HTTP version \"ICY\""),
            (
                "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
                "malformed MIME header: missing colon: \"no header\"",
            ),
            (
                "HTTP/1.1 200 OK\r\na: b\r\nno(header: x\r\n\r\n",
                "malformed MIME header line: \"no(header: x\"",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "bad Content-Length \"-1\""),
            ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "bad Content-Length \"+1\""),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "http: message cannot contain multiple Content-Length headers; got [\"1\" \"2\"]",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                "unsupported transfer encoding: \"gzip, chunked\"",
            ),
        ];
        for (text, words) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), format!("{broken}{words}"), "{text}");
        }
        let endless = "x".repeat(5000);
        assert!(matches!(parse(&endless), Err(HeadError::NoHttp(shown)) if shown.len() < 100));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MOST_HEADERS + 1));
        assert_eq!(parse(&many).unwrap_err(), HeadError::ManyHeaders);
    }

    #[test]
    fn a_head_may_arrive_in_any_pieces() {
        for text in ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HTTP/1.0 404 No\nA: b\n\n"] {
            for end in 0..text.len() {
                assert!(
                    Head::parse(&text.as_bytes()[..end], end.saturating_sub(1)).unwrap().is_none()
                );
            }
            for seen in 0..text.len() {
                let head = Head::parse(text.as_bytes(), seen).unwrap().unwrap();
                assert_eq!(head.length, text.len());
            }
        }
    }
}
