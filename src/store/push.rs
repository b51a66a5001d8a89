//! Records on their way to the marketplace, and the requests that carry them.

use rusqlite::named_params;

use super::{Db, Tx};
use crate::domain::usage::State;
use crate::domain::value::Instant;
use crate::error::Result;

/// A sealed record that may go now.
#[derive(Debug, Clone)]
pub struct Ready {
    pub id: i64,
    pub instance_id: String,
    pub from: Instant,
    pub until: Instant,
    pub item: String,
    pub quantity: i64,
    pub is_sum: bool,
    /// Another record of the same instance, item and window has been pushed: this one would overlap it.
    pub is_overlapping: bool,
}

/// What the most urgent record that may go shares with those it can travel with: its product, and the most items of its
/// request.
pub fn find_urgent(db: &Db, seller_id: &str, now: Instant, pace_ms: i64) -> Result<Option<(String, Option<i64>)>> {
    db.find(URGENT, (seller_id, now.ms(), pace_ms), |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The records that may go now, the most urgent first.
pub fn list_ready(
    db: &Db,
    seller_id: &str,
    (product_code, most): (&str, Option<i64>),
    now: Instant,
    pace_ms: i64,
    limit: u32,
) -> Result<Vec<Ready>> {
    db.list(
        READY,
        named_params! { ":seller": seller_id, ":product": product_code, ":most": most, ":now": now.ms(), ":pace": pace_ms, ":limit": limit },
        |row| {
            Ok(Ready {
                id: row.get(0)?,
                instance_id: row.get(1)?,
                from: Instant::from_ms(row.get(2)?),
                until: Instant::from_ms(row.get(3)?),
                item: row.get(4)?,
                quantity: row.get(5)?,
                is_sum: row.get(6)?,
                is_overlapping: row.get(7)?,
            })
        },
    )
}

// A plus keeps SQLite from taking what is compared with one value out of the order: it would no longer see that the index
// brings the rows in it, and sort all that are sealed to find the first.
const URGENT: &str = "SELECT product_code, most FROM record r
         WHERE state = 'sealed' AND +seller_id = ?1 AND due_by > ?2 AND coalesce(not_before, 0) <= ?2
           AND NOT EXISTS (SELECT 1 FROM push_pace p WHERE p.seller_id = r.seller_id AND p.instance_id = r.instance_id AND p.named_at > ?2 - ?3)
         ORDER BY due_by, seller_id, product_code, instance_id, id LIMIT 1";
const READY: &str = "SELECT id, instance_id, hour_at, until_at, item, quantity, aggregate = 'sum',
           EXISTS (SELECT 1 FROM record o WHERE o.subscription_id = r.subscription_id AND o.hour_at = r.hour_at AND o.item = r.item
                     AND o.id <> r.id AND (o.state = 'sending' OR o.state = 'accepted' OR o.state = 'unknown'))
         FROM record r
         WHERE state = 'sealed' AND +seller_id = :seller AND +product_code = :product AND most IS :most AND due_by > :now
           AND coalesce(not_before, 0) <= :now
           AND NOT EXISTS (SELECT 1 FROM push_pace p WHERE p.seller_id = r.seller_id AND p.instance_id = r.instance_id AND p.named_at > :now - :pace)
         ORDER BY due_by, seller_id, product_code, instance_id, id LIMIT :limit";

/// When the next sealed record of a seller may go. Only if none may now is each of them looked at.
pub fn next_due(db: &Db, seller_id: &str, now: Instant, pace_ms: i64) -> Result<Option<Instant>> {
    if find_urgent(db, seller_id, now, pace_ms)?.is_some() {
        return Ok(Some(now));
    }
    let due: Option<i64> = db.value(
        "SELECT min(at) FROM (
           SELECT max(coalesce(r.not_before, 0), coalesce(p.named_at + ?2, 0)) AS at, r.due_by FROM record r
           LEFT JOIN push_pace p ON p.seller_id = r.seller_id AND p.instance_id = r.instance_id
           WHERE r.state = 'sealed' AND r.seller_id = ?1)
         WHERE at < due_by",
        (seller_id, pace_ms),
    )?;
    Ok(due.map(Instant::from_ms))
}

/// When the next sealed record, of whatever seller, has to be warned of.
pub fn next_risk(db: &Db, risk_ms: i64) -> Result<Option<Instant>> {
    let due: Option<i64> =
        db.value("SELECT min(due_by) - ?1 FROM record WHERE state = 'sealed' AND told_at IS NULL", [risk_ms])?;
    Ok(due.map(Instant::from_ms))
}

/// A request that is about to leave.
pub struct New<'a> {
    pub seller_id: &'a str,
    pub product_code: &'a str,
    pub nonce: &'a str,
    pub body_digest: &'a [u8],
    pub records: usize,
    pub entities: usize,
}

pub fn insert(tx: &Tx, new: &New<'_>, now: Instant) -> Result<i64> {
    tx.execute(
        "INSERT INTO push (seller_id, product_code, nonce, body_digest, records, entities, state, sent_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'sending', ?7)",
        (
            new.seller_id,
            new.product_code,
            new.nonce,
            new.body_digest,
            i64::try_from(new.records).unwrap_or(i64::MAX),
            i64::try_from(new.entities).unwrap_or(i64::MAX),
            now.ms(),
        ),
    )?;
    Ok(tx.conn().last_insert_rowid())
}

/// A sealed record leaves with a request; `false` if it is not what it was when it was read: until its deadline a sealed
/// record takes more usage, and a gauge may be charged to another instance.
pub fn set_sending(tx: &Tx, read: &Ready, push_id: i64, now: Instant) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE record SET state = 'sending', push_id = ?2, attempts = attempts + 1, updated_at = ?3
         WHERE id = ?1 AND state = 'sealed' AND quantity = ?4 AND instance_id = ?5 AND until_at = ?6",
        (read.id, push_id, now.ms(), read.quantity, &read.instance_id, read.until.ms()),
    )? > 0)
}

/// Notes that an instance is named in a request.
pub fn set_pace(tx: &Tx, seller_id: &str, instance_id: &str, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO push_pace (seller_id, instance_id, named_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (seller_id, instance_id) DO UPDATE SET named_at = excluded.named_at",
        (seller_id, instance_id, now.ms()),
    )?;
    Ok(())
}

/// The marketplace never heard of this request, so its instances need not wait.
pub fn forget_pace(tx: &Tx, push_id: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM push_pace WHERE (seller_id, instance_id) IN (SELECT seller_id, instance_id FROM record WHERE state = 'sending' AND push_id = ?1)",
        [push_id],
    )?;
    Ok(())
}

/// Where a request stands.
pub struct Sent {
    pub seller_id: String,
    pub entities: i64,
}

/// A request whose answer is awaited.
pub fn find_sending(db: &Db, id: i64) -> Result<Option<Sent>> {
    db.find("SELECT seller_id, entities FROM push WHERE id = ?1 AND state = 'sending'", [id], |row| {
        Ok(Sent { seller_id: row.get(0)?, entities: row.get(1)? })
    })
}

/// The requests that were on their way when a process ended.
pub fn list_sending(db: &Db, limit: u32) -> Result<Vec<i64>> {
    db.list("SELECT id FROM push WHERE state = 'sending' ORDER BY id LIMIT ?1", [limit], |row| row.get(0))
}

/// What came of a request.
pub struct End<'a> {
    pub state: &'a str,
    pub status: Option<u16>,
    pub code: Option<&'a str>,
    pub request_ref: Option<&'a str>,
}

pub fn finish(tx: &Tx, id: i64, end: &End<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE push SET state = ?2, status = ?3, code = ?4, request_ref = ?5, answered_at = ?6 WHERE id = ?1",
        (id, end.state, end.status, end.code, end.request_ref, now.ms()),
    )?;
    Ok(())
}

/// Settles every record of a request.
pub fn settle(tx: &Tx, push_id: i64, state: State, code: Option<&str>, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE record SET state = ?2, code = ?3, settled_at = CASE WHEN ?4 THEN ?5 END, updated_at = ?5 WHERE state = 'sending' AND push_id = ?1",
        (push_id, state.as_str(), code, state.is_final(), now.ms()),
    )?;
    Ok(())
}

/// Nothing of a request was taken: its records go again, at the earliest then, `most` items together.
pub fn give_back(tx: &Tx, push_id: i64, not_before: Instant, most: Option<i64>, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE record SET state = 'sealed', not_before = ?2, most = coalesce(?3, most), updated_at = ?4 WHERE state = 'sending' AND push_id = ?1",
        (push_id, not_before.ms(), most, now.ms()),
    )?;
    Ok(())
}

/// How often the records of a request were sent, the most of them.
pub fn attempts(db: &Db, push_id: i64) -> Result<u32> {
    Ok(db
        .value::<Option<u32>>("SELECT max(attempts) FROM record WHERE state = 'sending' AND push_id = ?1", [push_id])?
        .unwrap_or_default())
}

/// A record, with what it was charged to.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: i64,
    pub organization_id: String,
    pub subscription_id: Option<i64>,
    pub seller_id: Option<String>,
    pub instance_id: Option<String>,
    pub item: String,
    pub from: Instant,
    pub until: Instant,
    pub part: String,
    pub quantity: i64,
    pub carried_in: i64,
    pub state: State,
    pub code: Option<String>,
    pub due_by: Instant,
    pub settled_at: Option<Instant>,
    pub attempts: i64,
    pub note: Option<String>,
    /// The subscription is released.
    pub is_released: bool,
    /// The marketplace's id of the request that carried it last.
    pub request_ref: Option<String>,
}

const COLUMNS: &str = "r.id, r.organization_id, r.subscription_id, r.seller_id, r.instance_id, r.item, r.hour_at, r.until_at, r.part, r.quantity, \
     r.carried_in, r.state, r.code, r.due_by, r.settled_at, r.attempts, r.note, coalesce(s.state = 'released', 0), p.request_ref";
const TABLES: &str =
    "record r LEFT JOIN subscription s ON s.id = r.subscription_id LEFT JOIN push p ON p.id = r.push_id";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Record> {
    let state: String = row.get(11)?;
    Ok(Record {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        subscription_id: row.get(2)?,
        seller_id: row.get(3)?,
        instance_id: row.get(4)?,
        item: row.get(5)?,
        from: Instant::from_ms(row.get(6)?),
        until: Instant::from_ms(row.get(7)?),
        part: row.get(8)?,
        quantity: row.get(9)?,
        carried_in: row.get(10)?,
        // The schema's CHECK keeps other words out; this one is never sent.
        state: State::parse(&state).unwrap_or(State::Unknown),
        code: row.get(12)?,
        due_by: Instant::from_ms(row.get(13)?),
        settled_at: row.get::<_, Option<i64>>(14)?.map(Instant::from_ms),
        attempts: row.get(15)?,
        note: row.get(16)?,
        is_released: row.get(17)?,
        request_ref: row.get(18)?,
    })
}

pub fn find(db: &Db, id: i64) -> Result<Option<Record>> {
    db.find(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE r.id = ?1"), [id], from_row)
}

/// The records of a request that waits for its answer.
pub fn list_of_sending(db: &Db, push_id: i64) -> Result<Vec<Record>> {
    db.list(
        &format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE r.state = 'sending' AND r.push_id = ?1 ORDER BY r.id LIMIT 1000"
        ),
        [push_id],
        from_row,
    )
}

/// Sealed records that will miss their deadline soon and of which nobody was told.
pub fn list_at_risk(db: &Db, before: Instant, now: Instant, limit: u32) -> Result<Vec<Record>> {
    db.list(
        &format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE r.state = 'sealed' AND r.told_at IS NULL AND r.due_by <= ?1 AND r.due_by > ?2
             ORDER BY r.due_by, r.seller_id, r.product_code, r.instance_id, r.id LIMIT ?3"
        ),
        (before.ms(), now.ms(), limit),
        from_row,
    )
}

pub fn set_told(tx: &Tx, id: i64, now: Instant) -> Result<()> {
    tx.execute("UPDATE record SET told_at = ?2 WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// Which records are asked for; what is `None` is not asked about.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Windows that begin then or later.
    pub from: Option<Instant>,
    /// Windows that begin before.
    pub until: Option<Instant>,
    pub state: Option<State>,
    pub organization_id: Option<String>,
}

/// Records by window, behind a cursor of window and id.
pub fn list(db: &Db, filter: &Filter, after: (i64, i64), limit: u32) -> Result<Vec<Record>> {
    db.list(
        &format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE (r.hour_at, r.id) > (:hour, :id) AND r.hour_at >= :from AND r.hour_at < :until
               AND (:state IS NULL OR r.state = :state) AND (:organization IS NULL OR r.organization_id = :organization)
             ORDER BY r.hour_at, r.id LIMIT :limit"
        ),
        named_params! {
            ":hour": after.0, ":id": after.1,
            ":from": filter.from.map_or(i64::MIN, Instant::ms),
            ":until": filter.until.map_or(i64::MAX, Instant::ms),
            ":state": filter.state.map(State::as_str),
            ":organization": filter.organization_id,
            ":limit": limit,
        },
        from_row,
    )
}

/// Moves a record that a person decided on, or that cannot be pushed; `false` if it is not in that state any more.
pub fn move_on(
    tx: &Tx,
    id: i64,
    (from, to): (State, State),
    code: Option<&str>,
    by: Option<(&str, &str)>,
    now: Instant,
) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE record SET state = :to, code = :code, note = coalesce(:why, note), waived_by = CASE WHEN :to = 'waived' THEN :who ELSE waived_by END,
           settled_at = CASE WHEN :final THEN :now END, not_before = NULL, most = NULL, updated_at = :now
         WHERE id = :id AND state = :from",
        named_params! {
            ":id": id, ":from": from.as_str(), ":to": to.as_str(), ":code": code,
            ":who": by.map(|(who, _)| who), ":why": by.map(|(_, why)| why), ":final": to.is_final(), ":now": now.ms(),
        },
    )? > 0)
}

/// Holds records that a process on another copy of this file may have sent since then; how many.
pub fn hold_restored(tx: &Tx, since: Instant, now: Instant, rows: u32) -> Result<usize> {
    tx.execute(
        "UPDATE record SET state = 'unknown', code = 'restored', updated_at = ?2 WHERE id IN (
           SELECT id FROM record WHERE (state = 'open' OR state = 'sealed' OR state = 'sending') AND seals_at <= ?2 AND due_by > ?1 LIMIT ?3)",
        (since.ms(), now.ms(), rows),
    )
}

/// Stops pushing for a seller with this key.
pub fn stop(tx: &Tx, seller_id: &str, key_mark: &str, code: &str, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO push_stop (seller_id, key_mark, code, stopped_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (seller_id) DO UPDATE SET key_mark = excluded.key_mark, code = excluded.code, stopped_at = excluded.stopped_at",
        (seller_id, key_mark, code, now.ms()),
    )?;
    Ok(())
}

/// Pushes for a seller again. Whether it was stopped.
pub fn resume(tx: &Tx, seller_id: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM push_stop WHERE seller_id = ?1", [seller_id])? > 0)
}

/// Whether pushing for a seller is stopped while it has this key.
pub fn is_stopped(db: &Db, seller_id: &str, key_mark: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM push_stop WHERE seller_id = ?1 AND key_mark = ?2)", (seller_id, key_mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::plan;

    #[test]
    fn what_goes_next_is_found_without_sorting_what_is_sealed() {
        for sql in [URGENT, READY] {
            let steps = plan(sql);
            assert!(steps[0].contains("INDEX record_sealed"), "{steps:?}");
            assert!(steps.iter().all(|step| !step.contains("ORDER BY")), "sorted by hand: {steps:?}");
        }
    }
}
