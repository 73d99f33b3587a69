use std::{collections::BTreeSet, io, net::SocketAddr};

use net::dns::LookupError;
use tls::x509::SignatureError;

use super::*;
use crate::{cluster::NodeAddress, flags::Flags, kubelet::decode::DecodeError};

fn request(cause: RequestError) -> ScrapeError {
    ScrapeError::Request { url: String::new(), cause: Box::new(cause) }
}

fn status(code: u16) -> ScrapeError {
    ScrapeError::Status { status: StatusCode::from_u16(code).unwrap(), page: Page::Resource }
}

fn lookup(failure: LookupFailure) -> ScrapeError {
    let server = SocketAddr::from(([10, 96, 0, 10], 53)).into();
    let error = LookupError { name: "n".to_owned(), server: Some(server), failure };
    request(RequestError::Dial(DialError::Lookup(error)))
}

fn proxy() -> ScrapeError {
    let (operation, cause) = ("proxyconnect tcp".to_owned(), "EOF".to_owned());
    request(RequestError::Dial(DialError::Proxy { operation, cause }))
}

/// An error of each cause, and a part of its cure.
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
        (lookup(LookupFailure::LameReferral), "check the cluster's DNS"),
        (
            lookup(LookupFailure::Timeout { operation: "read", protocol: "udp", ends: name() }),
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
        (proxy(), "NO_PROXY"),
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
        (ScrapeError::Status { status: StatusCode::FORBIDDEN, page: Page::Summary }, "nodes/stats"),
        (
            ScrapeError::Status { status: StatusCode::NOT_FOUND, page: Page::Summary },
            "no /stats/summary",
        ),
        (ScrapeError::Unmeasured { sample: None }, "container runtime"),
        (ScrapeError::TooManySeries { limit: 1 }, "--kubelet-max-series"),
        (ScrapeError::Body(BodyError::MemoryLimit { limit: 1 }), "--kubelet-max-bodies-size"),
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

fn node() -> Node {
    let address = |kind: &str, address: &str| NodeAddress {
        kind: kind.to_owned(),
        address: address.to_owned(),
    };
    let addresses = vec![address("Hostname", "node-1"), address("InternalIP", "10.0.0.1")];
    Node { name: "node-1".to_owned(), ready: true, addresses, ..Node::default() }
}

fn cure(error: &ScrapeError, node: &Node, was_authorized: bool) -> String {
    error.diagnose(&Known { node, was_authorized, led_astray: None }).cure.into_owned()
}

#[test]
fn each_cause_has_its_cure() {
    for (error, part) in each() {
        let cure = cure(&error, &node(), false);
        assert!(cure.contains(part), "{error}: {cure}");
    }
}

#[test]
fn each_cause_has_an_error_and_a_name_of_its_own() {
    let all: BTreeSet<_> = Cause::OF_SCRAPES.iter().copied().collect();
    let covered: BTreeSet<_> = each().iter().map(|(error, _)| error.cause()).collect();
    assert_eq!(all, covered);
    let names: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.name()).collect();
    assert_eq!(names.len(), Cause::ALL.len());
}

#[test]
fn cures_name_flags_that_exist() {
    // Those of the API server and of kubectl.
    const OTHERS: [&str; 5] =
        ["proxy-client-cert-file", "proxy-client-key-file", "previous", "role", "serviceaccount"];
    let flags = Flags::parse_from_args([]).unwrap();
    let mut named = 0;
    for cause in Cause::ALL {
        let words = cause.cure().split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for flag in words.filter_map(|word| word.strip_prefix("--")) {
            let is_known = flags.effective().contains_key(flag) || OTHERS.contains(&flag);
            assert!(is_known, "{cause:?}: --{flag}");
            named += 1;
        }
    }
    assert!(named > 5, "only {named} flags were found");
}

/// Rows of: an error, what is known of the node, and a part of the cure that follows.
#[test]
fn the_cure_depends_on_what_is_known_of_the_node() {
    let addresses = |of: &[(&str, &str)]| {
        let address = |(kind, address): &(&str, &str)| NodeAddress {
            kind: (*kind).to_owned(),
            address: (*address).to_owned(),
        };
        Node { addresses: of.iter().map(address).collect(), ..node() }
    };
    let with_path = Node { resource_path: Some("/own".to_owned()), ..node() };
    let not_ready = Node { ready: false, ..node() };
    let no_address = ScrapeError::NoAddress { wanted: vec![], has: vec![] };
    let no_such_host = lookup(LookupFailure::NoSuchHost);
    let names_only = addresses(&[("Hostname", "a"), ("InternalDNS", "b")]);
    let external = addresses(&[("Hostname", "a"), ("ExternalIP", "192.0.2.1")]);
    let rows = [
        (&no_address, addresses(&[]), false, "cloud controller manager"),
        (&no_such_host, names_only, false, "no IP address to use instead"),
        (&no_such_host, external, false, "--kubelet-preferred-address-types=ExternalIP"),
        (&status(401), node(), true, "reaches the API server, without which"),
        (&status(401), not_ready, false, "reaches the API server, without which"),
        (
            &status(404),
            with_path,
            false,
            "annotation metrics.k8s.io/resource-metrics-path names \"/own\"",
        ),
    ];
    for (error, node, was_authorized, part) in rows {
        let cure = cure(error, &node, was_authorized);
        assert!(cure.contains(part), "{error}: {cure}");
    }
}

#[test]
fn a_name_that_leads_elsewhere_is_named() {
    let refused = io::Error::from(ErrorKind::ConnectionRefused);
    let to = "10.0.0.9:10250".parse().unwrap();
    let refused = request(RequestError::Dial(DialError::Connect { to, source: refused }));
    let led_astray = Some(("node-1.wild.example".into(), "10.0.0.9".parse().unwrap()));
    let known = Known { node: &node(), was_authorized: false, led_astray };
    let cure = refused.diagnose(&known).cure;
    let expected = "the name node-1.wild.example led to 10.0.0.9, which is none of the node's addresses (10.0.0.1)";
    assert!(cure.starts_with(expected), "{cure}");
    assert!(!status(403).diagnose(&known).cure.contains("led to"), "a kubelet answers there");
}
