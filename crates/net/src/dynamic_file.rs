//! Files that others renew while the program runs: certificates, CAs, tokens, resolv.conf. Named
//! after k8s.io/apiserver's dynamic file content, with one policy for all of them: when they are read
//! again, what is in use while they cannot be, what is logged, what is counted.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::errno;

/// A file is read again when its content is used and was last read this long ago. Go's resolver
/// reads resolv.conf as often. Go's servers read their files each minute, and are also notified of
/// changes, which not every volume supports. The files are small, and mostly in memory.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// Opens files, and counts the changes that could not be used.
#[derive(Clone, Debug, Default)]
pub struct Files(Arc<Mutex<BTreeMap<&'static str, u64>>>);

/// What files are, for logs, errors and counts.
#[derive(Clone, Copy, Debug)]
pub struct FileKind {
    /// Such as `serving certificate`.
    pub name: &'static str,
    /// What to do when they cannot be used.
    pub cure: &'static str,
}

/// A file, and what it is for.
#[derive(Clone, Debug)]
pub struct FileSource {
    /// The flag or field that names it.
    pub named_by: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read {} for {named_by}: {cause}; {cure}", path.display())]
pub struct FileError {
    named_by: &'static str,
    path: PathBuf,
    cause: String,
    cure: &'static str,
}

/// Content that is not what a file should have.
#[derive(Debug)]
pub struct Malformed {
    /// Which of the files has it.
    pub index: usize,
    /// What is wrong.
    pub cause: String,
    /// The cure, unless it is that of [`FileKind`].
    pub cure: Option<&'static str>,
}

/// What one file holds, or several that belong together. Where it cannot be used, the last content
/// that could be stays in use.
pub struct DynamicFile<T>(Arc<Inner<T>>);

struct Inner<T> {
    files: Files,
    kind: FileKind,
    /// None, for content that is no file's.
    sources: Vec<FileSource>,
    /// A file that is not there is empty.
    is_optional: bool,
    parse: Box<Parse<T>>,
    state: Mutex<State<T>>,
}

type Parse<T> = dyn Fn(&[Vec<u8>]) -> Result<T, Malformed> + Send + Sync;

struct State<T> {
    value: T,
    read: Option<Instant>,
    /// The bytes when they could be read last, and whether they could be used.
    content: Vec<Vec<u8>>,
    parsed: Result<(), FileError>,
    /// What was logged last, unless all has been well since.
    logged: Option<FileError>,
}

// === impl Files ===

impl Files {
    /// Content of `sources`, which must be usable now.
    pub fn open<T: Clone>(
        &self,
        kind: FileKind,
        sources: Vec<FileSource>,
        parse: impl Fn(&[Vec<u8>]) -> Result<T, Malformed> + Send + Sync + 'static,
    ) -> Result<DynamicFile<T>, FileError> {
        let content = read(kind, &sources, false)?;
        let value = parse(&content).map_err(|malformed| malformed.of(kind, &sources))?;
        let mut state = State::new(value);
        (state.read, state.content) = (Some(Instant::now()), content);
        Ok(DynamicFile::new(self.clone(), kind, sources, false, Box::new(parse), state))
    }

    /// Content of `source`, which is read when it is used, and is `initial` until it is usable.
    pub fn open_later<T: Clone>(
        &self,
        kind: FileKind,
        source: FileSource,
        initial: T,
        parse: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> DynamicFile<T> {
        self.later(kind, source, false, initial, parse)
    }

    /// The same of a file that is empty where it is not there.
    pub fn open_optional<T: Clone>(
        &self,
        kind: FileKind,
        source: FileSource,
        initial: T,
        parse: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> DynamicFile<T> {
        self.later(kind, source, true, initial, parse)
    }

    fn later<T: Clone>(
        &self,
        kind: FileKind,
        source: FileSource,
        is_optional: bool,
        initial: T,
        parse: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> DynamicFile<T> {
        let parse = move |content: &[Vec<u8>]| parse(&content.concat()).map_err(Malformed::from);
        let (sources, state) = (vec![source], State::new(initial));
        DynamicFile::new(self.clone(), kind, sources, is_optional, Box::new(parse), state)
    }

    /// How often files of each kind have changed to something that could not be used.
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().clone()
    }

    fn failed(&self, kind: FileKind) {
        *self.0.lock().entry(kind.name).or_default() += 1;
    }
}

fn read(
    kind: FileKind,
    sources: &[FileSource],
    is_optional: bool,
) -> Result<Vec<Vec<u8>>, FileError> {
    let read = |source: &FileSource| match std::fs::read(&source.path) {
        Err(error) if is_optional && error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| source.error(errno::file(&error), kind.cure)),
    };
    sources.iter().map(read).collect()
}

// === impl FileSource ===

impl FileSource {
    /// The file at `path` that `named_by` names.
    pub fn new(named_by: &'static str, path: impl AsRef<Path>) -> Self {
        Self { named_by, path: path.as_ref().to_owned() }
    }

    fn error(&self, cause: String, cure: &'static str) -> FileError {
        FileError { named_by: self.named_by, path: self.path.clone(), cause, cure }
    }
}

// === impl Malformed ===

impl Malformed {
    fn of(self, kind: FileKind, sources: &[FileSource]) -> FileError {
        let cure = self.cure.unwrap_or(kind.cure);
        match sources.get(self.index) {
            Some(source) => source.error(self.cause, cure),
            None => FileSource::new(kind.name, "").error(self.cause, cure),
        }
    }
}

impl From<String> for Malformed {
    /// The first file is malformed.
    fn from(cause: String) -> Self {
        Self { index: 0, cause, cure: None }
    }
}

// === impl DynamicFile ===

impl<T: Clone> DynamicFile<T> {
    fn new(
        files: Files,
        kind: FileKind,
        sources: Vec<FileSource>,
        is_optional: bool,
        parse: Box<Parse<T>>,
        state: State<T>,
    ) -> Self {
        Self(Arc::new(Inner { files, kind, sources, is_optional, parse, state: Mutex::new(state) }))
    }

    /// Content that does not change.
    pub fn fixed(value: T) -> Self {
        let kind = FileKind { name: "", cure: "" };
        let parse = |_: &[Vec<u8>]| Err(Malformed::from(String::new()));
        Self::new(Files::default(), kind, Vec::new(), false, Box::new(parse), State::new(value))
    }

    /// The content in use now.
    pub fn get(&self) -> T {
        let Inner { sources, state, .. } = &*self.0;
        let mut state = state.lock();
        let now = Instant::now();
        if !sources.is_empty() && state.read.is_none_or(|read| now >= read + READ_AGAIN) {
            // A read on another thread would end when it ends, and two runs in a simulated world
            // would differ.
            self.read(&mut state);
            state.read = Some(now);
        }
        state.value.clone()
    }

    fn read(&self, state: &mut State<T>) {
        let Inner { files, kind, sources, is_optional, parse, .. } = &*self.0;
        let read = read(*kind, sources, *is_optional);
        let is_changed = matches!(&read, Ok(content) if *content != state.content);
        let usable = match read {
            Ok(content) if is_changed => {
                let parsed = parse(&content).map_err(|malformed| malformed.of(*kind, sources));
                state.content = content;
                state.parsed = parsed.map(|value| state.value = value);
                state.parsed.clone()
            }
            Ok(_) => state.parsed.clone(),
            Err(error) => Err(error),
        };
        match usable {
            Ok(()) => {
                if state.logged.take().is_some() || is_changed && state.read.is_some() {
                    let paths = sources.iter().map(|source| source.path.to_string_lossy());
                    let file = paths.collect::<Vec<_>>().join(", ");
                    tracing::info!(file, "Reloaded the {}", kind.name);
                }
            }
            Err(error) if state.logged.as_ref() == Some(&error) => {}
            Err(error) => {
                files.failed(*kind);
                tracing::error!(err = %error, "Failed to reload the {}, continuing with the previous content", kind.name);
                state.logged = Some(error);
            }
        }
    }
}

impl<T> Clone for DynamicFile<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for DynamicFile<T> {
    /// Without the content: it may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0.sources).finish()
    }
}

// === impl State ===

impl<T> State<T> {
    fn new(value: T) -> Self {
        Self { value, read: None, content: Vec::new(), parsed: Ok(()), logged: None }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const KIND: FileKind = FileKind { name: "number", cure: "write a number" };

    fn number(content: &[Vec<u8>]) -> Result<u32, Malformed> {
        let text = String::from_utf8_lossy(&content[0]).into_owned();
        text.parse().map_err(|_| Malformed::from(format!("{text:?} is no number")))
    }

    /// Rows of: what the file holds then, the content in use, and how many failures were counted.
    #[tokio::test(start_paused = true)]
    async fn the_last_good_content_stays_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let files = Files::default();
        std::fs::write(&path, "1").unwrap();
        let file = files.open(KIND, vec![FileSource::new("--number", &path)], number).unwrap();
        std::fs::write(&path, "2").unwrap();
        assert_eq!(file.get(), 1, "not read again so soon");
        let rows = [
            (Some("2"), 2, 0),
            (Some("x"), 2, 1),
            (Some("x"), 2, 1),
            (None, 2, 2),
            (None, 2, 2),
            (Some("x"), 2, 3),
            (Some("2"), 2, 3),
            (None, 2, 4),
            (Some("2"), 2, 4),
            (Some("3"), 3, 4),
        ];
        for (row, (content, used, failures)) in rows.into_iter().enumerate() {
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => drop(std::fs::remove_file(&path)),
            }
            advance(READ_AGAIN).await;
            assert_eq!(file.get(), used, "row {row}");
            assert_eq!(files.failures().get("number").copied().unwrap_or(0), failures, "row {row}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_names_the_file_what_names_it_and_the_cure() {
        let files = Files::default();
        let source = FileSource::new("--number", "/nowhere/number");
        let error = files.open(KIND, vec![source.clone()], number).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to read /nowhere/number for --number: no such file or directory; write a number"
        );
        let later = files.open_later(KIND, source, 7, |_| Ok(8));
        assert_eq!(later.get(), 7);
        assert_eq!(DynamicFile::fixed(9).get(), 9);
    }
}
