use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args};

use crate::api::Version;

use super::values::{
    BOOL, ValueError, drop_empty_path, read_bool, read_count, read_duration, read_path,
};

/// What is served, and the API server that it comes from.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Metrics server")]
pub struct MetricsServerFlags {
    /// How often kubelets are scraped; at least 10s.
    #[arg(long, value_name = "DURATION", default_value = "1m0s", value_parser = read_duration)]
    pub metric_resolution: Duration,

    /// For how many cycles the last usage of a node and its pods is still served while scrapes of its
    /// kubelet fail. The timestamp stays that of the measurement.
    #[arg(long, value_name = "COUNT", default_value = "0", value_parser = read_count)]
    pub metric_grace_cycles: u64,

    /// The kubeconfig for the API server and the kubelets. Default: that of the pod's service
    /// account.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub kubeconfig: Option<PathBuf>,

    /// Print the version and quit; --version=raw prints the details of the build.
    #[arg(
        long,
        value_name = "BOOL|raw",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        value_parser = read_version_flag,
    )]
    pub version: VersionFlag,

    /// Check once that every node would have usage, and the API server what it needs, with all other
    /// flags as they are; print the result and quit. Nothing is served. Exit codes: 0, all is well;
    /// 1, something is wrong; 2, it could not be checked.
    #[arg(long, value_name = BOOL, action = ArgAction::Set, default_value = "false", value_parser = read_bool)]
    pub check: bool,

    /// The version of metrics.k8s.io that discovery recommends: v1beta1, as with the Go server, or v1.
    /// Both are served.
    #[arg(long, value_name = "VERSION", default_value = "v1beta1", value_parser = read_api_version)]
    pub preferred_api_version: Version,

    /// Print this help and quit.
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// Whether the version is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionFlag {
    /// It is not.
    No,
    /// Its number.
    Short,
    /// Everything that is known of the build.
    Raw,
}

fn read_version_flag(text: &str) -> Result<VersionFlag, ValueError> {
    if text == "raw" {
        return Ok(VersionFlag::Raw);
    }
    read_bool(text)
        .map(|asked| if asked { VersionFlag::Short } else { VersionFlag::No })
        .map_err(|_| ValueError::OneOf("true, false, raw"))
}

fn read_api_version(text: &str) -> Result<Version, ValueError> {
    text.parse().map_err(|_| ValueError::OneOf("v1beta1, v1"))
}

// === impl MetricsServerFlags ===

impl MetricsServerFlags {
    pub(super) fn drop_empty(&mut self) {
        drop_empty_path(&mut self.kubeconfig);
    }
}
