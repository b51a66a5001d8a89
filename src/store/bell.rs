//! Wakes who works on jobs, after the COMMIT that made there be some.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Rung by the writer for every group in which a job was written: nobody who writes one can forget to.
#[derive(Default)]
pub struct Bell {
    /// How often it was rung.
    rings: Mutex<u64>,
    heard: Condvar,
    is_stopping: AtomicBool,
}

impl Bell {
    pub fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.heard.notify_all();
    }

    /// Rings for the last time: who hears it stops.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.ring();
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Naps until it was rung more often than `known`, or as long as this; how often it was.
    pub fn wait(&self, known: u64, longest: Duration) -> u64 {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let (rings, _) = self
            .heard
            .wait_timeout_while(rings, longest, |rings| *rings <= known)
            .unwrap_or_else(PoisonError::into_inner);
        *rings
    }
}
