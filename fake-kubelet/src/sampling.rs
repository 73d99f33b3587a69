//! When a kubelet measures.

use std::time::Duration;

use jiff::Timestamp;

/// The moments at which a kubelet measures. What it serves is what it measured last, with that
/// moment as its timestamp; real kubelets do so about every 10 to 15 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// From one sample to the next. Zero: at each request.
    pub every: Duration,
    /// The offset of samples from whole multiples of `every` since the Unix epoch.
    pub offset: Duration,
    /// Whether each object is measured at its own time, as by the recorded kubelet: the node and
    /// each pod one after another, containers at the request. Otherwise all are measured at once.
    pub apart: bool,
}

// === impl Sampling ===

impl Default for Sampling {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), offset: Duration::ZERO, apart: false }
    }
}

impl Sampling {
    /// When the object with this number was measured last before `now`, in whole milliseconds.
    pub(crate) fn last_turn(self, number: u64, now: Timestamp) -> Timestamp {
        let every = u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX).max(1);
        let offset = self.offset + Duration::from_millis(number % every);
        Self { offset, ..self }.last(now)
    }

    /// The last sample's moment, as seen at `now`.
    pub fn last(self, now: Timestamp) -> Timestamp {
        let every = i128::try_from(self.every.as_nanos()).unwrap_or(i128::MAX);
        if every == 0 {
            return now;
        }
        let offset = i128::try_from(self.offset.as_nanos()).unwrap_or(0);
        let since = (now.as_nanosecond() - offset).rem_euclid(every);
        Timestamp::from_nanosecond(now.as_nanosecond() - since).unwrap_or(Timestamp::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sample_is_at_or_before_now() {
        let cases = [
            (10_000, 0, "2019-01-04T09:53:00Z", "2019-01-04T09:53:00Z"),
            (10_000, 0, "2019-01-04T09:53:09.999Z", "2019-01-04T09:53:00Z"),
            (10_000, 0, "2019-01-04T09:53:10Z", "2019-01-04T09:53:10Z"),
            (10_000, 3_000, "2019-01-04T09:53:02Z", "2019-01-04T09:52:53Z"),
            (10_000, 3_000, "2019-01-04T09:53:03Z", "2019-01-04T09:53:03Z"),
            (15_000, 250, "2019-01-04T09:53:31Z", "2019-01-04T09:53:30.25Z"),
            (10_000, 0, "1969-12-31T23:59:51Z", "1969-12-31T23:59:50Z"),
            (0, 0, "2019-01-04T09:53:02.5Z", "2019-01-04T09:53:02.5Z"),
        ];
        for (every, offset, now, last) in cases {
            let sampling = Sampling {
                every: Duration::from_millis(every),
                offset: Duration::from_millis(offset),
                apart: false,
            };
            let now: Timestamp = now.parse().unwrap();
            assert_eq!(sampling.last(now).to_string(), last, "{sampling:?} at {now}");
        }
    }
}
