//! The scenarios that ship: each one is sound in the eyes of an editor too, and easy to find.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use harness::file::{self, schema};
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
    let generated = format!("{:#}\n", schema());
    assert!(
        fs::read_to_string(SCHEMA).unwrap_or_default() == generated,
        "{SCHEMA} is not what the program says; write it again: cargo scenario schema > {SCHEMA}"
    );
}

#[test]
fn every_scenario_is_valid_by_the_schema() {
    let validator = jsonschema::draft202012::options().build(schema()).unwrap();
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
        let name = file::load(&path).unwrap().scenario.metadata.name;
        assert_eq!(Path::new(&name), path.file_stem().unwrap(), "{}", path.display());
        assert_eq!(path.extension().unwrap(), "yaml", "{}", path.display());
    }
}
