//! Whether they may: masters may all, some paths are open to all, and of the rest the API server
//! says.

use std::{sync::Arc, time::Duration};

use super::{
    Attributes, MASTERS, Settings, SettingsError, User,
    cache::{Answer, Cache, Hasher},
    open_paths::OpenPaths,
    reviews::{Decision, ReviewError, Reviewer, question},
};

/// Finds out whether somebody may do something.
pub(super) struct Authorizer {
    open: OpenPaths,
    reviewer: Arc<Reviewer>,
    hasher: Hasher,
    decisions: Arc<Cache<Decision, ReviewError>>,
    allowed_ttl: Duration,
    refused_ttl: Duration,
}

// === impl Authorizer ===

impl Authorizer {
    pub(super) fn new(
        settings: &Settings,
        reviewer: Arc<Reviewer>,
        hasher: Hasher,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            open: OpenPaths::parse(&settings.always_allow_paths)?,
            reviewer,
            hasher,
            decisions: Cache::new(),
            allowed_ttl: settings.authorized_ttl,
            refused_ttl: settings.unauthorized_ttl,
        })
    }

    pub(super) async fn decide(
        &self,
        user: &User,
        attributes: &Attributes,
    ) -> Result<Decision, ReviewError> {
        if user.is_in(MASTERS) || self.open.allow(attributes) {
            return Ok(Decision { allowed: true, reason: String::new() });
        }
        let question = question(user, attributes);
        // Strings and lists of them always are JSON.
        let key = self.hasher.key(&serde_json::to_vec(&question).unwrap_or_default());
        let (reviewer, ttls) = (self.reviewer.clone(), (self.allowed_ttl, self.refused_ttl));
        let ask = async move {
            let value = reviewer.access(question).await?;
            Ok(Answer { holds: if value.allowed { ttls.0 } else { ttls.1 }, value })
        };
        self.decisions.answer(key, ask).await
    }
}
