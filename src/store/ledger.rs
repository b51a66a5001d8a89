//! The ledger as people read it. Every question here is answered from an index over records, however many events they
//! were made of.

use rusqlite::{Row, named_params};

use super::Db;
use crate::domain::usage::{Aggregate, Cycle, State};
use crate::domain::value::Instant;
use crate::error::Result;

/// A record with what it was charged to, by the names that the marketplace knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
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
    /// In the unit that is pushed.
    pub quantity: i64,
    /// Of it from late usage of earlier windows.
    pub carried_in: i64,
    pub state: State,
    pub code: Option<String>,
    pub due_by: Instant,
    pub settled_at: Option<Instant>,
    pub updated_at: Instant,
    /// The window that late usage was added to.
    pub carried_to: Option<Instant>,
    pub attempts: u32,
    /// What an operator wrote.
    pub note: Option<String>,
    /// The marketplace's id of the request that carried it last.
    pub request_ref: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Charged {
    pub seller_id: String,
    pub product_code: String,
    pub instance_id: String,
}

const COLUMNS: &str = "r.id, r.organization_id, r.seller_id, r.product_code, r.instance_id, r.item, r.aggregate, r.cycle, r.hour_at, \
     r.until_at, r.part, r.quantity, r.carried_in, r.state, r.code, r.due_by, r.settled_at, r.updated_at, r.attempts, r.note, \
     t.hour_at AS carried_to, p.request_ref";
const TABLES: &str = "record r LEFT JOIN record t ON t.id = r.carried_into LEFT JOIN push p ON p.id = r.push_id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Line> {
    let instant = |name: &str| row.get::<_, i64>(name).map(Instant::from_ms);
    let maybe = |name: &str| row.get::<_, Option<i64>>(name).map(|ms| ms.map(Instant::from_ms));
    let text = |name: &str| row.get::<_, String>(name);
    let charged = match (row.get("seller_id")?, row.get("product_code")?, row.get("instance_id")?) {
        (Some(seller_id), Some(product_code), Some(instance_id)) => {
            Some(Charged { seller_id, product_code, instance_id })
        }
        _ => None,
    };
    Ok(Line {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        charged,
        item: row.get("item")?,
        // The schema's CHECKs keep other words out.
        aggregate: Aggregate::parse(&text("aggregate")?).unwrap_or(Aggregate::Sum),
        cycle: Cycle::parse(&text("cycle")?).unwrap_or_default(),
        from: instant("hour_at")?,
        until: instant("until_at")?,
        is_late: text("part")? == "late",
        quantity: row.get("quantity")?,
        carried_in: row.get("carried_in")?,
        state: State::parse(&text("state")?).unwrap_or(State::Unknown),
        code: row.get("code")?,
        due_by: instant("due_by")?,
        settled_at: maybe("settled_at")?,
        updated_at: instant("updated_at")?,
        carried_to: maybe("carried_to")?,
        attempts: row.get("attempts")?,
        note: row.get("note")?,
        request_ref: row.get("request_ref")?,
    })
}

pub fn find(db: &Db, id: i64) -> Result<Option<Line>> {
    db.find(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE r.id = ?1"), [id], from_row)
}

/// Whose records.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    Organization(&'a str),
    Subscription(i64),
}

impl Of<'_> {
    /// As a condition that an index answers, with its parameter `:of`.
    const fn condition(self) -> &'static str {
        match self {
            Self::Organization(_) => "r.organization_id = :of",
            Self::Subscription(_) => "r.subscription_id = :of",
        }
    }
}

impl rusqlite::ToSql for Of<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Organization(id) => id.to_sql(),
            Self::Subscription(id) => id.to_sql(),
        }
    }
}

/// What a statement adds up: as much of a record as that takes, so that a month is read in a few milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    pub from: Instant,
    pub item: String,
    pub aggregate: Aggregate,
    pub cycle: Cycle,
    pub quantity: i64,
    pub state: State,
    pub code: Option<String>,
    pub charged: Option<Charged>,
}

fn used_sql(condition: &str) -> String {
    format!(
        "SELECT r.hour_at, r.item, r.aggregate, r.cycle, r.quantity, r.state, r.code, r.seller_id, r.product_code, r.instance_id
         FROM record r WHERE {condition} AND r.hour_at >= :from AND r.hour_at < :until ORDER BY r.hour_at, r.id"
    )
}

fn used(row: &Row<'_>) -> rusqlite::Result<Used> {
    // By their places: to look for names would take as long as the rest.
    let word = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
    let charged = match (row.get(7)?, row.get(8)?, row.get(9)?) {
        (Some(seller_id), Some(product_code), Some(instance_id)) => {
            Some(Charged { seller_id, product_code, instance_id })
        }
        _ => None,
    };
    Ok(Used {
        from: Instant::from_ms(row.get(0)?),
        item: row.get(1)?,
        // The schema's CHECKs keep other words out.
        aggregate: Aggregate::parse(word(2)?).unwrap_or(Aggregate::Sum),
        cycle: Cycle::parse(word(3)?).unwrap_or_default(),
        quantity: row.get(4)?,
        state: State::parse(word(5)?).unwrap_or(State::Unknown),
        code: row.get(6)?,
        charged,
    })
}

/// Hands over what every record says whose window begins in `[from, until)`, the oldest first.
pub fn each_used(db: &Db, of: Of<'_>, (from, until): (Instant, Instant), mut take: impl FnMut(Used)) -> Result<()> {
    let mut statement = db.conn().prepare_cached(&used_sql(of.condition()))?;
    let params = named_params! { ":of": of, ":from": from.ms(), ":until": until.ms() };
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        take(used(row)?);
    }
    Ok(())
}

fn each_sql(condition: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE {condition} AND r.hour_at >= :from AND r.hour_at < :until ORDER BY r.hour_at, r.id"
    )
}

/// Hands over every record whose window begins in `[from, until)`, the oldest first.
pub fn each(db: &Db, of: Of<'_>, (from, until): (Instant, Instant), mut take: impl FnMut(Line)) -> Result<()> {
    let mut statement = db.conn().prepare_cached(&each_sql(of.condition()))?;
    let params = named_params! { ":of": of, ":from": from.ms(), ":until": until.ms() };
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        take(from_row(row)?);
    }
    Ok(())
}

/// Where a page of records begins: behind this window and id.
pub type Cursor = (i64, i64);

fn page_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM {TABLES}
         WHERE r.organization_id = :organization AND r.hour_at >= :from AND r.hour_at < :until AND r.hour_at <= :hour
           AND (r.hour_at < :hour OR r.id < :id) AND (:item IS NULL OR r.item = :item)
         ORDER BY r.hour_at DESC, r.id DESC LIMIT :limit"
    )
}

/// An organization's records whose windows begin in `[from, until)`, the newest first.
pub fn page(
    db: &Db,
    organization_id: &str,
    (from, until): (Instant, Instant),
    item: Option<&str>,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Vec<Line>> {
    let (hour, id) = after.unwrap_or((i64::MAX, i64::MAX));
    db.list(
        &page_sql(),
        named_params! {
            ":organization": organization_id, ":from": from.ms(), ":until": until.ms(), ":hour": hour, ":id": id,
            ":item": item, ":limit": limit,
        },
        from_row,
    )
}

/// A state in which records wait for something, as the words of the schema. Each has an index of its own, which SQLite
/// takes only for a condition that is written out.
const fn condition(state: State) -> Option<&'static str> {
    Some(match state {
        State::Open => "r.state = 'open'",
        State::Sealed => "r.state = 'sealed'",
        State::Sending => "r.state = 'sending'",
        State::Unknown => "r.state = 'unknown'",
        State::Rejected => "r.state = 'rejected'",
        State::Missed => "r.state = 'missed'",
        State::Accepted | State::Carried | State::Waived | State::Unbillable => return None,
    })
}

fn count_sql(condition: &str) -> String {
    format!(
        "SELECT seller_id, count(*) FROM (SELECT coalesce(r.seller_id, '') AS seller_id FROM record r WHERE {condition} LIMIT ?1)
         GROUP BY seller_id"
    )
}

/// How many records are in a state, by seller; counting ends at `most`. Nothing for states that no index answers.
pub fn count(db: &Db, state: State, most: u32) -> Result<Vec<(String, i64)>> {
    let Some(condition) = condition(state) else { return Ok(Vec::new()) };
    db.list(&count_sql(condition), [most], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn due_sql() -> String {
    format!("SELECT {COLUMNS} FROM {TABLES} WHERE r.state = 'sealed' AND r.due_by <= ?1 ORDER BY r.due_by LIMIT ?2")
}

/// Sealed records that must be accepted before then, the most urgent first.
pub fn list_due(db: &Db, before: Instant, limit: u32) -> Result<Vec<Line>> {
    db.list(&due_sql(), (before.ms(), limit), from_row)
}

/// Which held records are asked for; what is empty is not asked about.
#[derive(Debug, Clone, Default)]
pub struct Held {
    pub seller_id: String,
    pub organization_id: String,
}

fn held_sql(condition: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE {condition} AND r.updated_at <= :at AND (r.updated_at < :at OR r.id < :id)
           AND (:seller = '' OR r.seller_id = :seller) AND (:organization = '' OR r.organization_id = :organization)
         ORDER BY r.updated_at DESC, r.id DESC LIMIT :limit"
    )
}

/// Records that were refused, missed or are in doubt: those that came to be so last come first. `after` is the last
/// change and the id of the last one of the page before. Nothing for other states.
pub fn list_held(db: &Db, state: State, held: &Held, after: Option<Cursor>, limit: u32) -> Result<Vec<Line>> {
    let (at, id) = after.unwrap_or((i64::MAX, i64::MAX));
    let Some(condition) =
        condition(state).filter(|_| matches!(state, State::Unknown | State::Rejected | State::Missed))
    else {
        return Ok(Vec::new());
    };
    db.list(
        &held_sql(condition),
        named_params! {
            ":at": at, ":id": id, ":seller": held.seller_id, ":organization": held.organization_id, ":limit": limit,
        },
        from_row,
    )
}

/// A seller for whom the marketplace refused to take usage.
#[derive(Debug, Clone)]
pub struct Stop {
    pub seller_id: String,
    pub code: String,
    pub at: Instant,
}

pub fn list_stops(db: &Db, limit: u32) -> Result<Vec<Stop>> {
    db.list("SELECT seller_id, code, stopped_at FROM push_stop ORDER BY seller_id LIMIT ?1", [limit], |row| {
        Ok(Stop { seller_id: row.get(0)?, code: row.get(1)?, at: Instant::from_ms(row.get(2)?) })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::tests::plan;

    #[test]
    fn every_question_is_answered_by_its_index_in_its_order() {
        let of = |state| condition(state).unwrap();
        for (sql, index) in [
            (each_sql(Of::Organization("org").condition()), "record_of_organization"),
            (each_sql(Of::Subscription(1).condition()), "record_of_subscription"),
            (used_sql(Of::Organization("org").condition()), "record_of_organization"),
            (used_sql(Of::Subscription(1).condition()), "record_of_subscription"),
            (page_sql(), "record_of_organization"),
            (count_sql(of(State::Open)), "record_open"),
            (count_sql(of(State::Sealed)), "record_sealed"),
            (count_sql(of(State::Sending)), "record_sending"),
            (count_sql(of(State::Missed)), "record_held"),
            (due_sql(), "record_sealed"),
            (held_sql(of(State::Unknown)), "record_held"),
            (held_sql(of(State::Missed)), "record_held"),
        ] {
            let plan = plan(&sql).join("; ");
            assert!(plan.contains(&format!("INDEX {index}")), "{plan} for {sql}");
            assert!(!plan.contains("FOR ORDER BY"), "sorted by hand: {plan} for {sql}");
        }
    }
}
