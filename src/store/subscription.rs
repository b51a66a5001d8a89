//! Subscriptions: what the marketplace sold, and where each stands.

use rusqlite::{Row, named_params};

use super::{Db, Tx};
use crate::domain::subscription::{Items, Standing, State};
use crate::domain::value::Instant;
use crate::error::Result;

/// A subscription as it is stored.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: i64,
    pub seller_id: String,
    pub instance_id: String,
    pub standing: Standing,
    pub quarantined_at: Option<Instant>,
    pub version: i64,
    pub created_at: Instant,
    pub activated_at: Option<Instant>,
    pub expired_at: Option<Instant>,
    pub released_at: Option<Instant>,
}

const COLUMNS: &str = "id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, \
     purchase_mark, items, expires_at, source, is_disputed, quarantined_at, version, created_at, activated_at, expired_at, released_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    let instant = |name: &str| row.get::<_, Option<i64>>(name).map(|ms| ms.map(Instant::from_ms));
    let state: String = row.get("state")?;
    let items: String = row.get("items")?;
    let source: String = row.get("source")?;
    Ok(Subscription {
        id: row.get("id")?,
        seller_id: row.get("seller_id")?,
        instance_id: row.get("instance_id")?,
        standing: Standing {
            // The schema's CHECK keeps other words out.
            state: State::parse(&state).unwrap_or(State::Released),
            buyer_account: row.get("buyer_account")?,
            order_id: row.get("order_id")?,
            product_code: row.get("product_code")?,
            plan_code: row.get("plan_code")?,
            is_trial: row.get("is_trial")?,
            purchase_mark: row.get("purchase_mark")?,
            items: serde_json::from_str::<Items>(&items).unwrap_or_default(),
            expires_at: instant("expires_at")?,
            is_disputed: row.get("is_disputed")?,
            is_tombstone: source == "tombstone",
        },
        quarantined_at: instant("quarantined_at")?,
        version: row.get("version")?,
        created_at: instant("created_at")?.unwrap_or_default(),
        activated_at: instant("activated_at")?,
        expired_at: instant("expired_at")?,
        released_at: instant("released_at")?,
    })
}

/// The subscription that the marketplace calls by this name.
pub fn find(db: &Db, seller_id: &str, instance_id: &str) -> Result<Option<Subscription>> {
    db.find(
        &format!("SELECT {COLUMNS} FROM subscription WHERE seller_id = ?1 AND instance_id = ?2"),
        (seller_id, instance_id),
        from_row,
    )
}

pub fn find_by_id(db: &Db, id: i64) -> Result<Option<Subscription>> {
    db.find(&format!("SELECT {COLUMNS} FROM subscription WHERE id = ?1"), [id], from_row)
}

/// The subscriptions behind an id, in the order in which they became known.
pub fn list_after(db: &Db, after: i64, limit: u32) -> Result<Vec<Subscription>> {
    db.list(&format!("SELECT {COLUMNS} FROM subscription WHERE id > ?1 ORDER BY id LIMIT ?2"), (after, limit), from_row)
}

/// How a subscription became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Call,
    Healed,
    Tombstone,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Healed => "healed",
            Self::Tombstone => "tombstone",
        }
    }
}

/// Adds one; its id.
pub fn insert(
    tx: &Tx,
    seller_id: &str,
    instance_id: &str,
    standing: &Standing,
    source: Source,
    now: Instant,
) -> Result<i64> {
    let at = |state| (standing.state == state).then(|| now.ms());
    tx.execute(
        "INSERT INTO subscription (seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, purchase_mark,
           items, expires_at, source, is_disputed, created_at, activated_at, released_at)
         VALUES (:seller, :instance, :state, :product, :plan, :buyer, :order, :trial, :mark, :items, :expires, :source, :disputed, :now, :activated, :released)",
        named_params! {
            ":seller": seller_id,
            ":instance": instance_id,
            ":state": standing.state.as_str(),
            ":product": standing.product_code,
            ":plan": standing.plan_code,
            ":buyer": standing.buyer_account,
            ":order": standing.order_id,
            ":trial": standing.is_trial,
            ":mark": standing.purchase_mark,
            ":items": serde_json::to_string(&standing.items)?,
            ":expires": standing.expires_at.map(Instant::ms),
            ":source": source.as_str(),
            ":disputed": standing.is_disputed,
            ":now": now.ms(),
            ":activated": at(State::Active),
            ":released": at(State::Released),
        },
    )?;
    Ok(tx.conn().last_insert_rowid())
}

/// Writes where a subscription stands now; counts the change.
pub fn set_standing(tx: &Tx, id: i64, standing: &Standing, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE subscription SET state = :state, plan_code = :plan, items = :items, expires_at = :expires, is_disputed = :disputed,
           version = version + 1,
           activated_at = CASE WHEN :state = 'active' THEN coalesce(activated_at, :now) ELSE activated_at END,
           expired_at = CASE WHEN :state = 'expired' AND state <> 'expired' THEN :now ELSE expired_at END,
           released_at = CASE WHEN :state = 'released' THEN coalesce(released_at, :now) ELSE released_at END
         WHERE id = :id",
        named_params! {
            ":id": id,
            ":state": standing.state.as_str(),
            ":plan": standing.plan_code,
            ":items": serde_json::to_string(&standing.items)?,
            ":expires": standing.expires_at.map(Instant::ms),
            ":disputed": standing.is_disputed,
            ":now": now.ms(),
        },
    )?;
    Ok(())
}
