//! `scenario new`: a scenario to start from.

mod from_nodes;
mod like;
pub(crate) mod template;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    num::NonZero,
    path::{Path, PathBuf},
};

use clap::Args;

use self::from_nodes::NodesError;
use crate::file::{self, DiscoverError, FileErrors};

/// How many nodes there are if nothing is said.
const NODES: u32 = 3;

/// Writes a scenario to start from, with comments for those who have never seen one.
///
/// It can be run at once. Exit codes: 0, it was written; 2, it was not: the file exists, or
/// what it would be made of cannot be read.
#[derive(Debug, Args)]
pub struct Options {
    /// How many nodes it has. Default: 3.
    #[arg(long, value_name = "N", conflicts_with_all = ["from_nodes", "like"])]
    nodes: Option<NonZero<u32>>,
    /// Take the nodes from what `kubectl get nodes --output=json` or yaml has printed; `-` is
    /// standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "like")]
    from_nodes: Option<PathBuf>,
    /// Begin with a copy of this scenario: its file, or its name in the folder `scenarios`.
    #[arg(long, value_name = "NAME")]
    like: Option<String>,
    /// The file to write, such as `my-cluster.yaml`; its name becomes the scenario's. `-` prints it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Why no scenario was made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The file is there already, or cannot be written.
    #[error("failed to write {}: {error}; {}", .path.display(), cure(.error))]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file's name is none that a scenario may have.
    #[error("{} has no name for a scenario: call it by lower-case letters, digits and dashes, and .yaml, such as my-cluster.yaml", .0.display())]
    Name(PathBuf),
    /// The nodes cannot be used.
    #[error(transparent)]
    Nodes(#[from] NodesError),
    /// There is no such scenario.
    #[error("there is no scenario {name:?}: pass its file, or one of \"scenario list\"{}", such_as(.similar))]
    NoneLike {
        /// What was asked for.
        name: String,
        /// Names that are like it.
        similar: Vec<String>,
    },
    /// The library cannot be read.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The scenario to copy cannot be read.
    #[error("failed to read {}: {error}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard output is closed.
    #[error("failed to write to standard output: {0}")]
    Print(io::Error),
    /// What was made has mistakes, such as those of the nodes that it was made of.
    #[error("the scenario would have mistakes, and was not written:\n{}", .0.render(false).trim_end())]
    Mistakes(Box<FileErrors>),
}

/// Writes the scenario.
pub fn new(options: &Options) -> Result<(), NewError> {
    let is_printed = options.file == Path::new("-");
    let path = if is_printed { Path::new("my-cluster.yaml") } else { &options.file };
    let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|name| is_name(name));
    let is_yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let name = name.filter(|_| is_yaml).ok_or_else(|| NewError::Name(path.to_owned()))?;
    let write_error = |error| NewError::Write { path: path.to_owned(), error };
    if !is_printed && path.exists() {
        return Err(write_error(rustix::io::Errno::EXIST.into()));
    }
    let schema = schema_of(path);
    let text = match (&options.like, &options.from_nodes) {
        (Some(like), _) => like::copy(like, name, path, schema.as_deref())?,
        (None, Some(nodes)) => {
            template::scenario(name, path, schema.as_deref(), &from_nodes::read(nodes)?)
        }
        (None, None) => {
            let count = options.nodes.map_or(NODES, NonZero::get);
            template::scenario(name, path, schema.as_deref(), &template::numbered(count))
        }
    };
    file::parse(path, text.clone()).map_err(|errors| NewError::Mistakes(Box::new(errors)))?;
    if is_printed {
        return print(&text);
    }
    // Whatever else has made the file in the meantime keeps it.
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(path).map_err(write_error)?;
    file.write_all(text.as_bytes()).map_err(write_error)?;
    print(&format!("{0} is written: scenario run --timeline {0}\n", path.display()))
}

fn print(text: &str) -> Result<(), NewError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(NewError::Print)
}

/// Whether a scenario may have this name.
fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.chars().all(is_allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// The way from the file to the schema, if it is in one of the folders above, as in the library.
fn schema_of(path: &Path) -> Option<String> {
    const HIGHEST: usize = 3;
    let path = std::path::absolute(path).ok()?;
    let mut folders = path.ancestors().skip(1).take(HIGHEST).enumerate();
    let (up, _) = folders.find(|(_, folder)| {
        fs::read_to_string(folder.join("schema.json"))
            .is_ok_and(|schema| schema.contains("harness/v1alpha1"))
    })?;
    Some(format!("{}schema.json", "../".repeat(up)))
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AlreadyExists => "choose another name, or delete it first",
        _ => "choose a folder that exists and that you may write to",
    }
}

fn such_as(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", such as {}", names.join(", ")) }
}
