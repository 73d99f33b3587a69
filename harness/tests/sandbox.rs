//! The sandbox world with the shipped program: its time line, its report of expectations that do
//! not hold, and that it leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says what it skips"
)]

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, interval};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox");

/// The exit code where namespaces are not allowed.
const NO_SANDBOX: i32 = 4;

/// How long processes may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long they may take to end: the scenario itself takes much longer.
const GONE_BY: Duration = Duration::from_secs(5);

fn scenario() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
    command.current_dir(FOLDER).stdin(Stdio::null());
    command
}

/// The shipped program, which tests of the whole workspace find built.
fn server() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_scenario")).with_file_name("metrics-server");
    if !program.is_file() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--bin", "metrics-server"]);
        assert!(build.status().unwrap().success());
    }
    program
}

/// Prints why, if this machine has no sandbox.
fn is_skipped(output: &Output) -> bool {
    let is_skipped = output.status.code() == Some(NO_SANDBOX);
    if is_skipped {
        println!("skipped: {}", String::from_utf8_lossy(&output.stderr));
    }
    is_skipped
}

#[test]
fn scenarios_hold_fail_and_are_skipped_as_in_a_cluster() {
    let reports = TempDir::new().unwrap();
    let json = reports.path().join("report.json");
    let markdown = reports.path().join("report.md");
    let output = scenario()
        .args(["run", "--world", "sandbox", "--jobs", "16", "--server"])
        .arg(server())
        .args(["--report", &format!("json={}", json.display())])
        .args(["--report", &format!("markdown={}", markdown.display()), "."])
        .output()
        .unwrap();
    if is_skipped(&output) {
        return;
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("5 passed, 1 failed, 1 skipped"), "{printed}");
    assert!(printed.contains("./fails.yaml:13:11: step \"two nodes\" expected"), "{printed}");
    assert!(printed.contains("+1 requests, answered with [200]"), "{printed}");
    assert!(
        printed.contains("SKIP of-the-host: the metrics server has the node's address 10.0.0.1")
    );
    let report: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(report["world"].as_str().unwrap().split(',').next(), Some("sandbox"));
    let markdown = fs::read_to_string(markdown).unwrap();
    assert!(markdown.contains("| others | 5 | 1 | 0 | 1 |\n"), "{markdown}");
    let verdict = |scenario: &Value| {
        let word = |field: &str| scenario[field].as_str().unwrap_or_default().to_owned();
        (word("name"), word("verdict"))
    };
    let verdicts: Vec<_> = report["scenarios"].as_array().unwrap().iter().map(verdict).collect();
    let expected = [
        ("cure", "passed"),
        ("fails", "failed"),
        ("firewall", "passed"),
        ("ipv6", "passed"),
        ("of-the-host", "skipped"),
        ("refused", "passed"),
        ("silent-dns", "passed"),
    ];
    assert_eq!(verdicts, expected.map(|(name, word)| (name.to_owned(), word.to_owned())));
}

#[test]
fn a_machine_without_namespaces_gets_an_error_with_its_own_exit_code() {
    let output = scenario()
        .args(["run", "--world", "sandbox", "refused.yaml", "--server"])
        .arg(server())
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(NO_SANDBOX), "{printed}");
    assert!(printed.contains("install iproute2"), "{printed}");
    assert_eq!(printed.trim_end().lines().count(), 1, "{printed}");
}

#[test]
fn a_program_that_cannot_be_run_is_named_with_its_flag() {
    let output = scenario()
        .args(["run", "--world", "sandbox", "refused.yaml", "--server", "/nowhere/server"])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert!(printed.starts_with("error: --server /nowhere/server: No such file"), "{printed}");
}

#[tokio::test]
async fn no_process_outlives_a_run_that_is_killed() {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("server-under-test");
    fs::copy(server(), &program).unwrap();
    let mut run = scenario()
        .args(["run", "--world", "sandbox", "--server"])
        .arg(&program)
        .arg("cure.yaml")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut tries = interval(Duration::from_millis(50));
    // The run itself, its other half in the namespaces, and the server.
    while processes_of(&program) < 3 {
        tries.tick().await;
        if let Some(status) = run.try_wait().unwrap() {
            let stderr = run.wait_with_output().unwrap().stderr;
            assert!(is_skipped(&Output { status, stdout: Vec::new(), stderr }), "{status}");
            return;
        }
        assert!(Instant::now() < deadline, "the server does not start");
    }
    run.kill().unwrap();
    assert_eq!(run.wait().unwrap().signal(), Some(9));
    let deadline = Instant::now() + GONE_BY;
    while processes_of(&program) > 0 {
        tries.tick().await;
        assert!(Instant::now() < deadline, "{} processes are left", processes_of(&program));
    }
}

/// How many processes have this path in their command line.
fn processes_of(program: &Path) -> usize {
    let program = program.display().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    commands.filter(|command| String::from_utf8_lossy(command).contains(&program)).count()
}
