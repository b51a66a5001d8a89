//! Alarms: what needs an operator's eye, open until its cause is gone.

use crate::domain::value::{DAY_MS, Instant};
use crate::error::Result;
use crate::store::{Db, Tx, alarm};

pub use crate::store::alarm::Alarm;

/// Most alarms that a list shows.
pub const LISTED: u32 = 500;

/// How long one is kept that is over (rules D6).
const KEEP_MS: i64 = 30 * DAY_MS;

/// Forgets those that were over long ago.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    alarm::delete_cleared(tx, now.plus_ms(-KEEP_MS), rows)
}

/// The open ones, newest first. For operators; whoever shows them checks that.
pub fn list_open(db: &Db) -> Result<Vec<Alarm>> {
    alarm::list_open(db, LISTED)
}

/// The marketplace cannot be asked for a seller, or can again (`None`).
pub fn set_asking(tx: &Tx, seller_id: &str, trouble: Option<(&'static str, &str)>, now: Instant) -> Result<()> {
    for kind in [ACCESS_REFUSED, UNREACHABLE] {
        match trouble {
            Some((raised, detail)) if raised == kind => alarm::raise(tx, kind, seller_id, detail, now)?,
            _ => {
                alarm::clear(tx, kind, seller_id, now)?;
            }
        }
    }
    Ok(())
}

/// The marketplace refuses the AccessKey.
pub const ACCESS_REFUSED: &str = "access_refused";
/// The marketplace gives no answer that can be used.
pub const UNREACHABLE: &str = "marketplace_unreachable";

/// Nothing is sent to a webhook any more, because it failed for too long or said that it is gone.
pub const WEBHOOK_DISABLED: &str = "webhook_disabled";
/// A delivery was given up. Its subject is the webhook.
pub const DEAD_DELIVERY: &str = "dead_delivery";
