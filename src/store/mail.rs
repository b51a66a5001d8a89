//! Mails to send. Bodies are sealed: they may carry a link that grants something.

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

/// Queues a mail; its id.
pub fn queue(
    tx: &Tx,
    recipient: &str,
    lang: Lang,
    kind: &str,
    subject: &str,
    sealed_body: &str,
    now: Instant,
) -> Result<i64> {
    tx.execute(
        "INSERT INTO mail (recipient, lang, kind, subject, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (recipient, lang.tag(), kind, subject, sealed_body, now.ms()),
    )?;
    Ok(tx.conn().last_insert_rowid())
}

/// The newest mails first.
pub fn list(db: &Db, limit: u32) -> Result<Vec<Mail>> {
    db.list(
        "SELECT id, recipient, lang, kind, subject, body, created_at FROM mail ORDER BY id DESC LIMIT ?1",
        [limit],
        |row| {
            Ok(Mail {
                id: row.get(0)?,
                recipient: row.get(1)?,
                lang: Lang::parse(&row.get::<_, String>(2)?).unwrap_or_default(),
                kind: row.get(3)?,
                subject: row.get(4)?,
                body: row.get(5)?,
                created_at: Instant::from_ms(row.get(6)?),
            })
        },
    )
}
