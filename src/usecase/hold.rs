//! Holding outgoing effects back, and letting them go on (rules D2, D3).

use crate::domain::audit::By;
use crate::domain::hold::Reason;
use crate::domain::value::Instant;
use crate::error::Result;
use crate::store::{Db, Tx, alarm, stamp};
use crate::usecase::audit::{self, Entry};

/// Holds back, and tells why.
pub fn hold(tx: &Tx, reason: Reason, detail: &str, now: Instant) -> Result<()> {
    stamp::insert_hold(tx, reason.as_str(), detail, now)?;
    alarm::raise(tx, reason.alarm(), "", detail, now)
}

/// Lets go on what was held for a reason. Whether it was.
pub fn release(tx: &Tx, reason: Reason, by: &By, why: &str, now: Instant) -> Result<bool> {
    let was_held = stamp::delete_hold(tx, reason.as_str())?;
    alarm::clear(tx, reason.alarm(), "", now)?;
    if was_held {
        let reason = reason.as_str();
        let entry = Entry { action: "hold.released", subject: ("hold", reason), reason: Some(why), ..Entry::default() };
        audit::note(tx, by, &entry, now)?;
    }
    Ok(was_held)
}

/// What is held, with why.
pub fn list(db: &Db) -> Result<Vec<(Reason, String, Instant)>> {
    let found = stamp::list_holds(db)?;
    Ok(found.into_iter().filter_map(|one| Some((Reason::parse(&one.reason)?, one.detail, one.held_at))).collect())
}
