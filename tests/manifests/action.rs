//! The scripts that run scenarios in continuous integration.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with stand-ins for programs, each a shell script.
fn programs(scripts: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, script) in scripts {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    folder
}

/// A script that finds these programs first.
fn script(name: &str, programs: &TempDir) -> Command {
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(root().join(name));
    command.env("PATH", format!("{}:{path}", programs.path().display()));
    command.env_remove("GITHUB_ACTIONS").env_remove("SCENARIO").current_dir(programs.path());
    command
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// With a stand-in for `scenario`: which arguments it gets, and that its exit code is passed on.
#[test]
fn scenarios_run_with_the_arguments_of_the_action() {
    let folder = programs(&[("scenario", r#"printf '%s ' "$@"; exit 3"#)]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let reports = path("reports");
    let run = |arguments: &[&str]| {
        let mut command = script("action/run", &folder);
        command.env("SCENARIO", path("scenario"));
        command.args(["--reports", &reports]).args(arguments).output().unwrap()
    };
    let formats = ["junit=xml", "json=json", "markdown=md", "html=html"].map(|format| {
        let (format, ending) = format.split_once('=').unwrap();
        format!("--report {format}={reports}/scenarios.{ending} ")
    });
    let formats = formats.concat();
    let plain = run(&["--", "--filter", "a b"]);
    assert_eq!(plain.status.code(), Some(3));
    assert_eq!(printed(&plain), format!("run {formats}--filter a b "));

    let server = path("scenario");
    let simulated = run(&["--server", &server, "--world", "simulated"]);
    assert_eq!(printed(&simulated), format!("run --server {server} --world simulated {formats}"));
    for (arguments, expected) in [
        (&["--server", "/nope"][..], "/nope is no program"),
        (&["--server", "a", "--image", "b"], "which one is it?"),
        (&["--program", "a"], "there is no --image"),
        (&["all"], "all is not a flag"),
        (&["--world"], "--world has no value"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(printed(&output).contains(expected), "{}", printed(&output));
    }
}

/// Inputs of YAML may have several lines.
#[test]
fn inputs_are_separated_by_spaces_and_line_ends() {
    let folder = programs(&[("scenario", r#"printf '%s\n' "$@""#)]);
    let output = script("action/github", &folder)
        .env("SCENARIO", folder.path().join("scenario"))
        .env("RUNNER_TEMP", folder.path())
        .env("GITHUB_OUTPUT", folder.path().join("output"))
        .env("INPUT_SERVER_ARGS", "--v=2 --kubelet-insecure-tls\n--metric-resolution=30s\n")
        .env("INPUT_SCENARIOS", "a.yaml\n  b c\n")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", printed(&output));
    let words = printed(&output);
    let (_, words) = words.split_once("scenarios.html\n").unwrap();
    assert_eq!(
        words.lines().collect::<Vec<_>>().join(" "),
        "--server-arg --v=2 --server-arg --kubelet-insecure-tls --server-arg --metric-resolution=30s \
         a.yaml b c"
    );
}

/// Where the program is not named, cargo builds it in the checkout, and a relative target folder is there.
#[test]
fn the_program_that_was_built_is_run() {
    let build = r#"pwd; ls -d "$CARGO_TARGET_DIR/release/scenario""#;
    let program = ("target/release/scenario", "echo this one ran");
    let folder = programs(&[("cargo", build), program]);
    let checkout = root().canonicalize().unwrap();
    let up = "../".repeat(checkout.components().count() - 1);
    // Deeper than the checkout: there, the relative path leads elsewhere.
    let elsewhere = folder.path().join("a/".repeat(checkout.components().count()));
    fs::create_dir_all(&elsewhere).unwrap();
    let absolute = folder.path().join("target").to_str().unwrap().to_owned();
    for target in [&absolute, &format!("{up}{}", absolute.trim_start_matches('/'))] {
        let mut command = script("action/run", &folder);
        let output =
            command.current_dir(&elsewhere).env("CARGO_TARGET_DIR", target).output().unwrap();
        let lines = printed(&output);
        assert!(lines.starts_with(&format!("{}\n", checkout.display())), "{lines}");
        assert!(output.status.success() && lines.contains("this one ran"), "{target}: {lines}");
    }
}

/// What is no version is built, and GitHub is not asked for it.
#[test]
fn only_versions_are_fetched() {
    let folder = programs(&[("gh", "echo gh was called >&2; exit 9")]);
    for (tag, code) in [
        ("v0.1.0", 9),
        ("v1.20.3-rc.1", 9),
        ("v1", 0),
        ("v1.2", 0),
        ("validate-x", 0),
        ("v1.2.3/x", 0),
        ("main", 0),
    ] {
        let mut fetch = script("action/fetch", &folder);
        let output = fetch.args(["example/metrics-server", tag, "to"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{tag}");
        assert_eq!(printed(&output).is_empty(), code == 0, "{tag}");
    }
}
