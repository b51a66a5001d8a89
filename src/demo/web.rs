//! The demo product's listener.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use maud::Markup;
use serde::Deserialize;

use super::hook;
use super::view::{self, Outside};
use super::words::words;
use super::{Entrant, Product, Wanted};
use crate::domain::value::Lang;
use crate::view::{Brand, Frame, Who, Zone};

const SESSION: &str = "demo_session";
const STATE: &str = "demo_state";
const LANG: &str = "demo_lang";

pub fn serve(product: Arc<Product>, listener: TcpListener) -> std::io::Result<Server> {
    let assets = product.options.assets;
    let product = Data::from(product);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(product.clone())
            .configure(assets)
            .route("/", web::get().to(list))
            .route("/enter", web::get().to(enter))
            .route("/clusters/new", web::get().to(new))
            .route("/clusters", web::post().to(create))
            .route("/clusters/{id}/delete", web::post().to(delete))
            .route("/logout", web::post().to(logout))
            .route("/preferences", web::post().to(preferences))
            .route(hook::PATH, web::post().to(hear))
            .default_service(web::to(not_found))
    })
    .workers(1)
    .shutdown_timeout(2)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

fn lang(request: &HttpRequest) -> Lang {
    request.cookie(LANG).and_then(|cookie| Lang::parse(cookie.value())).unwrap_or_default()
}

fn entrant(product: &Product, request: &HttpRequest) -> Option<Entrant> {
    product.entrant(request.cookie(SESSION)?.value())
}

fn cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Lax).finish()
}

/// Draws a page in the frame of this request.
fn page(
    product: &Product,
    request: &HttpRequest,
    status: StatusCode,
    entrant: Option<&Entrant>,
    draw: impl FnOnce(&Frame<'_>, &Outside<'_>) -> Markup,
) -> HttpResponse {
    let options = &product.options;
    let brand = Brand { name: options.brand.clone(), support: options.support.clone(), ..Brand::default() };
    let zone = Zone::china();
    let frame = Frame {
        lang: lang(request),
        theme: None,
        zone: &zone,
        brand: &brand,
        signed_in: entrant.map(|entrant| Who {
            name: &entrant.name,
            email: &entrant.email,
            is_via_marketplace: false,
            is_operator: false,
        }),
        csrf: entrant.map_or("", |entrant| &entrant.csrf),
        path: "/",
        request_id: "",
        version: &options.static_version,
        release: "",
    };
    let markup = draw(&frame, &Outside { gateway: &options.gateway, market_url: &options.market_url });
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(("cache-control", "no-store"))
        .body(markup.into_string())
}

fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// To the gateway, which sends the person back with a one-time code.
fn ask_who(product: &Product) -> HttpResponse {
    let state = (product.options.token)();
    let mut response = see_other(&format!("{}/enter?state={state}", product.options.gateway));
    // A cookie of our own making always is one.
    let _ = response.add_cookie(&cookie(STATE, state));
    response
}

#[derive(Deserialize)]
struct Arrival {
    code: String,
    state: Option<String>,
}

/// The gateway's redirect. If we asked for it, it must answer what we asked.
async fn enter(product: Data<Product>, request: HttpRequest, arrival: Query<Arrival>) -> HttpResponse {
    let is_answer = match (request.cookie(STATE), &arrival.state) {
        (Some(asked), Some(state)) => asked.value() == state,
        (_, None) => true,
        (None, Some(_)) => false,
    };
    let (asked, code) = (product.clone(), arrival.code.clone());
    let secret = if is_answer { web::block(move || asked.exchange(&code)).await.unwrap_or(None) } else { None };
    let Some(secret) = secret else {
        let w = words(lang(&request));
        return page(&product, &request, StatusCode::BAD_GATEWAY, None, |frame, _| {
            view::stop(frame, w.not_now, w.not_now_lead, "/", w.again)
        });
    };
    let mut response = see_other("/");
    let _ = response.add_cookie(&cookie(SESSION, secret));
    let mut gone = cookie(STATE, String::new());
    gone.make_removal();
    let _ = response.add_cookie(&gone);
    response
}

/// How the session's organization stands, or the page that says that nobody knows.
async fn standing(
    product: &Data<Product>,
    request: &HttpRequest,
    entrant: &Entrant,
) -> Result<super::Organization, HttpResponse> {
    let (asked, id) = (product.clone(), entrant.organization_id.clone());
    web::block(move || asked.organization(&id)).await.unwrap_or(None).ok_or_else(|| {
        let w = words(lang(request));
        page(product, request, StatusCode::BAD_GATEWAY, None, |frame, _| {
            view::stop(frame, w.not_now, w.not_now_lead, "/", w.again)
        })
    })
}

async fn list(product: Data<Product>, request: HttpRequest) -> HttpResponse {
    let Some(entrant) = entrant(&product, &request) else { return ask_who(&product) };
    match standing(&product, &request, &entrant).await {
        Ok(organization) => {
            let clusters = product.clusters(&entrant.organization_id);
            page(&product, &request, StatusCode::OK, Some(&entrant), |frame, outside| {
                view::list(frame, outside, &entrant, &organization, &clusters)
            })
        }
        Err(answer) => answer,
    }
}

async fn new(product: Data<Product>, request: HttpRequest) -> HttpResponse {
    let Some(entrant) = entrant(&product, &request) else { return ask_who(&product) };
    match standing(&product, &request, &entrant).await {
        Ok(organization) => page(&product, &request, StatusCode::OK, Some(&entrant), |frame, outside| {
            view::new(
                frame,
                outside,
                &entrant,
                &organization,
                Wanted { is_free: !organization.can_pay(), ..Wanted::default() },
                None,
            )
        }),
        Err(answer) => answer,
    }
}

/// A form of this product: its fields, if it carries the session's token.
fn fields(entrant: &Entrant, body: &str) -> Option<Vec<(String, String)>> {
    let fields: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    fields.iter().any(|(name, value)| name == "csrf" && *value == entrant.csrf).then_some(fields)
}

fn text<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

async fn create(product: Data<Product>, request: HttpRequest, body: String) -> HttpResponse {
    let Some(entrant) = entrant(&product, &request) else { return ask_who(&product) };
    let Some(fields) = fields(&entrant, &body) else { return see_other("/clusters/new") };
    let organization = match standing(&product, &request, &entrant).await {
        Ok(organization) => organization,
        Err(answer) => return answer,
    };
    let wanted = Wanted {
        name: text(&fields, "name"),
        region: text(&fields, "region").parse().unwrap_or_default(),
        is_free: text(&fields, "plan") != "standard",
    };
    match product.create(&entrant.organization_id, &organization, wanted) {
        Ok(()) => see_other("/"),
        Err(refusal) => page(&product, &request, StatusCode::UNPROCESSABLE_ENTITY, Some(&entrant), |frame, outside| {
            view::new(frame, outside, &entrant, &organization, wanted, Some(refusal))
        }),
    }
}

async fn delete(product: Data<Product>, request: HttpRequest, id: Path<String>, body: String) -> HttpResponse {
    let Some(entrant) = entrant(&product, &request) else { return ask_who(&product) };
    if fields(&entrant, &body).is_some() {
        product.delete(&entrant.organization_id, &id);
    }
    see_other("/")
}

async fn logout(product: Data<Product>, request: HttpRequest, body: String) -> HttpResponse {
    let Some(entrant) = entrant(&product, &request) else { return see_other("/") };
    if fields(&entrant, &body).is_none() {
        return see_other("/");
    }
    if let Some(secret) = request.cookie(SESSION) {
        product.world().sessions.remove(secret.value());
    }
    let w = words(lang(&request));
    page(&product, &request, StatusCode::OK, None, |frame, _| view::stop(frame, w.signed_out, "", "/", w.enter))
}

async fn preferences(product: Data<Product>, request: HttpRequest, body: String) -> HttpResponse {
    let mut response = see_other("/");
    if let Some(fields) = entrant(&product, &request).and_then(|entrant| fields(&entrant, &body))
        && let Some(lang) = Lang::parse(text(&fields, "lang"))
    {
        let _ = response.add_cookie(&cookie(LANG, lang.tag().to_owned()));
    }
    response
}

/// An event: a request for a binding is confirmed, everything else only taken.
async fn hear(product: Data<Product>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signature = header("webhook-signature");
    if !product.is_signed(header("webhook-id"), header("webhook-timestamp"), signature, &body) {
        return HttpResponse::Unauthorized().finish();
    }
    match serde_json::from_slice::<Event>(&body) {
        Ok(event) if event.kind == "binding.requested" => {
            HttpResponse::Ok().json(serde_json::json!({ "confirmed": true }))
        }
        Ok(_) => HttpResponse::NoContent().finish(),
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
}

async fn not_found(product: Data<Product>, request: HttpRequest) -> HttpResponse {
    let w = words(lang(&request));
    page(&product, &request, StatusCode::NOT_FOUND, None, |frame, _| {
        view::stop(frame, w.not_found, w.not_found_lead, "/", w.clusters)
    })
}
