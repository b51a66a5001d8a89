//! What needs an operator's eye.

use super::{Db, Tx};
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

/// An alarm that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub id: i64,
    pub kind: String,
    pub subject: String,
    pub detail: String,
    pub times: u32,
    pub raised_at: Instant,
    pub last_at: Instant,
}

/// Open ones, newest first.
pub fn list_open(db: &Db, limit: u32) -> Result<Vec<Alarm>> {
    db.list(
        "SELECT id, kind, subject, detail, times, raised_at, last_at FROM alarm INDEXED BY alarm_open
         WHERE cleared_at IS NULL ORDER BY id DESC LIMIT ?1",
        [limit],
        |row| {
            Ok(Alarm {
                id: row.get(0)?,
                kind: row.get(1)?,
                subject: row.get(2)?,
                detail: row.get(3)?,
                times: row.get(4)?,
                raised_at: Instant::from_ms(row.get(5)?),
                last_at: Instant::from_ms(row.get(6)?),
            })
        },
    )
}

const OF: &str = "DELETE FROM alarm WHERE subject = ?1";
const CLEARED: &str =
    "DELETE FROM alarm WHERE id IN (SELECT id FROM alarm WHERE cleared_at < ?1 ORDER BY cleared_at LIMIT ?2)";

/// Forgets what was raised about something, whether it is over or not.
pub fn delete_of(tx: &Tx, subject: &str) -> Result<usize> {
    tx.execute(OF, [subject])
}

/// Forgets what was over until then, so many at most.
pub fn delete_cleared(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute(CLEARED, (until.ms(), limit))
}

/// Closes an alarm whose cause is gone. Whether it was open.
pub fn clear(tx: &Tx, kind: &str, subject: &str, now: Instant) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE alarm SET cleared_at = ?3 WHERE kind = ?1 AND subject = ?2 AND cleared_at IS NULL",
        (kind, subject, now.ms()),
    )?;
    Ok(changed > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::plan;

    #[test]
    fn what_is_to_be_forgotten_is_found_without_a_walk_through_all_alarms() {
        for (sql, index) in [(OF, "alarm_by_subject"), (CLEARED, "alarm_cleared")] {
            let steps = plan(sql);
            assert!(steps.iter().any(|step| step.contains(&format!("INDEX {index}"))), "{steps:?}");
            assert!(steps.iter().all(|step| !step.contains("SCAN") && !step.contains("ORDER BY")), "{steps:?}");
        }
    }
}
