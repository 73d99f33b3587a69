//! `--check`: what it prints, its exit codes, and that it serves nothing.

use std::{net::TcpListener, path::Path, process::Output, sync::Arc};

use harness::file;
use tempfile::TempDir;

use super::{
    folder, free_port, run, text,
    world::{FLAGS, World},
};

const SCENARIO: &str = "\
apiVersion: harness/v1alpha1
kind: Scenario
metadata: {name: check}
spec:
  about: A node that is well.
  nodes:
    - {name: node-1, addresses: [{type: InternalIP, address: 10.0.0.1}], usage: {cpu: 1, memory: 1Gi}, pods: [{name: web, containers: [{name: main, usage: {cpu: 1m, memory: 1Mi}}]}]}
  server:
    args: [--kubelet-insecure-tls, --metric-resolution=10s, --kubelet-request-timeout=5s]
";

#[test]
fn what_cannot_be_checked_is_an_error_of_its_own() {
    let closed = free_port();
    let folder = folder(closed);
    let unreachable = format!(
        "failed to list nodes and pods: dial tcp 127.0.0.1:{closed}: connect: connection refused; check that the API server runs and can be reached from here"
    );
    let cases: [(&[&str], &str); 4] = [
        (&["--check", "--nonsense"], "unknown flag: --nonsense (see --help)"),
        (
            &["--check", "--kubeconfig=missing"],
            "failed to read kubeconfig \"missing\": no such file or directory; pass a readable file with --kubeconfig",
        ),
        (
            &["--kubeconfig=good", "--client-ca-file=missing", "--check=true"],
            "failed to read missing for --client-ca-file: no such file or directory; put the CAs of clients there in PEM",
        ),
        (&["--kubeconfig=good", "--check"], &unreachable),
    ];
    for (arguments, message) in cases {
        let output = run(folder.path(), arguments);
        assert_eq!(
            (text(&output.stderr), text(&output.stdout), output.status.code()),
            (&*format!("Error: {message}\n"), "", Some(2)),
            "{arguments:?}"
        );
    }
}

/// Beside a server that has the port, and without a serving certificate.
#[test]
fn the_exit_code_says_whether_all_is_well_and_nothing_is_served() {
    let folder = TempDir::new().unwrap();
    let file = file::parse(Path::new("check.yaml"), SCENARIO.to_owned()).unwrap().remove(0);
    let world = World::start(file, Arc::default());
    std::fs::copy(&world.kubeconfig, folder.path().join("kubeconfig")).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--secure-port={}", taken.local_addr().unwrap().port());
    let check = |more: &[&str]| -> Output {
        run(folder.path(), &[&FLAGS[..], &[port.as_str(), "--check"], more].concat())
    };
    let well =
        check(&["--kubelet-preferred-address-types=InternalIP", "--kubelet-use-node-status-port"]);
    let said = text(&well.stdout);
    assert!(said.contains("node, 1 pod, 1 container"), "{said}{}", text(&well.stderr));
    assert!(
        said.contains("1 of 1 ready node would have usage, 0 not ready; 0 needs missing"),
        "{said}"
    );
    assert_eq!(well.status.code(), Some(0), "{said}");

    let closed = format!("--kubelet-port={}", free_port());
    let wrong = check(&[&closed]);
    let said = text(&wrong.stdout);
    assert!(said.contains("connection_refused: dial tcp"), "{said}");
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    assert!(!folder.path().join("certificates").exists(), "no certificate is needed");
}
