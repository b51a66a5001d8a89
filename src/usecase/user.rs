//! People: registering, resetting a password, the own account.

use crate::domain::letter::{Letter, Notice};
use crate::domain::value::{Email, HOUR_MS, Instant, Lang, MINUTE_MS};
use crate::error::{Error, Result};
use crate::store::user::{self, User};
use crate::store::{Db, Tx, session};
use crate::usecase::{
    self,
    audit::{self, By, Entry},
    mail::{self, Mailer},
    second_factor::Person,
};

/// How long a mailed reset works.
pub const RESET_MS: i64 = HOUR_MS;

/// A person who registers.
pub struct Register<'a> {
    pub id: &'a str,
    pub email: &'a Email,
    pub name: &'a str,
    pub password_hash: &'a str,
    pub lang: Lang,
    /// The address was checked.
    pub email_verified_at: Option<Instant>,
    pub request_id: &'a str,
}

/// Adds a user.
///
/// # Errors
/// `Invalid(email, taken)`: without an e-mail check the answer is honest, and limited per address (rules A7).
pub fn register(tx: &Tx, new: &Register<'_>, now: Instant) -> Result<()> {
    if user::find_by_email(tx, new.email.as_str())?.is_some() {
        return Err(Error::invalid("email", "taken"));
    }
    let row = user::New {
        id: new.id,
        email: new.email.as_str(),
        name: new.name,
        password_hash: new.password_hash,
        lang: new.lang,
        is_operator: false,
        email_verified_at: new.email_verified_at,
    };
    user::insert(tx, &row, now)?;
    let entry =
        Entry { action: "user.registered", subject: ("user", new.id), user_id: Some(new.id), ..Entry::default() };
    audit::note(tx, &By::user(new.id).in_request(new.request_id), &entry, now)
}

pub fn find(db: &Db, id: &str) -> Result<Option<User>> {
    user::find(db, id)
}

/// Mails the way to a new password, if there is such a user. Nobody is told whether there is, not by the time it takes
/// either.
pub fn request_reset(tx: &Tx, mailer: &Mailer<'_>, email: &Email, token: &str, now: Instant) -> Result<()> {
    let token_hash = crate::crypto::digest(token.as_bytes());
    let Some(found) = user::find_by_email(tx, email.as_str())?.filter(|found| found.disabled_at.is_none()) else {
        return user::insert_reset_for_nobody(tx, &token_hash, now);
    };
    user::insert_reset(tx, &token_hash, (&found.id, true), now, now.plus_ms(RESET_MS))?;
    let letter = Letter::PasswordReset {
        link: format!("{}/password/reset/{token}", mailer.head.public_url),
        valid_minutes: RESET_MS / MINUTE_MS,
    };
    mail::send(tx, mailer, &found.id, &letter, now)
}

/// Whose password a token may reset, and whether it was mailed to them.
///
/// # Errors
/// `Gone("reset")` for a token that is unknown, used or too old.
pub fn find_reset(db: &Db, token_hash: &[u8], now: Instant) -> Result<(User, bool)> {
    let gone = || Error::Gone("reset");
    let (id, is_mailed) = user::find_reset(db, token_hash, now)?.ok_or_else(gone)?;
    let found = user::find(db, &id)?.filter(|found| found.disabled_at.is_none()).ok_or_else(gone)?;
    Ok((found, is_mailed))
}

/// Sets a new password by a token; every session and every other reset of the user ends.
pub fn reset_password(tx: &Tx, token_hash: &[u8], password_hash: &str, request_id: &str, now: Instant) -> Result<()> {
    let (found, is_mailed) = find_reset(tx, token_hash, now)?;
    user::set_password(tx, &found.id, password_hash, now)?;
    user::use_resets(tx, &found.id, now)?;
    if is_mailed {
        // So the address is the user's.
        user::set_email(tx, &found.id, &found.email, now)?;
    }
    session::end_all(tx, &found.id, now)?;
    usecase::session::tell_revoked(tx, &found.id, None, "password_changed", now)?;
    let entry = Entry {
        action: "user.password_reset",
        subject: ("user", &found.id),
        user_id: Some(&found.id),
        ..Entry::default()
    };
    audit::note(tx, &By::user(&found.id).in_request(request_id), &entry, now)
}

/// Sets a new password for somebody who has just proved who they are: every session ends, and this browser begins
/// another one.
pub fn change_password(
    tx: &Tx,
    mailer: &Mailer<'_>,
    user_id: &str,
    password_hash: &str,
    fresh: &usecase::session::Fresh,
    now: Instant,
) -> Result<()> {
    user::set_password(tx, user_id, password_hash, now)?;
    user::use_resets(tx, user_id, now)?;
    session::end_all(tx, user_id, now)?;
    usecase::session::tell_revoked(tx, user_id, None, "password_changed", now)?;
    usecase::session::start_full(tx, fresh, user_id, None, now)?;
    let who = Person { user_id, device: &fresh.device, request_id: &fresh.request_id };
    who.note(tx, "user.password_changed", now)?;
    usecase::second_factor::tell(tx, mailer, &who, Notice::PasswordChanged, now)
}

/// Gives a person another name.
pub fn rename(tx: &Tx, user_id: &str, name: &str, request_id: &str, now: Instant) -> Result<()> {
    let before = user::find(tx, user_id)?.ok_or(Error::NotFound("user"))?.name;
    if before == name {
        return Ok(());
    }
    user::set_name(tx, user_id, name)?;
    let entry = Entry {
        action: "user.renamed",
        subject: ("user", user_id),
        user_id: Some(user_id),
        before: Some(&before),
        after: Some(name),
        is_personal: true,
        ..Entry::default()
    };
    audit::note(tx, &By::user(user_id).in_request(request_id), &entry, now)
}

pub fn set_lang(tx: &Tx, user_id: &str, lang: Lang) -> Result<()> {
    user::set_lang(tx, user_id, lang)
}

/// Forgets resets that nobody can use any more.
pub fn forget_resets(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    user::delete_old_resets(tx, now, rows)
}
