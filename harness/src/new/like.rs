//! A copy of a scenario of the library, under another name.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use super::{NewError, template};
use crate::file;

/// Where scenarios are by default.
const LIBRARY: &str = "scenarios";

/// How many names are suggested.
const SUGGESTED: usize = 5;

/// The scenario `like`, called `name`, to be written to `path`.
pub(super) fn copy(
    like: &str,
    name: &str,
    path: &Path,
    schema: Option<&str>,
) -> Result<String, NewError> {
    let from = find(like)?;
    let text =
        fs::read_to_string(&from).map_err(|error| NewError::Read { path: from.clone(), error })?;
    let scenario = file::parse(&from, text.clone())
        .map_err(|errors| NewError::Mistakes(Box::new(errors)))?
        .remove(0);
    let old = &scenario.scenario.metadata.name;
    let mut copy = template::head(path, schema);
    // Writing to a String cannot fail.
    let _ = writeln!(copy, "# Copied from {}: change it to match your cluster.", from.display());
    let (mut in_metadata, mut is_renamed) = (false, false);
    for line in text.lines() {
        if line.starts_with("# yaml-language-server:") {
            continue;
        }
        in_metadata |= line.starts_with("metadata:");
        let is_name = !is_renamed && in_metadata && line.contains(&format!("name: {old}"));
        if is_name {
            copy += &line.replacen(&format!("name: {old}"), &format!("name: {name}"), 1);
            is_renamed = true;
        } else {
            copy += line;
        }
        copy.push('\n');
    }
    Ok(copy)
}

/// The file of a scenario, by its path or its name.
fn find(like: &str) -> Result<PathBuf, NewError> {
    if Path::new(like).is_file() {
        return Ok(like.into());
    }
    let name = like.trim_end_matches(".yaml");
    let files = file::discover(&[LIBRARY.into()])?;
    let fits = |path: &&PathBuf| !name.is_empty() && path.with_extension("").ends_with(name);
    if let Some(path) = files.iter().find(fits) {
        return Ok(path.clone());
    }
    let part = name.rsplit('/').next().unwrap_or(name);
    let similar = files
        .iter()
        .filter_map(|path| {
            path.strip_prefix(LIBRARY).ok()?.with_extension("").to_str().map(str::to_owned)
        })
        .filter(|known| known.contains(part))
        .take(SUGGESTED);
    Err(NewError::NoneLike { name: like.to_owned(), similar: similar.collect() })
}
