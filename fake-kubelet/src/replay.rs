//! Recorded scrapes of a real kubelet, to be answered with again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;

/// The scrapes in a folder, held in memory: `resource.1.prom`, `resource.2.prom` and so on, and
/// `summary.1.json` and so on if there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    scrapes: Vec<Bytes>,
    summaries: Vec<Bytes>,
}

/// A recording and how far it was played.
pub(crate) struct Replay {
    recording: Arc<Recording>,
    played: AtomicUsize,
    summaries_played: AtomicUsize,
}

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The folder cannot be listed.
    #[error("failed to read the recording {}: {source}", folder.display())]
    Folder {
        /// The recording's folder.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A scrape cannot be read, or is missing in between.
    #[error("failed to read the scrape {}: {source}; scrapes are numbered from 1 without gaps", file.display())]
    Scrape {
        /// The scrape's file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

// === impl Recording ===

impl Recording {
    /// Reads all scrapes of a folder.
    pub fn read(folder: &Path) -> Result<Self, RecordingError> {
        let unlisted = |source| RecordingError::Folder { folder: folder.to_owned(), source };
        let (mut scrapes, mut summaries) = (0, 0);
        for entry in fs::read_dir(folder).map_err(unlisted)? {
            let name = entry.map_err(unlisted)?.file_name();
            let number = |before, after| name.to_str().and_then(|name| number(name, before, after));
            scrapes = scrapes.max(number("resource.", ".prom").unwrap_or(0));
            summaries = summaries.max(number("summary.", ".json").unwrap_or(0));
        }
        // What is missing where there is nothing at all is a scrape.
        let scrapes = if summaries == 0 { scrapes.max(1) } else { scrapes };
        let all = |last, before: &str, after: &str| {
            let read = |number| {
                let file = folder.join(format!("{before}{number}{after}"));
                fs::read(&file)
                    .map(Bytes::from)
                    .map_err(|source| RecordingError::Scrape { file, source })
            };
            (1..=last).map(read).collect::<Result<_, _>>()
        };
        Ok(Self {
            scrapes: all(scrapes, "resource.", ".prom")?,
            summaries: all(summaries, "summary.", ".json")?,
        })
    }

    /// The answer to the request of that index, counted from zero: the last scrape for good. `None`
    /// if none was recorded.
    pub(crate) fn scrape(&self, index: usize) -> Option<Bytes> {
        nth(&self.scrapes, index)
    }

    /// The same for summaries. `None` if none was recorded.
    fn summary(&self, index: usize) -> Option<Bytes> {
        nth(&self.summaries, index)
    }
}

fn nth(recorded: &[Bytes], index: usize) -> Option<Bytes> {
    recorded.get(index).or(recorded.last()).cloned()
}

fn number(file: &str, before: &str, after: &str) -> Option<u32> {
    file.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

// === impl Replay ===

impl Replay {
    pub(crate) fn new(recording: Arc<Recording>) -> Self {
        let (played, summaries_played) = <(AtomicUsize, AtomicUsize)>::default();
        Self { recording, played, summaries_played }
    }

    /// The next scrape, or again the one that was played last.
    pub(crate) fn scrape(&self, again: bool) -> Option<Bytes> {
        self.recording.scrape(turn(&self.played, again))
    }

    /// The same for summaries. `None` if none was recorded.
    pub(crate) fn summary(&self, again: bool) -> Option<Bytes> {
        self.recording.summary(turn(&self.summaries_played, again))
    }
}

fn turn(played: &AtomicUsize, again: bool) -> usize {
    if again {
        played.load(Ordering::Relaxed).saturating_sub(1)
    } else {
        played.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/kubelet-1.36")
    }

    #[test]
    fn the_last_scrape_is_repeated() {
        let recording = Recording::read(&golden()).unwrap();
        let file =
            |number: u32| fs::read(golden().join(format!("resource.{number}.prom"))).unwrap();
        for (index, number) in [(0, 1), (1, 2), (2, 3), (3, 3), (1_000, 3)] {
            assert_eq!(recording.scrape(index).unwrap(), file(number), "request {index}");
            let summary = fs::read(golden().join(format!("summary.{number}.json"))).unwrap();
            assert_eq!(recording.summary(index).unwrap(), summary, "request {index}");
        }
    }

    #[test]
    fn summaries_may_be_missing_but_not_one_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        write("resource.1.prom");
        assert_eq!(Recording::read(folder.path()).unwrap().summary(0), None);
        write("summary.2.json");
        let error = Recording::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("summary.1.json: No such file"), "{error}");
        write("summary.1.json");
        let recording = Recording::read(folder.path()).unwrap();
        assert_eq!(recording.summary(9).unwrap(), "summary.2.json");
    }

    #[test]
    fn a_missing_recording_is_named() {
        let nowhere = golden().join("nowhere");
        let error = Recording::read(&nowhere).unwrap_err().to_string();
        assert!(error.contains("kubelet-1.36/nowhere: No such file"), "{error}");
        let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let error = Recording::read(&empty).unwrap_err().to_string();
        assert!(error.contains("src/resource.1.prom: No such file"), "{error}");
    }
}
