//! When to dial again: full jitter, so that a fleet which lost its server
//! together does not come back together.
//!
//! Pure: randomness and the time a link lived are arguments.

use std::time::Duration;

use rand::Rng;

/// How patient an agent is. The defaults are for production; tests hurry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// The first failure waits up to this long, each further one up to twice as long.
    pub base: Duration,
    /// No wait is drawn from more than this.
    pub cap: Duration,
    /// After a link that was up for longer than [`settled`](Self::settled) is
    /// lost, the first wait is drawn from zero to this: the server may have lost
    /// ten thousand others in the same second.
    pub herd: Duration,
    /// A link that lived longer had been working.
    pub settled: Duration,
    /// A link that lived longer pays for the failures before it.
    pub forgiven: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(300),
            herd: Duration::from_secs(60),
            settled: Duration::from_secs(60),
            forgiven: Duration::from_secs(300),
        }
    }
}

/// Counts failures and says how long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pace: Pace,
    failures: u32,
}

impl Backoff {
    /// Nothing failed yet.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self { pace, failures: 0 }
    }

    /// The wait after a link that could not be made, or was refused with a time to wait.
    pub fn after_failure(&mut self, retry_after: Option<Duration>, rng: &mut impl Rng) -> Duration {
        let ceiling = self
            .pace
            .base
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(self.pace.cap);
        self.failures = self.failures.saturating_add(1);
        match retry_after.filter(|wait| !wait.is_zero()) {
            // Everybody was told the same number: spread out behind it.
            Some(wait) => wait.saturating_add(draw((wait / 4).max(ceiling), rng)),
            None => draw(ceiling, rng),
        }
    }

    /// The wait after a link that was up for `lived`.
    pub fn after_link(&mut self, lived: Duration, rng: &mut impl Rng) -> Duration {
        if lived > self.pace.forgiven {
            self.failures = 0;
        }
        if lived > self.pace.settled {
            draw(self.pace.herd, rng)
        } else {
            self.after_failure(None, rng)
        }
    }
}

fn draw(below: Duration, rng: &mut impl Rng) -> Duration {
    if below.is_zero() {
        below
    } else {
        rng.gen_range(Duration::ZERO..below)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    /// The longest of many draws of the wait that `draw` asks for anew each time.
    fn longest(mut draw: impl FnMut(&mut StdRng) -> Duration) -> Duration {
        let mut rng = rng();
        (0..2000).map(|_| draw(&mut rng)).max().unwrap()
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        for (failures, ceiling_s) in [(0, 1), (1, 2), (4, 16), (8, 256), (9, 300), (40, 300)] {
            let seen = longest(|rng| {
                let mut backoff = Backoff::new(Pace::default());
                backoff.failures = failures;
                backoff.after_failure(None, rng)
            });
            let ceiling = Duration::from_secs(ceiling_s);
            assert!(seen < ceiling, "{failures}: {seen:?}");
            assert!(
                seen > ceiling.mul_f32(0.95),
                "{failures}: {seen:?} is no full jitter"
            );
        }
    }

    #[test]
    fn the_first_wait_after_a_settled_link_is_spread_over_the_herd_time() {
        let seen =
            longest(|rng| Backoff::new(Pace::default()).after_link(Duration::from_secs(61), rng));
        assert!(
            seen > Duration::from_secs(55) && seen < Duration::from_secs(60),
            "{seen:?}"
        );
    }

    #[test]
    fn a_link_that_died_young_counts_as_a_failure() {
        let mut backoff = Backoff::new(Pace::default());
        backoff.after_link(Duration::from_secs(59), &mut rng());
        assert_eq!(backoff.failures, 1);
    }

    #[test]
    fn only_a_link_that_lived_long_forgives_the_failures_before_it() {
        let mut backoff = Backoff::new(Pace::default());
        backoff.failures = 6;
        backoff.after_link(Duration::from_secs(299), &mut rng());
        assert_eq!(backoff.failures, 6);
        backoff.after_link(Duration::from_secs(301), &mut rng());
        assert_eq!(backoff.failures, 0);
    }

    #[test]
    fn a_time_to_wait_is_obeyed_and_spread_out_behind() {
        let wait = Duration::from_secs(100);
        let mut rng = rng();
        let drawn: Vec<_> = (0..500)
            .map(|_| Backoff::new(Pace::default()).after_failure(Some(wait), &mut rng))
            .collect();
        assert!(drawn.iter().all(|drawn| *drawn >= wait));
        assert!(drawn.iter().any(|drawn| *drawn > Duration::from_secs(120)));
        assert!(drawn.iter().all(|drawn| *drawn < Duration::from_secs(125)));
    }
}
