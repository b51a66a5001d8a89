//! Webhooks and their deliveries, for the vendor's product.

use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, Page, by, limit, parse, post_once, read, write};
use super::shape::{self, Disabled, List, NewWebhook, Rotation, WebhookChange, WebhookWithSecret};
use crate::app::App;
use crate::domain::api_key::Scope;
use crate::domain::hook::DELIVERY_STATES;
use crate::error::{Error, Result};
use crate::usecase::webhook::{self, OVERLAP_MAX_MS, OVERLAP_MS, Target, Webhook};
use crate::usecase::{self, Delivery, Event, delivery};

const SCOPE: Scope = Scope::WebhooksWrite;

fn describe(found: &Webhook) -> shape::Webhook {
    shape::Webhook {
        id: found.id.clone(),
        url: found.url.clone(),
        types: found.types.split(' ').filter(|filter| !filter.is_empty()).map(str::to_owned).collect(),
        enabled: found.disabled.is_none(),
        disabled: found.disabled.as_ref().map(|(at, reason)| Disabled { at: (*at).into(), reason: reason.clone() }),
        failing_since: found.failing_since.map(Into::into),
        previous_secret_until: found.previous.as_ref().map(|(_, until)| (*until).into()),
        created_at: found.created_at.into(),
    }
}

fn with_secret((found, secret): (Webhook, String)) -> Result<Value> {
    Ok(serde_json::to_value(WebhookWithSecret { webhook: describe(&found), secret })?)
}

/// `GET /api/v1/webhooks`
pub async fn list(app: Data<App>, request: HttpRequest, page: Query<Page>) -> Api {
    let limit = limit(&page)?;
    let after = page.after.clone().unwrap_or_default();
    let found = read(&app, &request, SCOPE, move |db| webhook::list(db, &after, limit)).await?;
    let next = (found.len() == limit as usize).then(|| found.last().map(|last| last.id.clone())).flatten();
    Ok(HttpResponse::Ok().json(List { items: found.iter().map(describe).collect(), next }))
}

/// `GET /api/v1/webhooks/{id}`
pub async fn show(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let found = read(&app, &request, SCOPE, move |db| webhook::find(db, &id)).await?;
    Ok(HttpResponse::Ok().json(describe(&found)))
}

/// `POST /api/v1/webhooks`: the answer shows the secret, this once.
pub async fn create(app: Data<App>, request: HttpRequest, body: Bytes) -> Api {
    let by = by(&app, &request, SCOPE)?;
    let new: NewWebhook = parse(&body)?;
    let target = Target::new(&new.url, &new.types, &app.config.webhooks.private_networks)?;
    let made = post_once(&app, &request, &body, SCOPE, move |tx, app, now| {
        webhook::create(tx, (&app.keys, &app.chance), &target, &by, now).and_then(with_secret)
    })
    .await?;
    Ok(HttpResponse::Created().json(made))
}

/// `PATCH /api/v1/webhooks/{id}`: what is not named stays as it is.
pub async fn update(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, SCOPE)?;
    let change: WebhookChange = parse(&body)?;
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

/// `POST /api/v1/webhooks/{id}/rotate`: a new secret, shown this once; both sign until the overlap is over.
pub async fn rotate(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let by = by(&app, &request, SCOPE)?;
    let Rotation { overlap_secs } = if body.is_empty() { Rotation::default() } else { parse(&body)? };
    let overlap_ms = overlap_secs.map_or(Some(OVERLAP_MS), |secs| secs.checked_mul(1000)).unwrap_or(-1);
    if !(0..=OVERLAP_MAX_MS).contains(&overlap_ms) {
        return Err(Error::invalid("overlap_secs", "out_of_range").into());
    }
    let made = post_once(&app, &request, &body, SCOPE, move |tx, app, now| {
        webhook::rotate(tx, (&app.keys, &app.chance), &id, overlap_ms, &by, now).and_then(with_secret)
    })
    .await?;
    Ok(HttpResponse::Ok().json(made))
}

/// `POST /api/v1/webhooks/{id}/ping`
pub async fn ping(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let sent = post_once(&app, &request, &body, SCOPE, move |tx, _, now| {
        Ok(serde_json::to_value(deliver(&(webhook::ping(tx, &id, now)?, None)))?)
    })
    .await?;
    Ok(HttpResponse::Accepted().json(sent))
}

fn deliver((found, event): &(Delivery, Option<Event>)) -> shape::Delivery {
    shape::Delivery {
        id: found.id.to_string(),
        webhook: found.webhook_id.clone(),
        event: event.as_ref().map(usecase::feed::public_id),
        r#type: event.as_ref().map_or("ping", |event| &event.kind).to_owned(),
        subject: event.as_ref().map_or(&found.webhook_id, |event| &event.subject).clone(),
        state: found.state.clone(),
        attempts: found.attempts,
        next_attempt_at: found.due_at.map(Into::into),
        status: found.status,
        error: found.error.clone(),
        created_at: found.created_at.into(),
        ended_at: found.ended_at.map(Into::into),
    }
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
    if state.as_deref().is_some_and(|state| !DELIVERY_STATES.contains(&state)) {
        return Err(Error::invalid("state", "unknown").into());
    }
    let before = usecase::number_after(after.as_deref().unwrap_or_default())?;
    let found =
        read(&app, &request, SCOPE, move |db| delivery::list(db, webhook.as_deref(), state.as_deref(), before, limit))
            .await?;
    let next = (found.len() == limit as usize).then(|| found.last().map(|(last, _)| last.id.to_string())).flatten();
    Ok(HttpResponse::Ok().json(List { items: found.iter().map(deliver).collect(), next }))
}

/// `GET /api/v1/deliveries/{id}`
pub async fn show_delivery(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let found = read(&app, &request, SCOPE, move |db| delivery::find(db, number(&id)?)).await?;
    Ok(HttpResponse::Ok().json(deliver(&found)))
}

/// `POST /api/v1/deliveries/{id}/redeliver`
pub async fn redeliver(app: Data<App>, request: HttpRequest, id: Path<String>, body: Bytes) -> Api {
    let found = post_once(&app, &request, &body, SCOPE, move |tx, _, now| {
        Ok(serde_json::to_value(deliver(&delivery::redeliver(tx, number(&id)?, now)?))?)
    })
    .await?;
    Ok(HttpResponse::Accepted().json(found))
}
