//! The second factor: set up, asked for, taken away; and who is half signed in until the code is there (rules A1, D5).

use crate::crypto::totp::{self, Shared};
use crate::crypto::{self, Chance, Keys};
use crate::domain::letter::{Letter, Notice};
use crate::domain::second_factor::{Door, FREE_TRIES, HALF_MS, SET_UP_MS, Typed, pause_ms};
use crate::domain::value::{Email, Instant};
use crate::error::{Error, Result};
use crate::store::second_factor::{self as store, Half};
use crate::store::{Db, Tx, user};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::mail::{self, Mailer};
use crate::usecase::{claim, landing, session};

/// The purpose that secrets are sealed for.
pub(super) const SEAL: &str = "totp";
/// The purpose that a page which sets one up is sealed for.
const SEAL_PAGE: &str = "totp.page";

/// How somebody's second factor stands.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    pub enabled_at: Instant,
    pub recovery_left: u32,
}

/// `None`: there is none.
pub fn status(db: &Db, user_id: &str) -> Result<Option<Status>> {
    let Some(found) = store::find(db, user_id)? else { return Ok(None) };
    Ok(Some(Status { enabled_at: found.enabled_at, recovery_left: store::count_codes(db, user_id)? }))
}

pub fn is_on(db: &Db, user_id: &str) -> Result<bool> {
    Ok(store::find(db, user_id)?.is_some())
}

/// What the page that sets it up carries: a fresh secret, sealed for this user and hour. Nothing is stored before the
/// app has proved that it has it.
#[must_use]
pub fn offer(keys: &Keys, chance: &Chance, user_id: &str, now: Instant) -> (Shared, String) {
    let shared = chance.bytes();
    let mut page = shared.to_vec();
    page.extend_from_slice(&now.ms().to_be_bytes());
    page.extend_from_slice(user_id.as_bytes());
    (shared, keys.seal(SEAL_PAGE, &page, chance))
}

/// The secret of a page that was shown to this user within the hour.
#[must_use]
pub fn offered(keys: &Keys, sealed: &str, user_id: &str, now: Instant) -> Option<Shared> {
    let page = keys.open(SEAL_PAGE, sealed)?;
    let (shared, rest) = page.split_first_chunk::<20>()?;
    let (shown, of) = rest.split_first_chunk::<8>()?;
    let is_fresh = now.since_ms(Instant::from_ms(i64::from_be_bytes(*shown))) < SET_UP_MS;
    (is_fresh && of == user_id.as_bytes()).then_some(*shared)
}

/// Who does something to their own account, and from which browser.
pub struct Person<'a> {
    pub user_id: &'a str,
    /// Browser and system.
    pub device: &'a str,
    pub request_id: &'a str,
}

impl Person<'_> {
    /// Notes in the audit log what a person did to their own account.
    pub(super) fn note(&self, tx: &Tx, action: &str, now: Instant) -> Result<()> {
        let (subject, user_id) = (("user", self.user_id), Some(self.user_id));
        let entry = Entry { action, subject, user_id, ..Entry::default() };
        audit::note(tx, &By::user(self.user_id).in_request(self.request_id), &entry, now)
    }
}

/// Mails a notice about somebody's own account to them.
pub(super) fn tell(tx: &Tx, mailer: &Mailer<'_>, who: &Person<'_>, notice: Notice, now: Instant) -> Result<()> {
    let letter = Letter::Security {
        notice,
        at: now,
        user_agent: who.device.to_owned(),
        url: format!("{}/me/security", mailer.head.public_url),
    };
    mail::send(tx, mailer, who.user_id, &letter, now)
}

fn digests(codes: &[String]) -> Vec<[u8; 32]> {
    codes.iter().map(|code| crypto::digest(code.as_bytes())).collect()
}

/// Turns it on, once the app has shown a right code; `codes` are those that stand in for the app.
///
/// # Errors
/// `Invalid(code, wrong)`; `Conflict(second_factor_on)` if it is on already.
pub fn enable(
    tx: &Tx,
    mailer: &Mailer<'_>,
    who: &Person<'_>,
    (shared, typed): (&Shared, &str),
    codes: &[String],
    now: Instant,
) -> Result<()> {
    let step = match Typed::read(typed) {
        Some(Typed::Code(code)) => totp::step(shared, &code, now),
        _ => None,
    };
    let step = step.ok_or_else(|| Error::invalid("code", "wrong"))?;
    let sealed = mailer.keys.seal(SEAL, shared, mailer.chance);
    if !store::insert(tx, who.user_id, &sealed, step, now)? {
        return Err(Error::Conflict("second_factor_on"));
    }
    store::replace_codes(tx, who.user_id, &digests(codes))?;
    who.note(tx, "user.second_factor_on", now)?;
    tell(tx, mailer, who, Notice::SecondFactorOn, now)
}

/// Turns it off. Twice changes nothing.
pub fn disable(tx: &Tx, mailer: &Mailer<'_>, who: &Person<'_>, now: Instant) -> Result<()> {
    if !store::delete(tx, who.user_id)? {
        return Ok(());
    }
    who.note(tx, "user.second_factor_off", now)?;
    tell(tx, mailer, who, Notice::SecondFactorOff, now)
}

/// Turns it off for somebody who has lost it all, by who may run commands on the machine. Whether it was on.
///
/// # Errors
/// `NotFound(user)`.
pub fn reset(tx: &Tx, mailer: &Mailer<'_>, email: &str, now: Instant) -> Result<bool> {
    let email = Email::parse(email).ok_or(Error::NotFound("user"))?;
    let found = user::find_by_email(tx, email.as_str())?.ok_or(Error::NotFound("user"))?;
    if !store::delete(tx, &found.id)? {
        return Ok(false);
    }
    let (subject, user_id) = (("user", found.id.as_str()), Some(found.id.as_str()));
    let entry = Entry { action: "user.second_factor_reset", subject, user_id, ..Entry::default() };
    audit::note(tx, &By::command_line(), &entry, now)?;
    let who = Person { user_id: &found.id, device: "", request_id: "" };
    tell(tx, mailer, &who, Notice::SecondFactorOff, now)?;
    Ok(true)
}

/// Puts new codes in the place of the former ones.
///
/// # Errors
/// `NotFound(second_factor)`.
pub fn renew_codes(tx: &Tx, mailer: &Mailer<'_>, who: &Person<'_>, codes: &[String], now: Instant) -> Result<()> {
    if !is_on(tx, who.user_id)? {
        return Err(Error::NotFound("second_factor"));
    }
    store::replace_codes(tx, who.user_id, &digests(codes))?;
    who.note(tx, "user.recovery_codes_renewed", now)?;
    tell(tx, mailer, who, Notice::RecoveryCodesRenewed, now)
}

/// What came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    Right,
    Wrong,
    /// It was right, and was taken before.
    Used,
    /// Too many wrong ones: no code is looked at for a while.
    Paused,
}

/// Looks at a code of somebody who has a second factor, and takes it if it is right. A wrong one is counted, so the
/// caller must not roll this back.
pub fn check(
    tx: &Tx,
    mailer: &Mailer<'_>,
    who: &Person<'_>,
    (door, typed): (Door, &str),
    now: Instant,
) -> Result<Checked> {
    let found = store::find(tx, who.user_id)?.ok_or(Error::NotFound("second_factor"))?;
    let (failures, paused_until) = store::find_guesses(tx, who.user_id, door)?;
    if paused_until.is_some_and(|until| now < until) {
        return Ok(Checked::Paused);
    }
    let is_right = match Typed::read(typed) {
        // Nothing that could be a code is no guess.
        None => return Ok(Checked::Wrong),
        Some(Typed::Code(code)) => {
            let shared = open(mailer.keys, &found.secret)?;
            match totp::step(&shared, &code, now) {
                Some(step) if store::take_step(tx, who.user_id, step)? => true,
                Some(_) => return Ok(Checked::Used),
                None => false,
            }
        }
        Some(Typed::Recovery(code)) => {
            let is_one = store::use_code(tx, who.user_id, &crypto::digest(code.as_bytes()), now)?;
            if is_one {
                who.note(tx, "user.recovery_code_used", now)?;
                let left = store::count_codes(tx, who.user_id)?;
                tell(tx, mailer, who, Notice::RecoveryCodeUsed { left }, now)?;
            }
            is_one
        }
    };
    if is_right {
        if failures > 0 {
            store::set_guesses(tx, who.user_id, door, 0, None)?;
        }
        return Ok(Checked::Right);
    }
    let failures = failures.saturating_add(1);
    let pause = pause_ms(failures);
    store::set_guesses(tx, who.user_id, door, failures, (pause > 0).then(|| now.plus_ms(pause)))?;
    if failures == FREE_TRIES && door == Door::Password {
        tell(tx, mailer, who, Notice::CodesGuessed, now)?;
    }
    Ok(Checked::Wrong)
}

fn open(keys: &Keys, sealed: &str) -> Result<Shared> {
    let secret = keys.open(SEAL, sealed).ok_or_else(|| Error::internal("sealed under another master key"))?;
    Shared::try_from(secret).map_err(|_| Error::internal("a secret of another length"))
}

/// The password was right, or a login-free link led here: only the code is missing.
pub fn begin(tx: &Tx, secret_hash: &[u8], user_id: &str, binding_id: Option<&str>, now: Instant) -> Result<()> {
    let half = Half { user_id: user_id.to_owned(), binding_id: binding_id.map(str::to_owned) };
    store::insert_half(tx, secret_hash, &half, now, now.plus_ms(HALF_MS))
}

/// Whether somebody is half signed in, and came by a login-free entry.
pub fn find_half(db: &Db, secret_hash: &[u8], now: Instant) -> Result<Option<bool>> {
    Ok(store::find_half(db, secret_hash, now)?.map(|half| half.binding_id.is_some()))
}

/// Somebody half signed in types a code.
pub struct Finish<'a> {
    pub half_hash: &'a [u8],
    pub typed: &'a str,
    /// The session to begin if the code is right.
    pub fresh: &'a session::Fresh,
    pub browser_hash: &'a [u8],
    /// Of the session that this browser had before: id and user.
    pub before: Option<(&'a str, &'a str)>,
    /// The claim that goes on; empty: none.
    pub claim_id: &'a str,
    /// 免登 signs people in here.
    pub is_entry_allowed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    SignedIn,
    /// Nobody is half signed in here (any more): once more from the beginning.
    Lost,
    /// Not with this code.
    Not(Checked),
}

pub fn finish(tx: &Tx, mailer: &Mailer<'_>, finish: &Finish<'_>, now: Instant) -> Result<Finished> {
    let Some(half) = store::find_half(tx, finish.half_hash, now)? else { return Ok(Finished::Lost) };
    let door = if half.binding_id.is_some() { Door::Entry } else { Door::Password };
    let who = Person { user_id: &half.user_id, device: &finish.fresh.device, request_id: &finish.fresh.request_id };
    match check(tx, mailer, &who, (door, finish.typed), now)? {
        Checked::Right => {}
        other => return Ok(Finished::Not(other)),
    }
    store::delete_half(tx, finish.half_hash)?;
    match &half.binding_id {
        None => {
            session::start_full(tx, finish.fresh, &half.user_id, finish.before, now)?;
            session::meet_browser(tx, &half.user_id, finish.browser_hash, now)?;
            if !finish.claim_id.is_empty() {
                claim::take(tx, finish.claim_id, finish.browser_hash, &half.user_id, now)?;
            }
        }
        Some(binding_id) => match landing::find_entry(tx, binding_id, finish.is_entry_allowed)? {
            Some((binding, role)) => {
                let entry = landing::Entry { binding: &binding, role, browser_hash: Some(finish.browser_hash) };
                landing::sign_in(tx, mailer, finish.fresh, &entry, now)?;
            }
            None => return Ok(Finished::Lost),
        },
    }
    Ok(Finished::SignedIn)
}

/// Forgets who was half signed in and never came back.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    store::delete_old_halves(tx, now, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_sets_it_up_is_good_for_its_reader_and_an_hour() {
        let (keys, chance, now) = (Keys::new([7; 32]), Chance::seeded(1), Instant::from_ms(1_000_000));
        let (shared, sealed) = offer(&keys, &chance, "usr_1", now);
        assert_eq!(offered(&keys, &sealed, "usr_1", now.plus_ms(SET_UP_MS - 1)), Some(shared));
        assert_eq!(offered(&keys, &sealed, "usr_1", now.plus_ms(SET_UP_MS)), None);
        assert_eq!(offered(&keys, &sealed, "usr_2", now), None);
        assert_eq!(offered(&keys, "", "usr_1", now), None);
    }
}
