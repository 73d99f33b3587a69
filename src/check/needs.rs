//! What the metrics server needs of the API server: rights, the front proxy's CA, its `APIService`s.

use std::future::Future;

use apiserver::access::{Access, ApiServers};
use diagnosis::{Cause, Meaning, meaning_of_text};
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use k8s_openapi::{
    api::authorization::v1::{
        ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    },
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use k8s_text::printable;
use kube::{Api, Client, api::PostParams};
use kube_dial::explain;
use tokio::time::timeout;

use super::{API_LIMIT, Verdict, problem};
use crate::{
    api::Version,
    flags::{Flags, KubeletFlags},
    kubelet::{Endpoint, MOST_TEXT},
    names::GROUP,
};

pub(super) const HEADER: [&str; 3] = ["API SERVER", "RESULT", "DETAILS"];

/// Of the API server's own view of the metrics server.
const NO_RIGHT: &str = "no right to get apiservices, which the metrics server does not need";

/// Of the front proxy.
const FROM_CLUSTER: &str = "its CA is in ConfigMap kube-system/extension-apiserver-authentication";

/// How one need is met.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) verdict: Verdict,
    what: String,
    details: String,
}

/// A right of the service account, or of whoever the kubeconfig names.
struct Right {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    /// What is wrong where it is missing.
    cause: Cause,
}

/// Asks for all of it at the same time.
pub(super) async fn check(
    flags: &Flags,
    own: &Client,
    servers: &ApiServers,
    access: &Access,
) -> Vec<Need> {
    let authentication = &servers.authentication.client;
    let mut asked: Vec<BoxFuture<'_, Need>> = Vec::new();
    for right in own_rights(&flags.kubelet) {
        asked.push(right.review(own).boxed());
    }
    asked.push(TOKEN_REVIEWS.review(authentication).boxed());
    asked.push(ACCESS_REVIEWS.review(&servers.authorization.client).boxed());
    if access.looks_up() {
        asked.push(WATCH_CONFIG_MAP.review(authentication).boxed());
    }
    asked.push(bounded("front proxy".to_owned(), front_proxy(access)).boxed());
    for version in [Version::V1Beta1, Version::V1] {
        let name = format!("{version}.{GROUP}");
        asked.push(bounded(format!("apiservice {name}"), api_service(own, name, version)).boxed());
    }
    join_all(asked).await
}

async fn bounded(what: String, asked: impl Future<Output = (Verdict, String)>) -> Need {
    let late = |_| (Verdict::Unknown, "no response in time".to_owned());
    let (verdict, details) = timeout(API_LIMIT, asked).await.unwrap_or_else(late);
    Need { verdict, what, details }
}

/// A request that failed; `forbidden` is the cause of a 403.
fn failed(error: &kube::Error, forbidden: Cause) -> (Verdict, String) {
    let (reason, cause) = explain(error, forbidden);
    let verdict = if cause == forbidden { Verdict::Wrong } else { Verdict::Unknown };
    (verdict, problem(cause, &reason, cause.cure()))
}

async fn front_proxy(access: &Access) -> (Verdict, String) {
    match access.look_up().await {
        Ok(()) if access.looks_up() => (Verdict::Ok, FROM_CLUSTER.to_owned()),
        Ok(()) => {
            (Verdict::Ok, "its CA is in the file of --requestheader-client-ca-file".to_owned())
        }
        Err(error) => {
            let cause = error.cause();
            let is_seen = matches!(cause, Cause::NoFrontProxy | Cause::RoleLacksAuthReader);
            let verdict = if is_seen { Verdict::Wrong } else { Verdict::Unknown };
            (verdict, problem(cause, &error.to_string(), cause.cure()))
        }
    }
}

/// Whether the API server has the APIService, and what it says of its Service.
async fn api_service(client: &Client, name: String, version: Version) -> (Verdict, String) {
    let service = match Api::<APIService>::all(client.clone()).get(&name).await {
        Ok(service) => service,
        Err(kube::Error::Api(status)) if status.code == 403 => {
            return (Verdict::Unknown, NO_RIGHT.to_owned());
        }
        Err(kube::Error::Api(status)) if status.code == 404 && version == Version::V1 => {
            return (Verdict::Ok, "not there: only v1beta1 is needed".to_owned());
        }
        Err(kube::Error::Api(status)) if status.code == 404 => {
            let cause = Cause::ApiServiceMissing;
            return (Verdict::Wrong, problem(cause, &status.message, cause.cure()));
        }
        Err(error) => return failed(&error, Cause::ApiServerFailing),
    };
    let named = service.spec.and_then(|spec| spec.service).unwrap_or_default();
    let place = |part: Option<String>| part.unwrap_or_default();
    let named = printable(&format!("{}/{}", place(named.namespace), place(named.name)), MOST_TEXT);
    let conditions = service.status.and_then(|status| status.conditions).unwrap_or_default();
    let Some(available) = conditions.into_iter().find(|it| it.type_ == "Available") else {
        return (Verdict::Unknown, format!("Service {named}, not yet checked by the API server"));
    };
    if available.status == "True" {
        return (Verdict::Ok, format!("Service {named}, available"));
    }
    let (reason, message) = (place(available.reason), place(available.message));
    let text = format!("Service {named}: {reason}: {message}");
    let cause = match meaning_of_text(&text) {
        Meaning::Wrong(findings) | Meaning::Partly(findings, _) => {
            findings.first().map(|finding| finding.cause)
        }
        Meaning::Harmless | Meaning::Unknown => None,
    };
    let cause = cause.unwrap_or(Cause::ApiServiceUnavailable);
    (Verdict::Wrong, problem(cause, &text, cause.cure()))
}

const TOKEN_REVIEWS: Right =
    right("create", "authentication.k8s.io", "tokenreviews", "", Cause::RoleLacksReviews);
const ACCESS_REVIEWS: Right =
    right("create", "authorization.k8s.io", "subjectaccessreviews", "", Cause::RoleLacksReviews);
const WATCH_CONFIG_MAP: Right = right("watch", "", CONFIG_MAPS, "", Cause::RoleLacksAuthReader);
const CONFIG_MAPS: &str = "configmaps";

const fn right(
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    cause: Cause,
) -> Right {
    Right { verb, group, resource, subresource, cause }
}

/// The rights to nodes and pods.
fn own_rights(flags: &KubeletFlags) -> Vec<Right> {
    let mut rights = Vec::new();
    for resource in ["nodes", "pods"] {
        let of = |verb| right(verb, "", resource, "", Cause::RoleLacksList);
        rights.extend(["list", "watch"].map(of));
    }
    // Others' credentials have other rights.
    let shows_own =
        flags.kubelet_client_certificate.is_none() && !flags.deprecated_kubelet_completely_insecure;
    if shows_own {
        rights.push(match flags.kubelet_endpoint {
            Endpoint::Summary => right("get", "", "nodes", "stats", Cause::ForbiddenSummary),
            Endpoint::Resource | Endpoint::Auto => {
                right("get", "", "nodes", "metrics", Cause::Forbidden)
            }
        });
    }
    rights
}

// === impl Need ===

impl Need {
    pub(super) fn row(&self) -> Vec<String> {
        vec![self.what.clone(), self.verdict.word(), self.details.clone()]
    }
}

// === impl Right ===

impl Right {
    async fn review(self, client: &Client) -> Need {
        let Self { verb, group, resource, subresource, .. } = self;
        let mut what = format!("{verb} {resource}");
        for (mark, more) in [("/", subresource), (".", group)] {
            if !more.is_empty() {
                what.extend([mark, more]);
            }
        }
        bounded(what, self.ask(client.clone())).await
    }

    async fn ask(self, client: Client) -> (Verdict, String) {
        let of_map = |text: &str| (self.resource == CONFIG_MAPS).then(|| text.to_owned());
        let attributes = ResourceAttributes {
            verb: Some(self.verb.to_owned()),
            group: Some(self.group.to_owned()),
            resource: Some(self.resource.to_owned()),
            subresource: Some(self.subresource.to_owned()),
            namespace: of_map("kube-system"),
            name: of_map("extension-apiserver-authentication"),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let reviews = Api::<SelfSubjectAccessReview>::all(client);
        let status = match reviews.create(&PostParams::default(), &review).await {
            Ok(reviewed) => reviewed.status.unwrap_or_default(),
            Err(error) => {
                let (reason, _) = explain(&error, self.cause);
                return (
                    Verdict::Unknown,
                    format!("failed to review: {}", printable(&reason, MOST_TEXT)),
                );
            }
        };
        if status.allowed {
            return (Verdict::Ok, String::new());
        }
        if let Some(error) = status.evaluation_error.filter(|error| !error.is_empty()) {
            return (
                Verdict::Unknown,
                format!("failed to review: {}", printable(&error, MOST_TEXT)),
            );
        }
        let text = format!("not allowed {}", status.reason.unwrap_or_default());
        (Verdict::Wrong, problem(self.cause, text.trim_end(), self.cause.cure()))
    }
}
