//! Messages to webhooks for operators.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::{Came, choices, number, turn, user_id};
use crate::domain::hook::DELIVERY_STATES;
use crate::error::{Error, Result};
use crate::usecase::work::{self as using, Sent, Webhook};
use crate::usecase::{self};
use crate::view::operator::delivery as pages;
use crate::web::form::Form;
use crate::web::visit::{Page, Visit, see_other};

/// Messages of one page.
const PAGE: u32 = 50;
const LIST: &str = "/operator/deliveries";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    webhook: String,
    state: String,
    after: String,
}

pub async fn index(visit: Visit, asked: Query<Asked>) -> Page {
    let state = DELIVERY_STATES.into_iter().find(|one| *one == asked.state).unwrap_or("");
    let (who, webhook, after) = (user_id(&visit)?, asked.webhook.clone(), asked.after.clone());
    let (webhooks, (found, next)) = visit
        .app
        .store
        .read(move |db| {
            let webhooks = using::webhooks(db, &who)?;
            Ok((webhooks, using::deliveries(db, &who, (&webhook, state), &after, PAGE)?))
        })
        .await?;
    let of = ("webhook", asked.webhook.as_str());
    let page = pages::List {
        webhooks: webhooks.into_iter().map(receiver).collect(),
        states: choices(LIST, "state", &[&[""][..], &DELIVERY_STATES].concat(), state, &[of]),
        rows: found.into_iter().map(|one| row(&one)).collect(),
        turn: turn(LIST, &[of, ("state", state)], next, &asked.after),
    };
    Ok(visit.html(|frame| pages::deliveries(frame, &page)))
}

fn receiver(one: Webhook) -> pages::Webhook {
    let (state, since) = match (&one.disabled, one.failing_since) {
        (Some((at, reason)), _) => {
            let state = match reason.as_str() {
                "requested" => "requested",
                "gone" => "gone",
                _ => "failed",
            };
            (state, Some(*at))
        }
        (None, Some(at)) => ("failing", Some(at)),
        (None, None) => ("works", None),
    };
    pages::Webhook { id: one.id, url: one.url, state, since }
}

fn row(one: &Sent) -> pages::Row {
    let (it, event) = (&one.delivery, one.event.as_ref());
    pages::Row {
        id: it.id,
        webhook_id: it.webhook_id.clone(),
        url: one.url.clone(),
        event: event.map(|event| event.kind.clone()),
        subject: event.map_or_else(|| it.webhook_id.clone(), |event| event.subject.clone()),
        state: it.state.clone(),
        attempts: it.attempts,
        due_at: it.due_at,
        status: it.status,
        error: it.error.clone(),
        created_at: it.created_at,
        ended_at: it.ended_at,
    }
}

pub async fn show(visit: Visit, id: Path<String>, came: Query<Came>) -> Page {
    let page = pages::Page { is_done: came.done.is_some(), ..page(&visit, number(&id, "delivery")?).await? };
    Ok(visit.html(|frame| pages::delivery(frame, &page)))
}

async fn page(visit: &Visit, id: i64) -> Result<pages::Page> {
    let who = user_id(visit)?;
    let found = visit.app.store.read(move |db| using::delivery(db, &who, id)).await?;
    let body = found.event.as_ref().map(|event| serde_json::to_string_pretty(&usecase::feed::envelope(event)));
    Ok(pages::Page {
        row: row(&found),
        body: body.transpose()?.unwrap_or_else(|| "{}".to_owned()),
        is_done: false,
        is_behind: false,
    })
}

pub async fn redeliver(visit: Visit, id: Path<String>, _form: Form) -> Page {
    let (by, id, now) = (visit.signed_in()?.as_operator(), number(&id, "delivery")?, visit.now);
    match visit.app.store.write(move |tx| using::redeliver(tx, &by, id, now)).await {
        Ok(()) => Ok(see_other(format!("{LIST}/{id}?done=1"))),
        Err(Error::Conflict(_)) => {
            let page = pages::Page { is_behind: true, ..page(&visit, id).await? };
            Ok(visit.html_with(StatusCode::CONFLICT, |frame| pages::delivery(frame, &page)))
        }
        Err(cause) => Err(cause.into()),
    }
}

/// Sends to a webhook again that was disabled.
pub async fn enable(visit: Visit, id: Path<String>, _form: Form) -> Page {
    let (by, id, now) = (visit.signed_in()?.as_operator(), id.into_inner(), visit.now);
    visit.app.store.write(move |tx| using::enable_webhook(tx, &by, &id, now)).await?;
    Ok(see_other(LIST))
}
