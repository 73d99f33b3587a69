//! Scenarios to report on, and the program that does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A cluster of one node, whose expectation holds if `cpu` is 100m.
pub(crate) fn one_node(name: &str, about: &str, cpu: &str) -> String {
    format!(
        "apiVersion: harness/v1alpha1
kind: Scenario
metadata: {{name: {name}, labels: {{area: test}}}}
spec:
  about: {about}
  nodes:
    - name: node-1
      addresses: [{{type: InternalIP, address: 10.0.0.1}}]
      pods: [{{name: web, containers: [{{name: main, usage: {{cpu: 100m, memory: 1Gi}}}}]}}]
  server: {{args: [--kubelet-insecure-tls, --metric-resolution=15s]}}
  steps:
    - name: there is usage
      wait: {{cycles: 3}}
      expect:
        - top: nodes
          table: |
            NAME     CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)
            node-1   {cpu}         2%       1024Mi          12%
        - ready: true
"
    )
}

/// Two scenarios that hold and one that does not, each in a folder of its own kind.
pub(crate) fn library() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, name, about, cpu) in [
        ("dns/good", "good", "A name that <b>resolves</b> & is found.", "100m"),
        ("tls/other", "other", "A certificate that fits.", "100m"),
        ("usage/wrong", "wrong", "Twice as much as is true.", "200m"),
    ] {
        let path = folder.path().join("scenarios").join(path).with_extension("yaml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, one_node(name, about, cpu)).unwrap();
    }
    folder
}

/// A file with this many scenarios, all of which hold.
pub(crate) fn one_file_of(cases: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    let matrix: Vec<_> = (0..cases).map(|case| format!("case-{case}: {{seen: 100m}}")).collect();
    let text = one_node("many", "One of many.", "100m")
        .replace("  nodes:", &format!("  matrix: {{{}}}\n  nodes:", matrix.join(", ")))
        .replace("node-1   100m ", "node-1   ${seen} ");
    fs::create_dir(folder.path().join("scenarios")).unwrap();
    fs::write(folder.path().join("scenarios/many.yaml"), text).unwrap();
    folder
}

pub(crate) fn scenario(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scenario"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The text of a report in this format, of the scenarios in `folder`.
pub(crate) fn report(folder: &Path, format: &str) -> String {
    fs::read_to_string(write(folder, format)).unwrap()
}

/// Runs the scenarios in `folder` and gives the path of the report.
pub(crate) fn write(folder: &Path, format: &str) -> PathBuf {
    let file = folder.join(format!("report.{format}"));
    let output = scenario(folder, &["run", "--report", &format!("{format}={}", file.display())]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}
