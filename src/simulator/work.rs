//! The calls that are owed: whose turn it is, and what follows from the answer.
//!
//! Two kinds of callers work off what is due: own threads, as the clock goes by, and [`Market::run_due`], for whoever
//! moves the clock. Both take work under one lock, at most one piece per instance at a time.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::{Duration, Instant as Moment};

use serde::Serialize;

use super::send::Outcome;
use super::store::{Instance, Pairs, State, Store, Work};
use super::{Error, FaultKind, Market};
use crate::clock::Instant;
use crate::domain::value::{HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::market::reply::{CreateReply, read_create, read_success};

type Result<T> = std::result::Result<T, Error>;

/// createInstance is repeated until it brings an id, so often at most (specification 3.1).
pub const MAX_CREATE_ATTEMPTS: u32 = 120;
/// Attempts of the calls whose retries the marketplace does not document.
const MAX_ATTEMPTS: u32 = 10;
/// When a failed orderPay is sent again (specification 3.8); then it has to be pulled.
const PAY_RETRIES_MS: [i64; 11] = [
    MINUTE_MS,
    MINUTE_MS,
    MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    10 * MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
];
/// Without an answer the interval doubles up to this many times.
const MAX_DOUBLINGS: u32 = 4;
/// How long a held call waits for another one of its instance, unless told otherwise.
const HOLD_MS: i64 = 5 * SECOND_MS;
/// How long after the original a replayed call comes, unless told otherwise.
const REPLAY_MS: i64 = MINUTE_MS;
/// Own threads look at the clock at least so often: somebody may have moved it.
const NAP: Duration = Duration::from_millis(250);

/// What became of a call that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// Its line in the log; `None`: a fault holds it back.
    pub call_id: Option<i64>,
    /// `None`: no answer; `reply` says why.
    pub status: Option<u16>,
    pub reply: String,
}

impl Sent {
    fn not_now(why: &str) -> Self {
        Self { call_id: None, status: None, reply: why.to_owned() }
    }

    /// Whether the seller answered, or was not asked yet.
    fn is_answered(&self) -> bool {
        self.call_id.is_none() || self.status == Some(200)
    }
}

/// How much work was done; what got no good answer has failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ran {
    pub ran: u64,
    pub failed: u64,
}

/// Who is working on what.
#[derive(Default)]
pub(super) struct Desk {
    /// Instances with a call in the air.
    busy: HashSet<String>,
    pub is_closing: bool,
}

impl Market {
    /// The earliest instant at which something is owed.
    pub fn next_due(&self) -> Result<Option<Instant>> {
        self.store().find_next_due()
    }

    /// Does everything that is due at `now`, and waits for what others are doing of it.
    pub fn run_due(&self, now: Instant) -> Result<Ran> {
        let mut done = Ran::default();
        let mut desk = self.desk();
        loop {
            if desk.is_closing {
                return Ok(done);
            }
            let due = self.store().list_due_work(now)?;
            if due.is_empty() {
                return Ok(done);
            }
            let Some(next) = due.into_iter().find(|work| !desk.busy.contains(&work.instance_id)) else {
                desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            desk.busy.insert(next.instance_id.clone());
            drop(desk);
            done.ran += 1;
            done.failed += u64::from(!self.perform(&next)?.is_answered());
            desk = self.desk();
        }
    }

    /// Forgets everything, once nothing is in the air.
    pub fn reset(&self) -> Result<()> {
        let mut desk = self.desk();
        while !desk.busy.is_empty() && !desk.is_closing {
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        self.chance.restart();
        self.store().empty()
    }

    /// One of the own threads: does what is due until [`Market::close`].
    pub(super) fn work(&self) {
        let mut desk = self.desk();
        while !desk.is_closing {
            let now = self.now();
            let due = self.store().list_due_work(now).unwrap_or_else(|e| {
                tracing::error!(error = %e, "the simulator cannot read what is due");
                Vec::new()
            });
            if let Some(next) = due.into_iter().find(|work| !desk.busy.contains(&work.instance_id)) {
                desk.busy.insert(next.instance_id.clone());
                drop(desk);
                if let Err(e) = self.perform(&next) {
                    tracing::error!(error = %e, "the simulator cannot record a call");
                    self.pause(NAP);
                }
                desk = self.desk();
            } else {
                let next_due = self.next_due().ok().flatten();
                let nap = next_due.map_or(NAP, |due| millis(due.since_ms(now).max(1)).min(NAP));
                desk = self.changed.wait_timeout(desk, nap).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// Sends the own threads home.
    pub(super) fn close(&self) {
        self.desk().is_closing = true;
        self.changed.notify_all();
    }

    /// Waits in real time, but not past the end.
    pub(super) fn pause(&self, time: Duration) {
        let until = Moment::now() + time;
        let mut desk = self.desk();
        while !desk.is_closing {
            let left = until.saturating_duration_since(Moment::now());
            if left.is_zero() {
                return;
            }
            desk = self.changed.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Changes an instance, writes down the call that follows, and makes it before any other of this instance.
    pub(super) fn change(
        &self,
        id: &str,
        what: impl FnOnce(&Store, &mut Instance, Instant) -> Result<Pairs>,
    ) -> Result<Sent> {
        let mut desk = self.desk();
        while desk.busy.contains(id) && !desk.is_closing {
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        let now = self.now();
        let next = self.store().transaction(|store| {
            let mut instance = store.get_instance(id)?;
            let params = what(store, &mut instance, now)?;
            let action = params.first().map(|(_, action)| action.clone()).unwrap_or_default();
            let mut work = work(id, &action, params, now);
            work.id = store.insert_work(&work)?;
            Ok(work)
        })?;
        desk.busy.insert(id.to_owned());
        drop(desk);
        self.perform(&next)
    }

    /// Makes a call whose instance the caller has marked busy.
    fn perform(&self, work: &Work) -> Result<Sent> {
        let instance_id = work.instance_id.clone();
        // However this ends, the instance is free again: a panic must not keep it busy for ever.
        let _free = Free { market: self, instance_id: &instance_id };
        let Some(work) = self.begin(work)? else {
            return Ok(Sent::not_now("cancelled"));
        };
        let fault = if work.is_extra { None } else { self.store().take_fault(&work.action)? };
        let kind = fault.as_ref().and_then(|fault| FaultKind::parse(&fault.kind));
        let delay_ms = fault.as_ref().and_then(|fault| fault.delay_ms);
        if kind == Some(FaultKind::Reorder) {
            let due_at = self.now().plus_ms(delay_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(HOLD_MS));
            self.store().set_work(&Work { due_at, is_held: true, ..work })?;
            return Ok(Sent::not_now("held"));
        }
        let outcome = self.send(&work, kind, delay_ms)?;
        if kind == Some(FaultKind::Replay) {
            let due_at = self.now().plus_ms(delay_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(REPLAY_MS));
            self.store().insert_work(&Work { due_at, is_extra: true, is_automatic: false, ..work.clone() })?;
        }
        self.finish(work, &outcome)?;
        Ok(Sent { call_id: Some(outcome.call_id), status: outcome.status, reply: outcome.reply })
    }

    /// Re-reads the work, which may have been cancelled meanwhile, and does what precedes its first call.
    fn begin(&self, work: &Work) -> Result<Option<Work>> {
        self.store().transaction(|store| {
            let Some(work) = store.find_open_work(work.id)? else { return Ok(None) };
            let mut instance = store.get_instance(&work.instance_id)?;
            if work.is_automatic && instance.state == State::Opened {
                instance.lapse(self.now());
                store.set_instance(&instance)?;
            }
            if work.action == "createInstance" && !work.is_extra {
                instance.attempts += 1;
                store.set_instance(&instance)?;
            }
            Ok(Some(work))
        })
    }

    /// Writes down what follows from the answer.
    fn finish(&self, work: Work, outcome: &Outcome) -> Result<()> {
        let now = self.now();
        self.store().transaction(|store| {
            store.set_held_work_due(&work.instance_id, work.id, now)?;
            if work.is_extra {
                return store.set_work_done(work.id, false);
            }
            // A release may have cancelled it while it was in the air.
            let is_open = store.find_open_work(work.id)?.is_some();
            let is_taken = if work.action == "createInstance" {
                is_open && take_created(store, &work.instance_id, outcome, now)?
            } else {
                outcome.status == Some(200) && read_success(&outcome.reply)
            };
            match (is_taken, is_open) {
                (true, _) => store.set_work_done(work.id, false),
                (false, true) => self.postpone(store, work, outcome, now),
                (false, false) => Ok(()),
            }
        })
    }

    /// Once more later, or never again.
    fn postpone(&self, store: &Store, mut work: Work, outcome: &Outcome, now: Instant) -> Result<()> {
        work.attempts += 1;
        work.misses = if outcome.status.is_some() { 0 } else { work.misses + 1 };
        work.is_held = false;
        let every = self.timing.retry_every_ms << work.misses.saturating_sub(1).min(MAX_DOUBLINGS);
        let again = match work.action.as_str() {
            "createInstance" => (work.attempts < MAX_CREATE_ATTEMPTS).then_some(every),
            "orderPay" => usize::try_from(work.attempts).ok().and_then(|n| PAY_RETRIES_MS.get(n - 1)).copied(),
            _ => (work.attempts < MAX_ATTEMPTS).then_some(every),
        };
        if let Some(after) = again {
            work.due_at = now.plus_ms(after);
            return store.set_work(&work);
        }
        store.set_work_done(work.id, true)?;
        match work.action.as_str() {
            "createInstance" => {
                let mut instance = store.get_instance(&work.instance_id)?;
                instance.state = State::Failed;
                store.set_instance(&instance)
            }
            "orderPay" => store.insert_notification(&super::receive::failed_notification(&work.params, now)),
            _ => Ok(()),
        }
    }
}

/// Frees an instance at the end of its call.
struct Free<'a> {
    market: &'a Market,
    instance_id: &'a str,
}

impl Drop for Free<'_> {
    fn drop(&mut self) {
        self.market.desk().busy.remove(self.instance_id);
        self.market.changed.notify_all();
    }
}

/// Opens the instance if the answer to createInstance has an id.
fn take_created(store: &Store, instance_id: &str, outcome: &Outcome, now: Instant) -> Result<bool> {
    let (Some(200), CreateReply::Ready(created)) = (outcome.status, read_create(&outcome.reply)) else {
        return Ok(false);
    };
    let mut instance = store.get_instance(instance_id)?;
    instance.state = State::Opened;
    instance.opened_at = Some(now);
    instance.seller_id = Some(created.instance_id);
    instance.reply = Some(outcome.reply.clone());
    store.set_instance(&instance)?;
    schedule_expiry(store, &instance)?;
    Ok(true)
}

/// expiredInstance is due when the term ends, wherever that has moved to.
pub(super) fn schedule_expiry(store: &Store, instance: &Instance) -> Result<()> {
    store.set_instance_work_done(&instance.id, true)?;
    if let (State::Opened, Some(due_at)) = (instance.state, instance.expires_at) {
        let params = calling("expiredInstance", [("instanceId", instance.sellers().to_owned())]);
        store.insert_work(&Work { is_automatic: true, ..work(&instance.id, "expiredInstance", params, due_at) })?;
    }
    Ok(())
}

pub(super) fn work(instance_id: &str, action: &str, params: Pairs, due_at: Instant) -> Work {
    Work {
        id: 0,
        instance_id: instance_id.to_owned(),
        action: action.to_owned(),
        params,
        due_at,
        attempts: 0,
        misses: 0,
        is_held: false,
        is_extra: false,
        is_automatic: false,
    }
}

pub(super) fn calling<const N: usize>(action: &str, params: [(&str, String); N]) -> Pairs {
    let action = ("action".to_owned(), action.to_owned());
    std::iter::once(action).chain(params.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}
