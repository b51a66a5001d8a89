//! Usage on its way to the marketplace: what leaves, what came of it, and what a person decides (rules C5, C6, D2).
//!
//! There is no idempotency key on the other side. So a record is `sending` in a committed row before its request leaves, and
//! goes back to `sealed` only when it is certain that nothing was taken; everything doubtful is held for an operator.

use std::collections::BTreeMap;

use serde_json::json;

use crate::crypto;
use crate::domain::usage::State;
use crate::domain::value::{Instant, MINUTE_MS, SECOND_MS};
use crate::error::{Error, Result};
use crate::market::metering::{self, MIN_INTERVAL_MS, Next};
use crate::market::plan::{self, Limits, Piece, Planned};
use crate::store::push::{self, End, New, Ready};
use crate::store::{Db, Tx, alarm, event};
use crate::usecase;
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::notice;
use crate::usecase::operator::{reason, require_operator};

pub use crate::store::push::{Filter, Record};

/// Records that are looked at for a request: more than it can carry.
const LOOK: u32 = 128;
/// So long before its deadline a record that was not accepted is told of.
pub const RISK_MS: i64 = 15 * MINUTE_MS;
/// Records that are told of in one transaction.
const TELL: u32 = 200;
/// Requests of a process that is gone, held in one transaction.
const RECOVER: u32 = 5;
/// Longest wait after a request that could not leave.
const UNSENT_MAX_MS: i64 = 60 * SECOND_MS;

/// How requests of a seller are made.
#[derive(Debug, Clone)]
pub struct Way {
    pub seller_id: String,
    pub key_mark: String,
    /// Bytes of the encoded records.
    pub query_bytes: usize,
    /// A refused request was refused as a whole.
    pub is_atomic: bool,
    /// The listing's ids of items (`meteringAssit`), by product and key.
    pub assits: BTreeMap<(String, String), String>,
}

/// A request that is committed as sending, and has to leave.
#[derive(Debug, Clone)]
pub struct Leaving {
    pub push_id: i64,
    /// Sign it with this.
    pub nonce: String,
    /// The records as the marketplace takes them.
    pub text: String,
    /// Items in it; what is refused alone is refused for good.
    pub entities: usize,
}

/// A request that is planned and not committed: nothing was changed for it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    product: String,
    request: Planned,
    /// What was planned, as it was read.
    read: BTreeMap<i64, Ready>,
    /// Records whose window was pushed for another organization: a second push of it could be billed twice.
    overlapping: Vec<i64>,
}

impl Plan {
    /// Nothing may go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.request.ids.is_empty() && self.overlapping.is_empty()
    }
}

/// Plans the most urgent request of a seller that may go now.
pub fn plan(db: &Db, way: &Way, now: Instant) -> Result<Plan> {
    if push::is_stopped(db, &way.seller_id, &way.key_mark)? {
        return Ok(Plan::default());
    }
    let Some((product, halved)) = push::find_urgent(db, &way.seller_id, now, MIN_INTERVAL_MS)? else {
        return Ok(Plan::default());
    };
    let mut ready = push::list_ready(db, &way.seller_id, (&product, halved), now, MIN_INTERVAL_MS, LOOK)?;
    if ready.len() == LOOK as usize {
        leave_the_last(&mut ready);
    }
    let (overlapping, ready): (Vec<_>, Vec<_>) = ready.into_iter().partition(|one| one.is_overlapping);
    let pieces: Vec<Piece> = ready.iter().map(|one| piece(way, &product, one)).collect();
    let limits = Limits {
        query_bytes: way.query_bytes,
        entities: halved.and_then(|most| usize::try_from(most).ok()).unwrap_or(metering::MAX_ENTITIES),
        instances: if way.is_atomic { usize::MAX } else { 1 },
    };
    let request = plan::next(&pieces, limits);
    let overlapping = overlapping.into_iter().map(|one| one.id).collect();
    let read = ready.into_iter().map(|one| (one.id, one)).collect();
    Ok(Plan { product, request, read, overlapping })
}

/// Of the last instance there may be more than was looked at, and what belongs to one number must not be parted.
fn leave_the_last(ready: &mut Vec<Ready>) {
    if let Some(last) = ready.last().map(|one| one.instance_id.clone())
        && ready.iter().any(|one| one.instance_id != last)
    {
        ready.retain(|one| one.instance_id != last);
    }
}

/// Commits a planned request as sending, signed with this nonce. `None` if there was only to miss what overlaps.
///
/// # Errors
/// `Conflict(records_changed)`: some of it is not as it was planned any more, and nothing is changed.
pub fn take(tx: &Tx, way: &Way, plan: Plan, nonce: String, now: Instant) -> Result<Option<Leaving>> {
    if push::is_stopped(tx, &way.seller_id, &way.key_mark)? {
        return Err(Error::Conflict("records_changed"));
    }
    for id in plan.overlapping {
        miss(tx, id, "late", now)?;
    }
    let Planned { ids, records, entities } = plan.request;
    if ids.is_empty() {
        return Ok(None);
    }
    let text = metering::write(&records);
    let new = New {
        seller_id: &way.seller_id,
        product_code: &plan.product,
        nonce: &nonce,
        body_digest: &crypto::digest(text.as_bytes()),
        records: records.len(),
        entities,
    };
    let push_id = push::insert(tx, &new, now)?;
    for id in ids {
        let read = plan.read.get(&id).ok_or_else(|| Error::internal("a record that was not read"))?;
        if !push::set_sending(tx, read, push_id, now)? {
            return Err(Error::Conflict("records_changed"));
        }
    }
    for record in &records {
        push::set_pace(tx, &way.seller_id, &record.instance_id, now)?;
    }
    Ok(Some(Leaving { push_id, nonce, text, entities }))
}

fn piece(way: &Way, product: &str, one: &Ready) -> Piece {
    Piece {
        id: one.id,
        instance_id: one.instance_id.clone(),
        start: one.from,
        end: one.until,
        key: one.item.clone(),
        // The schema keeps negative numbers out.
        value: u64::try_from(one.quantity).unwrap_or(0),
        assit: way.assits.get(&(product.to_owned(), one.item.clone())).cloned(),
        is_sum: one.is_sum,
    }
}

/// Writes down what came of a request. One that was settled before is left alone.
pub fn settle(tx: &Tx, push_id: i64, next: &Next, status: Option<u16>, key_mark: &str, now: Instant) -> Result<()> {
    let Some(sent) = push::find_sending(tx, push_id)? else { return Ok(()) };
    let end = |state, code, request_ref| End { state, status, code, request_ref };
    let minute_later = now.plus_ms(MIN_INTERVAL_MS);
    let end = match next {
        Next::Accepted { request_id } => {
            push::settle(tx, push_id, State::Accepted, None, now)?;
            end("accepted", None, request_id.as_deref())
        }
        Next::ResendNow => {
            // At once, but not faster than a name server that is down can bear.
            let wait = (SECOND_MS << push::attempts(tx, push_id)?.saturating_sub(1).min(10)).min(UNSENT_MAX_MS);
            push::forget_pace(tx, push_id)?;
            push::give_back(tx, push_id, now.plus_ms(wait), None, now)?;
            end("not_sent", None, None)
        }
        Next::ResendLater { code } => {
            push::give_back(tx, push_id, minute_later, None, now)?;
            end("throttled", Some(code.as_str()), None)
        }
        Next::Halve { code } => {
            push::give_back(tx, push_id, minute_later, Some((sent.entities + 1) / 2), now)?;
            end("halved", Some(code.as_str()), None)
        }
        Next::StopSeller { code } => {
            push::give_back(tx, push_id, minute_later, None, now)?;
            push::stop(tx, &sent.seller_id, key_mark, code, now)?;
            alarm::raise(tx, "metering_stopped", &sent.seller_id, code, now)?;
            end("stopped", Some(code.as_str()), None)
        }
        Next::Rejected { code } => {
            reject(tx, push_id, code, now)?;
            end("rejected", Some(code.as_str()), None)
        }
        Next::Hold { reason } => {
            hold(tx, push_id, &sent.seller_id, reason, now)?;
            end("unknown", Some(reason.as_str()), None)
        }
    };
    push::finish(tx, push_id, &end, now)
}

fn hold(tx: &Tx, push_id: i64, seller_id: &str, reason: &str, now: Instant) -> Result<()> {
    push::settle(tx, push_id, State::Unknown, Some(reason), now)?;
    alarm::raise(tx, "metering_unknown", seller_id, reason, now)
}

fn reject(tx: &Tx, push_id: i64, code: &str, now: Instant) -> Result<()> {
    let records = push::list_of_sending(tx, push_id)?;
    // A released instance is refused like one that never was (rules C4).
    let is_closed = code.starts_with("Invalid.Parameter") && records.iter().all(|one| one.is_released);
    let code = if is_closed { "closed" } else { code };
    push::settle(tx, push_id, State::Rejected, Some(code), now)?;
    for record in &records {
        tell(tx, "metering.rejected", record, Some(code), now)?;
        alarm::raise(tx, "metering_rejected", &subject(record), code, now)?;
    }
    Ok(())
}

fn miss(tx: &Tx, id: i64, code: &str, now: Instant) -> Result<()> {
    if push::move_on(tx, id, (State::Sealed, State::Missed), Some(code), None, now)?
        && let Some(record) = push::find(tx, id)?
    {
        tell(tx, "metering.missed", &record, Some(code), now)?;
    }
    Ok(())
}

fn subject(record: &Record) -> String {
    match (&record.seller_id, &record.instance_id) {
        (Some(seller), Some(instance)) => usecase::subscription_name(seller, instance),
        _ => record.organization_id.clone(),
    }
}

fn tell(tx: &Tx, kind: &str, record: &Record, code: Option<&str>, now: Instant) -> Result<()> {
    let Some(subscription_id) = record.subscription_id else { return Ok(()) };
    let data = json!({
        "record": record.id,
        "subscription": subject(record),
        "organization": record.organization_id,
        "item": record.item,
        "from": usecase::rfc3339(record.from),
        "until": usecase::rfc3339(record.until),
        "quantity": record.quantity,
        "due_by": usecase::rfc3339(record.due_by),
        "code": code,
    });
    event::insert_of_subscription(tx, kind, subscription_id, &subject(record), &data, now)
}

/// Tells of records that will miss their deadline unless something changes, the oldest first; how many. Each is told of once.
pub fn warn(tx: &Tx, now: Instant) -> Result<usize> {
    let records = push::list_at_risk(tx, now.plus_ms(RISK_MS), now, TELL)?;
    if let Some(first) = records.first() {
        notice::announce_risk(tx, first.due_by, now)?;
    }
    for record in &records {
        push::set_told(tx, record.id, now)?;
        tell(tx, "metering.at_risk", record, None, now)?;
        alarm::raise(tx, "metering_at_risk", &subject(record), &usecase::rfc3339(record.due_by), now)?;
    }
    Ok(records.len())
}

/// Holds what a process that is gone had sent without hearing an answer; how many requests. Called until it is none, before
/// anything is sent.
pub fn recover(tx: &Tx, now: Instant) -> Result<usize> {
    let gone = push::list_sending(tx, RECOVER)?;
    for id in &gone {
        settle(tx, *id, &Next::Hold { reason: "interrupted".to_owned() }, None, "", now)?;
    }
    Ok(gone.len())
}

/// Holds every record that another process may have pushed from the original of this file since then (rules D2); how many.
/// For restored and promoted files: called until it is none, before anything is sealed or sent.
pub fn hold_restored(tx: &Tx, since: Instant, now: Instant, rows: u32) -> Result<usize> {
    push::hold_restored(tx, since, now, rows)
}

/// When something is due for a seller that may push.
pub fn next_due(db: &Db, seller_id: &str, key_mark: &str, now: Instant) -> Result<Option<Instant>> {
    if push::is_stopped(db, seller_id, key_mark)? {
        return Ok(None);
    }
    push::next_due(db, seller_id, now, MIN_INTERVAL_MS)
}

/// When the next record has to be warned of.
pub fn next_risk(db: &Db) -> Result<Option<Instant>> {
    push::next_risk(db, RISK_MS)
}

/// What an operator does with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Push a refused record once more: what was wrong with it is repaired.
    Retry,
    /// Push a record once more of which nobody knows whether it was taken. It may be billed twice.
    Resend,
    /// It was taken: the bill shows it.
    TreatAsAccepted,
    /// Give it up.
    Waive,
}

impl Decision {
    /// As the audit log calls it.
    const fn action(self) -> &'static str {
        match self {
            Self::Retry => "record.retried",
            Self::Resend => "record.resent",
            Self::TreatAsAccepted => "record.treated_as_accepted",
            Self::Waive => "record.waived",
        }
    }

    /// What it makes of a record in a state; `None` if it cannot be decided so.
    #[must_use]
    pub const fn leads_to(self, from: State) -> Option<State> {
        match (self, from) {
            (Self::Retry, State::Rejected) | (Self::Resend, State::Unknown) => Some(State::Sealed),
            (Self::TreatAsAccepted, State::Unknown) => Some(State::Accepted),
            (Self::Waive, State::Unknown | State::Rejected | State::Missed | State::Sealed) => Some(State::Waived),
            _ => None,
        }
    }
}

/// An operator decides on a record, and says why.
///
/// # Errors
/// `Forbidden(not_operator)`; `Invalid(why, required | too_long)`; `NotFound(record)`; `Conflict(record_changed)` for a record
/// that cannot be decided so, or not any more; `Conflict(too_late)` for one whose deadline has passed and that could only be
/// refused.
pub fn decide(tx: &Tx, by: &By, id: i64, decision: Decision, why: &str, now: Instant) -> Result<()> {
    let user_id = by.id.as_str();
    require_operator(tx, user_id)?;
    let why = reason(why)?;
    let record = push::find(tx, id)?.ok_or(Error::NotFound("record"))?;
    let to = decision.leads_to(record.state).ok_or(Error::Conflict("record_changed"))?;
    if to == State::Sealed && now >= record.due_by {
        return Err(Error::Conflict("too_late"));
    }
    let code = if to == State::Sealed { None } else { record.code.as_deref() };
    if !push::move_on(tx, id, (record.state, to), code, Some((user_id, why)), now)? {
        return Err(Error::Conflict("record_changed"));
    }
    if to == State::Sealed {
        // A record that a restored copy holds was perhaps never sealed before.
        usecase::usage::close_at(tx, record.due_by)?;
    }
    let entry = Entry {
        action: decision.action(),
        subject: ("record", &id.to_string()),
        organization_id: Some(&record.organization_id),
        subscription_id: record.subscription_id,
        reason: Some(why),
        before: Some(record.state.as_str()),
        after: Some(to.as_str()),
        ..Entry::default()
    };
    audit::note(tx, by, &entry, now)
}

/// An operator lets pushes of a seller go on that the marketplace had refused.
///
/// # Errors
/// `Forbidden(not_operator)`; `NotFound(stop)` for a seller that is not stopped.
pub fn resume(tx: &Tx, by: &By, seller_id: &str, now: Instant) -> Result<()> {
    require_operator(tx, &by.id)?;
    if !push::resume(tx, seller_id)? {
        return Err(Error::NotFound("stop"));
    }
    let entry = Entry { action: "push.resumed", subject: ("seller", seller_id), ..Entry::default() };
    audit::note(tx, by, &entry, now)
}

/// The cursor behind a record, for [`list`].
#[must_use]
pub fn cursor(record: &Record) -> String {
    format!("{}-{}", record.from.ms(), record.id)
}

/// Records by window, behind a cursor; windows are asked for as the filter says.
///
/// # Errors
/// `Invalid(after, malformed)` for what is no cursor.
pub fn list(db: &Db, filter: &Filter, after: &str, limit: u32) -> Result<Vec<Record>> {
    let after = match after.split_once('-') {
        None if after.is_empty() => Some((i64::MIN, 0)),
        Some((hour, id)) => hour.parse().ok().zip(id.parse().ok()),
        None => None,
    };
    push::list(db, filter, after.ok_or_else(|| Error::invalid("after", "malformed"))?, limit)
}
