//! The audit log, tried on the program.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::Stdio,
};

use serde_json::Value;

use super::{Running, client::ask, folder, free_port, program, run, text};

#[test]
fn the_file_is_readable_by_its_owner_only() {
    let folder = folder(1);
    let port = free_port();
    let port_flag = format!("--secure-port={port}");
    let path = folder.path().join("deep/audit.log");
    for runs in 1..=2 {
        let arguments =
            ["--kubeconfig=good", "--cert-dir=", "--audit-log-path=deep/audit.log", &port_flag];
        let mut server = Running::start(folder.path(), &arguments);
        server.line("\"Serving securely\"");
        ask(&format!("127.0.0.1:{port}"), "GET", "/livez?verbose", "");
        server.signal("TERM");
        assert_eq!(server.end().code(), Some(0));
        let log = fs::read_to_string(&path).unwrap();
        assert_eq!(log.lines().count(), runs, "what was there stays");
        let event: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        assert_eq!(event["requestURI"], "/livez?verbose");
        assert_eq!(event["responseStatus"]["code"], 200);
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn it_can_go_to_the_standard_output() {
    let folder = folder(1);
    let port = free_port();
    let output = folder.path().join("output");
    let arguments = [
        "--kubeconfig=good",
        "--cert-dir=",
        "--audit-log-path=-",
        &format!("--secure-port={port}"),
    ];
    let mut child = program(folder.path(), &arguments)
        .stdout(File::create(&output).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let mut lines = log.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"Serving securely\"")));
    ask(&format!("127.0.0.1:{port}"), "GET", "/livez", "");
    child.kill().unwrap();
    child.wait().unwrap();
    let event: Value = serde_json::from_str(&fs::read_to_string(output).unwrap()).unwrap();
    assert_eq!(event["requestURI"], "/livez");
}

#[test]
fn an_unusable_policy_or_log_ends_the_start_with_the_cure() {
    let folder = folder(1);
    for (file, text) in [
        ("other", "apiVersion: v1\nkind: Config\nrules: []\n"),
        ("no-rules", "apiVersion: audit.k8s.io/v1\nkind: Policy\n"),
        (
            "twofold",
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}, {level: Metadata, nonResourceURLs: [/a], namespaces: [b]}]\n",
        ),
        (
            "star",
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, nonResourceURLs: ['/a*b']}]\n",
        ),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    let policy = "; name a readable audit.k8s.io/v1 Policy";
    let cases = [
        ("--audit-log-path=.", "write . for --audit-log-path: is a directory; name a file that this process may write, or - for the standard output".to_owned()),
        ("--audit-log-path=good/a", "write good/a for --audit-log-path: file exists; name a file that this process may write, or - for the standard output".to_owned()),
        ("--audit-policy-file=missing", format!("failed to read missing for --audit-policy-file: no such file or directory{policy}")),
        ("--audit-policy-file=other", format!("failed to read other for --audit-policy-file: it holds a Config of v1{policy}")),
        ("--audit-policy-file=no-rules", format!("failed to read no-rules for --audit-policy-file: it has no rules{policy}")),
        ("--audit-policy-file=twofold", format!("failed to read twofold for --audit-policy-file: rules[1]: nonResourceURLs stand alone, without resources and namespaces{policy}")),
        ("--audit-policy-file=star", format!("failed to read star for --audit-policy-file: rules[0]: \"/a*b\" must begin with / and may have * at its end only{policy}")),
        ("--audit-log-maxage=-1", "--audit-log-maxage must not be negative, but is -1; 0 is no limit".to_owned()),
    ];
    for (argument, message) in cases {
        let output = run(folder.path(), &["--kubeconfig=good", "--cert-dir=", argument]);
        assert_eq!(
            (text(&output.stderr), output.status.code()),
            (&*format!("Error: {message}\n"), Some(1)),
            "{argument}"
        );
    }
}
