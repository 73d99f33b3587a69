//! Effects of resolv.conf and nsswitch.conf, as name servers see them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hickory_proto::op::ResponseCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;
use crate::dns::ConfigFiles;

/// How a name server behaves towards every question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaves {
    /// It knows IPv4 addresses alone: 10.0.0.1.
    Well,
    /// Over UDP its response is truncated.
    Truncates,
    /// It is silent over UDP.
    OverTcpAlone,
    Silent,
    Fails,
    /// Not authoritative for anything, and offers no recursion.
    Lame,
    /// The name does not exist.
    Unknown,
}

/// Name servers by address, and their queries.
#[derive(Default)]
struct Servers {
    servers: BTreeMap<SocketAddr, Behaves>,
    asked: Arc<Mutex<Vec<String>>>,
}

struct Question {
    behaves: Option<Behaves>,
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    query: Vec<u8>,
}

impl Servers {
    fn of(servers: &[(&str, Behaves)]) -> Arc<Self> {
        let servers = servers.iter().map(|(at, behaves)| (at.parse().unwrap(), *behaves)).collect();
        Arc::new(Self { servers, ..Self::default() })
    }

    fn question(&self, at: SocketAddr) -> Question {
        let (behaves, asked) = (self.servers.get(&at).copied(), self.asked.clone());
        Question { behaves, at, asked, query: Vec::new() }
    }

    fn resolver(self: &Arc<Self>, resolv_conf: &str) -> Resolver {
        let doors = Doors {
            clock: Clock::system(),
            network: self.clone(),
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        Resolver::new(doors, ResolvConf::parse(resolv_conf, ""), Hosts::default())
    }

    /// The queries since the last call.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl Question {
    fn answer(&self, protocol: &str) -> Option<Vec<u8>> {
        let query = Message::from_vec(&self.query).unwrap();
        let question = query.queries[0].clone();
        let (name, kind) = (question.name().to_ascii(), question.query_type());
        let ad = if query.metadata.authentic_data { " AD" } else { "" };
        self.asked.lock().unwrap().push(format!("{protocol} {} {name} {kind}{ad}", self.at));
        let behaves = self.behaves?;
        let mut answer =
            Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
        answer.metadata.recursion_available = behaves != Behaves::Lame;
        match behaves {
            Behaves::Silent => return None,
            Behaves::OverTcpAlone if protocol == "udp" => return None,
            Behaves::Fails => answer.metadata.response_code = ResponseCode::ServFail,
            Behaves::Unknown => answer.metadata.response_code = ResponseCode::NXDomain,
            Behaves::Truncates if protocol == "udp" => answer.metadata.truncation = true,
            Behaves::Lame => {}
            _ if kind == RecordType::A => {
                let data = RData::A(Ipv4Addr::new(10, 0, 0, 1).into());
                answer.add_answer(Record::from_rdata(question.name().clone(), 0, data));
            }
            _ => {}
        }
        answer.add_query(question);
        Some(answer.to_vec().unwrap())
    }
}

#[async_trait]
impl Network for Servers {
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        let (near, mut far) = duplex(4096);
        let mut question = self.question(to);
        tokio::spawn(async move {
            let length = far.read_u16().await.unwrap();
            question.query = vec![0; length.into()];
            far.read_exact(&mut question.query).await.unwrap();
            let Some(answer) = question.answer("tcp") else { return pending().await };
            far.write_u16(answer.len().try_into().unwrap()).await.unwrap();
            far.write_all(&answer).await.unwrap();
        });
        Ok(Box::new(near))
    }

    async fn datagram(&self, to: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        if matches!(to, SocketAddr::V6(to) if to.ip().is_unicast_link_local() && to.scope_id() == 0)
        {
            return Err(io::Error::from_raw_os_error(22));
        }
        Ok(Box::new(self.question(to)))
    }

    fn scope_id(&self, zone: &str) -> Option<u32> {
        (zone == "eth0").then_some(2)
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[async_trait]
impl Datagram for Question {
    async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        self.query = payload.to_vec();
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        match self.answer("udp") {
            Some(answer) => Ok(answer),
            None => pending().await,
        }
    }

    fn local(&self) -> SocketAddr {
        if self.at.is_ipv4() { "10.244.1.6:40000" } else { "[fe80::6%2]:40000" }.parse().unwrap()
    }
}

const ONE: (&str, Behaves) = ("10.0.0.1:53", Behaves::Well);

#[tokio::test(start_paused = true)]
async fn each_option_is_seen_by_the_servers() {
    let both = |protocol: &str, at: &str| {
        ["A", "AAAA"].map(|kind| format!("{protocol} {at} node. {kind}")).to_vec()
    };
    let truncates = ("10.0.0.1:53", Behaves::Truncates);
    let over_tcp_alone = ("10.0.0.1:53", Behaves::OverTcpAlone);
    let cases = [
        ("edns0", ONE, both("udp", "10.0.0.1:53")),
        ("single-request", ONE, both("udp", "10.0.0.1:53")),
        ("use-vc", over_tcp_alone, both("tcp", "10.0.0.1:53")),
        (
            "trust-ad",
            ONE,
            both("udp", "10.0.0.1:53").iter().map(|asked| format!("{asked} AD")).collect(),
        ),
        (
            "single-request",
            truncates,
            ["udp 10.0.0.1:53 node. A", "tcp 10.0.0.1:53 node. A", "udp 10.0.0.1:53 node. AAAA"]
                .into_iter()
                .chain(["tcp 10.0.0.1:53 node. AAAA"])
                .map(str::to_owned)
                .collect(),
        ),
    ];
    for (options, server, expected) in cases {
        let servers = Servers::of(&[server]);
        let resolver = servers.resolver(&format!("nameserver 10.0.0.1\noptions {options}"));
        let found = resolver.lookup("node", within(10)).await;
        assert_eq!(found.unwrap(), ["10.0.0.1".parse::<IpAddr>().unwrap()], "{options}");
        assert_eq!(servers.asked(), expected, "{options}");
    }
}

#[tokio::test(start_paused = true)]
async fn rotation_spreads_questions_over_the_servers() {
    let servers =
        Servers::of(&[ONE, ("10.0.0.2:53", Behaves::Well), ("10.0.0.3:53", Behaves::Well)]);
    let conf = "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\noptions rotate";
    let resolver = servers.resolver(conf);
    for name in ["a", "b"] {
        resolver.lookup(name, within(10)).await.unwrap();
    }
    let asked = [
        "udp 10.0.0.1:53 a. A",
        "udp 10.0.0.2:53 a. AAAA",
        "udp 10.0.0.3:53 b. A",
        "udp 10.0.0.1:53 b. AAAA",
    ];
    assert_eq!(servers.asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn the_next_server_is_queried_unless_the_name_does_not_exist() {
    let cases = [
        (Behaves::Fails, Ok("10.0.0.1")),
        (Behaves::Lame, Ok("10.0.0.1")),
        (Behaves::Silent, Ok("10.0.0.1")),
        (Behaves::Unknown, Err("lookup node on 10.0.0.1:53: no such host")),
    ];
    for (behaves, expected) in cases {
        let servers = Servers::of(&[("10.0.0.1:53", behaves), ("10.0.0.2:53", Behaves::Well)]);
        let resolver = servers.resolver("nameserver 10.0.0.1\nnameserver 10.0.0.2");
        let found = resolver.lookup("node", within(60)).await;
        let found = found.map(|ips| ips[0].to_string()).map_err(|error| error.to_string());
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, expected, "{behaves:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_name_the_protocol_the_zone_and_both_ends() {
    let cases = [
        (
            "nameserver 10.0.0.1",
            "lookup node on 10.0.0.1:53: read udp 10.244.1.6:40000->10.0.0.1:53: i/o timeout",
        ),
        (
            "nameserver 10.0.0.1\noptions use-vc",
            "lookup node on 10.0.0.1:53: read tcp ?->10.0.0.1:53: i/o timeout",
        ),
        (
            "nameserver fe80::53%eth0",
            "lookup node on [fe80::53%eth0]:53: \
             read udp [fe80::6%eth0]:40000->[fe80::53%eth0]:53: i/o timeout",
        ),
        (
            "nameserver fe80::53%eth1",
            "lookup node on [fe80::53%eth1]:53: \
             dial udp [fe80::53%eth1]:53: connect: invalid argument",
        ),
        (
            "nameserver fe80::53",
            "lookup node on [fe80::53]:53: dial udp [fe80::53]:53: connect: invalid argument",
        ),
    ];
    for (conf, expected) in cases {
        let error = Servers::of(&[]).resolver(conf).lookup("node", within(3)).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{conf}");
    }
    let servers = Servers::of(&[("[fe80::53%2]:53", Behaves::Well)]);
    let found = servers.resolver("nameserver fe80::53%eth0").lookup("node", within(3)).await;
    assert!(found.is_ok(), "{found:?}");
}

/// Files in a folder of their own.
struct Texts(tempfile::TempDir);

// === impl Texts ===

impl Texts {
    fn new(texts: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in texts {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn files(&self) -> ConfigFiles {
        let path = |name| self.0.path().join(name);
        ConfigFiles {
            resolv_conf: path("resolv.conf"),
            hosts: path("hosts"),
            nsswitch: path("nsswitch.conf"),
            hostname: path("hostname"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn files_are_read_again_unless_no_reload_is_set() {
    for (options, expected) in [("", "10.0.0.2:53"), ("options no-reload\n", "10.0.0.1:53")] {
        let servers = Servers::of(&[ONE, ("10.0.0.2:53", Behaves::Well)]);
        let doors = Doors {
            clock: Clock::system(),
            network: servers.clone(),
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        let texts = Texts::new(&[("resolv.conf", &format!("nameserver 10.0.0.1\n{options}"))]);
        let resolver = Resolver::from_files(doors, texts.files());
        resolver.lookup("a", within(10)).await.unwrap();
        texts.write("resolv.conf", "nameserver 10.0.0.2\n");
        texts.write("hosts", "10.0.0.9 known\n");
        advance(Duration::from_millis(4900)).await;
        resolver.lookup("b", within(10)).await.unwrap();
        assert!(servers.asked().iter().all(|asked| asked.contains("10.0.0.1:53")));
        advance(Duration::from_millis(200)).await;
        resolver.lookup("c", within(10)).await.unwrap();
        let asked = servers.asked();
        assert!(asked.iter().all(|asked| asked.contains(expected)), "{asked:?}");
        let known = resolver.lookup("known", within(10)).await.unwrap();
        assert_eq!(known, ["10.0.0.9".parse::<IpAddr>().unwrap()], "of the hosts file, at once");
    }
}

#[tokio::test(start_paused = true)]
async fn nsswitch_sets_the_order_of_sources() {
    let at = |last: u8| Ok(format!("10.0.0.{last}"));
    let unknown = |name: &str, server: &str| Err(format!("lookup {name}{server}: no such host"));
    // The hosts file has `known`; DNS knows all names, or none.
    let cases = [
        ("", Behaves::Well, "known", at(9)),
        ("hosts: dns files", Behaves::Well, "known", at(1)),
        ("hosts: dns files", Behaves::Unknown, "known", at(9)),
        ("hosts: dns files", Behaves::Unknown, "node", unknown("node", " on 10.0.0.1:53")),
        ("hosts: dns", Behaves::Unknown, "known", unknown("known", " on 10.0.0.1:53")),
        ("hosts: files", Behaves::Well, "node", unknown("node", "")),
        ("hosts: files", Behaves::Well, "known", at(9)),
        ("", Behaves::Well, "12345", unknown("12345", "")),
    ];
    for (nsswitch, behaves, name, expected) in cases {
        let servers = Servers::of(&[("10.0.0.1:53", behaves)]);
        let doors = Doors {
            clock: Clock::system(),
            network: servers,
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        let texts = Texts::new(&[
            ("resolv.conf", "nameserver 10.0.0.1"),
            ("hosts", "10.0.0.9 known"),
            ("nsswitch.conf", nsswitch),
        ]);
        let resolver = Resolver::from_files(doors, texts.files());
        let found = resolver.lookup(name, within(10)).await;
        let found = found.map(|ips| ips[0].to_string()).map_err(|error| error.to_string());
        assert_eq!(found, expected, "{nsswitch:?} {name}");
    }
}
