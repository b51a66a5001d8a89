//! What is held back until a person says so, where each look has to cost nothing; the file has it, too (rules D2, D3).

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Instant;

/// What may not happen now.
pub struct Holds {
    is_restored: AtomicBool,
    is_clock_doubted: AtomicBool,
    /// Another copy of the file is in charge.
    is_closed: AtomicBool,
    /// The original of this copy may have sent things between these moments; `i64::MIN`: it is no copy.
    since_ms: AtomicI64,
    until_ms: AtomicI64,
    /// `None`: there is no fence.
    fence: Mutex<Option<Sight>>,
}

/// The fence as it was last seen, by this machine's own count of time.
struct Sight {
    seen_at: std::time::Instant,
    /// Unseen for longer, another copy may be in charge.
    patience: Duration,
    /// Of the last look, if it failed.
    why: Option<String>,
}

impl Holds {
    #[must_use]
    pub fn new(is_restored: bool, is_clock_doubted: bool, gap: Option<(Instant, Instant)>) -> Self {
        Self {
            is_restored: AtomicBool::new(is_restored),
            is_clock_doubted: AtomicBool::new(is_clock_doubted),
            is_closed: AtomicBool::new(false),
            since_ms: AtomicI64::new(gap.map_or(i64::MIN, |(since, _)| since.ms())),
            until_ms: AtomicI64::new(gap.map_or(i64::MIN, |(_, until)| until.ms())),
            fence: Mutex::default(),
        }
    }

    /// Webhooks and mails may leave.
    #[must_use]
    pub fn may_tell(&self) -> bool {
        !self.is_restored.load(Ordering::Acquire) && !self.is_closed.load(Ordering::Acquire)
    }

    /// Usage may be closed: the clock can be believed.
    #[must_use]
    pub fn may_close(&self) -> bool {
        !self.is_clock_doubted.load(Ordering::Acquire) && !self.is_closed.load(Ordering::Acquire)
    }

    /// Usage may be pushed.
    #[must_use]
    pub fn may_push(&self) -> bool {
        self.may_tell() && self.may_close() && self.fence_fault().is_none()
    }

    /// There is a fence, which was seen just now and has to be seen again within `patience`.
    pub fn watch_fence(&self, patience: Duration) {
        *self.fence() = Some(Sight { seen_at: std::time::Instant::now(), patience, why: None });
    }

    /// A look at the fence: this copy is in charge (`None`), or why that was not to be seen.
    pub fn look_at_fence(&self, failure: Option<String>) {
        if let Some(sight) = &mut *self.fence() {
            if failure.is_none() {
                sight.seen_at = std::time::Instant::now();
            }
            sight.why = failure;
        }
    }

    /// Why it is not known whether another copy is in charge; a look that never comes back is a reason, too.
    #[must_use]
    pub fn fence_fault(&self) -> Option<String> {
        let sight = self.fence();
        let lost = sight.as_ref().filter(|sight| sight.seen_at.elapsed() > sight.patience)?;
        Some(lost.why.clone().unwrap_or_else(|| "whoever holds it does not answer".to_owned()))
    }

    fn fence(&self) -> MutexGuard<'_, Option<Sight>> {
        self.fence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another copy of the file is in charge: nothing may happen here any more.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    #[must_use]
    pub fn is_clock_doubted(&self) -> bool {
        self.is_clock_doubted.load(Ordering::Acquire)
    }

    pub fn doubt_clock(&self) {
        self.is_clock_doubted.store(true, Ordering::Release);
    }

    pub fn trust_clock(&self) {
        self.is_clock_doubted.store(false, Ordering::Release);
    }

    pub fn trust_copy(&self) {
        self.is_restored.store(false, Ordering::Release);
    }

    /// Between which moments the original of this copy may have sent things.
    #[must_use]
    pub fn gap(&self) -> Option<(Instant, Instant)> {
        let until = self.until_ms.load(Ordering::Acquire);
        (until > i64::MIN).then(|| (Instant::from_ms(self.since_ms.load(Ordering::Acquire)), Instant::from_ms(until)))
    }

    /// The file was emptied.
    pub fn forget(&self) {
        self.trust_clock();
        self.trust_copy();
        self.until_ms.store(i64::MIN, Ordering::Release);
    }
}

/// The clock beside the machine's own count of time, which nobody sets (rules D3).
#[derive(Default)]
pub struct Pulse {
    /// Whether anybody looks: a simulator's clock moves because it is told to.
    is_felt: bool,
    last: Mutex<Option<(Instant, std::time::Instant)>>,
}

impl Pulse {
    /// A clock that goes further in a moment than this was set.
    pub const STEP_MS: i64 = 60_000;

    #[must_use]
    pub fn new(is_felt: bool) -> Self {
        Self { is_felt, last: Mutex::default() }
    }

    /// How far the clock is from where it should be by the last look at which it was right. A small difference is taken
    /// for right, so that many of them never become a great one.
    #[must_use]
    pub fn step_ms(&self, now: Instant) -> i64 {
        self.step_at(now, std::time::Instant::now())
    }

    fn step_at(&self, now: Instant, count: std::time::Instant) -> i64 {
        if !self.is_felt {
            return 0;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let step = last.map_or(0, |(then, since)| {
            let passed = i64::try_from(count.saturating_duration_since(since).as_millis()).unwrap_or(i64::MAX);
            now.since_ms(then).saturating_sub(passed)
        });
        if step.abs() > Self::STEP_MS {
            return step;
        }
        *last = Some((now, count));
        0
    }

    /// The clock is right as it is now.
    pub fn restart(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether there was a look at which it was right.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_pushed_while_the_fence_is_out_of_sight_and_looks_that_never_end_are_none() {
        let holds = Holds::new(false, false, None);
        assert!(holds.may_push(), "there is none");
        holds.watch_fence(Duration::ZERO);
        assert!(!holds.may_push() && holds.may_tell() && holds.may_close());
        assert!(holds.fence_fault().is_some_and(|why| why.contains("does not answer")));
        holds.look_at_fence(Some("not mounted".to_owned()));
        assert_eq!(holds.fence_fault().as_deref(), Some("not mounted"));
        holds.watch_fence(Duration::from_mins(1));
        holds.look_at_fence(Some("not mounted".to_owned()));
        assert!(holds.may_push(), "a hiccup is nothing");
        holds.look_at_fence(None);
        assert!(holds.may_push());
    }

    #[test]
    fn a_clock_that_was_set_is_seen_and_one_that_drifts_or_comes_back_is_not() {
        let (pulse, start) = (Pulse::new(true), std::time::Instant::now());
        let at = |secs: i64| Instant::from_ms(1_700_000_000_000 + secs * 1_000);
        let look = |wall: i64, count: u64| pulse.step_at(at(wall), start + Duration::from_secs(count)) / 1_000;
        assert_eq!(look(0, 0), 0);
        assert_eq!(look(3_600, 3_600), 0, "an hour's sleep is no step");
        for minute in 1..100_u64 {
            let drifted = i64::try_from(minute * 90).unwrap_or_default();
            assert_eq!(look(3_600 + drifted, 3_600 + minute * 60), 0, "half a minute aside each minute");
        }
        let (wall, count) = (3_600 + 99 * 90, 3_600 + 99 * 60);
        assert_eq!(look(wall + 61, count), 61);
        assert_eq!(look(wall + 7_200, count + 10), 7_190, "it stays seen");
        assert_eq!(look(wall - 7_200, count + 20), -7_220);
        assert_eq!(look(wall + 30, count + 30), 0, "and is over when it is back");
        pulse.restart();
        assert_eq!(look(wall + 90_000, count + 40), 0, "somebody said that it is right");
        assert_eq!(Pulse::new(false).step_at(at(90_000), start), 0);
    }
}
