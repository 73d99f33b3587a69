//! The versions of the group.

use std::fmt;

use apiserver::GroupVersion;

/// A version of the API. Both serve the same types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// What every metrics server has served since 2018.
    #[default]
    V1Beta1,
    /// Stable since Kubernetes 1.37.
    V1,
}

// === impl Version ===

impl Version {
    /// All versions.
    pub const ALL: [Self; 2] = [Self::V1Beta1, Self::V1];

    /// As it stands in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1Beta1 => "v1beta1",
            Self::V1 => "v1",
        }
    }

    /// With its group, as it stands in objects.
    pub fn group_version(self) -> &'static str {
        match self {
            Self::V1Beta1 => "metrics.k8s.io/v1beta1",
            Self::V1 => "metrics.k8s.io/v1",
        }
    }

    /// Its names, as the generic API server takes them.
    pub fn names(self) -> GroupVersion {
        GroupVersion { version: self.name(), group_version: self.group_version() }
    }

    /// All versions, this one first.
    pub fn and_others(self) -> impl Iterator<Item = Self> {
        std::iter::once(self).chain(Self::ALL.into_iter().filter(move |other| *other != self))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no version of the API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a version of metrics.k8s.io: choose v1beta1 or v1")]
pub struct VersionError {
    text: String,
}

impl std::str::FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Self::ALL
            .into_iter()
            .find(|version| version.name() == text)
            .ok_or_else(|| VersionError { text: text.to_owned() })
    }
}
