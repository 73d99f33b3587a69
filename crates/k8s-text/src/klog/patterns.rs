use std::{path::Path, str::FromStr};

/// Verbosities by source file: `--vmodule`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePatterns(Vec<FilePattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FilePattern {
    pattern: String,
    verbosity: u8,
}

/// A text that names no verbosities by file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} is not file=level, such as scrape=2")]
pub struct PatternError {
    part: String,
}

// === impl FilePatterns ===

impl FilePatterns {
    /// Whether no file has a verbosity of its own.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The verbosity of a source file, where it has one of its own: that of the first pattern that
    /// matches its name without `.rs`, or its whole path if the pattern has a slash.
    pub fn verbosity(&self, file: &str) -> Option<u8> {
        let path = file.strip_suffix(".rs").unwrap_or(file);
        let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path);
        let matches = |pattern: &str| {
            let subject = if pattern.contains('/') { path } else { name };
            glob(pattern.as_bytes(), subject.as_bytes())
        };
        self.0.iter().find(|file| matches(&file.pattern)).map(|file| file.verbosity)
    }
}

impl FromStr for FilePatterns {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(pattern).collect::<Result<_, _>>().map(Self)
    }
}

fn pattern(part: &str) -> Result<FilePattern, PatternError> {
    let wrong = || PatternError { part: part.to_owned() };
    let (pattern, verbosity) = part.split_once('=').ok_or_else(wrong)?;
    if pattern.is_empty() {
        return Err(wrong());
    }
    let verbosity = verbosity.parse().map_err(|_| wrong())?;
    Ok(FilePattern { pattern: pattern.to_owned(), verbosity })
}

/// `*` matches any text, `?` any byte.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skipped| glob(rest, &text[skipped..])),
        (Some((b'?', pattern)), Some((_, text))) => glob(pattern, text),
        (Some((wanted, pattern)), Some((has, text))) => wanted == has && glob(pattern, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_matches_counts() {
        let patterns: FilePatterns = "scrape=2, cli?nt=4,src/kube*=6,*=1".parse().unwrap();
        for (file, verbosity) in [
            ("src/scrape.rs", 2),
            ("src/cluster/client.rs", 4),
            ("src/kubelet/client.rs", 4),
            ("src/kubelet/decode.rs", 6),
            ("src/store.rs", 1),
        ] {
            assert_eq!(patterns.verbosity(file), Some(verbosity), "{file}");
        }
        assert_eq!(FilePatterns::default().verbosity("src/store.rs"), None);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["scrape", "=2", "scrape=", "scrape=x", "scrape=-1"] {
            assert!(text.parse::<FilePatterns>().is_err(), "{text}");
        }
    }
}
