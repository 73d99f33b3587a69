//! What lets the metrics server believe the API server that passes requests on: a certificate of
//! a CA of its own, and the `ConfigMap` in which API servers say so.

use std::collections::BTreeMap;

use fake_apiserver::ClientCertificate;
use fake_kubelet::{Authority, CertificateError, Identity, Subject, Validity};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use crate::file::format::FrontProxyChange;

/// The name that kubeadm gives.
const NAME: &str = "front-proxy-client";

/// What the certificate of a client that is no front proxy says.
const OTHER_NAME: &str = "somebody-else";

/// The API server as a front proxy.
pub(super) struct FrontProxy {
    authority: Authority,
    shows: Shows,
}

/// What is shown to the metrics server.
#[derive(Clone, Copy)]
struct Shows {
    name: &'static str,
    validity: Validity,
}

// === impl FrontProxy ===

impl FrontProxy {
    pub(super) fn new(now: Timestamp) -> Result<Self, CertificateError> {
        let authority = Authority::new("front-proxy-ca", now)?;
        Ok(Self { authority, shows: Shows::good(now) })
    }

    /// Shows something else from now on.
    pub(super) fn change(
        &mut self,
        change: FrontProxyChange,
        now: Timestamp,
    ) -> Result<(), CertificateError> {
        let hour = SignedDuration::from_hours(1);
        let good = Shows::good(now);
        self.shows = match change {
            FrontProxyChange::Good => good,
            FrontProxyChange::NewCa => {
                self.authority = Authority::new("front-proxy-ca", now)?;
                good
            }
            FrontProxyChange::OtherName => Shows { name: OTHER_NAME, ..good },
            FrontProxyChange::Expired => Shows {
                validity: Validity { not_before: now - hour * 2, not_after: now - hour },
                ..good
            },
            FrontProxyChange::NotYetValid => Shows {
                validity: Validity { not_before: now + hour, not_after: now + hour * 2 },
                ..good
            },
        };
        Ok(())
    }

    /// What it shows to those it passes requests on to.
    pub(super) fn certificate(&self) -> Result<ClientCertificate, CertificateError> {
        let identity = self.identity()?;
        Ok(ClientCertificate { chain: identity.chain(), key: identity.key() })
    }

    /// The same, as whoever issued it has it.
    pub(super) fn identity(&self) -> Result<Identity, CertificateError> {
        let subject = Subject { common_name: self.shows.name.to_owned(), ..Subject::default() };
        self.authority.client(&subject, self.shows.validity)
    }

    /// `kube-system/extension-apiserver-authentication`, as API servers write it; `client_ca` has
    /// signed the certificates of the cluster's users.
    pub(super) fn config_map(&self, client_ca: &str) -> ConfigMap {
        let list = |name: &str| format!("[\"{name}\"]");
        let data = [
            ("client-ca-file", client_ca.to_owned()),
            ("requestheader-allowed-names", list(NAME)),
            ("requestheader-client-ca-file", self.authority.pem()),
            ("requestheader-extra-headers-prefix", list("X-Remote-Extra-")),
            ("requestheader-group-headers", list("X-Remote-Group")),
            ("requestheader-uid-headers", list("X-Remote-Uid")),
            ("requestheader-username-headers", list("X-Remote-User")),
        ];
        ConfigMap {
            metadata: ObjectMeta {
                namespace: Some("kube-system".to_owned()),
                name: Some("extension-apiserver-authentication".to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(
                data.map(|(key, value)| (key.to_owned(), value))
                    .into_iter()
                    .collect::<BTreeMap<_, _>>(),
            ),
            ..ConfigMap::default()
        }
    }
}

// === impl Shows ===

impl Shows {
    fn good(now: Timestamp) -> Self {
        Self { name: NAME, validity: Validity::year_from_an_hour_before(now) }
    }
}
