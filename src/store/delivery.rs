//! Deliveries: events on their way to webhooks, in order within a lane.
//!
//! Of the waiting ones of a lane only the first has a due time; it hands on when it ends. So what is due is found by an
//! index however much waits behind it.

use rusqlite::{Row, named_params};

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: i64,
    pub webhook_id: String,
    /// `None`: a ping.
    pub event_id: Option<i64>,
    pub lane: Option<String>,
    /// The binding that the vendor is asked to confirm.
    pub binding_id: Option<String>,
    /// `waiting`, `delivered`, `dead`.
    pub state: String,
    pub attempts: u32,
    /// `None`: ended, or behind an earlier one.
    pub due_at: Option<Instant>,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub created_at: Instant,
    pub ended_at: Option<Instant>,
}

const COLUMNS: &str = "d.id, d.webhook_id, d.event_id, d.lane, d.binding_id, d.state, d.attempts, d.due_at, d.status, d.error, d.created_at, d.ended_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
    Ok(Delivery {
        id: row.get(0)?,
        webhook_id: row.get(1)?,
        event_id: row.get(2)?,
        lane: row.get(3)?,
        binding_id: row.get(4)?,
        state: row.get(5)?,
        attempts: row.get(6)?,
        due_at: instant(7)?,
        status: row.get(8)?,
        error: row.get(9)?,
        created_at: instant(10)?.unwrap_or_default(),
        ended_at: instant(11)?,
    })
}

/// Of a webhook that was not deleted.
pub fn find(db: &Db, id: i64) -> Result<Option<Delivery>> {
    db.find(
        &format!("SELECT {COLUMNS} FROM delivery d JOIN webhook w ON w.id = d.webhook_id WHERE d.id = ?1 AND w.deleted_at IS NULL"),
        [id],
        from_row,
    )
}

/// Which deliveries a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    All,
    Waiting,
    Delivered,
    Dead,
}

impl Filter {
    /// Literal, so that the index of those that are open can be used whatever is bound.
    const fn condition(self) -> &'static str {
        match self {
            Self::All => "true",
            Self::Waiting => "d.state = 'waiting' AND d.state <> 'delivered'",
            Self::Delivered => "d.state = 'delivered'",
            Self::Dead => "d.state = 'dead' AND d.state <> 'delivered'",
        }
    }
}

/// The newest first, older than `before`.
pub fn list(db: &Db, webhook_id: Option<&str>, filter: Filter, before: i64, limit: u32) -> Result<Vec<Delivery>> {
    let of = if webhook_id.is_some() { "d.webhook_id = :webhook" } else { ":webhook IS NULL" };
    db.list(
        &format!(
            "SELECT {COLUMNS} FROM delivery d JOIN webhook w ON w.id = d.webhook_id
             WHERE d.id < :before AND w.deleted_at IS NULL AND {of} AND {}
             ORDER BY d.id DESC LIMIT :limit",
            filter.condition()
        ),
        named_params! { ":before": before, ":webhook": webhook_id, ":limit": limit },
        from_row,
    )
}

pub struct New<'a> {
    pub webhook_id: &'a str,
    pub event_id: Option<i64>,
    pub lane: Option<&'a str>,
    pub binding_id: Option<&'a str>,
}

// Whatever becomes due at once wakes who sends it: `Tx::note_work`.

/// Adds one, due at once unless an earlier one of its lane is waiting. An event goes to a webhook once only.
pub fn insert(tx: &Tx, new: &New<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO delivery (webhook_id, event_id, lane, binding_id, state, due_at, created_at)
         VALUES (:webhook, :event, :lane, :binding, 'waiting',
           CASE WHEN EXISTS (SELECT 1 FROM delivery WHERE webhook_id = :webhook AND lane = :lane AND state = 'waiting') THEN NULL ELSE :now END, :now)
         ON CONFLICT (webhook_id, event_id) WHERE event_id IS NOT NULL DO NOTHING",
        named_params! {
            ":webhook": new.webhook_id,
            ":event": new.event_id,
            ":lane": new.lane,
            ":binding": new.binding_id,
            ":now": now.ms(),
        },
    )?;
    tx.note_work();
    Ok(())
}

/// Leases what is due for a webhook, questions and the rest apart; a lease runs on the real clock.
pub fn take(
    tx: &Tx,
    webhook_id: &str,
    is_asking: bool,
    now: Instant,
    real_now: Instant,
    leased_until: Instant,
    limit: u32,
) -> Result<Vec<Delivery>> {
    let due = tx.list(
        &format!(
            "SELECT {COLUMNS} FROM delivery d
             WHERE d.webhook_id = ?1 AND (d.binding_id IS NOT NULL) = ?2 AND d.state = 'waiting' AND d.due_at IS NOT NULL AND d.due_at <= ?3
               AND (d.leased_until IS NULL OR d.leased_until <= ?4)
             ORDER BY d.due_at, d.id LIMIT ?5"
        ),
        (webhook_id, is_asking, now.ms(), real_now.ms(), limit),
        from_row,
    )?;
    for delivery in &due {
        tx.execute("UPDATE delivery SET leased_until = ?2 WHERE id = ?1", (delivery.id, leased_until.ms()))?;
    }
    Ok(due)
}

/// When the next delivery to a webhook is due.
pub fn next_due(db: &Db, webhook_id: &str, is_asking: bool) -> Result<Option<Instant>> {
    let due: Option<i64> = db.value(
        "SELECT min(due_at) FROM delivery WHERE webhook_id = ?1 AND (binding_id IS NOT NULL) = ?2 AND state = 'waiting' AND due_at IS NOT NULL",
        (webhook_id, is_asking),
    )?;
    Ok(due.map(Instant::from_ms))
}

/// How many wait for a webhook; counts up to `limit`.
pub fn count_waiting(db: &Db, webhook_id: &str, limit: u32) -> Result<u32> {
    db.value(
        "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE state = 'waiting' AND state <> 'delivered' AND webhook_id = ?1 LIMIT ?2)",
        (webhook_id, limit),
    )
}

/// Whether one of a webhook was given up and is still kept.
pub fn has_dead(db: &Db, webhook_id: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE state = 'dead' AND state <> 'delivered' AND webhook_id = ?1)",
        [webhook_id],
    )
}

/// What came of an attempt.
pub struct Outcome<'a> {
    pub status: Option<u16>,
    pub error: Option<&'a str>,
}

/// It is tried again then.
pub fn postpone(tx: &Tx, id: i64, due_at: Instant, outcome: &Outcome<'_>) -> Result<()> {
    tx.execute(
        "UPDATE delivery SET attempts = attempts + 1, due_at = ?2, leased_until = NULL, status = ?3, error = ?4 WHERE id = ?1 AND state = 'waiting'",
        (id, due_at.ms(), outcome.status, outcome.error),
    )?;
    Ok(())
}

/// Ends a delivery; the next one of its lane becomes due.
pub fn end(tx: &Tx, delivery: &Delivery, is_delivered: bool, outcome: &Outcome<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE delivery SET state = ?2, attempts = attempts + 1, due_at = NULL, leased_until = NULL, status = ?3, error = ?4, ended_at = ?5
         WHERE id = ?1 AND state = 'waiting'",
        (delivery.id, if is_delivered { "delivered" } else { "dead" }, outcome.status, outcome.error, now.ms()),
    )?;
    wake_next(tx, delivery, now)
}

/// Ends a delivery that need not be tried any more.
pub fn drop_untried(tx: &Tx, delivery: &Delivery, why: &str, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE delivery SET state = CASE WHEN status BETWEEN 200 AND 299 THEN 'delivered' ELSE 'dead' END, due_at = NULL, leased_until = NULL,
           error = ?2, ended_at = ?3 WHERE id = ?1 AND state = 'waiting'",
        (delivery.id, why, now.ms()),
    )?;
    wake_next(tx, delivery, now)
}

fn wake_next(tx: &Tx, delivery: &Delivery, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE delivery SET due_at = ?3 WHERE due_at IS NULL AND id =
           (SELECT id FROM delivery WHERE webhook_id = ?1 AND lane = ?2 AND state = 'waiting' AND lane IS NOT NULL ORDER BY event_id LIMIT 1)",
        (&delivery.webhook_id, &delivery.lane, now.ms()),
    )?;
    Ok(())
}

/// Begins an ended delivery anew, or lets a waiting one be tried at once.
pub fn redeliver(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE delivery SET attempts = CASE WHEN state = 'waiting' THEN attempts ELSE 0 END, state = 'waiting', due_at = ?2, ended_at = NULL WHERE id = ?1",
        (id, now.ms()),
    )?;
    tx.note_work();
    Ok(())
}

/// Frees leases of a process that is gone.
pub fn free_leases(tx: &Tx) -> Result<()> {
    tx.execute(
        "UPDATE delivery SET leased_until = NULL WHERE state = 'waiting' AND state <> 'delivered' AND leased_until IS NOT NULL",
        (),
    )?;
    Ok(())
}

/// Forgets what ended long ago, and what waits for webhooks that were deleted; so many rows of each at most.
pub fn delete_old(tx: &Tx, before: Instant, limit: u32) -> Result<usize> {
    let old = tx.execute(
        "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE ended_at IS NOT NULL AND ended_at < ?1 LIMIT ?2)",
        (before.ms(), limit),
    )?;
    let orphaned = tx.execute(
        "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE state = 'waiting' AND state <> 'delivered'
           AND webhook_id IN (SELECT id FROM webhook WHERE deleted_at IS NOT NULL) LIMIT ?1)",
        [limit],
    )?;
    Ok(old + orphaned)
}
