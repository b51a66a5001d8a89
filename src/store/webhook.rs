//! Webhooks: where the vendor's product hears of events.

use rusqlite::{Row, named_params};

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    /// Space-separated; empty: everything.
    pub types: String,
    /// Sealed.
    pub secret: String,
    /// Sealed; until when it signs as well.
    pub previous: Option<(String, Instant)>,
    /// The last event that was considered for it.
    pub cursor: i64,
    pub failing_since: Option<Instant>,
    /// When, and why: `requested`, `gone`, `failing`.
    pub disabled: Option<(Instant, String)>,
    pub created_at: Instant,
}

const COLUMNS: &str = "id, url, types, secret, previous_secret, previous_until, cursor, failing_since, disabled_at, disabled_reason, created_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
    Ok(Webhook {
        id: row.get(0)?,
        url: row.get(1)?,
        types: row.get(2)?,
        secret: row.get(3)?,
        previous: row.get::<_, Option<String>>(4)?.zip(instant(5)?),
        cursor: row.get(6)?,
        failing_since: instant(7)?,
        disabled: instant(8)?.zip(row.get(9)?),
        created_at: Instant::from_ms(row.get(10)?),
    })
}

pub fn find(db: &Db, id: &str) -> Result<Option<Webhook>> {
    db.find(&format!("SELECT {COLUMNS} FROM webhook WHERE id = ?1 AND deleted_at IS NULL"), [id], from_row)
}

/// The webhooks behind `after`, in the order of their ids.
pub fn list_after(db: &Db, after: &str, limit: u32) -> Result<Vec<Webhook>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM webhook WHERE id > ?1 AND deleted_at IS NULL ORDER BY id LIMIT ?2"),
        (after, limit),
        from_row,
    )
}

/// Those that are sent to.
pub fn list_enabled(db: &Db, limit: u32) -> Result<Vec<Webhook>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM webhook WHERE disabled_at IS NULL AND deleted_at IS NULL ORDER BY id LIMIT ?1"),
        [limit],
        from_row,
    )
}

pub fn count(db: &Db) -> Result<u32> {
    db.value("SELECT count(*) FROM webhook WHERE deleted_at IS NULL", ())
}

/// A new webhook hears what comes after `cursor`.
pub fn insert(tx: &Tx, id: &str, url: &str, types: &str, secret: &str, cursor: i64, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO webhook (id, url, types, secret, cursor, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (id, url, types, secret, cursor, now.ms()),
    )?;
    Ok(())
}

pub fn set_target(tx: &Tx, id: &str, url: &str, types: &str) -> Result<()> {
    tx.execute("UPDATE webhook SET url = ?2, types = ?3 WHERE id = ?1", (id, url, types))?;
    Ok(())
}

/// The secret of before signs as well until then.
pub fn set_secret(tx: &Tx, id: &str, secret: &str, previous_until: Instant) -> Result<()> {
    tx.execute(
        "UPDATE webhook SET previous_secret = secret, previous_until = ?3, secret = ?2 WHERE id = ?1",
        (id, secret, previous_until.ms()),
    )?;
    Ok(())
}

pub fn enable(tx: &Tx, id: &str) -> Result<()> {
    tx.execute(
        "UPDATE webhook SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE id = ?1",
        [id],
    )?;
    tx.note_work();
    Ok(())
}

/// Whether it was enabled until now.
pub fn disable(tx: &Tx, id: &str, reason: &str, now: Instant) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE webhook SET disabled_at = ?2, disabled_reason = ?3 WHERE id = ?1 AND disabled_at IS NULL AND deleted_at IS NULL",
        (id, now.ms(), reason),
    )? > 0)
}

/// Takes it out of every list; its secrets are forgotten.
pub fn delete(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE webhook SET deleted_at = ?2, secret = '', previous_secret = NULL, previous_until = NULL WHERE id = ?1",
        (id, now.ms()),
    )?;
    Ok(())
}

/// Moves the cursor on, unless somebody else did so meanwhile. Whether it was moved.
pub fn set_cursor(tx: &Tx, id: &str, from: i64, to: i64) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE webhook SET cursor = :to WHERE id = :id AND cursor = :from",
        named_params! { ":id": id, ":from": from, ":to": to },
    )? > 0)
}

/// Notes a failure; since when it has been failing.
pub fn set_failing(tx: &Tx, id: &str, now: Instant) -> Result<Instant> {
    let since: Option<i64> = tx.returning(
        "UPDATE webhook SET failing_since = coalesce(failing_since, ?2) WHERE id = ?1 RETURNING failing_since",
        (id, now.ms()),
        |row| row.get(0),
    )?;
    Ok(since.map_or(now, Instant::from_ms))
}

pub fn set_well(tx: &Tx, id: &str) -> Result<()> {
    tx.execute("UPDATE webhook SET failing_since = NULL WHERE id = ?1 AND failing_since IS NOT NULL", [id])?;
    Ok(())
}
