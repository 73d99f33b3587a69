//! The texts of Go's errors, and of ours, which are the same: from the error of a failed scrape to
//! its cause.

use crate::{
    Cause, cause_of_alert,
    table::{Table, find},
};

/// What is wrong before there is a request, or with the body.
const WITHOUT_REQUEST: Table = &[
    // Whatever the way to the proxy lacks: a name, a route, a certificate.
    (&["proxyconnect tcp"], Cause::Proxy),
    (&["socks connect tcp"], Cause::Proxy),
    (&["no address matched types"], Cause::NoAddress),
    (&["had no addresses that matched types"], Cause::NoAddress),
    (&["internal error: panic while scraping"], Cause::Panic),
    (&["resource_scrape_error 1"], Cause::KubeletScrapeError),
    (&["memory limit of scrape bodies"], Cause::BodyMemoryLimit),
    (&["unexpected Content-Encoding"], Cause::BodyEncoded),
    (&["larger than ", " bytes"], Cause::BodyTooLarge),
    (&["more than ", " series"], Cause::TooManySeries),
    (&["while reading body"], Cause::BodyTimeout),
    (&["failed to read response body", "deadline exceeded"], Cause::BodyTimeout),
    (&["failed to read response body", "i/o timeout"], Cause::BodyTimeout),
    (&["failed to read response body"], Cause::BodyBroken),
    // A page of HTML, not one bad line among good ones.
    (&["failed parsing metrics", "is not a valid start token"], Cause::NoMetrics),
    (&["failed parsing metrics", "expected a metric"], Cause::NoMetrics),
    (&["failed parsing metrics", "\"<"], Cause::NoMetrics),
    (&["failed parsing metrics"], Cause::BadLines),
    (&["failed parsing summary"], Cause::NoMetrics),
    (&["failed to parse output"], Cause::NoMetrics),
    (&["failed to initialize Prometheus parser"], Cause::NoMetrics),
    (&["the summary there is that of node"], Cause::OtherNode),
    (&["node ", " is not ready"], Cause::NodeNotReady),
    (&["unable to get CPU for node"], Cause::NoNodeUsage),
    (&["unable to get memory for node"], Cause::NoNodeUsage),
    (&["unable to get valid timestamp for metric point for node"], Cause::NoNodeUsage),
    (&["unable to get CPU for container"], Cause::ContainerIncomplete),
    (&["unable to get memory for container"], Cause::ContainerIncomplete),
    (
        &["unable to get a valid timestamp for metric point for container"],
        Cause::ContainerIncomplete,
    ),
    (&["missing usageNanoCores value"], Cause::ContainerIncomplete),
    (&["missing workingSetBytes value"], Cause::ContainerIncomplete),
    (&["missing cpu usage metric"], Cause::ContainerIncomplete),
    (&["missing memory usage metric"], Cause::ContainerIncomplete),
    (&["no non-zero timestamp on either CPU or memory"], Cause::ContainerIncomplete),
    (&["unexpected decrease in cumulative CPU usage value"], Cause::CounterDecreased),
    (&["unexpected decrease in startTime"], Cause::StartTimeDecreased),
    (&["CPU usage is more than twice the node's capacity"], Cause::CpuBeyondCapacity),
    (&["memory usage is more than the node's capacity"], Cause::MemoryBeyondCapacity),
];

/// What is wrong with a lookup.
const LOOKUP: Table = &[
    (&["no such host"], Cause::DnsNoSuchHost),
    (&["Name or service not known"], Cause::DnsNoSuchHost),
    (&["Name does not resolve"], Cause::DnsNoSuchHost),
    (&["server misbehaving"], Cause::DnsServerFailure),
    (&["lame referral"], Cause::DnsServerFailure),
    (&["no answer from DNS server"], Cause::DnsServerFailure),
    (&["DNS message"], Cause::DnsServerFailure),
    (&["invalid DNS response"], Cause::DnsServerFailure),
    (&["Temporary failure in name resolution"], Cause::DnsServerFailure),
    (&["Try again"], Cause::DnsServerFailure),
    (&["other names are being looked up"], Cause::DnsTooMany),
    (&["i/o timeout"], Cause::DnsTimeout),
    (&["deadline exceeded"], Cause::DnsTimeout),
    (&["canceled"], Cause::DnsTimeout),
    (&["connection refused"], Cause::DnsUnreachable),
    (&["no route to host"], Cause::DnsUnreachable),
    (&["network is unreachable"], Cause::DnsUnreachable),
    (&["invalid argument"], Cause::DnsUnreachable),
    (&["not permitted"], Cause::DnsUnreachable),
    (&["permission denied"], Cause::DnsUnreachable),
    (&["cannot assign requested address"], Cause::DnsUnreachable),
    (&["dial udp"], Cause::DnsUnreachable),
];

/// What is wrong with a certificate.
const CERTIFICATE: Table = &[
    (&["doesn't contain any IP SANs"], Cause::CertificateNoSan),
    (&["relies on legacy Common Name"], Cause::CertificateNoSan),
    (&["is not valid for any names"], Cause::CertificateName),
    (&["certificate is valid for "], Cause::CertificateName),
    (&["signed by unknown authority (possibly because of"], Cause::CertificateAuthorityReplaced),
    (&["signed by unknown authority"], Cause::CertificateAuthority),
    (&["certificate is not trusted"], Cause::CertificateAuthority),
    (&["has expired or is not yet valid"], Cause::CertificateTime),
    (&["incompatible key usage"], Cause::CertificateUsage),
    (&["x509: "], Cause::Certificate),
    (&["failed to parse certificate"], Cause::Certificate),
];

/// What is wrong with TLS, the connection or HTTP.
const CONNECTION: Table = &[
    (&["tls: the certificate is that of node"], Cause::OtherNode),
    (&["server gave HTTP response to HTTPS client"], Cause::Tls),
    (&["TLS handshake timeout"], Cause::TlsTimeout),
    (&["too many colons in address"], Cause::BadAddress),
    (&["missing port in address"], Cause::BadAddress),
    (&["dial tcp", "connection refused"], Cause::ConnectionRefused),
    (&["connectex: No connection could be made"], Cause::ConnectionRefused),
    (&["no route to host"], Cause::NoRoute),
    (&["network is unreachable"], Cause::NoRoute),
    (&["host is down"], Cause::NoRoute),
    (&["unreachable network"], Cause::NoRoute),
    (&["dial tcp", "i/o timeout"], Cause::ConnectTimeout),
    (&["connection timed out"], Cause::ConnectTimeout),
    (&["connectex: A connection attempt failed"], Cause::ConnectTimeout),
    (&["dial tcp", "deadline exceeded"], Cause::ConnectTimeout),
    (&["dial tcp", "canceled"], Cause::ConnectTimeout),
    (&["while waiting for connection"], Cause::ConnectTimeout),
    (&["dial tcp"], Cause::Connect),
    (&["connection refused"], Cause::ConnectionRefused),
    (&["http2: client connection lost"], Cause::Timeout),
    (&["http2: timeout awaiting response headers"], Cause::Timeout),
    (&["Client.Timeout"], Cause::Timeout),
    (&["deadline exceeded"], Cause::Timeout),
    (&["i/o timeout"], Cause::Timeout),
    (&["timeout awaiting response headers"], Cause::Timeout),
    (&["request timed out"], Cause::Timeout),
    (&["context canceled"], Cause::Timeout),
    (&["request canceled"], Cause::Timeout),
    (&["tls handshake eof"], Cause::BrokenConnection),
    (&["first record does not look like a TLS handshake"], Cause::Tls),
    (&["tls: "], Cause::Tls),
    (&["EOF"], Cause::BrokenConnection),
    (&["connection reset by peer"], Cause::BrokenConnection),
    (&["forcibly closed by the remote host"], Cause::BrokenConnection),
    (&["broken pipe"], Cause::BrokenConnection),
    (&["connection abort"], Cause::BrokenConnection),
    (&["use of closed network connection"], Cause::BrokenConnection),
    (&["server closed idle connection"], Cause::BrokenConnection),
    (&["transport connection broken"], Cause::BrokenConnection),
    (&["malformed HTTP"], Cause::BrokenConnection),
    (&["http2: "], Cause::BrokenConnection),
    (&["stream error"], Cause::BrokenConnection),
    (&["GOAWAY"], Cause::BrokenConnection),
    (&["connection error"], Cause::BrokenConnection),
];

/// What net/http makes of a proxy's answer to CONNECT: the status without its code, and no more.
const PROXY_STATUS: [&str; 6] = [
    "Forbidden",
    "Bad Gateway",
    "Service Unavailable",
    "Gateway Timeout",
    "Proxy Authentication Required",
    "Method Not Allowed",
];

/// The cause that the error of a failed scrape names; `None` where the text is not known.
pub fn cause_of_error(error: &str) -> Option<Cause> {
    // With several addresses the preferred one comes first.
    let error = error.split("; Get \"").next().unwrap_or(error);
    if let Some(cause) = of_status(error) {
        return Some(cause);
    }
    let (url, rest) = after_url(error);
    if url.is_none() && rest.starts_with("parse ") || rest.contains("invalid URL escape") {
        return Some(Cause::BadAddress);
    }
    let without_request = find(WITHOUT_REQUEST, rest);
    let lookup = || rest.split_once("lookup ").and_then(|(_, rest)| find(LOOKUP, rest));
    let alert = || rest.split_once("remote error: tls: ").map(|(_, words)| alert(words));
    let proxy = || (url.is_some() && PROXY_STATUS.contains(&rest.trim())).then_some(Cause::Proxy);
    without_request
        .or_else(lookup)
        .or_else(|| find(CERTIFICATE, rest))
        .or_else(alert)
        .or_else(proxy)
        .or_else(|| find(CONNECTION, rest))
}

fn alert(words: &str) -> Cause {
    let end = |c: char| !(c.is_ascii_alphanumeric() || c == ' ');
    cause_of_alert(words.split(end).next().unwrap_or(words).trim())
}

/// The URL of `Get "https://…": …`, with or without quotes, and what follows it.
fn after_url(error: &str) -> (Option<&str>, &str) {
    for verb in ["Get ", "Post "] {
        let Some((_, rest)) = error.split_once(verb) else { continue };
        let quoted = rest.strip_prefix('"').and_then(|rest| rest.split_once("\": "));
        let plain = || rest.starts_with("http").then(|| rest.split_once(": ")).flatten();
        if let Some((url, rest)) = quoted.or_else(plain) {
            return (Some(url), rest);
        }
    }
    (None, error)
}

/// `request failed, status: "403 Forbidden"`, and the `request failed - "403 Forbidden"` of
/// servers before 0.6, which ask for `/stats/summary`.
fn of_status(error: &str) -> Option<Cause> {
    let (_, rest) = error.split_once("request failed")?;
    let old = rest.starts_with(" - ");
    let code: u16 = rest.split_once('"')?.1.get(..3)?.parse().ok()?;
    let is_summary = old || rest.contains("at /stats/summary");
    Some(match (code, is_summary) {
        (401, _) => Cause::Unauthorized,
        // The kubelet has not read the token at all.
        (403, _) if rest.contains("user=system:anonymous") => Cause::Unauthorized,
        (403, false) => Cause::Forbidden,
        (403, true) => Cause::ForbiddenSummary,
        (404, false) => Cause::NotFound,
        (404, true) => Cause::NotFoundSummary,
        (100..=199 | 300..=399, _) => Cause::Redirect,
        _ => Cause::HttpStatus,
    })
}
