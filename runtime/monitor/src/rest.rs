//! How long a holder waits before it starts a worker again.
//!
//! One death is an accident, and the next worker starts at once. One that dies again soon would take the processor with
//! it; meanwhile everything is refused.

use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub struct Rest {
    until: Option<Instant>,
    /// Of the deaths that followed close on each other.
    deaths: u32,
    last: Option<Instant>,
}

/// A worker that lived longer died of something new.
const LONG_LIFE: Duration = Duration::from_secs(60);
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

impl Rest {
    pub fn worker_died(&mut self, now: Instant) {
        let soon = self.last.is_some_and(|last| now < last + LONG_LIFE);
        self.deaths = if soon {
            self.deaths.saturating_add(1)
        } else {
            0
        };
        self.last = Some(now);
        let pause = match self.deaths {
            0 => Duration::ZERO,
            deaths => FIRST.saturating_mul(1 << deaths.min(10)).min(LONGEST),
        };
        self.until = Some(now + pause);
    }

    pub fn left(&self, now: Instant) -> Duration {
        self.until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    pub fn is_over(&self, now: Instant) -> bool {
        self.left(now).is_zero()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_death_costs_nothing_and_the_next_ones_more_and_more() {
        let start = Instant::now();
        let mut rest = Rest::default();
        rest.worker_died(start);
        assert!(rest.is_over(start));
        let mut last = Duration::ZERO;
        for _ in 0..12 {
            rest.worker_died(start);
            assert!(rest.left(start) >= last && rest.left(start) <= LONGEST);
            last = rest.left(start);
        }
        assert_eq!(last, LONGEST);
        rest.worker_died(start + LONG_LIFE * 2);
        assert!(rest.is_over(start + LONG_LIFE * 2));
    }

    proptest! {
        #[test]
        fn no_sequence_of_deaths_starts_more_than_a_few_in_a_second(lives in prop::collection::vec(0_u64..50, 1..100)) {
            let start = Instant::now();
            let (mut now, mut rest, mut starts) = (start, Rest::default(), 0);
            for life in lives {
                now += Duration::from_millis(life);
                rest.worker_died(now);
                now += rest.left(now);
                starts += u32::from(now < start + Duration::from_secs(1));
            }
            prop_assert!(starts <= 4, "{starts}");
        }
    }
}
