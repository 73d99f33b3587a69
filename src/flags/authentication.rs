use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args};

use super::{
    list::read_list,
    values::{BOOL, drop_empty_path, read_bool, read_duration, read_path},
};

/// Who sends a request.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Authentication")]
pub struct AuthenticationFlags {
    /// The kubeconfig for TokenReviews. Default: as for all other requests.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub authentication_kubeconfig: Option<PathBuf>,

    /// Do not look up client and front proxy CAs in
    /// kube-system/extension-apiserver-authentication.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub authentication_skip_lookup: bool,

    /// How long the result of a TokenReview is cached.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = read_duration)]
    pub authentication_token_webhook_cache_ttl: Duration,

    /// The CA of client certificates; their common name is the user.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub client_ca_file: Option<PathBuf>,

    /// The common names that a front proxy's certificate may have. Default: any.
    #[arg(long, value_name = "NAME,…", value_parser = read_list)]
    pub requestheader_allowed_names: Vec<Vec<String>>,

    /// The CA of front proxies' certificates.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub requestheader_client_ca_file: Option<PathBuf>,

    /// Prefixes of headers with a user's extra fields.
    #[arg(long, value_name = "PREFIX,…", value_parser = read_list, default_value = "x-remote-extra-")]
    pub requestheader_extra_headers_prefix: Vec<Vec<String>>,

    /// Headers with a user's groups.
    #[arg(long, value_name = "HEADER,…", value_parser = read_list, default_value = "x-remote-group")]
    pub requestheader_group_headers: Vec<Vec<String>>,

    /// Headers with a user's UID.
    #[arg(long, value_name = "HEADER,…", value_parser = read_list)]
    pub requestheader_uid_headers: Vec<Vec<String>>,

    /// Headers with a user's name.
    #[arg(long, value_name = "HEADER,…", value_parser = read_list, default_value = "x-remote-user")]
    pub requestheader_username_headers: Vec<Vec<String>>,
}

// === impl AuthenticationFlags ===

impl AuthenticationFlags {
    pub(super) fn drop_empty(&mut self) {
        drop_empty_path(&mut self.authentication_kubeconfig);
        drop_empty_path(&mut self.client_ca_file);
        drop_empty_path(&mut self.requestheader_client_ca_file);
    }
}
