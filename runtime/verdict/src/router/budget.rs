//! How many questions of a container reach a service in a window.

use std::collections::VecDeque;
use std::time::Duration;

use sevorix_policy::Window;
use tokio::time::Instant;

#[derive(Debug)]
pub struct Budget {
    count: usize,
    window: Duration,
    /// When the questions of the last window were put, the oldest first.
    spent: VecDeque<Instant>,
}

impl Budget {
    pub fn new(window: Window) -> Self {
        Self {
            count: usize::try_from(window.count.get()).unwrap_or(usize::MAX),
            window: Duration::from_secs(u64::from(window.seconds.get())),
            spent: VecDeque::new(),
        }
    }

    /// Whether one more may be put now.
    #[must_use]
    pub fn spend(&mut self, now: Instant) -> bool {
        while self
            .spent
            .front()
            .is_some_and(|put| now >= *put + self.window)
        {
            self.spent.pop_front();
        }
        let fits = self.spent.len() < self.count;
        if fits {
            self.spent.push_back(now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn budget(count: u32, seconds: u32) -> Budget {
        let [count, seconds] =
            [count, seconds].map(|number| NonZeroU32::new(number).expect("some"));
        Budget::new(Window { count, seconds })
    }

    #[test]
    fn what_was_spent_comes_back_after_the_window() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = budget(2, 10);
        assert_eq!(
            [0, 5, 9].map(|second| budget.spend(at(second))),
            [true, true, false]
        );
        assert_eq!(
            [10, 14, 15].map(|second| budget.spend(at(second))),
            [true, false, true]
        );
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_budget(waits in prop::collection::vec(0_u64..4_000, 0..80)) {
            let mut now = Instant::now();
            let mut budget = budget(5, 10);
            let mut put = Vec::new();
            for wait in waits {
                now += Duration::from_millis(wait);
                if budget.spend(now) {
                    put.push(now);
                }
            }
            for window in put.windows(6) {
                prop_assert!(window[5] - window[0] >= Duration::from_secs(10));
            }
        }
    }
}
