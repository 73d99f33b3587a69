use cluster_format::{In, KeyKind, X509Version};
use x509_parser::{extensions::GeneralName, parse_x509_certificate, prelude::X509Certificate};

use super::*;

const NOW: &str = "2019-01-04T09:53:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn kubelet(kind: CertificateKind, fault: Option<CertificateFault>) -> (Certificates, Identity) {
    let certificates = Certificates::new(now()).unwrap();
    let names = ["k8s-node1".to_owned(), "node1.example.org".to_owned()];
    let addresses = ["10.200.100.215".parse().unwrap(), "fd00::1".parse().unwrap()];
    let node = "k8s-node1";
    let identity = certificates
        .kubelet(
            node,
            kind,
            X509::default(),
            (&names, &addresses),
            &fault.into_iter().collect(),
            now(),
        )
        .unwrap();
    (certificates, identity)
}

fn parsed(der: &CertificateDer<'static>) -> X509Certificate<'static> {
    parse_x509_certificate(der.to_vec().leak()).unwrap().1
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Some(names) = certificate.subject_alternative_name().unwrap() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::IPAddress(bytes) => format!("IP:{bytes:?}"),
        other => format!("{other:?}"),
    };
    names.value.general_names.iter().map(name).collect()
}

fn validity(certificate: &X509Certificate<'_>) -> (String, String) {
    let text = |at: i64| Timestamp::from_second(at).unwrap().to_string();
    let validity = certificate.validity();
    (text(validity.not_before.timestamp()), text(validity.not_after.timestamp()))
}

fn signed_by(certificate: &X509Certificate<'_>, authority: &CertificateDer<'static>) -> bool {
    certificate.verify_signature(Some(parsed(authority).public_key())).is_ok()
}

#[test]
fn a_self_signed_certificate_is_as_kubelets_make_it() {
    let (_, identity) = kubelet(CertificateKind::SelfSigned, None);
    let [leaf, ca] = &identity.chain()[..] else { panic!("two certificates are shown") };
    let certificate = parsed(leaf);
    assert_eq!(certificate.subject().to_string(), "CN=k8s-node1@1546595580");
    assert_eq!(certificate.issuer().to_string(), "CN=k8s-node1-ca@1546595580");
    assert_eq!(names(&certificate), ["DNS:k8s-node1"]);
    let year = ("2019-01-04T08:53:00Z".to_owned(), "2020-01-04T08:53:00Z".to_owned());
    assert_eq!(validity(&certificate), year);
    assert!(!certificate.is_ca());
    assert!(signed_by(&certificate, ca));
    assert_eq!(parsed(ca).subject().to_string(), "CN=k8s-node1-ca@1546595580");
    assert!(parsed(ca).is_ca());
    assert!(signed_by(&parsed(ca), ca));
}

/// The extensions by their numbers: a star where they must be understood.
fn extensions(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mark = |critical| if critical { "*" } else { "" };
    let each = certificate.extensions().iter();
    let mut all: Vec<_> = each.map(|it| format!("{}{}", it.oid, mark(it.critical))).collect();
    all.sort();
    all
}

fn usages(certificate: &X509Certificate<'_>) -> String {
    let extended = certificate.extended_key_usage().unwrap();
    let extended = extended.map(|it| (it.value.server_auth, it.value.client_auth));
    format!("{}; {extended:?}", certificate.key_usage().unwrap().unwrap().value)
}

/// Names, issuer, SANs and validity were seen on a real kubelet; the rest is what client-go's
/// `cert.GenerateSelfSignedCertKey` passes to Go's `x509.CreateCertificate`.
#[test]
fn certificates_have_the_fields_of_those_of_go() {
    let (_, identity) = kubelet(CertificateKind::SelfSigned, None);
    let (_, signed) = kubelet(CertificateKind::Signed, None);
    let [leaf, ca] = &identity.chain()[..] else { panic!("two certificates are shown") };
    let (usage, purpose, constraints, key, authority, names) =
        ("2.5.29.15*", "2.5.29.37", "2.5.29.19*", "2.5.29.14", "2.5.29.35", "2.5.29.17");
    let both = "Digital Signature, Key Encipherment";
    for leaf in [leaf, &signed.chain()[0]] {
        let leaf = parsed(leaf);
        assert_eq!(extensions(&leaf), [usage, names, constraints, authority, purpose]);
        assert_eq!(usages(&leaf), format!("{both}; Some((true, false))"));
        assert!(!leaf.basic_constraints().unwrap().unwrap().value.ca);
        assert_eq!(leaf.version().0, 2);
    }
    let ca = parsed(ca);
    assert_eq!(extensions(&ca), [key, usage, constraints]);
    assert_eq!(usages(&ca), format!("{both}, Key Cert Sign; None"));
    let (certificate, issuer) = (parsed(leaf), ca.subject().to_string());
    assert_eq!(certificate.issuer().to_string(), issuer);
    let key_of = |certificate: &X509Certificate<'_>, oid: &str| {
        let extension = certificate.extensions().iter().find(|it| it.oid.to_string() == oid);
        extension.unwrap().value.to_vec()
    };
    assert!(key_of(&certificate, authority).ends_with(&key_of(&ca, key)[2..]));
}

#[test]
fn a_signed_certificate_is_for_all_names_and_addresses() {
    let (certificates, identity) = kubelet(CertificateKind::Signed, None);
    let [leaf] = &identity.chain()[..] else { panic!("one certificate is shown") };
    let certificate = parsed(leaf);
    let subject = "O=system:nodes, CN=system:node:k8s-node1";
    assert_eq!(certificate.subject().to_string(), subject);
    assert_eq!(certificate.issuer().to_string(), "CN=kubernetes");
    assert_eq!(
        names(&certificate),
        [
            "DNS:k8s-node1",
            "DNS:node1.example.org",
            "IP:[10, 200, 100, 215]",
            "IP:[253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]",
        ]
    );
    assert!(signed_by(&certificate, certificates.cluster().certificate()));
}

#[test]
fn each_certificate_fault_changes_one_property() {
    use CertificateFault::{Expired, NoIpSan, ReplacedCa, UnknownCa};
    use CertificateKind::{SelfSigned, Signed};
    let over = "2019-01-04T08:53:00Z";
    let valid = "2020-01-04T08:53:00Z";
    let cases = [
        (Signed, None, true, valid, 4),
        (Signed, Some(Expired), true, over, 4),
        (Signed, Some(NoIpSan), true, valid, 2),
        (Signed, Some(UnknownCa), false, valid, 4),
        (Signed, Some(ReplacedCa), false, valid, 4),
        (SelfSigned, Some(Expired), false, over, 1),
        (SelfSigned, Some(NoIpSan), false, valid, 1),
        (SelfSigned, Some(UnknownCa), false, valid, 4),
    ];
    for (kind, fault, known, until, count) in cases {
        let (certificates, identity) = kubelet(kind, fault);
        let certificate = parsed(&identity.chain()[0]);
        let seen = (
            signed_by(&certificate, certificates.cluster().certificate()),
            validity(&certificate).1,
            names(&certificate).len(),
        );
        assert_eq!(seen, (known, until.to_owned(), count), "{kind:?} {fault:?}");
    }
}

#[test]
fn the_cluster_ca_signs_for_any_client() {
    let certificates = Certificates::new(now()).unwrap();
    let subject = Subject {
        common_name: "front-proxy-client".to_owned(),
        organization: Some("system:masters".to_owned()),
        ..Subject::default()
    };
    let validity = Validity::year_from_an_hour_before(now());
    let client = certificates.cluster().client(&subject, validity).unwrap();
    let certificate = parsed(&client.chain()[0]);
    assert_eq!(certificate.subject().to_string(), "O=system:masters, CN=front-proxy-client");
    assert!(certificate.extended_key_usage().unwrap().unwrap().value.client_auth);
    assert!(signed_by(&certificate, certificates.cluster().certificate()));
    for pem in [client.chain_pem(), certificates.cluster().pem()] {
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    }
    assert!(client.key_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
    let server = certificates.cluster().serving(&subject, validity).unwrap();
    let certificate = parsed(&server.chain()[0]);
    assert!(certificate.extended_key_usage().unwrap().unwrap().value.server_auth);
}

#[test]
fn serial_numbers_of_one_authority_differ() {
    let certificates = Certificates::new(now()).unwrap();
    let serial = |node: &str| {
        let identity = certificates
            .kubelet(
                node,
                CertificateKind::Signed,
                X509::default(),
                (&[], &[]),
                &BTreeSet::new(),
                now(),
            )
            .unwrap();
        parsed(&identity.chain()[0]).raw_serial_as_string()
    };
    assert_ne!(serial("a"), serial("b"));
    assert_eq!(serial("a"), serial("a"));
}

/// Every kind of key and both versions, of kubelets and of clients.
#[test]
fn certificates_have_the_form_that_is_asked_for() {
    use KeyKind::{Ed25519, P256, P384, P521, Rsa2048};
    let certificates = Certificates::new(now()).unwrap();
    let subject = Subject { common_name: "somebody".to_owned(), ..Subject::default() };
    let year = Validity::year_from_an_hour_before(now());
    // As x509-parser counts: whole bytes, and none of Ed25519.
    for (key, bits) in [(P256, 256), (P384, 384), (P521, 528), (Ed25519, 0), (Rsa2048, 2048)] {
        for version in [X509Version::V1, X509Version::V3] {
            let x509 = X509 { version: Some(In(version)), key: Some(key), intermediates: 0 };
            let kubelet = |kind| {
                let names = ["k8s-node1".to_owned()];
                let faults = BTreeSet::new();
                certificates.kubelet("k8s-node1", kind, x509, (&names, &[]), &faults, now())
            };
            let own = kubelet(CertificateKind::SelfSigned).unwrap();
            let cluster = certificates.cluster();
            let rows = [
                (own.clone(), own.chain().pop().unwrap()),
                (kubelet(CertificateKind::Signed).unwrap(), cluster.certificate().clone()),
                (
                    cluster.client_in_form(&subject, year, x509).unwrap(),
                    cluster.certificate().clone(),
                ),
            ];
            for (identity, authority) in rows {
                let certificate = parsed(&identity.chain()[0]);
                let what = format!("{x509:?}: {}", certificate.subject());
                let is_v1 = version == X509Version::V1;
                assert_eq!(certificate.version().0, if is_v1 { 0 } else { 2 }, "{what}");
                assert_eq!(certificate.extensions().is_empty(), is_v1, "{what}");
                let size = certificate.public_key().parsed().unwrap().key_size();
                assert_eq!(size, bits, "{what}");
                assert!(signed_by(&certificate, &authority), "{what}");
                tls::key_pair::certified(identity.chain(), identity.key()).unwrap();
            }
        }
    }
}
