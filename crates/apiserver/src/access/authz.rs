//! Authorization: `system:masters` may do everything, always-allow paths need none, and all else is
//! a SubjectAccessReview.

mod always_allow_paths;

use std::{sync::Arc, time::Duration};

use self::always_allow_paths::AlwaysAllowPaths;
use super::{
    MASTERS, RequestInfo, Settings, SettingsError, User,
    review::{Decision, ReviewError, Reviewer, subject_access_review},
    review_cache::{Cache, Cached, Hasher},
    review_queue::Caller,
};
use crate::serving::Peer;

/// Authorizes requests.
pub(super) struct Authorizer {
    always_allow: AlwaysAllowPaths,
    reviewer: Arc<Reviewer>,
    hasher: Hasher,
    decisions: Arc<Cache<Decision, ReviewError>>,
    allowed_ttl: Duration,
    denied_ttl: Duration,
}

// === impl Authorizer ===

impl Authorizer {
    pub(super) fn new(
        settings: &Settings,
        reviewer: Arc<Reviewer>,
        hasher: Hasher,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            always_allow: AlwaysAllowPaths::parse(&settings.always_allow_paths)?,
            reviewer,
            hasher,
            decisions: Cache::new(),
            allowed_ttl: settings.authorized_ttl,
            denied_ttl: settings.unauthorized_ttl,
        })
    }

    /// Whether the request needs no authorization.
    pub(super) fn always_allows(&self, info: &RequestInfo) -> bool {
        self.always_allow.contains(info)
    }

    pub(super) async fn decide(
        &self,
        user: &User,
        info: &RequestInfo,
        peer: Option<&Peer>,
    ) -> Result<Decision, ReviewError> {
        if user.is_in(MASTERS) || self.always_allows(info) {
            return Ok(Decision { allowed: true, reason: String::new() });
        }
        let caller = if user.is_anonymous() {
            Caller::Address(peer.map(|peer| peer.address.ip()))
        } else {
            Caller::User(user.name.clone())
        };
        let review = subject_access_review(user, info);
        // Strings and lists of strings always serialize.
        let key = self.hasher.key(&serde_json::to_vec(&review).unwrap_or_default());
        let (reviewer, ttls) = (self.reviewer.clone(), (self.allowed_ttl, self.denied_ttl));
        let lookup = async move {
            let value = reviewer.access(review, caller).await?;
            Ok(Cached { ttl: if value.allowed { ttls.0 } else { ttls.1 }, value })
        };
        self.decisions.get_or_lookup(key, lookup).await
    }
}
