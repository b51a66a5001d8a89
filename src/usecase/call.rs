//! How long the marketplace's calls are kept (rules D6).

use crate::domain::subscription::State;
use crate::domain::value::{DAY_MS, Instant};
use crate::error::Result;
use crate::market::call::erased;
use crate::store::subscription::Subscription;
use crate::store::{Tx, call};

/// Calls of a subscription, from its release.
const KEEP_MS: i64 = 400 * DAY_MS;
/// What somebody typed in a call, and what was turned away, which may hold that, too.
const KEEP_FREE_FORM_MS: i64 = 30 * DAY_MS;

/// Forgets the calls of subscriptions that were released long ago.
pub fn forget_of_released(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    call::delete_of_released(tx, now.plus_ms(-KEEP_MS), rows)
}

/// Erases what somebody typed from calls that are old enough.
pub fn erase_free_form(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    let due = call::list_free_form(tx, now.plus_ms(-KEEP_FREE_FORM_MS), rows)?;
    for (id, params) in &due {
        call::set_erased(tx, *id, &erased(params))?;
    }
    Ok(due.len())
}

/// Forgets what was turned away at the door.
pub fn forget_refused(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    call::delete_refused(tx, now.plus_ms(-KEEP_FREE_FORM_MS), rows)
}

/// Whether the calls of a subscription may be forgotten, so that nobody can say which there were.
#[must_use]
pub fn may_be_forgotten(of: &Subscription, now: Instant) -> bool {
    of.standing.state == State::Released && of.released_at.is_some_and(|at| now.since_ms(at) > KEEP_MS)
}
