//! The API server as a front proxy: the certificate for the servers behind it, of a CA of its own.

use cluster_format::X509;
use fake_apiserver::{
    ClientCertificate,
    authentication_config::{self, FRONT_PROXY_CLIENT},
};
use fake_kubelet::{Authority, CertificateError, Identity, Subject, Validity};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::file::format::FrontProxyState;

/// The common name of a client that is no front proxy.
const OTHER_NAME: &str = "somebody-else";

/// The API server as a front proxy.
pub(super) struct FrontProxy {
    authority: Authority,
    /// The form of the certificate.
    x509: X509,
    /// `None` where the cluster has no front proxy.
    presented: Option<Presented>,
}

/// The subject and validity of the certificate.
#[derive(Clone, Copy)]
struct Presented {
    name: &'static str,
    validity: Validity,
}

// === impl FrontProxy ===

impl FrontProxy {
    pub(super) fn new(now: Timestamp, x509: X509) -> Result<Self, CertificateError> {
        let authority = Authority::new("front-proxy-ca", now)?;
        Ok(Self { authority, x509, presented: Some(Presented::good(now)) })
    }

    /// Uses another certificate from now on.
    pub(super) fn change(
        &mut self,
        change: FrontProxyState,
        now: Timestamp,
    ) -> Result<(), CertificateError> {
        let hour = SignedDuration::from_hours(1);
        let good = Presented::good(now);
        self.presented = Some(match change {
            FrontProxyState::Absent => {
                self.presented = None;
                return Ok(());
            }
            FrontProxyState::Good => good,
            FrontProxyState::NewCa => {
                self.authority = Authority::new("front-proxy-ca", now)?;
                good
            }
            FrontProxyState::OtherName => Presented { name: OTHER_NAME, ..good },
            FrontProxyState::Expired => Presented {
                validity: Validity { not_before: now - hour * 2, not_after: now - hour },
                ..good
            },
            FrontProxyState::NotYetValid => Presented {
                validity: Validity { not_before: now + hour, not_after: now + hour * 2 },
                ..good
            },
        });
        Ok(())
    }

    /// The client certificate for the servers behind it.
    pub(super) fn certificate(&self) -> Result<Option<ClientCertificate>, CertificateError> {
        let identity = self.identity()?;
        Ok(identity
            .map(|identity| ClientCertificate { chain: identity.chain(), key: identity.key() }))
    }

    /// The same with its key in PEM.
    pub(super) fn identity(&self) -> Result<Option<Identity>, CertificateError> {
        let Some(presented) = self.presented else { return Ok(None) };
        let subject = Subject { common_name: presented.name.to_owned(), ..Subject::default() };
        self.authority.client_in_form(&subject, presented.validity, self.x509).map(Some)
    }

    /// `kube-system/extension-apiserver-authentication`, as API servers write it; `client_ca` has
    /// signed the certificates of the cluster's users.
    pub(super) fn config_map(&self, client_ca: &str) -> ConfigMap {
        let authority = self.presented.map(|_| self.authority.pem());
        authentication_config::config_map(client_ca, authority.as_deref())
    }
}

// === impl Presented ===

impl Presented {
    fn good(now: Timestamp) -> Self {
        Self { name: FRONT_PROXY_CLIENT, validity: Validity::year_from_an_hour_before(now) }
    }
}
