//! One query to one server and its response: over UDP, and over TCP where the response is truncated
//! or resolv.conf has `use-vc`.

use std::{io, net::SocketAddr, time::Duration};

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RecordType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::{
    LookupFailure, NameServer, ResolvConf,
    lookups::Found,
    progress::{Open, Progress},
};
use crate::{Doors, Network};

/// What Go advertises: it fits every path's MTU.
const UDP_PAYLOAD: u16 = 1232;

/// The most addresses that are taken from an answer: one over TCP can hold thousands, and each
/// of them would be tried.
const MOST_ADDRESSES: usize = 16;

/// The local address of a TCP connection, which streams do not expose.
const UNKNOWN_END: &str = "?";

/// A question about one name.
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) kind: RecordType,
}

/// A question to one server.
struct Exchange<'e> {
    network: &'e dyn Network,
    config: &'e ResolvConf,
    server: &'e NameServer,
    /// Where the server is.
    address: SocketAddr,
    query: Vec<u8>,
    id: u16,
    question: &'e Question,
    progress: &'e Progress,
}

/// Queries `server` and returns the addresses in its response. Their time to live is the shortest
/// one of the records on the way to them.
pub(super) async fn ask(
    doors: &Doors,
    config: &ResolvConf,
    server: &NameServer,
    question: &Question,
    progress: &Progress,
) -> Result<Found, LookupFailure> {
    let network = &*doors.network;
    let id = doors.random.u16();
    let query = encode(id, question, config.trust_ad)?;
    let address = server.on(network);
    let exchange = Exchange { network, config, server, address, query, id, question, progress };
    let answer = if config.use_tcp {
        exchange.over_tcp().await?
    } else {
        let answer = exchange.over_udp().await?;
        if answer.metadata.truncation { exchange.over_tcp().await? } else { answer }
    };
    match answer.metadata.response_code {
        // One more server may know the name, as for libresolv.
        ResponseCode::NoError if is_lame_referral(&answer) => {
            return Err(LookupFailure::LameReferral);
        }
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Err(LookupFailure::NoSuchHost),
        _ => return Err(LookupFailure::ServerMisbehaving),
    }
    let lives = answer.answers.iter().map(|record| record.ttl);
    let life = Duration::from_secs(lives.min().unwrap_or_default().into());
    let addresses: Vec<_> = answer
        .answers
        .iter()
        .filter(|record| record.record_type() == question.kind)
        .filter_map(|record| record.data.ip_addr())
        .take(MOST_ADDRESSES)
        .collect();
    if addresses.is_empty() {
        return Err(LookupFailure::NoSuchHost);
    }
    Ok(Found { addresses, life, name: None })
}

fn is_lame_referral(answer: &Message) -> bool {
    !answer.metadata.authoritative
        && !answer.metadata.recursion_available
        && answer.answers.is_empty()
        && answer.additionals.is_empty()
        && answer.edns.is_none()
}

fn encode(id: u16, question: &Question, trust_ad: bool) -> Result<Vec<u8>, LookupFailure> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.metadata.authentic_data = trust_ad;
    message.add_query(Query::query(question.name.clone(), question.kind));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    message.set_edns(edns);
    // A name that cannot be written into a message cannot exist.
    message.to_vec().map_err(|_| LookupFailure::NoSuchHost)
}

/// The response to our query, if the bytes are one: any host can send us a datagram.
fn decode(bytes: &[u8], id: u16, question: &Question) -> Option<Message> {
    let message = Message::from_vec(bytes).ok()?;
    let ours = message.metadata.id == id
        && message.metadata.message_type == MessageType::Response
        && message.queries.first().is_some_and(|query| {
            query.query_type() == question.kind && query.name().eq_ignore_root(&question.name)
        });
    ours.then_some(message)
}

// === impl Exchange ===

impl Exchange<'_> {
    async fn over_udp(&self) -> Result<Message, LookupFailure> {
        let deadline = self.deadline();
        let dialed = self.network.datagram(self.address).await;
        let mut socket = dialed.map_err(|error| self.failed("dial", "udp", None, &error))?;
        let near_end = self.server.near_end(socket.local());
        let late = self.open("read", "udp", Some(&near_end));
        let failed = |operation| {
            let near_end = near_end.as_str();
            move |error| self.failed(operation, "udp", Some(near_end), &error)
        };
        let exchange = async {
            socket.send(&self.query).await.map_err(failed("write"))?;
            loop {
                let bytes = socket.receive().await.map_err(failed("read"))?;
                if let Some(message) = decode(&bytes, self.id, self.question) {
                    return Ok(message);
                }
            }
        };
        timeout_at(deadline, exchange).await.unwrap_or(Err(late))
    }

    async fn over_tcp(&self) -> Result<Message, LookupFailure> {
        let deadline = self.deadline();
        let late = self.open("dial", "tcp", None);
        let dialed = timeout_at(deadline, self.network.connect(self.address)).await;
        let mut stream =
            dialed.map_err(|_| late)?.map_err(|error| self.failed("dial", "tcp", None, &error))?;
        let late = self.open("read", "tcp", Some(UNKNOWN_END));
        let failed =
            |operation| move |error| self.failed(operation, "tcp", Some(UNKNOWN_END), &error);
        let exchange = async {
            let length = u16::try_from(self.query.len()).map_err(|_| LookupFailure::NoSuchHost)?;
            stream.write_u16(length).await.map_err(failed("write"))?;
            stream.write_all(&self.query).await.map_err(failed("write"))?;
            stream.flush().await.map_err(failed("write"))?;
            let length = stream.read_u16().await.map_err(failed("read"))?;
            let mut bytes = vec![0; usize::from(length)];
            stream.read_exact(&mut bytes).await.map_err(failed("read"))?;
            decode(&bytes, self.id, self.question).ok_or(LookupFailure::ServerMisbehaving)
        };
        timeout_at(deadline, exchange).await.unwrap_or(Err(late))
    }

    /// Each protocol has the whole time, as in Go.
    fn deadline(&self) -> Instant {
        Instant::now() + self.config.timeout
    }

    /// Notes what is waited for, and gives the failure that it is if the wait is too long.
    fn open(
        &self,
        operation: &'static str,
        protocol: &'static str,
        near_end: Option<&str>,
    ) -> LookupFailure {
        let late = LookupFailure::Timeout { operation, protocol, ends: self.ends(near_end) };
        self.progress.open(Open { late: late.clone(), server: self.server.clone() });
        late
    }

    fn failed(
        &self,
        operation: &'static str,
        protocol: &'static str,
        near_end: Option<&str>,
        error: &io::Error,
    ) -> LookupFailure {
        LookupFailure::Unreachable {
            operation,
            protocol,
            ends: self.ends(near_end),
            cause: crate::errno::describe(operation, error),
        }
    }

    fn ends(&self, near_end: Option<&str>) -> String {
        match near_end {
            Some(near_end) => format!("{near_end}->{}", self.server),
            None => self.server.to_string(),
        }
    }
}
