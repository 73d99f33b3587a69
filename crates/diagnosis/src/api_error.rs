//! Errors of requests to the API server, and of clients that the metrics server refuses.

use crate::{
    Cause, cause_of_error,
    table::{Table, find},
};

/// What a message has in it that is about a request to the API server.
const ABOUT_API_SERVER: &[&str] = &[
    "ailed to watch",
    "watch of *",
    "ailed to list",
    "ailed listing",
    "ailed getting",
    "webhook auth",
    "configmap",
    "ConfigMap",
    "rror while listing",
    "rror while getting",
    "unable to list nodes",
    ":443/api",
    ":6443/api",
    "Reflector ListAndWatch",
    "Unable to connect to the server",
    "The connection to the server",
    "failed to renew lease",
    "error retrieving resource lock",
];

/// Permissions that the metrics server's role lacks. The kubelet's own refusals are among them, which
/// older servers log.
const ROLE_LACKS: Table = &[
    (&["extension-apiserver-authentication"], Cause::RoleLacksAuthReader),
    (&["resource \"configmaps\""], Cause::RoleLacksAuthReader),
    (&["configmaps is forbidden"], Cause::RoleLacksAuthReader),
    (&["tokenreviews"], Cause::RoleLacksReviews),
    (&["subjectaccessreviews"], Cause::RoleLacksReviews),
    (&["user=system:anonymous"], Cause::Unauthorized),
    (&["subresource=stats"], Cause::ForbiddenSummary),
    (&["subresource=metrics"], Cause::Forbidden),
    (&["subresource(s)=[stats"], Cause::ForbiddenSummary),
    (&["subresource(s)=[metrics"], Cause::Forbidden),
    (&["\"nodes/stats\""], Cause::ForbiddenSummary),
    (&["\"nodes/metrics\""], Cause::Forbidden),
    (&["resource \"nodes\""], Cause::RoleLacksList),
    (&["resource \"pods\""], Cause::RoleLacksList),
    (&["resource \"namespaces\""], Cause::RoleLacksList),
    (&["nodes is forbidden"], Cause::RoleLacksList),
    (&["pods is forbidden"], Cause::RoleLacksList),
    (&["namespaces is forbidden"], Cause::RoleLacksList),
];

/// Permissions that another user lacks.
const USER_LACKS: Table = &[
    (&["metrics.k8s.io", "\"system:anonymous\""], Cause::NoFrontProxy),
    (&["metrics.k8s.io"], Cause::UserForbidden),
    // kubectl top lists nodes and pods too.
    (&["Error from server", "list resource \"nodes\" in API group \"\""], Cause::UserForbidden),
    (&["Error from server", "list resource \"pods\" in API group \"\""], Cause::UserForbidden),
];

/// Answers of an API server that fails itself.
const FAILING: &[&str] = &[
    "too many requests",
    "currently unable to handle the request",
    "etcdserver",
    "apiserver not ready",
    "an error on the server",
    "Internal error occurred",
    "the server was unable to return a response in the time allotted",
];

/// Why a client's credentials are refused. A certificate is unknown to one of the two CAs by design:
/// the cause that the other CA gives counts.
const CREDENTIALS: Table = &[
    (&["is not in the allowed list"], Cause::FrontProxyName),
    (&["x509: ", "has expired or is not yet valid"], Cause::ClientCertificateTime),
    (&["(possibly because of"], Cause::ClientAuthorityReplaced),
    (&["x509: "], Cause::ClientAuthority),
    (&["oken has expired"], Cause::TokenRejected),
    (&["token is expired"], Cause::TokenRejected),
    (&["invalid bearer token"], Cause::TokenRejected),
    (&["service account token"], Cause::TokenRejected),
    (&["token lookup failed"], Cause::TokenRejected),
    (&["invalid JWT"], Cause::TokenRejected),
    (&["jwt"], Cause::TokenRejected),
];

/// Why a request to the API server failed; `None` where the text is about something else.
pub(crate) fn cause_of_api_error(text: &str) -> Option<Cause> {
    if is_forbidden(text) {
        return find(if is_of_server(text) { ROLE_LACKS } else { USER_LACKS }, text);
    }
    if text.contains("asked for the client to provide credentials")
        || text.trim_end_matches('.').ends_with("Unauthorized")
    {
        // kubectl begins with the list of groups.
        let is_of_kubectl = text.starts_with("error: ") || text.contains("API group list");
        return Some(if is_of_kubectl {
            Cause::UserUnauthorized
        } else {
            Cause::ApiServerUnauthorized
        });
    }
    if !ABOUT_API_SERVER.iter().any(|part| text.contains(part)) {
        return None;
    }
    if FAILING.iter().any(|part| text.contains(part)) {
        return Some(Cause::ApiServerFailing);
    }
    if text.contains("very short watch") || text.contains("The connection to the server") {
        return Some(Cause::ApiServerUnreachable);
    }
    match cause_of_error(text)? {
        cause if cause.is_about_certificate() => Some(Cause::ApiServerCertificate),
        Cause::Proxy => Some(Cause::Proxy),
        _ => Some(Cause::ApiServerUnreachable),
    }
}

/// Whether a user lacks a permission. The kubelet says it in other words than the API server.
pub(crate) fn is_forbidden(text: &str) -> bool {
    text.contains(" forbidden: ")
        || text.contains("Forbidden (user=")
        || text.contains("cannot list resource")
}

/// Whether the user without permission is the metrics server.
fn is_of_server(text: &str) -> bool {
    // Authorizers and kubelets quote users, or do not.
    let user = ["User \"", "(user="].iter().find_map(|start| text.split_once(start));
    let user = user.and_then(|(_, rest)| rest.split(['"', ',']).next()).unwrap_or_default();
    // Kubelets answer service accounts, and those whose token they have not read.
    if user.contains("metrics-server") || text.contains("(user=system:") {
        return true;
    }
    if text.starts_with("Error from server") || text.contains("metrics.k8s.io") {
        return false;
    }
    // Its kubeconfig or its service account may have any name. Of components, such as
    // system:kube-scheduler, it has none.
    let is_component = user.starts_with("system:") && !user.starts_with("system:serviceaccount:");
    let is_logged = ABOUT_API_SERVER.iter().any(|part| text.contains(part));
    (is_logged || text.contains("accessreviews") || text.contains("tokenreviews")) && !is_component
}

/// Why the credentials of a client are refused.
pub(crate) fn cause_of_authentication(error: &str) -> Option<Cause> {
    if is_forbidden(error) || error.contains("tokenreviews\": ") {
        return cause_of_api_error(error);
    }
    find(CREDENTIALS, error)
}

/// Why a handshake with a client failed; `None` where nothing is wrong: health checks open
/// connections and close them.
pub(crate) fn cause_of_handshake(error: &str) -> Option<Cause> {
    const SERVING: [&str; 6] = [
        "bad certificate",
        "unknown certificate",
        "expired certificate",
        "unsupported certificate",
        "revoked certificate",
        "certificate unknown",
    ];
    let lower = error.to_lowercase();
    if lower.contains("no serving certificate available") {
        return Some(Cause::TlsAlert);
    }
    if SERVING.iter().any(|words| lower.contains(words)) {
        return Some(Cause::ServingCertificate);
    }
    let closed = ["eof", "connection reset by peer", "broken pipe"];
    (!closed.iter().any(|words| lower.contains(words))).then_some(Cause::ClientHandshake)
}

// === impl Cause ===

impl Cause {
    /// Whether a server's certificate is not accepted.
    pub(crate) const fn is_about_certificate(self) -> bool {
        matches!(
            self,
            Self::CertificateName
                | Self::CertificateNoSan
                | Self::CertificateAuthority
                | Self::CertificateAuthorityReplaced
                | Self::CertificateTime
                | Self::CertificateUsage
                | Self::Certificate
        )
    }
}
