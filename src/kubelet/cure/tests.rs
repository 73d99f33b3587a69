use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
};

use net::dns::LookupError;
use tls::x509::SignatureError;

use super::*;
use crate::{flags::Flags, kubelet::decode::DecodeError};

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
    let alert = |words: &str| request(RequestError::TlsAlert(words.to_owned()));
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
        (
            lookup(LookupFailure::Unreachable {
                operation: "dial",
                protocol: "udp",
                ends: name(),
                cause: name(),
            }),
            "check the cluster's DNS",
        ),
        (lookup(LookupFailure::TooMany { limit: 1 }), "load of the cluster's DNS"),
        (dial(ErrorKind::Other), "kubelet runs and listens"),
        (dial(ErrorKind::ConnectionRefused), "kubelet runs and listens"),
        (dial(ErrorKind::HostUnreachable), "kubelet runs and listens"),
        (request(RequestError::Dial(DialError::Timeout { to })), "firewall, security group"),
        (certificate(X509Error::UnknownAuthority), "--kubelet-certificate-authority"),
        (certificate(X509Error::Other(String::new())), "replace"),
        (certificate(X509Error::NoIpSans { wanted: name() }), "serverTLSBootstrap"),
        (certificate(X509Error::NoNames { wanted: name() }), "see first where that name"),
        (
            certificate(X509Error::OtherName { valid_for: name(), wanted: name() }),
            "see first where that name",
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
        (alert("bad certificate"), "renew the one in --kubelet-client-certificate"),
        (alert("expired certificate"), "renew the one in --kubelet-client-certificate"),
        (alert("unknown certificate authority"), "renew the one in --kubelet-client-certificate"),
        (
            request(RequestError::OtherNode { found: name(), wanted: name() }),
            "another node has that address",
        ),
        (
            ScrapeError::Summary(SummaryError::OtherNode { found: name(), wanted: name() }),
            "another node has that address",
        ),
        (certificate(X509Error::Usage), "serverAuth"),
        (certificate(X509Error::LegacyName), "serverTLSBootstrap"),
        (
            certificate(X509Error::OtherKey { why: SignatureError::Unknown, authority: name() }),
            "the CA was replaced",
        ),
        (
            ScrapeError::Everywhere {
                preferred: Box::new(lookup(LookupFailure::NoSuchHost)),
                others: vec![request(RequestError::Timeout)],
            },
            "CoreDNS's hosts plugin",
        ),
        (ScrapeError::SummaryStatus { status: StatusCode::FORBIDDEN }, "nodes/stats"),
        (ScrapeError::SummaryStatus { status: StatusCode::NOT_FOUND }, "no /stats/summary"),
        (ScrapeError::Unmeasured { sample: None }, "container runtime"),
        (ScrapeError::TooManySeries { limit: 1 }, "--kubelet-max-series"),
        (ScrapeError::Body(BodyError::NoRoom { limit: 1 }), "--kubelet-max-bodies-size"),
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

/// The labels are taken from where they are given, so that a new one cannot be forgotten here.
#[test]
fn no_cause_is_without_its_cure() {
    let (source, _) = include_str!("../cause.rs").split_once("#[cfg(test)]").unwrap();
    let is_label =
        |text: &&str| text.len() > 2 && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let labels: BTreeSet<_> = source.split('"').skip(1).step_by(2).filter(is_label).collect();
    let covered: BTreeSet<_> = each().iter().map(|(error, _)| error.cause_label()).collect();
    assert!(labels.len() > 25, "{labels:?}");
    assert_eq!(labels, covered);
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
