use std::io::{self, ErrorKind};

use super::*;
use crate::{dns::LookupError, flags::Flags, kubelet::decode::DecodeError};

fn request(cause: RequestError) -> ScrapeError {
    ScrapeError::Request { url: String::new(), cause: Box::new(cause) }
}

fn status(code: u16) -> ScrapeError {
    ScrapeError::Status { status: StatusCode::from_u16(code).unwrap() }
}

fn lookup(failure: LookupFailure) -> ScrapeError {
    let server = "10.96.0.10:53".parse().ok();
    let error = LookupError { name: "n".to_owned(), server, failure };
    request(RequestError::Dial(DialError::Lookup(error)))
}

/// An error of each cause, and a word of its cure that belongs to no other.
fn each() -> Vec<(ScrapeError, &'static str)> {
    let to = "10.0.0.1:10250".parse().unwrap();
    let (name, moment) = (|| "n".to_owned(), jiff::Timestamp::UNIX_EPOCH);
    let dial = |kind| {
        request(RequestError::Dial(DialError::Connect { to, source: io::Error::from(kind) }))
    };
    let certificate = |error| request(RequestError::Certificate(error));
    let decode = DecodeError { line: 1, text: String::new() };
    vec![
        (ScrapeError::NoAddress { wanted: vec![], has: vec![] }, "list a type"),
        (ScrapeError::BadAddress { url: String::new() }, "correct the address"),
        (lookup(LookupFailure::NoSuchHost), "CoreDNS's hosts plugin"),
        (lookup(LookupFailure::ServerMisbehaving), "check the cluster's DNS"),
        (
            lookup(LookupFailure::Timeout { protocol: "udp", local: name(), server: to }),
            "check the cluster's DNS",
        ),
        (dial(ErrorKind::ConnectionRefused), "kubelet runs and listens"),
        (dial(ErrorKind::HostUnreachable), "kubelet runs and listens"),
        (request(RequestError::Dial(DialError::Timeout { to })), "firewall, security group"),
        (certificate(X509Error::UnknownAuthority), "--kubelet-certificate-authority"),
        (certificate(X509Error::Other(String::new())), "replace"),
        (certificate(X509Error::NoIpSans { wanted: name() }), "serverTLSBootstrap"),
        (certificate(X509Error::NoNames { wanted: name() }), "serverTLSBootstrap"),
        (
            certificate(X509Error::OtherName { valid_for: name(), wanted: name() }),
            "serverTLSBootstrap",
        ),
        (
            certificate(X509Error::OutOfTime { now: moment, side: "after", limit: moment }),
            "compare the clocks",
        ),
        (
            request(RequestError::TlsAlert("certificate required".to_owned())),
            "--kubelet-client-key",
        ),
        (request(RequestError::TlsAlert("internal error".to_owned())), "kubectl get csr"),
        (request(RequestError::Tls(String::new())), "what listens on that address"),
        (request(RequestError::TlsTimeout), "--kubelet-request-timeout"),
        (request(RequestError::Timeout), "--kubelet-request-timeout"),
        (request(RequestError::Http("EOF".to_owned())), "what listens on that address"),
        (status(401), "authentication.webhook.enabled"),
        (status(403), "nodes/metrics"),
        (status(404), "resource-metrics-path"),
        (status(101), "redirects and upgrades"),
        (status(302), "redirects and upgrades"),
        (status(500), "kubelet's log"),
        (ScrapeError::Body(BodyError::TooLarge { limit: 1 }), "what listens on the kubelet's port"),
        (ScrapeError::Body(BodyError::Encoded { encoding: name() }), "on the kubelet's port"),
        (ScrapeError::Body(BodyError::Broken(String::new())), "check the network"),
        (ScrapeError::Body(BodyError::Timeout), "check the network"),
        (ScrapeError::Panicked, "says Panicked"),
        (ScrapeError::Decode(decode), "what listens on the kubelet's port"),
    ]
}

#[test]
fn each_cause_has_its_cure() {
    for (error, word) in each() {
        assert!(error.cure().contains(word), "{error}: {}", error.cure());
    }
}

#[test]
fn cures_name_flags_that_exist() {
    let flags = Flags::parse_from_args([]).unwrap();
    let mut named = 0;
    for (error, _) in each() {
        let words = error.cure().split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for flag in words.filter_map(|word| word.strip_prefix("--")) {
            assert!(flags.effective().contains_key(flag), "{error}: --{flag}");
            named += 1;
        }
    }
    assert!(named > 5, "only {named} flags were found");
}
