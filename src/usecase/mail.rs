//! Mails: written in the reader's language, sealed, queued in the transaction of their cause, handed to the server by a job.

use crate::crypto::{Chance, Keys};
use crate::domain::letter::{Letter, Letterhead};
use crate::domain::value::{DAY_MS, Instant, Lang};
use crate::error::{Error, Result};
use crate::store::mail::Mail;
use crate::store::user::User;
use crate::store::{Db, Tx, job, mail, user};

/// The purpose that bodies are sealed for.
pub const SEAL: &str = "mail";
/// The kind of job that hands a mail to the server; its key is the mail's id.
pub const SEND: &str = "mail.send";
/// How long mails are kept (rules D6).
const KEEP_MS: i64 = 30 * DAY_MS;

/// What writing a mail takes.
#[derive(Clone, Copy)]
pub struct Mailer<'a> {
    pub keys: &'a Keys,
    pub chance: &'a Chance,
    pub head: Letterhead<'a>,
    /// There is a mail server. Without one mails stay in the mailbox that a demo shows.
    pub is_sent: bool,
}

/// Queues a letter to a user, in the user's language.
pub fn send(tx: &Tx, mailer: &Mailer<'_>, user_id: &str, letter: &Letter, now: Instant) -> Result<()> {
    let reader = user::find(tx, user_id)?.ok_or(Error::NotFound("user"))?;
    queue(tx, mailer, &reader, None, letter, now)
}

/// Queues a letter that tells of a binding or an organization; also the job that sends it.
pub(super) fn queue(
    tx: &Tx,
    mailer: &Mailer<'_>,
    reader: &User,
    about: Option<&str>,
    letter: &Letter,
    now: Instant,
) -> Result<()> {
    queue_to(tx, mailer, (&reader.email, &reader.name, reader.lang), about, letter, now)
}

/// Queues a letter to an address that is nobody's yet, in the language of whoever asked for it.
pub(super) fn send_to_address(
    tx: &Tx,
    mailer: &Mailer<'_>,
    address: &str,
    lang: Lang,
    letter: &Letter,
    now: Instant,
) -> Result<()> {
    queue_to(tx, mailer, (address, address, lang), None, letter, now)
}

fn queue_to(
    tx: &Tx,
    mailer: &Mailer<'_>,
    (address, name, lang): (&str, &str, Lang),
    about: Option<&str>,
    letter: &Letter,
    now: Instant,
) -> Result<()> {
    let written = letter.write(lang, name, mailer.head.brand, mailer.head.support);
    let sealed_body = mailer.keys.seal(SEAL, written.body.as_bytes(), mailer.chance);
    let new = mail::New {
        recipient: address,
        lang,
        kind: letter.kind(),
        about,
        subject: &written.subject,
        sealed_body: &sealed_body,
    };
    let id = mail::queue(tx, &new, now)?;
    if mailer.is_sent { job::enqueue(tx, SEND, &id.to_string(), now) } else { Ok(()) }
}

/// The newest mails first, sealed as they are.
pub fn list(db: &Db, limit: u32) -> Result<Vec<Mail>> {
    mail::list(db, limit)
}

/// A mail that is still to be sent, by the key of its job. `None`: it was sent, or is too old to be kept.
pub fn find_unsent(db: &Db, key: &str) -> Result<Option<Mail>> {
    match key.parse() {
        Ok(id) => mail::find_unsent(db, id),
        Err(_) => Ok(None),
    }
}

/// The server has taken it.
pub fn set_sent(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    mail::set_sent(tx, id, now)
}

/// Forgets what is older than its retention.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    mail::delete_old(tx, now.plus_ms(-KEEP_MS), rows)
}
