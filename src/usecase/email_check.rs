//! The check of an address: a code is mailed, and whoever reads it types it (rules A7). Somebody registers, confirms the
//! address that an account has, or gives it another one. Whether an address is known is told to its owner only: by mail.

use crate::crypto::{Keys, same};
use crate::domain::email_check::{CODE_MS, Facts, MAILBOX_MS, PER_MAILBOX, is_open, may_resend};
use crate::domain::letter::{Letter, Notice};
use crate::domain::value::{DAY_MS, Email, Instant, Lang, MINUTE_MS};
use crate::error::{Error, Result};
use crate::store::email_check::{self as store, Check};
use crate::store::{Db, Tx, user};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::mail::{self, Mailer};
use crate::usecase::second_factor::{self, Person};
use crate::usecase::session::{self, Begin};
use crate::usecase::user::{Register, register};

/// How long a check is remembered, for the count of codes per mailbox.
const KEEP_MS: i64 = DAY_MS;

/// What becomes of the address once the code is right.
pub enum Purpose<'a> {
    Register {
        name: &'a str,
        password_hash: &'a str,
    },
    /// It is this user's, now or already.
    Own {
        user_id: &'a str,
    },
}

pub struct Ask<'a> {
    pub id: &'a str,
    pub browser_hash: &'a [u8],
    pub email: &'a Email,
    pub code: &'a str,
    pub purpose: Purpose<'a>,
    pub lang: Lang,
}

fn mac(keys: &Keys, id: &str, code: &str) -> [u8; 32] {
    keys.mac("email_code", &[id.as_bytes(), code.as_bytes()])
}

fn facts(db: &Db, check: &Check, now: Instant) -> Result<Facts> {
    Ok(Facts {
        tries: check.tries,
        codes: check.codes,
        sent_at: check.sent_at,
        created_at: check.created_at,
        to_mailbox: store::count_codes(db, &check.email, now.plus_ms(-MAILBOX_MS))?,
    })
}

/// Mails a code; to an address that is somebody's already, a letter that says so. Both look alike from outside, and so
/// does a mailbox that has had enough codes for now.
pub fn ask(tx: &Tx, mailer: &Mailer<'_>, ask: &Ask<'_>, now: Instant) -> Result<()> {
    let owner = user::find_by_email(tx, ask.email.as_str())?;
    let (user_id, name, password_hash) = match ask.purpose {
        Purpose::Register { name, password_hash } => (None, name, password_hash),
        Purpose::Own { user_id } => (Some(user_id), "", ""),
    };
    let is_taken = owner.is_some_and(|owner| Some(owner.id.as_str()) != user_id);
    let is_sent = store::count_codes(tx, ask.email.as_str(), now.plus_ms(-MAILBOX_MS))? < PER_MAILBOX;
    let check = Check {
        id: ask.id.to_owned(),
        email: ask.email.as_str().to_owned(),
        user_id: user_id.map(str::to_owned),
        name: name.to_owned(),
        password_hash: password_hash.to_owned(),
        is_taken,
        code_mac: mac(mailer.keys, ask.id, ask.code).to_vec(),
        tries: 0,
        codes: u32::from(is_sent),
        sent_at: now,
        created_at: now,
    };
    store::insert(tx, &check, ask.browser_hash)?;
    if is_sent { send(tx, mailer, &check, ask.code, ask.lang, now) } else { Ok(()) }
}

fn send(tx: &Tx, mailer: &Mailer<'_>, check: &Check, code: &str, lang: Lang, now: Instant) -> Result<()> {
    let url = mailer.head.public_url;
    let letter = if check.is_taken {
        Letter::AddressTaken { login: format!("{url}/login"), forgot: format!("{url}/password/forgot") }
    } else {
        Letter::AddressCode { code: code.to_owned(), valid_minutes: CODE_MS / MINUTE_MS }
    };
    // Greeted by the address: a stranger's text must not be mailed to somebody who never asked for it.
    mail::send_to_address(tx, mailer, &check.email, lang, &letter, now)
}

/// The address that waits for a code, for the browser that began, and the user if it is one's own.
pub fn find(db: &Db, id: &str, browser_hash: &[u8], user_id: Option<&str>) -> Result<Option<String>> {
    Ok(find_check(db, id, browser_hash, user_id)?.map(|check| check.email))
}

fn find_check(db: &Db, id: &str, browser_hash: &[u8], user_id: Option<&str>) -> Result<Option<Check>> {
    Ok(store::find(db, id, browser_hash)?.filter(|check| check.user_id.as_deref() == user_id))
}

/// Mails another code in the place of the former one.
///
/// # Errors
/// `Gone(email_check)`; `Invalid(code, too_soon | too_many_codes)`.
pub fn resend(
    tx: &Tx,
    mailer: &Mailer<'_>,
    (id, browser_hash, user_id): (&str, &[u8], Option<&str>),
    (code, lang): (&str, Lang),
    now: Instant,
) -> Result<()> {
    let check = find_check(tx, id, browser_hash, user_id)?.ok_or(Error::Gone("email_check"))?;
    may_resend(facts(tx, &check, now)?, now).map_err(|why| Error::invalid("code", why))?;
    store::set_code(tx, id, &mac(mailer.keys, id, code), now)?;
    send(tx, mailer, &check, code, lang, now)
}

/// What came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Right,
    Wrong,
    /// It is too old, or was tried too often: only another one helps.
    Spent,
    /// There is no such check (any more).
    Lost,
    /// It was right, and the address has become somebody's meanwhile.
    Taken,
}

pub struct Type<'a> {
    pub id: &'a str,
    pub browser_hash: &'a [u8],
    pub code: &'a str,
}

/// The check behind a right code; it is done. A wrong one is counted, so the caller must not roll this back.
fn take(tx: &Tx, keys: &Keys, typed: &Type<'_>, user_id: Option<&str>, now: Instant) -> Result<Result<Check, Typed>> {
    let Some(check) = find_check(tx, typed.id, typed.browser_hash, user_id)? else { return Ok(Err(Typed::Lost)) };
    if !is_open(facts(tx, &check, now)?, now) {
        return Ok(Err(Typed::Spent));
    }
    let is_same = same(&mac(keys, typed.id, typed.code), &check.code_mac);
    if !is_same || check.is_taken {
        store::count_try(tx, typed.id)?;
        return Ok(Err(Typed::Wrong));
    }
    if user::find_by_email(tx, &check.email)?.is_some_and(|owner| Some(owner.id.as_str()) != user_id) {
        return Ok(Err(Typed::Taken));
    }
    store::set_done(tx, typed.id, now)?;
    Ok(Ok(check))
}

/// A right code makes the account, and signs it in. `begin.user_id` is the new one's, whose password waits in the check.
pub fn finish_registration(
    tx: &Tx,
    keys: &Keys,
    typed: &Type<'_>,
    (begin, lang): (&Begin<'_>, Lang),
    now: Instant,
) -> Result<Typed> {
    let check = match take(tx, keys, typed, None, now)? {
        Ok(check) => check,
        Err(why) => return Ok(why),
    };
    let email = Email::parse(&check.email).ok_or_else(|| Error::internal("an address that was none"))?;
    let new = Register {
        id: begin.user_id,
        email: &email,
        name: &check.name,
        password_hash: &check.password_hash,
        lang,
        email_verified_at: Some(now),
        request_id: &begin.fresh.request_id,
    };
    register(tx, &new, now)?;
    session::begin(tx, &Begin { password_hash: &check.password_hash, ..*begin }, now)?;
    Ok(Typed::Right)
}

/// A right code makes the address the user's, or proves that it is. The former one is told, and its resets end.
pub fn finish_own(tx: &Tx, mailer: &Mailer<'_>, typed: &Type<'_>, who: &Person<'_>, now: Instant) -> Result<Typed> {
    let check = match take(tx, mailer.keys, typed, Some(who.user_id), now)? {
        Ok(check) => check,
        Err(why) => return Ok(why),
    };
    let before = user::find(tx, who.user_id)?.ok_or(Error::NotFound("user"))?;
    if before.email != check.email {
        second_factor::tell(tx, mailer, who, Notice::EmailChanged { to: check.email.clone() }, now)?;
        user::use_resets(tx, who.user_id, now)?;
        let entry = Entry {
            action: "user.email_changed",
            subject: ("user", who.user_id),
            user_id: Some(who.user_id),
            before: Some(&before.email),
            after: Some(&check.email),
            is_personal: true,
            ..Entry::default()
        };
        audit::note(tx, &By::user(who.user_id).in_request(who.request_id), &entry, now)?;
    }
    user::set_email(tx, who.user_id, &check.email, now)?;
    Ok(Typed::Right)
}

/// Forgets checks that nobody finished.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    store::delete_old(tx, now.plus_ms(-KEEP_MS), rows)
}
