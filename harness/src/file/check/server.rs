//! What the server under test meets: the API server's faults and its resolv.conf.

use cluster_format::{
    Mistake, YamlNode,
    check::{check_status, zero},
};

use super::super::format::{ApiServerFaults, ResolvConf};

/// Checks the API server's faults.
pub(super) fn check_api_server(
    faults: &ApiServerFaults,
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) {
    check_status(faults.status, at.field("status"), mistakes);
    if faults.watches_last.is_some_and(|time| time.0.is_zero()) {
        mistakes.push(zero("watchesLast", "write how long a watch lasts, such as 10s", at));
    }
}

/// Checks how DNS is asked.
pub(super) fn check_resolv_conf(said: &ResolvConf, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if said.attempts == Some(0) {
        mistakes.push(zero("attempts", "write 1 or more, or leave it out for 2", at));
    }
    if said.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
        mistakes.push(zero("timeout", "write how long an answer is waited for, such as 5s", at));
    }
}
