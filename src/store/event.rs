//! The feed of what happened.

use rusqlite::Row;
use serde_json::Value;

use super::{Db, Tx};
use crate::domain::hook::TYPES;
use crate::domain::value::Instant;
use crate::error::Result;

/// Adds an event of a subscription, with the next number of its gapless sequence.
pub fn insert_of_subscription(
    tx: &Tx,
    kind: &str,
    subscription_id: i64,
    subject: &str,
    data: &Value,
    now: Instant,
) -> Result<()> {
    debug_assert!(TYPES.contains(&kind), "{kind} is not declared");
    // One writer, so nobody takes the number in between; the unique index holds it.
    let sequence: i64 =
        tx.value("SELECT coalesce(max(sequence), 0) + 1 FROM event WHERE subscription_id = ?1", [subscription_id])?;
    tx.execute(
        "INSERT INTO event (type, subscription_id, sequence, subject, data, occurred_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (kind, subscription_id, sequence, subject, data.to_string(), now.ms()),
    )?;
    Ok(())
}

/// Adds an event that belongs to no subscription.
pub fn insert(tx: &Tx, kind: &str, subject: &str, data: &Value, now: Instant) -> Result<()> {
    debug_assert!(TYPES.contains(&kind), "{kind} is not declared");
    tx.execute(
        "INSERT INTO event (type, subject, data, occurred_at) VALUES (?1, ?2, ?3, ?4)",
        (kind, subject, data.to_string(), now.ms()),
    )?;
    Ok(())
}

/// An event as it is stored.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: i64,
    pub kind: String,
    pub subscription_id: Option<i64>,
    pub sequence: Option<i64>,
    pub subject: String,
    /// JSON.
    pub data: String,
    pub occurred_at: Instant,
}

pub(super) const COLUMNS: &str = "id, type, subscription_id, sequence, subject, data, occurred_at";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        kind: row.get(1)?,
        subscription_id: row.get(2)?,
        sequence: row.get(3)?,
        subject: row.get(4)?,
        data: row.get(5)?,
        occurred_at: Instant::from_ms(row.get(6)?),
    })
}

pub fn find(db: &Db, id: i64) -> Result<Option<Event>> {
    db.find(&format!("SELECT {COLUMNS} FROM event WHERE id = ?1"), [id], from_row)
}

/// The events behind a cursor, in the order in which they became true.
pub fn list_after(db: &Db, after: i64, limit: u32) -> Result<Vec<Event>> {
    db.list(&format!("SELECT {COLUMNS} FROM event WHERE id > ?1 ORDER BY id LIMIT ?2"), (after, limit), from_row)
}

/// The newest events of a subscription first.
pub fn list_of_subscription(db: &Db, subscription_id: i64, limit: u32) -> Result<Vec<Event>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM event WHERE subscription_id = ?1 ORDER BY sequence DESC LIMIT ?2"),
        (subscription_id, limit),
        from_row,
    )
}

/// The last event so far; 0: none.
pub fn last_id(db: &Db) -> Result<i64> {
    Ok(db.value::<Option<i64>>("SELECT max(id) FROM event", ())?.unwrap_or_default())
}
