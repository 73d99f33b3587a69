//! What a client needs to know to reach the API server, in kubectl's file format.

use std::path::Path;

use serde_json::json;

use super::list::base64;

/// How a client authenticates.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// A client certificate and its key, both in PEM.
    Certificate {
        /// The certificate.
        certificate: &'a str,
        /// The key.
        key: &'a str,
    },
    /// A bearer token.
    Token(&'a str),
    /// A file with a bearer token.
    TokenFile(&'a Path),
    /// Nothing: the client stays anonymous.
    None,
}

/// A kubeconfig for the API server at `server`, whose certificate `ca` (PEM) has signed. It is
/// JSON, which every reader of kubeconfigs takes for the YAML it is.
pub fn kubeconfig(server: &str, ca: &str, credential: Credential<'_>) -> String {
    let user = match credential {
        Credential::Certificate { certificate, key } => json!({
            "client-certificate-data": base64(certificate),
            "client-key-data": base64(key),
        }),
        Credential::Token(token) => json!({ "token": token }),
        Credential::TokenFile(file) => json!({ "tokenFile": file }),
        Credential::None => json!({}),
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "harness",
            "cluster": { "server": server, "certificate-authority-data": base64(ca) },
        }],
        "users": [{ "name": "harness", "user": user }],
        "contexts": [{ "name": "harness", "context": { "cluster": "harness", "user": "harness" } }],
        "current-context": "harness",
    });
    format!("{config:#}\n")
}
