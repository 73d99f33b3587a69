//! One question to one server and its answer: over UDP, and over TCP where the answer does not fit.

use std::{net::SocketAddr, time::Duration};

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RecordType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::{
    LookupFailure,
    lookups::Found,
    progress::{Open, Progress},
};
use crate::{Doors, Network};

/// What Go advertises: it fits every path's MTU.
const UDP_PAYLOAD: u16 = 1232;

/// The most addresses that are taken from an answer: one over TCP can hold thousands, and each
/// of them would be tried.
const MOST_ADDRESSES: usize = 16;

/// Stands for the near end of a TCP connection, which streams do not tell.
const UNKNOWN_END: &str = "?";

/// A question about one name.
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) kind: RecordType,
}

/// Asks `server` and gives the addresses in its answer. They live as long as the shortest-lived
/// record on the way to them.
pub(super) async fn ask(
    doors: &Doors,
    server: SocketAddr,
    question: &Question,
    progress: &Progress,
    deadline: Instant,
) -> Result<Found, LookupFailure> {
    let id = doors.random.u16();
    let query = encode(id, question)?;
    let open = |protocol, local| progress.open(Open { protocol, local, server });
    let udp = over_udp(&*doors.network, server, &query, id, question, open, deadline);
    let mut answer = udp.await?;
    if answer.metadata.truncation {
        open("tcp", UNKNOWN_END.to_owned());
        answer = over_tcp(&*doors.network, server, &query, id, question, deadline).await?;
    }
    match answer.metadata.response_code {
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

fn encode(id: u16, question: &Question) -> Result<Vec<u8>, LookupFailure> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(question.name.clone(), question.kind));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    message.set_edns(edns);
    // A name that cannot be written into a message cannot exist.
    message.to_vec().map_err(|_| LookupFailure::NoSuchHost)
}

/// The answer to our question, if that is what the bytes are: anybody can send us a datagram.
fn decode(bytes: &[u8], id: u16, question: &Question) -> Option<Message> {
    let message = Message::from_vec(bytes).ok()?;
    let ours = message.metadata.id == id
        && message.metadata.message_type == MessageType::Response
        && message.queries.first().is_some_and(|query| {
            query.query_type() == question.kind && query.name().eq_ignore_root(&question.name)
        });
    ours.then_some(message)
}

async fn over_udp(
    network: &dyn Network,
    server: SocketAddr,
    query: &[u8],
    id: u16,
    question: &Question,
    open: impl Fn(&'static str, String),
    deadline: Instant,
) -> Result<Message, LookupFailure> {
    let mut socket = network
        .datagram(server)
        .await
        .map_err(|error| unreachable_by("dial", "udp", server.to_string(), &error))?;
    let local = socket.local();
    open("udp", local.to_string());
    let failed = |operation| {
        move |error: std::io::Error| {
            unreachable_by(operation, "udp", format!("{local}->{server}"), &error)
        }
    };
    let exchange = async {
        socket.send(query).await.map_err(failed("write"))?;
        loop {
            let bytes = socket.receive().await.map_err(failed("read"))?;
            if let Some(message) = decode(&bytes, id, question) {
                return Ok(message);
            }
        }
    };
    timeout_at(deadline, exchange).await.unwrap_or(Err(LookupFailure::Timeout {
        protocol: "udp",
        local: local.to_string(),
        server,
    }))
}

async fn over_tcp(
    network: &dyn Network,
    server: SocketAddr,
    query: &[u8],
    id: u16,
    question: &Question,
    deadline: Instant,
) -> Result<Message, LookupFailure> {
    let failed = |operation| {
        move |error: std::io::Error| unreachable_by(operation, "tcp", server.to_string(), &error)
    };
    let exchange = async {
        let mut stream = network.connect(server).await.map_err(failed("dial"))?;
        let length = u16::try_from(query.len()).map_err(|_| LookupFailure::NoSuchHost)?;
        stream.write_u16(length).await.map_err(failed("write"))?;
        stream.write_all(query).await.map_err(failed("write"))?;
        stream.flush().await.map_err(failed("write"))?;
        let length = stream.read_u16().await.map_err(failed("read"))?;
        let mut bytes = vec![0; usize::from(length)];
        stream.read_exact(&mut bytes).await.map_err(failed("read"))?;
        decode(&bytes, id, question).ok_or(LookupFailure::ServerMisbehaving)
    };
    timeout_at(deadline, exchange).await.unwrap_or(Err(LookupFailure::Timeout {
        protocol: "tcp",
        local: UNKNOWN_END.to_owned(),
        server,
    }))
}

fn unreachable_by(
    operation: &'static str,
    protocol: &'static str,
    ends: String,
    error: &std::io::Error,
) -> LookupFailure {
    LookupFailure::Unreachable {
        operation,
        protocol,
        ends,
        cause: crate::errno::describe(operation, error),
    }
}
