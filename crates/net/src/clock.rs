use jiff::Timestamp;
use rustls::{pki_types::UnixTime, time_provider::TimeProvider};
use tokio::time::Instant;

/// The one source of wall-clock time. Waiting is tokio's business: in a simulated world its clock
/// is paused and jumps, and this clock follows it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    FollowsTokio { start: Timestamp, origin: Instant },
}

// === impl Clock ===

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that starts at `start` and advances with tokio's clock.
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Source::FollowsTokio { start, origin: Instant::now() })
    }

    /// The present moment.
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::FollowsTokio { start, origin } => {
                start.saturating_add(origin.elapsed()).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

/// So that certificates are verified by the same clock as everything else.
impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let since_epoch = self.now().duration_since(Timestamp::UNIX_EPOCH);
        since_epoch.try_into().ok().map(UnixTime::since_unix_epoch)
    }
}
