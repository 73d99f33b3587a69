//! `scenario explain`: what is wrong in a cluster, from what its metrics server has logged and
//! kubectl has printed.

mod clean;
mod document;
mod envelope;
mod explanation;
mod lines;
mod names;
mod page;
mod reader;

use std::{
    fs::File,
    io::{self, BufReader, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;

pub use self::{
    explanation::{Explanation, Group, Place, Unknown},
    reader::Explainer,
};

/// Reads a metrics server's log and what kubectl prints, and says what is wrong and how to fix it.
///
/// Takes logs of the Go metrics server of any version since 0.3 and of this one, in text and JSON;
/// errors of kubectl; kubectl describe and get (as a table, YAML or JSON) of API services, HPAs,
/// nodes, pods, CSRs and events; CoreDNS's log. All of it may stand one after the other, with
/// prefixes and timestamps of kubectl, Docker, CRI or journald.
///
/// Exit codes: 0, nothing wrong was found; 1, something was; 2, a file cannot be read.
#[derive(Debug, Args)]
pub struct Options {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The files; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// A file cannot be read.
    #[error("failed to read {}: {error}; pass files with logs or kubectl's output, or - for standard input", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard output is closed.
    #[error("failed to write to standard output: {0}")]
    Write(#[from] io::Error),
}

/// Explains the files; true where nothing is wrong.
#[allow(
    clippy::print_stderr,
    reason = "a user who sees nothing happen should know what is awaited"
)]
pub fn explain(options: &Options) -> Result<bool, ExplainError> {
    let mut explainer = Explainer::default();
    for path in &options.files {
        let read = if path == Path::new("-") {
            let input = io::stdin();
            if input.is_terminal() {
                eprintln!("reading standard input, to its end (Ctrl-D)");
            }
            explainer.read("-", input.lock())
        } else {
            let name = path.display().to_string();
            File::open(path).and_then(|file| explainer.read(&name, BufReader::new(file)))
        };
        read.map_err(|error| ExplainError::Read { path: path.clone(), error })?;
    }
    let explanation = explainer.finish();
    let mut out = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut out, &explanation).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        page::write(&mut out, &explanation, options.files.len() > 1)?;
    }
    out.flush()?;
    Ok(explanation.causes.is_empty())
}
