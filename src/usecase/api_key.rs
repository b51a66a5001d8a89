//! The keys of the vendor's product: made, rotated and revoked by operators or from the command line. A secret is shown
//! once and stored as its digest.

use crate::crypto::{self, Chance};
use crate::domain::api_key::{self as rule, Draft, State};
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::{Db, Tx, api_key};
use crate::usecase::audit::{self, By, Entry, Kind};
use crate::usecase::id_after;
use crate::usecase::operator::{reason, require_operator};

pub use crate::store::api_key::Listed;

/// A secret of a key; never stored.
#[must_use]
pub fn fresh_secret(chance: &Chance, is_live: bool) -> String {
    format!("{}{}", rule::prefix(is_live), chance.token())
}

fn wrong((field, code): (&'static str, &'static str)) -> Error {
    Error::invalid(field, code)
}

/// Whether somebody may change keys: an operator, or whoever may run commands on the machine.
fn allow(db: &Db, by: &By) -> Result<()> {
    match by.kind {
        Kind::CommandLine => Ok(()),
        Kind::Operator => require_operator(db, &by.id),
        _ => Err(Error::Forbidden("not_operator")),
    }
}

/// Every key, the newest first, from before `before` (an id; empty: from the newest).
///
/// # Errors
/// `Forbidden(not_operator)`.
pub fn list(db: &Db, by: &By, before: &str, limit: u32) -> Result<Vec<Listed>> {
    allow(db, by)?;
    api_key::list(db, id_after(before), limit)
}

/// One key.
///
/// # Errors
/// `Forbidden(not_operator)`, `NotFound(api_key)`.
pub fn see(db: &Db, by: &By, id: &str) -> Result<Listed> {
    allow(db, by)?;
    api_key::find(db, id)?.ok_or(Error::NotFound("api_key"))
}

/// Makes a key. Its id is chosen before, by the form that asks for it, so that a form that is sent twice makes one key.
///
/// # Errors
/// `Conflict(key_made)` if this form has made its key, whose secret was shown then.
pub fn create(tx: &Tx, by: &By, id: &str, draft: &Draft, secret: &str, now: Instant) -> Result<Listed> {
    allow(tx, by)?;
    insert(tx, id, draft, secret, None, now)?;
    let made = find(tx, id)?;
    note(tx, by, "api_key.created", id, None, (None, Some(&describe(&made))), now)?;
    Ok(made)
}

fn insert(tx: &Tx, id: &str, draft: &Draft, secret: &str, replaces: Option<&str>, now: Instant) -> Result<()> {
    let new = api_key::New {
        id,
        name: &draft.name,
        secret_hash: &crypto::digest(secret.as_bytes()),
        hint: &rule::hint(secret),
        scopes: &draft.scopes_text(),
        expires_at: draft.expires_at(now),
        replaces,
    };
    if api_key::insert(tx, &new, now)? { Ok(()) } else { Err(Error::Conflict("key_made")) }
}

/// Makes a key that takes the place of another one: of the same name and scopes. The former one goes on until the overlap
/// is over.
///
/// # Errors
/// `NotFound(api_key)`; `Conflict(key_ended)` for one that is not in force, `Conflict(key_replaced)` for one that was
/// rotated before; `Invalid(overlap | days)`.
pub fn rotate(
    tx: &Tx,
    by: &By,
    id: &str,
    (overlap_hours, life_days): (u32, Option<u32>),
    (next_id, secret): (&str, &str),
    now: Instant,
) -> Result<Listed> {
    allow(tx, by)?;
    let former = find(tx, id)?;
    if State::of(former.revoked_at, former.expires_at, now) != State::InForce {
        return Err(Error::Conflict("key_ended"));
    }
    if former.replaced_by.is_some() {
        return Err(Error::Conflict("key_replaced"));
    }
    let draft = Draft::new(&former.name, former.scopes.split_whitespace(), life_days).map_err(wrong)?;
    let ends_at = rule::ends_after(former.expires_at, overlap_hours, now).map_err(wrong)?;
    insert(tx, next_id, &draft, secret, Some(id), now)?;
    api_key::set_expiry(tx, id, ends_at)?;
    let (made, ended) = (find(tx, next_id)?, find(tx, id)?);
    note(tx, by, "api_key.rotated", id, None, (Some(&describe(&former)), Some(&describe(&ended))), now)?;
    note(tx, by, "api_key.created", next_id, None, (None, Some(&describe(&made))), now)?;
    Ok(made)
}

/// Takes a key out of force at once. A second time changes nothing.
///
/// # Errors
/// `NotFound(api_key)`, `Invalid(why)`.
pub fn revoke(tx: &Tx, by: &By, id: &str, why: &str, now: Instant) -> Result<Listed> {
    allow(tx, by)?;
    find(tx, id)?;
    // Commands may leave it out.
    let is_said = by.kind == Kind::Operator || !why.trim().is_empty();
    let reason = is_said.then(|| reason(why)).transpose()?;
    if api_key::revoke(tx, id, now)? {
        note(tx, by, "api_key.revoked", id, reason, (None, None), now)?;
    }
    find(tx, id)
}

/// Notes a use. Called where the last one that is known is old enough.
pub fn note_use(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    api_key::set_used(tx, id, now)
}

fn find(db: &Db, id: &str) -> Result<Listed> {
    api_key::find(db, id)?.ok_or(Error::NotFound("api_key"))
}

/// What the audit log keeps of a key: nothing that opens anything.
fn describe(key: &Listed) -> String {
    let until = key.expires_at.map(|at| format!(", until {}", super::rfc3339(at))).unwrap_or_default();
    format!("{}: {}{until}", key.name, key.scopes)
}

fn note(
    tx: &Tx,
    by: &By,
    action: &str,
    id: &str,
    reason: Option<&str>,
    (before, after): (Option<&str>, Option<&str>),
    now: Instant,
) -> Result<()> {
    let entry = Entry { action, subject: ("api_key", id), reason, before, after, ..Entry::default() };
    audit::note(tx, by, &entry, now)
}
