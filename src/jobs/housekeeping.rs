//! Forgetting what nobody can use any more, a few rows at a time.

use super::watch;
use crate::app::App;
use crate::clock::Instant;
use crate::usecase;

/// How often it runs, on the app's clock.
const EVERY_MS: i64 = 60_000;
/// Rows per table and run, each table in a write of its own (rules D1).
const ROWS: u32 = 200;

#[derive(Default)]
pub struct Housekeeping {
    last: Instant,
}

impl Housekeeping {
    pub fn run_if_due(&mut self, app: &App) {
        let now = app.now();
        if !super::is_due(self.last, now, EVERY_MS) {
            return;
        }
        self.last = now;
        app.limits.forget_quiet();
        // A clock that is ahead must not have anything forgotten (rules D3).
        if !watch::look_at_clock(app) {
            return;
        }
        let done = usecase::FORGET.iter().try_fold(0, |rows, forget| {
            app.store.write_blocking(move |tx| forget(tx, now, ROWS)).map(|more| rows + more)
        });
        match done {
            Ok(rows) => tracing::debug!(rows, "housekeeping"),
            Err(cause) => tracing::warn!(%cause, "housekeeping failed"),
        }
    }
}
