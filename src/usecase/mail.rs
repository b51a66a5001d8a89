//! Mails: written in the reader's language, sealed, queued in the transaction of their cause.

use crate::crypto::{Chance, Keys};
use crate::domain::letter::Letter;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::mail::Mail;
use crate::store::{Db, Tx, mail, user};

/// The purpose that bodies are sealed for.
pub const SEAL: &str = "mail";

/// What writing a mail takes.
pub struct Mailer<'a> {
    pub keys: &'a Keys,
    pub chance: &'a Chance,
    /// Origin of the links.
    pub public_url: &'a str,
    pub brand: &'a str,
    pub support: &'a str,
}

/// Queues a letter to a user, in the user's language.
pub fn send(tx: &Tx, mailer: &Mailer<'_>, user_id: &str, letter: &Letter, now: Instant) -> Result<()> {
    let reader = user::find(tx, user_id)?.ok_or(Error::NotFound("user"))?;
    let written = letter.write(reader.lang, &reader.name, mailer.brand, mailer.support);
    let body = mailer.keys.seal(SEAL, written.body.as_bytes(), mailer.chance);
    mail::queue(tx, &reader.email, reader.lang, letter.kind(), &written.subject, &body, now)?;
    Ok(())
}

/// The newest mails first, sealed as they are.
pub fn list(db: &Db, limit: u32) -> Result<Vec<Mail>> {
    mail::list(db, limit)
}
