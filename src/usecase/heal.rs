//! Healing: what gives reason to doubt that we and the marketplace agree, and what follows from its answer
//! (rules A5, B2, B4, D5). The questions themselves are asked by jobs; without an AccessKey the alarms stay.

use serde_json::json;

use crate::domain::audit::By;
use crate::domain::reconcile::{
    CHECK_AFTER_MS, OVERDUE_MS, Ours, REPORTS, SETTLE_MS, Verdict, Word, compare, contradicts,
};
use crate::domain::subscription::{self as rule, Effect, Event, Purchase, Standing, State};
use crate::domain::value::{DAY_MS, HOUR_MS, Instant};
use crate::error::Result;
use crate::market::call::erased;
use crate::store::subscription::{self, Source, Subscription};
use crate::store::{Db, Tx, alarm, call, job};
use crate::usecase::{self, provision};

/// The kind of job that asks about one instance. Its key is made by [`key`].
pub const ASK: &str = "heal.instance";
/// The kind of job that looks for what never arrived; each of its rounds plans the next. Its key is the seller.
pub const SWEEP: &str = "heal.sweep";
/// Subscriptions that a round asks about at most. At the default of ten minutes that is 43,200 daily checks.
const CHECKS: u32 = 500;
/// Of them, those that are in question and may stay so: they must not starve the daily checks.
const QUESTIONS: u32 = 200;
/// Instances whose calls a round looks at, in search of subscriptions that got lost.
const SEARCHED: usize = 2_000;
/// Lost subscriptions that a round asks about.
const MISSING: usize = 50;
/// Each subscription is checked so often.
const CHECK_EVERY_MS: i64 = DAY_MS;
/// How late a call may come and still have changed places with the one before it.
const LATE_MS: i64 = HOUR_MS;
/// Overdue subscriptions noticed in one transaction.
const OVERDUE_ROWS: u32 = 100;

/// Alarms of doubt about one subscription that an answer of the marketplace settles.
const DOUBTS: [&str; 11] = [
    "adoption_unclear",
    "disputed_expiry",
    "missed_call",
    "quarantined",
    "refund_without_renewal",
    "released",
    "renewal_shortens",
    "said_before",
    "sequence_in_question",
    "unclear_answer",
    "unknown_instance",
];

#[must_use]
pub fn key(seller_id: &str, instance_id: &str) -> String {
    format!("{seller_id}/{instance_id}")
}

/// Asks about an instance then, or earlier if that is planned already.
pub fn ask(tx: &Tx, seller_id: &str, instance_id: &str, at: Instant) -> Result<()> {
    job::enqueue_by(tx, ASK, &key(seller_id, instance_id), at)
}

/// A call that was decided, before it is stored.
pub struct Heard<'a> {
    pub seller_id: &'a str,
    pub instance_id: &'a str,
    pub action: &'a str,
    pub params: &'a str,
    /// For alarms, which are kept for longer than what somebody typed: the parameters without that (rules D6).
    pub detail: &'a str,
    /// Something says which repetition of it is the same.
    pub has_key: bool,
    pub event: Option<&'a Event>,
    pub before: Option<&'a Standing>,
    /// Where it moved the subscription, if it did.
    pub after: Option<&'a Standing>,
    pub is_refused: bool,
    /// The marketplace can be asked about this seller's instances.
    pub is_asked: bool,
    pub is_plan_known: bool,
}

/// Notes what is doubtful about a call, and asks the marketplace where that may settle it.
pub fn hear(tx: &Tx, heard: &Heard<'_>, now: Instant) -> Result<()> {
    let subject = usecase::subscription_name(heard.seller_id, heard.instance_id);
    let later = |ms| if heard.is_asked { ask(tx, heard.seller_id, heard.instance_id, now.plus_ms(ms)) } else { Ok(()) };
    if heard.is_refused {
        return later(0);
    }
    if !heard.is_plan_known && heard.after.is_some() {
        alarm::raise(tx, "unknown_plan", &subject, heard.detail, now)?;
    }
    match (heard.before, heard.after) {
        (None, Some(after)) if !after.is_tombstone => return later(CHECK_AFTER_MS),
        (Some(_), Some(after)) => {
            calm(tx, &subject, after, now)?;
            if after.is_disputed {
                later(SETTLE_MS)?;
            }
        }
        _ => {}
    }
    let (Some(event), Some(before)) = (heard.event, heard.before) else { return Ok(()) };
    if !matches!(event, Event::Renewed { .. } | Event::RefundRenewed { .. } | Event::Upgraded { .. }) {
        return Ok(());
    }
    if let Some(kind) = doubt(tx, heard, before, event, now)? {
        alarm::raise(tx, kind, &subject, heard.detail, now)?;
        later(SETTLE_MS)?;
    }
    Ok(())
}

/// Why calls about the term or the plan may have changed places, or been replayed. Whatever is the case, it was applied:
/// the marketplace's last word counts, and which one that is only the marketplace can say.
fn doubt(tx: &Tx, heard: &Heard<'_>, before: &Standing, event: &Event, now: Instant) -> Result<Option<&'static str>> {
    let (seller_id, instance_id, since) = (heard.seller_id, heard.instance_id, now.plus_ms(-LATE_MS));
    // Of an old call only what erasure left can be compared. That takes one that differs in what was erased for a repetition,
    // too: to ask the marketplace once too often is better than not to notice a replay (rules B1). Nothing hangs on it but the
    // question: what was said is absolute, and was applied.
    if !heard.has_key
        && call::was_said(tx, seller_id, instance_id, heard.action, (heard.params, &erased(heard.params)))?
    {
        return Ok(heard.after.map(|_| "said_before"));
    }
    if let Some(kind) = contradicts(before, event) {
        return Ok(Some(kind));
    }
    let is_doubtful = match event {
        _ if heard.after.is_none() => false,
        // Was that the end before this renewal once more, or the one after it, come too early?
        Event::Renewed { .. } => call::is_end_repeated(tx, seller_id, instance_id, since)?,
        Event::Upgraded { .. } => call::is_upgraded_since(tx, seller_id, instance_id, since)?,
        _ => false,
    };
    Ok(is_doubtful.then_some("sequence_in_question"))
}

/// Closes the alarms whose cause this standing removes.
fn calm(tx: &Tx, subject: &str, standing: &Standing, now: Instant) -> Result<()> {
    if !is_overdue(standing, now) {
        alarm::clear(tx, "overdue", subject, now)?;
    }
    if !standing.is_disputed {
        alarm::clear(tx, "disputed_expiry", subject, now)?;
    }
    if standing.state != State::Opening {
        alarm::clear(tx, "unknown_product", subject, now)?;
    }
    Ok(())
}

fn is_overdue(standing: &Standing, now: Instant) -> bool {
    standing.state == State::Active && standing.expires_at.is_some_and(|end| end.plus_ms(OVERDUE_MS) <= now)
}

/// When the next subscription becomes overdue.
pub fn next_overdue(db: &Db) -> Result<Option<Instant>> {
    Ok(subscription::next_expiry(db)?.map(|end| end.plus_ms(OVERDUE_MS)))
}

/// Notices what has become overdue, some rows at a time; how many. `asked` are the sellers of whom the marketplace
/// can be asked.
pub fn notice_overdue(tx: &Tx, asked: &[String], now: Instant) -> Result<usize> {
    let found = subscription::list_expired_until(tx, now.plus_ms(-OVERDUE_MS), OVERDUE_ROWS)?;
    for late in &found {
        let subject = usecase::subscription_name(&late.seller_id, &late.instance_id);
        subscription::set_overdue(tx, late.id, now)?;
        let end = late.standing.expires_at.map(usecase::rfc3339).unwrap_or_default();
        alarm::raise(tx, "overdue", &subject, &end, now)?;
        let effects = vec![Effect::Emit("subscription.overdue")];
        provision::carry_out(tx, &cause(&subject), late.id, &late.standing, effects, now)?;
        if asked.contains(&late.seller_id) {
            ask(tx, &late.seller_id, &late.instance_id, now)?;
        }
    }
    Ok(found.len())
}

/// Calls with a good token that could not be stored: each may have said something (rules B4).
pub fn note_missed(tx: &Tx, missed: &[(String, String)], asked: &[String], now: Instant) -> Result<()> {
    for (seller_id, instance_id) in missed {
        alarm::raise(tx, "missed_call", &usecase::subscription_name(seller_id, instance_id), "", now)?;
        if asked.contains(seller_id) {
            ask(tx, seller_id, instance_id, now)?;
        }
    }
    Ok(())
}

fn cause(subject: &str) -> provision::Cause<'_> {
    provision::Cause { subject, detail: "reconcile", by: By::job(ASK) }
}

/// What we held when the marketplace was asked. An answer about anything else is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// `None`: we did not have it.
    version: Option<i64>,
}

impl Before {
    #[must_use]
    pub fn is_missing(self) -> bool {
        self.version.is_none()
    }
}

pub fn before(db: &Db, seller_id: &str, instance_id: &str) -> Result<Before> {
    Ok(Before { version: subscription::find(db, seller_id, instance_id)?.map(|found| found.version) })
}

/// The marketplace's answer about an instance.
pub struct Answer {
    pub seller_id: String,
    pub instance_id: String,
    pub before: Before,
    /// `None`: it does not know it.
    pub word: Option<Word>,
    /// Its product is configured.
    pub is_sold_here: bool,
    /// Who bought it; asked for where it may be adopted.
    pub purchase: Option<Purchase>,
}

/// What was done with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Agreed,
    Repaired,
    Adopted,
    Reported(&'static str),
    Quarantined,
    /// Too much moved meanwhile: ask again then.
    AskAgain(Instant),
}

/// Applies an answer: repairs, adopts, reports or quarantines, as [`compare`] says.
pub fn settle(tx: &Tx, answer: &Answer, now: Instant) -> Result<Settled> {
    let (seller_id, instance_id) = (answer.seller_id.as_str(), answer.instance_id.as_str());
    let current = subscription::find(tx, seller_id, instance_id)?;
    if current.as_ref().map(|found| found.version) != answer.before.version {
        // A call was faster; the answer may be older than it.
        return Ok(Settled::AskAgain(now.plus_ms(SETTLE_MS)));
    }
    let subject = usecase::subscription_name(seller_id, instance_id);
    let ours = current.as_ref().map(|found| Ours { standing: &found.standing, is_confirmed: found.is_confirmed });
    let verdict = compare(ours, answer.word.as_ref(), answer.is_sold_here, now);
    if matches!(verdict, Verdict::Repair(..) | Verdict::Report(_))
        && let Some(last) = call::last_applied_at(tx, seller_id, instance_id)?
        && last.plus_ms(SETTLE_MS) > now
    {
        return Ok(Settled::AskAgain(last.plus_ms(SETTLE_MS)));
    }
    if let Some(found) = &current {
        subscription::set_asked(tx, found.id, answer.word.is_some(), now)?;
        if answer.word.is_some() {
            subscription::set_quarantined(tx, found.id, None)?;
        }
    }
    let settled = match (verdict, &current) {
        (Verdict::Repair(next, effects), Some(found)) => {
            record(tx, &subject, Some(&found.standing), &next, now)?;
            subscription::set_standing(tx, found, &next, now)?;
            provision::carry_out(tx, &cause(&subject), found.id, &next, effects, now)?;
            calm(tx, &subject, &next, now)?;
            Settled::Repaired
        }
        (Verdict::Adopt(state), None) => match &answer.purchase {
            Some(purchase) => adopt(tx, answer, purchase, state, now)?,
            None => Settled::Reported("adoption_unclear"),
        },
        (Verdict::Bury, None) => {
            if let rule::Outcome::Applied(standing, _) = rule::apply(None, &Event::Released, now) {
                subscription::insert(tx, seller_id, instance_id, &standing, Source::Tombstone, now)?;
            }
            Settled::Agreed
        }
        (Verdict::Quarantine, Some(found)) => quarantine(tx, found, &subject, now)?,
        (Verdict::Report(kind), _) => Settled::Reported(kind),
        // Nothing else comes of a comparison: it adopts and buries what we do not have, and repairs what we have.
        (Verdict::Agree | Verdict::Repair(..) | Verdict::Adopt(_) | Verdict::Bury | Verdict::Quarantine, _) => {
            Settled::Agreed
        }
    };
    conclude(tx, &subject, settled, answer.word.is_some(), now)?;
    Ok(settled)
}

fn quarantine(tx: &Tx, found: &Subscription, subject: &str, now: Instant) -> Result<Settled> {
    if subscription::set_quarantined(tx, found.id, Some(now))? {
        alarm::raise(tx, "quarantined", subject, &found.standing.order_id, now)?;
    }
    Ok(Settled::Quarantined)
}

/// Opens the alarm that tells of this end, and closes those that another end would have.
fn conclude(tx: &Tx, subject: &str, settled: Settled, is_known: bool, now: Instant) -> Result<()> {
    if let Settled::Reported(kind) = settled {
        alarm::raise(tx, kind, subject, "", now)?;
    }
    let is_over = |kind: &&'static str| match settled {
        _ if REPORTS.contains(kind) || *kind == "unclear_answer" => settled != Settled::Reported(kind),
        Settled::Reported(_) | Settled::Quarantined => false,
        // Where neither side knows it, what was said of it stays an open question.
        _ => is_known || *kind == "missed_call",
    };
    for kind in REPORTS.iter().chain(&DOUBTS).filter(|kind| is_over(kind)) {
        alarm::clear(tx, kind, subject, now)?;
    }
    Ok(())
}

/// Takes in a purchase whose create never arrived, as that call would have made it.
fn adopt(tx: &Tx, answer: &Answer, purchase: &Purchase, state: State, now: Instant) -> Result<Settled> {
    let outcome = rule::apply(None, &Event::Created(purchase.clone()), now);
    let rule::Outcome::Applied(created, mut effects) = outcome else { return Ok(Settled::Agreed) };
    let subject = usecase::subscription_name(&answer.seller_id, &answer.instance_id);
    // No create has been heard: the first one that is says what the purchase was, and is believed.
    let standing = Standing { state, purchase_mark: String::new(), ..created };
    if state == State::Expired {
        effects.push(Effect::Emit("subscription.expired"));
    }
    record(tx, &subject, None, &standing, now)?;
    let id = subscription::insert(tx, &answer.seller_id, &answer.instance_id, &standing, Source::Healed, now)?;
    subscription::set_asked(tx, id, true, now)?;
    provision::carry_out(tx, &cause(&subject), id, &standing, effects, now)?;
    Ok(Settled::Adopted)
}

/// A repair is written down as an alarm that is over: operators see what was done without them.
fn record(tx: &Tx, subject: &str, before: Option<&Standing>, after: &Standing, now: Instant) -> Result<()> {
    let told = |standing: &Standing| {
        json!({
            "state": standing.state,
            "plan": standing.plan_code,
            "items": standing.items,
            "expires_at": standing.expires_at.map(usecase::rfc3339),
        })
    };
    let detail = json!({ "before": before.map(told), "after": told(after) });
    alarm::raise(tx, "repaired", subject, &detail.to_string(), now)?;
    alarm::clear(tx, "repaired", subject, now)?;
    Ok(())
}

/// Notes that an undelivered notification cannot be processed: it is unreadable, or we do not have its subscription.
pub fn note_stuck(tx: &Tx, seller_id: &str, request_id: &str, instance_id: &str, now: Instant) -> Result<()> {
    alarm::raise(tx, "notification_stuck", &key(seller_id, request_id), instance_id, now)
}

/// Notes an answer about a subscription that cannot be used. The next one in turn is asked about first.
pub fn note_unclear(tx: &Tx, seller_id: &str, instance_id: &str, why: &str, now: Instant) -> Result<()> {
    if let Some(found) = subscription::find(tx, seller_id, instance_id)? {
        subscription::set_asked(tx, found.id, false, now)?;
    }
    alarm::raise(tx, "unclear_answer", &usecase::subscription_name(seller_id, instance_id), why, now)
}

/// A notification was processed and confirmed.
pub fn note_confirmed(tx: &Tx, seller_id: &str, request_id: &str, now: Instant) -> Result<()> {
    alarm::clear(tx, "notification_stuck", &key(seller_id, request_id), now)?;
    Ok(())
}

/// Which subscriptions of a seller are to be asked about now: those in question, then those whose daily check is due;
/// of each, those that wait longest first.
pub fn list_due(db: &Db, seller_id: &str, now: Instant) -> Result<Vec<String>> {
    let mut due = subscription::list_in_question(db, seller_id, QUESTIONS)?;
    for other in subscription::list_unchecked(db, seller_id, now.plus_ms(-CHECK_EVERY_MS), CHECKS - QUESTIONS)? {
        if !due.contains(&other) {
            due.push(other);
        }
    }
    Ok(due)
}

/// Instances that the marketplace's calls spoke of and that we do not have, in the next piece of the search; and where
/// it stopped (empty: everything was looked at).
pub fn list_missing(db: &Db, seller_id: &str, after: String) -> Result<(Vec<String>, String)> {
    let (mut at, mut missing) = (after, Vec::new());
    for _ in 0..SEARCHED {
        let Some((instance_id, is_here)) = call::next_instance(db, seller_id, &at)? else {
            return Ok((missing, String::new()));
        };
        if !is_here {
            missing.push(instance_id.clone());
        }
        at = instance_id;
        if missing.len() == MISSING {
            break;
        }
    }
    Ok((missing, at))
}

/// Plans a round of each seller then, unless one is planned earlier.
pub fn plan_sweeps(tx: &Tx, sellers: &[String], at: Instant) -> Result<()> {
    sellers.iter().try_for_each(|seller_id| job::enqueue_by(tx, SWEEP, seller_id, at))
}
