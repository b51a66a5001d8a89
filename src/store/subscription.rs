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
    /// Noticed: its end passed an hour ago, and no call came.
    pub overdue_at: Option<Instant>,
    pub is_confirmed: bool,
    pub version: i64,
    pub created_at: Instant,
    pub activated_at: Option<Instant>,
    pub expired_at: Option<Instant>,
    pub released_at: Option<Instant>,
}

pub(super) const COLUMNS: &str = "id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, \
     purchase_mark, items, expires_at, source, is_disputed, quarantined_at, overdue_at, is_confirmed, version, created_at, activated_at, expired_at, released_at";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Subscription> {
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
        overdue_at: instant("overdue_at")?,
        is_confirmed: row.get("is_confirmed")?,
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

/// Writes where a subscription stands now; counts the change. What stays as it was is not written: SQLite makes each index
/// entry anew that names a column of the statement, and among many subscriptions each of them is on a page of its own.
pub fn set_standing(tx: &Tx, of: &Subscription, standing: &Standing, now: Instant) -> Result<()> {
    let (id, before, expires) = (of.id, &of.standing, standing.expires_at.map(Instant::ms));
    let items = serde_json::to_string(&standing.items)?;
    if before.expires_at == standing.expires_at {
        tx.execute(
            "UPDATE subscription SET plan_code = ?2, items = ?3, version = version + 1 WHERE id = ?1",
            (id, &standing.plan_code, items),
        )?;
    } else {
        tx.execute(
            "UPDATE subscription SET plan_code = ?2, items = ?3, version = version + 1, expires_at = ?4, overdue_at = NULL WHERE id = ?1",
            (id, &standing.plan_code, items, expires),
        )?;
    }
    if (before.state, before.is_disputed) != (standing.state, standing.is_disputed) {
        tx.execute(
            "UPDATE subscription SET state = :state, is_disputed = :disputed,
               overdue_at = CASE WHEN state = :state THEN overdue_at END,
               activated_at = CASE WHEN :state = 'active' THEN coalesce(activated_at, :now) ELSE activated_at END,
               expired_at = CASE WHEN :state = 'expired' AND state <> 'expired' THEN :now ELSE expired_at END,
               released_at = CASE WHEN :state = 'released' THEN coalesce(released_at, :now) ELSE released_at END
             WHERE id = :id",
            named_params! {
                ":id": id,
                ":state": standing.state.as_str(),
                ":disputed": standing.is_disputed,
                ":now": now.ms(),
            },
        )?;
    }
    Ok(())
}

/// Writes down what the first create said. No change that a form could be sealed to: the version stays.
pub fn set_purchase_mark(tx: &Tx, id: i64, mark: &str) -> Result<()> {
    tx.execute("UPDATE subscription SET purchase_mark = ?2 WHERE id = ?1", (id, mark))?;
    Ok(())
}

/// Writes down that the marketplace has told us of it.
pub fn set_asked(tx: &Tx, id: i64, is_known: bool, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE subscription SET asked_at = ?2, is_confirmed = max(is_confirmed, ?3) WHERE id = ?1",
        (id, now.ms(), is_known),
    )?;
    Ok(())
}

/// Closes the landing of one that the marketplace does not know, or opens it again. Whether something changed.
pub fn set_quarantined(tx: &Tx, id: i64, at: Option<Instant>) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE subscription SET quarantined_at = ?2, version = version + 1 WHERE id = ?1 AND (quarantined_at IS NULL) <> (?2 IS NULL)",
        (id, at.map(Instant::ms)),
    )?;
    Ok(changed > 0)
}

/// The earliest expiry of an active one that is not known to be overdue.
pub fn next_expiry(db: &Db) -> Result<Option<Instant>> {
    let next: Option<i64> = db.value(
        "SELECT min(expires_at) FROM subscription WHERE state = 'active' AND expires_at IS NOT NULL AND overdue_at IS NULL",
        (),
    )?;
    Ok(next.map(Instant::from_ms))
}

/// Active ones that expired until then and are not known to be overdue, the oldest first.
pub fn list_expired_until(db: &Db, until: Instant, limit: u32) -> Result<Vec<Subscription>> {
    db.list(
        &format!(
            "SELECT {COLUMNS} FROM subscription
             WHERE state = 'active' AND expires_at IS NOT NULL AND overdue_at IS NULL AND expires_at <= ?1
             ORDER BY expires_at LIMIT ?2"
        ),
        (until.ms(), limit),
        from_row,
    )
}

pub fn set_overdue(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute("UPDATE subscription SET overdue_at = ?2 WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// Of a seller: disputed, quarantined and overdue ones, those of which the marketplace has not told for longest first.
/// Their names there.
pub fn list_in_question(db: &Db, seller_id: &str, limit: u32) -> Result<Vec<String>> {
    db.list(
        "SELECT instance_id FROM subscription
         WHERE seller_id = ?1 AND state <> 'released' AND (is_disputed = 1 OR quarantined_at IS NOT NULL OR overdue_at IS NOT NULL)
         ORDER BY asked_at LIMIT ?2",
        (seller_id, limit),
        |row| row.get(0),
    )
}

/// Of a seller: those of which the marketplace has not told since then, those that wait longest first. Their names there.
pub fn list_unchecked(db: &Db, seller_id: &str, since: Instant, limit: u32) -> Result<Vec<String>> {
    db.list(
        "SELECT instance_id FROM subscription
         WHERE seller_id = ?1 AND state <> 'released' AND asked_at < ?2
         ORDER BY asked_at LIMIT ?3",
        (seller_id, since.ms(), limit),
        |row| row.get(0),
    )
}

/// Forgets when subscriptions were asked about, so that each is asked about soon; how many.
pub fn forget_asked(tx: &Tx, rows: u32) -> Result<usize> {
    tx.execute(
        "UPDATE subscription SET asked_at = 0 WHERE id IN (
           SELECT id FROM subscription WHERE state <> 'released' AND asked_at > 0 LIMIT ?1)",
        [rows],
    )
}
