//! The API server as a front proxy: the certificate for the servers behind it, of a CA of its own.

use fake_apiserver::{
    ClientCertificate,
    authentication_config::{self, FRONT_PROXY_CLIENT},
};
use fake_kubelet::{Authority, CertificateError, Identity, Subject, Validity};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::file::format::FrontProxyChange;

/// The common name of a client that is no front proxy.
const OTHER_NAME: &str = "somebody-else";

/// The API server as a front proxy.
pub(super) struct FrontProxy {
    authority: Authority,
    presented: Presented,
}

/// The subject and validity of the certificate.
#[derive(Clone, Copy)]
struct Presented {
    name: &'static str,
    validity: Validity,
}

// === impl FrontProxy ===

impl FrontProxy {
    pub(super) fn new(now: Timestamp) -> Result<Self, CertificateError> {
        let authority = Authority::new("front-proxy-ca", now)?;
        Ok(Self { authority, presented: Presented::good(now) })
    }

    /// Uses another certificate from now on.
    pub(super) fn change(
        &mut self,
        change: FrontProxyChange,
        now: Timestamp,
    ) -> Result<(), CertificateError> {
        let hour = SignedDuration::from_hours(1);
        let good = Presented::good(now);
        self.presented = match change {
            FrontProxyChange::Good => good,
            FrontProxyChange::NewCa => {
                self.authority = Authority::new("front-proxy-ca", now)?;
                good
            }
            FrontProxyChange::OtherName => Presented { name: OTHER_NAME, ..good },
            FrontProxyChange::Expired => Presented {
                validity: Validity { not_before: now - hour * 2, not_after: now - hour },
                ..good
            },
            FrontProxyChange::NotYetValid => Presented {
                validity: Validity { not_before: now + hour, not_after: now + hour * 2 },
                ..good
            },
        };
        Ok(())
    }

    /// The client certificate for the servers behind it.
    pub(super) fn certificate(&self) -> Result<ClientCertificate, CertificateError> {
        let identity = self.identity()?;
        Ok(ClientCertificate { chain: identity.chain(), key: identity.key() })
    }

    /// The same with its key in PEM.
    pub(super) fn identity(&self) -> Result<Identity, CertificateError> {
        let subject = Subject { common_name: self.presented.name.to_owned(), ..Subject::default() };
        self.authority.client(&subject, self.presented.validity)
    }

    /// `kube-system/extension-apiserver-authentication`, as API servers write it; `client_ca` has
    /// signed the certificates of the cluster's users.
    pub(super) fn config_map(&self, client_ca: &str) -> ConfigMap {
        authentication_config::config_map(client_ca, Some(&self.authority.pem()))
    }
}

// === impl Presented ===

impl Presented {
    fn good(now: Timestamp) -> Self {
        Self { name: FRONT_PROXY_CLIENT, validity: Validity::year_from_an_hour_before(now) }
    }
}
