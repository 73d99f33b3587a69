//! `kube-system/extension-apiserver-authentication`: the `ConfigMap` in which API servers publish
//! their client CA and request header configuration for the servers behind them.

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};

/// The namespace of the `ConfigMap`.
pub const NAMESPACE: &str = "kube-system";

/// The name of the `ConfigMap`.
pub const NAME: &str = "extension-apiserver-authentication";

/// The common name of the front proxy's certificate, as kubeadm has it.
pub const FRONT_PROXY_CLIENT: &str = "front-proxy-client";

/// The `ConfigMap` with the client CA and, if there is one, the front proxy's CA, both in PEM.
pub fn config_map(client_ca: &str, request_header_ca: Option<&str>) -> ConfigMap {
    let list = |value: &str| format!("[\"{value}\"]");
    let mut data = vec![("client-ca-file", client_ca.to_owned())];
    if let Some(authority) = request_header_ca {
        data.extend([
            ("requestheader-allowed-names", list(FRONT_PROXY_CLIENT)),
            ("requestheader-client-ca-file", authority.to_owned()),
            ("requestheader-extra-headers-prefix", list("X-Remote-Extra-")),
            ("requestheader-group-headers", list("X-Remote-Group")),
            ("requestheader-uid-headers", list("X-Remote-Uid")),
            ("requestheader-username-headers", list("X-Remote-User")),
        ]);
    }
    ConfigMap {
        metadata: ObjectMeta {
            namespace: Some(NAMESPACE.to_owned()),
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ..ConfigMap::default()
    }
}
