//! Finds scenario files.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

/// Why no list of scenario files could be made.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A file or folder in the arguments does not exist.
    #[error("there is no file or folder {}: check the path", .0.display())]
    Missing(PathBuf),
    /// A folder could not be read.
    #[error("cannot read folder {}: {source}", .path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The arguments contain no scenario file.
    #[error("no scenario files (*.yaml, *.yml) in {}", list(.0))]
    Nothing(Vec<PathBuf>),
}

/// The scenario files among `paths`, sorted: files as they are given, and all `*.yaml` and `*.yml`
/// in folders and below, but for hidden ones. Links to folders are not followed below.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DiscoverError> {
    let mut found = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            search(path, &mut found)?;
        } else if path.exists() {
            found.insert(path.clone());
        } else {
            return Err(DiscoverError::Missing(path.clone()));
        }
    }
    if found.is_empty() {
        return Err(DiscoverError::Nothing(paths.to_owned()));
    }
    Ok(found.into_iter().collect())
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

fn search(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), DiscoverError> {
    let unreadable = |source| DiscoverError::Unreadable { path: folder.to_owned(), source };
    for entry in folder.read_dir().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            search(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") && path.is_file() {
            found.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[&str]) -> Self {
            let root = std::env::temp_dir().join(format!("discover-{}-{name}", std::process::id()));
            for file in files {
                let path = root.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            Self(root)
        }

        fn find(&self, paths: &[&str]) -> Result<Vec<String>, String> {
            let paths: Vec<_> = paths.iter().map(|path| self.0.join(path)).collect();
            let short = |text: String| text.replace(&format!("{}/", self.0.display()), "");
            discover(&paths)
                .map(|found| found.iter().map(|p| short(p.display().to_string())).collect())
                .map_err(|error| short(error.to_string()))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn folders_are_searched_and_files_taken_as_they_are() {
        let folder = Folder::new(
            "search",
            &[
                "lib/dns/b.yaml",
                "lib/a.yml",
                "lib/schema.json",
                "lib/notes.md",
                "lib/.hidden.yaml",
                "lib/.git/c.yaml",
                "one.txt",
            ],
        );
        let found = folder.find(&["one.txt", "lib", "lib/a.yml"]).unwrap();
        assert_eq!(found, ["lib/a.yml", "lib/dns/b.yaml", "one.txt"]);
    }

    #[test]
    fn nothing_found_is_an_error() {
        let folder = Folder::new("nothing", &["empty/schema.json"]);
        assert_eq!(
            folder.find(&["empty"]).unwrap_err(),
            "no scenario files (*.yaml, *.yml) in empty"
        );
        assert_eq!(
            folder.find(&["empty", "absent.yaml"]).unwrap_err(),
            "there is no file or folder absent.yaml: check the path"
        );
    }
}
