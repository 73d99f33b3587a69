//! A cluster from files: what kubectl has printed, and the tree of `kubectl cluster-info dump`.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::objects::{Log, Objects, Unread};

/// The largest file of objects that is read.
const LARGEST: u64 = 256 << 20;

/// Of a longer log, the end is read.
const LONGEST_LOG: u64 = 64 << 20;

/// The most files.
const MOST_FILES: usize = 20_000;

/// The most bytes of all files.
const MOST_BYTES: u64 = 1 << 30;

/// How many folders may be in each other.
const DEEPEST: usize = 8;

/// Reads all files in a folder, or one file. What cannot be read is noted.
pub(super) fn read(folder: &Path) -> io::Result<Objects> {
    let mut files = Vec::new();
    if folder.is_file() {
        files.push(folder.to_owned());
    } else {
        collect(folder, 0, &mut files)?;
        files.sort();
    }
    let mut objects = Objects::default();
    let mut left = MOST_BYTES;
    for path in files {
        let name = path.strip_prefix(folder).ok().filter(|it| it.components().count() > 0);
        let name = name.unwrap_or(&path).display().to_string();
        let result = read_file(&path, &mut objects, &mut left);
        if let Err(why) = result {
            objects.unread.push(Unread { what: name, why });
        }
    }
    Ok(objects)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEEPEST {
            collect(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() && files.len() < MOST_FILES {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn read_file(path: &Path, objects: &mut Objects, left: &mut u64) -> Result<(), String> {
    let failed = |error: io::Error| error.to_string();
    let mut file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut start = Vec::new();
    (&mut file).take(4096).read_to_end(&mut start).map_err(failed)?;
    let has_objects = is_of_objects(&String::from_utf8_lossy(&start));
    let pod = pod_of(path);
    // Of other pods' logs nothing is used.
    if !has_objects && pod.as_deref().is_some_and(|pod| !pod.contains(super::server::NAME)) {
        return Ok(());
    }
    let most = if has_objects { LARGEST } else { LONGEST_LOG };
    if has_objects && size > most {
        return Err(format!("it is larger than {most} bytes"));
    }
    let from = size.saturating_sub(most);
    let taken = size.min(most);
    if taken > *left {
        return Err(format!("all files together have more than {MOST_BYTES} bytes"));
    }
    *left -= taken;
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if has_objects {
        return objects.add_text(text.trim_start_matches('\u{feff}'));
    }
    objects.logs.push(Log { pod, text });
    Ok(())
}

/// Whether a text begins as objects do.
fn is_of_objects(start: &str) -> bool {
    let start = start.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with(['{', '[']) {
        // A log may be in JSON, a record a line.
        return !start.lines().next().unwrap_or_default().contains("\"msg\":")
            && !start.starts_with("[pod/");
    }
    let is_field = |line: &str| {
        ["apiVersion:", "kind:", "items:", "metadata:", "- apiVersion:"]
            .iter()
            .any(|field| line.starts_with(field))
    };
    start.lines().filter(|line| !line.starts_with('#') && *line != "---").take(1).any(is_field)
}

/// The pod of `NAMESPACE/POD/logs.txt`.
fn pod_of(path: &Path) -> Option<String> {
    let is_log = path.file_name().is_some_and(|name| name == "logs.txt");
    let folder = path.parent()?.file_name()?.to_str()?;
    is_log.then(|| folder.to_owned())
}
