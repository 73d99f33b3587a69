use std::collections::BTreeSet;

use super::{Attributes, SettingsError};

/// Paths that everybody may get who is not taken for somebody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenPaths {
    /// Without the `/` that they begin with.
    whole: BTreeSet<String>,
    prefixes: Vec<String>,
}

// === impl OpenPaths ===

impl OpenPaths {
    pub(super) fn parse(patterns: &[String]) -> Result<Self, SettingsError> {
        let mut paths = Self::default();
        for pattern in patterns {
            let path = pattern.strip_prefix('/').unwrap_or(pattern);
            match path.split_once('*') {
                None => drop(paths.whole.insert(path.to_owned())),
                Some((prefix, "")) => paths.prefixes.push(prefix.to_owned()),
                Some(_) => return Err(SettingsError::Star(pattern.clone())),
            }
        }
        Ok(paths)
    }

    /// Whether everybody may. What is done to objects is never open, whatever the paths are.
    pub(super) fn allow(&self, attributes: &Attributes) -> bool {
        let Attributes::Path { path, .. } = attributes else { return false };
        let path = path.strip_prefix('/').unwrap_or(path);
        self.whole.contains(path) || self.prefixes.iter().any(|prefix| path.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn allows(patterns: &[&str], path: &str) -> bool {
        let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        let attributes = Attributes::of(&Method::GET, &path.parse().unwrap());
        OpenPaths::parse(&patterns).unwrap().allow(&attributes)
    }

    #[test]
    fn paths_are_open_whole_or_from_their_beginning_and_objects_never() {
        let cases: [(&[&str], &str, bool); 11] = [
            (&["/healthz"], "/healthz", true),
            (&["healthz"], "/healthz", true),
            (&["/healthz"], "/healthz/ping", false),
            (&["/healthz"], "/healthz?verbose", true),
            (&["/healthz*"], "/healthz/ping", true),
            (&["/healthz/*"], "/healthz", false),
            (&["/"], "/", true),
            (&["/"], "/metrics", false),
            (&["*"], "/metrics", true),
            (&["*"], "/apis/metrics.k8s.io/v1beta1/nodes", false),
            (&[], "/healthz", false),
        ];
        for (patterns, path, open) in cases {
            assert_eq!(allows(patterns, path), open, "{patterns:?} {path}");
        }
    }

    #[test]
    fn a_star_is_at_the_end() {
        let error = OpenPaths::parse(&["/a*b".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--authorization-always-allow-paths: only trailing * allowed in \"/a*b\""
        );
    }
}
