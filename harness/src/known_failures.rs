//! Scenarios that a program is known to fail, for a fault of its own: named by the scenario
//! (`knownFailures`) or by the user (`--known-failures FILE`).
//!
//! Such a failure is shown, with its reason, and is no failure of the run. A scenario that passes
//! although it is known to fail is one: the entry has served its time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cluster_format::{FileErrors, Mistake, validate, yaml};
use memchr::memmem;
use schemars::{JsonSchema, generate::SchemaSettings};
use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::file::{ScenarioFile, fits};

/// No list is nearly as long.
const LIMIT: yaml::Limit = yaml::Limit { bytes: 1 << 20, help: "write patterns with *" };

/// A program that is tested, as far as `knownFailures` asks for it.
#[derive(Debug)]
pub(crate) struct TestedProgram {
    content: Vec<u8>,
    version: Option<Version>,
}

/// The list of a user.
#[derive(Debug, Default)]
pub(crate) struct KnownFailures {
    lists: Vec<(PathBuf, Vec<Entry>)>,
}

/// A file of `--known-failures`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    /// The scenarios.
    known_failures: Vec<Entry>,
}

/// Scenarios that are known to fail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The scenario's name as `scenario list` prints it, without the folder `scenarios` and the
    /// ending, such as `dns/silent-server`; or a pattern with `*`.
    scenario: String,
    /// Why, such as a link to an issue.
    reason: String,
}

// === impl TestedProgram ===

impl TestedProgram {
    /// The program in this file. Its version is what it prints for `--version`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let content = fs::read(path)?;
        let output = Command::new(path).arg("--version").stdin(Stdio::null()).output();
        let printed = output.map(|it| [it.stdout, it.stderr].concat()).unwrap_or_default();
        Ok(Self { content, version: version_in(&String::from_utf8_lossy(&printed)) })
    }

    fn reason(&self, file: &ScenarioFile) -> Option<String> {
        let failures = &file.scenario.spec.known_failures;
        let applies = failures.iter().find(|known| {
            let is_version = match (&known.versions, &self.version) {
                (None, _) => true,
                (Some(range), Some(version)) => {
                    VersionReq::parse(range).is_ok_and(|range| range.matches(version))
                }
                (Some(_), None) => false,
            };
            is_version && memmem::find(&self.content, known.program.as_bytes()).is_some()
        });
        applies.map(|known| known.reason.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The first version in a text, such as `v0.8.1`. What stands behind its numbers does not count:
/// ranges leave out `-rc.1` otherwise.
fn version_in(text: &str) -> Option<Version> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || ".-+".contains(c)));
    words.into_iter().find_map(|word| {
        let word = word.strip_prefix('v').unwrap_or(word);
        let version = Version::parse(word).ok()?;
        Some(Version::new(version.major, version.minor, version.patch))
    })
}

// === impl KnownFailures ===

impl KnownFailures {
    /// Reads lists. What is wrong with any of them is reported at once.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, Vec<FileErrors>> {
        let (mut lists, mut errors) = (Vec::new(), Vec::new());
        for path in paths {
            match read(path) {
                Ok(list) => lists.push((path.clone(), list)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self { lists }) } else { Err(errors) }
    }

    /// Why each scenario is known to fail with this program; none where it is not.
    pub(crate) fn reasons(
        &self,
        files: &[ScenarioFile],
        program: Option<&TestedProgram>,
    ) -> Vec<Option<String>> {
        let listed = |file: &ScenarioFile| {
            let name = file.name();
            self.lists.iter().find_map(|(path, list)| {
                let entry = list.iter().find(|entry| fits(&entry.scenario, &name))?;
                Some(format!("{} ({})", entry.reason, path.display()))
            })
        };
        let own = |file: &ScenarioFile| program.and_then(|program| program.reason(file));
        files.iter().map(|file| own(file).or_else(|| listed(file))).collect()
    }
}

fn read(path: &Path) -> Result<Vec<Entry>, FileErrors> {
    let errors = |text: &str, mistakes| FileErrors::new(path, text.to_owned(), mistakes);
    let text = yaml::read(path, LIMIT).map_err(|mistakes| errors("", mistakes))?;
    let root = yaml::parse(&text, LIMIT).map_err(|mistakes| errors(&text, mistakes))?;
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<List>();
    let (_, mistakes) = validate(&root, &text, &schema.to_value(), "");
    if !mistakes.is_empty() {
        return Err(errors(&text, mistakes));
    }
    match serde_json::from_value::<List>(root.to_json()) {
        Ok(list) => Ok(list.known_failures),
        Err(error) => Err(errors(&text, vec![Mistake::at(root.place(), error.to_string())])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        for (printed, expected) in [
            ("v0.8.1\n", Some("0.8.1")),
            ("metrics-server 0.1.0", Some("0.1.0")),
            ("Kubernetes v1.36.0-rc.1+abc", Some("1.36.0")),
            ("version.Info{GitVersion:\"v0.6.4\", GoVersion:\"go1.19\"}", Some("0.6.4")),
            ("unknown flag: --version", None),
            ("10.0.0.1", None),
        ] {
            let version = version_in(printed).map(|version| version.to_string());
            assert_eq!(version.as_deref(), expected, "{printed}");
        }
    }
}
