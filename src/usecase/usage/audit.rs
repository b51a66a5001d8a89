//! Conservation: the ledger compared with the events that are still remembered (rule C1).

use std::collections::HashMap;

use crate::domain::usage::Tally;
use crate::error::Result;
use crate::store::Db;
use crate::store::record::{self, Audited};
use crate::store::usage::{self, Counted};

/// A record that does not say what its events say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imbalance {
    pub record_id: i64,
    /// Events and quantity by the ledger; `None`: there is no such record.
    pub ledger: Option<(i64, i64)>,
    /// The same by the events and by what was carried into it; `None`: no number holds it.
    pub events: Option<(i64, i64)>,
}

/// Compares every record whose events are all remembered. Reads all events: for a connection of its own.
pub fn audit(db: &Db) -> Result<Vec<Imbalance>> {
    let Some(first) = usage::first(db)? else { return Ok(Vec::new()) };
    // Of records that are older than what is remembered, some events may be gone already.
    let mut records: HashMap<i64, (Audited, Option<Tally>)> = HashMap::new();
    let mut first_record = i64::MAX;
    record::each_since(db, (!first.is_first_ever).then_some(first.received_at), |found| {
        first_record = first_record.min(found.id);
        records.insert(found.id, (found, Some(Tally::default())));
    })?;
    let mut orphans: HashMap<i64, i64> = HashMap::new();
    usage::each(db, |Counted { record_id, sample }| match records.get_mut(&record_id) {
        Some((audited, tally)) => *tally = tally.and_then(|tally| tally.with(audited.aggregate, sample)),
        None if record_id >= first_record => *orphans.entry(record_id).or_default() += 1,
        None => {}
    })?;
    let mut found: Vec<Imbalance> = records
        .into_values()
        .filter_map(|(audited, tally)| {
            let whole = tally
                .and_then(|tally| Some(Tally { quantity: tally.quantity.checked_add(audited.carried_here)?, ..tally }));
            let is_balanced = whole == Some(audited.tally) && audited.carried_in == audited.carried_here;
            (!is_balanced).then(|| Imbalance {
                record_id: audited.id,
                ledger: Some((audited.tally.events, audited.tally.quantity)),
                events: whole.map(|tally| (tally.events, tally.quantity)),
            })
        })
        .collect();
    found.extend(orphans.into_iter().map(|(record_id, events)| Imbalance {
        record_id,
        ledger: None,
        events: Some((events, 0)),
    }));
    found.sort_unstable_by_key(|one| one.record_id);
    Ok(found)
}
