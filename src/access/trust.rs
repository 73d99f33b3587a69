use std::collections::BTreeMap;

use tls::ca_bundle::{Bundle, BundleError};

use super::front_proxy::ProxyRules;

/// Whose certificates are believed at the moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    /// The CAs of clients. Without, no client certificate names anybody.
    pub(super) clients: Option<Bundle>,
    /// The CAs of front proxies. Without, no header names anybody.
    pub(super) proxies: Option<Bundle>,
    /// Which proxies are believed, and which headers of theirs.
    pub(super) rules: ProxyRules,
}

/// What of the cluster's word counts, because no file says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) clients: bool,
    pub(super) proxies: bool,
}

/// Why a part of the cluster's word is not believed; what was believed before stays.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrustError {
    #[error("{key}: {source}")]
    Bundle { key: &'static str, source: BundleError },
    #[error("{key}: it is no JSON list of strings: {source}")]
    List { key: &'static str, source: serde_json::Error },
}

// === impl Trust ===

impl Trust {
    /// Takes over what `kube-system/extension-apiserver-authentication` says. As in the Go server,
    /// a part that is missing or malformed changes nothing: an API server that restarts may leave
    /// it so for a moment. Gives the parts that are malformed, and says whether anything changed.
    pub(super) fn learn(
        &mut self,
        data: &BTreeMap<String, String>,
        wanted: Wanted,
    ) -> (bool, Vec<TrustError>) {
        let mut errors = Vec::new();
        let mut changed = false;
        if wanted.clients {
            changed |= learn_bundle(&mut self.clients, data, "client-ca-file", &mut errors);
        }
        if wanted.proxies {
            let key = "requestheader-client-ca-file";
            changed |= learn_bundle(&mut self.proxies, data, key, &mut errors);
            match rules(data) {
                Ok(rules) => {
                    changed |= rules != self.rules;
                    self.rules = rules;
                }
                Err(error) => errors.push(error),
            }
        }
        (changed, errors)
    }
}

fn learn_bundle(
    known: &mut Option<Bundle>,
    data: &BTreeMap<String, String>,
    key: &'static str,
    errors: &mut Vec<TrustError>,
) -> bool {
    let Some(text) = data.get(key).filter(|text| !text.is_empty()) else { return false };
    if known.as_ref().is_some_and(|known| known.is(text)) {
        return false;
    }
    match Bundle::parse(text) {
        Ok(bundle) => {
            *known = Some(bundle);
            true
        }
        Err(source) => {
            errors.push(TrustError::Bundle { key, source });
            false
        }
    }
}

fn rules(data: &BTreeMap<String, String>) -> Result<ProxyRules, TrustError> {
    let list = |key: &'static str| match data.get(key).filter(|text| !text.is_empty()) {
        // Go reads `null` as an empty list.
        Some(text) => serde_json::from_str::<Option<Vec<String>>>(text)
            .map(Option::unwrap_or_default)
            .map_err(|source| TrustError::List { key, source }),
        None => Ok(Vec::new()),
    };
    Ok(ProxyRules {
        allowed_names: list("requestheader-allowed-names")?,
        username: list("requestheader-username-headers")?,
        uid: list("requestheader-uid-headers")?,
        groups: list("requestheader-group-headers")?,
        extra_prefixes: list("requestheader-extra-headers-prefix")?,
    })
}
