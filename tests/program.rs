//! The program `metrics-server` from outside: its output and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "program/attack.rs"]
mod attack;
#[path = "program/audit.rs"]
mod audit;
#[path = "program/check.rs"]
mod check;
#[path = "program/client.rs"]
mod client;
#[path = "program/logging.rs"]
mod logging;
#[path = "program/proxy.rs"]
mod proxy;
#[path = "program/secrets.rs"]
mod secrets;
#[path = "program/serving.rs"]
mod serving;
#[path = "program/world.rs"]
mod world;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use kube::Config;
use kube_dial::api_client;
use net::{
    Doors,
    dns::{ConfigFiles, Resolver},
};
use tempfile::TempDir;
use tokio::time::Instant;

/// The most that anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program in `folder`, with no cluster around it.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metrics-server"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env_remove("KUBERNETES_SERVICE_PORT")
        .env_remove("KUBECONFIG")
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A folder with kubeconfigs, good and bad.
fn folder(api_server_port: u16) -> TempDir {
    let folder = TempDir::new().unwrap();
    let kubeconfig = |cluster: &str, context: &str| {
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters: [{{name: test, cluster: {cluster}}}]\n\
             users: [{{name: test, user: {{token: secret}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n\
             current-context: {context}\n"
        )
    };
    let cluster = format!("{{server: 'https://127.0.0.1:{api_server_port}'}}");
    for (name, text) in [
        ("good", kubeconfig(&cluster, "test")),
        ("other-context", kubeconfig(&cluster, "other")),
        ("bad-server", kubeconfig("{server: no server}", "test")),
        ("garbage", "clusters: [\n".to_owned()),
        ("empty", String::new()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn bad_usage_ends_with_one_line_that_has_the_cure() {
    let folder = folder(1);
    let cases: [(&[&str], &str); 17] = [
        (
            &[],
            "failed to find the API server: failed to read an incluster environment variable: environment variable not found; run in a cluster, or pass a kubeconfig with --kubeconfig",
        ),
        (
            &["--kubeconfig=missing"],
            "failed to read kubeconfig \"missing\": no such file or directory; pass a readable file with --kubeconfig",
        ),
        (
            &["--kubeconfig=."],
            "failed to read kubeconfig \".\": is a directory; pass a readable file with --kubeconfig",
        ),
        (
            &["--kubeconfig=garbage"],
            "failed to read kubeconfig \"garbage\": failed to parse kubeconfig YAML: error: line 1 column 11: unclosed bracket '['; pass a readable file with --kubeconfig",
        ),
        (
            &["--kubeconfig=empty"],
            "failed to read kubeconfig \"empty\": no configuration has been provided: it has no current-context with a cluster; pass a readable file with --kubeconfig",
        ),
        (
            &["--kubeconfig=other-context"],
            "failed to read kubeconfig \"other-context\": failed to load current context: other; pass a readable file with --kubeconfig",
        ),
        (
            &["--kubeconfig=bad-server"],
            "failed to read kubeconfig \"bad-server\": clusters[name=test].cluster.server: \"no server\" is no URL: invalid uri character; pass a readable file with --kubeconfig",
        ),
        (
            &["--kubelet-insecure-tl"],
            "unknown flag: --kubelet-insecure-tl (did you mean --kubelet-insecure-tls?)",
        ),
        (&["--nonsense"], "unknown flag: --nonsense (see --help)"),
        (
            &["--metric-resolution=15"],
            "invalid value '15' for '--metric-resolution <DURATION>': \"15\" is not a duration: write numbers with units, such as 15s, 1m30s or 250ms",
        ),
        (
            &["--metric-resolution"],
            "a value is required for '--metric-resolution <DURATION>' but none was supplied",
        ),
        (
            &["--secure-port=70000"],
            "invalid value '70000' for '--secure-port <PORT>': write a port, 1 to 65535",
        ),
        (
            &["--metric-resolution=5s", "--kubelet-request-timeout=3s"],
            "--metric-resolution must be at least 10s, not 5s",
        ),
        (
            &["--kubeconfig=good", "--kubelet-certificate-authority=missing"],
            "failed to read missing for --kubelet-certificate-authority: no such file or directory; pass PEM files that this process may read",
        ),
        (
            &["--kubeconfig=good", "--kubelet-certificate-authority=empty"],
            "failed to read empty for --kubelet-certificate-authority: it holds no PEM certificate; pass PEM files that this process may read",
        ),
        (
            &[
                "--kubeconfig=good",
                "--kubelet-client-certificate=missing",
                "--kubelet-client-key=missing",
            ],
            "failed to read missing for --kubelet-client-certificate: no such file or directory; pass PEM files that this process may read",
        ),
        (
            &["--kubelet-client-key=missing"],
            "--kubelet-client-certificate and --kubelet-client-key go together",
        ),
    ];
    for (arguments, message) in cases {
        let output = run(folder.path(), arguments);
        assert_eq!(
            (text(&output.stderr), text(&output.stdout), output.status.code()),
            (&*format!("Error: {message}\n"), "", Some(1)),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_so_is_the_flag_for_another() {
    let folder = folder(1);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = run(folder.path(), &["--kubeconfig=good", &format!("--secure-port={port}")]);
    assert_eq!(
        text(&output.stderr),
        format!(
            "Error: failed to listen on 0.0.0.0:{port}: bind: address already in use; choose another address with --secure-port or --bind-address\n"
        )
    );
    assert_eq!((text(&output.stdout), output.status.code()), ("", Some(1)));
}

#[test]
fn questions_about_itself_are_answered_and_it_ends_well() {
    let folder = folder(1);
    for (arguments, beginning) in [
        (["--version"], concat!("v", env!("CARGO_PKG_VERSION"), "\n")),
        (["--help"], "Serves what the nodes and pods of a Kubernetes cluster use"),
        (["-h"], "Serves what the nodes and pods of a Kubernetes cluster use"),
    ] {
        let output = run(folder.path(), &arguments);
        assert!(text(&output.stdout).starts_with(beginning), "{arguments:?}");
        assert_eq!((text(&output.stderr), output.status.code()), ("", Some(0)), "{arguments:?}");
    }
}

/// The program while it runs. It is killed when dropped.
struct Running {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(program(folder, arguments))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    /// Waits until the log has this text.
    fn line_or_before(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        // A server that talks all the time never runs out of lines.
        while !self.said.iter().any(|line| line.contains(text)) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("never said {text:?}, only:\n{}", self.said.join("\n"))
            };
            self.said.push(line);
        }
    }

    /// The whole log until the program ends.
    fn all(mut self) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(line);
        }
        self.said.join("\n")
    }

    /// The first line with this text.
    fn line(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("never said {text:?}, only:\n{}", self.said.join("\n"))
            };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end.
    fn end(mut self) -> ExitStatus {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said.push(line),
                // No process holds its log open any longer.
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("still running after:\n{}", self.said.join("\n"))
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port without a listener.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn without_an_api_server_it_logs_errors_and_runs_until_a_signal() {
    let closed = free_port();
    let folder = folder(closed);
    for signal in ["TERM", "INT"] {
        let port = format!("--secure-port={}", free_port());
        let mut server = Running::start(folder.path(), &["--kubeconfig=good", &port]);
        let serving = server.line("\"Serving securely\"");
        let address = serving.split('"').nth(3).unwrap().to_owned();
        let failed = server.line("Failed to watch");
        let said = failed.split_once("] ").unwrap().1;
        assert!(
            said.starts_with(&format!(
                "\"Failed to watch, will try again\" err=\"dial tcp 127.0.0.1:{closed}: connect: connection refused\""
            )),
            "{said}"
        );
        assert_eq!(get(&address, "/healthz"), "ok");
        assert_eq!(get(&address, "/livez"), "ok");
        server.signal(signal);
        server.line("\"Received SIGTERM, shutting down");
        assert_eq!(server.end().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = folder(free_port());
    for (first, second) in [("TERM", "TERM"), ("INT", "TERM")] {
        let port = format!("--secure-port={}", free_port());
        let arguments = ["--kubeconfig=good", &port, "--shutdown-delay-duration=1h"];
        let mut server = Running::start(folder.path(), &arguments);
        server.line("\"Serving securely\"");
        server.signal(first);
        server.line("\"Received SIGTERM, shutting down");
        server.signal(second);
        server.line("\"Received a second signal, exiting without waiting for requests in flight\"");
        assert_eq!(server.end().code(), Some(1), "{first} {second}");
    }
}

/// Sends a request to a server with a self-signed certificate.
fn get(address: &str, path: &str) -> String {
    let mut config = Config::new(format!("https://{address}/").parse().unwrap());
    config.accept_invalid_certs = true;
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let doors = Doors::host();
        let resolver = Resolver::from_files(doors.clone(), ConfigFiles::default());
        let client = api_client(&config, &doors, resolver, "test").unwrap();
        client.request_text(request).await.unwrap()
    })
}
