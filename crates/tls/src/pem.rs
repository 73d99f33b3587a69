//! Certificates and private keys in PEM.

use std::fmt;

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The certificates of a bundle.
#[derive(Debug, Default)]
pub struct Certificates {
    /// Those that can be read, at least one.
    pub readable: Vec<CertificateDer<'static>>,
    /// The numbers of the others, from 1 on, and what is wrong with each.
    unreadable: Vec<(usize, String)>,
}

// === impl Certificates ===

impl Certificates {
    /// Reads `text`, where one certificate may be readable and another not.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let mut all = Self::default();
        for (index, certificate) in CertificateDer::pem_slice_iter(text).enumerate() {
            match certificate.map_err(|error| error.to_string()).and_then(readable) {
                Ok(certificate) => all.readable.push(certificate),
                Err(cause) => all.unreadable.push((index + 1, cause)),
            }
        }
        match (&all.readable[..], &all.unreadable[..]) {
            ([], []) => Err("it holds no PEM certificate".to_owned()),
            ([], [(_, cause), ..]) => Err(format!("a certificate in it cannot be read: {cause}")),
            _ => Ok(all),
        }
    }

    /// Logs what cannot be read of the bundle in `place`, and hands over the rest.
    pub fn logged(self, place: &dyn fmt::Display) -> Vec<CertificateDer<'static>> {
        for (number, cause) in self.unreadable {
            let cure = "replace or remove it; the others are in use";
            tracing::error!(in = %place, number, err = cause, cure, "Failed to parse a certificate of a bundle");
        }
        self.readable
    }
}

fn readable(der: CertificateDer<'static>) -> Result<CertificateDer<'static>, String> {
    match X509Certificate::from_der(&der) {
        Ok(([], _)) => Ok(der),
        Ok(_) => Err("x509: trailing data".to_owned()),
        Err(error) => Err(format!("x509: malformed certificate: {error}")),
    }
}

/// The first private key in `text`.
pub fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => "it holds no PEM private key".to_owned(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn readable_certificates_of_a_bundle_are_used() {
        let key = KeyPair::generate().unwrap();
        let good = CertificateParams::new(["n1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let good = good.pem();
        let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let no_base64 = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
        let endless = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        let rows = [
            (format!("{good}{good}"), Ok((2, vec![]))),
            (format!("{good}{nonsense}{good}"), Ok((2, vec![2]))),
            (format!("{no_base64}{good}"), Ok((1, vec![1]))),
            (format!("{good}{endless}"), Ok((1, vec![2]))),
            (format!("{}{good}", key.serialize_pem()), Ok((1, vec![]))),
            (String::new(), Err("it holds no PEM certificate")),
            (nonsense.to_owned(), Err("a certificate in it cannot be read: x509: malformed")),
        ];
        for (text, expected) in rows {
            let parsed = Certificates::parse(text.as_bytes());
            match (parsed, expected) {
                (Ok(all), Ok((readable, unreadable))) => {
                    let numbers: Vec<_> =
                        all.unreadable.iter().map(|(number, _)| *number).collect();
                    assert_eq!((all.readable.len(), numbers), (readable, unreadable), "{text}");
                }
                (Err(error), Err(expected)) => assert!(error.starts_with(expected), "{error}"),
                (parsed, _) => panic!("{text}: {parsed:?}"),
            }
        }
    }
}
