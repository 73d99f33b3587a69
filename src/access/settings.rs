use std::{path::PathBuf, time::Duration};

use crate::flags::Flags;

/// How who may ask is found out. The defaults are the Go server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `--client-ca-file`: the CAs of client certificates, in place of the cluster's.
    pub client_ca_file: Option<PathBuf>,
    /// `--requestheader-…`: the front proxy.
    pub request_header: RequestHeader,
    /// `--authentication-skip-lookup`: what the files do not say is not asked of the cluster.
    pub skip_lookup: bool,
    /// `--authentication-token-webhook-cache-ttl`: how long it is remembered whose a token is.
    pub token_ttl: Duration,
    /// `--authorization-always-allow-paths`: what everybody may get. A `*` at the end stands for
    /// anything; a `/` at the beginning may be left out.
    pub always_allow_paths: Vec<String>,
    /// `--authorization-webhook-cache-authorized-ttl`: how long it is remembered that somebody may.
    pub authorized_ttl: Duration,
    /// `--authorization-webhook-cache-unauthorized-ttl`: how long, that somebody may not.
    pub unauthorized_ttl: Duration,
    /// `--max-requests-inflight`: how many requests that only read are answered at once; 0, any
    /// number.
    pub max_requests_in_flight: u64,
    /// `--max-mutating-requests-inflight`: the same for others.
    pub max_mutating_requests_in_flight: u64,
}

/// Which proxy may say who asks, and in which headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// `--requestheader-client-ca-file`: the CAs of the proxy's certificate. Without, the cluster
    /// says this and all that follows.
    pub client_ca_file: Option<PathBuf>,
    /// `--requestheader-allowed-names`: the common names that a proxy may have; any, when empty.
    pub allowed_names: Vec<String>,
    /// `--requestheader-username-headers`: the first one with a value counts.
    pub username_headers: Vec<String>,
    /// `--requestheader-uid-headers`: the first one with a value counts.
    pub uid_headers: Vec<String>,
    /// `--requestheader-group-headers`: all values of all of them count.
    pub group_headers: Vec<String>,
    /// `--requestheader-extra-headers-prefix`: what follows the prefix is the key.
    pub extra_header_prefixes: Vec<String>,
}

/// Settings that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A star elsewhere than at the end.
    #[error("--authorization-always-allow-paths: only trailing * allowed in {0:?}")]
    Star(String),
    /// A name of nothing but white space.
    #[error("--{0}: a value is empty; leave it out")]
    Empty(&'static str),
    /// The API server names users in another header than those read.
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
            request_header: RequestHeader::default(),
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

impl From<&Flags> for Settings {
    fn from(flags: &Flags) -> Self {
        let (authentication, authorization) = (&flags.authentication, &flags.authorization);
        Self {
            client_ca_file: authentication.client_ca_file.clone(),
            request_header: RequestHeader {
                client_ca_file: authentication.requestheader_client_ca_file.clone(),
                allowed_names: authentication.requestheader_allowed_names.concat(),
                username_headers: authentication.requestheader_username_headers.concat(),
                uid_headers: authentication.requestheader_uid_headers.concat(),
                group_headers: authentication.requestheader_group_headers.concat(),
                extra_header_prefixes: authentication.requestheader_extra_headers_prefix.concat(),
            },
            skip_lookup: authentication.authentication_skip_lookup,
            token_ttl: authentication.authentication_token_webhook_cache_ttl,
            always_allow_paths: authorization.authorization_always_allow_paths.concat(),
            authorized_ttl: authorization.authorization_webhook_cache_authorized_ttl,
            unauthorized_ttl: authorization.authorization_webhook_cache_unauthorized_ttl,
            max_requests_in_flight: flags.generic.max_requests_inflight,
            max_mutating_requests_in_flight: flags.generic.max_mutating_requests_inflight,
        }
    }
}

// === impl RequestHeader ===

impl Default for RequestHeader {
    /// No header is read for user ids unless it is said: old API servers let clients set it.
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

impl RequestHeader {
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
