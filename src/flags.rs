//! Every flag, its default and its rule, in one place. Names, defaults and rules are the Go
//! server's where it has the flag.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{
    CommandFactory, FromArgMatches, Parser, error::ContextKind, error::ContextValue,
    error::ErrorKind,
};

use crate::{
    duration::{self, DurationError},
    kubelet::DEFAULT_ADDRESS_TYPES,
};

/// The Go server's lower bound: kubelets measure about that often.
const SHORTEST_RESOLUTION: Duration = Duration::from_secs(10);

/// Serves what the nodes and pods of a Kubernetes cluster use, as metrics.k8s.io.
#[derive(Clone, Debug, Parser)]
#[command(name = "metrics-server", disable_version_flag = true, max_term_width = 100)]
pub struct Flags {
    /// How often kubelets are scraped; at least 10s.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = read_duration)]
    pub metric_resolution: Duration,

    /// The kubeconfig for the API server and the kubelets. Default: that of the pod's service
    /// account.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Print the version and quit.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_name = "BOOL", action = clap::ArgAction::Set)]
    pub version: bool,

    /// Do not verify the kubelets' serving certificates.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_name = "BOOL", action = clap::ArgAction::Set, help_heading = "Kubelet client")]
    pub kubelet_insecure_tls: bool,

    /// The CA that signs the kubelets' serving certificates. Default: the API server's.
    #[arg(long, value_name = "FILE", help_heading = "Kubelet client")]
    pub kubelet_certificate_authority: Option<PathBuf>,

    /// The client certificate to show to kubelets.
    #[arg(long, value_name = "FILE", help_heading = "Kubelet client")]
    pub kubelet_client_certificate: Option<PathBuf>,

    /// The key of the client certificate.
    #[arg(long, value_name = "FILE", help_heading = "Kubelet client")]
    pub kubelet_client_key: Option<PathBuf>,

    /// The port of the kubelets.
    #[arg(long, value_name = "PORT", default_value_t = 10250, help_heading = "Kubelet client")]
    pub kubelet_port: u16,

    /// Use the port in a node's status where there is one.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_name = "BOOL", action = clap::ArgAction::Set, help_heading = "Kubelet client")]
    pub kubelet_use_node_status_port: bool,

    /// Types of node addresses in the order of preference.
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',', default_values_t = DEFAULT_ADDRESS_TYPES.map(str::to_owned), help_heading = "Kubelet client")]
    pub kubelet_preferred_address_types: Vec<String>,

    /// The most that one request to a kubelet may take.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = read_duration, help_heading = "Kubelet client")]
    pub kubelet_request_timeout: Duration,

    /// The address to serve at. Only loopback addresses are served, because requests are not
    /// authenticated yet.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", help_heading = "Serving")]
    pub bind_address: IpAddr,

    /// The port to serve at.
    #[arg(long, value_name = "PORT", default_value_t = 10250, help_heading = "Serving")]
    pub secure_port: u16,

    /// The resolver's configuration.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/resolv.conf",
        help_heading = "Kubelet client"
    )]
    pub resolv_conf: PathBuf,

    /// How much is logged: 0 for operators, 2 to look for a fault, 6 for developers.
    #[arg(short, long = "v", value_name = "LEVEL", default_value_t = 0, help_heading = "Logging")]
    pub verbosity: u8,
}

/// Arguments that make no sense.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// Help was asked for: not a failure.
    #[error("{0}")]
    Help(String),
    /// The arguments cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The flags contradict each other or the rules: everything that is wrong with them.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

fn read_duration(text: &str) -> Result<Duration, DurationError> {
    duration::parse(text)
}

// === impl Flags ===

impl Flags {
    /// Reads arguments, the program's name not among them.
    pub fn parse_from_args<I: IntoIterator<Item = String>>(args: I) -> Result<Self, FlagError> {
        let mut command = Self::command().no_binary_name(true);
        let matches =
            command.try_get_matches_from_mut(args).map_err(|error| FlagError::from_clap(&error))?;
        let flags =
            Self::from_arg_matches(&matches).map_err(|error| FlagError::from_clap(&error))?;
        flags.validate()?;
        Ok(flags)
    }

    fn validate(&self) -> Result<(), FlagError> {
        let mut wrong = Vec::new();
        let resolution = duration::format(self.metric_resolution);
        let timeout = duration::format(self.kubelet_request_timeout);
        if self.metric_resolution < SHORTEST_RESOLUTION {
            wrong.push(format!("--metric-resolution must be at least 10s, not {resolution}"));
        }
        if self.kubelet_request_timeout.is_zero() {
            wrong.push("--kubelet-request-timeout must be more than 0s".to_owned());
        }
        if self.metric_resolution / 10 * 9 < self.kubelet_request_timeout {
            wrong.push(format!(
                "--kubelet-request-timeout must be at most 9/10 of --metric-resolution, but they are {timeout} and {resolution}"
            ));
        }
        if self.kubelet_insecure_tls && self.kubelet_certificate_authority.is_some() {
            wrong.push(
                "--kubelet-insecure-tls and --kubelet-certificate-authority exclude each other"
                    .to_owned(),
            );
        }
        if self.kubelet_client_certificate.is_some() != self.kubelet_client_key.is_some() {
            wrong.push(
                "--kubelet-client-certificate and --kubelet-client-key go together".to_owned(),
            );
        }
        if !self.bind_address.is_loopback() {
            wrong.push(format!(
                "--bind-address must be a loopback address such as 127.0.0.1, not {}: requests are not authenticated yet",
                self.bind_address
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(FlagError::Invalid(wrong)) }
    }
}

// === impl FlagError ===

impl FlagError {
    fn from_clap(error: &clap::Error) -> Self {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(texts)) => texts.first().cloned(),
            _ => None,
        };
        match error.kind() {
            ErrorKind::DisplayHelp => Self::Help(error.to_string()),
            ErrorKind::UnknownArgument => {
                let unknown = context(ContextKind::InvalidArg).unwrap_or_default();
                let nearest = context(ContextKind::SuggestedArg).map_or_else(
                    || "see --help".to_owned(),
                    |nearest| format!("did you mean {nearest}?"),
                );
                Self::Unreadable(format!("unknown flag: {unknown} ({nearest})"))
            }
            _ => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                Self::Unreadable(first.strip_prefix("error: ").unwrap_or(first).to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Flags, FlagError> {
        Flags::parse_from_args(args.iter().map(ToString::to_string))
    }

    #[test]
    fn defaults_are_the_go_servers() {
        let flags = parse(&[]).unwrap();
        assert_eq!(
            (flags.metric_resolution, flags.kubelet_request_timeout),
            (Duration::from_mins(1), Duration::from_secs(10))
        );
        assert_eq!((flags.kubelet_port, flags.kubelet_insecure_tls), (10250, false));
        assert_eq!(flags.kubelet_preferred_address_types, DEFAULT_ADDRESS_TYPES);
    }

    #[test]
    fn values_are_read_as_go_reads_them() {
        let flags = parse(&[
            "--kubelet-insecure-tls",
            "--metric-resolution=1m30s",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            "--kubelet-preferred-address-types",
            "ExternalIP",
            "--kubelet-use-node-status-port=true",
        ])
        .unwrap();
        assert!(flags.kubelet_insecure_tls && flags.kubelet_use_node_status_port);
        assert_eq!(flags.metric_resolution, Duration::from_secs(90));
        assert_eq!(flags.kubelet_preferred_address_types, ["InternalIP", "Hostname", "ExternalIP"]);
    }

    #[test]
    fn mistakes_are_one_line_with_the_cure() {
        let cases: [(&[&str], &str); 6] = [
            (
                &["--kubelet-insecure-tl"],
                "unknown flag: --kubelet-insecure-tl (did you mean --kubelet-insecure-tls?)",
            ),
            (
                &["--metric-resolution=15"],
                "invalid value '15' for '--metric-resolution <DURATION>': \"15\" is not a duration: write numbers with units, such as 15s, 1m30s or 250ms",
            ),
            (
                &["--metric-resolution=5s", "--kubelet-request-timeout=3s"],
                "--metric-resolution must be at least 10s, not 5s",
            ),
            (
                &["--metric-resolution=10s"],
                "--kubelet-request-timeout must be at most 9/10 of --metric-resolution, but they are 10s and 10s",
            ),
            (
                &[
                    "--kubelet-insecure-tls",
                    "--kubelet-certificate-authority=/ca",
                    "--kubelet-client-key=/k",
                ],
                "--kubelet-insecure-tls and --kubelet-certificate-authority exclude each other; --kubelet-client-certificate and --kubelet-client-key go together",
            ),
            (
                &["--bind-address=0.0.0.0"],
                "--bind-address must be a loopback address such as 127.0.0.1, not 0.0.0.0: requests are not authenticated yet",
            ),
        ];
        for (args, message) in cases {
            assert_eq!(parse(args).unwrap_err().to_string(), message);
        }
    }
}
