//! An audit event. Names and order of the fields are those of `audit.k8s.io/v1`.

use std::{collections::BTreeMap, net::IpAddr};

use axum::extract::Request;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::policy::{Recorded, Stage};
use crate::{
    Status,
    access::{RequestInfo, RequestOutcome, User},
    serving::Peer,
};

/// The most of a client's text that is recorded: a client can send any.
const LONGEST: usize = 1024;

/// The headers and URI of a request.
pub(super) struct AuditedRequest {
    uri: String,
    agent: String,
    from: Vec<String>,
    shows_token: bool,
}

/// A request, and what became of it so far.
pub(super) struct Event {
    id: String,
    received: Timestamp,
    asked: AuditedRequest,
    info: RequestInfo,
    outcome: Option<RequestOutcome>,
    answer: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    kind: &'static str,
    api_version: &'static str,
    level: &'static str,
    #[serde(rename = "auditID")]
    audit_id: &'a str,
    stage: Stage,
    #[serde(rename = "requestURI")]
    request_uri: &'a str,
    verb: &'a str,
    user: WrittenUser<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonated_user: Option<WrittenUser<'a>>,
    #[serde(rename = "sourceIPs", skip_serializing_if = "<[_]>::is_empty")]
    source_ips: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_ref: Option<ObjectRef<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<&'a Value>,
    request_received_timestamp: String,
    stage_timestamp: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, &'a str>,
}

#[derive(Default, Serialize)]
struct WrittenUser<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<&'a BTreeMap<String, Vec<String>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    resource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    api_group: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subresource: &'a str,
}

// === impl AuditedRequest ===

impl AuditedRequest {
    pub(super) fn of(request: &Request) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip());
        let uri = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
        Self {
            uri: short(uri),
            agent: short(text(headers, header::USER_AGENT.as_str())),
            from: from(headers, peer),
            shows_token: headers.contains_key(header::AUTHORIZATION),
        }
    }
}

/// As in the API server: the addresses that proxies name, then that of the connection.
fn from(headers: &HeaderMap, peer: Option<IpAddr>) -> Vec<String> {
    let named = text(headers, "x-forwarded-for").split(',').take(16);
    let named = named.chain([text(headers, "x-real-ip")]);
    let mut from: Vec<IpAddr> = Vec::new();
    for address in named.filter_map(|name| name.trim().parse().ok()).chain(peer) {
        if from.last() != Some(&address) {
            from.push(address);
        }
    }
    from.iter().map(ToString::to_string).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

// === impl Event ===

impl Event {
    pub(super) fn new(
        received: Timestamp,
        id: &str,
        asked: AuditedRequest,
        info: RequestInfo,
    ) -> Self {
        Self { id: short(id), received, asked, info, outcome: None, answer: None }
    }

    pub(super) fn answered(
        &mut self,
        outcome: Option<RequestOutcome>,
        code: StatusCode,
        said: Option<&Status>,
    ) {
        self.outcome = outcome;
        let mut answer = said.map_or_else(|| serde_json::json!({"metadata": {}}), Status::value);
        if let Some(answer) = answer.as_object_mut() {
            // In an event it is no object of its own.
            answer.remove("kind");
            answer.remove("apiVersion");
            answer.insert("code".to_owned(), code.as_u16().into());
            if code == StatusCode::UNAUTHORIZED {
                let how = if self.asked.shows_token { "bearer" } else { "x509" };
                let message = format!("Authentication failed, attempted: {how}");
                answer.insert("message".to_owned(), message.into());
            }
        }
        self.answer = Some(answer);
    }

    pub(super) fn user(&self) -> Option<&User> {
        self.outcome.as_ref().and_then(|outcome| outcome.user.as_ref())
    }

    pub(super) fn info(&self) -> &RequestInfo {
        &self.info
    }

    /// Authentication failed.
    fn is_unauthenticated(&self) -> bool {
        self.outcome.as_ref().is_some_and(|outcome| outcome.user.is_none())
    }

    /// A line for each stage that the policy does not omit. They are written together, when the
    /// response is known.
    pub(super) fn lines(&self, now: Timestamp, recorded: Option<Recorded<'_>>) -> Vec<String> {
        let Some(recorded) = recorded else { return Vec::new() };
        // Go's server records no stage of unauthenticated requests but ResponseStarted.
        let stages = if self.is_unauthenticated() {
            &[(Stage::ResponseStarted, true)][..]
        } else {
            &[(Stage::RequestReceived, false), (Stage::ResponseComplete, true)]
        };
        let wanted = stages.iter().filter(|(stage, _)| !recorded.omit.contains(stage));
        wanted
            .map(|(stage, is_last)| {
                let at = if *is_last { now } else { self.received };
                // Strings, numbers and lists of them always are JSON.
                serde_json::to_string(&self.written(*stage, *is_last, at)).unwrap_or_default()
            })
            .collect()
    }

    fn written(&self, stage: Stage, is_last: bool, at: Timestamp) -> Written<'_> {
        let outcome = self.outcome.as_ref().filter(|_| is_last);
        let mut annotations = BTreeMap::new();
        if let Some(decision) = outcome.and_then(|outcome| outcome.decision) {
            annotations.insert("authorization.k8s.io/decision", decision);
            let reason = outcome.map_or("", |outcome| outcome.reason.as_str());
            annotations.insert("authorization.k8s.io/reason", reason);
        }
        Written {
            kind: "Event",
            api_version: "audit.k8s.io/v1",
            level: "Metadata",
            audit_id: &self.id,
            stage,
            request_uri: &self.asked.uri,
            verb: self.info.verb(),
            user: self.user().map(WrittenUser::from).unwrap_or_default(),
            impersonated_user: outcome
                .and_then(|outcome| outcome.impersonated.as_ref())
                .map(WrittenUser::from),
            source_ips: &self.asked.from,
            user_agent: &self.asked.agent,
            object_ref: match &self.info {
                RequestInfo::NonResource { .. } => None,
                RequestInfo::Resource(of) => Some(ObjectRef {
                    resource: &of.resource,
                    namespace: &of.namespace,
                    name: &of.name,
                    api_group: &of.group,
                    api_version: &of.version,
                    subresource: &of.subresource,
                }),
            },
            response_status: self.answer.as_ref().filter(|_| is_last),
            request_received_timestamp: micro(self.received),
            stage_timestamp: micro(at),
            annotations,
        }
    }
}

fn micro(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

impl<'a> From<&'a User> for WrittenUser<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            username: &user.name,
            uid: &user.uid,
            groups: &user.groups,
            extra: Some(&user.extra).filter(|extra| !extra.is_empty()),
        }
    }
}
