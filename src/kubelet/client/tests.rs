mod hostile;

use std::{io, net::SocketAddr, sync::Mutex, time::Duration};

use async_trait::async_trait;
use net::{
    Clock, Datagram, Files, Listener, Network, Programs, Random, Stream,
    dns::{Hosts, ResolvConf},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    SignatureScheme, client::ResolvesClientCert, server::WebPkiClientVerifier, sign::CertifiedKey,
};
use tls::{
    client::{TlsOptions, client_config},
    key_pair,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::cluster::NodeAddress;

const BODY: &str = "node_cpu_usage_seconds_total 1 1000\nnode_memory_working_set_bytes 5 1000\n";

/// Kubelets that serve HTTP, plain or with TLS, and the requests they got.
#[derive(Default)]
struct Kubelets {
    tls: Option<TlsAcceptor>,
    connections: Mutex<u32>,
    heard: Arc<Mutex<String>>,
    /// What follows each response.
    surplus: &'static str,
}

async fn answer(mut stream: Stream, heard: Arc<Mutex<String>>, surplus: &str) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", BODY.len());
        let answer = format!("{response}{BODY}{surplus}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[async_trait]
impl Network for Kubelets {
    async fn connect(&self, _: SocketAddr) -> io::Result<Stream> {
        *self.connections.lock().unwrap() += 1;
        let (near, far) = duplex(4096);
        let (tls, heard, surplus) = (self.tls.clone(), self.heard.clone(), self.surplus);
        tokio::spawn(async move {
            let stream: Stream = match tls {
                None => Box::new(far),
                Some(tls) => Box::new(tls.accept(far).await.unwrap()),
            };
            answer(stream, heard, surplus).await;
        });
        Ok(Box::new(near))
    }

    async fn datagram(&self, _: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn client(network: Arc<dyn Network>, transport: Transport) -> KubeletClient {
    let doors = Doors {
        clock: Clock::system(),
        network,
        random: Random::seeded(1),
        files: Files::default(),
        programs: Programs::default(),
    };
    let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
    let settings = Settings {
        address_types: AddressTypes(vec!["InternalIP".to_owned()]),
        port: 10255,
        use_node_status_port: false,
        address_fallback: false,
        endpoint: Endpoint::Resource,
        limits: Limits::default(),
    };
    KubeletClient::new(doors, resolver, settings, transport, KubeletMetrics::new().unwrap())
}

fn node() -> Node {
    let address = NodeAddress { kind: "InternalIP".to_owned(), address: "10.0.0.1".to_owned() };
    Node { name: "node-1".to_owned(), addresses: vec![address], ..Node::default() }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

#[tokio::test(start_paused = true)]
async fn a_plain_connection_is_kept_and_carries_no_credentials() {
    let network = Arc::new(Kubelets::default());
    let client = client(network.clone(), Transport::Plain);
    let mut session = Session::default();
    for _ in 0..2 {
        let sample = client.scrape(&node(), Some("secret"), &mut session, soon()).await.unwrap();
        assert_eq!(sample.node.unwrap().memory, 5);
    }
    let heard = network.heard.lock().unwrap().to_lowercase();
    assert!(heard.contains("get /metrics/resource http/1.1"), "{heard}");
    assert!(!heard.contains("authorization") && !heard.contains("secret"), "{heard}");
    assert_eq!(*network.connections.lock().unwrap(), 1);
}

/// What follows a body belongs to no request: the next response would be read from it.
#[tokio::test(start_paused = true)]
async fn a_connection_with_bytes_behind_a_body_is_not_used_again() {
    let network = Arc::new(Kubelets { surplus: "HTTP/1.1 200 OK\r\n", ..Default::default() });
    let client = client(network.clone(), Transport::Plain);
    let mut session = Session::default();
    for _ in 0..2 {
        let sample = client.scrape(&node(), None, &mut session, soon()).await.unwrap();
        assert_eq!(sample.node.unwrap().memory, 5);
    }
    assert_eq!(*network.connections.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn errors_name_the_scheme() {
    let config = || client_config(TlsOptions::default(), &Clock::system()).unwrap();
    let tls = Transport::Tls(DynamicFile::fixed(config()));
    let client = client(Arc::new(Kubelets::default()), tls);
    let error = client.scrape(&node(), None, &mut Session::default(), soon()).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(
        text,
        "Get \"https://10.0.0.1:10255/metrics/resource\": http: server gave HTTP response to HTTPS client"
    );
}

/// A client certificate that others replace, as credential plugins do.
#[derive(Debug)]
struct Replaced(Mutex<Arc<CertifiedKey>>);

impl ResolvesClientCert for Replaced {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.lock().unwrap().clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn another_client_certificate_gets_another_connection() {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::default().self_signed(&key).unwrap();
    let pair = || {
        let pair = key_pair::parse(made.pem().as_bytes(), key.serialize_pem().as_bytes());
        Arc::new(pair.unwrap())
    };
    let (chain, secret) = (vec![made.der().clone()], key.serialize_der().try_into().unwrap());
    let server = tls::server::config(chain, secret, WebPkiClientVerifier::no_client_auth());
    let tls = Some(TlsAcceptor::from(server.unwrap()));
    let network = Arc::new(Kubelets { tls, ..Kubelets::default() });
    let identity = Arc::new(Replaced(Mutex::new(pair())));
    let options =
        TlsOptions { insecure: true, identity: Some(identity.clone()), ..TlsOptions::default() };
    let config = client_config(options, &Clock::system()).unwrap();
    let client = client(network.clone(), Transport::Tls(DynamicFile::fixed(config)));
    let mut session = Session::default();
    for (is_replaced, connections) in [(false, 1), (false, 1), (true, 2), (false, 2)] {
        if is_replaced {
            *identity.0.lock().unwrap() = pair();
        }
        client.scrape(&node(), None, &mut session, soon()).await.unwrap();
        assert_eq!(*network.connections.lock().unwrap(), connections);
    }
}
