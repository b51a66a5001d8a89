//! What happened to one subscription, from each place where that is written. Each list has the newest first and begins
//! behind a moment and an id of it.

use rusqlite::Row;

use super::Db;
use super::audit::{self, Row as Act};
use super::event::{self, Event};
use crate::domain::value::Instant;
use crate::error::Result;

/// Behind this moment, and at it behind this id.
pub type Before = (i64, i64);

/// A call of the marketplace, as it was made and answered.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: i64,
    pub seller_id: String,
    pub instance_id: String,
    pub action: String,
    pub verdict: String,
    pub code: Option<String>,
    pub status: u16,
    pub took_us: i64,
    /// JSON, token hidden.
    pub params: String,
    pub reply: String,
    pub request_id: String,
    pub at: Instant,
}

const CALL: &str =
    "id, seller_id, instance_id, action, verdict, code, status, took_us, params, reply, request_id, received_at";

fn call_from_row(row: &Row<'_>) -> rusqlite::Result<Call> {
    Ok(Call {
        id: row.get(0)?,
        seller_id: row.get(1)?,
        instance_id: row.get(2)?,
        action: row.get(3)?,
        verdict: row.get(4)?,
        code: row.get(5)?,
        status: row.get(6)?,
        took_us: row.get(7)?,
        params: row.get(8)?,
        reply: row.get(9)?,
        request_id: row.get(10)?,
        at: Instant::from_ms(row.get(11)?),
    })
}

pub fn calls(db: &Db, seller_id: &str, instance_id: &str, before: Before, limit: u32) -> Result<Vec<Call>> {
    db.list(
        &format!(
            "SELECT {CALL} FROM call WHERE seller_id = ?1 AND instance_id = ?2 AND (received_at, id) < (?3, ?4)
             ORDER BY received_at DESC, id DESC LIMIT ?5"
        ),
        (seller_id, instance_id, before.0, before.1, limit),
        call_from_row,
    )
}

pub fn events(db: &Db, subscription_id: i64, before: Before, limit: u32) -> Result<Vec<Event>> {
    db.list(
        &format!(
            "SELECT {} FROM event WHERE subscription_id = ?1 AND (occurred_at, id) < (?2, ?3)
             ORDER BY occurred_at DESC, id DESC LIMIT ?4",
            event::COLUMNS
        ),
        (subscription_id, before.0, before.1, limit),
        event::from_row,
    )
}

/// The event that tells the same as an act: written with it, in the same moment. A request that is cancelled, and one that
/// is confirmed too late, are told as ended.
const TWIN: &str = "CASE action WHEN 'binding.cancelled' THEN 'binding.ended' WHEN 'binding.confirmed_too_late' THEN 'binding.ended' ELSE action END";

/// Acts about a subscription of which no event of it tells.
pub fn acts(db: &Db, subscription_id: i64, before: Before, limit: u32) -> Result<Vec<Act>> {
    db.list(
        &format!(
            "SELECT {} FROM audit WHERE subscription_id = ?1 AND (at, id) < (?2, ?3)
               AND NOT EXISTS (SELECT 1 FROM event e WHERE e.subscription_id = ?1 AND e.occurred_at = audit.at AND e.type = {TWIN})
             ORDER BY at DESC, id DESC LIMIT ?4",
            audit::COLUMNS
        ),
        (subscription_id, before.0, before.1, limit),
        audit::from_row,
    )
}

/// The act of which an event tells.
pub fn act_of(db: &Db, event: &Event) -> Result<Option<Act>> {
    db.find(
        &format!(
            "SELECT {} FROM audit WHERE subscription_id = ?1 AND at = ?2 AND {TWIN} = ?3 ORDER BY id DESC LIMIT 1",
            audit::COLUMNS
        ),
        (event.subscription_id, event.occurred_at.ms(), &event.kind),
        audit::from_row,
    )
}

/// An event's way to one webhook.
#[derive(Debug, Clone)]
pub struct Way {
    pub delivery_id: i64,
    pub url: String,
    pub state: String,
    pub attempts: u32,
    pub status: Option<u16>,
    pub error: Option<String>,
}

/// To the webhooks that are not deleted.
pub fn ways(db: &Db, event_id: i64, limit: u32) -> Result<Vec<Way>> {
    db.list(
        "SELECT d.id, w.url, d.state, d.attempts, d.status, d.error FROM webhook w
         JOIN delivery d ON d.webhook_id = w.id AND d.event_id = ?1
         WHERE w.deleted_at IS NULL ORDER BY d.id LIMIT ?2",
        (event_id, limit),
        |row| {
            Ok(Way {
                delivery_id: row.get(0)?,
                url: row.get(1)?,
                state: row.get(2)?,
                attempts: row.get(3)?,
                status: row.get(4)?,
                error: row.get(5)?,
            })
        },
    )
}

/// The beginnings of windows in which something was used, the newest first.
pub fn windows(db: &Db, subscription_id: i64, before: Instant, limit: u32) -> Result<Vec<Instant>> {
    db.list(
        "SELECT DISTINCT hour_at FROM record WHERE subscription_id = ?1 AND hour_at < ?2 ORDER BY hour_at DESC LIMIT ?3",
        (subscription_id, before.ms(), limit),
        |row| row.get(0).map(Instant::from_ms),
    )
}

/// Which calls of the marketplace are listed; what is empty is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    pub seller_id: String,
    pub instance_id: String,
    pub action: String,
    pub verdict: String,
}

/// The newest first, older than `before`.
pub fn list_calls(db: &Db, wanted: &Calls, before: i64, limit: u32) -> Result<Vec<Call>> {
    // One instance has an index, and its calls are few.
    let of = if wanted.instance_id.is_empty() {
        "(?2 = '' OR seller_id = ?2) AND ?3 = ''"
    } else {
        "seller_id = ?2 AND instance_id = ?3"
    };
    db.list(
        &format!(
            "SELECT {CALL} FROM call WHERE id < ?1 AND {of} AND (?4 = '' OR action = ?4) AND (?5 = '' OR verdict = ?5)
             ORDER BY id DESC LIMIT ?6"
        ),
        (before, &wanted.seller_id, &wanted.instance_id, &wanted.action, &wanted.verdict, limit),
        call_from_row,
    )
}

pub fn find_call(db: &Db, id: i64) -> Result<Option<Call>> {
    db.find(&format!("SELECT {CALL} FROM call WHERE id = ?1"), [id], call_from_row)
}

/// A call that was turned away at the door, from the sample that is kept.
#[derive(Debug, Clone)]
pub struct TurnedAway {
    pub id: i64,
    pub seller_id: String,
    pub code: String,
    /// JSON, token hidden; cut after 2 KiB.
    pub params: String,
    pub address: String,
    pub request_id: String,
    pub at: Instant,
}

/// The newest first, older than `before`.
pub fn list_refused(db: &Db, before: i64, limit: u32) -> Result<Vec<TurnedAway>> {
    db.list(
        "SELECT id, seller_id, code, params, address, request_id, received_at FROM refused_call WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
        (before, limit),
        |row| {
            Ok(TurnedAway {
                id: row.get(0)?,
                seller_id: row.get(1)?,
                code: row.get(2)?,
                params: row.get(3)?,
                address: row.get(4)?,
                request_id: row.get(5)?,
                at: Instant::from_ms(row.get(6)?),
            })
        },
    )
}
