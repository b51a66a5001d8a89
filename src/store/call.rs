//! The marketplace's calls, each with its verdict and reply.

use rusqlite::named_params;

use super::{Db, Tx, alarm};
use crate::domain::subscription::{self, Verdict};
use crate::domain::value::Instant;
use crate::error::Result;

/// Rows that the sample of refused calls keeps (rules B4).
const REFUSED_ROWS: i64 = 10_000;
/// Most bytes of a refused call's parameters that are kept.
const REFUSED_BYTES: usize = 2 * 1024;

/// A call to be kept.
pub struct Call<'a> {
    pub seller_id: &'a str,
    pub instance_id: &'a str,
    pub action: &'a str,
    /// What makes it the same call again (rules B1).
    pub order_key: Option<&'a str>,
    /// JSON, token hidden.
    pub params: &'a str,
    /// They may hold what somebody typed (rules D6).
    pub is_free_form: bool,
    pub verdict: Verdict,
    pub code: Option<&'a str>,
    pub status: u16,
    pub reply: &'a str,
    pub received_at: Instant,
    pub took_us: i64,
    pub request_id: &'a str,
}

pub fn insert(tx: &Tx, call: &Call<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO call (seller_id, instance_id, action, order_key, params, verdict, code, status, reply, received_at, took_us, request_id,
           is_free_form)
         VALUES (:seller, :instance, :action, :key, :params, :verdict, :code, :status, :reply, :at, :took, :request, :free)",
        named_params! {
            ":seller": call.seller_id,
            ":instance": call.instance_id,
            ":action": call.action,
            ":key": call.order_key,
            ":params": call.params,
            ":verdict": call.verdict.as_str(),
            ":code": call.code,
            ":status": call.status,
            ":reply": call.reply,
            ":at": call.received_at.ms(),
            ":took": call.took_us,
            ":request": call.request_id,
            ":free": call.is_free_form,
        },
    )?;
    Ok(())
}

/// Whether an order was applied to an instance before.
pub fn is_applied(db: &Db, seller_id: &str, instance_id: &str, action: &str, order_key: &str) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM call WHERE seller_id = ?1 AND instance_id = ?2 AND action = ?3 AND order_key = ?4 AND verdict = 'applied')",
        (seller_id, instance_id, action, order_key),
    )
}

/// When a call was last applied to an instance.
pub fn last_applied_at(db: &Db, seller_id: &str, instance_id: &str) -> Result<Option<Instant>> {
    let at: Option<i64> = db.find(
        "SELECT received_at FROM call WHERE seller_id = ?1 AND instance_id = ?2 AND verdict = 'applied' ORDER BY id DESC LIMIT 1",
        (seller_id, instance_id),
        |row| row.get(0),
    )?;
    Ok(at.map(Instant::from_ms))
}

/// Whether the last word since then about an instance's term was a refund or an end that changed nothing, because it
/// had been said.
pub fn is_end_repeated(db: &Db, seller_id: &str, instance_id: &str, since: Instant) -> Result<bool> {
    let last: Option<bool> = db.find(
        "SELECT action <> 'renew' AND verdict = 'repeated' AND received_at >= ?3 FROM call
         WHERE seller_id = ?1 AND instance_id = ?2 AND action IN ('renew', 'refund_renew', 'expire') ORDER BY id DESC LIMIT 1",
        (seller_id, instance_id, since.ms()),
        |row| row.get(0),
    )?;
    Ok(last == Some(true))
}

/// Whether an upgrade was applied to an instance since then.
pub fn is_upgraded_since(db: &Db, seller_id: &str, instance_id: &str, since: Instant) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM call
           WHERE seller_id = ?1 AND instance_id = ?2 AND action = 'upgrade' AND verdict = 'applied' AND received_at >= ?3)",
        (seller_id, instance_id, since.ms()),
    )
}

/// The first instance, by name, after this one that any call spoke of; and whether we have its subscription.
pub fn next_instance(db: &Db, seller_id: &str, after: &str) -> Result<Option<(String, bool)>> {
    let next: Option<String> =
        db.value("SELECT min(instance_id) FROM call WHERE seller_id = ?1 AND instance_id > ?2", (seller_id, after))?;
    let Some(instance_id) = next else { return Ok(None) };
    let is_here = db.value(
        "SELECT EXISTS (SELECT 1 FROM subscription WHERE seller_id = ?1 AND instance_id = ?2)",
        (seller_id, &instance_id),
    )?;
    Ok(Some((instance_id, is_here)))
}

/// Whether the same was said of an instance before, to the letter; or, as far as that can still be known, where the
/// parameters as they are after erasure are among the stored ones.
pub fn was_said(
    db: &Db,
    seller_id: &str,
    instance_id: &str,
    action: &str,
    (params, erased): (&str, &str),
) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM call WHERE seller_id = ?1 AND instance_id = ?2 AND action = ?3 AND params IN (?4, ?5))",
        (seller_id, instance_id, action, params, erased),
    )
}

const FREE_FORM: &str =
    "SELECT id, params FROM call WHERE is_free_form = 1 AND received_at < ?1 ORDER BY received_at LIMIT ?2";

/// Calls until then that may hold what somebody typed, the oldest first: ids and parameters.
pub fn list_free_form(db: &Db, until: Instant, limit: u32) -> Result<Vec<(i64, String)>> {
    db.list(FREE_FORM, (until.ms(), limit), |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Writes a call's parameters without what somebody typed.
pub fn set_erased(tx: &Tx, id: i64, params: &str) -> Result<()> {
    tx.execute("UPDATE call SET params = ?2, is_free_form = 0 WHERE id = ?1", (id, params))?;
    Ok(())
}

const TO_FORGET: &str = "SELECT id, seller_id, instance_id FROM subscription WHERE has_calls = 1 AND released_at < ?1
     ORDER BY released_at LIMIT ?2";
const DELETE_OF: &str =
    "DELETE FROM call WHERE id IN (SELECT id FROM call WHERE seller_id = ?1 AND instance_id = ?2 ORDER BY id LIMIT ?3)";

/// Deletes calls of subscriptions that were released until then, so many at most, and with the last one the alarms, which
/// repeat them; how many rows that took.
pub fn delete_of_released(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    let due: Vec<(i64, String, String)> =
        tx.list(TO_FORGET, (until.ms(), limit), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut rows = 0;
    for (id, seller_id, instance_id) in due {
        let room = limit.saturating_sub(u32::try_from(rows).unwrap_or(limit));
        let deleted = tx.execute(DELETE_OF, (&seller_id, &instance_id, room))?;
        rows += deleted;
        if deleted == room as usize {
            break;
        }
        rows += alarm::delete_of(tx, &subscription::name(&seller_id, &instance_id))?;
        rows += tx.execute("UPDATE subscription SET has_calls = 0 WHERE id = ?1", [id])?;
    }
    Ok(rows)
}

/// A call came after the others were forgotten; it will be, too.
pub fn set_to_forget(tx: &Tx, subscription_id: i64) -> Result<()> {
    tx.execute("UPDATE subscription SET has_calls = 1 WHERE id = ?1 AND has_calls = 0", [subscription_id])?;
    Ok(())
}

/// A call as a timeline shows it.
#[derive(Debug, Clone)]
pub struct Kept {
    pub action: String,
    pub verdict: String,
    pub code: Option<String>,
    pub status: u16,
    pub received_at: Instant,
}

/// The newest calls of an instance first.
pub fn list(db: &Db, seller_id: &str, instance_id: &str, limit: u32) -> Result<Vec<Kept>> {
    db.list(
        "SELECT action, verdict, code, status, received_at FROM call WHERE seller_id = ?1 AND instance_id = ?2 ORDER BY id DESC LIMIT ?3",
        (seller_id, instance_id, limit),
        |row| {
            Ok(Kept {
                action: row.get(0)?,
                verdict: row.get(1)?,
                code: row.get(2)?,
                status: row.get(3)?,
                received_at: Instant::from_ms(row.get(4)?),
            })
        },
    )
}

/// A call that was turned away at the door.
pub struct Refused<'a> {
    pub seller_id: &'a str,
    pub code: &'a str,
    /// JSON, token hidden; empty if it could not be read.
    pub params: &'a str,
    pub address: &'a str,
    pub received_at: Instant,
    pub request_id: &'a str,
}

/// Keeps a sample of what was turned away, the newest rows only.
pub fn insert_refused(tx: &Tx, refused: &Refused<'_>) -> Result<()> {
    let params = refused.params;
    let end = (0..=REFUSED_BYTES.min(params.len())).rev().find(|at| params.is_char_boundary(*at)).unwrap_or_default();
    tx.execute(
        "INSERT INTO refused_call (seller_id, code, params, address, received_at, request_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (refused.seller_id, refused.code, &params[..end], refused.address, refused.received_at.ms(), refused.request_id),
    )?;
    tx.execute("DELETE FROM refused_call WHERE id <= ?1", [tx.conn().last_insert_rowid() - REFUSED_ROWS])?;
    Ok(())
}

/// Forgets what was turned away until then, so many rows at most.
pub fn delete_refused(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM refused_call WHERE id IN (SELECT id FROM refused_call ORDER BY id LIMIT ?2) AND received_at < ?1",
        (until.ms(), limit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::plan;

    #[test]
    fn what_is_to_be_forgotten_is_found_without_a_walk_through_all_calls() {
        for (sql, index) in
            [(FREE_FORM, "call_free_form"), (TO_FORGET, "subscription_to_forget"), (DELETE_OF, "call_by_instance")]
        {
            let steps = plan(sql);
            assert!(steps.iter().any(|step| step.contains(&format!("INDEX {index}"))), "{steps:?}");
            assert!(steps.iter().all(|step| !step.contains("SCAN") && !step.contains("ORDER BY")), "{steps:?}");
        }
    }
}
