//! The file that events are written to, and those that were full.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use net::{Clock, errno};
use parking_lot::Mutex;

/// How the Go server names full logs: `audit-2019-01-04T09-53-00.000.log`.
const FULL: &str = "%Y-%m-%dT%H-%M-%S%.3f";

/// When a log is full, and what becomes of it then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes.
    pub full_at: Option<u64>,
    /// How many full ones are kept.
    pub backups: Option<usize>,
    /// How long full ones are kept.
    pub age: Option<Duration>,
}

/// A log that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "write {} for --audit-log-path: {}; name a file that this process may write, or - for the standard output",
    file.display(), errno::file(source)
)]
pub struct AuditLogError {
    file: PathBuf,
    source: io::Error,
}

/// Where lines go.
pub(super) struct Log {
    target: Mutex<Target>,
    clock: Clock,
}

enum Target {
    Output,
    File(Rotated),
}

struct Rotated {
    path: PathBuf,
    file: File,
    size: u64,
    rotation: Rotation,
    /// Whether the last line could not be written: logged once.
    fails: bool,
}

// === impl Log ===

impl Log {
    pub(super) fn open(
        path: &Path,
        rotation: Rotation,
        clock: Clock,
    ) -> Result<Self, AuditLogError> {
        let target = if path == Path::new("-") {
            Target::Output
        } else {
            let wrong = |source| AuditLogError { file: path.to_owned(), source };
            Target::File(Rotated::open(path, rotation).map_err(wrong)?)
        };
        Ok(Self { target: Mutex::new(target), clock })
    }

    /// Writes one line. If that fails, the server's own log has the error, and requests are still
    /// answered, as in the Go server.
    pub(super) fn write(&self, line: &str) {
        let line = format!("{line}\n");
        match &mut *self.target.lock() {
            Target::Output => {
                // The reader has closed the pipe: no error can be reported there.
                let _ = io::stdout().lock().write_all(line.as_bytes());
            }
            Target::File(file) => match file.write(&line, self.clock.now()) {
                Ok(()) => file.fails = false,
                Err(error) if !file.fails => {
                    file.fails = true;
                    let cure = "see that there is room and that this process may write there";
                    tracing::error!(err = %errno::file(&error), file = %file.path.display(), cure, "Failed to write the audit log");
                }
                Err(_) => {}
            },
        }
    }
}

// === impl Rotated ===

impl Rotated {
    fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let (file, size) = begin(path)?;
        Ok(Self { path: path.to_owned(), file, size, rotation, fails: false })
    }

    fn write(&mut self, line: &str, now: Timestamp) -> io::Result<()> {
        let more = line.len() as u64;
        if self.rotation.full_at.is_some_and(|full| self.size > 0 && self.size + more > full) {
            fs::rename(&self.path, self.full(now))?;
            (self.file, self.size) = begin(&self.path)?;
            self.remove_old(now);
        }
        self.file.write_all(line.as_bytes())?;
        self.size += more;
        Ok(())
    }

    /// The parts of the name before and after the time.
    fn around_time(&self) -> (String, String) {
        let part = |part: Option<&std::ffi::OsStr>| {
            part.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let ending = self.path.extension().map(|_| format!(".{}", part(self.path.extension())));
        (format!("{}-", part(self.path.file_stem())), ending.unwrap_or_default())
    }

    fn full(&self, now: Timestamp) -> PathBuf {
        let (before, after) = self.around_time();
        self.path.with_file_name(format!("{before}{}{after}", now.strftime(FULL)))
    }

    /// Removes full logs that are too many or too old. One that cannot be removed stays.
    fn remove_old(&self, now: Timestamp) {
        let (before, after) = self.around_time();
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return };
        let mut full: Vec<(Timestamp, PathBuf)> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let name = path.file_name()?.to_str()?;
                let time = name.strip_prefix(&*before)?.strip_suffix(&*after)?;
                let time = DateTime::strptime(FULL, time).ok()?.to_zoned(TimeZone::UTC).ok()?;
                Some((time.timestamp(), path))
            })
            .collect();
        full.sort();
        full.reverse();
        for (at, (time, path)) in full.iter().enumerate() {
            let too_many = self.rotation.backups.is_some_and(|most| at >= most);
            let age = Duration::try_from(now.duration_since(*time)).unwrap_or_default();
            if too_many || self.rotation.age.is_some_and(|most| age > most) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn begin(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests;
