//! No secret is revealed: neither in the log at any verbosity, nor in the audit log, on pages or in
//! responses.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use harness::file;
use tempfile::TempDir;

use super::{
    Running,
    client::ask,
    free_port,
    world::{FLAGS, World, token},
};

const SCENARIO: &str = "\
apiVersion: harness/v1alpha1
kind: Scenario
metadata: {name: secrets}
spec:
  about: One kubelet that answers, one that rejects every token, and one that answers nonsense.
  nodes:
    - {name: good, addresses: [{type: InternalIP, address: 10.0.0.1}], usage: {cpu: 1, memory: 1Gi}}
    - {name: refuses, addresses: [{type: InternalIP, address: 10.0.0.2}], usage: {cpu: 1, memory: 1Gi}, kubelet: {faults: {status: 401}}, pods: [{namespace: shop, name: web, containers: [{name: main, usage: {cpu: 1m, memory: 1Mi}}]}]}
    - {name: breaks, addresses: [{type: InternalIP, address: 10.0.0.3}], usage: {cpu: 1, memory: 1Gi}, kubelet: {faults: {status: 500}}}
  server:
    files: {clientCertificate: ClientCertificate, clientKey: ClientKey}
    args:
      - --kubelet-insecure-tls
      - --metric-resolution=10s
      - --kubelet-request-timeout=5s
      - --kubelet-client-certificate=${files.clientCertificate}
      - --kubelet-client-key=${files.clientKey}
      - -v=10
";

const POLICY: &str =
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n";

/// Each as what reads it would see it, and none in words that are used for anything else.
const UNKNOWN_TOKEN: &str = "token-that-nobody-knows";
const PASSWORD: &str = "YWRtaW46aHVudGVyMg==";
const COOKIE: &str = "session-of-somebody";

fn policy(folder: &Path) -> String {
    let file = folder.join("policy.yaml");
    fs::write(&file, POLICY).unwrap();
    file.display().to_string()
}

/// The lines of a PEM file between its markers.
fn key_lines(file: &Path) -> Vec<String> {
    let pem = fs::read_to_string(file).unwrap();
    assert!(pem.contains("PRIVATE KEY"), "{}", file.display());
    pem.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned).collect()
}

/// Requests everything, with permission, without permission, and with mistakes.
fn answers(address: &str, admin: &str) -> String {
    const PATHS: [&str; 9] = [
        "/apis/metrics.k8s.io/v1beta1/nodes",
        "/apis/metrics.k8s.io/v1beta1/nodes/refuses",
        "/apis/metrics.k8s.io/v1beta1/nodes/breaks",
        "/apis/metrics.k8s.io/v1beta1/pods?labelSelector=%3D",
        "/metrics",
        "/statusz",
        "/flagz",
        "/readyz?verbose",
        "/nothing",
    ];
    let headers = [
        format!("authorization: Bearer {admin}\r\n"),
        format!("authorization: Bearer {UNKNOWN_TOKEN}\r\n"),
        format!("authorization: Basic {PASSWORD}\r\n"),
        format!("cookie: {COOKIE}\r\nx-remote-user: admin\r\n"),
        format!("authorization: Bearer {admin}\r\naccept: text/plain, nonsense\r\n"),
    ];
    let mut all = String::new();
    for path in PATHS {
        for headers in &headers {
            all += &ask(address, "GET", path, headers);
            all += &ask(address, "POST", path, headers);
        }
    }
    all
}

#[test]
fn no_secret_is_revealed() {
    let folder = TempDir::new().unwrap();
    let file = file::parse(Path::new("secrets.yaml"), SCENARIO.to_owned()).unwrap().remove(0);
    let log = Arc::new(Mutex::new(String::new()));
    let world = World::start(file, log.clone());
    let admin = token(&world.kubeconfig);
    // The world's server has its token in a file, as in a pod.
    let own = token(&world.kubeconfig.with_file_name("metrics-server.kubeconfig"));
    let own = fs::read_to_string(own).unwrap();
    assert!(admin.len() > 10 && own.len() > 10 && admin != own, "{admin} {own}");

    // The same once more with the token in the kubeconfig, and with an audit log.
    let path = |name: &str| folder.path().join(name).display().to_string();
    let kubeconfig = fs::read_to_string(&world.kubeconfig).unwrap();
    let with_token = kubeconfig.replace(&admin, &own);
    assert!(with_token.contains(&own), "{with_token}");
    fs::write(path("kubeconfig"), with_token).unwrap();
    let port = free_port();
    let mut server = Running::start(
        folder.path(),
        &[
            &FLAGS[..],
            &[
                &format!("--secure-port={port}"),
                "--audit-log-path=audit.log",
                &format!("--audit-policy-file={}", policy(folder.path())),
                "-v=10",
            ],
        ]
        .concat(),
    );
    // Each kubelet got a request; one accepted the token, and has no pods.
    for said in ["no usage of containers", "401 Unauthorized", "500 Internal Server Error"] {
        server.line_or_before(said);
    }
    let seen = answers(&format!("127.0.0.1:{port}"), &admin);
    for part in ["401 Unauthorized", "404 Not Found", "406 Not Acceptable", "200 OK", "405 Method"]
    {
        assert!(seen.contains(part), "{part}");
    }
    server.signal("TERM");
    let said = server.all();
    for part in
        ["Unable to authenticate the request", "Received SIGTERM, shutting down", "status: \\\"401"]
    {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    let audit = fs::read_to_string(path("audit.log")).unwrap();
    assert!(
        audit.contains("\"stage\":\"RequestReceived\"") && audit.contains("\"code\":401"),
        "{audit}"
    );
    let log = log.lock().unwrap().clone();
    assert!(log.contains("Serving securely"), "{log}");

    let mut secrets = [&admin, &own, UNKNOWN_TOKEN, PASSWORD, COOKIE].map(str::to_owned).to_vec();
    secrets.extend(key_lines(&folder.path().join("certificates/apiserver.key")));
    secrets.extend(key_lines(&world.client_key));
    for (place, text) in [("log", &log), ("log", &said), ("audit log", &audit), ("answers", &seen)]
    {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} is in the {place}:\n{text}");
        }
    }
}
