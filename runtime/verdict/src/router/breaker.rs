//! When a service that does not answer is left alone.
//!
//! Three failures in a row, or more than half of the last twenty calls, open it; an answer beyond the budget is a failure.
//! While it is open nobody waits. Then one probe with a made-up question is sent, and only its answer closes it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub struct Breaker {
    state: State,
    /// The latest last; whether they failed.
    calls: VecDeque<bool>,
    /// How long it stays open the next time.
    pause: Duration,
    random: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
    },
    /// A probe is on its way.
    Probing,
}

/// What to do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Call,
    /// Nobody is called.
    Around,
    /// Nobody is called, and whoever is told this sends the probe.
    AroundAndProbe,
}

impl Breaker {
    /// `seed` spreads the probes of many routers.
    pub fn new(seed: u64) -> Self {
        Self {
            state: State::Closed,
            calls: VecDeque::with_capacity(WINDOW),
            pause: FIRST_PAUSE,
            random: seed | 1,
        }
    }

    pub fn route(&mut self, now: Instant) -> Route {
        match self.state {
            State::Closed => Route::Call,
            State::Open { until } if now >= until => {
                self.state = State::Probing;
                Route::AroundAndProbe
            }
            State::Open { .. } | State::Probing => Route::Around,
        }
    }

    /// How a call ended. One that was under way when it opened says nothing new.
    pub fn called(&mut self, failed: bool, now: Instant) {
        if self.state != State::Closed {
            return;
        }
        if self.calls.len() == WINDOW {
            self.calls.pop_front();
        }
        self.calls.push_back(failed);
        let in_a_row = self
            .calls
            .iter()
            .rev()
            .take_while(|failed| **failed)
            .count();
        let failures = self.calls.iter().filter(|failed| **failed).count();
        let most_failed = self.calls.len() == WINDOW && failures * 2 > WINDOW;
        if in_a_row >= IN_A_ROW || most_failed {
            self.open(now);
        }
    }

    /// How the probe ended.
    pub fn probed(&mut self, failed: bool, now: Instant) {
        if self.state != State::Probing {
            return;
        }
        if failed {
            self.open(now);
        } else {
            self.state = State::Closed;
            self.pause = FIRST_PAUSE;
        }
    }

    fn open(&mut self, now: Instant) {
        let until = now + self.pause - self.jitter();
        self.state = State::Open { until };
        self.calls.clear();
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Up to a quarter of the pause: services that fail together are not all probed at once.
    fn jitter(&mut self) -> Duration {
        // xorshift: no secret hangs on it
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let part = u32::try_from(self.random % 256).unwrap_or(0);
        self.pause / 4 * part / 256
    }
}

const IN_A_ROW: usize = 3;
const WINDOW: usize = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn break_it(breaker: &mut Breaker, now: Instant) {
        for _ in 0..IN_A_ROW {
            breaker.called(true, now);
        }
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_two_do_not() {
        let now = Instant::now();
        let mut breaker = Breaker::new(7);
        for failed in [true, true, false, true, true] {
            breaker.called(failed, now);
            assert_eq!(breaker.route(now), Route::Call);
        }
        breaker.called(true, now);
        assert_eq!(breaker.route(now), Route::Around);
    }

    #[test]
    fn more_than_half_of_twenty_open_it_and_half_do_not() {
        let now = Instant::now();
        let mut breaker = Breaker::new(7);
        for call in 0..20 {
            breaker.called(call % 2 == 0, now);
            assert_eq!(breaker.route(now), Route::Call, "{call}");
        }
        // the oldest, a failure, goes; then a success goes and a second failure in a row comes
        breaker.called(true, now);
        assert_eq!(breaker.route(now), Route::Call);
        breaker.called(true, now);
        assert_eq!(breaker.route(now), Route::Around);
    }

    #[test]
    fn one_probe_is_sent_and_its_answer_closes_it() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(7);
        break_it(&mut breaker, now);
        now += FIRST_PAUSE;
        assert_eq!(breaker.route(now), Route::AroundAndProbe);
        assert_eq!(breaker.route(now), Route::Around, "one probe");
        breaker.probed(false, now);
        assert_eq!(breaker.route(now), Route::Call);
    }

    #[test]
    fn pauses_grow_up_to_their_bound_and_start_anew() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(7);
        break_it(&mut breaker, now);
        for pause in [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
            let pause = Duration::from_millis(pause);
            assert_eq!(
                breaker.route(now + pause * 3 / 4 - Duration::from_millis(1)),
                Route::Around
            );
            now += pause;
            assert_eq!(breaker.route(now), Route::AroundAndProbe, "{pause:?}");
            breaker.probed(true, now);
        }
        now += LONGEST_PAUSE;
        assert_eq!(breaker.route(now), Route::AroundAndProbe);
        breaker.probed(false, now);
        break_it(&mut breaker, now);
        assert_eq!(breaker.route(now + FIRST_PAUSE), Route::AroundAndProbe);
    }

    proptest! {
        /// Whatever happens, it comes back: no sequence leaves it shut for longer than its longest pause.
        #[test]
        fn it_is_never_stuck(events in prop::collection::vec((any::<bool>(), 0_u64..40_000), 0..60), seed: u64) {
            let mut now = Instant::now();
            let mut breaker = Breaker::new(seed);
            for (failed, wait) in events {
                now += Duration::from_millis(wait);
                match breaker.route(now) {
                    Route::Call => breaker.called(failed, now),
                    Route::AroundAndProbe => breaker.probed(failed, now),
                    Route::Around => {}
                }
            }
            prop_assert_ne!(breaker.route(now + LONGEST_PAUSE), Route::Around);
        }
    }
}
