//! From a cause to what brings it about in a scenario.

use std::time::Duration;

use diagnosis::Cause;
use k8s_text::duration;

/// What brings a cause about, in the words of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Means {
    /// Fields of the kubelet, besides its faults.
    pub(super) kubelet: String,
    /// Its faults, each with its value.
    pub(super) faults: String,
    /// How the lookup of its name fails.
    pub(super) dns: Option<&'static str>,
    /// No packet comes to the node's addresses.
    pub(super) is_lost: bool,
    /// What the log says of it, in any server.
    pub(super) words: &'static str,
    /// After how many cycles, where it is not two.
    pub(super) cycles: Option<u8>,
}

/// What brings a cause about of which a node's line has this error; `None` where a scenario has no
/// words for it. Cycles are `resolution` apart.
pub(super) fn means(cause: Cause, error: &str, resolution: Duration) -> Option<Means> {
    let of = |words| Means { words, ..Means::default() };
    let fault = |faults: &str, words| Means { faults: faults.to_owned(), ..of(words) };
    let dns = |failure, words| Means { dns: Some(failure), ..of(words) };
    let signed = |faults: &str, words| Means {
        kubelet: "certificate: Signed".to_owned(),
        ..fault(faults, words)
    };
    Some(match cause {
        // It follows from addresses, flags, and a DNS that does not have the name.
        Cause::NoAddress => of("no address matched types"),
        Cause::BadAddress => of("Failed to scrape node"),
        Cause::DnsNoSuchHost => of("no such host"),
        Cause::DnsServerFailure => dns("ServerFailure", "server misbehaving"),
        Cause::DnsTimeout => dns("Silence", "lookup "),
        Cause::ConnectionRefused => fault("refuse: true", "connect: connection refused"),
        Cause::ConnectTimeout => Means { is_lost: true, ..of("dial tcp") },
        Cause::CertificateName => {
            signed("certificate: OtherName", "x509: certificate is valid for")
        }
        Cause::CertificateNoSan if error.contains("legacy Common Name") => {
            Means { kubelet: "certificate: Signed, x509: {version: 1}".to_owned(), ..of("x509: ") }
        }
        Cause::CertificateNoSan => signed("certificate: NoIPSAN", "doesn't contain any IP SANs"),
        Cause::CertificateAuthority => {
            fault("certificate: UnknownCA", "x509: certificate signed by unknown authority")
        }
        Cause::CertificateAuthorityReplaced => {
            signed("certificate: ReplacedCA", "x509: certificate signed by unknown authority")
        }
        Cause::CertificateTime if error.contains(" is before ") => {
            signed("certificate: NotYetValid", "x509: certificate has expired or is not yet valid")
        }
        Cause::CertificateTime => {
            signed("certificate: Expired", "x509: certificate has expired or is not yet valid")
        }
        Cause::Certificate => {
            let (_, count) = error.split_once("too many intermediate certificates: ")?;
            let count: u32 = count.split(',').next()?.parse().ok()?;
            let kubelet = format!("certificate: Signed, x509: {{intermediates: {count}}}");
            Means { kubelet, ..of("x509: too many intermediate certificates") }
        }
        Cause::ClientCertificateRequired => signed("tls: ClientCertificate", "remote error: tls: "),
        Cause::TlsAlert => fault("tls: InternalError", "remote error: tls: internal error"),
        Cause::Tls => fault("tls: Plaintext", "server gave HTTP response to HTTPS client"),
        Cause::TlsTimeout => fault("silence: true", "TLS handshake timeout"),
        Cause::BrokenConnection => fault("transfer: NoAnswer", "EOF"),
        Cause::Timeout => fault("delay: 5m", "Client.Timeout exceeded"),
        Cause::Unauthorized => fault("status: 401", "401 Unauthorized"),
        Cause::Forbidden => fault("status: 403", "403 Forbidden"),
        Cause::NotFound => fault("body: NotFound", "404 Not Found"),
        Cause::NotFoundSummary => fault("status: 404", "404 Not Found"),
        Cause::Redirect => match status(error) {
            Some(status @ 300..=399) => {
                fault(&format!("redirect: /elsewhere, status: {status}"), "request failed")
            }
            status => fault(&format!("status: {}", status.unwrap_or(302)), "request failed"),
        },
        Cause::HttpStatus => {
            fault(&format!("status: {}", status(error).unwrap_or(500)), "request failed")
        }
        Cause::KubeletScrapeError => fault("body: OnlyScrapeError", "resource_scrape_error 1"),
        Cause::BodyBroken => fault("transfer: CutShort", "failed to read response body"),
        // After the handshake, whose certificate alone has more bytes, less than a body.
        Cause::BodyTimeout => {
            fault("transfer: Endless, trickle: {bytes: 4096, every: 500ms}", "while reading body")
        }
        Cause::BodyEncoded => fault("transfer: Gzip", "Content-Encoding"),
        Cause::BodyTooLarge => fault("transfer: Gigantic", "larger than"),
        Cause::NoMetrics => fault("body: Garbage", "failed parsing metrics"),
        Cause::NoUsage => fault("body: Empty", "no usage in the response"),
        Cause::NoNodeUsage => fault("body: NoNode", "no usage of the node in the response"),
        Cause::NoContainerUsage => fault("body: NoPods", "no usage of containers in the response"),
        Cause::BadLines => fault("body: BadLine", "Dropped lines that cannot be parsed"),
        Cause::ConflictingUsage => fault(
            "body: ConflictingDuplicates",
            "Dropped usage that the kubelet reports twice with different values",
        ),
        Cause::StaleSamples => {
            // Usage takes two samples.
            let after = duration::format(resolution * 5 / 2);
            let faults = format!("samples: {{frozen: true}}, when: {{after: {after}}}");
            Means { cycles: Some(6), ..fault(&faults, "no newer samples in the responses") }
        }
        Cause::CounterDecreased => Means {
            cycles: Some(3),
            ..fault(
                "samples: {reset: true}, when: {afterRequests: 1}",
                "unexpected decrease in cumulative CPU usage value",
            )
        },
        // The container's usage says so.
        Cause::ContainerIncomplete => of("Failed getting complete Pod metric"),
        _ => return None,
    })
}

/// The status in `request failed, status: "403 Forbidden"`.
fn status(error: &str) -> Option<u16> {
    let (_, rest) = error.split_once("request failed")?;
    rest.split_once('"')?.1.get(..3)?.parse().ok()
}
