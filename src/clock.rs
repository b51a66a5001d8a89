//! The only place that asks the system for the time. Everything else is handed an [`Instant`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use crate::domain::value::Instant;

/// The system's clock, or one that a simulator moves forward.
#[derive(Clone, Default)]
pub struct Clock {
    /// Milliseconds that this clock is ahead of the system's. Decreases only where everything begins anew.
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that agrees with the system's.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The present, with milliseconds.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.real_now().plus_ms(self.ahead_ms.load(Ordering::Acquire))
    }

    /// The system's own present: for leases and whatever else is about this machine's work (rules D3).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn real_now(&self) -> Instant {
        Instant::from_ms(jiff::Timestamp::now().as_millisecond())
    }

    /// Moves the clock so that it shows at least `to`; a clock that is already past it stays where it is.
    pub fn advance_to(&self, to: Instant) {
        let missing = to.ms() - self.now().ms();
        if missing > 0 {
            self.ahead_ms.fetch_add(missing, Ordering::AcqRel);
        }
    }

    /// Sets the clock to `to`, back as well: for a demo or a fixture that begins anew (rules D4), and nobody else.
    pub fn restart_at(&self, to: Instant) {
        self.ahead_ms.store(to.since_ms(self.real_now()), Ordering::Release);
    }

    /// How far this clock is ahead of the system's, in milliseconds.
    #[must_use]
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Acquire)
    }
}
