//! The provisioning URL: every word of the marketplace arrives here.

use std::time::Instant as Moment;

use actix_web::http::header::LOCATION;
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::{error, measure, visit};
use crate::app::App;
use crate::clock::Instant;
use crate::config::{Product, Seller};
use crate::domain::api_key::USE_NOTED_EVERY_MS;
use crate::error::Error;
use crate::market::call::{Action, Call, MAX_BODY_BYTES, Malformed};
use crate::market::reply::{AppInfo, Reply};
use crate::usecase::isv_key;
use crate::usecase::provision::{self, Received};

/// The routes' pattern, and their places in the table.
pub const PATH: &str = "/marketplace/{seller}/spi";
const GET_PLACE: usize = 0;
const POST_PLACE: usize = 1;

/// A call as it comes in.
struct Came<'a> {
    request: &'a HttpRequest,
    request_id: String,
    now: Instant,
    stopwatch: Moment,
}

/// One call, with an id and counted.
pub async fn call(app: Data<App>, seller: Path<String>, request: HttpRequest, payload: Payload) -> HttpResponse {
    // How long a call takes is about this machine, not about the time of day.
    let (stopwatch, now) = (Moment::now(), app.now());
    let came = Came { request: &request, request_id: measure::new_id(&app, &request, now), now, stopwatch };
    let mut answer = answer(&app, &seller, &came, payload).await;
    measure::set_id(answer.headers_mut(), &came.request_id);
    let place = if *request.method() == actix_web::http::Method::POST { POST_PLACE } else { GET_PLACE };
    app.metrics.answered(place, answer.status().as_u16(), stopwatch.elapsed());
    answer
}

pub async fn method_not_allowed(app: Data<App>, request: HttpRequest) -> HttpResponse {
    app.metrics.refused.add("method_not_allowed", "refused");
    let mut answer = error::spi(Reply::method_not_allowed());
    measure::set_id(answer.headers_mut(), &measure::new_id(&app, &request, app.now()));
    app.metrics.answered(usize::MAX, answer.status().as_u16(), std::time::Duration::ZERO);
    answer
}

/// The marketplace's browsers and servers share one URL; `verify` is a browser and goes to the landing.
async fn answer(app: &Data<App>, seller: &str, came: &Came<'_>, payload: Payload) -> HttpResponse {
    let request = came.request;
    let Some(seller) = app.config.seller(seller) else {
        app.metrics.refused.add("unknown_seller", "refused");
        return error::spi(Reply { status: 404, body: r#"{"error":"unknown_seller"}"#.to_owned() });
    };
    let body = match form_body(request, payload).await {
        Ok(body) => body,
        Err(why) => return turned_away(app, seller, came, why.code(), "", Reply::malformed(why)),
    };
    let call = match Call::parse(request.query_string().as_bytes(), body.as_deref()) {
        Ok(call) => call,
        Err(why) => return turned_away(app, seller, came, why.code(), "", Reply::malformed(why)),
    };
    if !is_signed(app, &seller.id, &call, came.now) {
        return turned_away(app, seller, came, "invalid_token", &call.redacted_json(), Reply::invalid_token());
    }
    let action = match call.action() {
        Ok(action) => action,
        Err(why) => return turned_away(app, seller, came, why.code, &call.redacted_json(), Reply::refused(why)),
    };
    if matches!(action, Action::Verify(_)) {
        let target = format!("/marketplace/{}/login?{}", seller.id, request.query_string());
        return HttpResponse::SeeOther()
            .insert_header((LOCATION, target))
            .insert_header(("referrer-policy", "no-referrer"))
            .finish();
    }
    let (now, kind) = (came.now, action.kind());
    let received = Received {
        seller_id: seller.id.clone(),
        is_sold_here: is_sold_here(seller, &action),
        is_plan_known: is_plan_known(seller, &action),
        is_asked: app.config.asks(seller),
        action,
        params: call.redacted_json(),
        is_free_form: call.has_free_form(),
        app_info: app_info(app, seller),
        guide: guide(app),
        received_at: now,
        stopwatch: came.stopwatch,
        request_id: came.request_id.clone(),
    };
    let about = (seller.id.clone(), received.action.instance_id().to_owned());
    match app.store.write_reserved(move |tx| provision::receive(tx, &received, now)).await {
        Ok((reply, verdict)) => {
            app.metrics.calls.add(kind, verdict.as_str());
            error::spi(reply)
        }
        Err(cause) => {
            error::log(&cause, &came.request_id);
            app.metrics.calls.add(kind, "lost");
            app.missed.note(about);
            error::spi(if matches!(cause, Error::Busy) { Reply::busy() } else { Reply::internal() })
        }
    }
}

/// Whether one of the seller's keys in force signed it; now and then notes which one.
pub(super) fn is_signed(app: &Data<App>, seller_id: &str, call: &Call, now: Instant) -> bool {
    let keyring = app.keyring.load();
    let Some(key) = keyring.seller(seller_id).and_then(|ring| ring.signer(|keys| call.signer(keys))) else {
        return false;
    };
    if key.is_to_be_noted(now, USE_NOTED_EVERY_MS) {
        let (app, seller_id, mark) = (app.clone(), seller_id.to_owned(), key.mark.clone());
        // Nobody waits for it, and what cannot be written now is written with a later call.
        actix_web::rt::spawn(async move {
            if let Err(cause) = app.store.write(move |tx| isv_key::note_use(tx, &seller_id, &mark, now)).await {
                tracing::debug!(%cause, "a use of a key was not noted");
            }
        });
    }
    true
}

async fn form_body(request: &HttpRequest, payload: Payload) -> Result<Option<Bytes>, Malformed> {
    if request.method() != actix_web::http::Method::POST {
        return Ok(None);
    }
    match payload.to_bytes_limited(MAX_BODY_BYTES).await {
        Ok(Ok(bytes)) => Ok(Some(bytes)),
        _ => Err(Malformed::TooLarge),
    }
}

fn is_sold_here(seller: &Seller, action: &Action) -> bool {
    match action {
        Action::Create(create) => seller.products.iter().any(|product| product.code == create.product_code),
        _ => true,
    }
}

/// A plan that is not configured is provisioned all the same, and flagged (rules B4).
fn is_plan_known(seller: &Seller, action: &Action) -> bool {
    let lists = |product: &Product, code: &str| product.plans.iter().any(|plan| plan.sku == code);
    match action {
        Action::Create(create) => seller
            .products
            .iter()
            .filter(|product| product.code == create.product_code)
            .all(|product| lists(product, &create.plan_code)),
        Action::Upgrade { plan_code, .. } => seller.products.iter().any(|product| lists(product, plan_code)),
        _ => true,
    }
}

/// What the buyer's console shows. Name and password are text that points to 免登: a listing review wants
/// them filled, and there is no password to give.
fn app_info(app: &App, seller: &Seller) -> AppInfo {
    let front =
        if app.config.brand.login_url.is_empty() { app.url("/login") } else { app.config.brand.login_url.clone() };
    AppInfo {
        front_end_url: Some(front),
        admin_url: Some(app.url("/orgs")),
        username: Some("请点击「免登」进入 (use the login-free link)".to_owned()),
        password: Some("无需密码，请点击「免登」 (no password needed)".to_owned()),
        auth_url: Some(app.url(&format!("/marketplace/{}/login", seller.id))),
    }
}

fn guide(app: &App) -> (String, String) {
    let docs = if app.config.brand.docs_url.is_empty() {
        String::new()
    } else {
        format!("文档：{}。", app.config.brand.docs_url)
    };
    (
        "使用指南".to_owned(),
        format!(
            "点击「免登」进入 {}，登录或注册后选择您管理的组织，点击「确认绑定」即可使用。{docs}支持：{}",
            app.config.brand.name, app.config.brand.support
        ),
    )
}

/// Answers what cannot be accepted, and keeps a sample of it: one per address and second (rules B4).
fn turned_away(
    app: &Data<App>,
    seller: &Seller,
    came: &Came<'_>,
    code: &'static str,
    params: &str,
    reply: Reply,
) -> HttpResponse {
    app.metrics.refused.add(code, "refused");
    let address = visit::address(app, came.request);
    tracing::info!(request = came.request_id, seller = seller.id, code, from = address, "refused a call");
    if app.limits.refused_sample.check(&address).is_ok() {
        let (app, seller_id, params, now) = (app.clone(), seller.id.clone(), params.to_owned(), came.now);
        let request_id = came.request_id.clone();
        actix_web::rt::spawn(async move {
            let kept = app
                .store
                .write(move |tx| {
                    let refused = provision::Refused {
                        seller_id: &seller_id,
                        code,
                        params: &params,
                        address: &address,
                        received_at: now,
                        request_id: &request_id,
                    };
                    provision::keep_refused(tx, &refused)
                })
                .await;
            if let Err(cause) = kept {
                tracing::debug!(%cause, "a refused call was not kept");
            }
        });
    }
    error::spi(reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::ROUTES;

    #[test]
    fn the_hot_path_knows_its_places_in_the_table() {
        assert_eq!((ROUTES[GET_PLACE].path, ROUTES[GET_PLACE].method.as_str()), (PATH, "GET"));
        assert_eq!((ROUTES[POST_PLACE].path, ROUTES[POST_PLACE].method.as_str()), (PATH, "POST"));
    }
}
