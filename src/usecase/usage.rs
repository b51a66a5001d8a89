//! Usage: taken once, counted in the right record, closed in time (rules C1–C4).

mod audit;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::crypto;
use crate::domain::usage::{
    Aggregate, Gap, Lateness, Place, REMEMBER_MS, Rule, Sample, State, Tally, Timing, Window, is_carried,
    place_in_copy, refuse_time, window,
};
use crate::domain::value::{HOUR_MS, Instant};
use crate::error::{Error, Result};
use crate::store::record::{self, Charged, Record};
use crate::store::usage::{self, Event, Span};
use crate::store::{Tx, job, subscription};

pub use audit::{Imbalance, audit};

/// The kinds of jobs: seal what is open, close what was not sent in time, forget old events.
pub const SEAL: &str = "usage.seal";
pub const CLOSE: &str = "usage.close";
pub const FORGET: &str = "usage.forget";
/// The kind of job that hurries what a released subscription used last; its key is the subscription's id.
pub const DRAIN: &str = "usage.drain";

/// Events that one write may take: each is a row, and may bring a record along (architecture: at most 500 rows).
pub const EVENTS_PER_WRITE: usize = 200;
/// Records or events that one step of the other work touches. Each may lie on pages of its own, and the marketplace's calls
/// wait for a step that is under way.
const STEP: u32 = 100;
/// Why a record is in doubt whose window the original of a restored copy may have pushed.
const RESTORED: &str = "restored";
/// Open records of one subscription: some hours of its items.
const OPEN_MAX: u32 = 500;

/// An event whose form is right.
#[derive(Debug, Clone)]
pub struct Usage {
    pub source: String,
    pub event_id: String,
    pub organization_id: String,
    pub item: String,
    pub quantity: i64,
    /// The instant of the usage, or the start of its interval.
    pub at: Instant,
    pub secs: Option<i64>,
    digest: [u8; 16],
}

impl Usage {
    #[must_use]
    pub fn new(
        (source, event_id): (String, String),
        organization_id: String,
        item: String,
        quantity: i64,
        (at, secs): (Instant, Option<i64>),
    ) -> Self {
        // The length keeps `a`+`bc` apart from `ab`+`c`.
        let named = format!("{} {source}{event_id}", source.len());
        let mut digest = [0; 16];
        digest.copy_from_slice(&crypto::digest(named.as_bytes())[..16]);
        Self { source, event_id, organization_id, item, quantity, at, secs, digest }
    }

    fn row(&self) -> Event<'_> {
        Event {
            digest: self.digest,
            source: &self.source,
            event_id: &self.event_id,
            organization_id: &self.organization_id,
            item: &self.item,
            quantity: self.quantity,
            at: self.at,
            secs: self.secs,
        }
    }

    fn sample(&self) -> Sample {
        Sample { quantity: self.quantity, at: self.at, secs: self.secs.unwrap_or(0) }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts. A note tells of what will not be billed as usual: `unbound`, `not_sold`, `late`, `carried`.
    Accepted(Option<&'static str>),
    /// It was taken before.
    Duplicate,
    Rejected(&'static str),
}

/// Which rule an item has: with a product (seller, code), or with any.
pub type Catalogue<'a> = dyn Fn(Option<(&str, &str)>, &str) -> Option<Rule> + 'a;

/// Takes events, each once, into their records. [`EVENTS_PER_WRITE`] at most. `gap`: this file is a copy, whose original may
/// have pushed some of it (rules D2).
pub fn take(
    tx: &Tx,
    catalogue: &Catalogue<'_>,
    (timing, gap): (Timing, Option<Gap>),
    events: &[Usage],
    now: Instant,
) -> Result<Vec<Verdict>> {
    let mut intake = Intake {
        tx,
        catalogue,
        timing,
        gap,
        now,
        spans: HashMap::new(),
        slots: Vec::new(),
        places: HashMap::new(),
        next_id: None,
    };
    let verdicts = events.iter().map(|event| intake.take(event)).collect::<Result<_>>()?;
    intake.write()?;
    Ok(verdicts)
}

/// What names a record before its id is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<'a> {
    Binding { id: String, item: &'a str, from: Instant, late: Option<LateKind> },
    Gauge { organization: &'a str, item: &'a str, from: Instant, is_late: bool },
    Outside { organization: &'a str, item: &'a str, from: Instant, code: &'static str },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum LateKind {
    Missed,
    CarriedInto(i64),
}

/// A record that this write has met.
struct Slot {
    record: Record,
    is_new: bool,
    has_changed: bool,
    is_recharged: bool,
}

struct Intake<'a> {
    tx: &'a Tx,
    catalogue: &'a Catalogue<'a>,
    timing: Timing,
    gap: Option<Gap>,
    now: Instant,
    spans: HashMap<&'a str, Option<Vec<Span>>>,
    slots: Vec<Slot>,
    /// Where a key's slot is; `None`: there is no such record.
    places: HashMap<Key<'a>, Option<usize>>,
    next_id: Option<i64>,
}

impl<'a> Intake<'a> {
    fn take(&mut self, event: &'a Usage) -> Result<Verdict> {
        if !self.spans.contains_key(event.organization_id.as_str()) {
            self.spans.insert(&event.organization_id, usage::list_spans(self.tx, &event.organization_id)?);
        }
        let Some(spans) = self.spans.get(event.organization_id.as_str()).and_then(Option::as_ref) else {
            return self.refuse(event, "unknown_organization");
        };
        let span =
            spans.iter().find(|one| one.live_at <= event.at && one.ended_at.is_none_or(|end| event.at < end)).cloned();
        let sold =
            span.as_ref().and_then(|one| (self.catalogue)(Some((&one.seller_id, &one.product_code)), &event.item));
        let Some(rule) = sold.or_else(|| (self.catalogue)(None, &event.item)) else {
            return self.refuse(event, "unknown_item");
        };
        if rule.aggregate == Aggregate::TimeAverage && event.secs.is_none_or(|secs| secs == 0) {
            return self.refuse(event, "seconds_required");
        }
        if let Some(code) = refuse_time(event.at, self.now) {
            return self.refuse(event, code);
        }
        match (span, sold) {
            (Some(span), Some(_)) => self.take_charged(event, rule, &span),
            (Some(_), None) => self.take_outside(event, rule, "not_sold"),
            (None, _) => self.take_outside(event, rule, "unbound"),
        }
    }

    /// An event that was taken while it could be stays what it was.
    fn refuse(&self, event: &Usage, code: &'static str) -> Result<Verdict> {
        let kept = usage::is_same(self.tx, &event.row())?;
        Ok(if kept == Some(true) { Verdict::Duplicate } else { Verdict::Rejected(code) })
    }

    fn take_outside(&mut self, event: &'a Usage, rule: Rule, code: &'static str) -> Result<Verdict> {
        let own = window(rule.cycle, event.at, None, self.timing);
        let (organization, item) = (event.organization_id.as_str(), event.item.as_str());
        let key = Key::Outside { organization, item, from: own.from, code };
        let at = match self.find(&key)? {
            Some(at) => at,
            None => self.make(key, event, rule, own, None, (State::Unbillable, Some(code), None))?,
        };
        self.count(event, &[at], Some(code))
    }

    fn take_charged(&mut self, event: &'a Usage, rule: Rule, span: &Span) -> Result<Verdict> {
        let own = window(rule.cycle, event.at, span.released_at, self.timing);
        let key = regular(event, rule, span, own);
        let found = self.find(&key)?;
        match self.place(own, found) {
            Place::Regular(state) => {
                let code = (state == State::Unknown).then_some(RESTORED);
                let at = match found {
                    Some(at) => at,
                    None => self.make(key, event, rule, own, Some(span), (state, code, None))?,
                };
                let before = self.slots[at].record.tally;
                let verdict = self.count(event, &[at], None)?;
                if rule.aggregate.is_gauge() && self.slots[at].record.tally != before {
                    self.charge(at, event, span, own);
                }
                Ok(verdict)
            }
            Place::Late => self.take_late(event, rule, span, own, found),
        }
    }

    /// Which record takes usage of a window, `found` being its own.
    fn place(&self, own: Window, found: Option<usize>) -> Place {
        let record = found.map(|at| &self.slots[at].record);
        let is_held = record.is_some_and(|record| record.code.as_deref() == Some(RESTORED));
        place_in_copy(own, record.map(|record| record.state), is_held, self.now, self.gap)
    }

    /// A gauge is charged to the subscription that was live at the sample that decides.
    fn charge(&mut self, at: usize, event: &Usage, span: &Span, own: Window) {
        let slot = &mut self.slots[at];
        let decides = slot.record.tally.deciding_at == Some(event.at);
        if !decides || slot.record.charged.as_ref().is_some_and(|one| one.binding_id == span.binding_id) {
            return;
        }
        slot.is_recharged = true;
        let record = &mut slot.record;
        record.charged = Some(span.into());
        (record.until, record.seals_at, record.due_by) = (own.until, own.seals_at, own.due_by);
        if record.state != State::Unknown {
            record.state = if self.now < own.seals_at { State::Open } else { State::Sealed };
        }
    }

    fn take_late(
        &mut self,
        event: &'a Usage,
        rule: Rule,
        span: &Span,
        own: Window,
        found: Option<usize>,
    ) -> Result<Verdict> {
        if let Some(target) = self.carry_target(event, rule, span, own, found)? {
            let (id, from) = (self.slots[target].record.id, own.from);
            let late = Some(LateKind::CarriedInto(id));
            let key = Key::Binding { id: span.binding_id.clone(), item: &event.item, from, late };
            let at = match self.find(&key)? {
                Some(at) => at,
                None => self.make(key, event, rule, own, Some(span), (State::Carried, None, Some(id)))?,
            };
            return self.count(event, &[at, target], Some("carried"));
        }
        let key = if rule.aggregate.is_gauge() {
            let (organization, item) = (event.organization_id.as_str(), event.item.as_str());
            Key::Gauge { organization, item, from: own.from, is_late: true }
        } else {
            let late = Some(LateKind::Missed);
            Key::Binding { id: span.binding_id.clone(), item: &event.item, from: own.from, late }
        };
        let at = match self.find(&key)? {
            Some(at) => at,
            None => self.make(key, event, rule, own, Some(span), (State::Missed, Some("late"), None))?,
        };
        self.count(event, &[at], Some("late"))
    }

    /// The open record that late usage is billed with, if the rule lets it be.
    fn carry_target(
        &mut self,
        event: &'a Usage,
        rule: Rule,
        span: &Span,
        own: Window,
        found: Option<usize>,
    ) -> Result<Option<usize>> {
        let open = window(rule.cycle, self.now, None, self.timing);
        let is_plan_kept = found
            .and_then(|at| self.slots[at].record.charged.as_ref())
            .is_none_or(|then| then.plan_code == span.plan_code);
        let facts = Lateness {
            late: rule.late,
            aggregate: rule.aggregate,
            own,
            open,
            is_live: span.ended_at.is_none() && span.released_at.is_none(),
            is_same_plan: is_plan_kept,
            gap: self.gap,
        };
        if !is_carried(facts) || usage::is_plan_changed_since(self.tx, &span.seller_id, &span.instance_id, own.from)? {
            return Ok(None);
        }
        let key = regular(event, rule, span, open);
        let found = self.find(&key)?;
        match self.place(open, found) {
            Place::Regular(state) => Ok(Some(match found {
                Some(at) => at,
                None => self.make(key, event, rule, open, Some(span), (state, None, None))?,
            })),
            Place::Late => Ok(None),
        }
    }

    /// Counts an event in its record (and, carried, in a second one), unless it was taken before.
    fn count(&mut self, event: &Usage, slots: &[usize], note: Option<&'static str>) -> Result<Verdict> {
        let own = &self.slots[slots[0]].record;
        let Some(tally) = own.tally.with(own.aggregate, event.sample()) else {
            return self.refuse(event, "overflow");
        };
        let carried = match slots.get(1) {
            None => None,
            Some(target) => {
                let target = &self.slots[*target].record;
                let sum = |a: i64| a.checked_add(event.quantity);
                let (Some(quantity), Some(carried_in)) = (sum(target.tally.quantity), sum(target.carried_in)) else {
                    return self.refuse(event, "overflow");
                };
                Some((quantity, carried_in))
            }
        };
        if !usage::insert(self.tx, &event.row(), own.id, self.now)? {
            let is_same = usage::is_same(self.tx, &event.row())?;
            return Ok(if is_same == Some(true) { Verdict::Duplicate } else { Verdict::Rejected("conflict") });
        }
        self.slots[slots[0]].record.tally = tally;
        self.slots[slots[0]].has_changed = true;
        if let (Some(target), Some((quantity, carried_in))) = (slots.get(1), carried) {
            let slot = &mut self.slots[*target];
            (slot.record.tally.quantity, slot.record.carried_in) = (quantity, carried_in);
            slot.has_changed = true;
        }
        Ok(Verdict::Accepted(note))
    }

    fn find(&mut self, key: &Key<'a>) -> Result<Option<usize>> {
        if let Some(found) = self.places.get(key) {
            return Ok(*found);
        }
        let found = match key {
            Key::Binding { id, item, from, late } => {
                let carried_into = match late {
                    Some(LateKind::CarriedInto(id)) => Some(*id),
                    _ => None,
                };
                record::find_of_binding(self.tx, id, item, *from, late.is_some(), carried_into)?
            }
            Key::Gauge { organization, item, from, is_late } => {
                record::find_of_gauge(self.tx, organization, item, *from, *is_late)?
            }
            Key::Outside { organization, item, from, code } => {
                record::find_outside(self.tx, organization, item, *from, code)?
            }
        };
        let at = found.map(|record| {
            self.slots.push(Slot { record, is_new: false, has_changed: false, is_recharged: false });
            self.slots.len() - 1
        });
        self.places.insert(key.clone(), at);
        Ok(at)
    }

    /// A record that is written at the end, if anything was counted in it.
    fn make(
        &mut self,
        key: Key<'a>,
        event: &Usage,
        rule: Rule,
        own: Window,
        span: Option<&Span>,
        (state, code, carried_into): (State, Option<&str>, Option<i64>),
    ) -> Result<usize> {
        let id = match self.next_id {
            Some(id) => id,
            None => record::next_id(self.tx)?,
        };
        self.next_id = Some(id + 1);
        let record = Record {
            id,
            organization_id: event.organization_id.clone(),
            charged: span.map(Charged::from),
            item: event.item.clone(),
            aggregate: rule.aggregate,
            cycle: rule.cycle,
            from: own.from,
            until: own.until,
            is_late: matches!(state, State::Missed | State::Carried),
            tally: Tally::default(),
            carried_in: 0,
            state,
            code: code.map(str::to_owned),
            seals_at: own.seals_at,
            due_by: own.due_by,
            carried_into,
        };
        self.slots.push(Slot { record, is_new: true, has_changed: false, is_recharged: false });
        let at = self.slots.len() - 1;
        self.places.insert(key, Some(at));
        Ok(at)
    }

    fn write(mut self) -> Result<()> {
        // Targets first: what is carried refers to them.
        self.slots.sort_by_key(|slot| slot.record.carried_into.is_some());
        let mut due: Vec<(&'static str, Instant)> = Vec::new();
        for slot in self.slots.iter().filter(|slot| slot.has_changed) {
            let record = &slot.record;
            if slot.is_new {
                record::insert(self.tx, record, self.now)?;
            } else {
                record::set_tally(self.tx, record, self.now)?;
                if slot.is_recharged {
                    record::set_charged(self.tx, record)?;
                }
            }
            if slot.is_new || slot.is_recharged {
                match record.state {
                    State::Open => due.push((SEAL, record.seals_at)),
                    // What is held may be sent again by a person, and is then closed in time.
                    State::Sealed | State::Unknown => due.push((CLOSE, record.due_by)),
                    _ => {}
                }
            }
        }
        if self.slots.iter().any(|slot| slot.is_new) {
            due.push((FORGET, forget_at(self.now)));
        }
        due.sort_unstable();
        due.dedup();
        due.iter().try_for_each(|(kind, at)| enqueue(self.tx, kind, *at))
    }
}

fn regular<'a>(event: &'a Usage, rule: Rule, span: &Span, own: Window) -> Key<'a> {
    let (item, from) = (event.item.as_str(), own.from);
    if rule.aggregate.is_gauge() {
        Key::Gauge { organization: &event.organization_id, item, from, is_late: false }
    } else {
        Key::Binding { id: span.binding_id.clone(), item, from, late: None }
    }
}

/// Has what is sealed until then closed at that moment, if it was not sent.
pub(super) fn close_at(tx: &Tx, due_by: Instant) -> Result<()> {
    enqueue(tx, CLOSE, due_by)
}

/// One job per kind and moment, whatever number of records it is for.
fn enqueue(tx: &Tx, kind: &str, at: Instant) -> Result<()> {
    let key = if kind == FORGET { String::new() } else { at.ms().to_string() };
    job::enqueue(tx, kind, &key, at)
}

fn forget_at(received_at: Instant) -> Instant {
    received_at.plus_ms(REMEMBER_MS + HOUR_MS)
}

/// Seals open records whose time has come; how many. Called until none is left.
pub fn seal(tx: &Tx, now: Instant) -> Result<usize> {
    let found = record::list_sealing(tx, now, STEP as usize)?;
    let mut due: Vec<Instant> = Vec::new();
    for (id, due_by) in &found {
        record::seal(tx, *id, now)?;
        due.push(*due_by);
    }
    due.sort_unstable();
    due.dedup();
    due.iter().try_for_each(|at| close_at(tx, *at))?;
    Ok(found.len())
}

/// Lists as missed what was sealed and not sent before its deadline; how many. Called until none is left.
pub fn close(tx: &Tx, now: Instant) -> Result<usize> {
    record::miss_due(tx, now, STEP)
}

/// Forgets events that are older than any that would be taken; how many. Called until none is left.
pub fn forget(tx: &Tx, now: Instant) -> Result<usize> {
    let before = now.plus_ms(-REMEMBER_MS);
    usage::delete_old(tx, before, STEP)
}

/// When there will be something to forget again.
pub fn forget_again(tx: &Tx, now: Instant) -> Result<Option<Instant>> {
    // At least an hour from now, so that a steady stream does not make a job of each event.
    Ok(usage::first(tx)?.map(|first| forget_at(first.received_at).max(now.plus_ms(HOUR_MS))))
}

/// A subscription was released: its open records are sealed when its last events had time to come, and its last window
/// ends with it (rules C4).
pub fn drain(tx: &Tx, timing: Timing, subscription: &str, now: Instant) -> Result<()> {
    let Ok(id) = subscription.parse() else { return Err(Error::NotFound("subscription")) };
    let found = subscription::find_by_id(tx, id)?.ok_or(Error::NotFound("subscription"))?;
    let Some(released_at) = found.released_at else { return Ok(()) };
    for found in record::list_open_of_subscription(tx, id, OPEN_MAX)? {
        let cut = window(found.cycle, found.from, Some(released_at), timing);
        if (cut.until, cut.seals_at) != (found.until, found.seals_at) {
            record::set_window(tx, found.id, cut.until, cut.seals_at, now)?;
            enqueue(tx, SEAL, cut.seals_at)?;
        }
    }
    Ok(())
}
