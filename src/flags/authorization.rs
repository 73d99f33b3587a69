use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    list::read_list,
    values::{drop_empty_path, read_duration, read_path},
};

/// Who may send it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Authorization")]
pub struct AuthorizationFlags {
    /// Paths that need no authorization.
    #[arg(long, value_name = "PATH,…", value_parser = read_list, default_values = ["/healthz", "/readyz", "/livez"])]
    pub authorization_always_allow_paths: Vec<Vec<String>>,

    /// The kubeconfig for SubjectAccessReviews. Default: as for all other requests.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub authorization_kubeconfig: Option<PathBuf>,

    /// How long an "allowed" of a SubjectAccessReview is cached.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = read_duration)]
    pub authorization_webhook_cache_authorized_ttl: Duration,

    /// How long a "denied" of a SubjectAccessReview is cached.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = read_duration)]
    pub authorization_webhook_cache_unauthorized_ttl: Duration,
}

// === impl AuthorizationFlags ===

impl AuthorizationFlags {
    pub(super) fn drop_empty(&mut self) {
        drop_empty_path(&mut self.authorization_kubeconfig);
    }
}
