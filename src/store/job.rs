//! Work to do: written in the transaction of its cause, leased, done at least once.

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Job {
    pub id: i64,
    pub kind: String,
    pub key: String,
    pub attempts: u32,
}

/// Enqueues work, unless the same work is open already.
pub fn enqueue(tx: &Tx, kind: &str, key: &str, due_at: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO job (kind, key, due_at) VALUES (?1, ?2, ?3) ON CONFLICT (kind, key) WHERE done_at IS NULL AND dead_at IS NULL DO NOTHING",
        (kind, key, due_at.ms()),
    )?;
    Ok(())
}

/// Leases what is due, the oldest first. `real_now` runs on the real clock: a lease is about this machine's work.
pub fn take(tx: &Tx, now: Instant, real_now: Instant, lease_ms: i64, limit: u32) -> Result<Vec<Job>> {
    let due: Vec<Job> = tx.list(
        "SELECT id, kind, key, attempts FROM job
         WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= ?1 AND (leased_until IS NULL OR leased_until <= ?2) ORDER BY due_at, id LIMIT ?3",
        (now.ms(), real_now.ms(), limit),
        |row| Ok(Job { id: row.get(0)?, kind: row.get(1)?, key: row.get(2)?, attempts: row.get(3)? }),
    )?;
    for job in &due {
        tx.execute(
            "UPDATE job SET leased_until = ?2, attempts = attempts + 1 WHERE id = ?1",
            (job.id, real_now.ms() + lease_ms),
        )?;
    }
    Ok(due)
}

/// When the next open job is due.
pub fn next_due(db: &Db) -> Result<Option<Instant>> {
    db.value::<Option<i64>>("SELECT min(due_at) FROM job WHERE done_at IS NULL AND dead_at IS NULL", ())
        .map(|ms| ms.map(Instant::from_ms))
}

pub fn finish(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute("UPDATE job SET done_at = ?2, leased_until = NULL WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// Gives a job back for later.
pub fn postpone(tx: &Tx, id: i64, due_at: Instant, error: &str) -> Result<()> {
    tx.execute(
        "UPDATE job SET due_at = ?2, leased_until = NULL, last_error = ?3 WHERE id = ?1",
        (id, due_at.ms(), error),
    )?;
    Ok(())
}

/// Gives a job up; it stays visible.
pub fn bury(tx: &Tx, id: i64, now: Instant, error: &str) -> Result<()> {
    tx.execute(
        "UPDATE job SET dead_at = ?2, leased_until = NULL, last_error = ?3 WHERE id = ?1",
        (id, now.ms(), error),
    )?;
    Ok(())
}

/// Frees leases of a process that is gone; called once when one takes over the file.
pub fn free_leases(tx: &Tx) -> Result<()> {
    tx.execute("UPDATE job SET leased_until = NULL WHERE done_at IS NULL AND leased_until IS NOT NULL", ())?;
    Ok(())
}
