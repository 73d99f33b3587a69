use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    str::FromStr,
};

use super::{Report, github, html, json, junit, markdown};

/// The forms a report can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For build servers.
    Junit,
    /// For programs.
    Json,
    /// To paste where people talk.
    Markdown,
    /// To look at.
    Html,
    /// Annotations of GitHub Actions, which are read from what a step prints.
    Github,
}

/// A requested report: `FORMAT=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its form.
    pub format: Format,
    /// The file to write; `-` for standard output.
    pub path: PathBuf,
}

/// The argument is no valid request for a report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    /// There is no file.
    #[error("write FORMAT=FILE, such as html=report.html; formats are {}", names())]
    NoFile,
    /// The format is unknown.
    #[error("no format is called {name:?}; formats are {}", names())]
    UnknownFormat {
        /// What it was called.
        name: String,
    },
}

/// A report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the report {path}: {source}; choose another file with --report")]
pub struct WriteError {
    path: String,
    source: io::Error,
}

/// A file that waits for its report.
pub struct Open {
    target: Target,
    out: Box<dyn Write>,
}

/// Opens the files of all reports, so that a wrong path shows before anything has run.
pub fn open(targets: &[Target]) -> Result<Vec<Open>, WriteError> {
    let open = |target: &Target| {
        let out: Box<dyn Write> = if target.is_stdout() {
            Box::new(io::stdout())
        } else {
            Box::new(File::create(&target.path).map_err(|e| WriteError::new(target, e))?)
        };
        Ok(Open { target: target.clone(), out })
    };
    targets.iter().map(open).collect()
}

/// Writes the report in all requested formats.
pub fn write(report: &Report, open: Vec<Open>) -> Result<(), WriteError> {
    for Open { target, out } in open {
        let mut out = BufWriter::new(out);
        let written = match target.format {
            Format::Junit => junit::write(report, &mut out),
            Format::Json => json::write(report, &mut out),
            Format::Markdown => markdown::write(report, &mut out),
            Format::Html => html::write(report, &mut out),
            Format::Github => github::write(report, &mut out),
        };
        written.and_then(|()| out.flush()).map_err(|source| WriteError::new(&target, source))?;
    }
    Ok(())
}

fn names() -> String {
    Format::ALL.map(Format::name).join(", ")
}

// === impl Format ===

impl Format {
    const ALL: [Self; 5] = [Self::Junit, Self::Json, Self::Markdown, Self::Html, Self::Github];

    fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Github => "github",
        }
    }
}

// === impl Target ===

impl Target {
    /// Whether it goes to standard output.
    pub fn is_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (name, path) = text.split_once('=').unwrap_or((text, ""));
        let Some(format) = Format::ALL.into_iter().find(|format| format.name() == name) else {
            return Err(TargetError::UnknownFormat { name: name.to_owned() });
        };
        if path.is_empty() {
            return Err(TargetError::NoFile);
        }
        Ok(Self { format, path: path.into() })
    }
}

// === impl WriteError ===

impl WriteError {
    fn new(target: &Target, source: io::Error) -> Self {
        Self { path: target.path.display().to_string(), source }
    }
}
