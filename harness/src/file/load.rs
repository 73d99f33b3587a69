//! Reads scenario files and answers where in them things stand.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cluster_format::{FileErrors, Location, Mistake, YamlNode, snippet, validate, yaml};
use serde_json::Value;

use super::{check, format::Scenario, matrix, schema::schema, variables};

/// No scenario is nearly as large.
pub(super) const LIMIT: yaml::Limit =
    yaml::Limit { bytes: 1 << 20, help: "split it into several scenarios" };

/// A scenario, and the file it stands in.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Which case of the file's matrix it is; none in a file without one.
    pub case: Option<String>,
    /// Its content.
    pub scenario: Scenario,
    text: Arc<str>,
    root: YamlNode,
}

/// Reads the scenarios of a file: one, or one for each case of its matrix. Everything that is wrong
/// with it is reported at once, also where it expects nothing.
pub fn load(path: &Path) -> Result<Vec<ScenarioFile>, FileErrors> {
    read(path, true)
}

/// Reads a file for its cluster: its steps need not expect anything.
pub fn load_cluster(path: &Path) -> Result<Vec<ScenarioFile>, FileErrors> {
    read(path, false)
}

/// Reads the text of a scenario file as if it stood in `path`. Its steps need not expect anything.
pub fn parse(path: &Path, text: String) -> Result<Vec<ScenarioFile>, FileErrors> {
    parse_text(path, text, false)
}

fn read(path: &Path, must_expect: bool) -> Result<Vec<ScenarioFile>, FileErrors> {
    match yaml::read(path, LIMIT) {
        Ok(text) => parse_text(path, text, must_expect),
        Err(mistakes) => Err(FileErrors::new(path, String::new(), mistakes)),
    }
}

fn parse_text(
    path: &Path,
    text: String,
    must_expect: bool,
) -> Result<Vec<ScenarioFile>, FileErrors> {
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let root = match yaml::parse(&text, LIMIT) {
        Ok(root) => root,
        Err(mistakes) => return Err(FileErrors::new(path, text, mistakes)),
    };
    let shared: Arc<str> = text.as_str().into();
    let (cases, mut mistakes) = matrix::cases(&root);
    let (mut files, mut of_cases) = (Vec::new(), Vec::new());
    for case in &cases {
        match one(path, &shared, root.clone(), case, must_expect) {
            Ok(file) => {
                files.push(file);
                of_cases.push(Vec::new());
            }
            Err(mistakes) => of_cases.push(mistakes),
        }
    }
    mistakes.extend(matrix::in_common(&cases, &of_cases));
    if mistakes.is_empty() { Ok(files) } else { Err(FileErrors::new(path, text, mistakes)) }
}

fn one(
    path: &Path,
    text: &Arc<str>,
    root: YamlNode,
    case: &matrix::Case,
    must_expect: bool,
) -> Result<ScenarioFile, Vec<Mistake>> {
    let (root, unnamed) = variables::substitute(root, &case.values);
    let (sound, mut mistakes) = validate(&root, text, schema(), "Spec");
    mistakes.extend(unnamed);
    if let Some(sound) = sound {
        let folder = path.parent().unwrap_or(Path::new(""));
        mistakes.extend(check::check(&sound, folder));
        if must_expect {
            mistakes.extend(check::check_expects(&sound));
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let scenario = serde_json::from_value(root.to_json())
        .map_err(|error| vec![Mistake::at(root.place(), error.to_string())])?;
    let (path, case) = (path.to_owned(), case.name.clone());
    Ok(ScenarioFile { path, case, scenario, text: text.clone(), root })
}

// === impl ScenarioFile ===

impl ScenarioFile {
    /// The file's path from the library's folder on, without its ending, and its case in brackets.
    /// Where on the machine that folder is does not belong into reports.
    pub fn name(&self) -> String {
        let path = self.path.with_extension("").display().to_string();
        let path = match path.rsplit_once("/scenarios/") {
            Some((_, path)) if self.path.is_absolute() => path,
            _ => path.trim_start_matches("./").trim_start_matches("scenarios/"),
        };
        format!("{path}{}", self.case_in_brackets())
    }

    /// The document, with its values in place of their variables.
    pub(crate) fn document(&self) -> Value {
        self.root.to_json()
    }

    /// The file's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The file, and its case in brackets.
    pub fn full_name(&self) -> String {
        format!("{}{}", self.path.display(), self.case_in_brackets())
    }

    fn case_in_brackets(&self) -> String {
        self.case.as_ref().map(|case| format!("[{case}]")).unwrap_or_default()
    }

    /// The place of the step with this index.
    pub fn step(&self, step: usize) -> Location {
        self.step_node(step).location.clone()
    }

    /// The place of this expectation of this step.
    pub fn expectation(&self, step: usize, expectation: usize) -> Location {
        self.expectation_node(step, expectation).location.clone()
    }

    /// Where a field of an expectation stands, such as `table`; the expectation itself if it has
    /// no such field.
    pub fn expectation_field(&self, step: usize, expectation: usize, field: &str) -> Location {
        let node = self.expectation_node(step, expectation);
        node.get(field).map_or(&node.location, YamlNode::key_place).clone()
    }

    /// The lines around a place, the place underlined and `label` beside it.
    pub fn snippet(&self, location: &Location, label: &str, colour: bool) -> String {
        snippet(&self.path, &self.text, location, label, colour)
    }

    fn step_node(&self, step: usize) -> &YamlNode {
        self.root.field("spec").field("steps").item(step)
    }

    fn expectation_node(&self, step: usize, expectation: usize) -> &YamlNode {
        self.step_node(step).field("expect").item(expectation)
    }
}
