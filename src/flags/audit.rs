use std::path::PathBuf;

use clap::Args;

use super::values::{drop_empty_path, read_number, read_path};

/// The audit log of requests.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Audit log")]
pub struct AuditFlags {
    /// The file to write an audit.k8s.io/v1 event to for each request, as a line of JSON; - for
    /// the standard output.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub audit_log_path: Option<PathBuf>,

    /// The audit.k8s.io/v1 Policy that says which requests are logged. Default: all of them.
    /// Bodies never are: levels above Metadata count as Metadata.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub audit_policy_file: Option<PathBuf>,

    /// The most days that a full audit log is kept; 0 for no limit.
    #[arg(long, value_name = "DAYS", default_value = "366", allow_negative_numbers = true, value_parser = read_number)]
    pub audit_log_maxage: i64,

    /// The most full audit logs that are kept; 0 for no limit.
    #[arg(long, value_name = "NUMBER", default_value = "100", allow_negative_numbers = true, value_parser = read_number)]
    pub audit_log_maxbackup: i64,

    /// The size in megabytes at which an audit log is full and the next one begins; 0 for never.
    #[arg(long, value_name = "MEGABYTES", default_value = "100", allow_negative_numbers = true, value_parser = read_number)]
    pub audit_log_maxsize: i64,
}

// === impl AuditFlags ===

impl AuditFlags {
    pub(super) fn drop_empty(&mut self) {
        drop_empty_path(&mut self.audit_log_path);
        drop_empty_path(&mut self.audit_policy_file);
    }
}
