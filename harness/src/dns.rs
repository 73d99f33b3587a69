//! The names of the simulated and loopback worlds, and how they fail.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{RData, Record, RecordType},
};

use crate::file::format::{Dns, DnsChange, DnsFailure};

/// Seconds that an answer may be kept: CoreDNS's default for the cluster's own names.
const TTL: u32 = 30;

/// The names the cluster's DNS server knows.
pub struct Zone {
    names: Mutex<BTreeMap<String, Answer>>,
    observer: Arc<dyn DnsObserver>,
}

/// Is told which questions the server got and how it answered.
pub trait DnsObserver: Send + Sync + 'static {
    /// `answer` is an address, or what the server said instead.
    fn question(&self, name: &str, kind: &str, answer: &str);
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Address(IpAddr),
    Failure(DnsFailure),
}

// === impl Zone ===

impl Zone {
    /// The zone that a scenario describes.
    pub fn new(dns: &Dns, observer: Arc<dyn DnsObserver>) -> Self {
        let zone = Self { names: Mutex::default(), observer };
        zone.learn(dns.records.iter().map(|(name, ip)| (name, Answer::Address(ip.0))));
        zone.learn(dns.failures.iter().map(|(name, failure)| (name, Answer::Failure(*failure))));
        zone
    }

    /// Learns what a step changes.
    pub fn change(&self, change: &DnsChange) {
        self.learn(change.records.iter().map(|(name, ip)| (name, Answer::Address(ip.0))));
        self.learn(change.failures.iter().map(|(name, failure)| (name, Answer::Failure(*failure))));
    }

    /// Answers a DNS message; `None` where the server stays silent.
    pub fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let query = Message::from_vec(query).ok()?;
        let question = query.queries.first()?;
        let name = canonical(&question.name().to_ascii());
        let answer = self.names().get(&name).copied();
        let kind = question.query_type();
        let mut response = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        response.metadata.recursion_desired = query.metadata.recursion_desired;
        response.metadata.recursion_available = true;
        response.add_query(question.clone());
        let said = match answer {
            None | Some(Answer::Failure(DnsFailure::NoSuchHost)) => {
                response.metadata.response_code = ResponseCode::NXDomain;
                "NXDOMAIN".to_owned()
            }
            Some(Answer::Failure(DnsFailure::ServerFailure)) => {
                response.metadata.response_code = ResponseCode::ServFail;
                "SERVFAIL".to_owned()
            }
            Some(Answer::Failure(DnsFailure::Silence)) => {
                self.observer.question(&name, &kind.to_string(), "silence");
                return None;
            }
            Some(Answer::Address(ip)) => match record(ip, kind) {
                Some(data) => {
                    response.add_answer(Record::from_rdata(question.name().clone(), TTL, data));
                    ip.to_string()
                }
                None => "no data".to_owned(),
            },
        };
        self.observer.question(&name, &kind.to_string(), &said);
        response.to_vec().ok()
    }

    fn learn<'a>(&self, answers: impl Iterator<Item = (&'a String, Answer)>) {
        let mut names = self.names();
        for (name, answer) in answers {
            names.insert(canonical(name), answer);
        }
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, Answer>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn record(ip: IpAddr, kind: RecordType) -> Option<RData> {
    match (ip, kind) {
        (IpAddr::V4(ip), RecordType::A) => Some(RData::A(ip.into())),
        (IpAddr::V6(ip), RecordType::AAAA) => Some(RData::AAAA(ip.into())),
        _ => None,
    }
}
