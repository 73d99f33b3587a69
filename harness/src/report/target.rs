use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    str::FromStr,
};

use super::{Report, html, json, junit, markdown};

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
}

/// A requested report: `FORMAT=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its form.
    pub format: Format,
    /// The file to write.
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
    file: File,
}

/// Opens the files of all reports, so that a wrong path shows before anything has run.
pub fn open(targets: &[Target]) -> Result<Vec<Open>, WriteError> {
    let open = |target: &Target| match File::create(&target.path) {
        Ok(file) => Ok(Open { target: target.clone(), file }),
        Err(source) => Err(WriteError::new(target, source)),
    };
    targets.iter().map(open).collect()
}

/// Writes the report in all requested formats.
pub fn write(report: &Report, open: Vec<Open>) -> Result<(), WriteError> {
    for Open { target, file } in open {
        let mut out = BufWriter::new(file);
        let written = match target.format {
            Format::Junit => junit::write(report, &mut out),
            Format::Json => json::write(report, &mut out),
            Format::Markdown => markdown::write(report, &mut out),
            Format::Html => html::write(report, &mut out),
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
    const ALL: [Self; 4] = [Self::Junit, Self::Json, Self::Markdown, Self::Html];

    fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }
}

// === impl Target ===

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
