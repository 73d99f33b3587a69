//! What lets the metrics server believe the API server that passes requests on: a certificate of
//! a CA of its own, and the `ConfigMap` in which API servers say so.

use std::collections::BTreeMap;

use fake_kubelet::{Authority, CertificateError, Identity, Subject, Validity};
use jiff::Timestamp;
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use crate::control_plane::ClientCertificate;

/// The name that kubeadm gives.
const NAME: &str = "front-proxy-client";

/// The API server as a front proxy.
pub(super) struct FrontProxy(Authority);

// === impl FrontProxy ===

impl FrontProxy {
    pub(super) fn new(now: Timestamp) -> Result<Self, CertificateError> {
        Authority::new("front-proxy-ca", now).map(Self)
    }

    /// What it shows to those it passes requests on to.
    pub(super) fn certificate(
        &self,
        now: Timestamp,
    ) -> Result<ClientCertificate, CertificateError> {
        let identity = self.identity(now)?;
        Ok(ClientCertificate { chain: identity.chain(), key: identity.key() })
    }

    /// The same, as whoever issued it has it.
    pub(super) fn identity(&self, now: Timestamp) -> Result<Identity, CertificateError> {
        let subject = Subject { common_name: NAME.to_owned(), ..Subject::default() };
        self.0.client(&subject, Validity::year_from_an_hour_before(now))
    }

    /// `kube-system/extension-apiserver-authentication`, as API servers write it; `client_ca` has
    /// signed the certificates of the cluster's users.
    pub(super) fn config_map(&self, client_ca: &str) -> ConfigMap {
        let list = |name: &str| format!("[\"{name}\"]");
        let data = [
            ("client-ca-file", client_ca.to_owned()),
            ("requestheader-allowed-names", list(NAME)),
            ("requestheader-client-ca-file", self.0.pem()),
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
