//! The event feed, and subscriptions with what happened to each, for the vendor's product.

use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::api::{Api, Page, by, key, limit, parse, post_once, read};
use super::shape::{self, Bound, CallSeen, Entry, Event, EventSeen, Feed, List, No, Outcome, SubscriptionSeen};
use crate::app::App;
use crate::domain::api_key::Scope;
use crate::domain::binding::State;
use crate::domain::value::mask_uid;
use crate::error::Error;
use crate::usecase::{self, Subscription, binding, feed, subscription};

/// `GET /api/v1/events`: what happened behind a cursor, in the order in which it became true. `next` is the cursor to go
/// on with, also when there is nothing yet.
pub async fn events(app: Data<App>, request: HttpRequest, page: Query<Page>) -> Api {
    let limit = limit(&page)?;
    let after = page.after.clone().unwrap_or_default();
    let from = after.clone();
    let found = read(&app, &request, Scope::EventsRead, move |db| feed::list(db, &from, limit)).await?;
    let next = found.last().and_then(|last| last["id"].as_str()).map_or(after, str::to_owned);
    let has_more = found.len() == limit as usize;
    Ok(HttpResponse::Ok().json(Feed { items: found.into_iter().map(Event).collect(), next, has_more }))
}

fn describe(found: &Subscription, bound: Option<&subscription::Bound>, is_unmasked: bool) -> shape::Subscription {
    let standing = &found.standing;
    shape::Subscription {
        id: usecase::subscription_name(&found.seller_id, &found.instance_id),
        marketplace: found.seller_id.clone(),
        instance: found.instance_id.clone(),
        state: standing.state,
        product: standing.product_code.clone(),
        plan: standing.plan_code.clone(),
        items: standing.items.clone(),
        order: standing.order_id.clone(),
        is_trial: standing.is_trial,
        is_disputed: standing.is_disputed,
        buyer_account: if is_unmasked { standing.buyer_account.clone() } else { mask_uid(&standing.buyer_account) },
        expires_at: standing.expires_at.map(Into::into),
        created_at: found.created_at.into(),
        activated_at: found.activated_at.map(Into::into),
        expired_at: found.expired_at.map(Into::into),
        released_at: found.released_at.map(Into::into),
        binding: bound.map(|bound| Bound {
            id: bound.id.clone(),
            organization: bound.organization_id.clone(),
            state: bound.state,
            requested_at: bound.requested_at.into(),
            deadline_at: bound.deadline_at.map(Into::into),
            live_at: bound.live_at.map(Into::into),
        }),
    }
}

/// `GET /api/v1/subscriptions`: in the order in which they became known.
pub async fn subscriptions(app: Data<App>, request: HttpRequest, page: Query<Page>) -> Api {
    let (limit, is_unmasked) = (limit(&page)?, key(&app, &request)?.has(Scope::AccountsRead));
    let after = page.after.clone().unwrap_or_default();
    let found = read(&app, &request, Scope::SubscriptionsRead, move |db| subscription::list(db, &after, limit)).await?;
    let last = found.last().map(|(last, _)| usecase::subscription_name(&last.seller_id, &last.instance_id));
    let next = last.filter(|_| found.len() == limit as usize);
    let items = found.iter().map(|(one, bound)| describe(one, bound.as_ref(), is_unmasked)).collect();
    Ok(HttpResponse::Ok().json(List { items, next }))
}

/// `GET /api/v1/subscriptions/{id}`: with its timeline of calls and events, the newest first.
pub async fn show_subscription(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let is_unmasked = key(&app, &request)?.has(Scope::AccountsRead);
    let seen = read(&app, &request, Scope::SubscriptionsRead, move |db| subscription::see(db, &id)).await?;
    let subscription = describe(&seen.subscription, seen.bound.as_ref(), is_unmasked);
    let calls = seen.calls.into_iter().map(|call| {
        let told = CallSeen {
            at: call.received_at.into(),
            call: call.action,
            verdict: call.verdict,
            code: call.code,
            status: call.status,
        };
        (call.received_at.ms(), Entry::Call(told))
    });
    let events = seen.events.into_iter().map(|event| {
        let at = event["occurred_at"].as_str().unwrap_or_default().to_owned();
        let moment: Option<jiff::Timestamp> = at.parse().ok();
        (moment.map_or(0, jiff::Timestamp::as_millisecond), Entry::Event(EventSeen { at, event: Event(event) }))
    });
    let mut timeline: Vec<(i64, Entry)> = calls.chain(events).collect();
    timeline.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let timeline = timeline.into_iter().map(|(_, entry)| entry).collect();
    Ok(HttpResponse::Ok().json(SubscriptionSeen { subscription, timeline }))
}

/// `POST /api/v1/bindings/{id}/confirm`: the vendor's yes. A second one changes nothing; one that comes too late is a
/// conflict, and an event tells the vendor to undo.
pub async fn confirm(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, Scope::BindingsWrite)?;
    let told = post_once(&app, &request, &body, Scope::BindingsWrite, move |tx, _, now| {
        let state = binding::confirm(tx, &id, &by, now)?;
        Ok(serde_json::to_value(Outcome { id: id.clone(), state })?)
    })
    .await?;
    if told["state"] == json!(State::Live) {
        Ok(HttpResponse::Ok().json(told))
    } else {
        Err(Error::Conflict("too_late").into())
    }
}

/// `POST /api/v1/bindings/{id}/refuse`: the vendor's no, with a reason for the records.
pub async fn refuse(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, Scope::BindingsWrite)?;
    let No { reason } = if body.is_empty() { No::default() } else { parse(&body)? };
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > binding::NOTE_MAX) {
        return Err(Error::invalid("reason", "too_long").into());
    }
    let told = post_once(&app, &request, &body, Scope::BindingsWrite, move |tx, _, now| {
        let state = binding::refuse(tx, &id, reason.as_deref(), &by, now)?;
        Ok(serde_json::to_value(Outcome { id: id.clone(), state })?)
    })
    .await?;
    if told["state"] == json!(State::Refused) {
        Ok(HttpResponse::Ok().json(told))
    } else {
        Err(Error::Conflict("decided").into())
    }
}
