//! Client CA and request header configuration: the CAs of clients and of front proxies, and the
//! headers that front proxies set.

use std::collections::BTreeMap;

use net::DynamicFile;
use tls::ca_bundle::Bundle;

use super::request_header::RequestHeaderConfig;

/// The CAs and headers in use.
#[derive(Clone, Debug, Default)]
pub(in crate::access) struct ClientCaConfig {
    /// The CAs of client certificates. Without it, client certificates are not used.
    pub(in crate::access) client_ca: CaSource,
    /// The CAs of front proxies. Without it, request headers are not used.
    pub(in crate::access) request_header_ca: CaSource,
    /// The names of front proxies and their headers.
    pub(in crate::access) request_header: RequestHeaderConfig,
}

/// The source of CAs.
#[derive(Clone, Debug)]
pub(in crate::access) enum CaSource {
    /// A file that a flag names.
    File(DynamicFile<Bundle>),
    /// The cluster, once they have been loaded.
    Cluster(Option<Bundle>),
}

/// A part of the ConfigMap is invalid; the part loaded before stays in use.
#[derive(Debug, thiserror::Error)]
pub(in crate::access) enum ConfigError {
    #[error("{key}: {cause}")]
    Bundle { key: &'static str, cause: String },
    #[error("{key}: it is not a JSON list of strings: {source}")]
    List { key: &'static str, source: serde_json::Error },
}

// === impl CaSource ===

impl CaSource {
    pub(in crate::access) fn bundle(&self) -> Option<Bundle> {
        match self {
            Self::File(file) => Some(file.get()),
            Self::Cluster(bundle) => bundle.clone(),
        }
    }

    pub(in crate::access) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// The cluster has none, or none has been loaded yet.
    pub(in crate::access) fn is_missing(&self) -> bool {
        matches!(self, Self::Cluster(None))
    }
}

impl Default for CaSource {
    fn default() -> Self {
        Self::Cluster(None)
    }
}

// === impl ClientCaConfig ===

impl ClientCaConfig {
    /// Loads the data of `kube-system/extension-apiserver-authentication`. As in the Go server, a
    /// part that is missing or invalid changes nothing: a restarting API server may leave it so for
    /// a moment. Returns whether anything changed, and the invalid parts.
    pub(in crate::access) fn load(
        &mut self,
        data: &BTreeMap<String, String>,
    ) -> (bool, Vec<ConfigError>) {
        let mut errors = Vec::new();
        let mut changed = load_bundle(&mut self.client_ca, data, "client-ca-file", &mut errors);
        if self.request_header_ca.is_cluster() {
            let key = "requestheader-client-ca-file";
            changed |= load_bundle(&mut self.request_header_ca, data, key, &mut errors);
            match request_header(data) {
                Ok(config) => {
                    changed |= config != self.request_header;
                    self.request_header = config;
                }
                Err(error) => errors.push(error),
            }
        }
        (changed, errors)
    }
}

fn load_bundle(
    source: &mut CaSource,
    data: &BTreeMap<String, String>,
    key: &'static str,
    errors: &mut Vec<ConfigError>,
) -> bool {
    let CaSource::Cluster(loaded) = source else { return false };
    let Some(text) = data.get(key).filter(|text| !text.is_empty()) else { return false };
    if loaded.as_ref().is_some_and(|loaded| loaded.is(text)) {
        return false;
    }
    match Bundle::parse(text, &key) {
        Ok(bundle) => {
            *loaded = Some(bundle);
            true
        }
        Err(cause) => {
            errors.push(ConfigError::Bundle { key, cause });
            false
        }
    }
}

fn request_header(data: &BTreeMap<String, String>) -> Result<RequestHeaderConfig, ConfigError> {
    let list = |key: &'static str| match data.get(key).filter(|text| !text.is_empty()) {
        // Go reads `null` as an empty list.
        Some(text) => serde_json::from_str::<Option<Vec<String>>>(text)
            .map(Option::unwrap_or_default)
            .map_err(|source| ConfigError::List { key, source }),
        None => Ok(Vec::new()),
    };
    Ok(RequestHeaderConfig {
        allowed_names: list("requestheader-allowed-names")?,
        username: list("requestheader-username-headers")?,
        uid: list("requestheader-uid-headers")?,
        groups: list("requestheader-group-headers")?,
        extra_prefixes: list("requestheader-extra-headers-prefix")?,
    })
}
