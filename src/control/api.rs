//! The control API: JSON in and out (interfaces, section 4).

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, Query};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::scene::Usage;
use super::{Slot, Stage, Target, Unmoved, moment, span, stage, told};
use crate::jobs;
use crate::simulator::{Error, FaultKind, Pairs, Policy, Purchase, Sent};
use crate::usecase;

type Shared = Data<OnceLock<Stage>>;

/// How long an order may take to settle before the answer says how it stands.
const PATIENCE: Duration = Duration::from_secs(20);
/// Calls that a list shows when it is not told otherwise.
const CALLS: u32 = 100;

/// What this API offers, for machines.
pub const OPENAPI: &str = include_str!("openapi.json");

/// A problem document (RFC 9457) with a stable `code`, as the gateway's own API answers.
fn problem(status: StatusCode, code: &str) -> HttpResponse {
    problem_with(status, code, None)
}

fn problem_with(status: StatusCode, code: &str, detail: Option<&str>) -> HttpResponse {
    let mut body = json!({
        "type": format!("urn:marketgate:problem:{code}"),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "code": code,
    });
    if let Some(detail) = detail {
        body["detail"] = detail.into();
    }
    HttpResponse::build(status).content_type("application/problem+json").body(body.to_string())
}

fn refused(cause: &Error) -> HttpResponse {
    match cause {
        Error::NotFound(what) => problem(StatusCode::NOT_FOUND, &format!("no_such_{what}")),
        Error::Refused(code) => problem(StatusCode::CONFLICT, code),
        other => {
            tracing::error!(%other, "control failed");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "internal")
        }
    }
}

fn answer(result: Result<Value, Error>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(cause) => refused(&cause),
    }
}

/// Runs what may wait for the other side on a thread that may wait.
async fn blocking(slot: Shared, work: impl FnOnce(&Stage) -> Result<Value, Error> + Send + 'static) -> HttpResponse {
    let slot: Slot = slot.into_inner();
    let result = web::block(move || work(stage(&slot)?)).await;
    answer(result.unwrap_or_else(|cause| Err(Error::Internal(cause.to_string()))))
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, serde_json::Error> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
}

fn malformed(why: &dyn std::fmt::Display) -> HttpResponse {
    problem_with(StatusCode::BAD_REQUEST, "malformed", Some(&why.to_string()))
}

/// Billing items by key; figures may be numbers or texts.
fn pairs(items: Map<String, Value>) -> Option<Pairs> {
    items
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => Some((key, text)),
            Value::Number(number) => Some((key, number.to_string())),
            _ => None,
        })
        .collect()
}

pub async fn state(slot: Shared) -> HttpResponse {
    blocking(slot, |stage| told::state(&stage.market)).await
}

pub async fn clock(slot: Shared) -> HttpResponse {
    blocking(slot, |stage| Ok(json!({ "now": told::instant(stage.now()) }))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: Option<String>,
    to: Option<String>,
}

pub async fn advance(slot: Shared, body: Bytes) -> HttpResponse {
    let wanted: Advance = match parse(&body) {
        Ok(wanted) => wanted,
        Err(cause) => return malformed(&cause),
    };
    let slot: Slot = slot.into_inner();
    let moved = web::block(move || {
        let stage = stage(&slot).map_err(|cause| Unmoved::Failed(cause.to_string()))?;
        let to = match (wanted.advance.as_deref().map(span), wanted.to.as_deref().map(moment)) {
            (Some(Some(ms)), None) => Target::After(ms),
            (None, Some(Some(to))) => Target::At(to),
            _ => return Ok(None),
        };
        stage.advance(to).map(Some)
    })
    .await;
    match moved {
        Ok(Ok(Some(moved))) => HttpResponse::Ok()
            .json(json!({ "now": told::instant(moved.now), "ran": moved.ran, "failed": moved.failed })),
        Ok(Ok(None)) => malformed(&"give {\"advance\":\"2h\"} or {\"to\":\"2026-12-01T00:00:00+08:00\"}"),
        Ok(Err(Unmoved::Busy)) => problem(StatusCode::CONFLICT, "another_advance_is_running"),
        Ok(Err(Unmoved::Backwards)) => problem(StatusCode::CONFLICT, "forward_only"),
        Ok(Err(Unmoved::TooFar)) => problem(StatusCode::BAD_REQUEST, "too_far"),
        Ok(Err(Unmoved::Failed(cause))) => {
            tracing::error!(cause, "the clock was not moved");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "internal")
        }
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    account: String,
    product: String,
    plan: String,
    #[serde(default)]
    trial: bool,
    #[serde(default)]
    items: Map<String, Value>,
    expires_on: Option<String>,
}

/// Buys without clicking; answers when provisioning has settled.
pub async fn buy(slot: Shared, body: Bytes) -> HttpResponse {
    let order: Order = match parse(&body) {
        Ok(order) => order,
        Err(cause) => return malformed(&cause),
    };
    let expires_at = match order.expires_on.as_deref().map(moment) {
        Some(None) => return problem(StatusCode::BAD_REQUEST, "expires_on"),
        other => other.flatten(),
    };
    let Some(items) = pairs(order.items) else { return problem(StatusCode::BAD_REQUEST, "items") };
    blocking(slot, move |stage| {
        let purchase = Purchase {
            account: order.account,
            product: order.product,
            plan: order.plan,
            is_trial: order.trial,
            items,
            expires_at,
            form_id: None,
        };
        let (instance, order) = stage.market.buy_and_wait(&purchase, PATIENCE)?;
        Ok(json!({ "instance_id": instance.id, "order_id": order.id, "state": instance.state }))
    })
    .await
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Change {
    order: Option<String>,
    expires_on: Option<String>,
    plan: Option<String>,
    items: Map<String, Value>,
    refund: bool,
    request_id: Option<String>,
}

/// The other calls of the marketplace; answers after the gateway did.
pub async fn change(slot: Shared, path: Path<(String, String)>, body: Bytes) -> HttpResponse {
    let (id, change) = path.into_inner();
    let wanted: Change = match parse(&body) {
        Ok(wanted) => wanted,
        Err(cause) => return malformed(&cause),
    };
    let expires_at = match wanted.expires_on.as_deref().map(moment) {
        Some(None) => return problem(StatusCode::BAD_REQUEST, "expires_on"),
        other => other.flatten(),
    };
    let Some(items) = pairs(wanted.items) else { return problem(StatusCode::BAD_REQUEST, "items") };
    blocking(slot, move |stage| {
        let market = &stage.market;
        let sent: Sent = match change.as_str() {
            "renew" => market.renew(&id, wanted.order.as_deref(), expires_at)?,
            "refund-renew" => market.refund_renew(&id, expires_at)?,
            "upgrade" => market.upgrade(&id, wanted.plan.as_deref(), &items)?,
            "expire" => market.expire(&id)?,
            "release" => market.release(&id, wanted.refund)?,
            "pay" => market.pay(&id, wanted.request_id.as_deref())?,
            _ => return Err(Error::NotFound("change")),
        };
        Ok(json!({ "call_id": sent.call_id, "status": sent.status, "reply": sent.reply }))
    })
    .await
}

/// Every bill of an instance.
pub async fn bills(slot: Shared, id: Path<String>) -> HttpResponse {
    blocking(slot, move |stage| told::bills(&stage.market, &id)).await
}

/// What the marketplace does where its documents are silent.
pub async fn policy(slot: Shared) -> HttpResponse {
    blocking(slot, |stage| Ok(json!(stage.market.policy()?))).await
}

pub async fn set_policy(slot: Shared, body: Bytes) -> HttpResponse {
    let policy: Policy = match parse(&body) {
        Ok(policy) => policy,
        Err(cause) => return malformed(&cause),
    };
    blocking(slot, move |stage| {
        stage.market.set_policy(policy)?;
        Ok(json!(policy))
    })
    .await
}

pub async fn login_url(slot: Shared, id: Path<String>) -> HttpResponse {
    blocking(slot, move |stage| Ok(json!({ "url": stage.market.login_url(&id)? }))).await
}

/// Back to the seed.
pub async fn reset(slot: Shared) -> HttpResponse {
    blocking(slot, |stage| Ok(json!({ "now": told::instant(stage.reset()?) }))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Binding {
    instance: String,
    user: String,
    organization: String,
}

/// Binds without a browser.
pub async fn bind(slot: Shared, body: Bytes) -> HttpResponse {
    let wanted: Binding = match parse(&body) {
        Ok(wanted) => wanted,
        Err(cause) => return malformed(&cause),
    };
    blocking(slot, move |stage| stage.bind(&wanted.instance, &wanted.user, &wanted.organization)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    organization: Option<String>,
    instance: Option<String>,
    item: String,
    quantity: Value,
    time: Option<String>,
}

/// Tells the gateway of usage, by its public API. What the gateway refuses is refused here, too.
pub async fn use_up(slot: Shared, body: Bytes) -> HttpResponse {
    let used: Used = match parse(&body) {
        Ok(used) => used,
        Err(cause) => return malformed(&cause),
    };
    let at = match used.time.as_deref().map(moment) {
        Some(None) => return problem(StatusCode::BAD_REQUEST, "time"),
        other => other.flatten(),
    };
    let Used { organization, instance, item, quantity, .. } = used;
    let slot: Slot = slot.into_inner();
    let usage = Usage { organization, instance, item, quantity, at };
    let told = web::block(move || stage(&slot)?.use_up(&usage)).await;
    match told.unwrap_or_else(|cause| Err(Error::Internal(cause.to_string()))) {
        Ok(told) if told["status"] != 200 => {
            problem_with(StatusCode::UNPROCESSABLE_ENTITY, "usage_refused", Some(&told["reply"].to_string()))
        }
        told => answer(told),
    }
}

pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(OPENAPI)
}

pub async fn faults(slot: Shared) -> HttpResponse {
    blocking(slot, |stage| Ok(json!({ "faults": stage.market.faults()?.iter().map(told::fault).collect::<Vec<_>>() })))
        .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    action: String,
    kind: String,
    #[serde(default = "one")]
    count: u32,
    delay_ms: Option<u64>,
}

const fn one() -> u32 {
    1
}

pub async fn add_fault(slot: Shared, body: Bytes) -> HttpResponse {
    let fault: Fault = match parse(&body) {
        Ok(fault) => fault,
        Err(cause) => return malformed(&cause),
    };
    let Some(kind) = FaultKind::parse(&fault.kind) else { return problem(StatusCode::BAD_REQUEST, "kind") };
    if fault.count == 0 {
        return problem(StatusCode::BAD_REQUEST, "count");
    }
    blocking(slot, move |stage| {
        Ok(told::fault(&stage.market.add_fault(&fault.action, kind, fault.count, fault.delay_ms)?))
    })
    .await
}

#[derive(Deserialize)]
pub struct Which {
    id: Option<i64>,
}

/// One fault, or all of them.
pub async fn remove_faults(slot: Shared, which: Query<Which>) -> HttpResponse {
    blocking(slot, move |stage| Ok(json!({ "removed": stage.market.remove_faults(which.id)? }))).await
}

/// Makes the gateway look now for everything that never arrived, and settle it.
pub async fn sweep(slot: Shared) -> HttpResponse {
    let failed = |cause: crate::error::Error| Error::Internal(cause.to_string());
    blocking(slot, move |stage| {
        let ran = jobs::sweep(&stage.ours()?.app).map_err(failed)?;
        Ok(json!({ "ran": ran.ran, "failed": ran.failed }))
    })
    .await
}

/// What waits for an operator's eye at the gateway, newest first.
pub async fn alarms(slot: Shared) -> HttpResponse {
    let failed = |cause: crate::error::Error| Error::Internal(cause.to_string());
    blocking(slot, move |stage| {
        let alarms = stage.ours()?.app.store.read_blocking(usecase::alarm::list_open).map_err(failed)?;
        Ok(json!({ "alarms": alarms.iter().map(told::alarm).collect::<Vec<_>>() }))
    })
    .await
}

#[derive(Deserialize)]
pub struct WhichCalls {
    limit: Option<u32>,
    format: Option<String>,
}

/// Every raw request and answer, newest first; with `format=ndjson` all that are kept, oldest first, one a line, as a
/// file that `marketgate replay` reads.
pub async fn calls(slot: Shared, which: Query<WhichCalls>) -> HttpResponse {
    match which.format.as_deref() {
        None | Some("json") => {}
        Some("ndjson") => return call_log(slot).await,
        Some(_) => return problem(StatusCode::BAD_REQUEST, "format"),
    }
    let limit = which.limit.unwrap_or(CALLS).min(1_000);
    blocking(slot, move |stage| {
        let (calls, total) = stage.market.calls(limit)?;
        Ok(json!({ "calls": calls.iter().map(told::call).collect::<Vec<_>>(), "total": total }))
    })
    .await
}

async fn call_log(slot: Shared) -> HttpResponse {
    let slot: Slot = slot.into_inner();
    let log = web::block(move || {
        let (calls, _) = stage(&slot)?.market.calls(u32::MAX)?;
        Ok(calls.iter().rev().fold(String::new(), |log, call| log + &told::call(call).to_string() + "\n"))
    })
    .await
    .unwrap_or_else(|cause| Err(Error::Internal(cause.to_string())));
    match log {
        Ok(log) => HttpResponse::Ok()
            .content_type("application/x-ndjson")
            .insert_header(("content-disposition", "attachment; filename=\"calls.ndjson\""))
            .body(log),
        Err(cause) => refused(&cause),
    }
}
