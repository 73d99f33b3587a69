//! From a cause to what brings it about in a scenario.

use diagnosis::Cause;

/// What brings a cause about, in the words of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Means {
    /// Fields of the kubelet, besides its faults.
    pub(super) kubelet: &'static str,
    /// Its faults, each with its value.
    pub(super) faults: String,
    /// How the lookup of its name fails.
    pub(super) dns: Option<&'static str>,
    /// No packet comes to the node's addresses.
    pub(super) is_lost: bool,
    /// What the log says of it, in any server.
    pub(super) words: &'static str,
}

/// What brings a cause about of which a node's line has this error; `None` where a scenario has no
/// words for it.
pub(super) fn means(cause: Cause, error: &str) -> Option<Means> {
    let of = |words| Means { words, ..Means::default() };
    let fault = |faults: &str, words| Means { faults: faults.to_owned(), ..of(words) };
    let dns = |failure, words| Means { dns: Some(failure), ..of(words) };
    let signed =
        |faults: &str, words| Means { kubelet: "certificate: Signed", ..fault(faults, words) };
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
            Means { kubelet: "certificate: Signed, x509: {version: 1}", ..of("x509: ") }
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
        _ => return None,
    })
}

/// The status in `request failed, status: "403 Forbidden"`.
fn status(error: &str) -> Option<u16> {
    let (_, rest) = error.split_once("request failed")?;
    rest.split_once('"')?.1.get(..3)?.parse().ok()
}
