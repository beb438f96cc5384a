//! How long the same work took, many times.

use std::time::Duration;

use serde::Serialize;

/// One after the other, by the clock of who waits for it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Times {
    /// What one caller gets who waits for each.
    pub per_second: f64,
    /// Half are faster.
    pub p50_ms: f64,
    /// One in a hundred is slower.
    pub p99_ms: f64,
}

impl Times {
    /// Of one at least.
    pub(super) fn of(mut took: Vec<Duration>) -> Self {
        took.sort();
        let total: Duration = took.iter().sum();
        Self {
            per_second: took.len() as f64 / total.as_secs_f64(),
            p50_ms: milliseconds(percentile(&took, 50)),
            p99_ms: milliseconds(percentile(&took, 99)),
        }
    }
}

/// By nearest rank.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank.saturating_sub(1)]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let took: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&took, 50), Duration::from_millis(50));
        assert_eq!(percentile(&took, 99), Duration::from_millis(99));
        assert_eq!(percentile(&took[..1], 99), Duration::from_millis(1));
    }

    #[test]
    fn the_rate_is_that_of_one_after_the_other() {
        let times = Times::of(vec![Duration::from_millis(300), Duration::from_millis(100)]);
        assert!((times.per_second - 5.0).abs() < 1e-9);
        assert!((times.p50_ms - 100.0).abs() < 1e-9);
    }
}
