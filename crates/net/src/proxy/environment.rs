//! The proxies that the environment names, and the hosts that are reached without them, as Go's
//! golang.org/x/net/http/httpproxy reads both.

use std::{env, net::IpAddr};

use super::{Proxy, split_port};

/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    http: Option<Proxy>,
    https: Option<Proxy>,
    excluded: Vec<Excluded>,
}

/// Hosts that are reached directly.
#[derive(Clone, Debug)]
enum Excluded {
    All,
    /// An address with its prefix's length.
    Network(IpAddr, u8),
    Address {
        ip: IpAddr,
        port: String,
    },
    /// A domain that begins with a dot. `itself` is excluded too, not only what is below it.
    Domain {
        suffix: String,
        port: String,
        itself: bool,
    },
}

// === impl Environment ===

impl Environment {
    /// As the variables are now.
    pub fn read() -> Self {
        Self::new(|name| env::var(name).unwrap_or_default())
    }

    /// With these variables, empty where there is none.
    pub fn new(variable: impl Fn(&str) -> String) -> Self {
        let get = |name: &str| {
            let upper = variable(name);
            if upper.is_empty() { variable(&name.to_ascii_lowercase()) } else { upper }
        };
        let proxy = |name: &str| {
            let url = get(name);
            let known = if url.contains("://") { url.clone() } else { format!("http://{url}") };
            let proxy = if url.is_empty() { None } else { Some(known.parse()) };
            proxy.and_then(|parsed: Result<Proxy, _>| match parsed {
                Ok(proxy) => Some(proxy),
                Err(error) => {
                    // The URL may have a password.
                    tracing::error!(variable = name, err = %error, "Failed to use the proxy, connecting without it");
                    None
                }
            })
        };
        // In a CGI program it would come from a client's header.
        let http = if variable("REQUEST_METHOD").is_empty() { proxy("HTTP_PROXY") } else { None };
        let excluded = get("NO_PROXY").split(',').filter_map(Excluded::parse).collect();
        Self { http, https: proxy("HTTPS_PROXY"), excluded }
    }

    /// The proxy for connections of `scheme` to `host`.
    pub fn proxy_for(&self, scheme: &str, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = match scheme {
            "https" => self.https.as_ref(),
            _ => self.http.as_ref(),
        }?;
        let ip = host.parse::<IpAddr>().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback()) {
            return None;
        }
        let host = host.to_ascii_lowercase();
        (!self.excluded.iter().any(|entry| entry.has(&host, ip, port))).then_some(proxy)
    }
}

// === impl Excluded ===

impl Excluded {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((network, length)) = entry.split_once('/')
            && let (Ok(ip), Ok(length)) = (network.parse::<IpAddr>(), length.parse())
            && length <= if ip.is_ipv4() { 32 } else { 128 }
        {
            return Some(Self::Network(ip, length));
        }
        let (host, port) = match entry.parse::<IpAddr>() {
            Ok(_) => (entry.as_str(), ""),
            Err(_) => split_port(&entry).unwrap_or((&entry, "")),
        };
        if let Ok(ip) = host.parse() {
            return Some(Self::Address { ip, port: port.to_owned() });
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let itself = !host.starts_with('.');
        let suffix = if itself { format!(".{host}") } else { host.to_owned() };
        (!host.is_empty()).then(|| Self::Domain { suffix, port: port.to_owned(), itself })
    }

    fn has(&self, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
        let is_port = |wanted: &String| wanted.is_empty() || *wanted == port.to_string();
        match self {
            Self::All => true,
            Self::Network(network, length) => {
                ip.is_some_and(|ip| in_network(ip.to_canonical(), *network, *length))
            }
            Self::Address { ip: wanted, port } => {
                ip.is_some_and(|ip| ip.to_canonical() == wanted.to_canonical()) && is_port(port)
            }
            Self::Domain { suffix, port, itself } => {
                (host.ends_with(suffix) || (*itself && host == &suffix[1..])) && is_port(port)
            }
        }
    }
}

fn in_network(ip: IpAddr, network: IpAddr, length: u8) -> bool {
    let (ip, network, bits) = match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            (u128::from(ip.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => (ip.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    // A shift by all bits would be undefined.
    length == 0 || (ip ^ network) >> (bits - u32::from(length)) == 0
}
