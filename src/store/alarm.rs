//! What needs an operator's eye.

use super::Tx;
use crate::domain::value::Instant;
use crate::error::Result;

/// Raises an alarm, or counts one that is open already.
pub fn raise(tx: &Tx, kind: &str, subject: &str, detail: &str, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO alarm (kind, subject, detail, raised_at, last_at) VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO UPDATE SET times = times + 1, last_at = excluded.last_at, detail = excluded.detail",
        (kind, subject, detail, now.ms()),
    )?;
    Ok(())
}
