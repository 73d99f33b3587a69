use std::time::Duration;

use apiserver::serving::Origin;
use clap::Args;

use super::{
    list::{list_of, read_list},
    values::{ValueError, read_count, read_duration},
};

/// What any API server has.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Generic")]
pub struct GenericFlags {
    /// How long to go on serving after the order to stop, while /readyz already fails, so that
    /// load balancers turn away first.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = read_duration)]
    pub shutdown_delay_duration: Duration,

    /// The most that answering one request may take.
    #[arg(long, value_name = "DURATION", default_value = "1m0s", value_parser = read_duration)]
    pub request_timeout: Duration,

    /// The most requests that only read and are answered at once; 0 for no limit.
    #[arg(long, value_name = "NUMBER", default_value = "400", value_parser = read_count)]
    pub max_requests_inflight: u64,

    /// The most requests that would change something and are answered at once; 0 for no limit.
    #[arg(long, value_name = "NUMBER", default_value = "200", value_parser = read_count)]
    pub max_mutating_requests_inflight: u64,

    /// Regular expressions for origins whose pages browsers may let ask this server; none, CORS
    /// is off.
    #[arg(long, value_name = "REGEX,…", value_parser = list_of(read_origin))]
    pub cors_allowed_origins: Vec<Vec<Origin>>,

    /// Directives of the Strict-Transport-Security header; none, no header.
    #[arg(long, value_name = "DIRECTIVE,…", value_parser = read_list)]
    pub strict_transport_security_directives: Vec<Vec<String>>,
}

fn read_origin(text: &str) -> Result<Origin, ValueError> {
    Origin::parse(text).map_err(|error| ValueError::Other(error.to_string()))
}
