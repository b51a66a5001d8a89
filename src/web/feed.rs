//! The event feed, and subscriptions with what happened to each, for the vendor's product.

use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Page, by, key, limit, parse, post_once, read};
use crate::app::App;
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
    let items = read(&app, &request, "events:read", move |db| feed::list(db, &from, limit)).await?;
    let next = items.last().map_or(Value::from(after), |last| last["id"].clone());
    Ok(HttpResponse::Ok().json(json!({ "has_more": items.len() == limit as usize, "next": next, "items": items })))
}

/// Shows whole buyer accounts instead of masked ones (rules D6).
const UNMASKED: &str = "accounts:read";

fn describe(found: &Subscription, bound: Option<&subscription::Bound>, is_unmasked: bool) -> Value {
    let standing = &found.standing;
    json!({
        "id": usecase::subscription_name(&found.seller_id, &found.instance_id),
        "marketplace": found.seller_id,
        "instance": found.instance_id,
        "state": standing.state,
        "product": standing.product_code,
        "plan": standing.plan_code,
        "items": standing.items,
        "order": standing.order_id,
        "is_trial": standing.is_trial,
        "is_disputed": standing.is_disputed,
        "buyer_account": if is_unmasked { standing.buyer_account.clone() } else { mask_uid(&standing.buyer_account) },
        "expires_at": standing.expires_at.map(usecase::rfc3339),
        "created_at": usecase::rfc3339(found.created_at),
        "activated_at": found.activated_at.map(usecase::rfc3339),
        "expired_at": found.expired_at.map(usecase::rfc3339),
        "released_at": found.released_at.map(usecase::rfc3339),
        "binding": bound.map(|bound| json!({
            "id": bound.id,
            "organization": bound.organization_id,
            "state": bound.state,
            "requested_at": usecase::rfc3339(bound.requested_at),
            "deadline_at": bound.deadline_at.map(usecase::rfc3339),
            "live_at": bound.live_at.map(usecase::rfc3339),
        })),
    })
}

/// `GET /api/v1/subscriptions`: in the order in which they became known.
pub async fn subscriptions(app: Data<App>, request: HttpRequest, page: Query<Page>) -> Api {
    let (limit, is_unmasked) = (limit(&page)?, key(&app, &request)?.has(UNMASKED));
    let after = page.after.clone().unwrap_or_default();
    let found = read(&app, &request, "subscriptions:read", move |db| subscription::list(db, &after, limit)).await?;
    let last = found.last().map(|(last, _)| usecase::subscription_name(&last.seller_id, &last.instance_id));
    let next = last.filter(|_| found.len() == limit as usize);
    let items: Vec<Value> = found.iter().map(|(one, bound)| describe(one, bound.as_ref(), is_unmasked)).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

/// `GET /api/v1/subscriptions/{id}`: with its timeline of calls and events, the newest first.
pub async fn show_subscription(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let is_unmasked = key(&app, &request)?.has(UNMASKED);
    let seen = read(&app, &request, "subscriptions:read", move |db| subscription::see(db, &id)).await?;
    let mut told = describe(&seen.subscription, seen.bound.as_ref(), is_unmasked);
    let calls = seen.calls.iter().map(|call| {
        json!({
            "at": usecase::rfc3339(call.received_at),
            "call": call.action,
            "verdict": call.verdict,
            "code": call.code,
            "status": call.status,
        })
    });
    let events = seen.events.iter().map(|event| json!({ "at": event["occurred_at"], "event": event }));
    let mut timeline: Vec<(Option<jiff::Timestamp>, Value)> =
        calls.chain(events).map(|entry| (entry["at"].as_str().and_then(|at| at.parse().ok()), entry)).collect();
    timeline.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    told["timeline"] = timeline.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>().into();
    Ok(HttpResponse::Ok().json(told))
}

const BINDINGS: &str = "bindings:write";

/// `POST /api/v1/bindings/{id}/confirm`: the vendor's yes. A second one changes nothing; one that comes too late is a
/// conflict, and an event tells the vendor to undo.
pub async fn confirm(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, BINDINGS)?;
    let told = post_once(&app, &request, &body, BINDINGS, move |tx, _, now| {
        let state = binding::confirm(tx, &id, &by, now)?;
        Ok(json!({ "id": *id, "state": state }))
    })
    .await?;
    if told["state"] == json!(State::Live) {
        Ok(HttpResponse::Ok().json(told))
    } else {
        Err(Error::Conflict("too_late").into())
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct No {
    reason: Option<String>,
}

/// `POST /api/v1/bindings/{id}/refuse`: the vendor's no, with a reason for the records.
pub async fn refuse(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, BINDINGS)?;
    let No { reason } = if body.is_empty() { No::default() } else { parse(&body)? };
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > binding::NOTE_MAX) {
        return Err(Error::invalid("reason", "too_long").into());
    }
    let told = post_once(&app, &request, &body, BINDINGS, move |tx, _, now| {
        let state = binding::refuse(tx, &id, reason.as_deref(), &by, now)?;
        Ok(json!({ "id": *id, "state": state }))
    })
    .await?;
    if told["state"] == json!(State::Refused) {
        Ok(HttpResponse::Ok().json(told))
    } else {
        Err(Error::Conflict("decided").into())
    }
}
