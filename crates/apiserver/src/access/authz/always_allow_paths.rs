//! Paths that need no authorization: `--authorization-always-allow-paths`.

use std::collections::BTreeSet;

use crate::access::{RequestInfo, SettingsError};

/// Paths that every user may get, anonymous ones too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AlwaysAllowPaths {
    /// Without the leading `/`.
    exact: BTreeSet<String>,
    prefixes: Vec<String>,
}

// === impl AlwaysAllowPaths ===

impl AlwaysAllowPaths {
    pub(super) fn parse(patterns: &[String]) -> Result<Self, SettingsError> {
        let mut paths = Self::default();
        for pattern in patterns {
            let path = pattern.strip_prefix('/').unwrap_or(pattern);
            match path.split_once('*') {
                None => drop(paths.exact.insert(path.to_owned())),
                Some((prefix, "")) => paths.prefixes.push(prefix.to_owned()),
                Some(_) => return Err(SettingsError::Star(pattern.clone())),
            }
        }
        Ok(paths)
    }

    /// Whether the request needs no authorization. One for objects always does.
    pub(super) fn contains(&self, info: &RequestInfo) -> bool {
        let RequestInfo::NonResource { path, .. } = info else { return false };
        let path = path.strip_prefix('/').unwrap_or(path);
        self.exact.contains(path) || self.prefixes.iter().any(|prefix| path.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn allows(patterns: &[&str], path: &str) -> bool {
        let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        let info = RequestInfo::of(&Method::GET, &path.parse().unwrap());
        AlwaysAllowPaths::parse(&patterns).unwrap().contains(&info)
    }

    #[test]
    fn paths_match_exactly_or_by_prefix_and_objects_never() {
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
        for (patterns, path, allowed) in cases {
            assert_eq!(allows(patterns, path), allowed, "{patterns:?} {path}");
        }
    }

    #[test]
    fn a_star_is_at_the_end() {
        let error = AlwaysAllowPaths::parse(&["/a*b".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--authorization-always-allow-paths: only trailing * allowed in \"/a*b\""
        );
    }
}
