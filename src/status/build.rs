//! The build, as `--version` and `/version` show it.

use serde::Serialize;

/// Version and build of the program, in the shape of Kubernetes' version.Info.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// Major version.
    pub major: String,
    /// Minor version.
    pub minor: String,
    /// Major version that the server behaves as: its own.
    pub emulation_major: String,
    /// Minor version that the server behaves as: its own.
    pub emulation_minor: String,
    /// Major version of the oldest release that the server works beside.
    pub min_compatibility_major: String,
    /// Minor version of the oldest release that the server works beside: the one before its own.
    pub min_compatibility_minor: String,
    /// The whole version, as tags have it: `v0.1.0`.
    pub git_version: String,
    /// The commit, where the build was given it.
    pub git_commit: String,
    /// Whether the sources were exactly that commit: `clean`, `dirty` or nothing.
    pub git_tree_state: String,
    /// When it was built, where the build was given it.
    pub build_date: String,
    /// Empty: clients require the field, but no Go is involved.
    pub go_version: String,
    /// `rustc`.
    pub compiler: String,
    /// Operating system and processor, by Go's names.
    pub platform: String,
}

/// The version as `--version` prints it.
pub fn short_version() -> &'static str {
    concat!("v", env!("CARGO_PKG_VERSION"))
}

// === impl Build ===

impl Build {
    /// That of this program. The commit and the date come from the environment of the build:
    /// `GIT_COMMIT`, `GIT_TREE_STATE`, `BUILD_DATE`.
    pub fn current() -> Self {
        let given = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let processor = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let (major, minor) = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
        let before = minor.parse::<u32>().unwrap_or_default().saturating_sub(1);
        Self {
            major: major.to_owned(),
            minor: minor.to_owned(),
            emulation_major: major.to_owned(),
            emulation_minor: minor.to_owned(),
            min_compatibility_major: major.to_owned(),
            min_compatibility_minor: before.to_string(),
            git_version: short_version().to_owned(),
            git_commit: given(option_env!("GIT_COMMIT")),
            git_tree_state: given(option_env!("GIT_TREE_STATE")),
            build_date: option_env!("BUILD_DATE").unwrap_or("1970-01-01T00:00:00Z").to_owned(),
            go_version: String::new(),
            compiler: "rustc".to_owned(),
            platform: format!("{}/{processor}", std::env::consts::OS),
        }
    }

    /// As `/version` answers it.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
