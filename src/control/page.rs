//! The control pages: the same as the API, by hand.

use std::sync::OnceLock;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::LOCATION;
use actix_web::web::{self, Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::view::{self, Facts};
use super::{Slot, Stage, Target, Unmoved, moment, span, stage, told, tour};
use crate::simulator::{Error, FaultKind, Policy, Visit};

type Shared = Data<OnceLock<Stage>>;

/// Calls that the page shows.
const CALLS: u32 = 100;

/// Runs what may wait for the other side on a thread that may wait.
async fn on_stage<T: Send + 'static>(
    slot: Shared,
    work: impl FnOnce(&Stage) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let slot: Slot = slot.into_inner();
    web::block(move || work(stage(&slot)?)).await.unwrap_or_else(|e| Err(Error::Internal(e.to_string())))
}

/// Back to the page, which says what was not done.
fn back<T>(outcome: Result<T, Error>) -> HttpResponse {
    let place = match outcome {
        Ok(_) => "/control".to_owned(),
        Err(Error::Refused(code)) => format!("/control?refused={code}"),
        Err(Error::NotFound(_)) => "/control?refused=not_found".to_owned(),
        Err(cause) => {
            tracing::error!(%cause, "control failed");
            "/control?refused=internal".to_owned()
        }
    };
    HttpResponse::SeeOther().insert_header((LOCATION, place)).finish()
}

fn not_ready(cause: &Error) -> HttpResponse {
    tracing::warn!(%cause, "control has no page");
    HttpResponse::ServiceUnavailable().finish()
}

fn html(page: maud::Markup) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.into_string())
}

#[derive(Deserialize)]
pub struct Options {
    refused: Option<String>,
}

pub async fn show(request: HttpRequest, slot: Shared, options: Query<Options>) -> HttpResponse {
    let facts = on_stage(slot.clone(), |stage| {
        let market = &stage.market;
        let gateway = stage.ours().ok().map(|ours| (ours.app.url(""), ours.scene.password.clone()));
        let seen = (market.faults()?, market.policy()?, market.instances(None)?, market.calls(CALLS)?);
        Ok((stage.now(), gateway, seen))
    })
    .await;
    let (now, gateway, (faults, policy, instances, (calls, call_count))) = match facts {
        Ok(facts) => facts,
        Err(cause) => return not_ready(&cause),
    };
    let shown = slot.get().and_then(|stage| Some((&stage.market.catalogue, Visit::of(&request, &stage.market)?)));
    let Some((catalogue, visit)) = shown else { return HttpResponse::ServiceUnavailable().finish() };
    let facts = Facts {
        now,
        faults: &faults,
        policy,
        instances: &instances,
        catalogue,
        calls: &calls,
        call_count,
        tour: request.cookie(tour::COOKIE).and_then(|cookie| tour::step(cookie.value())),
        gateway: gateway.as_ref().map(|(gateway, password)| tour::Ours { gateway, password }),
        refused: options.refused.as_deref(),
    };
    html(view::page(&visit, &facts))
}

#[derive(Deserialize)]
pub struct Advance {
    advance: Option<String>,
    to: Option<String>,
}

/// The form always sends its date; a button, if one was pressed, is meant instead.
pub async fn advance(slot: Shared, form: Form<Advance>) -> HttpResponse {
    let moved = on_stage(slot, move |stage| {
        let to = match (&form.advance, &form.to) {
            (Some(by), _) => span(by).map(Target::After),
            (None, Some(to)) => moment(to).map(Target::At),
            (None, None) => None,
        };
        stage.advance(to.ok_or(Error::Refused("malformed"))?).map_err(|why| match why {
            Unmoved::Busy => Error::Refused("busy"),
            Unmoved::Backwards => Error::Refused("backwards"),
            Unmoved::TooFar => Error::Refused("too_far"),
            Unmoved::Failed(cause) => Error::Internal(cause),
        })
    })
    .await;
    back(moved)
}

#[derive(Deserialize)]
pub struct NewFault {
    action: String,
    kind: String,
    count: u32,
    delay_ms: Option<String>,
}

pub async fn add_fault(slot: Shared, form: Form<NewFault>) -> HttpResponse {
    let added = on_stage(slot, move |stage| {
        let kind = FaultKind::parse(&form.kind).ok_or(Error::Refused("malformed"))?;
        let delay_ms = form.delay_ms.as_deref().filter(|text| !text.is_empty());
        let delay_ms = delay_ms.map(str::parse).transpose().map_err(|_| Error::Refused("malformed"))?;
        stage.market.add_fault(&form.action, kind, form.count, delay_ms)
    })
    .await;
    back(added)
}

#[derive(Deserialize)]
pub struct OldFault {
    id: i64,
}

pub async fn remove_fault(slot: Shared, form: Form<OldFault>) -> HttpResponse {
    back(on_stage(slot, move |stage| stage.market.remove_faults(Some(form.id))).await)
}

/// A box that is not ticked sends nothing.
pub async fn set_policy(slot: Shared, policy: Form<Policy>) -> HttpResponse {
    back(on_stage(slot, move |stage| stage.market.set_policy(*policy)).await)
}

#[derive(Deserialize)]
pub struct Act {
    id: String,
    what: String,
}

/// What happens to an instance that no button of the buyer's console brings about.
pub async fn act(slot: Shared, form: Form<Act>) -> HttpResponse {
    let done = on_stage(slot, move |stage| {
        let (market, id) = (&stage.market, form.id.as_str());
        match form.what.as_str() {
            "renew" => market.renew(id, None, None),
            "expire" => market.expire(id),
            "pay" => market.pay(id, None),
            "release" => market.release(id, false),
            "release_refunded" => market.release(id, true),
            _ => Err(Error::Refused("malformed")),
        }
    })
    .await;
    back(done)
}

/// Back to the seed, and to the first step for whoever takes the tour.
pub async fn reset(request: HttpRequest, slot: Shared) -> HttpResponse {
    let mut response = back(on_stage(slot, Stage::reset).await);
    if request.cookie(tour::COOKIE).is_some() {
        remember(&mut response, Some(1));
    }
    response
}

#[derive(Deserialize)]
pub struct Turn {
    step: String,
}

/// To a step of the tour; to none of them: its end.
pub async fn tour(form: Form<Turn>) -> HttpResponse {
    let mut response = back(Ok(()));
    remember(&mut response, tour::step(&form.step));
    response
}

fn remember(response: &mut HttpResponse, step: Option<u8>) {
    let mut cookie = Cookie::build(tour::COOKIE, step.unwrap_or_default().to_string())
        .path("/control")
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish();
    if step.is_none() {
        cookie.make_removal();
    }
    // Fails only for a cookie that is no header's text, which a digit is.
    let _added = response.add_cookie(&cookie);
}

/// Mails as a page, or as JSON for programs.
pub async fn mails(request: HttpRequest, slot: Shared) -> HttpResponse {
    let mails = match on_stage(slot.clone(), |stage| stage.mails().ok_or(Error::NotFound("gateway"))).await {
        Ok(mails) => mails,
        Err(Error::NotFound(_)) => return HttpResponse::NotFound().json(json!({ "error": "no_such_gateway" })),
        Err(cause) => return not_ready(&cause),
    };
    let accept = request.headers().get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/html") {
        return HttpResponse::Ok().json(json!({ "mails": mails.iter().map(told::mail).collect::<Vec<_>>() }));
    }
    match slot.get().and_then(|stage| Visit::of(&request, &stage.market)) {
        Some(visit) => html(view::mails(&visit, &mails)),
        None => HttpResponse::ServiceUnavailable().finish(),
    }
}
