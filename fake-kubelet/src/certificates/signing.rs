use cluster_format::X509Version;
use rcgen::{CertificateParams, Issuer, KeyPair, SigningKey};
use rustls::pki_types::CertificateDer;
use yasna::{ASN1Result, construct_der, parse_der};

/// The fields of a certificate that every version has: serial number, signature algorithm, issuer,
/// validity, subject and public key (RFC 5280, 4.1).
const FIELDS: usize = 6;

/// A certificate of `version` for the owner of `key`.
pub(super) fn sign(
    params: &CertificateParams,
    key: &KeyPair,
    issuer: &Issuer<'_, impl SigningKey>,
    version: X509Version,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    let certificate = params.signed_by(key, issuer)?;
    match version {
        X509Version::V3 => Ok(certificate.der().clone()),
        X509Version::V1 => version_1(certificate.der(), issuer.key()),
    }
}

/// The same certificate in version 1, signed anew: rcgen writes version 3 alone. In version 1 there is
/// neither the field for the version nor that for extensions.
fn version_1(
    certificate: &[u8],
    issuer: &impl SigningKey,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    let (fields, algorithm) =
        parts(certificate).map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    let to_sign = construct_der(|writer| {
        writer.write_sequence(|writer| {
            for field in &fields {
                writer.next().write_der(field);
            }
        });
    });
    let signature = issuer.sign(&to_sign)?;
    let signed = construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_der(&to_sign);
            writer.next().write_der(&algorithm);
            writer.next().write_bitvec_bytes(&signature, signature.len() * 8);
        });
    });
    Ok(signed.into())
}

/// In DER: the fields of a certificate of version 3 that version 1 has too, and the algorithm of its
/// signature.
fn parts(certificate: &[u8]) -> ASN1Result<(Vec<Vec<u8>>, Vec<u8>)> {
    parse_der(certificate, |reader| {
        reader.read_sequence(|reader| {
            let fields = reader.next().read_sequence(|reader| {
                let _version = reader.next().read_der()?;
                let fields = (0..FIELDS).map(|_| reader.next().read_der()).collect();
                let _extensions = reader.next().read_der()?;
                fields
            })?;
            let algorithm = reader.next().read_der()?;
            let _signature = reader.next().read_der()?;
            Ok((fields, algorithm))
        })
    })
}
