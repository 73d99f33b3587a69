//! A fixed set of random runs keeps the laws.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::{Command, Output};

use tempfile::TempDir;

fn chaos(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scenario"))
        .arg("chaos")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

#[test]
fn a_fixed_set_of_seeds_keeps_the_laws() {
    let folder = TempDir::new().unwrap();
    let output = chaos(&folder, &["--seeds", "24"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.starts_with("24 runs, 0 failed, "), "{printed}");
    assert!(!folder.path().join("chaos").exists());
}

#[test]
fn runs_end_with_their_time() {
    let folder = TempDir::new().unwrap();
    let output = chaos(&folder, &["--for", "1s", "--seed", "7"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    let runs: u32 = printed.split(' ').next().unwrap().parse().unwrap();
    assert!((1..100).contains(&runs), "{printed}");
}
