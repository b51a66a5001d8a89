//! The feed of what happened.

use serde_json::Value;

use super::Tx;
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
    let sequence: Option<i64> = tx.returning(
        "UPDATE subscription SET event_sequence = event_sequence + 1 WHERE id = ?1 RETURNING event_sequence",
        [subscription_id],
        |row| row.get(0),
    )?;
    tx.execute(
        "INSERT INTO event (type, subscription_id, sequence, subject, data, occurred_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (kind, subscription_id, sequence, subject, data.to_string(), now.ms()),
    )?;
    Ok(())
}

/// Adds an event that belongs to no subscription.
pub fn insert(tx: &Tx, kind: &str, subject: &str, data: &Value, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO event (type, subject, data, occurred_at) VALUES (?1, ?2, ?3, ?4)",
        (kind, subject, data.to_string(), now.ms()),
    )?;
    Ok(())
}
