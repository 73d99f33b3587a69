//! `scenario diagnose`: what is wrong in a cluster, and the change that cures it, found in the
//! simulated world.
//!
//! A scenario is run until something is wrong (`simulation`, `seen`). The table of causes says which
//! changes may cure that (`candidates`); each is tried in a run of its own, and so are further ones
//! after those that help (`search`). A cure is reported (`diagnosis`, `page`) with the commands for
//! the real cluster (`deployment`) and as a step of the scenario (`document`), which has passed.

mod args;
mod candidates;
mod deployment;
mod diagnosis;
mod document;
mod edit;
mod page;
mod search;
mod seen;
mod setup;
mod simulation;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use self::edit::Edit;
pub use self::{
    deployment::{Deployment, Step},
    diagnosis::{Advice, CauseDiagnosis, Cure, Diagnosis, NodeDiagnosis, Verdict},
};
use crate::{
    capture::{self, CaptureError, SourceOptions, Unread},
    file::{self, FileErrors, ScenarioFile},
    run::Failure,
};

/// Says what is wrong in a cluster, and finds the change that cures it in the simulated world.
///
/// The cluster is read as `scenario capture` does, and nothing in it is changed.
///
/// Exit codes: 0, nothing is wrong; 1, something is, and a cure was found for at least one node;
/// 2, a bad file or bad usage; 3, the folder of --out cannot be written; 5, something is wrong, and
/// no cure was found; 6, the simulated cluster does not behave as the real one.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    source: SourceOptions,
    /// Diagnose the cluster of a scenario file instead.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "kubeconfig", "context", "namespace"])]
    scenario: Option<PathBuf>,
    /// Which case of the file's matrix.
    #[arg(long, value_name = "NAME", requires = "scenario")]
    case: Option<String>,
    /// Write report.md and scenario.yaml, which has the best cure as its last step, into this folder.
    /// It is made if needed.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is diagnosed.
struct Subject {
    file: ScenarioFile,
    /// The metrics server's Deployment in the real cluster, if it is known.
    deployment: Option<Deployment>,
    /// What the real API server says where it does not pass requests on.
    unavailable: Option<String>,
}

/// Why there is no diagnosis.
#[derive(Debug, thiserror::Error)]
pub enum DiagnoseError {
    /// The cluster cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The scenario has mistakes.
    #[error(transparent)]
    File(#[from] FileErrors),
    /// It is several scenarios.
    #[error("{} is several scenarios: choose one of them with --case: {}", .path.display(), .cases.join(", "))]
    Case {
        /// The file.
        path: PathBuf,
        /// Their names.
        cases: Vec<String>,
    },
    /// The cluster cannot be simulated.
    #[error("failed to simulate {}: {reason}", .path.display())]
    Simulate {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of the report cannot be written.
    #[error("failed to write {}: {source}; name a folder that this process may write to with --out", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output is closed.
    #[error("failed to write to standard output: {0}")]
    Print(#[from] io::Error),
}

/// Diagnoses a cluster and prints the report.
pub fn diagnose(options: &Options) -> Result<Verdict, DiagnoseError> {
    let Subject { file, deployment, unavailable } = match &options.scenario {
        Some(path) => {
            let file = chosen(path, options.case.as_deref())?;
            Subject { file, deployment: None, unavailable: None }
        }
        None => captured(&options.source)?,
    };
    let diagnosis = Diagnosis::of(&file, deployment, unavailable).map_err(|failure: Failure| {
        let reason = simulation::text_of(&failure);
        DiagnoseError::Simulate { path: file.path.clone(), reason }
    })?;
    if let Some(folder) = &options.out {
        write(&file, &diagnosis, folder)?;
    }
    let mut out = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut out, &diagnosis).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        page::write(&mut out, &diagnosis)?;
    }
    out.flush()?;
    Ok(diagnosis.verdict)
}

/// The scenario of a real cluster, and its Deployment. What could not be read is said.
#[allow(clippy::print_stderr, reason = "this is where the program talks to its user")]
fn captured(source: &SourceOptions) -> Result<Subject, DiagnoseError> {
    let captured = capture::scenario(&source.source())?;
    for Unread { what, why } in &captured.unread {
        eprintln!("not read: {what}: {why}");
    }
    let path = Path::new("captured.yaml");
    let file = file::parse(path, captured.yaml)?.pop();
    let file = file.ok_or(DiagnoseError::Case { path: path.to_owned(), cases: Vec::new() })?;
    let deployment = captured.installed.map(Deployment::of_cluster);
    Ok(Subject { file, deployment, unavailable: captured.unavailable })
}

/// The one scenario of a file, or the case of this name.
fn chosen(path: &Path, case: Option<&str>) -> Result<ScenarioFile, DiagnoseError> {
    let mut files = file::load_cluster(path)?;
    let cases: Vec<_> = files.iter().filter_map(|file| file.case.clone()).collect();
    files.retain(|file| case.is_none() || file.case.as_deref() == case);
    match files.pop() {
        Some(file) if files.is_empty() => Ok(file),
        _ => Err(DiagnoseError::Case { path: path.to_owned(), cases }),
    }
}

fn write(file: &ScenarioFile, diagnosis: &Diagnosis, folder: &Path) -> Result<(), DiagnoseError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DiagnoseError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut page = Vec::new();
    page::write(&mut page, diagnosis)?;
    let name = &file.scenario.metadata.name;
    let page = format!("# Diagnosis of {name}\n\n```text\n{}```\n", String::from_utf8_lossy(&page));
    let mut files = vec![("report.md", page)];
    if let Some(best) = diagnosis.cures.first() {
        document::copy_files(file, folder).map_err(failed(folder))?;
        files.push(("scenario.yaml", best.scenario.clone()));
        files.extend(best.values.clone().map(|values| ("values.yaml", values)));
    }
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}

// === impl Verdict ===

impl Verdict {
    /// The program's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Cure => 1,
            Self::NoCure => 5,
            Self::Differs => 6,
        }
    }
}
