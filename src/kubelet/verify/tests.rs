use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::*;
use crate::serving::tls::provider;

fn authority(key: &KeyPair) -> CertificateParams {
    let mut params = named(&[], "kubernetes");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
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
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let name = ServerName::try_from(name).unwrap();
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_hours(429_610));
    match KubeletVerifier::new(roots, provider()).judge(leaf, &[], &name, now) {
        Ok(()) => "believed".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Rows of: what, the certificate, the name asked for, and what Go says of it.
#[test]
fn certificates_are_judged_in_gos_words() {
    let (key, rotated, leaf_key) =
        (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let ca = authority(&key);
    let root = own(&ca, &key);
    let signed = |params: CertificateParams, key: &KeyPair| {
        params.signed_by(&leaf_key, &Issuer::from_params(&ca, key)).unwrap().der().clone()
    };
    let mut self_made = named(&["n1"], "n1");
    self_made.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let legacy = || own(&named(&[], "n1"), &leaf_key);
    let rows = [
        ("signed", signed(named(&["n1"], "n1"), &key), "n1", "believed"),
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
    assert_eq!(judged(&itself, &itself, "n1"), "believed", "named itself as the CA");
}
