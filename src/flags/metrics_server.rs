use std::{fmt, path::PathBuf, time::Duration};

use clap::{ArgAction, Args};

use super::values::{ValueError, drop_empty_path, read_duration, read_path};

/// What it serves, and from where it learns of the cluster.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Metrics server")]
pub struct MetricsServerFlags {
    /// How often kubelets are scraped; at least 10s.
    #[arg(long, value_name = "DURATION", default_value = "1m0s", value_parser = read_duration)]
    pub metric_resolution: Duration,

    /// The kubeconfig for the API server and the kubelets. Default: that of the pod's service
    /// account.
    #[arg(long, value_name = "FILE", value_parser = read_path)]
    pub kubeconfig: Option<PathBuf>,

    /// Print the version and quit; --version=raw prints all that is known of the build.
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

    /// The version of metrics.k8s.io that discovery recommends: v1beta1, as the Go server, or v1.
    /// Both are served.
    #[arg(long, value_name = "VERSION", default_value = "v1beta1", value_parser = read_api_version)]
    pub preferred_api_version: ApiVersion,

    /// Print this and quit.
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

/// A version of `metrics.k8s.io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiVersion {
    /// What every metrics server has served for years.
    #[default]
    V1Beta1,
    /// The same types, promised for good since Kubernetes 1.37.
    V1,
}

fn read_version_flag(text: &str) -> Result<VersionFlag, ValueError> {
    if text == "raw" {
        return Ok(VersionFlag::Raw);
    }
    super::values::read_bool(text)
        .map(|asked| if asked { VersionFlag::Short } else { VersionFlag::No })
        .map_err(|_| ValueError::OneOf("true, false, raw"))
}

fn read_api_version(text: &str) -> Result<ApiVersion, ValueError> {
    match text {
        "v1beta1" => Ok(ApiVersion::V1Beta1),
        "v1" => Ok(ApiVersion::V1),
        _ => Err(ValueError::OneOf("v1beta1, v1")),
    }
}

// === impl MetricsServerFlags ===

impl MetricsServerFlags {
    pub(super) fn drop_empty(&mut self) {
        drop_empty_path(&mut self.kubeconfig);
    }
}

// === impl ApiVersion ===

impl ApiVersion {
    /// Its name in paths and objects.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1Beta1 => "v1beta1",
            Self::V1 => "v1",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
