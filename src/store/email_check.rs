//! Addresses that wait for the code that was mailed to them.

use rusqlite::{Row, named_params};

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Check {
    pub id: String,
    pub email: String,
    /// Whose address it becomes; `None`: somebody registers.
    pub user_id: Option<String>,
    pub name: String,
    pub password_hash: String,
    /// The address is somebody's: no code is right, and nobody is told.
    pub is_taken: bool,
    pub code_mac: Vec<u8>,
    pub tries: u32,
    pub codes: u32,
    pub sent_at: Instant,
    pub created_at: Instant,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Check> {
    Ok(Check {
        id: row.get(0)?,
        email: row.get(1)?,
        user_id: row.get(2)?,
        name: row.get(3)?,
        password_hash: row.get(4)?,
        is_taken: row.get(5)?,
        code_mac: row.get(6)?,
        tries: row.get(7)?,
        codes: row.get(8)?,
        sent_at: Instant::from_ms(row.get(9)?),
        created_at: Instant::from_ms(row.get(10)?),
    })
}

/// One that is not done, for the browser that began it.
pub fn find(db: &Db, id: &str, browser_hash: &[u8]) -> Result<Option<Check>> {
    db.find(
        "SELECT id, email, user_id, name, password_hash, is_taken, code_mac, tries, codes, sent_at, created_at
         FROM email_check WHERE id = ?1 AND browser_hash = ?2 AND done_at IS NULL",
        (id, browser_hash),
        from_row,
    )
}

pub fn insert(tx: &Tx, check: &Check, browser_hash: &[u8]) -> Result<()> {
    tx.execute(
        "INSERT INTO email_check (id, browser_hash, email, user_id, name, password_hash, is_taken, code_mac, tries, codes, sent_at, created_at)
         VALUES (:id, :browser, :email, :user, :name, :password, :taken, :mac, :tries, :codes, :sent, :created)",
        named_params! {
            ":id": check.id,
            ":browser": browser_hash,
            ":email": check.email,
            ":user": check.user_id,
            ":name": check.name,
            ":password": check.password_hash,
            ":taken": check.is_taken,
            ":mac": check.code_mac,
            ":tries": check.tries,
            ":codes": check.codes,
            ":sent": check.sent_at.ms(),
            ":created": check.created_at.ms(),
        },
    )?;
    Ok(())
}

pub fn count_try(tx: &Tx, id: &str) -> Result<()> {
    tx.execute("UPDATE email_check SET tries = tries + 1 WHERE id = ?1", [id])?;
    Ok(())
}

/// Another code in the place of the former one.
pub fn set_code(tx: &Tx, id: &str, code_mac: &[u8], now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE email_check SET code_mac = ?2, tries = 0, codes = codes + 1, sent_at = ?3 WHERE id = ?1",
        (id, code_mac, now.ms()),
    )?;
    Ok(())
}

/// It is done; what it held of a person is gone with it.
pub fn set_done(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE email_check SET done_at = ?2, name = '', password_hash = '' WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// Codes that were mailed to an address by registrations that began since.
pub fn count_codes(db: &Db, email: &str, since: Instant) -> Result<u32> {
    db.value(
        "SELECT coalesce(sum(codes), 0) FROM email_check WHERE email = ?1 AND created_at > ?2",
        (email, since.ms()),
    )
}

/// Forgets what began before `until`; at most `limit` rows at a time.
pub fn delete_old(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM email_check WHERE id IN (SELECT id FROM email_check WHERE created_at < ?1 LIMIT ?2)",
        (until.ms(), limit),
    )
}
