//! Which of a node's addresses is used: the preferred one, or another one that worked while the
//! preferred one did not.

use std::time::Duration;

use diagnosis::Cause;
use net::Random;
use tokio::time::Instant;

use super::{Diagnosis, Known, ScrapeError, target::Target};

/// After how long the preferred address is tried again: doubling from the first to the longest,
/// each with up to half as much again, so that nodes that lost theirs together do not try together.
const FIRST_RETRY: Duration = Duration::from_mins(1);
const LONGEST_RETRY: Duration = Duration::from_mins(10);

/// The address in use for one node.
#[derive(Debug, Default)]
pub(super) struct AddressChoice {
    detour: Option<Detour>,
}

/// An address that is used instead of the preferred one.
#[derive(Debug)]
struct Detour {
    preferred: String,
    instead: String,
    /// Why the preferred one is not used.
    cause: Cause,
    retry_at: Instant,
    wait: Duration,
}

// === impl AddressChoice ===

impl AddressChoice {
    /// The order in which to try `targets`, which are in the order of preference.
    pub(super) fn order(&mut self, targets: &[Target]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..targets.len()).collect();
        let place = |authority: &str| targets.iter().position(|t| t.authority() == authority);
        let in_use = self
            .detour
            .as_ref()
            .and_then(|detour| Some((place(&detour.preferred)?, place(&detour.instead)?, detour)));
        match in_use {
            Some((0, instead, detour)) => {
                order.retain(|at| *at != instead);
                let first = usize::from(Instant::now() >= detour.retry_at);
                order.insert(first, instead);
            }
            // The node's addresses have changed: the choice among the old ones does not count.
            _ => self.detour = None,
        }
        order
    }

    /// A node's kubelet responds at `target`, after `failed` did not; logs it when that is a
    /// change.
    pub(super) fn settle(
        &mut self,
        known: &Known<'_>,
        preferred: &Target,
        target: &Target,
        failed: &[ScrapeError],
        random: &Random,
    ) {
        let (preferred, used) = (preferred.authority(), target.authority());
        if preferred == used {
            if self.detour.take().is_some() {
                tracing::info!(
                    node = known.node.name,
                    address = used,
                    "The kubelet can be reached at its preferred address again"
                );
            }
            return;
        }
        let before = self.detour.take();
        // The preferred address was not tried this time.
        let Some(error) = failed.iter().find(|error| error.is_at(&preferred)) else {
            self.detour = before.map(|detour| Detour { instead: used, ..detour });
            return;
        };
        let Diagnosis { cause, cure, .. } = error.diagnose(known);
        let is_news = before.as_ref().is_none_or(|old| old.instead != used || old.cause != cause);
        if is_news {
            tracing::warn!(node = known.node.name, address = preferred, err = %error, instead = used, cure = &*cure, "The kubelet cannot be reached at its preferred address, using another address");
        }
        let wait = before.map_or(FIRST_RETRY, |old| (old.wait * 2).min(LONGEST_RETRY));
        let retry_at = Instant::now() + wait + random.below(wait / 2);
        self.detour = Some(Detour { preferred, instead: used, cause, retry_at, wait });
    }
}
