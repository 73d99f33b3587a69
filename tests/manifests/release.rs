//! The scripts that make a release, and the annotations of scenarios in continuous integration.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{objects::Manifests, tools};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a script of this checkout does, elsewhere.
fn run(script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(root().join(script));
    // The test's cargo is not to build, and needs no network.
    command.env("CARGO_NET_OFFLINE", "true").args(arguments);
    command.current_dir(std::env::temp_dir()).output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn workflows() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join(".github/workflows")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    files.chain([root().join("action.yml")]).collect()
}

/// GitHub alone runs the workflows, so what can be run elsewhere is in scripts.
#[test]
fn workflows_call_scripts_that_exist() {
    let mut called = 0;
    for file in workflows() {
        let text = fs::read_to_string(&file).unwrap();
        let _: Value = serde_yaml::from_str(&text).unwrap();
        let words = text.split([' ', '\n', '"', '\'', '(']);
        let words = words.map(|word| word.trim_start_matches("$GITHUB_ACTION_PATH/"));
        for word in words.filter(|word| {
            ["release/", "action/", "kind-config/", ".ci/"].iter().any(|folder| {
                word.strip_prefix(folder)
                    .is_some_and(|rest| rest.chars().all(char::is_alphanumeric))
            })
        }) {
            assert!(root().join(word).is_file(), "{}: {word}", file.display());
            called += 1;
        }
        // An action is at a version, and what a job may do is said.
        let actions = text.lines().filter_map(|line| line.split_once("uses: "));
        for (_, action) in actions {
            assert!(
                action.starts_with("./") || action.contains("@v"),
                "{}: {action}",
                file.display()
            );
        }
        assert!(file.ends_with("action.yml") || text.contains("\npermissions:"));
    }
    assert!(called >= 10, "{called}");
}

/// A job that may write packages or the release waits for all checks.
#[test]
fn nothing_is_published_before_its_checks_have_passed() {
    let text = fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    let workflow: Value = serde_yaml::from_str(&text).unwrap();
    let jobs = workflow["jobs"].as_object().unwrap();
    let mut writing = 0;
    for (name, job) in jobs {
        let permissions = job["permissions"].as_object().unwrap();
        if permissions.values().any(|permission| permission == "write") {
            for check in ["ci", "e2e"] {
                let needs = job["needs"].as_array().unwrap();
                assert!(needs.contains(&check.into()), "{name} does not need {check}");
                let called = jobs[check]["uses"].as_str().unwrap();
                let called = fs::read_to_string(root().join(called)).unwrap();
                assert!(called.contains("\n  workflow_call:\n"), "{check}");
            }
            writing += 1;
        }
    }
    assert_eq!(writing, 2, "images and publish");
}

#[test]
fn a_tag_of_another_version_is_refused() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(printed(&run("release/version", &[&format!("v{version}")])).trim(), version);
    let other = run("release/version", &["v0.0.0"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&other.stderr).contains("v0.0.0"));
}

#[test]
fn the_packaged_chart_has_the_image_and_a_checksum() {
    let Some(mut helm) = tools::helm() else { return };
    let folder = TempDir::new().unwrap();
    let to = folder.path().to_str().unwrap();
    printed(&run("release/chart", &["registry.example/team/metrics-server", to]));
    let archive = folder.path().join(concat!("metrics-server-", env!("CARGO_PKG_VERSION"), ".tgz"));
    let output = helm.arg("template").arg("a").arg(&archive).output().unwrap();
    let image = Manifests::read(&printed(&output)).container().image.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(image, format!("registry.example/team/metrics-server:v{version}"));

    let sums = printed(&run("release/checksums", &[to]));
    assert_eq!(sums, fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap());
    let again = printed(&run("release/checksums", &[to]));
    assert_eq!(again, sums, "the list is not on itself");
    let name = archive.file_name().unwrap().to_str().unwrap();
    let (sum, listed) = sums.trim().split_once("  ").unwrap();
    assert!(sum.len() == 64 && listed == name, "{sums}");

    for wrong in ["metrics-server", "registry.example/metrics-server:v1"] {
        assert_eq!(run("release/chart", &[wrong, to]).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn the_bill_of_materials_has_what_is_built_in() {
    let output = run("release/sbom", &["metrics-server"]);
    let bill: Value = serde_json::from_str(&printed(&output)).unwrap();
    assert_eq!(bill["metadata"]["component"]["name"], "metrics-server");
    let components = bill["components"].as_array().unwrap();
    let find = |name: &str| components.iter().find(|component| component["name"] == name);
    assert!(find("rustls").unwrap()["hashes"][0]["content"].as_str().unwrap().len() == 64);
    assert!(find("k8s-text").is_some(), "our own crates are parts as well");
    assert!(find("insta").is_none() && find("fake-kubelet").is_none(), "of tests only");
    let references: Vec<_> = components.iter().map(|component| &component["bom-ref"]).collect();
    for dependency in bill["dependencies"].as_array().unwrap() {
        for on in dependency["dependsOn"].as_array().unwrap() {
            assert!(references.contains(&on), "{on}");
        }
    }
    assert!(!run("release/sbom", &["nothing"]).status.success());
}
