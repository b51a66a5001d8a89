//! Claims, and the login-free tokens that opened them.

use rusqlite::Row;

use super::{Db, Tx};
use crate::domain::claim::{IDLE_MS, LIFE_MS};
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Claim {
    pub id: String,
    pub seller_id: String,
    pub instance_id: String,
    pub browser_hash: Vec<u8>,
    pub user_id: Option<String>,
    pub created_at: Instant,
    pub step_at: Instant,
    /// The request this claim made last.
    pub binding_id: Option<String>,
}

const COLUMNS: &str = "id, seller_id, instance_id, browser_hash, user_id, created_at, step_at, binding_id";
/// Open and not run out at ?1.
const OPEN: &str = "closed_at IS NULL AND step_at > ?1 - 86400000 AND created_at > ?1 - 604800000";
const _: () = assert!(IDLE_MS == 86_400_000 && LIFE_MS == 604_800_000);
/// Most claims that a chooser lists.
const LIMIT: i64 = 20;

fn from_row(row: &Row<'_>) -> rusqlite::Result<Claim> {
    Ok(Claim {
        id: row.get(0)?,
        seller_id: row.get(1)?,
        instance_id: row.get(2)?,
        browser_hash: row.get(3)?,
        user_id: row.get(4)?,
        created_at: Instant::from_ms(row.get(5)?),
        step_at: Instant::from_ms(row.get(6)?),
        binding_id: row.get(7)?,
    })
}

/// An open claim by its id.
pub fn find(db: &Db, id: &str, now: Instant) -> Result<Option<Claim>> {
    db.find(&format!("SELECT {COLUMNS} FROM claim WHERE {OPEN} AND id = ?2"), (now.ms(), id), from_row)
}

/// A claim that is not closed, however long ago its last step was: an approval has a life of its own.
pub fn find_of_any_age(db: &Db, id: &str) -> Result<Option<Claim>> {
    db.find(&format!("SELECT {COLUMNS} FROM claim WHERE closed_at IS NULL AND id = ?1"), [id], from_row)
}

/// The open claims of a browser or of a user, newest step first.
pub fn list(db: &Db, browser_hash: Option<&[u8]>, user_id: Option<&str>, now: Instant) -> Result<Vec<Claim>> {
    // Two indexed searches; a user's claim that was opened in this browser is in both.
    db.list(
        &format!(
            "SELECT {COLUMNS} FROM claim WHERE {OPEN} AND browser_hash = ?2 AND (user_id IS NULL OR user_id = ?3)
             UNION SELECT {COLUMNS} FROM claim WHERE {OPEN} AND user_id = ?3
             ORDER BY step_at DESC, id DESC LIMIT {LIMIT}"
        ),
        (now.ms(), browser_hash, user_id),
        from_row,
    )
}

/// The open claim of this browser for an instance, if it already is on the way.
pub fn find_of_browser(
    db: &Db,
    browser_hash: &[u8],
    seller_id: &str,
    instance_id: &str,
    now: Instant,
) -> Result<Option<Claim>> {
    db.find(
        &format!("SELECT {COLUMNS} FROM claim WHERE {OPEN} AND browser_hash = ?2 AND seller_id = ?3 AND instance_id = ?4 ORDER BY step_at DESC LIMIT 1"),
        (now.ms(), browser_hash, seller_id, instance_id),
        from_row,
    )
}

pub fn insert(
    tx: &Tx,
    id: &str,
    seller_id: &str,
    instance_id: &str,
    browser_hash: &[u8],
    user_id: Option<&str>,
    now: Instant,
) -> Result<()> {
    tx.execute(
        "INSERT INTO claim (id, seller_id, instance_id, browser_hash, user_id, created_at, step_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        (id, seller_id, instance_id, browser_hash, user_id, now.ms()),
    )?;
    Ok(())
}

/// The first sign-in or registration through a claim makes it that person's, from the browser that opened it only.
/// Whether the claim is this person's now.
pub fn attach_user(tx: &Tx, id: &str, browser_hash: &[u8], user_id: &str, now: Instant) -> Result<bool> {
    tx.execute(
        "UPDATE claim SET user_id = ?3, step_at = ?4 WHERE id = ?1 AND browser_hash = ?2 AND user_id IS NULL AND closed_at IS NULL",
        (id, browser_hash, user_id, now.ms()),
    )?;
    tx.value("SELECT EXISTS (SELECT 1 FROM claim WHERE id = ?1 AND user_id = ?2)", (id, user_id))
}

/// Closes what a user has open.
pub fn close_of_user(tx: &Tx, user_id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE claim SET closed_at = ?2 WHERE user_id = ?1 AND closed_at IS NULL", (user_id, now.ms()))?;
    Ok(())
}

pub fn touch(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE claim SET step_at = ?2 WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// Remembers the request that a claim made; `None` for another try.
pub fn set_binding(tx: &Tx, id: &str, binding_id: Option<&str>, now: Instant) -> Result<()> {
    tx.execute("UPDATE claim SET binding_id = ?2, step_at = ?3 WHERE id = ?1", (id, binding_id, now.ms()))?;
    Ok(())
}

/// A token that was spent before.
pub struct Spent {
    pub pre_hash: Vec<u8>,
    pub claim_id: String,
}

pub fn find_spent(db: &Db, token_hash: &[u8]) -> Result<Option<Spent>> {
    db.find("SELECT pre_hash, claim_id FROM spent_token WHERE token_hash = ?1", [token_hash], |row| {
        Ok(Spent { pre_hash: row.get(0)?, claim_id: row.get(1)? })
    })
}

pub fn insert_spent(
    tx: &Tx,
    token_hash: &[u8],
    pre_hash: &[u8],
    claim_id: &str,
    now: Instant,
    expires_at: Instant,
) -> Result<()> {
    tx.execute(
        "INSERT INTO spent_token (token_hash, pre_hash, claim_id, spent_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (token_hash, pre_hash, claim_id, now.ms(), expires_at.ms()),
    )?;
    Ok(())
}

/// Forgets tokens that nobody can present any more; at most `limit` rows at a time.
pub fn delete_old_spent(tx: &Tx, now: Instant, limit: u32) -> Result<usize> {
    tx.execute("DELETE FROM spent_token WHERE token_hash IN (SELECT token_hash FROM spent_token WHERE expires_at < ?1 LIMIT ?2)", (now.ms(), limit))
}
