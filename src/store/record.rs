//! The ledger: records of usage (rules C1, C3, C4).

use rusqlite::{Row, named_params};

use super::usage::Span;
use super::{Db, Tx};
use crate::domain::usage::{Aggregate, Cycle, State, Tally};
use crate::domain::value::Instant;
use crate::error::Result;

/// Who pays for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    pub binding_id: String,
    pub subscription_id: i64,
    pub seller_id: String,
    pub product_code: String,
    pub instance_id: String,
    pub plan_code: String,
}

impl From<&Span> for Charged {
    fn from(span: &Span) -> Self {
        Self {
            binding_id: span.binding_id.clone(),
            subscription_id: span.subscription_id,
            seller_id: span.seller_id.clone(),
            product_code: span.product_code.clone(),
            instance_id: span.instance_id.clone(),
            plan_code: span.plan_code.clone(),
        }
    }
}

/// What was used of an item in a window, and where that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: i64,
    pub organization_id: String,
    /// `None`: outside any binding.
    pub charged: Option<Charged>,
    pub item: String,
    pub aggregate: Aggregate,
    pub cycle: Cycle,
    pub from: Instant,
    pub until: Instant,
    pub is_late: bool,
    pub tally: Tally,
    pub carried_in: i64,
    pub state: State,
    pub code: Option<String>,
    pub seals_at: Instant,
    pub due_by: Instant,
    pub carried_into: Option<i64>,
}

const COLUMNS: &str = "id, organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item, aggregate, \
     cycle, hour_at, until_at, part, quantity, events, deciding_at, weight, weighted, carried_in, state, code, seals_at, due_by, carried_into";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Record> {
    let instant = |name: &str| row.get::<_, i64>(name).map(Instant::from_ms);
    let (aggregate, cycle): (String, String) = (row.get("aggregate")?, row.get("cycle")?);
    let (part, state): (String, String) = (row.get("part")?, row.get("state")?);
    let charged = match row.get::<_, Option<String>>("binding_id")? {
        None => None,
        Some(binding_id) => Some(Charged {
            binding_id,
            subscription_id: row.get("subscription_id")?,
            seller_id: row.get("seller_id")?,
            product_code: row.get("product_code")?,
            instance_id: row.get("instance_id")?,
            plan_code: row.get("plan_code")?,
        }),
    };
    Ok(Record {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        charged,
        item: row.get("item")?,
        // The schema's CHECKs keep other words out; a record in the fallback state is sent by nobody.
        aggregate: Aggregate::parse(&aggregate).unwrap_or(Aggregate::Sum),
        cycle: Cycle::parse(&cycle).unwrap_or_default(),
        from: instant("hour_at")?,
        until: instant("until_at")?,
        is_late: part == "late",
        tally: Tally {
            quantity: row.get("quantity")?,
            events: row.get("events")?,
            deciding_at: row.get::<_, Option<i64>>("deciding_at")?.map(Instant::from_ms),
            weight: row.get("weight")?,
            weighted: row.get("weighted")?,
        },
        carried_in: row.get("carried_in")?,
        state: State::parse(&state).unwrap_or(State::Unknown),
        code: row.get("code")?,
        seals_at: instant("seals_at")?,
        due_by: instant("due_by")?,
        carried_into: row.get("carried_into")?,
    })
}

fn part(is_late: bool) -> &'static str {
    if is_late { "late" } else { "regular" }
}

pub fn find(db: &Db, id: i64) -> Result<Option<Record>> {
    db.find(&format!("SELECT {COLUMNS} FROM record WHERE id = ?1"), [id], from_row)
}

/// An amount's record of a binding and window; a late one is told by what it was carried into.
pub fn find_of_binding(
    db: &Db,
    binding_id: &str,
    item: &str,
    from: Instant,
    is_late: bool,
    carried_into: Option<i64>,
) -> Result<Option<Record>> {
    db.find(
        &format!(
            "SELECT {COLUMNS} FROM record WHERE binding_id = ?1 AND item = ?2 AND hour_at = ?3 AND part = ?4
               AND coalesce(carried_into, 0) = ?5 AND aggregate = 'sum'"
        ),
        (binding_id, item, from.ms(), part(is_late), carried_into.unwrap_or(0)),
        from_row,
    )
}

/// A gauge's record of an organization and window, whichever binding it is charged to.
pub fn find_of_gauge(
    db: &Db,
    organization_id: &str,
    item: &str,
    from: Instant,
    is_late: bool,
) -> Result<Option<Record>> {
    db.find(
        &format!(
            "SELECT {COLUMNS} FROM record WHERE organization_id = ?1 AND item = ?2 AND hour_at = ?3 AND part = ?4
               AND binding_id IS NOT NULL AND aggregate <> 'sum'"
        ),
        (organization_id, item, from.ms(), part(is_late)),
        from_row,
    )
}

/// What an organization used in a window outside any binding that sells it.
pub fn find_outside(db: &Db, organization_id: &str, item: &str, from: Instant, code: &str) -> Result<Option<Record>> {
    db.find(
        &format!(
            "SELECT {COLUMNS} FROM record WHERE organization_id = ?1 AND item = ?2 AND hour_at = ?3 AND code = ?4 AND binding_id IS NULL"
        ),
        (organization_id, item, from.ms(), code),
        from_row,
    )
}

/// The id of the next record. There is one writer, so nobody else takes it.
pub fn next_id(tx: &Tx) -> Result<i64> {
    tx.value("SELECT coalesce(max(id), 0) + 1 FROM record", ())
}

pub fn insert(tx: &Tx, record: &Record, now: Instant) -> Result<()> {
    let charged = record.charged.as_ref();
    tx.execute(
        "INSERT INTO record (id, organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item,
           aggregate, cycle, hour_at, until_at, part, quantity, carried_in, events, deciding_at, weight, weighted, state, code, seals_at,
           due_by, sealed_at, settled_at, carried_into, created_at, updated_at)
         VALUES (:id, :organization, :binding, :subscription, :seller, :product, :instance, :plan, :item,
           :aggregate, :cycle, :from, :until, :part, :quantity, :carried_in, :events, :deciding, :weight, :weighted, :state, :code, :seals,
           :due, CASE WHEN :state = 'sealed' THEN :now END, CASE WHEN :final THEN :now END, :carried_into, :now, :now)",
        named_params! {
            ":id": record.id,
            ":organization": record.organization_id,
            ":binding": charged.map(|one| one.binding_id.as_str()),
            ":subscription": charged.map(|one| one.subscription_id),
            ":seller": charged.map(|one| one.seller_id.as_str()),
            ":product": charged.map(|one| one.product_code.as_str()),
            ":instance": charged.map(|one| one.instance_id.as_str()),
            ":plan": charged.map(|one| one.plan_code.as_str()),
            ":item": record.item,
            ":aggregate": record.aggregate.as_str(),
            ":cycle": record.cycle.as_str(),
            ":from": record.from.ms(),
            ":until": record.until.ms(),
            ":part": part(record.is_late),
            ":quantity": record.tally.quantity,
            ":carried_in": record.carried_in,
            ":events": record.tally.events,
            ":deciding": record.tally.deciding_at.map(Instant::ms),
            ":weight": record.tally.weight,
            ":weighted": record.tally.weighted,
            ":state": record.state.as_str(),
            ":code": record.code,
            ":seals": record.seals_at.ms(),
            ":due": record.due_by.ms(),
            ":final": record.state.is_final(),
            ":carried_into": record.carried_into,
            ":now": now.ms(),
        },
    )?;
    Ok(())
}

/// Writes how much a record counts by now.
pub fn set_tally(tx: &Tx, record: &Record, now: Instant) -> Result<()> {
    let tally = record.tally;
    tx.execute(
        "UPDATE record SET quantity = ?2, events = ?3, deciding_at = ?4, weight = ?5, weighted = ?6, carried_in = ?7, updated_at = ?8
         WHERE id = ?1",
        (
            record.id,
            tally.quantity,
            tally.events,
            tally.deciding_at.map(Instant::ms),
            tally.weight,
            tally.weighted,
            record.carried_in,
            now.ms(),
        ),
    )?;
    Ok(())
}

/// Writes whom a gauge that was not sent yet is charged to, and what that means for its window.
pub fn set_charged(tx: &Tx, record: &Record) -> Result<()> {
    let Some(charged) = &record.charged else { return Ok(()) };
    tx.execute(
        "UPDATE record SET binding_id = :binding, subscription_id = :subscription, seller_id = :seller, product_code = :product,
           instance_id = :instance, plan_code = :plan, until_at = :until, state = :state, seals_at = :seals, due_by = :due
         WHERE id = :id AND (state = 'open' OR state = 'sealed' OR (state = 'unknown' AND code = 'restored'))",
        named_params! {
            ":id": record.id,
            ":binding": charged.binding_id,
            ":subscription": charged.subscription_id,
            ":seller": charged.seller_id,
            ":product": charged.product_code,
            ":instance": charged.instance_id,
            ":plan": charged.plan_code,
            ":until": record.until.ms(),
            ":state": record.state.as_str(),
            ":seals": record.seals_at.ms(),
            ":due": record.due_by.ms(),
        },
    )?;
    Ok(())
}

/// Open records whose time to be sealed has come, the oldest first: `least` of them if there are so many, and whatever the
/// last subscription has beside. What was sealed apart would leave apart, the second part a minute after the first.
pub fn list_sealing(db: &Db, now: Instant, least: usize) -> Result<Vec<(i64, Instant)>> {
    let mut found: Vec<(i64, Instant, (i64, i64))> = db.list(
        "SELECT r.id, r.due_by, r.subscription_id, r.seals_at FROM (
           SELECT DISTINCT subscription_id, seals_at FROM (
             SELECT subscription_id, seals_at FROM record WHERE state = 'open' AND seals_at <= ?1 ORDER BY seals_at, id LIMIT ?2)) first
         CROSS JOIN record r INDEXED BY record_open_of_subscription
           ON r.state = 'open' AND r.subscription_id = first.subscription_id AND r.seals_at = first.seals_at",
        (now.ms(), i64::try_from(least).unwrap_or(i64::MAX)),
        |row| Ok((row.get(0)?, Instant::from_ms(row.get(1)?), (row.get(2)?, row.get(3)?))),
    )?;
    if let Some((_, _, last)) = found.get(least.saturating_sub(1)).copied() {
        let rest = found.iter().skip(least).take_while(|(_, _, of)| *of == last).count();
        found.truncate(least + rest);
    }
    Ok(found.into_iter().map(|(id, due_by, _)| (id, due_by)).collect())
}

/// Seals an open record. Usage of a window that began after its subscription's freeze for payment is not billed by the
/// marketplace any more (rules B3).
pub fn seal(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE record SET
           (state, code, settled_at) = (SELECT iif(s.is_over, 'unbillable', 'sealed'), iif(s.is_over, 'expired', NULL), iif(s.is_over, ?2, NULL)
             FROM (SELECT state = 'expired' AND NOT is_disputed AND min(coalesce(expires_at, expired_at), expired_at) <= record.hour_at AS is_over
                   FROM subscription WHERE id = record.subscription_id) s),
           sealed_at = ?2, updated_at = ?2
         WHERE id = ?1 AND state = 'open'",
        (id, now.ms()),
    )?;
    Ok(())
}

/// Sealed records that can no longer be sent become missed; how many.
pub fn miss_due(tx: &Tx, now: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "UPDATE record SET state = 'missed', code = 'deadline', settled_at = ?1, updated_at = ?1 WHERE id IN
           (SELECT id FROM record WHERE state = 'sealed' AND due_by <= ?1 ORDER BY due_by LIMIT ?2)",
        (now.ms(), limit),
    )
}

/// The open records of a subscription.
pub fn list_open_of_subscription(db: &Db, subscription_id: i64, limit: u32) -> Result<Vec<Record>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM record INDEXED BY record_open_of_subscription WHERE state = 'open' AND subscription_id = ?1 LIMIT ?2"),
        (subscription_id, limit),
        from_row,
    )
}

/// Writes a window that was cut.
pub fn set_window(tx: &Tx, id: i64, until: Instant, seals_at: Instant, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE record SET until_at = ?2, seals_at = ?3, updated_at = ?4 WHERE id = ?1 AND state = 'open'",
        (id, until.ms(), seals_at.ms(), now.ms()),
    )?;
    Ok(())
}

/// Records of an organization that are not final (rules A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// Still to be sent, or being sent.
    pub waiting: u32,
    /// In doubt.
    pub unknown: u32,
}

pub fn count_unsettled(db: &Db, organization_id: &str) -> Result<Unsettled> {
    let found = db.find(
        "SELECT coalesce(sum(state <> 'unknown'), 0), coalesce(sum(state = 'unknown'), 0) FROM record
         WHERE organization_id = ?1 AND (state = 'open' OR state = 'sealed' OR state = 'sending' OR state = 'unknown')",
        [organization_id],
        |row| Ok(Unsettled { waiting: row.get(0)?, unknown: row.get(1)? }),
    )?;
    Ok(found.unwrap_or(Unsettled { waiting: 0, unknown: 0 }))
}

/// What a record says, and what was carried into it.
#[derive(Debug, Clone, Copy)]
pub struct Audited {
    pub id: i64,
    pub aggregate: Aggregate,
    pub tally: Tally,
    pub carried_in: i64,
    /// By the carried records themselves.
    pub carried_here: i64,
}

/// Every record, or those that were made after a moment.
pub fn each_since(db: &Db, since: Option<Instant>, mut take: impl FnMut(Audited)) -> Result<()> {
    let mut statement = db.conn().prepare_cached(
        "WITH carried AS MATERIALIZED
           (SELECT carried_into AS id, sum(quantity) AS quantity FROM record WHERE carried_into IS NOT NULL GROUP BY carried_into)
         SELECT r.id, r.aggregate, r.quantity, r.events, r.deciding_at, r.weight, r.weighted, r.carried_in, coalesce(c.quantity, 0)
         FROM record r LEFT JOIN carried c ON c.id = r.id WHERE r.created_at > ?1",
    )?;
    let mut rows = statement.query([since.map_or(i64::MIN, Instant::ms)])?;
    while let Some(row) = rows.next()? {
        take(Audited {
            id: row.get(0)?,
            aggregate: Aggregate::parse(&row.get::<_, String>(1)?).unwrap_or(Aggregate::Sum),
            tally: Tally {
                quantity: row.get(2)?,
                events: row.get(3)?,
                deciding_at: row.get::<_, Option<i64>>(4)?.map(Instant::from_ms),
                weight: row.get(5)?,
                weighted: row.get(6)?,
            },
            carried_in: row.get(7)?,
            carried_here: row.get(8)?,
        });
    }
    Ok(())
}

/// The samples of one gauge of an organization, as far as they are of its present binding.
#[derive(Debug, Clone)]
pub struct Series {
    pub organization_id: String,
    pub item: String,
    pub cycle: Cycle,
    /// Windows with a sample: the first, the last, and how many.
    pub first: Instant,
    pub last: Instant,
    pub windows: i64,
}

/// Every gauge that an organization with a live binding has told of since then. Reads many rows: for a connection of its own.
pub fn list_series(db: &Db, since: Instant) -> Result<Vec<Series>> {
    db.list(
        "SELECT r.organization_id, r.item, r.cycle, min(r.hour_at), max(r.hour_at), count(DISTINCT r.hour_at)
         FROM record r JOIN binding b ON b.organization_id = r.organization_id AND b.state = 'live' AND r.until_at > b.live_at
         WHERE r.hour_at >= ?1 AND r.aggregate <> 'sum' GROUP BY r.organization_id, r.item, r.cycle",
        [since.ms()],
        |row| {
            Ok(Series {
                organization_id: row.get(0)?,
                item: row.get(1)?,
                cycle: Cycle::parse(&row.get::<_, String>(2)?).unwrap_or_default(),
                first: Instant::from_ms(row.get(3)?),
                last: Instant::from_ms(row.get(4)?),
                windows: row.get(5)?,
            })
        },
    )
}
