use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

const DNS_PORT: u16 = 53;

/// Go's bounds on what resolv.conf may ask for.
const MAX_SERVERS: usize = 3;
const MAX_NDOTS: usize = 15;

/// How to ask which name servers: the contents of a `resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvConf {
    /// The name servers, in the order of preference.
    pub servers: Vec<SocketAddr>,
    /// Domains to try a name in.
    pub search: Vec<String>,
    /// A name with at least this many dots is tried as it is first.
    pub ndots: usize,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How often to ask each server.
    pub attempts: u32,
}

// === impl ResolvConf ===

impl Default for ResolvConf {
    /// What applies where there is no resolv.conf: a server on this machine.
    fn default() -> Self {
        let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        Self {
            servers: local.map(|ip| SocketAddr::new(ip, DNS_PORT)).to_vec(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        }
    }
}

impl ResolvConf {
    /// Reads the format of `/etc/resolv.conf`. Malformed lines are ignored, as Go
    /// does. A name server may have a port in OpenBSD's notation, `[127.0.0.1]:5353`.
    pub fn parse(text: &str) -> Self {
        let mut servers = Vec::new();
        let mut config = Self::default();
        for line in text.lines() {
            let mut fields = line.split(['#', ';']).next().unwrap_or_default().split_whitespace();
            match fields.next() {
                Some("nameserver") => {
                    servers.extend(
                        fields.next().and_then(server).filter(|_| servers.len() < MAX_SERVERS),
                    );
                }
                Some("search" | "domain") => {
                    config.search = fields
                        .map(|domain| domain.trim_end_matches('.').to_owned())
                        .filter(|d| !d.is_empty())
                        .collect();
                }
                Some("options") => fields.for_each(|option| config.set_option(option)),
                _ => {}
            }
        }
        if !servers.is_empty() {
            config.servers = servers;
        }
        config
    }

    fn set_option(&mut self, option: &str) {
        let Some((name, Ok(value))) =
            option.split_once(':').map(|(name, value)| (name, value.parse::<u32>()))
        else {
            return;
        };
        match name {
            "ndots" => self.ndots = (value as usize).min(MAX_NDOTS),
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.max(1))),
            "attempts" => self.attempts = value.max(1),
            _ => {}
        }
    }

    /// The fully qualified names to try for `name`, in order and without the last dot.
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(rooted) = name.strip_suffix('.') {
            return vec![rooted.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        if name.matches('.').count() >= self.ndots {
            std::iter::once(name.to_owned()).chain(searched).collect()
        } else {
            searched.chain(std::iter::once(name.to_owned())).collect()
        }
    }
}

fn server(text: &str) -> Option<SocketAddr> {
    if let Some((ip, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        return Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?));
    }
    text.parse().ok().map(|ip| SocketAddr::new(ip, DNS_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "\
# what kubelets write for pods
nameserver 10.96.0.10
search kube-system.svc.cluster.local svc.cluster.local. cluster.local
options ndots:5 timeout:2 attempts:3 edns0
nonsense
";

    #[test]
    fn reads_what_kubelets_write() {
        let config = ResolvConf::parse(POD);
        assert_eq!(config.servers, ["10.96.0.10:53".parse().unwrap()]);
        assert_eq!((config.ndots, config.timeout, config.attempts), (5, Duration::from_secs(2), 3));
        assert_eq!(
            config.candidates("k8s-node1"),
            [
                "k8s-node1.kube-system.svc.cluster.local",
                "k8s-node1.svc.cluster.local",
                "k8s-node1.cluster.local",
                "k8s-node1"
            ]
        );
        assert_eq!(config.candidates("a.b.c.d.e.f")[0], "a.b.c.d.e.f");
        assert_eq!(config.candidates("k8s-node1."), ["k8s-node1"]);
    }

    #[test]
    fn a_port_is_read_in_openbsd_notation() {
        let config =
            ResolvConf::parse("nameserver [127.0.0.1]:5353\nnameserver ::1\nnameserver x\n");
        assert_eq!(
            config.servers,
            ["127.0.0.1:5353".parse().unwrap(), "[::1]:53".parse().unwrap()]
        );
    }

    #[test]
    fn without_servers_this_machine_is_asked() {
        assert_eq!(ResolvConf::parse(""), ResolvConf::default());
    }
}
