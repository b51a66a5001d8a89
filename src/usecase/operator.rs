//! Who operators are, the reasons that they give, and how the command line makes them: the first one cannot be made by
//! another one.

use crate::domain::audit::check_reason;
use crate::domain::organization::check_name;
use crate::domain::value::{Email, Instant, Lang};
use crate::error::{Error, Result};
use crate::store::search::{self, People};
use crate::store::user::{self, User};
use crate::store::{Db, Tx};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::directory::lock_out;
use crate::usecase::id_after;
use crate::usecase::user::RESET_MS;

pub use crate::usecase::directory::Person;

/// Operators that a list shows.
const MOST: u32 = 500;

/// # Errors
/// `Forbidden(not_operator)`.
pub(super) fn require_operator(db: &Db, user_id: &str) -> Result<()> {
    let found = user::find(db, user_id)?;
    match found.filter(|user| user.is_operator && user.disabled_at.is_none()) {
        Some(_) => Ok(()),
        None => Err(Error::Forbidden("not_operator")),
    }
}

/// What an operator wrote about an act.
///
/// # Errors
/// `Invalid(why, required | too_long)`.
pub(super) fn reason(why: &str) -> Result<&str> {
    check_reason(why).map_err(|code| Error::invalid("why", code))
}

/// The newest first. For who may run commands on the machine.
pub fn list(db: &Db) -> Result<Vec<Person>> {
    search::users(db, "", People::Operators, id_after(""), MOST)?.into_iter().map(|user| Person::of(db, user)).collect()
}

/// An operator who is added.
pub struct New<'a> {
    pub id: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub lang: Lang,
    /// Of no password that anybody knows.
    pub password_hash: &'a str,
    /// Hash of the link's token.
    pub token_hash: &'a [u8],
}

/// Adds an operator, who sets a password by a link that works once, for an hour.
///
/// # Errors
/// `Invalid(email, malformed)`; `Invalid(name, …)`; `Conflict(address_taken)`: nobody's own account becomes an operator's.
pub fn add(tx: &Tx, new: &New<'_>, now: Instant) -> Result<()> {
    let email = Email::parse(new.email).ok_or_else(|| Error::invalid("email", "malformed"))?;
    let name = check_name(new.name).map_err(|code| Error::invalid("name", code))?;
    if user::find_by_email(tx, email.as_str())?.is_some() {
        return Err(Error::Conflict("address_taken"));
    }
    let row = user::New {
        id: new.id,
        email: email.as_str(),
        name: &name,
        password_hash: new.password_hash,
        lang: new.lang,
        is_operator: true,
        email_verified_at: None,
    };
    user::insert(tx, &row, now)?;
    user::insert_reset(tx, new.token_hash, (new.id, false), now, now.plus_ms(RESET_MS))?;
    note(tx, "operator.added", new.id, now)
}

/// Makes a link by which an operator sets another password; the ones of before work no more.
///
/// # Errors
/// `NotFound(operator)`; `Conflict(disabled)`.
pub fn reset(tx: &Tx, email: &str, token_hash: &[u8], now: Instant) -> Result<()> {
    let found = find(tx, email)?;
    if found.disabled_at.is_some() {
        return Err(Error::Conflict("disabled"));
    }
    user::use_resets(tx, &found.id, now)?;
    user::insert_reset(tx, token_hash, (&found.id, false), now, now.plus_ms(RESET_MS))?;
    note(tx, "operator.reset", &found.id, now)
}

/// Locks an operator out. Whether one was let in until now.
///
/// # Errors
/// `NotFound(operator)`; `Conflict(last_operator)`.
pub fn disable(tx: &Tx, email: &str, now: Instant) -> Result<bool> {
    lock_out(tx, &By::command_line(), &find(tx, email)?, None, now)
}

fn find(db: &Db, email: &str) -> Result<User> {
    let email = Email::parse(email).ok_or(Error::NotFound("operator"))?;
    let found = user::find_by_email(db, email.as_str())?;
    found.filter(|found| found.is_operator).ok_or(Error::NotFound("operator"))
}

fn note(tx: &Tx, action: &str, id: &str, now: Instant) -> Result<()> {
    let entry = Entry { action, subject: ("user", id), user_id: Some(id), ..Entry::default() };
    audit::note(tx, &By::command_line(), &entry, now)
}
