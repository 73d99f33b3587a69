//! Client CA and request header configuration: the CAs of clients and of front proxies, and the
//! headers that front proxies set.

use std::collections::BTreeMap;

use tls::ca_bundle::{Bundle, BundleError};

use super::request_header::RequestHeaderConfig;

/// The CAs and headers in use.
#[derive(Clone, Debug, Default)]
pub(in crate::access) struct ClientCaConfig {
    /// The CAs of client certificates. Without it, client certificates are not used.
    pub(in crate::access) client_ca: Option<Bundle>,
    /// The CAs of front proxies. Without it, request headers are not used.
    pub(in crate::access) request_header_ca: Option<Bundle>,
    /// The names of front proxies and their headers.
    pub(in crate::access) request_header: RequestHeaderConfig,
}

/// Which parts come from the cluster, because no flag names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) struct FromCluster {
    pub(in crate::access) client_ca: bool,
    pub(in crate::access) request_header: bool,
}

/// A part of the ConfigMap is invalid; the part loaded before stays in use.
#[derive(Debug, thiserror::Error)]
pub(in crate::access) enum ConfigError {
    #[error("{key}: {source}")]
    Bundle { key: &'static str, source: BundleError },
    #[error("{key}: it is not a JSON list of strings: {source}")]
    List { key: &'static str, source: serde_json::Error },
}

// === impl ClientCaConfig ===

impl ClientCaConfig {
    /// Loads the data of `kube-system/extension-apiserver-authentication`. As in the Go server, a
    /// part that is missing or invalid changes nothing: a restarting API server may leave it so for
    /// a moment. Returns whether anything changed, and the invalid parts.
    pub(in crate::access) fn load(
        &mut self,
        data: &BTreeMap<String, String>,
        from_cluster: FromCluster,
    ) -> (bool, Vec<ConfigError>) {
        let mut errors = Vec::new();
        let mut changed = false;
        if from_cluster.client_ca {
            changed |= load_bundle(&mut self.client_ca, data, "client-ca-file", &mut errors);
        }
        if from_cluster.request_header {
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
    loaded: &mut Option<Bundle>,
    data: &BTreeMap<String, String>,
    key: &'static str,
    errors: &mut Vec<ConfigError>,
) -> bool {
    let Some(text) = data.get(key).filter(|text| !text.is_empty()) else { return false };
    if loaded.as_ref().is_some_and(|loaded| loaded.is(text)) {
        return false;
    }
    match Bundle::parse(text) {
        Ok(bundle) => {
            *loaded = Some(bundle);
            true
        }
        Err(source) => {
            errors.push(ConfigError::Bundle { key, source });
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
