use std::time::Duration;

use apiserver::serving::Origin;
use clap::Args;

use super::{
    list::{list_of, read_list},
    values::{ValueError, read_count, read_duration},
};

/// Flags of every API server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Generic")]
pub struct GenericFlags {
    /// How long to continue serving after SIGTERM, while /readyz already fails, so that load
    /// balancers can remove this server first.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = read_duration)]
    pub shutdown_delay_duration: Duration,

    /// The timeout of one request.
    #[arg(long, value_name = "DURATION", default_value = "1m0s", value_parser = read_duration)]
    pub request_timeout: Duration,

    /// The most read-only requests in flight; 0 for no limit.
    #[arg(long, value_name = "NUMBER", default_value = "400", value_parser = read_count)]
    pub max_requests_inflight: u64,

    /// The most mutating requests in flight; 0 for no limit.
    #[arg(long, value_name = "NUMBER", default_value = "200", value_parser = read_count)]
    pub max_mutating_requests_inflight: u64,

    /// Regular expressions of allowed origins for CORS. Default: CORS is off.
    #[arg(long, value_name = "REGEX,…", value_parser = list_of(read_origin))]
    pub cors_allowed_origins: Vec<Vec<Origin>>,

    /// Directives of the Strict-Transport-Security header. Default: no header.
    #[arg(long, value_name = "DIRECTIVE,…", value_parser = read_list)]
    pub strict_transport_security_directives: Vec<Vec<String>>,
}

fn read_origin(text: &str) -> Result<Origin, ValueError> {
    Origin::parse(text).map_err(|error| ValueError::Other(error.to_string()))
}
