use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use super::{NameServer, name_server::DNS_PORT, names};

/// Go's bounds on the options of resolv.conf.
const MAX_SERVERS: usize = 3;
const MAX_NDOTS: u32 = 15;
const MAX_NUMBER: u32 = 0xff_ffff;

/// Which name servers to query, and how: the contents of a `resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of resolv.conf by itself")]
pub struct ResolvConf {
    /// The name servers, in the order of preference.
    pub servers: Vec<NameServer>,
    /// Domains to try a name in.
    pub search: Vec<String>,
    /// A name with at least this many dots is tried as it is first.
    pub ndots: usize,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How many times each server is queried.
    pub attempts: u32,
    /// `rotate`: each question begins with the next server.
    pub rotate: bool,
    /// `single-request`, `single-request-reopen`: the AAAA query is sent after the A query, not
    /// together with it.
    pub single_request: bool,
    /// `use-vc`: questions go over TCP.
    pub use_tcp: bool,
    /// `trust-ad`: queries set the AD (authentic data) bit.
    pub trust_ad: bool,
    /// `no-reload`: the file is not read again.
    pub no_reload: bool,
}

// === impl ResolvConf ===

impl Default for ResolvConf {
    /// What applies where there is no resolv.conf: a server on this machine.
    fn default() -> Self {
        let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        Self {
            servers: local.map(|ip| SocketAddr::new(ip, DNS_PORT).into()).to_vec(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            single_request: false,
            use_tcp: false,
            trust_ad: false,
            no_reload: false,
        }
    }
}

impl ResolvConf {
    /// Reads the format of `/etc/resolv.conf` as Go does (`net/dnsconfig_unix.go`): malformed lines
    /// and unknown options are ignored, and only a whole line can be a comment. Where no domain to
    /// search is named, it is that of `hostname`.
    pub fn parse(text: &str, hostname: &str) -> Self {
        let mut servers = Vec::new();
        let mut config = Self::default();
        for line in text.split('\n').filter(|line| !line.starts_with(['#', ';'])) {
            let mut fields = line.split([' ', '\t', '\r']).filter(|field| !field.is_empty());
            match fields.next() {
                Some("nameserver") if servers.len() < MAX_SERVERS => {
                    servers.extend(fields.next().and_then(NameServer::parse));
                }
                Some("domain") => {
                    if let Some(domain) = fields.next() {
                        config.search = domains([domain].into_iter());
                    }
                }
                Some("search") => config.search = domains(fields),
                Some("options") => fields.for_each(|option| config.set_option(option)),
                _ => {}
            }
        }
        if !servers.is_empty() {
            config.servers = servers;
        }
        if config.search.is_empty() {
            config.search = domains(hostname.split_once('.').map(|(_, domain)| domain).into_iter());
        }
        config
    }

    fn set_option(&mut self, option: &str) {
        match option {
            "rotate" => self.rotate = true,
            "single-request" | "single-request-reopen" => self.single_request = true,
            // As Linux, FreeBSD and OpenBSD call it.
            "use-vc" | "usevc" | "tcp" => self.use_tcp = true,
            "trust-ad" => self.trust_ad = true,
            "no-reload" => self.no_reload = true,
            _ => {}
        }
        let Some((name, value)) = option.split_once(':') else { return };
        let value = number(value);
        match name {
            "ndots" => self.ndots = value.min(MAX_NDOTS) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.max(1))),
            "attempts" => self.attempts = value.max(1),
            _ => {}
        }
    }

    /// The fully qualified names to try for `name`, in order and without the last dot.
    pub fn candidates(&self, name: &str) -> Vec<String> {
        let itself = std::iter::once(name.trim_end_matches('.').to_owned());
        let candidates: Vec<_> = if name.ends_with('.') {
            itself.collect()
        } else {
            let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
            if name.matches('.').count() >= self.ndots {
                itself.chain(searched).collect()
            } else {
                searched.chain(itself).collect()
            }
        };
        candidates.into_iter().filter(|name| names::may_be_asked_for(name)).collect()
    }
}

fn domains<'d>(domains: impl Iterator<Item = &'d str>) -> Vec<String> {
    let domains = domains.map(|domain| domain.strip_suffix('.').unwrap_or(domain).to_owned());
    domains.filter(|domain| !domain.is_empty()).collect()
}

/// The digits that `text` begins with; 0 where there are none.
fn number(text: &str) -> u32 {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0, |number, digit| (number * 10 + u32::from(digit - b'0')).min(MAX_NUMBER))
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

    fn servers(text: &str) -> String {
        let servers = ResolvConf::parse(text, "").servers;
        servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reads_what_kubelets_write() {
        let config = ResolvConf::parse(POD, "metrics-server-0");
        assert_eq!(servers(POD), "10.96.0.10:53");
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
    fn name_servers_are_addresses_and_three_at_most() {
        let local = "127.0.0.1:53 [::1]:53";
        let cases = [
            ("", local),
            ("nameserver\nnameserver dns.example\nnameserver 010.0.0.1\n", local),
            (
                "nameserver 10.0.0.1\r\nnameserver\t2001:db8::1 # more\n",
                "10.0.0.1:53 [2001:db8::1]:53",
            ),
            (" nameserver 10.0.0.1", "10.0.0.1:53"),
            ("#nameserver 10.0.0.1\n;nameserver 10.0.0.2", local),
            ("nameserver fe80::53%eth0\nnameserver 10.0.0.1", "[fe80::53%eth0]:53 10.0.0.1:53"),
            ("nameserver fe80::53%\nnameserver 10.0.0.1%eth0", local),
            ("nameserver [127.0.0.1]:5353", "127.0.0.1:5353"),
            (
                "nameserver x\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4",
                "10.0.0.1:53 10.0.0.2:53 10.0.0.3:53",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(servers(text), expected, "{text:?}");
        }
    }

    #[test]
    fn without_domains_that_of_the_host_is_searched() {
        let cases: [(&str, &str, &[&str]); 9] = [
            ("", "node-1", &[]),
            ("", "node-1.example.com", &["example.com"]),
            ("", "node-1.", &[]),
            ("search", "node-1.example.com", &["example.com"]),
            // As systemd-resolved writes it.
            ("search .", "node-1.example.com", &["example.com"]),
            ("search a.example. b.example", "node-1.example.com", &["a.example", "b.example"]),
            ("domain a.example b.example", "", &["a.example"]),
            ("search a.example\ndomain b.example", "", &["b.example"]),
            // Only whole lines are comments.
            ("search a.example #b", "", &["a.example", "#b"]),
        ];
        for (text, hostname, expected) in cases {
            assert_eq!(ResolvConf::parse(text, hostname).search, expected, "{text:?} {hostname}");
        }
    }

    #[test]
    fn options_are_read_one_by_one() {
        let default = ResolvConf::default;
        let seconds = Duration::from_secs;
        let cases = [
            ("ndots:0", ResolvConf { ndots: 0, ..default() }),
            ("ndots:16", ResolvConf { ndots: 15, ..default() }),
            ("ndots:-1", ResolvConf { ndots: 0, ..default() }),
            ("ndots:3x", ResolvConf { ndots: 3, ..default() }),
            ("ndots 3", default()),
            ("timeout:0", ResolvConf { timeout: seconds(1), ..default() }),
            ("timeout:99999999999", ResolvConf { timeout: seconds(0xff_ffff), ..default() }),
            ("attempts:0", ResolvConf { attempts: 1, ..default() }),
            ("rotate", ResolvConf { rotate: true, ..default() }),
            ("single-request", ResolvConf { single_request: true, ..default() }),
            ("single-request-reopen", ResolvConf { single_request: true, ..default() }),
            ("use-vc", ResolvConf { use_tcp: true, ..default() }),
            ("trust-ad", ResolvConf { trust_ad: true, ..default() }),
            ("no-reload", ResolvConf { no_reload: true, ..default() }),
            ("edns0 inet6 no-tld-query unheard:of", default()),
            ("rotate use-vc", ResolvConf { rotate: true, use_tcp: true, ..default() }),
        ];
        for (options, expected) in cases {
            assert_eq!(ResolvConf::parse(&format!("options {options}"), ""), expected, "{options}");
        }
    }

    #[test]
    fn invalid_names_are_not_queried() {
        let long = "a".repeat(63);
        let config = ResolvConf {
            search: vec![format!("{long}.{long}.{long}"), "onion".to_owned(), "b".to_owned()],
            ndots: 1,
            ..ResolvConf::default()
        };
        assert_eq!(config.candidates(&long), [format!("{long}.b"), long.clone()]);
        assert_eq!(config.candidates("x.onion."), [""; 0]);
    }
}
