//! Mails to send. Bodies are sealed: they may carry a link that grants something.

use rusqlite::Row;

use super::{Db, Tx};
use crate::domain::value::{Instant, Lang};
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Mail {
    pub id: i64,
    pub recipient: String,
    pub lang: Lang,
    pub kind: String,
    pub subject: String,
    /// Sealed for the purpose "mail".
    pub body: String,
    pub created_at: Instant,
}

/// A mail to be queued.
pub struct New<'a> {
    pub recipient: &'a str,
    pub lang: Lang,
    pub kind: &'a str,
    /// The binding or organization that it tells of.
    pub about: Option<&'a str>,
    pub subject: &'a str,
    pub sealed_body: &'a str,
}

/// Queues a mail; its id.
pub fn queue(tx: &Tx, new: &New<'_>, now: Instant) -> Result<i64> {
    tx.execute(
        "INSERT INTO mail (recipient, lang, kind, about, subject, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (new.recipient, new.lang.tag(), new.kind, new.about, new.subject, new.sealed_body, now.ms()),
    )?;
    Ok(tx.conn().last_insert_rowid())
}

const COLUMNS: &str = "id, recipient, lang, kind, subject, body, created_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: row.get(0)?,
        recipient: row.get(1)?,
        lang: Lang::parse(&row.get::<_, String>(2)?).unwrap_or_default(),
        kind: row.get(3)?,
        subject: row.get(4)?,
        body: row.get(5)?,
        created_at: Instant::from_ms(row.get(6)?),
    })
}

/// The newest mails first.
pub fn list(db: &Db, limit: u32) -> Result<Vec<Mail>> {
    db.list(&format!("SELECT {COLUMNS} FROM mail ORDER BY id DESC LIMIT ?1"), [limit], from_row)
}

/// One that no server has taken yet.
pub fn find_unsent(db: &Db, id: i64) -> Result<Option<Mail>> {
    db.find(&format!("SELECT {COLUMNS} FROM mail WHERE id = ?1 AND sent_at IS NULL"), [id], from_row)
}

pub fn set_sent(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute("UPDATE mail SET sent_at = coalesce(sent_at, ?2) WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// How many mails of a kind tell of something.
pub fn count_about(db: &Db, about: &str, kind: &str) -> Result<u32> {
    db.value("SELECT count(*) FROM mail WHERE about = ?1 AND kind = ?2", (about, kind))
}

/// How many mails of a kind were written to an address since.
pub fn count_to(db: &Db, address: &str, kind: &str, since: Instant) -> Result<u32> {
    db.value(
        "SELECT count(*) FROM mail WHERE recipient = ?1 AND kind = ?2 AND created_at > ?3",
        (address, kind, since.ms()),
    )
}

/// Forgets mails that were written before `until`, looking at the `limit` oldest only.
pub fn delete_old(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM mail WHERE id IN (SELECT id FROM mail ORDER BY id LIMIT ?2) AND created_at < ?1",
        (until.ms(), limit),
    )
}

/// The newest mails to an address first.
pub fn list_to(db: &Db, address: &str, limit: u32) -> Result<Vec<Mail>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM mail WHERE recipient = ?1 ORDER BY id DESC LIMIT ?2"),
        (address, limit),
        from_row,
    )
}

/// Forgets mails to an address; at most `limit` rows at a time.
pub fn delete_to(tx: &Tx, address: &str, limit: u32) -> Result<usize> {
    tx.execute("DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE recipient = ?1 LIMIT ?2)", (address, limit))
}
