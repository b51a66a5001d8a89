//! The master key: which one a file belongs to, and another one in its place (rules D5).

use crate::crypto::{Chance, Keys, same};
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::{Store, Tx, master_key as store};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::{idempotency, mail, second_factor, webhook};

pub use crate::store::master_key::mark_of_file;

/// What tells a master key from others, and does not tell the key.
#[must_use]
pub fn mark(keys: &Keys) -> [u8; 32] {
    keys.mac("master_key", &[])
}

/// Whether a file belongs to this master key. One that belongs to none yet does from now on. Blocks.
pub fn adopt(store: &Store, keys: &Keys) -> Result<bool> {
    let mine = mark(keys);
    store.write_blocking(move |tx| match store::find_mark(tx)? {
        Some(found) => Ok(same(&found, &mine)),
        None => store::set_mark(tx, &mine).map(|()| true),
    })
}

/// Seals every secret of the file for another master key, in one transaction: they are all of the one or all of the
/// other. How many there were.
///
/// # Errors
/// `Internal` if a secret that cannot be made anew does not open under the present key.
pub fn rotate(tx: &Tx, (now_keys, next): (&Keys, &Keys), chance: &Chance, now: Instant) -> Result<u64> {
    let changed = store::reseal(tx, |table, sealed| {
        let (purpose, is_needed) = match table {
            "webhook" => (webhook::SEAL, true),
            "totp" => (second_factor::SEAL, true),
            "mail" => (mail::SEAL, false),
            _ => (idempotency::SEAL, false),
        };
        match now_keys.open(purpose, sealed) {
            Some(plain) => Ok(Some(next.seal(purpose, &plain, chance))),
            // An old mail or answer that is unreadable already stays so; a secret must not be lost silently.
            None if !is_needed => Ok(None),
            None => Err(Error::internal(format!("a secret of {table} was sealed with another master key"))),
        }
    })?;
    // Noted under the present key; what the log is kept by is sealed anew after that.
    let entry = Entry { action: "master_key.rotated", subject: ("file", ""), ..Entry::default() };
    audit::note(tx, &By::command_line(), &entry, now)?;
    audit::reseal(tx, next)?;
    store::set_mark(tx, &mark(next))?;
    Ok(changed)
}
