//! How much of what waits: for the operator's monitoring. Each query walks a partial index of what is open, and none
//! counts further than [`MOST`], so that a bad day is not made worse by being watched.

use super::Db;
use crate::domain::value::Instant;
use crate::error::Result;

/// Where counting stops.
pub const MOST: u32 = 100_000;

/// Usage records that are not settled, by state.
pub fn count_records(db: &Db) -> Result<[(&'static str, i64); 4]> {
    Ok([
        ("open", db.value("SELECT count(*) FROM (SELECT 1 FROM record WHERE state = 'open' LIMIT ?1)", [MOST])?),
        ("sealed", db.value("SELECT count(*) FROM (SELECT 1 FROM record WHERE state = 'sealed' LIMIT ?1)", [MOST])?),
        ("sending", db.value("SELECT count(*) FROM (SELECT 1 FROM record WHERE state = 'sending' LIMIT ?1)", [MOST])?),
        ("unknown", count_held(db)?),
    ])
}

/// Records that wait for an operator.
pub fn count_held(db: &Db) -> Result<i64> {
    db.value("SELECT count(*) FROM (SELECT 1 FROM record WHERE state = 'unknown' LIMIT ?1)", [MOST])
}

/// Closed records that have not been accepted and must be by then.
pub fn count_at_risk(db: &Db, before: Instant, now: Instant) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM (SELECT 1 FROM record WHERE state = 'sealed' AND due_by <= ?1 AND due_by > ?2 LIMIT ?3)",
        (before.ms(), now.ms(), MOST),
    )
}

/// Records that were lost since then, by state.
pub fn count_lost(db: &Db, since: Instant) -> Result<[(&'static str, i64); 2]> {
    Ok([
        (
            "rejected",
            db.value(
                "SELECT count(*) FROM (SELECT 1 FROM record WHERE state = 'rejected' AND updated_at > ?1 LIMIT ?2)",
                (since.ms(), MOST),
            )?,
        ),
        (
            "missed",
            db.value(
                "SELECT count(*) FROM (SELECT 1 FROM record WHERE state = 'missed' AND updated_at > ?1 LIMIT ?2)",
                (since.ms(), MOST),
            )?,
        ),
    ])
}

/// Sellers for which nothing is pushed.
pub fn list_stopped(db: &Db) -> Result<Vec<String>> {
    db.list("SELECT seller_id FROM push_stop ORDER BY seller_id LIMIT 100", (), |row| row.get(0))
}

/// Jobs of a kind that should have run, and since when the oldest of them.
pub fn count_due(db: &Db, kind: &str, now: Instant) -> Result<(i64, Option<Instant>)> {
    let found = db.find(
        "SELECT count(*), min(due_at) FROM
           (SELECT due_at FROM job WHERE done_at IS NULL AND dead_at IS NULL AND kind = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3)",
        (kind, now.ms(), MOST),
        |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    Ok(found.map_or((0, None), |(count, oldest)| (count, oldest.map(Instant::from_ms))))
}

/// Jobs that were given up, by kind.
pub fn count_dead(db: &Db) -> Result<Vec<(String, i64)>> {
    db.list(
        "SELECT kind, count(*) FROM (SELECT kind FROM job WHERE dead_at IS NOT NULL ORDER BY kind LIMIT ?1) GROUP BY kind",
        [MOST],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Webhook messages by state; `confirmation` are those among the waiting ones for whose answer a binding waits.
pub fn count_deliveries(db: &Db) -> Result<[(&'static str, i64); 3]> {
    Ok([
        (
            "waiting",
            db.value(
                "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE state = 'waiting' AND state <> 'delivered' LIMIT ?1)",
                [MOST],
            )?,
        ),
        (
            "dead",
            db.value(
                "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE state = 'dead' AND state <> 'delivered' LIMIT ?1)",
                [MOST],
            )?,
        ),
        (
            "confirmation",
            db.value(
                "SELECT coalesce(sum((SELECT count(*) FROM delivery
                   WHERE webhook_id = webhook.id AND (binding_id IS NOT NULL) = 1 AND state = 'waiting' AND due_at IS NOT NULL)), 0)
                 FROM webhook WHERE deleted_at IS NULL",
                (),
            )?,
        ),
    ])
}

/// Since when the oldest webhook message is due that should have been sent.
pub fn oldest_delivery(db: &Db, now: Instant) -> Result<Option<Instant>> {
    let oldest: Option<i64> = db.value(
        "SELECT min(min(coalesce((SELECT min(due_at) FROM delivery
             WHERE webhook_id = webhook.id AND (binding_id IS NOT NULL) = 0 AND state = 'waiting' AND due_at IS NOT NULL), ?2),
           coalesce((SELECT min(due_at) FROM delivery
             WHERE webhook_id = webhook.id AND (binding_id IS NOT NULL) = 1 AND state = 'waiting' AND due_at IS NOT NULL), ?2)))
         FROM webhook WHERE deleted_at IS NULL AND disabled_at IS NULL AND created_at <= ?1",
        (now.ms(), i64::MAX),
    )?;
    Ok(oldest.filter(|at| *at <= now.ms()).map(Instant::from_ms))
}

/// Webhooks by how they do.
pub fn count_webhooks(db: &Db) -> Result<[(&'static str, i64); 3]> {
    let counts = db.find(
        "SELECT coalesce(sum(disabled_at IS NULL AND failing_since IS NULL), 0), coalesce(sum(disabled_at IS NULL AND failing_since IS NOT NULL), 0),
           coalesce(sum(disabled_at IS NOT NULL), 0) FROM webhook WHERE deleted_at IS NULL",
        (),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let (working, failing, disabled) = counts.unwrap_or_default();
    Ok([("working", working), ("failing", failing), ("disabled", disabled)])
}

/// Open alarms by kind.
pub fn count_alarms(db: &Db) -> Result<Vec<(String, i64)>> {
    db.list(
        "SELECT kind, count(*) FROM alarm INDEXED BY alarm_open WHERE cleared_at IS NULL GROUP BY kind LIMIT 100",
        (),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Subscriptions in a state, counted no further than `limit`.
pub fn count_subscriptions(db: &Db, state: &str, limit: u32) -> Result<i64> {
    db.value("SELECT count(*) FROM (SELECT 1 FROM subscription WHERE state = ?1 LIMIT ?2)", (state, limit))
}

/// Of a seller: subscriptions that are disputed, overdue or quarantined, counted no further than [`MOST`].
pub fn count_in_question(db: &Db, seller_id: &str) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM (SELECT 1 FROM subscription WHERE seller_id = ?1 AND state <> 'released'
           AND (is_disputed = 1 OR quarantined_at IS NOT NULL OR overdue_at IS NOT NULL) LIMIT ?2)",
        (seller_id, MOST),
    )
}

/// Bytes of the file that hold nothing.
pub fn free_bytes(db: &Db) -> Result<i64> {
    let pragma = |name: &str| db.conn().pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(pragma("freelist_count")? * pragma("page_size")?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    /// What is counted is found by an index of the open rows alone: never by a walk through everything there ever was.
    #[test]
    fn no_query_walks_through_a_table_that_grows() {
        let source = include_str!("figure.rs").split("#[cfg(test)]").next().unwrap();
        let statements: Vec<String> =
            source.split('"').filter(|text| text.starts_with("SELECT ")).map(str::to_owned).collect();
        assert!(statements.len() > 12, "{statements:?}");
        for sql in statements {
            for step in crate::store::tests::plan(&sql) {
                // These hold as many rows as an operator has made; a partial index holds what is open.
                let is_small = ["webhook", "push_stop", "("].iter().any(|name| step[5..].starts_with(name));
                let is_open = ["record_", "job_dead", "delivery_open", "alarm_open"]
                    .iter()
                    .any(|index| step.contains(&format!("INDEX {index}")));
                assert!(!step.starts_with("SCAN") || is_small || is_open, "{step}: {sql}");
            }
        }
    }
}
