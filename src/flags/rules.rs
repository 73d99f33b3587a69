//! Rules between flags, which are the Go server's.

use std::time::Duration;

use clap::ArgMatches;
use k8s_text::{duration, klog::Format};

use super::{FlagError, Flags};

/// The Go server's lower bound: kubelets measure about that often.
const SHORTEST_RESOLUTION: Duration = Duration::from_secs(10);

/// Beyond this, the Go server holds, too many connections would be closed.
const HIGHEST_GOAWAY_CHANCE: f64 = 0.02;

/// Everything that is wrong with the flags, at once.
pub(super) fn check(flags: &Flags, matches: &ArgMatches) -> Result<(), FlagError> {
    let mut wrong = Vec::new();
    timing(flags, &mut wrong);
    kubelets(flags, &mut wrong);
    serving(flags, &mut wrong);
    access(flags, &mut wrong);
    generic(flags, matches, &mut wrong);
    audit(flags, &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(FlagError::Invalid(wrong)) }
}

fn timing(flags: &Flags, wrong: &mut Vec<String>) {
    let (resolution, timeout) =
        (flags.metrics_server.metric_resolution, flags.kubelet.kubelet_request_timeout);
    if resolution < SHORTEST_RESOLUTION {
        let resolution = duration::format(resolution);
        wrong.push(format!("--metric-resolution must be at least 10s, not {resolution}"));
    }
    if timeout.is_zero() {
        wrong.push("--kubelet-request-timeout must be more than 0s".to_owned());
    }
    if resolution / 10 * 9 < timeout {
        wrong.push(format!(
            "--kubelet-request-timeout must be at most 9/10 of --metric-resolution, but they are {} and {}",
            duration::format(timeout),
            duration::format(resolution)
        ));
    }
}

fn kubelets(flags: &Flags, wrong: &mut Vec<String>) {
    let kubelet = &flags.kubelet;
    let plain = "--deprecated-kubelet-completely-insecure";
    let given = [
        ("--kubelet-insecure-tls", kubelet.kubelet_insecure_tls),
        ("--kubelet-certificate-authority", kubelet.kubelet_certificate_authority.is_some()),
        ("--kubelet-client-certificate", kubelet.kubelet_client_certificate.is_some()),
        ("--kubelet-client-key", kubelet.kubelet_client_key.is_some()),
    ];
    if kubelet.kubelet_insecure_tls && kubelet.kubelet_certificate_authority.is_some() {
        wrong.push(
            "--kubelet-insecure-tls and --kubelet-certificate-authority exclude each other"
                .to_owned(),
        );
    }
    if kubelet.kubelet_client_certificate.is_some() != kubelet.kubelet_client_key.is_some() {
        wrong.push("--kubelet-client-certificate and --kubelet-client-key go together".to_owned());
    }
    if kubelet.deprecated_kubelet_completely_insecure {
        for (flag, _) in given.iter().filter(|(_, given)| *given) {
            wrong.push(format!("{flag} and {plain} exclude each other"));
        }
    }
}

fn serving(flags: &Flags, wrong: &mut Vec<String>) {
    let serving = &flags.serving;
    if serving.tls_cert_file.is_some() != serving.tls_private_key_file.is_some() {
        wrong.push("--tls-cert-file and --tls-private-key-file go together".to_owned());
    }
    let suites = serving.tls_cipher_suites.concat();
    if !suites.is_empty() && suites.iter().all(|suite| suite.suite.is_none()) {
        wrong.push(
            "--tls-cipher-suites has no suite that is safe enough for this server".to_owned(),
        );
    }
}

fn access(flags: &Flags, wrong: &mut Vec<String>) {
    let authentication = &flags.authentication;
    if authentication.requestheader_client_ca_file.is_some()
        && authentication.requestheader_username_headers.concat().is_empty()
    {
        wrong.push(
            "--requestheader-client-ca-file needs --requestheader-username-headers".to_owned(),
        );
    }
    for path in flags.authorization.authorization_always_allow_paths.iter().flatten() {
        if path.trim_end_matches('*').contains('*') {
            wrong.push(format!(
                "--authorization-always-allow-paths may have * at the end of a path only, not in {path:?}"
            ));
        }
    }
}

fn generic(flags: &Flags, matches: &ArgMatches, wrong: &mut Vec<String>) {
    let chance: f64 = matches.get_one("goaway-chance").copied().unwrap_or_default();
    if !(0.0..=HIGHEST_GOAWAY_CHANCE).contains(&chance) {
        wrong.push(format!("--goaway-chance must be between 0 and 0.02, not {chance}"));
    }
    let mutating = flags.generic.max_mutating_requests_inflight;
    if flags.generic.request_timeout.is_zero() {
        wrong.push("--request-timeout must be more than 0s".to_owned());
    }
    let fair = matches.get_one("enable-priority-and-fairness").copied().unwrap_or(true);
    if fair && flags.generic.max_requests_inflight == 0 && mutating == 0 {
        wrong.push(
            "--max-requests-inflight and --max-mutating-requests-inflight must not both be 0 with --enable-priority-and-fairness"
                .to_owned(),
        );
    }
    for directive in flags.generic.strict_transport_security_directives.iter().flatten() {
        let known = directive.eq_ignore_ascii_case("includeSubDomains")
            || directive.eq_ignore_ascii_case("preload")
            || directive.strip_prefix("max-age=").is_some_and(|age| age.parse::<u64>().is_ok());
        if !known {
            wrong.push(format!(
                "--strict-transport-security-directives knows max-age=SECONDS, includeSubDomains and preload, not {directive:?}"
            ));
        }
    }
    if flags.logging.logging_format == Format::Json && !flags.logging.vmodule.is_empty() {
        wrong.push("--vmodule works with --logging-format=text only".to_owned());
    }
}

fn audit(flags: &Flags, wrong: &mut Vec<String>) {
    let audit = &flags.audit;
    let limits = [
        ("--audit-log-maxage", audit.audit_log_maxage),
        ("--audit-log-maxbackup", audit.audit_log_maxbackup),
        ("--audit-log-maxsize", audit.audit_log_maxsize),
    ];
    for (flag, limit) in limits.iter().filter(|(_, limit)| *limit < 0) {
        wrong.push(format!("{flag} must not be negative, but is {limit}; 0 is no limit"));
    }
}
