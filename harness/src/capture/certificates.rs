//! What of a CA is told: whose it is, and until when.

use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Subject and end of each certificate in PEM.
pub(super) fn read(pem: &str) -> Vec<String> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
    certificates.filter_map(|der| describe(&der)).collect()
}

fn describe(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let clean: String =
        certificate.subject().to_string().chars().filter(|c| !c.is_control()).collect();
    let until = certificate.validity().not_after;
    let until = jiff::Timestamp::from_second(until.timestamp()).ok()?;
    Some(format!("{clean}, until {until}"))
}
