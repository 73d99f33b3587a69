//! Recorded scrapes of a real kubelet, to be answered with again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

/// The scrapes in a folder: `resource.1.prom`, `resource.2.prom` and so on, held in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    scrapes: Vec<Bytes>,
}

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The folder cannot be listed.
    #[error("read the recording {}: {source}", folder.display())]
    Folder {
        /// The recording's folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A scrape cannot be read, or is missing in between.
    #[error("read the scrape {}: {source}; scrapes are numbered from 1 without gaps", file.display())]
    Scrape {
        /// The scrape's file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

// === impl Recording ===

impl Recording {
    /// Reads all scrapes of a folder.
    pub fn read(folder: &Path) -> Result<Self, RecordingError> {
        let unlisted = |source| RecordingError::Folder { folder: folder.to_owned(), source };
        let mut last = 1;
        for entry in fs::read_dir(folder).map_err(unlisted)? {
            let name = entry.map_err(unlisted)?.file_name();
            last = last.max(name.to_str().and_then(number).unwrap_or(0));
        }
        let scrapes = (1..=last)
            .map(|number| {
                let file = folder.join(format!("resource.{number}.prom"));
                fs::read(&file)
                    .map(Bytes::from)
                    .map_err(|source| RecordingError::Scrape { file, source })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { scrapes })
    }

    /// The answer to the request of that index, counted from zero: the last scrape for good.
    pub(crate) fn scrape(&self, index: usize) -> Bytes {
        let last = self.scrapes.len().saturating_sub(1);
        self.scrapes.get(index.min(last)).cloned().unwrap_or_default()
    }
}

fn number(file: &str) -> Option<u32> {
    file.strip_prefix("resource.")?.strip_suffix(".prom")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/kubelet-1.36")
    }

    #[test]
    fn the_last_scrape_is_for_good() {
        let recording = Recording::read(&golden()).unwrap();
        let file =
            |number: u32| fs::read(golden().join(format!("resource.{number}.prom"))).unwrap();
        for (index, number) in [(0, 1), (1, 2), (2, 3), (3, 3), (1_000, 3)] {
            assert_eq!(recording.scrape(index), file(number), "request {index}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let nowhere = golden().join("nowhere");
        let error = Recording::read(&nowhere).unwrap_err().to_string();
        assert!(error.contains("kubelet-1.36/nowhere: No such file"), "{error}");
        let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let error = Recording::read(&empty).unwrap_err().to_string();
        assert!(error.contains("src/resource.1.prom: No such file"), "{error}");
    }
}
