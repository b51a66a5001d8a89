//! The keys with which the marketplace signs its calls: when each was seen, and that others were put in force. The keys
//! themselves are configuration and files, never rows (rules D5).

use crate::domain::value::Instant;
use crate::error::Result;
use crate::store::{Db, Tx, isv_key};
use crate::usecase::audit::{self, By, Entry};

pub use crate::store::isv_key::Use;

/// Keys of a seller that are looked at.
const MOST: u32 = 200;

/// Notes that a key verified a call. Called now and then, not for each call.
pub fn note_use(tx: &Tx, seller_id: &str, mark: &str, now: Instant) -> Result<()> {
    isv_key::set_used(tx, seller_id, mark, now)
}

/// When each key of these sellers was seen.
pub fn uses(db: &Db, sellers: &[String]) -> Result<Vec<Use>> {
    let mut found = Vec::new();
    for seller_id in sellers {
        found.extend(isv_key::list(db, seller_id, MOST)?);
    }
    Ok(found)
}

/// A seller whose keys were read again, with their marks of before and after.
pub struct Changed {
    pub seller_id: String,
    pub before: String,
    pub after: String,
}

/// Notes in the audit log that other keys are in force.
pub fn note_change(tx: &Tx, by: &By, changed: &[Changed], now: Instant) -> Result<()> {
    for one in changed {
        let entry = Entry {
            action: "seller.keys_changed",
            subject: ("seller", &one.seller_id),
            before: Some(&one.before),
            after: Some(&one.after),
            ..Entry::default()
        };
        audit::note(tx, by, &entry, now)?;
    }
    Ok(())
}
