//! Which requests are written down: `audit.k8s.io/v1` policies.

use std::path::Path;

use net::errno;
use serde::{Deserialize, Serialize};

use crate::access::{RequestInfo, ResourceInfo, User};

/// A policy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

/// The first rule that fits a request decides; a request that none fits is not written down.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Policy {
    api_version: String,
    kind: String,
    #[serde(default, rename = "metadata")]
    _metadata: serde_json::Value,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    omit_stages: Vec<Stage>,
    /// Nothing with managed fields is ever written down.
    #[serde(default, rename = "omitManagedFields")]
    _omit_managed_fields: bool,
}

/// An empty list fits everything.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    level: Level,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    user_groups: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    resources: Vec<Resources>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default, rename = "nonResourceURLs")]
    paths: Vec<String>,
    #[serde(default)]
    omit_stages: Vec<Stage>,
    #[serde(default, rename = "omitManagedFields")]
    _omit_managed_fields: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Resources {
    #[serde(default)]
    group: String,
    #[serde(default, rename = "resources")]
    kinds: Vec<String>,
    #[serde(default)]
    resource_names: Vec<String>,
}

/// Requests here have no bodies, and answers are no secrets: all levels but the first are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Level {
    None,
    Metadata,
    Request,
    RequestResponse,
}

/// The stage of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum Stage {
    RequestReceived,
    ResponseStarted,
    ResponseComplete,
    Panic,
}

/// That a request is written down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded<'a> {
    /// But for these stages.
    pub(super) omit: &'a [Stage],
}

// === impl Policy ===

impl Policy {
    /// One line for every request.
    pub(super) fn everything() -> Self {
        let rule = Rule {
            level: Level::Metadata,
            users: Vec::new(),
            user_groups: Vec::new(),
            verbs: Vec::new(),
            resources: Vec::new(),
            namespaces: Vec::new(),
            paths: Vec::new(),
            omit_stages: vec![Stage::RequestReceived],
            _omit_managed_fields: None,
        };
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            _metadata: serde_json::Value::Null,
            rules: vec![rule],
            omit_stages: Vec::new(),
            _omit_managed_fields: false,
        }
    }

    pub(super) fn read(file: &Path) -> Result<Self, PolicyError> {
        let text =
            std::fs::read_to_string(file).map_err(|error| PolicyError(errno::file(&error)))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut policy: Self = serde_yaml::from_str(text).map_err(|error| {
            // Further lines show the place.
            let text = error.to_string();
            PolicyError(text.lines().next().unwrap_or_default().to_owned())
        })?;
        if (policy.api_version.as_str(), policy.kind.as_str()) != (API_VERSION, KIND) {
            let Self { api_version, kind, .. } = policy;
            return Err(PolicyError(format!("it holds a {kind} of {api_version}")));
        }
        if policy.rules.is_empty() {
            return Err(PolicyError("it has no rules".to_owned()));
        }
        for (at, rule) in policy.rules.iter_mut().enumerate() {
            rule.check().map_err(|what| PolicyError(format!("rules[{at}]: {what}")))?;
            // As Go's: what the policy omits, all rules omit.
            rule.omit_stages.extend(&policy.omit_stages);
        }
        Ok(policy)
    }

    pub(super) fn recorded(&self, user: Option<&User>, info: &RequestInfo) -> Option<Recorded<'_>> {
        let rule = self.rules.iter().find(|rule| rule.fits(user, info))?;
        (rule.level != Level::None).then_some(Recorded { omit: &rule.omit_stages })
    }
}

const API_VERSION: &str = "audit.k8s.io/v1";
const KIND: &str = "Policy";

// === impl Rule ===

impl Rule {
    fn check(&self) -> Result<(), String> {
        let of_resources = !self.resources.is_empty() || !self.namespaces.is_empty();
        if of_resources && !self.paths.is_empty() {
            return Err("nonResourceURLs stand alone, without resources and namespaces".to_owned());
        }
        for path in self.paths.iter().filter(|path| *path != "*") {
            let has_star_within = path.split_once('*').is_some_and(|(_, rest)| !rest.is_empty());
            if !path.starts_with('/') || has_star_within {
                return Err(format!("{path:?} must begin with / and may have * at its end only"));
            }
        }
        if self.resources.iter().any(|of| of.kinds.is_empty() && !of.resource_names.is_empty()) {
            return Err("resourceNames need resources".to_owned());
        }
        Ok(())
    }

    fn fits(&self, user: Option<&User>, info: &RequestInfo) -> bool {
        let named = |user: &User| self.users.contains(&user.name);
        let grouped = |user: &User| user.groups.iter().any(|of| self.user_groups.contains(of));
        let verb = info.verb();
        (self.users.is_empty() || user.is_some_and(named))
            && (self.user_groups.is_empty() || user.is_some_and(grouped))
            && (self.verbs.is_empty() || self.verbs.iter().any(|known| known == verb))
            && self.fits_what(info)
    }

    fn fits_what(&self, info: &RequestInfo) -> bool {
        let of_resources = !self.namespaces.is_empty() || !self.resources.is_empty();
        match info {
            RequestInfo::Resource(of) if of_resources => {
                (self.namespaces.is_empty() || self.namespaces.contains(&of.namespace))
                    && (self.resources.is_empty() || self.resources.iter().any(|all| all.fit(of)))
            }
            RequestInfo::NonResource { path, .. } if !of_resources && !self.paths.is_empty() => {
                self.paths.iter().any(|pattern| match pattern.strip_suffix('*') {
                    Some(start) => path.starts_with(start),
                    None => path == pattern,
                })
            }
            _ => !of_resources && self.paths.is_empty(),
        }
    }
}

// === impl Resources ===

impl Resources {
    fn fit(&self, of: &ResourceInfo) -> bool {
        let group = self.group == "*" || self.group == of.group;
        let name = self.resource_names.is_empty() || self.resource_names.contains(&of.name);
        let known = |pattern: &String| match pattern.split_once('/') {
            _ if pattern == "*" => true,
            None => of.subresource.is_empty() && *pattern == of.resource,
            Some(("*", "*")) => true,
            Some(("*", sub)) => sub == of.subresource && !sub.is_empty(),
            Some((resource, "*")) => resource == of.resource,
            Some((resource, sub)) => resource == of.resource && sub == of.subresource,
        };
        group && (self.kinds.is_empty() || name && self.kinds.iter().any(known))
    }
}
