//! A certificate authority and what it signs.

use std::sync::Arc;

use fake_apiserver::{ClientCertificate, Endpoint};
use net::HostNetwork;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
    identity: ClientCertificate,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test-ca");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// For a server on 127.0.0.1 or a client of that name in these groups.
    pub(crate) fn issue(&self, name: &str, groups: &[&str]) -> Issued {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        for group in groups {
            params.distinguished_name.push(DnType::OrganizationName, *group);
        }
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.0).unwrap();
        let identity = ClientCertificate {
            chain: vec![signed.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        };
        Issued { certificate: signed.pem(), key: key.serialize_pem(), identity }
    }

    /// A free port of 127.0.0.1 with a certificate of this authority, which signs clients' too.
    pub(crate) fn endpoint(&self, name: &str) -> Endpoint {
        let ClientCertificate { chain, key } = self.issue(name, &[]).into();
        Endpoint {
            network: Arc::new(HostNetwork),
            address: "127.0.0.1:0".parse().unwrap(),
            chain,
            key,
            client_ca: Some(self.certificate()),
        }
    }
}

impl From<Issued> for ClientCertificate {
    fn from(issued: Issued) -> Self {
        issued.identity
    }
}
