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
    tx.execute(
        "INSERT INTO event (type, subject, data, occurred_at) VALUES (?1, ?2, ?3, ?4)",
        (kind, subject, data.to_string(), now.ms()),
    )?;
    Ok(())
}
