//! The settings of authentication and authorization.

use std::{path::PathBuf, time::Duration};

/// How requests are authenticated and authorized. The defaults are the Go server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `--client-ca-file`: the CAs of client certificates, in place of the cluster's.
    pub client_ca_file: Option<PathBuf>,
    /// `--requestheader-…`: the front proxy.
    pub request_header: RequestHeaderOptions,
    /// `--authentication-skip-lookup`: the ConfigMap in the cluster is not read for CAs that no
    /// file has.
    pub skip_lookup: bool,
    /// `--authentication-token-webhook-cache-ttl`: how long TokenReviews are cached.
    pub token_ttl: Duration,
    /// `--authorization-always-allow-paths`: paths that need no authorization. A `*` at the end
    /// matches anything; a `/` at the beginning may be left out.
    pub always_allow_paths: Vec<String>,
    /// `--authorization-webhook-cache-authorized-ttl`: how long an allowed
    /// SubjectAccessReview is cached.
    pub authorized_ttl: Duration,
    /// `--authorization-webhook-cache-unauthorized-ttl`: how long a denied
    /// SubjectAccessReview is cached.
    pub unauthorized_ttl: Duration,
    /// `--max-requests-inflight`: the limit of non-mutating requests in flight; 0, no limit.
    pub max_requests_in_flight: u64,
    /// `--max-mutating-requests-inflight`: the same for mutating requests.
    pub max_mutating_requests_in_flight: u64,
}

/// The front proxies that are accepted, and the headers in which they name the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeaderOptions {
    /// `--requestheader-client-ca-file`: the CAs of front proxies. Without it, this and all that
    /// follows comes from the cluster.
    pub client_ca_file: Option<PathBuf>,
    /// `--requestheader-allowed-names`: the common names of front proxies; empty, any.
    pub allowed_names: Vec<String>,
    /// `--requestheader-username-headers`: the first header with a value is used.
    pub username_headers: Vec<String>,
    /// `--requestheader-uid-headers`: the first header with a value is used.
    pub uid_headers: Vec<String>,
    /// `--requestheader-group-headers`: all values of all headers are used.
    pub group_headers: Vec<String>,
    /// `--requestheader-extra-headers-prefix`: the rest of the header's name is the
    /// key.
    pub extra_header_prefixes: Vec<String>,
}

/// Invalid settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A `*` that is not at the end.
    #[error("--authorization-always-allow-paths: only trailing * allowed in {0:?}")]
    Star(String),
    /// An empty or blank value.
    #[error("--{0}: a value is empty; leave it out")]
    Empty(&'static str),
    /// The standard header is missing.
    #[error(
        "--requestheader-uid-headers is set without the standard X-Remote-Uid: add it, or API aggregation will not work"
    )]
    NoStandardUid,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        const TTL: Duration = Duration::from_secs(10);
        Self {
            client_ca_file: None,
            request_header: RequestHeaderOptions::default(),
            skip_lookup: false,
            token_ttl: TTL,
            always_allow_paths: ["/healthz", "/readyz", "/livez"].map(str::to_owned).to_vec(),
            authorized_ttl: TTL,
            unauthorized_ttl: TTL,
            max_requests_in_flight: 400,
            max_mutating_requests_in_flight: 200,
        }
    }
}

// === impl RequestHeaderOptions ===

impl Default for RequestHeaderOptions {
    /// No header is read for UIDs by default: old API servers let clients set it.
    fn default() -> Self {
        let one = |name: &str| vec![name.to_owned()];
        Self {
            client_ca_file: None,
            allowed_names: Vec::new(),
            username_headers: one("x-remote-user"),
            uid_headers: Vec::new(),
            group_headers: one("x-remote-group"),
            extra_header_prefixes: one("x-remote-extra-"),
        }
    }
}

impl RequestHeaderOptions {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        let given = [
            ("requestheader-allowed-names", &self.allowed_names),
            ("requestheader-username-headers", &self.username_headers),
            ("requestheader-uid-headers", &self.uid_headers),
            ("requestheader-group-headers", &self.group_headers),
            ("requestheader-extra-headers-prefix", &self.extra_header_prefixes),
        ];
        for (flag, values) in given {
            if values.iter().any(|value| value.trim().is_empty()) {
                return Err(SettingsError::Empty(flag));
            }
        }
        let standard = |name: &String| name.trim().eq_ignore_ascii_case("x-remote-uid");
        if !self.uid_headers.is_empty() && !self.uid_headers.iter().any(standard) {
            return Err(SettingsError::NoStandardUid);
        }
        Ok(())
    }
}
