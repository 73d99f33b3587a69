//! An HTTP proxy between the program and its cluster.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use harness::file;
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    PATIENCE, Running,
    client::ask,
    free_port, program,
    world::{FLAGS, World, token},
};

const SCENARIO: &str = "\
apiVersion: harness/v1alpha1
kind: Scenario
metadata: {name: proxy}
spec:
  about: A node whose kubelet can be reached through a proxy.
  nodes:
    - {name: node-1, addresses: [{type: InternalIP, address: 10.0.0.1}], usage: {cpu: 1, memory: 1Gi}}
  server: {args: [--kubelet-insecure-tls]}
";

/// A name that only the proxy knows.
const API_SERVER: &str = "api.cluster.example:6443";

/// What a proxy does with requests for kubelets.
#[derive(Clone, Copy, PartialEq)]
enum Kubelets {
    Allowed,
    Forbidden,
}

/// A proxy that remembers what it was asked for.
struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

// === impl Proxy ===

impl Proxy {
    fn start(api_server: SocketAddr, kubelets: Kubelets) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::default());
        let known: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let known = known.clone();
                // What becomes of one connection concerns its client alone.
                thread::spawn(move || drop(serve(client, api_server, kubelets, &known)));
            }
        });
        Self { port, asked }
    }

    fn was_asked_for(&self, text: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

fn serve(
    mut client: TcpStream,
    api_server: SocketAddr,
    kubelets: Kubelets,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    asked.lock().unwrap().push(head.clone());
    let target = head.split(' ').nth(1).unwrap();
    let is_api_server = target == API_SERVER;
    if !is_api_server && kubelets == Kubelets::Forbidden {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    }
    let mut server = match target.parse() {
        Ok(address) => TcpStream::connect::<SocketAddr>(address)?,
        Err(_) => TcpStream::connect(api_server)?,
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut from_client, &mut to_server));
    io::copy(&mut server, &mut client).map(drop)
}

/// A kubeconfig for the API server by the name that only the proxy knows.
fn write_kubeconfig(world: &World, folder: &Path, more: &str) {
    let own = world.kubeconfig.with_file_name("metrics-server.kubeconfig");
    let text = fs::read_to_string(own).unwrap();
    let direct = format!("\"server\": \"https://{}\"", world.api_server);
    assert!(text.contains(&direct), "{text}");
    let named = format!("\"server\": \"https://{API_SERVER}\", \"tls-server-name\": \"localhost\"");
    fs::write(folder.join("kubeconfig"), text.replace(&direct, &format!("{named}{more}"))).unwrap();
}

#[test]
fn api_server_and_kubelets_are_reached_through_a_proxy() {
    let file = file::parse(Path::new("proxy.yaml"), SCENARIO.to_owned()).unwrap().remove(0);
    let world = World::start(file, Arc::default());
    let admin = format!("authorization: Bearer {}\r\n", token(&world.kubeconfig));
    let rows = [
        ("kubeconfig", Kubelets::Allowed),
        ("kubeconfig", Kubelets::Forbidden),
        ("environment", Kubelets::Forbidden),
    ];
    for (named_by, kubelets) in rows {
        let folder = TempDir::new().unwrap();
        let proxy = Proxy::start(world.api_server, kubelets);
        let (url, port) = (format!("http://user:p%40ss@127.0.0.1:{}", proxy.port), free_port());
        let by_kubeconfig = named_by == "kubeconfig";
        let more = format!(", \"proxy-url\": \"{url}\"");
        write_kubeconfig(&world, folder.path(), if by_kubeconfig { &more } else { "" });
        let mut command =
            program(folder.path(), &[&FLAGS[..], &[&format!("--secure-port={port}")]].concat());
        if !by_kubeconfig {
            command.env("https_proxy", &url).env("NO_PROXY", "other.example");
        }
        let mut server = Running::spawn(command);
        if by_kubeconfig && kubelets == Kubelets::Forbidden {
            let line = server.line("Failed to scrape node");
            for part in ["proxyconnect tcp: ", "refused CONNECT", "403 Forbidden", "NO_PROXY"] {
                assert!(line.contains(part), "{line}");
            }
            assert!(!line.contains("p%40ss") && !line.contains("p@ss"), "{line}");
        } else {
            server.line("\"Serving securely\"");
            let scraped = "metrics_server_kubelet_request_total{success=\"true\"} 1";
            let deadline = Instant::now() + PATIENCE;
            let address = format!("127.0.0.1:{port}");
            while !ask(&address, "GET", "/metrics", &admin).contains(scraped) {
                assert!(Instant::now() < deadline, "{named_by}: {:?}", proxy.asked);
            }
        }
        assert!(proxy.was_asked_for(&format!("CONNECT {API_SERVER} HTTP/1.1\r\n")));
        assert!(proxy.was_asked_for("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"));
        // Go never uses the environment's proxy for loopback addresses.
        assert_eq!(proxy.was_asked_for(":10250 HTTP"), by_kubeconfig, "{named_by}");
    }
}
