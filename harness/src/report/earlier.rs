use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Report, Verdict, collect::STOPPED};
use crate::file::ScenarioFile;

/// The report of an earlier run.
#[derive(Debug, Deserialize)]
pub struct Earlier {
    version: u32,
    pub(crate) world: String,
    pub(crate) scenarios: Vec<EarlierScenario>,
}

/// A scenario in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EarlierScenario {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) verdict: Verdict,
    skipped_because: Option<String>,
    known_failure: Option<String>,
    #[serde(default)]
    failures: Vec<EarlierFailure>,
}

#[derive(Debug, Deserialize)]
struct EarlierFailure {
    message: String,
    line: Option<usize>,
}

/// The report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// It cannot be read.
    #[error("failed to read {}: {error}; pass what --report json=FILE has written", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is in a format of another version.
    #[error("{} is a report of version {version}, not {}; run all scenarios again", .path.display(), Report::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

// === impl Earlier ===

impl Earlier {
    /// Reads a report in JSON.
    pub fn read(path: &Path) -> Result<Self, EarlierError> {
        let error = |error| EarlierError::Read { path: path.to_owned(), error };
        let text = fs::read(path).map_err(error)?;
        let earlier: Self = serde_json::from_slice(&text).map_err(|it| error(it.into()))?;
        if earlier.version != Report::VERSION {
            return Err(EarlierError::Version { path: path.to_owned(), version: earlier.version });
        }
        Ok(earlier)
    }

    /// Whether a scenario is still to do: it failed, or its turn did not come.
    pub fn is_open(&self, file: &ScenarioFile) -> bool {
        let names = [file.name(), file.full_name()];
        let of_file = |it: &&EarlierScenario| names.contains(&it.name);
        self.scenarios.iter().find(of_file).is_some_and(|it| match it.verdict {
            Verdict::Passed | Verdict::Known => false,
            Verdict::Skipped => it.skipped_because.as_deref() == Some(STOPPED),
            Verdict::Failed => true,
        })
    }
}

// === impl EarlierScenario ===

impl EarlierScenario {
    /// Why it has its verdict, where there is a reason.
    pub(crate) fn reason(&self) -> Option<String> {
        let failure = self.failures.first().map(|failure| match failure.line {
            Some(line) => format!("line {line}: {}", failure.message),
            None => failure.message.clone(),
        });
        let known = self.known_failure.clone();
        known.or(failure).or_else(|| self.skipped_because.clone())
    }
}
