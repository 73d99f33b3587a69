//! Histogram buckets, as the Go server has them.

use std::time::Duration;

use prometheus::DEFAULT_BUCKETS;

/// Those of most histograms: 5 ms to 10 s.
pub(super) fn default() -> Vec<f64> {
    DEFAULT_BUCKETS.to_vec()
}

/// How old served metrics are: 1 s, and 1.364 times more each, up to six minutes.
pub(super) fn freshness() -> Vec<f64> {
    std::iter::successors(Some(1.0), |bucket| Some(bucket * 1.364)).take(20).collect()
}

/// How long requests to this server take: most are answered in a millisecond, LISTs of all pods
/// take longer.
pub(super) fn requests() -> Vec<f64> {
    [0.001].into_iter().chain(default()).chain([30.0, 60.0]).collect()
}

/// The default buckets, refined around `limit`, so that cycles that hit it stand out.
pub(super) fn around(limit: Duration) -> Vec<f64> {
    let (mut buckets, limit) = (default(), limit.as_secs_f64());
    let (smallest, largest) = (buckets[0], buckets[buckets.len() - 1]);
    if limit > largest {
        buckets.extend([largest + (limit - largest) / 2.0, limit, limit * 1.5, limit * 2.0]);
    } else {
        let at = buckets.partition_point(|bucket| *bucket < limit);
        // A bucket next to another one would add nothing.
        let is_near = |bucket: &f64| (bucket - limit).abs() < smallest;
        if !buckets.iter().any(is_near) {
            buckets.insert(at, limit);
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_have_buckets_around_their_limit() {
        let after_ten = |seconds| around(Duration::from_secs_f64(seconds)).split_off(11);
        assert_eq!(after_ten(60.0), [35.0, 60.0, 90.0, 120.0]);
        assert_eq!(after_ten(15.0), [12.5, 15.0, 22.5, 30.0]);
        assert!(after_ten(10.0).is_empty());
        assert!(around(Duration::from_secs(7)).contains(&7.0));
    }

    #[test]
    fn freshness_reaches_six_minutes() {
        let buckets = freshness();
        assert_eq!(buckets.len(), 20);
        assert!((buckets[19] - 364.0).abs() < 3.0, "{}", buckets[19]);
    }
}
