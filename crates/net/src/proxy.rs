//! Proxies on the way to a host, as Go's net/http uses them: an HTTP proxy is asked for a tunnel with
//! CONNECT, a SOCKS5 proxy as RFC 1928 and RFC 1929 say.

mod environment;

use std::{fmt, io, net::IpAddr, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use self::environment::Environment;
use crate::Stream;

/// The most characters of it in an error.
const MOST_QUOTED: usize = 200;

/// The most bytes of a proxy's response to CONNECT.
const LONGEST_HEAD: usize = 16 << 10;

/// A proxy, and the user name and password for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: Kind,
    pub(crate) host: String,
    pub(crate) port: u16,
    login: Option<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http,
    Socks5,
}

/// The URL of a proxy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlError {
    /// It is another kind of proxy.
    #[error("unsupported scheme {0:?}, must be http, socks5 or socks5h")]
    Scheme(String),
    /// There is no host, or no port where there should be one.
    #[error("its host or port is missing or malformed")]
    Host,
}

// === impl Proxy ===

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    fn from_str(url: &str) -> Result<Self, ProxyUrlError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (kind, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            // The proxy looks names up with either of them, as with Go.
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return Err(ProxyUrlError::Scheme(scheme.to_owned())),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (login, address) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some((user, address)) => {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((decode(name), decode(password))), address)
            }
        };
        let (host, port) = split_port(address).ok_or(ProxyUrlError::Host)?;
        let port = match port {
            "" => default_port,
            port if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                port.parse().map_err(|_| ProxyUrlError::Host)?
            }
            _ => return Err(ProxyUrlError::Host),
        };
        let is_bad = |c: char| c.is_whitespace() || c.is_control();
        if host.is_empty() || host.contains(is_bad) {
            return Err(ProxyUrlError::Host);
        }
        Ok(Self { kind, host: host.to_owned(), port, login })
    }
}

impl fmt::Display for Proxy {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", authority(&self.host, self.port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Proxy {
    /// How Go's errors of a connection to `host` through it begin.
    pub(crate) fn operation(&self, host: &str, port: u16) -> String {
        match self.kind {
            Kind::Http => "proxyconnect tcp".to_owned(),
            Kind::Socks5 => {
                let (proxy, host) = (authority(&self.host, self.port), authority(host, port));
                format!("socks connect tcp {proxy}->{host}")
            }
        }
    }

    /// Lets `stream`, which leads to this proxy, lead on to `host`.
    pub(crate) async fn tunnel(
        &self,
        stream: &mut Stream,
        host: &str,
        port: u16,
    ) -> io::Result<()> {
        match self.kind {
            Kind::Http => self.connect(stream, &authority(host, port)).await,
            Kind::Socks5 => self.socks(stream, host, port).await,
        }
    }

    async fn connect(&self, stream: &mut Stream, target: &str) -> io::Result<()> {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some((name, password)) = &self.login {
            let login = STANDARD.encode(format!("{name}:{password}"));
            request.extend(["Proxy-Authorization: Basic ", &login, "\r\n"]);
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        // What follows the head belongs to the tunnel.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == LONGEST_HEAD {
                return Err(io::Error::other("the proxy's response is too long"));
            }
            head.push(stream.read_u8().await?);
        }
        let line = String::from_utf8_lossy(&head);
        let line: String =
            line.lines().next().unwrap_or_default().chars().take(MOST_QUOTED).collect();
        match line.split_once(' ') {
            Some((version, status)) if version.starts_with("HTTP/1.") => {
                if status.starts_with("200") {
                    return Ok(());
                }
                Err(io::Error::other(format!("{self} refused CONNECT {target}: {status:?}")))
            }
            _ => Err(io::Error::other(format!("{self} answered CONNECT with no HTTP: {line:?}"))),
        }
    }

    async fn socks(&self, stream: &mut Stream, host: &str, port: u16) -> io::Result<()> {
        let failed = |text: &str| Err(io::Error::other(text.to_owned()));
        let methods: &[u8] = if self.login.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
        stream.write_all(methods).await?;
        let mut chosen = [0; 2];
        stream.read_exact(&mut chosen).await?;
        match (chosen, &self.login) {
            ([5, 0], _) => {}
            ([5, 2], Some((name, password))) => {
                let mut login = vec![1];
                for part in [name, password] {
                    let Ok(length) = u8::try_from(part.len()) else {
                        return failed("invalid username/password");
                    };
                    login.push(length);
                    login.extend(part.as_bytes());
                }
                stream.write_all(&login).await?;
                let mut status = [0; 2];
                stream.read_exact(&mut status).await?;
                if status[0] != 1 {
                    return failed("invalid username/password version");
                }
                if status[1] != 0 {
                    return failed("username/password authentication failed");
                }
            }
            ([5, 0xFF], _) => return failed("no acceptable authentication methods"),
            _ => return failed("unexpected protocol version or authentication method"),
        }
        let mut request = vec![5, 1, 0];
        match host.parse() {
            Ok(IpAddr::V4(ip)) => request.extend([&[1][..], &ip.octets()].concat()),
            Ok(IpAddr::V6(ip)) => request.extend([&[4][..], &ip.octets()].concat()),
            Err(_) => {
                let Ok(length) = u8::try_from(host.len()) else { return failed("FQDN too long") };
                request.extend([3, length]);
                request.extend(host.as_bytes());
            }
        }
        request.extend(port.to_be_bytes());
        stream.write_all(&request).await?;
        let mut reply = [0; 4];
        stream.read_exact(&mut reply).await?;
        if reply[0] != 5 {
            return failed(&format!("unexpected protocol version {}", reply[0]));
        }
        let error = match reply[1] {
            0 => None,
            1 => Some("general SOCKS server failure"),
            2 => Some("connection not allowed by ruleset"),
            3 => Some("network unreachable"),
            4 => Some("host unreachable"),
            5 => Some("connection refused"),
            6 => Some("TTL expired"),
            7 => Some("command not supported"),
            8 => Some("address type not supported"),
            _ => Some("unknown code"),
        };
        if let Some(error) = error {
            return failed(&format!("unknown error {error}"));
        }
        // The address from which the proxy connects.
        let length = match reply[3] {
            1 => 4,
            4 => 16,
            3 => stream.read_u8().await?,
            _ => return failed("unknown address type"),
        };
        let mut address = vec![0; usize::from(length) + 2];
        stream.read_exact(&mut address).await.map(drop)
    }
}

/// Host and port, which is empty where there is none. `None` where it is neither.
fn split_port(address: &str) -> Option<(&str, &str)> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest {
            "" => Some((host, "")),
            rest => Some((host, rest.strip_prefix(':')?)),
        };
    }
    match address.split_once(':') {
        None => Some((address, "")),
        Some((_, rest)) if rest.contains(':') => None,
        host_and_port => host_and_port,
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Percent-decodes a part of a URL. What is malformed stays as it is.
fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, others)) = rest.split_first() {
        // A sign before digits would be read too.
        let code = rest.get(1..3).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|two| std::str::from_utf8(two).ok());
        match code.map(|code| u8::from_str_radix(code, 16)) {
            Some(Ok(byte)) if *first == b'%' => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            _ => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
