//! The program: arguments, pages, exit codes.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const LOG: &str = r#"I0104 09:52:17.000000       1 secure_serving.go:116] Serving securely on [::]:4443
E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="Get \"https://k8s-node1:10250/metrics/resource\": dial tcp: lookup k8s-node1 on 10.96.0.10:53: no such host" node="k8s-node1"
E0104 09:52:47.112345       1 scraper.go:140] "Failed to scrape node" err="Get \"https://k8s-m1:10250/metrics/resource\": dial tcp: lookup k8s-m1 on 10.96.0.10:53: no such host" node="k8s-m1"
I0104 09:52:57.000000       1 server.go:191] "Failed probe" probe="metric-storage-ready" err="no metrics to serve"
error: metrics not available yet
the cat sat on the keyboard
"#;

fn explain(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_scenario"))
        .arg("explain")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_page_names_cause_nodes_cure_description_and_scenario() {
    let output = explain(&[], LOG);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn nothing_wrong_is_exit_code_0() {
    let healthy = LOG.lines().next().unwrap();
    let output = explain(&["-"], healthy);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "1 line: nothing wrong found\n".to_owned())
    );
    let output = explain(&[], "");
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "0 lines: nothing wrong found\n".to_owned())
    );
    let output = explain(&[], "hello\nworld\n");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("none of them known"), "{}", text(&output.stdout));
    // What is not known may be wrong.
    let output = explain(&[], &format!("{healthy}\nhello\n"));
    assert!(
        text(&output.stdout).ends_with("2 lines: nothing wrong found in those that are known\n"),
        "{}",
        text(&output.stdout)
    );
}

/// The server that wrote a line knew the node: general steps may contradict its cure.
#[test]
fn steps_are_left_out_where_a_line_has_its_own_cure() {
    let cure = "use the node's IP address with --kubelet-preferred-address-types=ExternalIP";
    let line = LOG.lines().nth(1).unwrap();
    for (has, line) in [(true, line.to_owned()), (false, format!("{line} cure=\"{cure}\""))] {
        let page = text(&explain(&[], &line).stdout);
        assert_eq!(page.contains("InternalIP,ExternalIP"), has, "{page}");
        assert_eq!(page.contains(&format!("  Cure: {cure}\n")), !has, "{page}");
    }
}

#[test]
fn lines_that_are_cut_are_said() {
    let line = format!("{}{}", LOG.lines().nth(1).unwrap(), " ".repeat(1 << 20));
    let page = text(&explain(&[], &line).stdout);
    assert!(page.contains("1 line is longer than 1048576 bytes"), "{page}");
}

#[test]
fn a_file_that_cannot_be_read_is_exit_code_2() {
    let output = explain(&["/nowhere/log"], "");
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.starts_with("error: failed to read /nowhere/log: No such file"), "{error}");
    assert!(error.contains("pass files"), "{error}");
}

#[test]
fn several_files_are_explained_together() {
    let folder = tempfile::tempdir().unwrap();
    let (log, kubectl) = (folder.path().join("log"), folder.path().join("kubectl"));
    let (first, last) = LOG.split_at(LOG.find("error: metrics").unwrap());
    fs::write(&log, first).unwrap();
    fs::write(&kubectl, last).unwrap();
    let (log, kubectl) = (log.to_str().unwrap(), kubectl.to_str().unwrap());
    let output = explain(&["--json", log, kubectl], "");
    assert_eq!(output.status.code(), Some(1));
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(page["lines"], 6);
    assert_eq!(page["harmless"], 1);
    let cause = &page["causes"][0];
    assert_eq!(cause["cause"], "dns_no_such_host");
    assert_eq!(cause["nodes"], json!({"k8s-m1": 1, "k8s-node1": 1}));
    assert_eq!((&cause["first"]["file"], &cause["first"]["line"]), (&json!(log), &json!(2)));
    assert_eq!(cause["page"], "docs/troubleshooting.md#dns_no_such_host");
    assert!(cause["steps"][0]["text"].as_str().unwrap().contains("InternalIP"));
    assert_eq!(page["causes"][1]["isConsequence"], true);
    assert_eq!(
        page["unknown"]["first"][0],
        json!({"file": kubectl, "line": 2, "text": "the cat sat on the keyboard"})
    );
}
