use rustls::pki_types::ServerName;
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::ParsedExtension,
};

use super::X509Error;

/// Whether the certificate has a name only in the field where names stood long ago, and the right
/// one.
fn has_legacy_name(certificate: &X509Certificate<'_>, wanted: &str) -> bool {
    let has_names = certificate.subject_alternative_name().is_ok_and(|names| names.is_some());
    let mut common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    !has_names && common.any(|name| name.eq_ignore_ascii_case(wanted))
}

/// Why a certificate is not valid for `wanted`.
pub(super) fn name_error(certificate: &X509Certificate<'_>, wanted: &ServerName<'_>) -> X509Error {
    let wants_ip = matches!(wanted, ServerName::IpAddress(_));
    let wanted = wanted.to_str().into_owned();
    if has_legacy_name(certificate, &wanted) {
        return X509Error::LegacyName;
    }
    let names = certificate
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(san) => Some(&san.general_names),
            _ => None,
        })
        .flatten();
    let valid_for: Vec<String> = names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) if !wants_ip => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) if wants_ip => ip_text(bytes),
            _ => None,
        })
        .collect();
    match (valid_for.is_empty(), wants_ip) {
        (true, true) => X509Error::NoIpSans { wanted },
        (true, false) => X509Error::NoNames { wanted },
        (false, _) => X509Error::OtherName { valid_for: valid_for.join(", "), wanted },
    }
}

fn ip_text(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    let v6 = <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
    v4.or(v6).ok().map(|ip| ip.to_string())
}
