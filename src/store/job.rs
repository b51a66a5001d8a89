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
    tx.note_work();
    Ok(())
}

/// Enqueues work for then at the latest: the same work that is open and due later is due then. Wakes nobody, because it
/// is written with most calls and due later: the threads look twice a second by themselves.
pub fn enqueue_by(tx: &Tx, kind: &str, key: &str, due_at: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO job (kind, key, due_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, key) WHERE done_at IS NULL AND dead_at IS NULL DO UPDATE SET due_at = min(due_at, excluded.due_at)",
        (kind, key, due_at.ms()),
    )?;
    Ok(())
}

/// Leases what is due of these kinds, the oldest of each first. `real_now` runs on the real clock: a lease is about
/// this machine's work.
pub fn take(tx: &Tx, kinds: &[&str], now: Instant, real_now: Instant, lease_ms: i64, limit: u32) -> Result<Vec<Job>> {
    let mut due = Vec::new();
    for kind in kinds {
        let left = limit.saturating_sub(u32::try_from(due.len()).unwrap_or(limit));
        due.extend(tx.list(
            "SELECT id, kind, key, attempts FROM job
             WHERE done_at IS NULL AND dead_at IS NULL AND kind = ?1 AND due_at <= ?2 AND (leased_until IS NULL OR leased_until <= ?3)
             ORDER BY due_at, id LIMIT ?4",
            (kind, now.ms(), real_now.ms(), left),
            |row| Ok(Job { id: row.get(0)?, kind: row.get(1)?, key: row.get(2)?, attempts: row.get(3)? }),
        )?);
    }
    for job in &due {
        tx.execute(
            "UPDATE job SET leased_until = ?2, attempts = attempts + 1 WHERE id = ?1",
            (job.id, real_now.ms() + lease_ms),
        )?;
    }
    Ok(due)
}

/// When the next open job of these kinds is due.
pub fn next_due(db: &Db, kinds: &[&str]) -> Result<Option<Instant>> {
    let mut next: Option<i64> = None;
    for kind in kinds {
        let due: Option<i64> =
            db.value("SELECT min(due_at) FROM job WHERE done_at IS NULL AND dead_at IS NULL AND kind = ?1", [kind])?;
        next = [next, due].into_iter().flatten().min();
    }
    Ok(next.map(Instant::from_ms))
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

/// Plans a job that never ends anew, as if it had not run yet.
pub fn again(tx: &Tx, id: i64, due_at: Instant, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE job SET due_at = ?2, attempts = 0, leased_until = NULL, last_error = NULL, ran_at = ?3 WHERE id = ?1",
        (id, due_at.ms(), now.ms()),
    )?;
    Ok(())
}

/// A kind of work that never ends: its key, when it last ran, and when it runs next.
pub type Round = (String, Option<Instant>, Instant);

/// The rounds of a kind, by their keys.
pub fn list_rounds(db: &Db, kind: &str, limit: u32) -> Result<Vec<Round>> {
    db.list(
        "SELECT key, ran_at, due_at FROM job WHERE done_at IS NULL AND dead_at IS NULL AND kind = ?1 ORDER BY key LIMIT ?2",
        (kind, limit),
        |row| {
            let ran: Option<i64> = row.get(1)?;
            Ok((row.get(0)?, ran.map(Instant::from_ms), Instant::from_ms(row.get(2)?)))
        },
    )
}

/// Gives a job up; it stays visible.
pub fn bury(tx: &Tx, id: i64, now: Instant, error: &str) -> Result<()> {
    tx.execute(
        "UPDATE job SET dead_at = ?2, leased_until = NULL, last_error = ?3 WHERE id = ?1",
        (id, now.ms(), error),
    )?;
    Ok(())
}

/// Work that was given up.
#[derive(Debug, Clone)]
pub struct Dead {
    pub id: i64,
    pub kind: String,
    pub key: String,
    pub attempts: u32,
    pub dead_at: Instant,
    pub error: String,
}

fn dead_from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Dead> {
    Ok(Dead {
        id: row.get(0)?,
        kind: row.get(1)?,
        key: row.get(2)?,
        attempts: row.get(3)?,
        dead_at: Instant::from_ms(row.get(4)?),
        error: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
    })
}

/// The newest first, older than `before`. They are few: each has alarmed an operator.
pub fn list_dead(db: &Db, before: i64, limit: u32) -> Result<Vec<Dead>> {
    db.list(
        "SELECT id, kind, key, attempts, dead_at, last_error FROM job INDEXED BY job_dead
         WHERE dead_at IS NOT NULL AND id < ?1 ORDER BY id DESC LIMIT ?2",
        (before, limit),
        dead_from_row,
    )
}

pub fn find_dead(db: &Db, id: i64) -> Result<Option<Dead>> {
    db.find(
        "SELECT id, kind, key, attempts, dead_at, last_error FROM job WHERE id = ?1 AND dead_at IS NOT NULL",
        [id],
        dead_from_row,
    )
}

/// Whether this work waits to be done.
pub fn is_open(db: &Db, kind: &str, key: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM job WHERE kind = ?1 AND key = ?2 AND done_at IS NULL AND dead_at IS NULL)",
        (kind, key),
    )
}

/// Whether this work was given up, and nobody has seen to it.
pub fn has_dead(db: &Db, kind: &str, key: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM job WHERE kind = ?1 AND key = ?2 AND dead_at IS NOT NULL)", (kind, key))
}

/// Has work that was given up tried again, as if it were new.
pub fn revive(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute("UPDATE job SET dead_at = NULL, attempts = 0, due_at = ?2 WHERE id = ?1", (id, now.ms()))?;
    tx.note_work();
    Ok(())
}

/// Puts work that was given up to what was done: it is forgotten with it.
pub fn discard(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute("UPDATE job SET dead_at = NULL, done_at = ?2 WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// Forgets work that was done before `until`; what was given up stays for the operator.
pub fn delete_done(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute("DELETE FROM job WHERE id IN (SELECT id FROM job WHERE done_at < ?1 LIMIT ?2)", (until.ms(), limit))
}

/// Frees leases of a process that is gone; called once per kind when one takes over the file.
pub fn free_leases(tx: &Tx, kinds: &[&str]) -> Result<()> {
    for kind in kinds {
        tx.execute(
            "UPDATE job SET leased_until = NULL WHERE done_at IS NULL AND dead_at IS NULL AND kind = ?1 AND leased_until IS NOT NULL",
            [kind],
        )?;
    }
    Ok(())
}
