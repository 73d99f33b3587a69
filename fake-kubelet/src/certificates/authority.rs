use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use cluster_format::{KeyKind, X509};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::{
    CertificateError, HOUR, Identity, Subject, Validity, YEAR, keys::new_key, signing::sign,
};

/// The object identifier of the extension basic constraints, which marks a CA's certificate.
const BASIC_CONSTRAINTS: [u64; 4] = [2, 5, 29, 19];

/// In DER: of that extension, no CA.
const EMPTY_SEQUENCE: [u8; 2] = [0x30, 0];

/// A certificate authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    name: String,
}

// === impl Authority ===

impl Authority {
    /// A new CA of that common name, valid for ten years from the hour before `now`.
    pub fn new(name: &str, now: Timestamp) -> Result<Self, CertificateError> {
        let failed = |source| CertificateError::new(name, source);
        let not_before = now - HOUR;
        let validity = Validity { not_before, not_after: not_before + 10 * YEAR };
        let subject = Subject { common_name: name.to_owned(), ..Subject::default() };
        let params = ca_params(&subject, validity).map_err(failed)?;
        let key = KeyPair::generate().map_err(failed)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(failed)?;
        Ok(Self { issuer, name: name.to_owned() })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// Its certificate in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a client, with a key of its own.
    pub fn client(
        &self,
        subject: &Subject,
        validity: Validity,
    ) -> Result<Identity, CertificateError> {
        self.client_in_form(subject, validity, X509::default())
    }

    /// The same in this form.
    pub fn client_in_form(
        &self,
        subject: &Subject,
        validity: Validity,
        x509: X509,
    ) -> Result<Identity, CertificateError> {
        let key = own_key(subject, x509.key())?;
        self.sign(key, subject, validity, ExtendedKeyUsagePurpose::ClientAuth, x509)
    }

    /// A certificate for a server, with a key of its own.
    pub fn serving(
        &self,
        subject: &Subject,
        validity: Validity,
    ) -> Result<Identity, CertificateError> {
        self.serving_in_form(subject, validity, X509::default())
    }

    /// The same in this form.
    pub fn serving_in_form(
        &self,
        subject: &Subject,
        validity: Validity,
        x509: X509,
    ) -> Result<Identity, CertificateError> {
        self.serving_with(own_key(subject, x509.key())?, subject, validity, x509)
    }

    pub(super) fn serving_with(
        &self,
        key: Arc<KeyPair>,
        subject: &Subject,
        validity: Validity,
        x509: X509,
    ) -> Result<Identity, CertificateError> {
        self.sign(key, subject, validity, ExtendedKeyUsagePurpose::ServerAuth, x509)
    }

    fn sign(
        &self,
        key: Arc<KeyPair>,
        subject: &Subject,
        validity: Validity,
        purpose: ExtendedKeyUsagePurpose,
        x509: X509,
    ) -> Result<Identity, CertificateError> {
        let mut chain = vec![
            leaf_params(subject, validity, purpose)
                .and_then(|params| sign(&params, &key, &self.issuer, x509.version()))
                .map_err(|source| CertificateError::new(&subject.common_name, source))?,
        ];
        chain.extend(impostors(&self.name, validity, x509.intermediates)?);
        Ok(Identity { chain, key })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Certificates of `count` CAs with the name of another. They share a key.
pub(super) fn impostors(
    name: &str,
    validity: Validity,
    count: u8,
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let failed = |source| CertificateError::new(name, source);
    if count == 0 {
        return Ok(Vec::new());
    }
    let subject = Subject { common_name: name.to_owned(), ..Subject::default() };
    let mut params = ca_params(&subject, validity).map_err(failed)?;
    let key = KeyPair::generate().map_err(failed)?;
    let mut one = |number: u8| {
        params.serial_number = Some(u64::from(number).into());
        params.self_signed(&key).map(|certificate| certificate.der().clone())
    };
    (1..=count).map(|number| one(number).map_err(failed)).collect()
}

fn own_key(subject: &Subject, kind: KeyKind) -> Result<Arc<KeyPair>, CertificateError> {
    new_key(kind)
        .map(Arc::new)
        .map_err(|source| CertificateError::new(&subject.common_name, source))
}

/// The fields of a CA's own certificate.
pub(super) fn ca_params(
    subject: &Subject,
    validity: Validity,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(subject, validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    Ok(params)
}

/// The fields of a server's or client's certificate.
pub(super) fn leaf_params(
    subject: &Subject,
    validity: Validity,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(subject, validity)?;
    // rcgen's `ExplicitNoCa` would name the key as well, which Go does only for CAs.
    params.is_ca = IsCa::NoCa;
    let mut no_ca = CustomExtension::from_oid_content(&BASIC_CONSTRAINTS, EMPTY_SEQUENCE.to_vec());
    no_ca.set_criticality(true);
    params.custom_extensions.push(no_ca);
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages.push(purpose);
    Ok(params)
}

fn params(subject: &Subject, validity: Validity) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    for name in &subject.names {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
    }
    let addresses = subject.addresses.iter().copied().map(SanType::IpAddress);
    params.subject_alt_names.extend(addresses);
    params.distinguished_name = rcgen::DistinguishedName::new();
    if let Some(organization) = &subject.organization {
        params.distinguished_name.push(DnType::OrganizationName, organization.as_str());
    }
    params.distinguished_name.push(DnType::CommonName, subject.common_name.as_str());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.serial_number = Some(serial(subject, validity).into());
    let epoch = date_time_ymd(1970, 1, 1);
    let seconds = |at: Timestamp| Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0));
    params.not_before = epoch + seconds(validity.not_before);
    params.not_after = epoch + seconds(validity.not_after);
    Ok(params)
}

/// The same in every run, and no two alike of one CA: kubelets share a key, from which rcgen would
/// make the number. As Go's, of 63 bits.
fn serial(subject: &Subject, validity: Validity) -> u64 {
    let mut hasher = DefaultHasher::new();
    (subject, validity).hash(&mut hasher);
    hasher.finish() >> 1
}
