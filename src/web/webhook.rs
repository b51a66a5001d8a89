//! Webhooks and their deliveries, for the vendor's product.

use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Page, by, limit, parse, post_once, read, write};
use crate::app::App;
use crate::error::{Error, Result};
use crate::usecase::webhook::{self, OVERLAP_MAX_MS, OVERLAP_MS, Target, Webhook};
use crate::usecase::{self, Delivery, Event, delivery};

const SCOPE: &str = "webhooks:write";

fn describe(found: &Webhook) -> Value {
    json!({
        "id": found.id,
        "url": found.url,
        "types": found.types.split(' ').filter(|filter| !filter.is_empty()).collect::<Vec<_>>(),
        "enabled": found.disabled.is_none(),
        "disabled": found.disabled.as_ref().map(|(at, reason)| json!({ "at": usecase::rfc3339(*at), "reason": reason })),
        "failing_since": found.failing_since.map(usecase::rfc3339),
        "previous_secret_until": found.previous.as_ref().map(|(_, until)| usecase::rfc3339(*until)),
        "created_at": usecase::rfc3339(found.created_at),
    })
}

fn with_secret((found, secret): &(Webhook, String)) -> Value {
    let mut told = describe(found);
    told["secret"] = secret.as_str().into();
    told
}

/// `GET /api/v1/webhooks`
pub async fn list(app: Data<App>, request: HttpRequest, page: Query<Page>) -> Api {
    let limit = limit(&page)?;
    let after = page.after.clone().unwrap_or_default();
    let found = read(&app, &request, SCOPE, move |db| webhook::list(db, &after, limit)).await?;
    let next = (found.len() == limit as usize).then(|| found.last().map(|last| last.id.clone())).flatten();
    let items: Vec<Value> = found.iter().map(describe).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

/// `GET /api/v1/webhooks/{id}`
pub async fn show(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let found = read(&app, &request, SCOPE, move |db| webhook::find(db, &id)).await?;
    Ok(HttpResponse::Ok().json(describe(&found)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    url: String,
    #[serde(default)]
    types: Vec<String>,
}

/// `POST /api/v1/webhooks`: the answer shows the secret, this once.
pub async fn create(app: Data<App>, request: HttpRequest, body: Bytes) -> Api {
    let by = by(&app, &request, SCOPE)?;
    let new: New = parse(&body)?;
    let target = Target::new(&new.url, &new.types, &app.config.webhooks.private_networks)?;
    let made = post_once(&app, &request, &body, SCOPE, move |tx, app, now| {
        webhook::create(tx, (&app.keys, &app.chance), &target, &by, now).map(|made| with_secret(&made))
    })
    .await?;
    Ok(HttpResponse::Created().json(made))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    url: Option<String>,
    types: Option<Vec<String>>,
    enabled: Option<bool>,
}

/// `PATCH /api/v1/webhooks/{id}`: what is not named stays as it is.
pub async fn update(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, SCOPE)?;
    let change: Change = parse(&body)?;
    let networks = app.config.webhooks.private_networks.clone();
    let found = write(&app, &request, SCOPE, move |tx, now| {
        let before = webhook::find(tx, &id)?;
        let target = if change.url.is_some() || change.types.is_some() {
            let kept = before.types.split(' ').filter(|filter| !filter.is_empty()).map(str::to_owned).collect();
            let types = change.types.unwrap_or(kept);
            Some(Target::new(change.url.as_deref().unwrap_or(&before.url), &types, &networks)?)
        } else {
            None
        };
        webhook::update(tx, &id, target.as_ref(), change.enabled, &by, now)
    })
    .await?;
    Ok(HttpResponse::Ok().json(describe(&found)))
}

/// `DELETE /api/v1/webhooks/{id}`
pub async fn delete(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let by = by(&app, &request, SCOPE)?;
    write(&app, &request, SCOPE, move |tx, now| webhook::delete(tx, &id, &by, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Rotate {
    overlap_secs: Option<i64>,
}

/// `POST /api/v1/webhooks/{id}/rotate`: a new secret, shown this once; both sign until the overlap is over.
pub async fn rotate(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, SCOPE)?;
    let Rotate { overlap_secs } = if body.is_empty() { Rotate::default() } else { parse(&body)? };
    let overlap_ms = overlap_secs.map_or(Some(OVERLAP_MS), |secs| secs.checked_mul(1000)).unwrap_or(-1);
    if !(0..=OVERLAP_MAX_MS).contains(&overlap_ms) {
        return Err(Error::invalid("overlap_secs", "out_of_range").into());
    }
    let made = post_once(&app, &request, &body, SCOPE, move |tx, app, now| {
        webhook::rotate(tx, (&app.keys, &app.chance), &id, overlap_ms, &by, now).map(|made| with_secret(&made))
    })
    .await?;
    Ok(HttpResponse::Ok().json(made))
}

/// `POST /api/v1/webhooks/{id}/ping`
pub async fn ping(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let sent = post_once(&app, &request, &body, SCOPE, move |tx, _, now| {
        webhook::ping(tx, &id, now).map(|delivery| deliver(&(delivery, None)))
    })
    .await?;
    Ok(HttpResponse::Accepted().json(sent))
}

fn deliver((found, event): &(Delivery, Option<Event>)) -> Value {
    json!({
        "id": found.id.to_string(),
        "webhook": found.webhook_id,
        "event": event.as_ref().map(usecase::feed::public_id),
        "type": event.as_ref().map_or("ping", |event| &event.kind),
        "subject": event.as_ref().map_or(&found.webhook_id, |event| &event.subject),
        "state": found.state,
        "attempts": found.attempts,
        "next_attempt_at": found.due_at.map(usecase::rfc3339),
        "status": found.status,
        "error": found.error,
        "created_at": usecase::rfc3339(found.created_at),
        "ended_at": found.ended_at.map(usecase::rfc3339),
    })
}

#[derive(Deserialize)]
pub struct Which {
    webhook: Option<String>,
    state: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

fn number(id: &str) -> Result<i64> {
    id.parse().map_err(|_| Error::NotFound("delivery"))
}

/// `GET /api/v1/deliveries`: the newest first; `?state=dead` finds what was given up.
pub async fn deliveries(app: Data<App>, request: HttpRequest, which: Query<Which>) -> Api {
    let Which { webhook, state, after, limit: wanted } = which.into_inner();
    let limit = limit(&Page { after: None, limit: wanted })?;
    let before = match after.as_deref() {
        None | Some("") => i64::MAX,
        Some(after) => after.parse().map_err(|_| Error::invalid("after", "malformed"))?,
    };
    let found =
        read(&app, &request, SCOPE, move |db| delivery::list(db, webhook.as_deref(), state.as_deref(), before, limit))
            .await?;
    let next = (found.len() == limit as usize).then(|| found.last().map(|(last, _)| last.id.to_string())).flatten();
    let items: Vec<Value> = found.iter().map(deliver).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

/// `GET /api/v1/deliveries/{id}`
pub async fn show_delivery(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let found = read(&app, &request, SCOPE, move |db| delivery::find(db, number(&id)?)).await?;
    Ok(HttpResponse::Ok().json(deliver(&found)))
}

/// `POST /api/v1/deliveries/{id}/redeliver`
pub async fn redeliver(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let found = post_once(&app, &request, &body, SCOPE, move |tx, _, now| {
        delivery::redeliver(tx, number(&id)?, now).map(|found| deliver(&found))
    })
    .await?;
    Ok(HttpResponse::Accepted().json(found))
}
