//! The marketplace's calls: known or new, applied or not, answered and kept, in one transaction (rules B1, B2).

use serde_json::json;

use crate::domain::audit::By;
use crate::domain::binding;
use crate::domain::organization::GRACE_MS;
use crate::domain::subscription::{self as rule, Effect, Event, Outcome, Purchase};
use crate::domain::value::Instant;
use crate::error::Result;
use crate::market::call::{Action, Create, Pay, without_free_form};
use crate::market::reply::{AppInfo, Created, Reply};
use crate::store::call;
use crate::store::subscription::{self, Source, Subscription};
use crate::store::{Tx, alarm, event, job};
use crate::usecase::{self, heal};

pub use crate::domain::subscription::Verdict;
pub use crate::store::call::Refused;

/// A call whose token was right.
pub struct Received {
    pub seller_id: String,
    pub action: Action,
    /// The parameters as JSON, token hidden.
    pub params: String,
    /// They may hold what somebody typed (rules D6).
    pub is_free_form: bool,
    /// Its product is configured.
    pub is_sold_here: bool,
    /// So is its plan.
    pub is_plan_known: bool,
    /// The marketplace can be asked how the seller's instances stand.
    pub is_asked: bool,
    /// What a buyer's console shows of the service; from current configuration.
    pub app_info: AppInfo,
    /// 「使用指南」: title and text.
    pub guide: (String, String),
    pub received_at: Instant,
    /// Runs since the call came in.
    pub stopwatch: std::time::Instant,
    pub request_id: String,
}

/// Applies a call unless it was applied before, keeps it with its reply, and answers the reply.
pub fn receive(tx: &Tx, received: &Received, now: Instant) -> Result<(Reply, Verdict)> {
    let instance_id = received.action.instance_id();
    let current = subscription::find(tx, &received.seller_id, instance_id)?;
    let order_key = order_key(&received.action);
    let is_forgotten = |found: &Subscription| usecase::call::may_be_forgotten(found, now);
    let is_known = match order_key {
        // A payment changes no standing, so that nothing but its call says that it was heard; what is final refuses the rest.
        Some(_) if matches!(received.action, Action::Pay(_)) && current.as_ref().is_some_and(is_forgotten) => true,
        Some(key) => call::is_applied(tx, &received.seller_id, instance_id, received.action.kind(), key)?,
        None => false,
    };
    let detail = if received.is_free_form { &without_free_form(&received.params) } else { &received.params };
    let event = event_of(received);
    let outcome = match (is_known, &event) {
        (false, Some(event)) => rule::apply(current.as_ref().map(|found| &found.standing), event, now),
        _ => Outcome::Unchanged,
    };
    let (verdict, code) = match &outcome {
        Outcome::Applied(..) => (Verdict::Applied, None),
        // A keyed call is heard once, also where it changes no standing: a payment is recorded, and an order whose date was
        // already so must not move it when it is repeated after another one.
        Outcome::Unchanged if order_key.is_some() && !is_known => (Verdict::Applied, None),
        Outcome::Unchanged => (Verdict::Repeated, None),
        Outcome::Conflict => (Verdict::Conflict, Some("purchase_differs")),
        Outcome::Refused(code) => (Verdict::Refused, Some(*code)),
    };
    let mut after = None;
    let state = match outcome {
        Outcome::Applied(standing, effects) => {
            let state = standing.state;
            let id = if let Some(found) = &current {
                subscription::set_standing(tx, found, &standing, now)?;
                found.id
            } else {
                let source = if standing.is_tombstone { Source::Tombstone } else { Source::Call };
                subscription::insert(tx, &received.seller_id, instance_id, &standing, source, now)?
            };
            let by = By::marketplace(&received.seller_id).in_request(&received.request_id);
            let cause = Cause { subject: &subject(received), detail, by };
            carry_out(tx, &cause, id, &standing, effects, now)?;
            after = Some(standing);
            Some(state)
        }
        Outcome::Conflict => {
            if let Some(found) = &current {
                emit(tx, "subscription.conflict", found.id, &subject(received), &found.standing, now)?;
            }
            alarm::raise(tx, "conflict", &subject(received), detail, now)?;
            current.as_ref().map(|found| found.standing.state)
        }
        Outcome::Refused(code) => {
            alarm::raise(tx, code, &subject(received), received.action.kind(), now)?;
            None
        }
        Outcome::Unchanged => current.as_ref().map(|found| found.standing.state),
    };
    // Of a healed one no create was heard: the first that is says what the purchase was, and what comes later is held to it.
    if let (Some(Event::Created(purchase)), Some(found)) = (&event, &current)
        && found.standing.purchase_mark.is_empty()
    {
        subscription::set_purchase_mark(tx, found.id, &purchase.mark())?;
    }
    if let (Action::Pay(pay), Verdict::Applied, Some(found)) = (&received.action, verdict, &current) {
        record_payment(tx, found, pay, now)?;
    }
    let heard = heal::Heard {
        seller_id: &received.seller_id,
        instance_id,
        action: received.action.kind(),
        params: &received.params,
        detail,
        has_key: order_key.is_some(),
        event: event.as_ref().filter(|_| !is_known),
        before: current.as_ref().map(|found| &found.standing),
        after: after.as_ref(),
        is_refused: verdict == Verdict::Refused,
        is_asked: received.is_asked,
        is_plan_known: received.is_plan_known,
    };
    heal::hear(tx, &heard, now)?;
    let reply = reply(received, verdict, state);
    let took_us = i64::try_from(received.stopwatch.elapsed().as_micros()).unwrap_or(i64::MAX);
    call::insert(
        tx,
        &call::Call {
            seller_id: &received.seller_id,
            instance_id,
            action: received.action.kind(),
            order_key,
            params: &received.params,
            is_free_form: received.is_free_form,
            verdict,
            code,
            status: reply.status,
            reply: &reply.body,
            received_at: received.received_at,
            took_us,
            request_id: &received.request_id,
        },
    )?;
    if let Some(found) = current.filter(is_forgotten) {
        call::set_to_forget(tx, found.id)?;
    }
    Ok((reply, verdict))
}

/// What makes a call the same again (rules B1). A create has its own rule; the rest set absolute values and may run again.
fn order_key(action: &Action) -> Option<&str> {
    match action {
        Action::Renew { order_id, .. } | Action::Upgrade { order_id, .. } => order_id.as_deref(),
        Action::Pay(pay) => Some(&pay.request_id),
        _ => None,
    }
}

fn event_of(received: &Received) -> Option<Event> {
    Some(match &received.action {
        Action::Create(create) => Event::Created(purchase(create, received.is_sold_here)),
        Action::Renew { expires_at, .. } => Event::Renewed { expires_at: *expires_at },
        Action::RefundRenew { expires_at, .. } => Event::RefundRenewed { expires_at: *expires_at },
        Action::Upgrade { plan_code, items, .. } => {
            Event::Upgraded { plan_code: plan_code.clone(), items: items.iter().cloned().collect() }
        }
        Action::Expire { .. } => Event::Expired,
        Action::Release { .. } => Event::Released,
        Action::Pay(_) => Event::Paid,
        Action::Verify(_) => return None,
    })
}

fn purchase(create: &Create, is_sold_here: bool) -> Purchase {
    Purchase {
        buyer_account: create.buyer_account.clone(),
        order_id: create.order_id.clone(),
        product_code: create.product_code.clone(),
        plan_code: create.plan_code.clone(),
        is_trial: create.is_trial,
        expires_at: create.expires_at,
        items: create.items.iter().cloned().collect(),
        is_sold_here,
    }
}

fn reply(received: &Received, verdict: Verdict, state: Option<rule::State>) -> Reply {
    match &received.action {
        // The marketplace asks again until it hears an id.
        Action::Create(_) if state == Some(rule::State::Opening) => Reply::not_ready(),
        Action::Create(create) => Reply::created(&Created {
            instance_id: create.instance_id.clone(),
            app_info: received.app_info.clone(),
            info: [(received.guide.0.clone(), received.guide.1.clone().into())].into_iter().collect(),
            ..Created::default()
        }),
        _ => Reply::success(verdict != Verdict::Refused),
    }
}

fn subject(received: &Received) -> String {
    usecase::subscription_name(&received.seller_id, received.action.instance_id())
}

/// Why effects happen: a call, or an answer of the marketplace.
pub struct Cause<'a> {
    /// The subscription's public name.
    pub subject: &'a str,
    /// For alarms.
    pub detail: &'a str,
    pub by: By,
}

/// Carries out what follows from a standing that was saved.
pub fn carry_out(
    tx: &Tx,
    cause: &Cause<'_>,
    id: i64,
    standing: &rule::Standing,
    effects: Vec<Effect>,
    now: Instant,
) -> Result<()> {
    effects.into_iter().try_for_each(|effect| run(tx, cause, id, standing, effect, now))
}

fn emit(tx: &Tx, kind: &str, id: i64, subject: &str, standing: &rule::Standing, now: Instant) -> Result<()> {
    let data = json!({
        "subscription": subject,
        "state": standing.state,
        "product": standing.product_code,
        "plan": standing.plan_code,
        "items": standing.items,
        "is_trial": standing.is_trial,
        "expires_at": standing.expires_at.map(usecase::rfc3339),
    });
    event::insert_of_subscription(tx, kind, id, subject, &data, now)
}

fn run(tx: &Tx, cause: &Cause<'_>, id: i64, standing: &rule::Standing, effect: Effect, now: Instant) -> Result<()> {
    let bound = |tx: &Tx| crate::store::binding::find_of_subscription(tx, id);
    match effect {
        Effect::Emit(kind) => emit(tx, kind, id, cause.subject, standing, now),
        Effect::Alarm(kind) => alarm::raise(tx, kind, cause.subject, cause.detail, now),
        Effect::Freeze | Effect::FreezeDisputed => match bound(tx)? {
            Some(found) if found.state == binding::State::Live => {
                let grace_until = (effect == Effect::Freeze).then(|| now.plus_ms(GRACE_MS));
                usecase::binding::freeze(tx, &found, grace_until, &cause.by, now)
            }
            // An expired subscription cannot become anybody's (rules A4).
            Some(found) => usecase::binding::end(tx, &found, "subscription_expired", &cause.by, now),
            None => Ok(()),
        },
        Effect::Thaw => match bound(tx)? {
            Some(found) if found.state == binding::State::Live => usecase::binding::thaw(tx, &found, &cause.by, now),
            _ => Ok(()),
        },
        Effect::EndBinding => {
            // Also without a binding: one that ended a moment ago may have usage that is not pushed (rules C4).
            job::enqueue(tx, usecase::usage::DRAIN, &id.to_string(), now)?;
            match bound(tx)? {
                Some(found) => usecase::binding::end(tx, &found, "subscription_released", &cause.by, now),
                None => Ok(()),
            }
        }
    }
}

fn record_payment(tx: &Tx, found: &Subscription, pay: &Pay, now: Instant) -> Result<()> {
    let subject = usecase::subscription_name(&found.seller_id, &found.instance_id);
    let data =
        json!({ "subscription": subject, "order": pay.order_id, "plan": pay.plan_code, "request_id": pay.request_id });
    event::insert_of_subscription(tx, "order.paid", found.id, &subject, &data, now)
}

/// Keeps a sample of a call that was turned away at the door (rules B4).
pub fn keep_refused(tx: &Tx, refused: &Refused<'_>) -> Result<()> {
    call::insert_refused(tx, refused)
}
