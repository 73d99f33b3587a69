use std::{fmt, str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

/// When faults are there. All conditions must hold; times count from the moment the faults were
/// set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct When {
    /// Not before so long.
    #[serde(deserialize_with = "crate::config::go_duration")]
    #[schemars(with = "String")]
    pub after: Duration,
    /// No longer than this.
    #[serde(rename = "for", deserialize_with = "crate::config::some_go_duration")]
    #[schemars(with = "Option<String>")]
    pub for_: Option<Duration>,
    /// Again, each time so long after the last time began.
    #[serde(deserialize_with = "crate::config::some_go_duration")]
    #[schemars(with = "Option<String>")]
    pub every: Option<Duration>,
    /// Not for the first so many requests, or connections where the fault is one of connections.
    pub after_requests: u64,
    /// For no more than so many of them.
    pub for_requests: Option<u64>,
    /// For each with this probability.
    #[serde(deserialize_with = "some_probability")]
    #[schemars(with = "Option<f64>")]
    pub probability: Option<Probability>,
}

/// A probability, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

/// A text that is not a probability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a probability: write 0 to 1, such as 0.25")]
pub struct ProbabilityError(String);

// === impl When ===

impl When {
    /// Whether the time is right when so much has passed, and since when.
    pub(super) fn is_time(self, passed: Duration) -> Option<Duration> {
        let begun = self.begun(passed)?;
        let within = passed.saturating_sub(begun);
        self.for_.is_none_or(|length| within < length).then_some(begun)
    }

    /// When the answer to [`When::is_time`] changes next, if it ever does.
    pub(super) fn next_change(self, passed: Duration) -> Option<Duration> {
        let Some(begun) = self.begun(passed) else { return Some(self.after) };
        let end = self.for_.map(|length| begun + length).filter(|end| *end > passed);
        let again = self.repeats().map(|every| begun + every);
        end.into_iter().chain(again).min()
    }

    pub(super) fn is_turn(self, number: u64) -> bool {
        number
            .checked_sub(self.after_requests)
            .is_some_and(|number| self.for_requests.is_none_or(|most| number < most))
    }

    /// The beginning of the last time that has begun.
    fn begun(self, passed: Duration) -> Option<Duration> {
        let since = passed.checked_sub(self.after)?;
        let within = match self.repeats() {
            Some(every) => Duration::from_nanos(
                u64::try_from(since.as_nanos() % every.as_nanos()).unwrap_or_default(),
            ),
            None => since,
        };
        Some(passed.saturating_sub(within))
    }

    fn repeats(self) -> Option<Duration> {
        self.every.filter(|every| !every.is_zero())
    }
}

// === impl Probability ===

impl Probability {
    const ONE: u32 = 1_000_000;

    /// Whether something so probable happens, by 16 random bits.
    pub(super) fn happens(self, random: u16) -> bool {
        u64::from(random) * u64::from(Self::ONE) < u64::from(self.0) * (u64::from(u16::MAX) + 1)
    }
}

impl FromStr for Probability {
    type Err = ProbabilityError;

    fn from_str(text: &str) -> Result<Self, ProbabilityError> {
        let value: f64 = text.parse().map_err(|_| ProbabilityError(text.to_owned()))?;
        if !(0.0..=1.0).contains(&value) {
            return Err(ProbabilityError(text.to_owned()));
        }
        Ok(Self((value * f64::from(Self::ONE)).round() as u32))
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / f64::from(Self::ONE))
    }
}

fn some_probability<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Probability>, D::Error> {
    let text = crate::config::text(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    /// The moments, in seconds, from which it is and is not time.
    fn changes(when: When) -> Vec<(u64, bool)> {
        let mut seen = vec![(0, when.is_time(Duration::ZERO).is_some())];
        let mut passed = Duration::ZERO;
        while let Some(next) = when.next_change(passed).filter(|_| seen.len() < 6) {
            assert!(next > passed, "{when:?} at {passed:?}");
            passed = next;
            seen.push((passed.as_secs(), when.is_time(passed).is_some()));
        }
        seen
    }

    #[test]
    fn times_begin_end_and_come_again() {
        let when = |after, length: Option<u64>, every: Option<u64>| When {
            after: seconds(after),
            for_: length.map(seconds),
            every: every.map(seconds),
            ..When::default()
        };
        assert_eq!(changes(when(0, None, None)), [(0, true)]);
        assert_eq!(changes(when(5, None, None)), [(0, false), (5, true)]);
        assert_eq!(changes(when(5, Some(10), None)), [(0, false), (5, true), (15, false)]);
        assert_eq!(
            changes(when(5, Some(10), Some(30))),
            [(0, false), (5, true), (15, false), (35, true), (45, false), (65, true)]
        );
        assert_eq!(when(5, Some(10), Some(30)).is_time(seconds(40)), Some(seconds(35)));
    }

    #[test]
    fn turns_are_counted_from_zero() {
        let when = When { after_requests: 2, for_requests: Some(3), ..When::default() };
        let turns: Vec<_> = (0..10).filter(|number| when.is_turn(*number)).collect();
        assert_eq!(turns, [2, 3, 4]);
    }

    #[test]
    fn what_is_certain_happens_and_what_is_impossible_does_not() {
        for random in [0, 1, u16::MAX / 2, u16::MAX] {
            assert!("1".parse::<Probability>().unwrap().happens(random));
            assert!(!"0".parse::<Probability>().unwrap().happens(random));
        }
        let half: Probability = "0.5".parse().unwrap();
        assert!(half.happens(32_767) && !half.happens(32_768));
        for text in ["2", "-0.1", "often", "NaN"] {
            assert!(text.parse::<Probability>().is_err(), "{text}");
        }
    }
}
