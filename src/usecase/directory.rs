//! Organizations and people as operators see them, and what they do to accounts. No password, token or key is among it.

use crate::domain::organization::{FreezeReason, Role};
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::member::{self, Member};
use crate::store::organization::{self, Organization};
use crate::store::search::{self, Channel};
use crate::store::user::{self, User};
use crate::store::{Db, Tx, second_factor, session};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::operator::{reason, require_operator};
use crate::usecase::{self, id_after, page, subscription_name};

pub use crate::store::search::People;

/// Channels of an organization that are shown.
const CHANNELS: u32 = 50;

/// Organizations that are looked for, the newest first, and the cursor of the next page.
///
/// # Errors
/// `Forbidden(not_operator)`.
pub fn organizations(
    db: &Db,
    user_id: &str,
    text: &str,
    freeze: Option<FreezeReason>,
    after: &str,
    limit: u32,
) -> Result<(Vec<Organization>, Option<String>)> {
    require_operator(db, user_id)?;
    let mut found = search::organizations(db, text, freeze, id_after(after), limit.saturating_add(1))?;
    let next = page(&mut found, limit, |one| one.id.clone());
    Ok((found, next))
}

/// An organization with who is in it and what it pays through.
pub struct Account {
    pub organization: Organization,
    pub members: Vec<Member>,
    /// The newest first.
    pub channels: Vec<Channel>,
}

/// # Errors
/// `Forbidden(not_operator)`; `NotFound(organization)`.
pub fn organization(db: &Db, user_id: &str, id: &str) -> Result<Account> {
    let organization = usecase::intervention::see(db, user_id, id)?;
    Ok(Account { members: member::list(db, id)?, channels: search::channels(db, id, CHANNELS)?, organization })
}

impl Channel {
    /// The public name of its subscription.
    #[must_use]
    pub fn subscription(&self) -> String {
        subscription_name(&self.seller_id, &self.instance_id)
    }
}

/// A person of a list.
pub struct Person {
    pub user: User,
    pub has_totp: bool,
}

impl Person {
    pub(super) fn of(db: &Db, user: User) -> Result<Self> {
        Ok(Self { has_totp: second_factor::find(db, &user.id)?.is_some(), user })
    }
}

/// People who are looked for, the newest first, and the cursor of the next page.
///
/// # Errors
/// `Forbidden(not_operator)`.
pub fn users(
    db: &Db,
    user_id: &str,
    text: &str,
    people: People,
    after: &str,
    limit: u32,
) -> Result<(Vec<Person>, Option<String>)> {
    require_operator(db, user_id)?;
    let mut found = search::users(db, text, people, id_after(after), limit.saturating_add(1))?;
    let next = page(&mut found, limit, |one| one.id.clone());
    Ok((found.into_iter().map(|user| Person::of(db, user)).collect::<Result<_>>()?, next))
}

/// A person with everything that operators see.
pub struct Known {
    pub user: User,
    pub has_totp: bool,
    pub organizations: Vec<(Organization, Role)>,
    /// That hold.
    pub sessions: usize,
    pub last_seen_at: Option<Instant>,
}

/// # Errors
/// `Forbidden(not_operator)`; `NotFound(user)`.
pub fn user(db: &Db, user_id: &str, id: &str, now: Instant) -> Result<Known> {
    require_operator(db, user_id)?;
    let found = user::find_known(db, id)?.ok_or(Error::NotFound("user"))?;
    let sessions = usecase::session::list(db, id, now)?;
    Ok(Known {
        has_totp: second_factor::find(db, id)?.is_some(),
        organizations: organization::list_of_user(db, id)?,
        last_seen_at: sessions.iter().map(|session| session.seen_at).max(),
        sessions: sessions.len(),
        user: found,
    })
}

/// Ends every session of a person.
///
/// # Errors
/// `Forbidden(not_operator)`; `NotFound(user)`; `Invalid(why, …)`.
pub fn sign_out(tx: &Tx, by: &By, id: &str, why: &str, now: Instant) -> Result<()> {
    let found = one(tx, by, id)?;
    let why = reason(why)?;
    end_sessions(tx, id, "ended", now)?;
    note(tx, by, "user.signed_out", &found, Some(why), now)
}

fn end_sessions(tx: &Tx, id: &str, reason: &str, now: Instant) -> Result<()> {
    session::end_all(tx, id, now)?;
    second_factor::delete_halves(tx, id)?;
    usecase::session::tell_revoked(tx, id, None, reason, now)
}

/// Locks a person out, for an operator.
///
/// # Errors
/// `Forbidden(not_operator)`; `NotFound(user)`; `Invalid(why, …)`; `Conflict(user_changed)` if it is so already;
/// `Conflict(own_account)`, because nobody locks themselves out: so the last operator stays.
pub fn disable(tx: &Tx, by: &By, id: &str, why: &str, now: Instant) -> Result<()> {
    let found = one(tx, by, id)?;
    let why = reason(why)?;
    if id == by.id {
        return Err(Error::Conflict("own_account"));
    }
    if lock_out(tx, by, &found, Some(why), now)? { Ok(()) } else { Err(Error::Conflict("user_changed")) }
}

/// Locks a person out: no sign-in, no session, no login-free entry. Everything else of them stays. Whether they were let in
/// until now.
///
/// # Errors
/// `Conflict(last_operator)`.
pub(super) fn lock_out(tx: &Tx, by: &By, found: &User, why: Option<&str>, now: Instant) -> Result<bool> {
    if found.is_operator && found.disabled_at.is_none() && !user::has_other_operator(tx, &found.id)? {
        return Err(Error::Conflict("last_operator"));
    }
    if !user::set_disabled(tx, &found.id, Some(now))? {
        return Ok(false);
    }
    end_sessions(tx, &found.id, "ended", now)?;
    user::use_resets(tx, &found.id, now)?;
    note(tx, by, "user.disabled", found, why, now)?;
    Ok(true)
}

/// Lets a person in again who was locked out.
///
/// # Errors
/// As [`disable`].
pub fn enable(tx: &Tx, by: &By, id: &str, why: &str, now: Instant) -> Result<()> {
    let found = one(tx, by, id)?;
    let why = reason(why)?;
    if !user::set_disabled(tx, id, None)? {
        return Err(Error::Conflict("user_changed"));
    }
    note(tx, by, "user.enabled", &found, Some(why), now)
}

fn one(tx: &Tx, by: &By, id: &str) -> Result<User> {
    require_operator(tx, &by.id)?;
    user::find_known(tx, id)?.ok_or(Error::NotFound("user"))
}

fn note(tx: &Tx, by: &By, action: &str, found: &User, why: Option<&str>, now: Instant) -> Result<()> {
    let was = found.disabled_at.is_some();
    let (before, after) = match action {
        "user.disabled" => (Some(word(was)), Some(word(true))),
        "user.enabled" => (Some(word(was)), Some(word(false))),
        _ => (None, None),
    };
    let entry = Entry {
        action,
        subject: ("user", &found.id),
        user_id: Some(&found.id),
        reason: why,
        before,
        after,
        ..Entry::default()
    };
    audit::note(tx, by, &entry, now)
}

/// An account's state in the log.
const fn word(is_disabled: bool) -> &'static str {
    if is_disabled { "disabled" } else { "enabled" }
}
