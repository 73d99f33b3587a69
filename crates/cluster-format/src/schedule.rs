//! When something happens.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::values::In;

/// When something happens. Times count from the moment it is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// Not before this long. Default: 0s.
    pub after: Option<In<Duration>>,
    /// No longer than this. Default: for good.
    #[serde(rename = "for")]
    pub for_: Option<In<Duration>>,
    /// Again, each time this long after the last time began. Default: never again.
    pub every: Option<In<Duration>>,
}

// === impl Schedule ===

impl Schedule {
    /// Whether it is time, this long after it was set.
    pub fn is_active(&self, passed: Duration) -> bool {
        self.active_since(passed).is_some()
    }

    /// Since when it has been time, this long after it was set; `None` when it is not.
    pub fn active_since(&self, passed: Duration) -> Option<Duration> {
        let begun = self.begun(passed)?;
        let within = passed.saturating_sub(begun);
        self.for_.is_none_or(|length| within < length.0).then_some(begun)
    }

    /// When [`Schedule::is_active`] changes next, if ever.
    pub fn next_change(&self, passed: Duration) -> Option<Duration> {
        let Some(begun) = self.begun(passed) else { return Some(self.after()) };
        let end = self.for_.map(|length| begun + length.0).filter(|end| *end > passed);
        let again = self.period().map(|every| begun + every);
        end.into_iter().chain(again).min()
    }

    /// The beginning of the last time that has begun.
    fn begun(&self, passed: Duration) -> Option<Duration> {
        let since = passed.checked_sub(self.after())?;
        let within = match self.period() {
            Some(every) => Duration::from_nanos(
                u64::try_from(since.as_nanos() % every.as_nanos()).unwrap_or_default(),
            ),
            None => since,
        };
        Some(passed.saturating_sub(within))
    }

    fn after(&self) -> Duration {
        self.after.map_or(Duration::ZERO, |after| after.0)
    }

    fn period(&self) -> Option<Duration> {
        self.every.map(|every| every.0).filter(|every| !every.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    /// The moments, in seconds, from which it is and is not time.
    fn changes(schedule: Schedule) -> Vec<(u64, bool)> {
        let mut seen = vec![(0, schedule.is_active(Duration::ZERO))];
        let mut passed = Duration::ZERO;
        while let Some(next) = schedule.next_change(passed).filter(|_| seen.len() < 6) {
            assert!(next > passed, "{schedule:?} at {passed:?}");
            passed = next;
            seen.push((passed.as_secs(), schedule.is_active(passed)));
        }
        seen
    }

    #[test]
    fn schedules_begin_end_and_repeat() {
        let schedule = |after, length: Option<u64>, every: Option<u64>| Schedule {
            after: Some(In(seconds(after))),
            for_: length.map(seconds).map(In),
            every: every.map(seconds).map(In),
        };
        assert_eq!(changes(Schedule::default()), [(0, true)]);
        assert_eq!(changes(schedule(5, None, None)), [(0, false), (5, true)]);
        assert_eq!(changes(schedule(5, Some(10), None)), [(0, false), (5, true), (15, false)]);
        assert_eq!(
            changes(schedule(5, Some(10), Some(30))),
            [(0, false), (5, true), (15, false), (35, true), (45, false), (65, true)]
        );
        assert_eq!(schedule(5, Some(10), Some(30)).active_since(seconds(40)), Some(seconds(35)));
    }
}
