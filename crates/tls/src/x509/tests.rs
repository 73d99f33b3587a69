use std::time::Duration;

use rcgen::{
    BasicConstraints::{Constrained, Unconstrained},
    CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;

use super::*;
use crate::provider;

/// 2019-01-04T10:00:00Z.
const HOURS: u64 = 429_610;
/// Early in 2027, when those that openssl made are valid.
const HOURS_IN_2027: u64 = 500_000;

fn authority(key: &KeyPair) -> CertificateParams {
    let mut params = named(&[], "kubernetes");
    params.is_ca = IsCa::Ca(Unconstrained);
    params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    assert!(params.self_signed(key).is_ok());
    params
}

fn named(sans: &[&str], common: &str) -> CertificateParams {
    let sans: Vec<_> = sans.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(sans).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

fn own(params: &CertificateParams, key: &KeyPair) -> CertificateDer<'static> {
    params.self_signed(key).unwrap().der().clone()
}

fn judged(root: &CertificateDer<'static>, leaf: &CertificateDer<'_>, name: &'static str) -> String {
    judged_with(root, leaf, &[], name)
}

fn judged_with(
    root: &CertificateDer<'static>,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &'static str,
) -> String {
    judged_at(HOURS, root, leaf, intermediates, name)
}

fn judged_at(
    hours: u64,
    root: &CertificateDer<'static>,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &'static str,
) -> String {
    let authorities = DynamicFile::fixed(Authorities::new(vec![root.clone()]));
    let name = ServerName::try_from(name).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_hours(hours));
    match GoVerifier::new(authorities, provider()).judge(leaf, intermediates, &name, now) {
        Ok(()) => "trusted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Rows of: description, certificate, requested name, Go's error.
#[test]
fn certificates_are_verified_with_gos_errors() {
    let (key, rotated, leaf_key) =
        (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let ca = authority(&key);
    let root = own(&ca, &key);
    let signed = |params: CertificateParams, key: &KeyPair| {
        params.signed_by(&leaf_key, &Issuer::from_params(&ca, key)).unwrap().der().clone()
    };
    let mut self_made = named(&["n1"], "n1");
    self_made.is_ca = IsCa::Ca(Unconstrained);
    let legacy = || own(&named(&[], "n1"), &leaf_key);
    let rows = [
        ("signed", signed(named(&["n1"], "n1"), &key), "n1", "trusted"),
        (
            "a CA made for itself",
            own(&self_made, &leaf_key),
            "n1",
            "x509: certificate signed by unknown authority",
        ),
        (
            "signed before the CA was rotated",
            signed(named(&["n1"], "n1"), &rotated),
            "n1",
            "x509: certificate signed by unknown authority (possibly because of \"x509: ECDSA verification failure\" while trying to verify candidate authority certificate \"kubernetes\")",
        ),
        (
            "a name in the common name",
            legacy(),
            "n1",
            "x509: certificate relies on legacy Common Name field, use SANs instead",
        ),
        (
            "another name in the common name",
            legacy(),
            "n2",
            "x509: certificate is not valid for any names, but wanted to match n2",
        ),
        (
            "an address",
            signed(named(&["n1"], "n1"), &key),
            "10.0.0.1",
            "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
        ),
    ];
    for (what, leaf, name, expected) in rows {
        assert_eq!(judged(&root, &leaf, name), expected, "{what}");
    }
    let itself = own(&self_made, &leaf_key);
    assert_eq!(judged(&itself, &itself, "n1"), "trusted", "named itself as the CA");
}

/// A certificate that can sign, and its issuer.
struct Ca {
    params: CertificateParams,
    key: KeyPair,
    der: CertificateDer<'static>,
}

// === impl Ca ===

impl Ca {
    fn root(change: impl Fn(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(&[], "root");
        params.is_ca = IsCa::Ca(Unconstrained);
        change(&mut params);
        let der = own(&params, &key);
        Self { params, key, der }
    }

    fn below(&self, common: &str, change: impl Fn(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(&[], common);
        params.is_ca = IsCa::Ca(Unconstrained);
        change(&mut params);
        let der = self.sign(&params, &key);
        Self { params, key, der }
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> CertificateDer<'static> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(key, &issuer).unwrap().der().clone()
    }
}

/// What is otherwise about a certificate than usual.
type Change<'c> = &'c dyn Fn(&mut CertificateParams);

/// The certificate of a server that may sign others too.
fn server_and_ca(change: impl Fn(&mut CertificateParams)) -> CertificateParams {
    let mut params = named(&["n1"], "n1");
    params.is_ca = IsCa::Ca(Unconstrained);
    change(&mut params);
    params
}

/// Rows of: description, root, intermediates, how the server's certificate is made, and Go's error.
#[test]
fn a_servers_certificate_may_be_an_authoritys() {
    let client_only = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let over = |params: &mut CertificateParams| params.not_after = date_time_ymd(2018, 1, 1);
    let plain = |_: &mut CertificateParams| {};
    let length =
        |most| move |params: &mut CertificateParams| params.is_ca = IsCa::Ca(Constrained(most));
    let no_ca = |params: &mut CertificateParams| params.is_ca = IsCa::ExplicitNoCa;
    let constrained = |params: &mut CertificateParams| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("n1".to_owned())],
            excluded_subtrees: vec![],
        });
    };
    let no_signing = |params: &mut CertificateParams| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    };
    let usage = "x509: certificate specifies an incompatible key usage";
    let not_by = |authority: &str| {
        format!(
            "x509: certificate signed by unknown authority (possibly because of \"x509: invalid signature: parent certificate cannot sign this kind of certificate\" while trying to verify candidate authority certificate \"{authority}\")"
        )
    };
    let expired = "x509: certificate has expired or is not yet valid: current time 2019-01-04T10:00:00Z is after 2018-01-01T00:00:00Z";
    let rows: [(&str, Change<'_>, Option<Change<'_>>, Change<'_>, String); 16] = [
        ("by the root", &plain, None, &plain, "trusted".to_owned()),
        ("by one between", &plain, Some(&plain), &plain, "trusted".to_owned()),
        ("no signer below it", &length(0), None, &plain, "trusted".to_owned()),
        (
            "for servers",
            &plain,
            None,
            &|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
            "trusted".to_owned(),
        ),
        ("for clients", &plain, None, &client_only, usage.to_owned()),
        ("a root for clients", &client_only, None, &plain, usage.to_owned()),
        ("one between for clients", &plain, Some(&client_only), &plain, usage.to_owned()),
        ("over", &plain, None, &over, expired.to_owned()),
        ("the root is over", &over, None, &plain, expired.to_owned()),
        ("one between is over", &plain, Some(&over), &plain, expired.to_owned()),
        (
            "a signer too many",
            &length(0),
            Some(&plain),
            &plain,
            "x509: too many intermediates for path length constraint".to_owned(),
        ),
        ("another kubelet signs", &plain, Some(&no_ca), &plain, not_by("middle")),
        ("by one that signs no certificates", &plain, Some(&no_signing), &plain, not_by("middle")),
        ("the root is none", &no_ca, None, &plain, not_by("root")),
        (
            "with constrained names",
            &constrained,
            None,
            &plain,
            "x509: a root or intermediate certificate constrains the names of an authority"
                .to_owned(),
        ),
        (
            "for another name",
            &plain,
            None,
            &|params| {
                *params = server_and_ca(|params| {
                    params.subject_alt_names = named(&["n2"], "").subject_alt_names;
                });
            },
            "x509: certificate is valid for n2, not n1".to_owned(),
        ),
    ];
    for (what, root, between, leaf, expected) in rows {
        let root = Ca::root(root);
        let middle = between.map(|change| root.below("middle", change));
        let leaf_key = KeyPair::generate().unwrap();
        let leaf = middle.as_ref().unwrap_or(&root).sign(&server_and_ca(leaf), &leaf_key);
        let sent: Vec<_> = middle.iter().map(|middle| middle.der.clone()).collect();
        assert_eq!(judged_with(&root.der, &leaf, &sent, "n1"), expected, "{what}");
    }
}

#[test]
fn an_authority_that_was_not_configured_is_not_trusted() {
    let (named_root, other) = (Ca::root(|_| {}), Ca::root(|_| {}));
    let key = KeyPair::generate().unwrap();
    let unknown = "x509: certificate signed by unknown authority";
    let other_key = format!(
        "{unknown} (possibly because of \"x509: ECDSA verification failure\" while trying to verify candidate authority certificate \"root\")"
    );
    let by_other = other.sign(&server_and_ca(|_| {}), &key);
    assert_eq!(judged(&named_root.der, &by_other, "n1"), other_key);
    // Sending the signer along makes it no authority.
    assert_eq!(
        judged_with(&named_root.der, &by_other, std::slice::from_ref(&other.der), "n1"),
        other_key
    );
    let itself = own(&server_and_ca(|_| {}), &key);
    assert_eq!(judged_with(&named_root.der, &itself, std::slice::from_ref(&itself), "n1"), unknown);
    // Two that signed each other lead nowhere, and not for ever.
    let (one, two) = (other.below("one", |_| {}), other.below("two", |_| {}));
    let crossed = [two.sign(&one.params, &one.key), one.sign(&two.params, &two.key)];
    let leaf = one.sign(&server_and_ca(|_| {}), &key);
    assert_eq!(judged_with(&named_root.der, &leaf, &crossed, "n1"), unknown);
    // The named certificate with other dates, or another with its name and key, is another one.
    let mut renewed = server_and_ca(|_| {});
    renewed.not_after = date_time_ymd(2030, 1, 1);
    assert_eq!(judged(&itself, &own(&renewed, &key), "n1"), unknown);
    // Named itself, it must still be for servers.
    let client = own(
        &server_and_ca(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
        &key,
    );
    assert_eq!(
        judged(&client, &client, "n1"),
        "x509: certificate specifies an incompatible key usage"
    );
}

#[test]
fn the_number_of_issuers_that_are_tried_is_limited() {
    let other = Ca::root(|_| {});
    let key = KeyPair::generate().unwrap();
    let leaf = other.sign(&server_and_ca(|_| {}), &key);
    let alike = (0..200)
        .map(|_| {
            Ca::root(|params| {
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            })
            .der
        })
        .collect();
    let verifier = GoVerifier::new(DynamicFile::fixed(Authorities::new(alike)), provider());
    let (name, now) = (
        ServerName::try_from("n1").unwrap(),
        UnixTime::since_unix_epoch(Duration::from_hours(HOURS)),
    );
    assert_eq!(
        verifier.judge(&leaf, &[], &name, now).unwrap_err().to_string(),
        "x509: signature check attempts limit reached while verifying certificate chain"
    );
}

/// A leaf and the CA before and after it was replaced, RSA all, made with openssl.
#[test]
fn a_replaced_rsa_authority_gets_gos_error() {
    let read = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let leaf = read(include_str!("testdata/rsa-leaf.pem"));
    let (before, after) = (
        read(include_str!("testdata/rsa-ca-before.pem")),
        read(include_str!("testdata/rsa-ca-after.pem")),
    );
    assert_eq!(judged_at(HOURS_IN_2027, &before, &leaf, &[], "n1"), "trusted");
    assert_eq!(
        judged_at(HOURS_IN_2027, &after, &leaf, &[], "n1"),
        "x509: certificate signed by unknown authority (possibly because of \"crypto/rsa: verification error\" while trying to verify candidate authority certificate \"kubernetes\")"
    );
    let key = KeyPair::generate().unwrap();
    let ecdsa = own(&authority(&key), &key);
    assert_eq!(
        judged_at(HOURS_IN_2027, &ecdsa, &leaf, &[], "n1"),
        "x509: certificate signed by unknown authority (possibly because of \"x509: signature algorithm specifies an RSA public key, but have public key of type *ecdsa.PublicKey\" while trying to verify candidate authority certificate \"kubernetes\")"
    );
}

/// The peer chooses how many certificates it sends, and each costs signature checks.
#[test]
fn more_intermediates_than_a_chain_can_need_are_refused_unread() {
    let (key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let ca = authority(&key);
    let root = own(&ca, &key);
    let leaf = named(&["n1"], "n1").signed_by(&leaf_key, &Issuer::from_params(&ca, &key));
    let leaf = leaf.unwrap().der().clone();
    let useless: Vec<_> = (0..7).map(|_| own(&ca, &KeyPair::generate().unwrap())).collect();
    assert_eq!(judged_with(&root, &leaf, &useless[..6], "n1"), "trusted");
    assert_eq!(
        judged_with(&root, &leaf, &useless, "n1"),
        "x509: too many intermediate certificates: 7, at most 6"
    );
}
