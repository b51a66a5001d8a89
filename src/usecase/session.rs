//! Sessions: begun, resumed, stepped up, rotated, ended (rules A1, A7).

use std::collections::BTreeSet;

use serde_json::json;

use crate::domain::audit::By;
use crate::domain::organization::Role;
use crate::domain::session::{FULL_MS, Facts, IDLE_MS, Kind, MARKETPLACE_MS, STEP_UP_MS};
use crate::domain::value::{DAY_MS, Instant, Lang, MINUTE_MS};
use crate::error::{Error, Result};
use crate::store::binding::Binding;
use crate::store::session::{self, Standing};
use crate::store::user::{self, User};
use crate::store::{Db, Store, Tx, event};
use crate::usecase::organization::Actor;
use crate::usecase::{claim, second_factor};

/// How precisely the last use of a session is known.
const SEEN_MS: i64 = MINUTE_MS;
/// How long a session that is over is kept, for who looks into what happened (rules D6).
const KEEP_MS: i64 = 90 * DAY_MS;
/// Most sessions that a person's list shows.
const LIMIT: u32 = 100;

/// A session that holds.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub user_id: String,
    pub user_name: String,
    pub email: String,
    pub lang: Lang,
    pub is_operator: bool,
    pub kind: Kind,
    /// Marketplace: the only organization it reaches.
    pub organization_id: Option<String>,
    pub seen_at: Instant,
    pub stepped_up_until: Option<Instant>,
    /// The request that resumed it.
    pub request_id: String,
    /// Staff who have to set up a second factor before anything else.
    pub must_set_up: bool,
}

impl Session {
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts {
            kind: self.kind,
            is_operator: self.is_operator,
            stepped_up_until: self.stepped_up_until,
            must_set_up: self.must_set_up,
        }
    }

    /// The person as the audit log knows them.
    #[must_use]
    pub fn by(&self) -> By {
        By::user(&self.user_id).in_request(&self.request_id)
    }

    /// The same for what is done in the operators' console.
    #[must_use]
    pub fn as_operator(&self) -> By {
        By::operator(&self.user_id).in_request(&self.request_id)
    }

    /// The person as use cases know them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor {
            user_id: self.user_id.clone(),
            only_organization: self.organization_id.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

/// The session of a secret, if it holds at this moment. `is_totp_required`: of operators.
pub fn resume(
    store: &Store,
    secret_hash: &[u8],
    request_id: &str,
    is_totp_required: bool,
    now: Instant,
) -> Result<Option<Session>> {
    Ok(store.read_here(|db| session::find(db, secret_hash))?.filter(|found| holds(found, now)).map(|found| Session {
        id: found.session.id,
        user_id: found.session.user_id,
        user_name: found.user_name,
        email: found.email,
        lang: found.lang,
        is_operator: found.is_operator,
        kind: found.session.kind,
        organization_id: found.organization_id,
        seen_at: found.session.seen_at,
        stepped_up_until: found.session.stepped_up_until,
        request_id: request_id.to_owned(),
        must_set_up: found.is_operator && is_totp_required && !found.has_totp,
    }))
}

/// Whether a session still holds: not run out, not idle, not overtaken by a new password; one that came by a
/// login-free entry also not by the end of its binding, an expiry, a lower role or a removal.
pub(super) fn holds(found: &Standing, now: Instant) -> bool {
    let session = &found.session;
    let is_fresh = now < session.expires_at
        && now.since_ms(session.seen_at) < IDLE_MS
        && found.password_changed_at <= session.created_at;
    let is_good = match session.kind {
        Kind::Full => true,
        Kind::Marketplace => {
            found.is_binding_good && session.role.is_some_and(|then| found.role_now.is_some_and(|now| now >= then))
        }
    };
    is_fresh && is_good && !found.is_user_disabled
}

/// Notes that a session is in use; at most once a minute, and never in anybody's way.
pub async fn touch(store: &Store, session: Option<&Session>, now: Instant) {
    let Some(session) = session.filter(|session| now.since_ms(session.seen_at) >= SEEN_MS) else { return };
    let id = session.id.clone();
    if let Err(cause) = store.write(move |tx| session::set_seen(tx, &id, now)).await {
        tracing::debug!(%cause, "a session's use was not noted");
    }
}

/// What a new session is made of.
pub struct Fresh {
    pub id: String,
    pub secret_hash: [u8; 32],
    pub user_agent: String,
    pub address: String,
    /// Browser and system, for mails: names that we know, not a text that the browser sent.
    pub device: String,
    pub request_id: String,
}

/// Begins a session after a password was checked, or asks for the code first where there is a second factor: `secret_hash`
/// then names who is half signed in. Whether the code is asked for.
///
/// # Errors
/// `Conflict("password_changed")` if the password has become another one since, or the person was locked out.
pub fn begin(tx: &Tx, begin: &Begin<'_>, now: Instant) -> Result<bool> {
    let is_same = |user: &User| user.disabled_at.is_none() && user.password_hash == begin.password_hash;
    if !user::find(tx, begin.user_id)?.as_ref().is_some_and(is_same) {
        return Err(Error::Conflict("password_changed"));
    }
    if second_factor::is_on(tx, begin.user_id)? {
        second_factor::begin(tx, &begin.fresh.secret_hash, begin.user_id, None, now)?;
        return Ok(true);
    }
    start_full(tx, begin.fresh, begin.user_id, begin.before, now)?;
    meet_browser(tx, begin.user_id, begin.browser_hash, now)?;
    if !begin.claim_id.is_empty() {
        claim::take(tx, begin.claim_id, begin.browser_hash, begin.user_id, now)?;
    }
    Ok(false)
}

/// Somebody whose password was right.
pub struct Begin<'a> {
    pub fresh: &'a Fresh,
    pub user_id: &'a str,
    /// Of the password that was right: checking it takes a while, and it may be another one by now.
    pub password_hash: &'a str,
    pub browser_hash: &'a [u8],
    /// Of the session that this browser had before: id and user.
    pub before: Option<(&'a str, &'a str)>,
    /// The claim that goes on; empty: none.
    pub claim_id: &'a str,
}

/// Begins a session after a password was checked; ends the one that this browser had before.
pub fn start_full(tx: &Tx, fresh: &Fresh, user_id: &str, before: Option<(&str, &str)>, now: Instant) -> Result<()> {
    if let Some((id, user_id)) = before
        && session::end(tx, id, user_id, now)?
    {
        tell_revoked(tx, user_id, Some(id), "ended", now)?;
    }
    session::insert(
        tx,
        &session::New {
            id: &fresh.id,
            secret_hash: &fresh.secret_hash,
            user_id,
            binding: None,
            expires_at: now.plus_ms(FULL_MS),
            stepped_up_until: Some(now.plus_ms(STEP_UP_MS)),
            user_agent: &fresh.user_agent,
            address: &fresh.address,
        },
        now,
    )
}

/// Begins a session of the entry user after a login-free entry.
pub fn start_marketplace(tx: &Tx, fresh: &Fresh, binding: &Binding, role: Role, now: Instant) -> Result<()> {
    session::insert(
        tx,
        &session::New {
            id: &fresh.id,
            secret_hash: &fresh.secret_hash,
            user_id: &binding.entry_user_id,
            binding: Some((&binding.id, role)),
            expires_at: now.plus_ms(MARKETPLACE_MS),
            stepped_up_until: None,
            user_agent: &fresh.user_agent,
            address: &fresh.address,
        },
        now,
    )
}

/// Remembers a browser of a user. Whether it is new.
pub fn meet_browser(tx: &Tx, user_id: &str, browser_hash: &[u8], now: Instant) -> Result<bool> {
    user::meet_browser(tx, user_id, browser_hash, now)
}

/// The user whose password has to be checked, by address.
pub fn find_user(db: &Db, email: &str) -> Result<Option<User>> {
    Ok(user::find_by_email(db, email)?.filter(|user| user.disabled_at.is_none()))
}

/// The password was typed again.
pub fn step_up(tx: &Tx, session: &Session, now: Instant) -> Result<()> {
    session::set_stepped_up(tx, &session.id, now.plus_ms(STEP_UP_MS))
}

/// The same session under another secret, after what it can reach has grown.
pub fn rotate(tx: &Tx, session: &Session, secret_hash: &[u8]) -> Result<()> {
    session::set_secret(tx, &session.id, secret_hash)
}

/// Ends one of a person's own sessions.
pub fn end(tx: &Tx, user_id: &str, id: &str, now: Instant) -> Result<()> {
    if !session::end(tx, id, user_id, now)? {
        return Err(Error::NotFound("session"));
    }
    tell_revoked(tx, user_id, Some(id), "ended", now)
}

/// Ends the login-free sessions that rest on a user's place in an organization (rules A1): they must not come back
/// with the place.
pub(super) fn end_entries(tx: &Tx, user_id: &str, organization_id: &str, reason: &str, now: Instant) -> Result<()> {
    for id in session::list_of_entry(tx, user_id, organization_id, LIMIT)? {
        session::end(tx, &id, user_id, now)?;
        tell_revoked(tx, user_id, Some(&id), reason, now)?;
    }
    Ok(())
}

/// Tells the feed that a session is over, or all of a person's; the vendor's product ends what it built on them.
pub(super) fn tell_revoked(tx: &Tx, user_id: &str, session_id: Option<&str>, reason: &str, now: Instant) -> Result<()> {
    let data = json!({ "user": user_id, "session": session_id, "reason": reason });
    event::insert(tx, "session.revoked", user_id, &data, now)
}

/// Ends all of a person's sessions but the one that asks.
pub fn end_others(tx: &Tx, session: &Session, now: Instant) -> Result<()> {
    for other in session::list_others(tx, &session.user_id, &session.id, LIMIT)? {
        end(tx, &session.user_id, &other, now)?;
    }
    Ok(())
}

/// Ends sessions of whomever behind an id, `limit` at most; the last one's id. Who has none here is not told of: what the
/// vendor's product built on a session that this file never knew ends by itself at the `expires_at` that it was given.
pub(super) fn end_some(tx: &Tx, after: &str, now: Instant, limit: u32) -> Result<Option<String>> {
    let found = session::list_open_after(tx, after, now, limit)?;
    for (id, user_id) in &found {
        session::end(tx, id, user_id, now)?;
    }
    let users: BTreeSet<&String> = found.iter().map(|(_, user_id)| user_id).collect();
    for user_id in users {
        tell_revoked(tx, user_id, None, "ended", now)?;
    }
    Ok(found.into_iter().last().map(|(id, _)| id))
}

/// A person's own sessions that hold.
pub fn list(db: &Db, user_id: &str, now: Instant) -> Result<Vec<session::Session>> {
    Ok(session::list(db, user_id, now, LIMIT)?
        .into_iter()
        .filter(|session| now.since_ms(session.seen_at) < IDLE_MS)
        .collect())
}

/// Forgets sessions that ran out longer ago than their retention.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    session::delete_old(tx, now.plus_ms(-KEEP_MS), rows)
}
