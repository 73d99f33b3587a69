//! The program `scenario` as its user meets it: what it prints and with which code it ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use insta::{assert_snapshot, with_settings};
use tempfile::TempDir;

const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");

/// A cluster of one node and its usage, `steps` following.
fn one_node(name: &str, steps: &str) -> String {
    format!(
        "apiVersion: harness/v1alpha1\n\
         kind: Scenario\n\
         metadata: {{name: {name}}}\n\
         spec:\n  \
           about: One node uses a tenth of a core.\n  \
           nodes:\n    \
             - {{name: node-1, addresses: [{{type: InternalIP, address: 10.0.0.1}}], usage: {{cpu: 100m, memory: 1Gi}}}}\n  \
           server: {{args: [--kubelet-insecure-tls, --metric-resolution=15s]}}\n  \
           steps:\n{steps}"
    )
}

const HOLDS: &str = "    - {name: there is usage, wait: {cycles: 2}, expect: [{get: /apis/metrics.k8s.io/v1beta1/nodes/node-1, body: {usage: {cpu: 100m}}}]}\n";

const FAILS: &str = "    - name: there is usage
      wait: {cycles: 2}
      expect:
        - top: nodes
          table: |
            NAME     CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)
            node-1   200m         2%       1024Mi          12%
";

/// A folder with these files.
fn folder(files: &[(&str, String)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn scenario(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scenario"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What was printed and the exit code, for a snapshot.
fn told(output: &Output) -> String {
    let mut text = String::new();
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text = text + name + ":\n" + &String::from_utf8_lossy(bytes);
        }
    }
    text + &format!("exit code: {:?}", output.status.code())
}

/// A snapshot without durations, and without what this program does not decide: the exact time of
/// each scrape, the server's log and its requests to the API server.
macro_rules! assert_told {
    ($output:expr, @$expected:literal) => {
        let filters = [
            (r" +[\d.]+ ms", " […] ms"),
            (r"in [\d.]+ s\b", "in […] s"),
            (r"(\d\d:\d\d:\d\d)\.\d+", "$1.[…]"),
            (r"(?m)^ +\S+ (api +system:|log ).*\n", ""),
        ];
        with_settings!({ filters => filters }, {
            assert_snapshot!(told(&$output), @$expected);
        });
    };
}

#[test]
fn a_scenario_that_passes_is_one_line_and_a_summary() {
    let folder = folder(&[
        ("scenarios/dns/good.yaml", one_node("good", HOLDS)),
        ("scenarios/life/other.yaml", one_node("other", HOLDS)),
    ]);
    let both = scenario(folder.path(), &["run"]);
    let text = String::from_utf8(both.stdout).unwrap();
    for line in ["PASS dns/good ", "PASS life/other ", "2 passed, 0 failed in "] {
        assert!(text.contains(line), "{line:?} is missing in\n{text}");
    }
    assert_eq!((both.status.code(), both.stderr.len()), (Some(0), 0));
    assert_told!(scenario(folder.path(), &["run", "scenarios/dns/good.yaml"]), @r#"
stdout:
PASS dns/good                                                    15 s in […] ms

1 passed, 0 failed in […] s
exit code: Some(0)
"#);
}

#[test]
fn a_time_line_is_shown_on_demand() {
    let folder = folder(&[("good.yaml", one_node("good", HOLDS))]);
    let output = scenario(folder.path(), &["run", "--timeline", "good.yaml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("       09:53:00.000 step    there is usage\n"), "{text}");
    assert!(text.contains(" kubelet node-1 GET /metrics/resource -> 200\n"), "{text}");
}

#[test]
fn a_failure_shows_its_place_expected_and_seen_and_the_time_line() {
    let folder =
        folder(&[("fails.yaml", one_node("fails", FAILS)), ("good.yaml", one_node("good", HOLDS))]);
    assert_told!(scenario(folder.path(), &["run", "fails.yaml"]), @r#"
stdout:
FAIL fails                                                       15 s in […] ms
     fails.yaml:14:11: step "there is usage" expected something else
     --- expected
     +++ seen
     @@ -1,2 +1,2 @@
      NAME     CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)
     -node-1   200m         2%       1024Mi          12%
     +node-1   100m         2%       1024Mi          12%
     the time line up to there:
       09:53:00.[…] step    there is usage
       09:53:00.[…] kubelet node-1 GET /metrics/resource -> 200
       09:53:15.[…] kubelet node-1 GET /metrics/resource -> 200
       09:53:15.[…] api     admin GET /apis/metrics.k8s.io/v1beta1/nodes -> 200
       09:53:15.[…] api     admin GET /api/v1/nodes? -> 200
       09:53:15.[…] FAILS   top nodes

0 passed, 1 failed in […] s
exit code: Some(1)
"#);
    let both = scenario(folder.path(), &["run", "."]);
    let text = String::from_utf8(both.stdout).unwrap();
    assert!(text.contains("\n1 passed, 1 failed in "), "{text}");
    assert_eq!(both.status.code(), Some(1));
}

#[test]
fn repeated_requests_are_one_line() {
    let steps = FAILS.replace("wait: {cycles: 2}", "wait: {upTo: 100s}");
    assert_ne!(steps, FAILS);
    let folder = folder(&[("fails.yaml", one_node("fails", &steps))]);
    let output = scenario(folder.path(), &["run", "fails.yaml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("step    there is usage"), "the beginning is cut off: {text}");
    assert!(text.contains(" -> 200 (×"), "{text}");
}

#[test]
fn failures_at_the_same_time_have_one_time_line() {
    let steps = format!("{FAILS}        - {{log: nonsense}}\n");
    let folder = folder(&[("fails.yaml", one_node("fails", &steps))]);
    let output = scenario(folder.path(), &["run", "fails.yaml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("expected something else").count(), 2, "{text}");
    assert_eq!(text.matches("the time line up to there").count(), 1, "{text}");
}

#[test]
fn mistakes_in_files_are_all_shown_and_nothing_runs() {
    let mistakes = one_node("mistakes", FAILS)
        .replace("about: One node uses a tenth of a core.", "abuot: A typing error.")
        .replace("cpu: 100m", "cpu: plenty")
        .replace("{cycles: 2}", "{cycles: 2, for: 10}");
    let folder = folder(&[
        ("good.yaml", one_node("good", HOLDS)),
        ("mistakes.yaml", mistakes),
        ("not-yaml.yaml", "kind: [\n".to_owned()),
    ]);
    assert_told!(scenario(folder.path(), &["check", "."]), @r#"
stderr:
error: unknown field "abuot"
 --> ./mistakes.yaml:5:3
  |
5 |   abuot: A typing error.
  |   ^^^^^
  |
  = help: did you mean "about"?

error: "plenty" is not a quantity
 --> ./mistakes.yaml:7:87
  |
7 |     - {name: node-1, addresses: [{type: InternalIP, address: 10.0.0.1}], usage: {cpu: plenty, memory: 1Gi}}
  |                                                                                       ^^^^^^
  |
  = help: write a number with an optional suffix, such as 250m, 310715486n, 1.5, 64Mi or 2G

error: "10" is not a duration
  --> ./mistakes.yaml:11:30
   |
11 |       wait: {cycles: 2, for: 10}
   |                              ^^
   |
   = help: write numbers with units, such as 15s, 1m30s or 250ms

3 mistakes in ./mistakes.yaml

error: not valid YAML: unclosed bracket '['
 --> ./not-yaml.yaml:1:7
  |
1 | kind: [
  |       ^
  |
  = help: close every bracket, and put a text that holds one in quotes
exit code: Some(2)
"#);
    let check = scenario(folder.path(), &["check", "."]);
    for command in ["run", "list"] {
        let output = scenario(folder.path(), &[command, "."]);
        assert_eq!(output, check, "{command}");
    }
}

#[test]
fn what_expects_nothing_is_refused_where_it_is_judged() {
    let silent = one_node("silent", "    - {name: a cycle, wait: {cycles: 1}}\n");
    let none = one_node("none", "").replace("  steps:\n", "");
    let folder = folder(&[("none.yaml", none), ("silent.yaml", silent)]);
    let run = scenario(folder.path(), &["run", "."]);
    assert_told!(run, @r#"
stderr:
error: the scenario expects nothing
 --> ./none.yaml:4:1
  |
4 | spec:
  | ^^^^
  |
  = help: add "steps" with "expect"; "scenario up" needs none

error: the step expects nothing
  --> ./silent.yaml:10:14
   |
10 |     - {name: a cycle, wait: {cycles: 1}}
   |              ^^^^^^^
   |
   = help: add "expect", or let the next step do what this one does
exit code: Some(2)
"#);
    assert_eq!(scenario(folder.path(), &["check", "."]), run);
}

#[test]
fn missing_files_are_named() {
    let folder = folder(&[("empty/notes.md", String::new())]);
    assert_told!(scenario(folder.path(), &["run", "missing.yaml"]), @r#"
stderr:
error: there is no file or folder missing.yaml: check the path
exit code: Some(2)
"#);
    assert_told!(scenario(folder.path(), &["run", "empty"]), @r#"
stderr:
error: no scenario files (*.yaml, *.yml) in empty
exit code: Some(2)
"#);
    assert_told!(scenario(folder.path(), &["run"]), @r#"
stderr:
error: there is no file or folder scenarios: check the path
exit code: Some(2)
"#);
}

#[test]
fn bad_usage_has_the_code_of_bad_input() {
    let folder = folder(&[]);
    for arguments in [&["--nonsense"][..], &["rnu"], &["run", "--nonsense"], &[]] {
        let output = scenario(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn files_without_mistakes_are_counted_and_listed() {
    let folder = folder(&[("scenarios/dns/good.yaml", one_node("good", HOLDS))]);
    assert_told!(scenario(folder.path(), &["check"]), @r#"
stdout:
1 scenario, no mistakes
exit code: Some(0)
"#);
    assert_told!(scenario(folder.path(), &["list"]), @r#"
stdout:
scenarios/dns/good.yaml
    One node uses a tenth of a core.
exit code: Some(0)
"#);
    assert_eq!(scenario(folder.path(), &["check", LIBRARY]).status.code(), Some(0));
}

#[test]
fn the_schema_is_json() {
    let output = scenario(Path::new("."), &["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["title"], "Scenario");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn known_failures_are_shown_and_do_not_fail_the_run() {
    let list = "knownFailures:\n- {scenario: fails, reason: https://example.com/issues/1}\n";
    let folder = folder(&[
        ("fails.yaml", one_node("fails", FAILS)),
        ("good.yaml", one_node("good", HOLDS)),
        ("list.yaml", list.to_owned()),
    ]);
    let run =
        ["run", "--known-failures", "list.yaml", "--report", "github=-", "fails.yaml", "good.yaml"];
    let output = scenario(folder.path(), &run);
    let annotation = "::warning file=fails.yaml,line=14,col=11,title=fails::known failure: https://example.com/issues/1 (list.yaml)%0Astep \"there is usage\" expected something else%0A";
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(stdout.starts_with(annotation) && stdout.lines().count() == 1, "{stdout}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    for line in [
        "KNOWN fails: https://example.com/issues/1 (list.yaml)\n",
        "\n1 passed, 0 failed, 1 failed as is known in ",
    ] {
        assert!(stderr.contains(line), "{line:?} is missing in\n{stderr}");
    }
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_known_failure_that_passes_fails_the_run() {
    let list = "knownFailures: [{scenario: g*d, reason: it waits}]\n";
    let folder = folder(&[("good.yaml", one_node("good", HOLDS)), ("list.yaml", list.to_owned())]);
    let output = scenario(folder.path(), &["run", "--known-failures", "list.yaml", "good.yaml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let message = "     good.yaml: it passed, and was known to fail: it waits (list.yaml); take it out of the known failures\n";
    assert!(text.contains(message), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn mistakes_in_lists_of_known_failures_have_their_place() {
    let list = "knownFailures:\n- {scenario: god, reason: it waits}\n- {scenario: good}\n";
    let known = "      knownFailures: [{program: ms, versions: new, reason: ' '}]\n"
        .replace("      ", "  ");
    let folder = folder(&[
        ("good.yaml", one_node("good", HOLDS)),
        ("own.yaml", one_node("own", HOLDS) + &known),
        ("list.yaml", list.to_owned()),
    ]);
    let run = |file: &str, list: &str| {
        let arguments = ["run", "--known-failures", list, file];
        String::from_utf8(scenario(folder.path(), &arguments).stderr).unwrap()
    };
    let all =
        [run("good.yaml", "list.yaml"), run("good.yaml", "no.yaml"), run("own.yaml", "list.yaml")];
    assert_snapshot!(all.join("\n"), @r#"
error: missing field "reason"
 --> list.yaml:3:3
  |
3 | - {scenario: good}
  |   ^^^^^^^^^^^^^^^^
  |
  = help: add "reason": why, such as a link to an issue

error: no.yaml: cannot be read: No such file or directory (os error 2)

error: "ms" is in the files of many programs
  --> own.yaml:11:29
   |
11 |   knownFailures: [{program: ms, versions: new, reason: ' '}]
   |                             ^^
   |
   = help: write a text that only this one has, such as the path of its Go module, sigs.k8s.io/metrics-server

error: "new" is not a range of versions: unexpected character 'n' while parsing major version number
  --> own.yaml:11:43
   |
11 |   knownFailures: [{program: ms, versions: new, reason: ' '}]
   |                                           ^^^
   |
   = help: write one such as <0.7.0, or >=0.6.0, <0.8.0

error: a failure is known without a reason
  --> own.yaml:11:56
   |
11 |   knownFailures: [{program: ms, versions: new, reason: ' '}]
   |                                                        ^^^
   |
   = help: say what is wrong with the program, and link to its issue

3 mistakes in own.yaml
"#);
}

#[test]
fn a_run_goes_on_where_another_failed() {
    let folder = folder(&[
        ("a.yaml", one_node("a", FAILS)),
        ("b.yaml", one_node("b", HOLDS)),
        ("c.yaml", one_node("c", HOLDS)),
    ]);
    let first =
        ["run", "--jobs", "1", "--fail-fast", "--report", "json=report.json", "a.yaml", "b.yaml"];
    assert_eq!(scenario(folder.path(), &first).status.code(), Some(1));
    fs::write(folder.path().join("a.yaml"), one_node("a", HOLDS)).unwrap();
    let again =
        ["run", "--jobs", "1", "--failed-of", "report.json", "--report", "json=report.json", "."];
    let names = |output: &Output| {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("PASS "))
            .map(|line| line[..1].to_owned())
            .collect::<String>()
    };
    // b was not begun, and c was not meant.
    assert_eq!(names(&scenario(folder.path(), &again)), "ab");
    let nothing = scenario(folder.path(), &again);
    assert_eq!((names(&nothing).as_str(), nothing.status.code()), ("", Some(0)));
    let wrong = scenario(folder.path(), &["run", "--failed-of", "a.yaml", "."]);
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert!(text.ends_with("pass what --report json=FILE has written\n"), "{text}");
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn servers_are_compared_by_their_reports() {
    let folder = folder(&[
        (
            "dns/fails.yaml",
            one_node("fails", FAILS).replace("{name: fails}", "{name: fails, labels: {area: dns}}"),
        ),
        ("good.yaml", one_node("good", HOLDS)),
        ("list.yaml", "knownFailures: [{scenario: dns/fails, reason: 'a|b'}]\n".to_owned()),
    ]);
    let run = |name: &str, arguments: &[&str]| {
        let report = format!("json={name}.json");
        let run = [&["run", "--report", &report, "dns", "good.yaml"], arguments].concat();
        drop(scenario(folder.path(), &run));
    };
    run("old", &[]);
    run("new", &["--known-failures", "list.yaml"]);
    run("other", &["--filter", "good"]);
    let compared = ["compare", "old.json", "v2=new.json", "other.json"];
    assert_told!(scenario(folder.path(), &compared), @r#"
stdout:
| Area | old | v2 | other |
|---|--:|--:|--:|
| dns | 0 of 1 | 0 of 1 | none |
| others | 1 of 1 | 1 of 1 | 1 of 1 |
| all | 1 of 2 | 1 of 2 | 1 of 1 |

| Scenario | old | v2 | other |
|---|---|---|---|
| `dns/fails` | failed: line 14: step "there is usage" expected something else | known failure: a\|b (list.yaml) | not run |

- old: simulated
- v2: simulated
- other: simulated
exit code: Some(0)
"#);
}
