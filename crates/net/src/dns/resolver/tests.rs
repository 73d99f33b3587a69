mod options;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::{join_all, pending};
use hickory_proto::{
    op::{Message, MessageType},
    rr::{RData, Record, rdata::CNAME},
};
use tokio::time::{advance, sleep};

use super::*;
use crate::{Clock, Datagram, Files, Listener, Network, Programs, Random, Stream};

/// A name server that finds every name at 10.0.0.1, except those that begin with `silent`, `alias`
/// (two CNAMEs, in one response with the address), `loop` (CNAMEs alone, in a circle) or `crowd`
/// (256 addresses).
#[derive(Default)]
struct NameServer {
    /// Seconds that its answers live.
    ttl: u32,
    questions: AtomicUsize,
    sockets: Arc<Sockets>,
}

#[derive(Default)]
struct Sockets {
    open: AtomicUsize,
    most: AtomicUsize,
}

struct Socket {
    ttl: u32,
    query: Mutex<Option<Message>>,
    sockets: Arc<Sockets>,
}

const DNS: &str = "10.96.0.10:53";

#[async_trait]
impl Network for NameServer {
    async fn connect(&self, _: SocketAddr) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn datagram(&self, _: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        self.questions.fetch_add(1, Relaxed);
        let open = self.sockets.open.fetch_add(1, Relaxed) + 1;
        self.sockets.most.fetch_max(open, Relaxed);
        let (ttl, sockets) = (self.ttl, self.sockets.clone());
        Ok(Box::new(Socket { ttl, query: Mutex::default(), sockets }))
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[async_trait]
impl Datagram for Socket {
    async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        *self.query.lock().unwrap() = Message::from_vec(payload).ok();
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let query = self.query.lock().unwrap().take().unwrap();
        let question = query.queries[0].clone();
        if question.name().to_ascii().starts_with("silent") {
            return pending().await;
        }
        sleep(Duration::from_millis(1)).await;
        let mut answer =
            Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
        answer.metadata.recursion_available = true;
        let name = question.name().to_ascii();
        let alias = |from: &str, to: &str| {
            let (from, to) = (Name::from_ascii(from).unwrap(), Name::from_ascii(to).unwrap());
            Record::from_rdata(from, 60, RData::CNAME(CNAME(to)))
        };
        // Whatever the server sends after them, the CNAMEs come first.
        if name.starts_with("alias") {
            answer.add_answer(alias(&name, "next."));
            answer.add_answer(alias("next.", "last."));
        } else if name.starts_with("loop") {
            answer.add_answer(alias(&name, "other."));
            answer.add_answer(alias("other.", &name));
        }
        if question.query_type() != RecordType::A || name.starts_with("loop") {
        } else if name.starts_with("alias") {
            let data = RData::A(Ipv4Addr::new(10, 0, 0, 2).into());
            answer.add_answer(Record::from_rdata(Name::from_ascii("last.").unwrap(), 60, data));
        } else if name.starts_with("crowd") {
            for last in 0..=255 {
                let data = RData::A(Ipv4Addr::new(10, 1, 0, last).into());
                answer.add_answer(Record::from_rdata(question.name().clone(), 60, data));
            }
        } else {
            let data = RData::A(Ipv4Addr::new(10, 0, 0, 1).into());
            answer.add_answer(Record::from_rdata(question.name().clone(), self.ttl, data));
        }
        answer.add_query(question);
        Ok(answer.to_vec().unwrap())
    }

    fn local(&self) -> SocketAddr {
        "10.244.1.6:40000".parse().unwrap()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.sockets.open.fetch_sub(1, Relaxed);
    }
}

fn resolver(ttl: u32) -> (Arc<NameServer>, Resolver) {
    let network = Arc::new(NameServer { ttl, ..NameServer::default() });
    let doors = Doors {
        clock: Clock::system(),
        network: network.clone(),
        random: Random::seeded(1),
        files: Files::default(),
        programs: Programs::default(),
    };
    let config = ResolvConf {
        servers: vec![DNS.parse::<SocketAddr>().unwrap().into()],
        ..ResolvConf::default()
    };
    (network, Resolver::new(doors, config, Hosts::default()))
}

fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn lookups_of_one_name_at_the_same_time_share_a_query() {
    // Even an answer with a time to live of 0 is not queried by each.
    let (server, resolver) = resolver(0);
    let all = join_all((0..5000).map(|_| resolver.lookup("proxy", within(10)))).await;
    assert!(all.iter().all(|one| one.as_deref() == Ok(&["10.0.0.1".parse().unwrap()])));
    assert_eq!(server.questions.load(Relaxed), 2, "one for each family");
}

#[tokio::test(start_paused = true)]
async fn an_answer_lives_as_long_as_its_records_and_a_few_seconds_at_most() {
    // Time to live, milliseconds until the name is needed again, whether it is queried again.
    let cases =
        [(0, 0, true), (2, 1900, false), (2, 2100, true), (3600, 4900, false), (3600, 5100, true)];
    for (ttl, later, again) in cases {
        let (server, resolver) = resolver(ttl);
        resolver.lookup("node-1", within(10)).await.unwrap();
        let asked = server.questions.load(Relaxed);
        advance(Duration::from_millis(later)).await;
        resolver.lookup("node-1", within(10)).await.unwrap();
        assert_eq!(server.questions.load(Relaxed) > asked, again, "{ttl} {later}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_at_its_deadline_gets_the_open_query_as_its_error_and_others_go_on() {
    let (server, resolver) = resolver(30);
    let (hasty, patient) =
        join(resolver.lookup("silent", within(1)), resolver.lookup("silent", within(3))).await;
    let words =
        "lookup silent on 10.96.0.10:53: read udp 10.244.1.6:40000->10.96.0.10:53: i/o timeout";
    assert_eq!(hasty.unwrap_err().to_string(), words);
    assert_eq!(patient.unwrap_err().to_string(), words);
    assert_eq!(server.questions.load(Relaxed), 2, "the one who stays does not ask again");
    // No caller waits for it: nothing of it is left.
    assert_eq!(server.sockets.open.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn silent_name_servers_neither_use_all_sockets_nor_delay_other_lookups() {
    let (server, resolver) = resolver(30);
    let silent = (0..10_000).map(|n| {
        let resolver = resolver.clone();
        async move { resolver.lookup(&format!("silent-{n}"), within(10)).await }
    });
    let silent = tokio::spawn(join_all(silent));
    tokio::task::yield_now().await;
    let began = Instant::now();
    resolver.lookup("good", within(10)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let silent = silent.await.unwrap();
    assert!(silent.iter().all(|one| {
        matches!(one, Err(LookupError { failure: LookupFailure::Timeout { .. }, .. }))
    }));
    let most = server.sockets.most.load(Relaxed);
    assert!((1024..=2 * (1024 + 2048)).contains(&most), "{most} sockets");
    assert_eq!(server.sockets.open.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn the_cache_keeps_no_more_answers_than_its_limit() {
    let (_, resolver) = resolver(3600);
    for batch in 0..25 {
        let names = (0..1000).map(|n| {
            let resolver = resolver.clone();
            async move { resolver.lookup(&format!("node-{batch}-{n}"), within(10)).await }
        });
        join_all(names).await;
    }
    assert_eq!(resolver.lookups.kept(), 10_000);
    sleep(Duration::from_secs(6)).await;
    resolver.lookup("one-more", within(10)).await.unwrap();
    assert_eq!(resolver.lookups.kept(), 1, "what is over is dropped");
}

#[tokio::test(start_paused = true)]
async fn aliases_are_followed_within_an_answer_and_circles_lead_nowhere() {
    let (server, resolver) = resolver(30);
    let found = resolver.lookup("alias", within(10)).await;
    assert_eq!(found.unwrap(), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
    let (asked, began) = (server.questions.load(Relaxed), Instant::now());
    let error = resolver.lookup("loop", within(10)).await.unwrap_err();
    assert_eq!(error.to_string(), "lookup loop on 10.96.0.10:53: no such host");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(server.questions.load(Relaxed) - asked, 2, "one for each family");
}

#[tokio::test(start_paused = true)]
async fn of_many_addresses_the_first_few_are_taken() {
    let (_, resolver) = resolver(30);
    let found = resolver.lookup("crowd", within(10)).await.unwrap();
    let expected: Vec<IpAddr> = (0..16).map(|last| Ipv4Addr::new(10, 1, 0, last).into()).collect();
    assert_eq!(found, expected);
}
