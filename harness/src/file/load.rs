//! Reads a scenario file and answers where in it things stand.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    check, document,
    errors::{FileErrors, snippet},
    format::Scenario,
    location::Location,
    mistake::Mistake,
    named,
    node::Node,
    schema::schema,
    structure,
};

/// A scenario, and the file it stands in.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What it says.
    pub scenario: Scenario,
    text: String,
    root: Node,
}

/// Reads a scenario file. Everything that is wrong with it is reported at once.
pub fn load(path: &Path) -> Result<ScenarioFile, FileErrors> {
    match read(path) {
        Ok(text) => parse(path, text),
        Err(mistakes) => Err(FileErrors::new(path, String::new(), mistakes)),
    }
}

/// Reads the text of a scenario file as if it stood in `path`.
pub fn parse(path: &Path, text: String) -> Result<ScenarioFile, FileErrors> {
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let root = match document::read(&text) {
        Ok(root) => root,
        Err(mistakes) => return Err(FileErrors::new(path, text, mistakes)),
    };
    let (root, unnamed) = named::fill_in(root);
    let (sound, mut mistakes) = structure::check(&root, &text, schema());
    mistakes.extend(unnamed);
    if let Some(sound) = sound {
        let folder = path.parent().unwrap_or(Path::new(""));
        mistakes.extend(check::check(&sound, folder));
    }
    if !mistakes.is_empty() {
        return Err(FileErrors::new(path, text, mistakes));
    }
    match serde_json::from_value(root.to_json()) {
        Ok(scenario) => Ok(ScenarioFile { path: path.to_owned(), scenario, text, root }),
        Err(error) => {
            let mistake = Mistake::at(root.place(), error.to_string());
            Err(FileErrors::new(path, text, vec![mistake]))
        }
    }
}

fn read(path: &Path) -> Result<String, Vec<Mistake>> {
    let cannot = |error: std::io::Error| vec![Mistake::of_file(format!("cannot be read: {error}"))];
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that there is too much.
    let most = document::MOST_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        let mistake = Mistake::of_file(format!("line {line} is not UTF-8 text"));
        vec![mistake.help("save the file as UTF-8")]
    })
}

// === impl ScenarioFile ===

impl ScenarioFile {
    /// Where the step with this index stands.
    pub fn step(&self, step: usize) -> Location {
        self.step_node(step).location.clone()
    }

    /// Where this expectation of this step stands.
    pub fn expectation(&self, step: usize, expectation: usize) -> Location {
        self.expectation_node(step, expectation).location.clone()
    }

    /// Where a field of an expectation stands, such as `table`; the expectation itself if it has
    /// no such field.
    pub fn expectation_field(&self, step: usize, expectation: usize, field: &str) -> Location {
        let node = self.expectation_node(step, expectation);
        node.get(field).map_or(&node.location, Node::key_place).clone()
    }

    /// The lines around a place, the place underlined and `label` beside it.
    pub fn snippet(&self, location: &Location, label: &str, colour: bool) -> String {
        snippet(&self.path, &self.text, location, label, colour)
    }

    fn step_node(&self, step: usize) -> &Node {
        self.root.field("spec").field("steps").item(step)
    }

    fn expectation_node(&self, step: usize, expectation: usize) -> &Node {
        self.step_node(step).field("expect").item(expectation)
    }
}
