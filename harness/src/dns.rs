//! The names of the simulated and loopback worlds, and how they fail.

mod stream;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use hickory_proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata},
};
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::stream::serve_streams;
use crate::file::format::{
    Dns, DnsChange, DnsFailure, DnsName, DnsProtocol, HostsPlugin, NameServer, Schedule,
};
use net::Random;

/// Seconds that an answer may be kept: CoreDNS's default for the cluster's own names.
const TTL: u32 = 30;

/// How many aliases lead to an address at most, as in most resolvers.
const MOST_ALIASES: usize = 8;

/// What the cluster's DNS servers know.
pub struct Zone {
    known: Mutex<Known>,
    /// Chooses upstreams.
    random: Random,
    observer: Arc<dyn DnsObserver>,
}

/// Gets each query and its response.
pub trait DnsObserver: Send + Sync + 'static {
    /// `answer` is an address, or the response code or fault instead.
    fn question(&self, server: IpAddr, name: &str, kind: &str, answer: &str);
}

/// An answer to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub bytes: Vec<u8>,
    /// The time until it is sent.
    pub delay: Duration,
}

#[derive(Default)]
struct Known {
    names: BTreeMap<String, Entry<DnsName>>,
    servers: BTreeMap<IpAddr, Entry<NameServer>>,
    hosts: Option<HostsPlugin>,
}

/// What is known, and since when.
struct Entry<T> {
    what: T,
    since: Instant,
}

/// A server's response to a query.
enum Verdict {
    Fails(DnsFailure),
    Truncated,
    Records(Vec<(String, RData)>),
}

// === impl Zone ===

impl Zone {
    /// The zone that a scenario describes.
    pub fn new(dns: &Dns, random: Random, observer: Arc<dyn DnsObserver>) -> Self {
        let zone = Self { known: Mutex::default(), random, observer };
        zone.change(&DnsChange {
            records: dns.records.clone(),
            failures: dns.failures.clone(),
            names: dns.names.clone(),
            hosts: dns.hosts.clone(),
            servers: dns.servers.clone(),
        });
        zone
    }

    /// Applies a step's change.
    pub fn change(&self, change: &DnsChange) {
        let since = Instant::now();
        let mut known = self.known.lock();
        let records = change
            .records
            .iter()
            .map(|(name, ip)| (name, DnsName { addresses: vec![*ip], ..DnsName::default() }));
        let failures = change.failures.iter().map(|(name, failure)| {
            (name, DnsName { failure: Some(*failure), ..DnsName::default() })
        });
        let names = change.names.iter().map(|(name, said)| (name, said.clone()));
        for (name, what) in records.chain(failures).chain(names) {
            known.names.insert(canonical(name), Entry { what, since });
        }
        for server in &change.servers {
            let names = server.names.iter().map(|(name, said)| (canonical(name), said.clone()));
            let what = NameServer { names: names.collect(), ..server.clone() };
            let entry = Entry { what, since };
            known.servers.insert(server.address.0, entry);
        }
        if let Some(hosts) = &change.hosts {
            let entries = hosts.entries.iter().map(|(name, ips)| (canonical(name), ips.clone()));
            known.hosts =
                Some(HostsPlugin { entries: entries.collect(), fallthrough: hosts.fallthrough });
        }
    }

    /// Answers a DNS message that `server` got; `None` where it does not respond.
    pub fn answer(&self, server: IpAddr, protocol: DnsProtocol, query: &[u8]) -> Option<Reply> {
        let query = Message::from_vec(query).ok()?;
        let question = query.queries.first()?;
        let name = canonical(&question.name().to_ascii());
        let kind = question.query_type();
        let (verdict, delay) = self.known.lock().judge(server, protocol, &name, kind, &self.random);
        let mut response = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        response.metadata.recursion_desired = query.metadata.recursion_desired;
        response.metadata.recursion_available = true;
        response.add_query(question.clone());
        let said = match verdict {
            Verdict::Fails(failure) => match failure {
                DnsFailure::NoSuchHost => {
                    response.metadata.response_code = ResponseCode::NXDomain;
                    "NXDOMAIN".to_owned()
                }
                DnsFailure::NoData => "no data".to_owned(),
                DnsFailure::ServerFailure => {
                    response.metadata.response_code = ResponseCode::ServFail;
                    "SERVFAIL".to_owned()
                }
                DnsFailure::Refused => {
                    response.metadata.response_code = ResponseCode::Refused;
                    "REFUSED".to_owned()
                }
                DnsFailure::WrongId => {
                    response.metadata.id = query.metadata.id.wrapping_add(1);
                    "an answer to another question".to_owned()
                }
                DnsFailure::Silence => {
                    self.observer.question(server, &name, &kind.to_string(), "silence");
                    return None;
                }
            },
            Verdict::Truncated => {
                response.metadata.truncation = true;
                "truncated".to_owned()
            }
            Verdict::Records(records) => {
                let said: Vec<_> = records.iter().map(|(_, data)| data.to_string()).collect();
                for (owner, data) in records {
                    let owner = fully_qualified(&owner)?;
                    response.add_answer(Record::from_rdata(owner, TTL, data));
                }
                if said.is_empty() { "no data".to_owned() } else { said.join(" ") }
            }
        };
        self.observer.question(server, &name, &kind.to_string(), &said);
        Some(Reply { bytes: response.to_vec().ok()?, delay })
    }
}

// === impl Known ===

impl Known {
    fn judge(
        &self,
        server: IpAddr,
        protocol: DnsProtocol,
        name: &str,
        kind: RecordType,
        random: &Random,
    ) -> (Verdict, Duration) {
        let mut delay = Duration::ZERO;
        let lost = |asked: &NameServer| asked.protocol.is_some_and(|only| only != protocol);
        if self.servers.get(&server).is_some_and(|entry| lost(&entry.what)) {
            return (Verdict::Fails(DnsFailure::Silence), delay);
        }
        let forward = self.servers.get(&server).map_or(&[][..], |entry| &entry.what.forward);
        let upstream = match forward {
            [] => None,
            upstreams => upstreams.get(usize::from(random.u16()) % upstreams.len()),
        };
        for server in [Some(server), upstream.map(|ip| ip.0)].into_iter().flatten() {
            if let Some(entry) = self.servers.get(&server)
                && entry.is_time(entry.what.when)
            {
                delay += entry.what.delay.map_or(Duration::ZERO, |delay| delay.0);
                if let Some(failure) = entry.what.failure {
                    return (Verdict::Fails(failure), delay);
                }
            }
        }
        let server = upstream.map_or(server, |ip| ip.0);
        if let Some(hosts) = &self.hosts {
            if let Some(ips) = hosts.entries.get(name) {
                let ips = ips.iter().filter_map(|ip| record(ip.0, kind));
                return (Verdict::Records(ips.map(|ip| (name.to_owned(), ip)).collect()), delay);
            }
            if !hosts.fallthrough {
                return (Verdict::Fails(DnsFailure::ServerFailure), delay);
            }
        }
        let Some(said) = self.said(server, name) else {
            return (Verdict::Fails(DnsFailure::NoSuchHost), delay);
        };
        let Entry { what: said, since } = said;
        let here = said.at.is_empty() || said.at.iter().any(|at| at.0 == server);
        if here && is_time(said.when, since) {
            delay += said.delay.map_or(Duration::ZERO, |delay| delay.0);
            let of_kind = match kind {
                RecordType::A => said.a,
                RecordType::AAAA => said.aaaa,
                _ => None,
            };
            if let Some(failure) = of_kind.or(said.failure) {
                return (Verdict::Fails(failure), delay);
            }
            if said.truncated && protocol == DnsProtocol::Udp {
                return (Verdict::Truncated, delay);
            }
        }
        (Verdict::Records(self.records(server, name, kind)), delay)
    }

    /// How `server` answers a query for a name.
    fn said(&self, server: IpAddr, name: &str) -> Option<Entry<&DnsName>> {
        let own = self.servers.get(&server).and_then(|entry| {
            let what = closest(name, |name| entry.what.names.get(name))?;
            Some(Entry { what, since: entry.since })
        });
        let of_all = || {
            let entry = closest(name, |name| self.names.get(name))?;
            Some(Entry { what: &entry.what, since: entry.since })
        };
        own.or_else(of_all)
    }

    /// The aliases of a name and the records at their end.
    fn records(&self, server: IpAddr, name: &str, kind: RecordType) -> Vec<(String, RData)> {
        let mut records = Vec::new();
        let mut name = name.to_owned();
        for _ in 0..MOST_ALIASES {
            let Some(Entry { what, .. }) = self.said(server, &name) else { break };
            if let Some(alias) = &what.alias
                && let Some(target) = fully_qualified(alias)
            {
                records.push((name, RData::CNAME(rdata::CNAME(target))));
                name = canonical(alias);
                continue;
            }
            let ips = what.addresses.iter().filter_map(|ip| record(ip.0, kind));
            records.extend(ips.map(|ip| (name.clone(), ip)));
            break;
        }
        records
    }
}

/// What is known of `name`, or else of `*` in the closest domain above it, as RFC 4592 has it.
fn closest<T>(name: &str, known: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut known_above = known(name);
    let mut below = name;
    while known_above.is_none()
        && let Some((_, domain)) = below.split_once('.')
    {
        known_above = known(&format!("*.{domain}"));
        if known_above.is_none() && known(domain).is_some() {
            break;
        }
        below = domain;
    }
    known_above
}

// === impl Entry ===

impl<T> Entry<T> {
    fn is_time(&self, when: Option<Schedule>) -> bool {
        is_time(when, self.since)
    }
}

fn is_time(when: Option<Schedule>, since: Instant) -> bool {
    when.is_none_or(|when| when.is_active(since.elapsed()))
}

fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn fully_qualified(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn record(ip: IpAddr, kind: RecordType) -> Option<RData> {
    match (ip, kind) {
        (IpAddr::V4(ip), RecordType::A) => Some(RData::A(ip.into())),
        (IpAddr::V6(ip), RecordType::AAAA) => Some(RData::AAAA(ip.into())),
        _ => None,
    }
}
