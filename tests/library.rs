//! The scenarios that ship: each one is sound in the eyes of an editor too, and easy to find.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use harness::file::{self, editor_schema};
use serde_json::Value;

const LIBRARY: &str = "scenarios";
const SCHEMA: &str = "scenarios/schema.json";

/// The paths and texts of all scenarios.
fn scenarios() -> Vec<(PathBuf, String)> {
    let files = file::discover(&[LIBRARY.into()]).unwrap();
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_schema_that_editors_read_is_up_to_date() {
    let generated = format!("{:#}\n", editor_schema());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(SCHEMA, &generated).unwrap();
    }
    assert!(
        fs::read_to_string(SCHEMA).unwrap_or_default() == generated,
        "{SCHEMA} is not what the program says; write it again: cargo scenario schema > {SCHEMA}"
    );
}

#[test]
fn every_scenario_is_valid_by_the_schema() {
    let validator = jsonschema::draft202012::options().build(&editor_schema()).unwrap();
    for (path, text) in scenarios() {
        let value: Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {}", path.display(), errors.join("; "));
    }
}

#[test]
fn every_scenario_begins_with_where_its_schema_is() {
    for (path, text) in scenarios() {
        let above = path.parent().unwrap().components().count() - 1;
        let expected =
            format!("# yaml-language-server: $schema={}schema.json", "../".repeat(above));
        assert_eq!(text.lines().next(), Some(&*expected), "{}", path.display());
    }
}

/// So a name is unique in its folder, and a report leads to the file.
#[test]
fn every_scenario_is_called_as_its_file() {
    for (path, _) in scenarios() {
        let name = file::load(&path).unwrap().remove(0).scenario.metadata.name;
        assert_eq!(Path::new(&name), path.file_stem().unwrap(), "{}", path.display());
        assert_eq!(path.extension().unwrap(), "yaml", "{}", path.display());
    }
}

/// What only this project's metrics server has. Its flags beyond those of the Go server begin so.
const OWN_WORDS: [&str; 12] = [
    "- check:",
    "cure=",
    "metrics_server_kubelet_scrape_failures_total",
    "metrics_server_kubelet_bodies",
    "/statusz",
    "/flagz",
    "--kubelet-address-fallback",
    "--kubelet-endpoint",
    "--kubelet-max-",
    "--metric-grace-cycles",
    "--resolv-conf",
    "/apis/metrics.k8s.io/v1/",
];

#[test]
fn profile_upstream_expects_nothing_of_our_own() {
    for (path, text) in scenarios() {
        if text.contains("profile: upstream") {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let own: Vec<_> =
                lines.filter(|line| OWN_WORDS.iter().any(|word| line.contains(word))).collect();
            assert!(own.is_empty(), "{}: {}", path.display(), own.join("\n"));
        }
    }
}

/// `docs/scenarios.md` is written by hand down to this line, and from the schema below it.
const REFERENCE: &str =
    "<!-- From here on, this is written by UPDATE_DOCS=1 cargo test --test library -->\n";

#[test]
fn the_reference_follows_the_schema() {
    const PAGE: &str = "docs/scenarios.md";
    let page = fs::read_to_string(PAGE).unwrap();
    let (written, _) = page.split_once(REFERENCE).expect("the line above the reference");
    let expected = format!("{written}{REFERENCE}\n{}\n", file::reference().trim_end());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, expected).unwrap();
    } else {
        assert!(
            page == expected,
            "{PAGE} is not up to date: UPDATE_DOCS=1 cargo test --test library"
        );
    }
}

/// Examples are of the kind that a reader can run.
#[test]
fn the_examples_of_the_page_are_sound() {
    let page = fs::read_to_string("docs/scenarios.md").unwrap();
    let examples: Vec<_> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 5);
    for example in examples {
        let whole = if example.contains("kind: Scenario") {
            example.to_owned()
        } else {
            let spec: String = example.lines().flat_map(|line| ["  ", line, "\n"]).collect();
            format!(
                "apiVersion: harness/v1alpha1\nkind: Scenario\nmetadata: {{name: example}}\nspec:\n  about: An example.\n{spec}"
            )
        };
        if let Err(errors) = file::parse(Path::new("scenarios/example.yaml"), whole) {
            panic!("{errors}");
        }
    }
}

/// The page lists where each behaviour is shown: the scenarios that it names must exist, and it
/// must name all.
#[test]
fn the_coverage_page_names_every_scenario_and_nothing_else() {
    let page = fs::read_to_string("docs/coverage.md").unwrap();
    let rows =
        page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| behaviour"));
    let mut named = BTreeSet::new();
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit_once(" | ").unwrap().1;
        let words: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!words.is_empty(), "nothing shows this: {row}");
        for (index, word) in words.iter().enumerate() {
            if Path::new(word).extension().is_some_and(|extension| extension == "rs") {
                let (test, source) = (words[index - 1], fs::read_to_string(word).unwrap());
                assert!(source.contains(&format!("fn {test}(")), "{word} has no test {test}");
                named.remove(test);
            } else {
                named.insert((*word).to_owned());
            }
        }
    }
    let library = Path::new(LIBRARY);
    let all: BTreeSet<_> = scenarios()
        .into_iter()
        .map(|(path, _)| {
            path.strip_prefix(library).unwrap().with_extension("").display().to_string()
        })
        .collect();
    assert_eq!(named, all, "docs/coverage.md on the left, the library on the right");
}
