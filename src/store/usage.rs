//! Events of usage as they came (rules C2), and what they are attributed by.

use rusqlite::named_params;

use super::{Db, Tx};
use crate::domain::usage::Sample;
use crate::domain::value::Instant;
use crate::error::Result;

/// Most bindings of one organization that are looked at, the youngest first.
const BINDINGS: u32 = 1_000;

/// An event of usage. Its digest stands for source and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    pub digest: [u8; 16],
    pub source: &'a str,
    pub event_id: &'a str,
    pub organization_id: &'a str,
    pub item: &'a str,
    pub quantity: i64,
    pub at: Instant,
    pub secs: Option<i64>,
}

/// Keeps an event; false if one of this source and id is there already.
pub fn insert(tx: &Tx, event: &Event<'_>, record_id: i64, now: Instant) -> Result<bool> {
    let rows = tx.execute(
        "INSERT INTO usage_event (digest, source, event_id, organization_id, item, quantity, at, secs, received_at, record_id)
         VALUES (:digest, :source, :event, :organization, :item, :quantity, :at, :secs, :now, :record)
         ON CONFLICT (digest) DO NOTHING",
        named_params! {
            ":digest": event.digest,
            ":source": event.source,
            ":event": event.event_id,
            ":organization": event.organization_id,
            ":item": event.item,
            ":quantity": event.quantity,
            ":at": event.at.ms(),
            ":secs": event.secs,
            ":now": now.ms(),
            ":record": record_id,
        },
    )?;
    Ok(rows == 1)
}

/// Whether the event that is kept under this source and id says the same; `None` if there is none.
pub fn is_same(db: &Db, event: &Event<'_>) -> Result<Option<bool>> {
    db.find(
        "SELECT organization_id = ?2 AND item = ?3 AND quantity = ?4 AND at = ?5 AND secs IS ?6 FROM usage_event WHERE digest = ?1",
        (event.digest, event.organization_id, event.item, event.quantity, event.at.ms(), event.secs),
        |row| row.get(0),
    )
}

/// Forgets the oldest events that came before `before`; at most `limit` at a time.
pub fn delete_old(tx: &Tx, before: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM usage_event WHERE id IN
           (SELECT id FROM (SELECT id, received_at FROM usage_event ORDER BY id LIMIT ?2) WHERE received_at < ?1)",
        (before.ms(), limit),
    )
}

/// The oldest event that is kept.
#[derive(Debug, Clone, Copy)]
pub struct First {
    pub received_at: Instant,
    /// Nothing was forgotten yet.
    pub is_first_ever: bool,
}

pub fn first(db: &Db) -> Result<Option<First>> {
    db.find("SELECT received_at, id FROM usage_event ORDER BY id LIMIT 1", (), |row| {
        Ok(First { received_at: Instant::from_ms(row.get(0)?), is_first_ever: row.get::<_, i64>(1)? == 1 })
    })
}

/// A kept event, as its record counts it.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    pub record_id: i64,
    pub sample: Sample,
}

/// Every kept event.
pub fn each(db: &Db, mut take: impl FnMut(Counted)) -> Result<()> {
    let mut statement =
        db.conn().prepare_cached("SELECT record_id, quantity, at, coalesce(secs, 0) FROM usage_event")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let sample = Sample { quantity: row.get(1)?, at: Instant::from_ms(row.get(2)?), secs: row.get(3)? };
        take(Counted { record_id: row.get(0)?, sample });
    }
    Ok(())
}

/// A time in which an organization paid through a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub binding_id: String,
    pub subscription_id: i64,
    pub seller_id: String,
    pub product_code: String,
    pub instance_id: String,
    pub plan_code: String,
    pub live_at: Instant,
    pub ended_at: Option<Instant>,
    pub released_at: Option<Instant>,
}

/// The organization's times of being bound, the youngest first; `None` if there is no such organization.
pub fn list_spans(db: &Db, organization_id: &str) -> Result<Option<Vec<Span>>> {
    let is_known = db
        .find("SELECT 1 FROM organization WHERE id = ?1 AND deleted_at IS NULL", [organization_id], |row| {
            row.get::<_, i64>(0)
        })?
        .is_some();
    if !is_known {
        return Ok(None);
    }
    let spans = db.list(
        "SELECT b.id, s.id, s.seller_id, s.product_code, s.instance_id, s.plan_code, b.live_at, b.ended_at, s.released_at
         FROM binding b JOIN subscription s ON s.id = b.subscription_id
         WHERE b.organization_id = ?1 AND b.live_at IS NOT NULL ORDER BY b.requested_at DESC LIMIT ?2",
        (organization_id, BINDINGS),
        |row| {
            let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
            Ok(Span {
                binding_id: row.get(0)?,
                subscription_id: row.get(1)?,
                seller_id: row.get(2)?,
                product_code: row.get(3)?,
                instance_id: row.get(4)?,
                plan_code: row.get(5)?,
                live_at: Instant::from_ms(row.get(6)?),
                ended_at: instant(7)?,
                released_at: instant(8)?,
            })
        },
    )?;
    Ok(Some(spans))
}

/// Whether the marketplace changed a subscription's plan at or after `since`.
pub fn is_plan_changed_since(db: &Db, seller_id: &str, instance_id: &str, since: Instant) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM call WHERE seller_id = ?1 AND instance_id = ?2 AND action = 'upgrade'
           AND verdict = 'applied' AND received_at >= ?3)",
        (seller_id, instance_id, since.ms()),
    )
}
