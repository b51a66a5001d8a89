//! Work that was given up, and messages to webhooks, as operators see to them.

use crate::domain::hook::DELIVERY_STATES;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::event::Event;
use crate::store::job;
use crate::store::timeline::{self, Call};
use crate::store::{Db, Tx, alarm, webhook};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::operator::{reason, require_operator};
use crate::usecase::{self, Delivery, number_after, page};

pub use crate::store::job::Dead;
pub use crate::store::timeline::{Calls, TurnedAway};
pub use crate::store::webhook::Webhook;

/// A call, and whether its subscription is here.
pub type Placed = (Call, bool);

fn with_place(db: &Db, call: Call) -> Result<Placed> {
    let name = usecase::subscription_name(&call.seller_id, &call.instance_id);
    let is_here = usecase::subscription::look(db, &name)?.is_some();
    Ok((call, is_here))
}

/// Calls of the marketplace, each with whether its subscription is here, the newest first, and the cursor of the next page.
///
/// # Errors
/// `Forbidden(not_operator)`, as of everything here; `Invalid(after, malformed)`, as of every list.
pub fn calls(db: &Db, user_id: &str, wanted: &Calls, after: &str, limit: u32) -> Result<(Vec<Placed>, Option<String>)> {
    require_operator(db, user_id)?;
    let mut found = timeline::list_calls(db, wanted, number_after(after)?, limit.saturating_add(1))?;
    let next = page(&mut found, limit, |one| one.id.to_string());
    Ok((found.into_iter().map(|call| with_place(db, call)).collect::<Result<_>>()?, next))
}

/// Calls that were turned away at the door, as far as a sample of them is kept.
pub fn turned_away(db: &Db, user_id: &str, after: &str, limit: u32) -> Result<(Vec<TurnedAway>, Option<String>)> {
    require_operator(db, user_id)?;
    let mut found = timeline::list_refused(db, number_after(after)?, limit.saturating_add(1))?;
    let next = page(&mut found, limit, |one| one.id.to_string());
    Ok((found, next))
}

/// A call, and whether its subscription is here.
///
/// # Errors
/// `NotFound(call)`.
pub fn call(db: &Db, user_id: &str, id: i64) -> Result<Placed> {
    require_operator(db, user_id)?;
    with_place(db, timeline::find_call(db, id)?.ok_or(Error::NotFound("call"))?)
}

/// A message with the event that it carries, and where it goes.
pub struct Sent {
    pub delivery: Delivery,
    pub event: Option<Event>,
    pub url: String,
}

fn sent(db: &Db, (delivery, event): (Delivery, Option<Event>)) -> Result<Sent> {
    let url = webhook::find(db, &delivery.webhook_id)?.map(|found| found.url).unwrap_or_default();
    Ok(Sent { delivery, event, url })
}

/// Messages, the newest first. An unknown state is any.
pub fn deliveries(
    db: &Db,
    user_id: &str,
    (webhook_id, state): (&str, &str),
    after: &str,
    limit: u32,
) -> Result<(Vec<Sent>, Option<String>)> {
    require_operator(db, user_id)?;
    let state = DELIVERY_STATES.into_iter().find(|known| *known == state);
    let webhook_id = (!webhook_id.is_empty()).then_some(webhook_id);
    let mut found = usecase::delivery::list(db, webhook_id, state, number_after(after)?, limit.saturating_add(1))?;
    let next = page(&mut found, limit, |(one, _)| one.id.to_string());
    Ok((found.into_iter().map(|one| sent(db, one)).collect::<Result<_>>()?, next))
}

/// The webhooks that there are.
pub fn webhooks(db: &Db, user_id: &str) -> Result<Vec<Webhook>> {
    require_operator(db, user_id)?;
    webhook::list_after(db, "", usecase::webhook::AT_MOST)
}

/// # Errors
/// `NotFound(delivery)`.
pub fn delivery(db: &Db, user_id: &str, id: i64) -> Result<Sent> {
    require_operator(db, user_id)?;
    sent(db, usecase::delivery::find(db, id)?)
}

/// Sends a message anew.
///
/// # Errors
/// `NotFound(delivery)`; `Conflict(behind_another)`.
pub fn redeliver(tx: &Tx, by: &By, id: i64, now: Instant) -> Result<()> {
    require_operator(tx, &by.id)?;
    let (before, _) = usecase::delivery::find(tx, id)?;
    usecase::delivery::redeliver(tx, id, now)?;
    note(tx, by, "delivery.redelivered", ("delivery", id), (&before.state, "waiting"), None, now)
}

/// Sends to a webhook again that was disabled: it goes on where it stopped.
///
/// # Errors
/// `NotFound(webhook)`.
pub fn enable_webhook(tx: &Tx, by: &By, id: &str, now: Instant) -> Result<()> {
    require_operator(tx, &by.id)?;
    usecase::webhook::update(tx, id, None, Some(true), by, now).map(|_| ())
}

/// Jobs that were given up, the newest first.
pub fn jobs(db: &Db, user_id: &str, after: &str, limit: u32) -> Result<(Vec<Dead>, Option<String>)> {
    require_operator(db, user_id)?;
    let mut found = job::list_dead(db, number_after(after)?, limit.saturating_add(1))?;
    let next = page(&mut found, limit, |one| one.id.to_string());
    Ok((found, next))
}

/// # Errors
/// `NotFound(job)` for one that was not given up, or not any more.
pub fn job(db: &Db, user_id: &str, id: i64) -> Result<Dead> {
    require_operator(db, user_id)?;
    job::find_dead(db, id)?.ok_or(Error::NotFound("job"))
}

/// What an operator does with a job that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Run it once more: what was wrong is repaired.
    Retry,
    /// It is not needed any more.
    Discard,
}

/// Decides on a job that was given up.
///
/// # Errors
/// `NotFound(job)`; `Invalid(why, …)`; `Conflict(job_open)` for one to retry that was written anew meanwhile: it will run.
pub fn decide(tx: &Tx, by: &By, id: i64, decision: Decision, why: &str, now: Instant) -> Result<()> {
    let found = job(tx, &by.id, id)?;
    let why = reason(why)?;
    let (action, after) = match decision {
        Decision::Retry if job::is_open(tx, &found.kind, &found.key)? => return Err(Error::Conflict("job_open")),
        Decision::Retry => {
            job::revive(tx, id, now)?;
            ("job.retried", "open")
        }
        Decision::Discard => {
            job::discard(tx, id, now)?;
            ("job.discarded", "discarded")
        }
    };
    // The alarm is about the kind and key, of which another may have been given up.
    if !job::has_dead(tx, &found.kind, &found.key)? {
        alarm::clear(tx, "dead_job", &format!("{} {}", found.kind, found.key), now)?;
    }
    note(tx, by, action, ("job", id), ("dead", after), Some(why), now)
}

fn note(
    tx: &Tx,
    by: &By,
    action: &str,
    (kind, id): (&str, i64),
    (before, after): (&str, &str),
    why: Option<&str>,
    now: Instant,
) -> Result<()> {
    let entry = Entry {
        action,
        subject: (kind, &id.to_string()),
        reason: why,
        before: Some(before),
        after: Some(after),
        ..Entry::default()
    };
    audit::note(tx, by, &entry, now)
}
