//! Events on their way to webhooks: fanned out by a cursor per webhook, sent in order, tried again, given up.
//!
//! Nothing is written for a webhook in the transaction of an event, so events cost the same with and without webhooks;
//! the one exception asks the vendor to confirm a binding and belongs to the request (rules A4).

use serde_json::{Value, json};

use crate::crypto::Keys;
use crate::domain::binding::State;
use crate::domain::hook::{self, Answer, Next, Purpose};
use crate::domain::value::{DAY_MS, Instant};
use crate::error::{Error, Result};
use crate::store::delivery::{self, Delivery, Filter, New, Outcome};
use crate::store::webhook::{self, Webhook};
use crate::store::{Db, Tx, alarm, binding, event};
use crate::usecase::{self, audit::By};

/// Events that one fan-out considers (rules D1: a write job stays small).
const FAN_OUT: u32 = 200;
/// A webhook with so many waiting hears of new events only once it has caught up; its cursor stands still meanwhile.
const BACKLOG: u32 = 10_000;
/// How long ended deliveries are kept.
const KEEP_MS: i64 = 30 * DAY_MS;
/// Longest error that is kept, in characters.
const ERROR_MAX: usize = 300;

/// A webhook for which there is something to do.
#[derive(Debug, Clone)]
pub struct Pending {
    pub webhook_id: String,
    /// There are events that were not considered for it yet.
    pub has_news: bool,
    /// When its next question is due, and its next other delivery.
    pub asks_at: Option<Instant>,
    pub tells_at: Option<Instant>,
}

impl Pending {
    /// When there is something to do. `now`, if it is at once.
    #[must_use]
    pub fn due(&self, now: Instant) -> Option<Instant> {
        [self.has_news.then_some(now), self.asks_at, self.tells_at].into_iter().flatten().min()
    }
}

/// What the webhooks that are sent to have before them.
pub fn pending(db: &Db) -> Result<Vec<Pending>> {
    let webhooks = webhook::list_enabled(db, usecase::webhook::AT_MOST)?;
    let last = if webhooks.is_empty() { 0 } else { event::last_id(db)? };
    webhooks
        .into_iter()
        .map(|found| {
            Ok(Pending {
                has_news: found.cursor < last && delivery::count_waiting(db, &found.id, BACKLOG)? < BACKLOG,
                asks_at: delivery::next_due(db, &found.id, true)?,
                tells_at: delivery::next_due(db, &found.id, false)?,
                webhook_id: found.id,
            })
        })
        .collect()
}

/// Considers the next events for a webhook: each that it hears becomes a delivery. How many were considered.
pub fn fan_out(tx: &Tx, webhook_id: &str, now: Instant) -> Result<usize> {
    let Some(found) = webhook::find(tx, webhook_id)?.filter(|found| found.disabled.is_none()) else { return Ok(0) };
    let events = event::list_after(tx, found.cursor, FAN_OUT)?;
    let Some(last) = events.last() else { return Ok(0) };
    webhook::set_cursor(tx, &found.id, found.cursor, last.id)?;
    for event in events.iter().filter(|event| hook::hears(&found.types, &event.kind)) {
        let lane = event.subscription_id.map_or_else(|| event.subject.clone(), |id| id.to_string());
        let new = New { webhook_id, event_id: Some(event.id), lane: Some(&lane), binding_id: None };
        delivery::insert(tx, &new, now)?;
    }
    Ok(events.len())
}

/// Asks the vendor to confirm a binding, by every webhook that hears of requests. The event was written just now.
pub fn ask(tx: &Tx, binding_id: &str, now: Instant) -> Result<()> {
    let event_id = event::last_id(tx)?;
    for found in webhook::list_enabled(tx, usecase::webhook::AT_MOST)? {
        if hook::hears(&found.types, hook::ASKING) {
            let new = New {
                webhook_id: &found.id,
                event_id: Some(event_id),
                // It waits for nothing.
                lane: None,
                binding_id: Some(binding_id),
            };
            delivery::insert(tx, &new, now)?;
        }
    }
    Ok(())
}

/// A delivery that is leased, with what has to be sent.
pub struct Message {
    pub delivery: Delivery,
    pub url: String,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    pub headers: [(&'static str, String); 3],
    pub body: String,
}

/// Which deliveries are taken.
#[derive(Debug, Clone)]
pub struct Take {
    pub webhook_id: String,
    /// Questions to the vendor, or everything else.
    pub is_asking: bool,
    pub lease_ms: i64,
    pub limit: u32,
}

/// Leases what is due, signed. The real clock dates leases and signatures: both are about other machines' time (rules D3).
pub fn take(tx: &Tx, keys: &Keys, take: &Take, now: Instant, real_now: Instant) -> Result<Vec<Message>> {
    let Some(found) = webhook::find(tx, &take.webhook_id)?.filter(|found| found.disabled.is_none()) else {
        return Ok(Vec::new());
    };
    let until = real_now.plus_ms(take.lease_ms);
    let due = delivery::take(tx, &found.id, take.is_asking, now, real_now, until, take.limit)?;
    let mut messages = Vec::with_capacity(due.len());
    for delivery in due {
        if let Some(id) = &delivery.binding_id
            && binding::find(tx, id)?.is_none_or(|asked| asked.state != State::Requested)
        {
            delivery::drop_untried(tx, &delivery, "the binding was decided before", now)?;
            continue;
        }
        messages.push(message(tx, keys, &found, delivery, now, real_now)?);
    }
    Ok(messages)
}

fn message(
    db: &Db,
    keys: &Keys,
    found: &Webhook,
    delivery: Delivery,
    now: Instant,
    real_now: Instant,
) -> Result<Message> {
    let (id, body) = match delivery.event_id {
        Some(id) => {
            let event = event::find(db, id)?.ok_or(Error::NotFound("event"))?;
            (usecase::feed::public_id(&event), usecase::feed::envelope(&event))
        }
        None => ping(found, &delivery),
    };
    let (body, timestamp) = (body.to_string(), real_now.ms() / 1000);
    let signature = usecase::webhook::signature(keys, found, &id, timestamp, &body, now)?;
    let headers = [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)];
    Ok(Message { delivery, url: found.url.clone(), headers, body })
}

fn ping(found: &Webhook, delivery: &Delivery) -> (String, Value) {
    let id = format!("ping_{}_{}", delivery.created_at.ms(), delivery.id);
    let body = json!({
        "id": id,
        "type": "ping",
        "version": 1,
        "occurred_at": usecase::rfc3339(delivery.created_at),
        "sequence": null,
        "subject": found.id,
        "data": {},
    });
    (id, body)
}

/// What came back.
pub struct Attempt {
    pub answer: Answer,
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Records an attempt and what follows from it; the vendor's yes takes effect in the same transaction.
pub fn record(tx: &Tx, made: &Delivery, attempt: &Attempt, spread: u8, now: Instant) -> Result<()> {
    let purpose = match (&made.binding_id, made.event_id) {
        (Some(id), _) => {
            let asked = binding::find(tx, id)?.ok_or(Error::NotFound("binding"))?;
            Purpose::Ask { requested_at: asked.requested_at, is_open: asked.state == State::Requested }
        }
        (None, Some(_)) => Purpose::Tell,
        (None, None) => Purpose::Ping,
    };
    let error = attempt.error.as_ref().map(|text| text.chars().take(ERROR_MAX).collect::<String>());
    let outcome = Outcome { status: attempt.status, error: error.as_deref() };
    match hook::after(purpose, made.attempts + 1, attempt.answer, spread, now) {
        Next::Delivered => delivery::end(tx, made, true, &outcome, now)?,
        Next::Again(due_at) => delivery::postpone(tx, made.id, due_at, &outcome)?,
        Next::Dead => {
            delivery::end(tx, made, false, &outcome, now)?;
            if purpose != Purpose::Ping {
                let detail = format!("delivery {}: {}", made.id, error.as_deref().unwrap_or_default());
                alarm::raise(tx, usecase::alarm::DEAD_DELIVERY, &made.webhook_id, &detail, now)?;
            }
        }
        Next::Confirmed => {
            delivery::end(tx, made, true, &outcome, now)?;
            if let Some(id) = &made.binding_id {
                // Too late is not the delivery's fault; the vendor hears of it by an event.
                usecase::binding::confirm(tx, id, &By::webhook(&made.webhook_id), now)?;
            }
        }
    }
    if purpose == Purpose::Ping {
        return Ok(());
    }
    match attempt.answer {
        Answer::Taken { .. } => {
            if !delivery::has_dead(tx, &made.webhook_id)? {
                alarm::clear(tx, usecase::alarm::DEAD_DELIVERY, &made.webhook_id, now)?;
            }
            webhook::set_well(tx, &made.webhook_id)
        }
        Answer::Gone => disable(tx, &made.webhook_id, "gone", now),
        Answer::Failed => {
            let since = webhook::set_failing(tx, &made.webhook_id, now)?;
            if now.since_ms(since) >= hook::FAILING_MS { disable(tx, &made.webhook_id, "failing", now) } else { Ok(()) }
        }
    }
}

/// Stops sending to a webhook, and tells an operator.
fn disable(tx: &Tx, webhook_id: &str, reason: &str, now: Instant) -> Result<()> {
    if webhook::disable(tx, webhook_id, reason, now)? {
        alarm::raise(tx, usecase::alarm::WEBHOOK_DISABLED, webhook_id, reason, now)?;
    }
    Ok(())
}

/// A page of deliveries, the newest first, with the events that they carry.
///
/// # Errors
/// `Invalid(state, unknown)`.
pub fn list(
    db: &Db,
    webhook_id: Option<&str>,
    state: Option<&str>,
    before: i64,
    limit: u32,
) -> Result<Vec<(Delivery, Option<event::Event>)>> {
    let filter = match state {
        None => Filter::All,
        Some("waiting") => Filter::Waiting,
        Some("delivered") => Filter::Delivered,
        Some("dead") => Filter::Dead,
        Some(_) => return Err(Error::invalid("state", "unknown")),
    };
    let found = delivery::list(db, webhook_id, filter, before, limit)?;
    found.into_iter().map(|one| with_event(db, one)).collect()
}

pub fn find(db: &Db, id: i64) -> Result<(Delivery, Option<event::Event>)> {
    with_event(db, delivery::find(db, id)?.ok_or(Error::NotFound("delivery"))?)
}

fn with_event(db: &Db, delivery: Delivery) -> Result<(Delivery, Option<event::Event>)> {
    let event = match delivery.event_id {
        Some(id) => event::find(db, id)?,
        None => None,
    };
    Ok((delivery, event))
}

/// Sends a delivery anew that has ended, or at once one that waits for its next attempt.
///
/// # Errors
/// `Conflict(behind_another)` for one that waits for an earlier one of its subject: that one has to end first.
pub fn redeliver(tx: &Tx, id: i64, now: Instant) -> Result<(Delivery, Option<event::Event>)> {
    let (found, _) = find(tx, id)?;
    if found.state == "waiting" && found.due_at.is_none() {
        return Err(Error::Conflict("behind_another"));
    }
    delivery::redeliver(tx, id, now)?;
    find(tx, id)
}

/// Frees what a process that is gone had leased.
pub fn free_leases(tx: &Tx) -> Result<()> {
    delivery::free_leases(tx)
}

/// Forgets what ended long ago.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    delivery::delete_old(tx, now.plus_ms(-KEEP_MS), rows)
}
