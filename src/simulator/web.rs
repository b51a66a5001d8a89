//! The simulator's listener: pages, their forms, and whatever else is mounted on it.

use std::collections::HashMap;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, Form, Path, Query, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use maud::Markup;
use tokio::sync::oneshot;

use super::catalogue::{Account, Terms};
use super::deal::Purchase;
use super::market::Market;
use super::store::{Instance, OrderKind, State};
use super::view::{self, Ask, Row};
use super::words::words;
use super::{Error, Routes, receive, statement};
use crate::domain::value::Lang;
use crate::market::openapi::verify::Received;
use crate::view::Theme;

const ACCOUNT: &str = "sim_account";
const LANG: &str = "sim_lang";
const THEME: &str = "sim_theme";
/// How long a browser remembers a choice.
const REMEMBER_DAYS: i64 = 400;

/// What every request knows beside the market.
#[derive(Debug, Clone)]
pub struct Site {
    pub static_version: String,
    pub has_control: bool,
}

/// A part of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Product,
    Services,
    Bills,
    Control,
}

impl Section {
    /// Where a change of the buyer account leads: what the page showed may belong to the former one.
    pub fn after_switch(self, path: &str) -> &str {
        match self {
            Self::Services => "/console/services",
            _ => path,
        }
    }
}

/// Who looks, and how.
pub struct Visit<'a> {
    pub lang: Lang,
    pub theme: Option<Theme>,
    pub account: &'a Account,
    pub accounts: &'a [Account],
    pub has_control: bool,
    /// Of the page, where it can be asked for with GET.
    pub path: String,
    pub version: String,
    first_product: &'a str,
}

impl<'a> Visit<'a> {
    /// Reads the cookies of a request.
    pub fn of(request: &HttpRequest, market: &'a Market) -> Option<Self> {
        let cookie = |name: &str| request.cookie(name).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
        let accounts = &market.catalogue.accounts;
        let site = request.app_data::<Data<Site>>()?;
        let is_get = request.method() == Method::GET;
        Some(Self {
            lang: Lang::parse(&cookie(LANG)).unwrap_or_default(),
            theme: Theme::parse(&cookie(THEME)),
            account: market.catalogue.account(&cookie(ACCOUNT)).or_else(|| accounts.first())?,
            accounts,
            has_control: site.has_control,
            path: if is_get { request.uri().path_and_query().map(ToString::to_string) } else { None }
                .unwrap_or_else(|| "/console/services".into()),
            version: site.static_version.clone(),
            first_product: &market.catalogue.products.first()?.code,
        })
    }

    #[must_use]
    pub fn product_href(&self) -> String {
        format!("/products/{}", self.first_product)
    }

    /// A page of `control`, which is mounted on this listener.
    #[must_use]
    pub fn control_page(&self, title: &str, content: &Markup) -> Markup {
        view::page(self, Some(Section::Control), title, content)
    }
}

/// Serves the pages on a thread of their own until told to stop.
pub fn serve(
    market: Arc<Market>,
    site: Site,
    routes: Routes,
    listeners: Vec<TcpListener>,
) -> Result<(JoinHandle<()>, oneshot::Sender<()>), Error> {
    let (market, site) = (Data::from(market), Data::new(site));
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("marketplace-web".into()).spawn(move || {
        let outcome = actix_web::rt::System::new().block_on(async move {
            let mut server = HttpServer::new(move || {
                let routes = Arc::clone(&routes);
                App::new()
                    .app_data(market.clone())
                    .app_data(site.clone())
                    .wrap(from_fn(guard))
                    .configure(configure)
                    .configure(move |config| routes(config))
                    .default_service(web::to(lost))
            })
            .workers(1)
            .disable_signals()
            .shutdown_timeout(2);
            for listener in listeners {
                server = server.listen(listener)?;
            }
            let server = server.run();
            let handle = server.handle();
            actix_web::rt::spawn(async move {
                // The other end is dropped only together with the whole simulator.
                let _ = stopped.await;
                handle.stop(true).await;
            });
            server.await
        });
        if let Err(e) = outcome {
            tracing::error!(error = %e, "the simulator's listener ended");
        }
    })?;
    Ok((thread, stop))
}

fn configure(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(home))
        .route("/", web::post().to(api))
        .route("/products/{code}", web::get().to(show_product))
        .route("/products/{code}/open", web::get().to(ask_open))
        .route("/products/{code}/open", web::post().to(open))
        .route("/products/{code}/submitted", web::get().to(submitted))
        .route("/console/services", web::get().to(list_services))
        .route("/console/services/{id}", web::get().to(show_service))
        .route("/console/services/{id}/login", web::get().to(log_in))
        .route("/console/services/{id}/retry", web::post().to(retry))
        .route("/console/services/{id}/{ask}", web::get().to(ask_service))
        .route("/console/services/{id}/{ask}", web::post().to(change_service))
        .route("/console/bills", web::get().to(list_bills))
        .route("/account", web::post().to(switch_account))
        .route("/preferences", web::post().to(save_preferences));
}

/// Refuses forms of other sites; adds what every page carries.
async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if request.method() == Method::POST && !is_from_here(request.request()) {
        let (request, _) = request.into_parts();
        let answer = foreign(&request);
        return Ok(ServiceResponse::new(request, answer));
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/html")));
    let headers = response.headers_mut();
    if is_page {
        for (name, value) in PAGE_HEADERS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    Ok(response)
}

const PAGE_HEADERS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
];

/// Programs send no Origin; browsers always do with a POST.
fn is_from_here(request: &HttpRequest) -> bool {
    let text = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, of)| of == host),
        (Some(_), None) => false,
    }
}

fn foreign(request: &HttpRequest) -> HttpResponse {
    trouble(request, StatusCode::FORBIDDEN, |w| (w.foreign_title, w.foreign_note))
}

fn trouble(
    request: &HttpRequest,
    status: StatusCode,
    what: impl FnOnce(&super::words::Sim) -> (&'static str, &'static str),
) -> HttpResponse {
    let market = request.app_data::<Data<Market>>();
    let Some(visit) = market.and_then(|market| Visit::of(request, market)) else {
        return HttpResponse::new(status);
    };
    let (title, note) = what(words(visit.lang));
    page_with(status, &view::trouble(&visit, title, note))
}

fn page(markup: &Markup) -> HttpResponse {
    page_with(StatusCode::OK, markup)
}

fn page_with(status: StatusCode, markup: &Markup) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(markup.0.clone())
}

fn to(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

/// Answers with a page, or with the page that says why there is none.
fn answer(
    request: &HttpRequest,
    market: &Market,
    make: impl FnOnce(&Visit) -> Result<HttpResponse, Error>,
) -> HttpResponse {
    let outcome = Visit::of(request, market).ok_or(Error::NotFound("catalogue")).and_then(|visit| make(&visit));
    outcome.unwrap_or_else(|e| excuse(request, &e))
}

fn excuse(request: &HttpRequest, cause: &Error) -> HttpResponse {
    match cause {
        Error::NotFound(_) => trouble(request, StatusCode::NOT_FOUND, |w| (w.lost_title, w.lost_note)),
        Error::Refused(_) => trouble(request, StatusCode::CONFLICT, |w| (w.refused_title, w.refused_note)),
        other => {
            tracing::error!(error = %other, "the simulator cannot answer");
            trouble(request, StatusCode::INTERNAL_SERVER_ERROR, |w| (w.broken_title, w.broken_note))
        }
    }
}

async fn lost(request: HttpRequest) -> HttpResponse {
    excuse(&request, &Error::NotFound("page"))
}

// Product

async fn home(request: HttpRequest, market: Data<Market>) -> HttpResponse {
    if receive::is_asked(request.query_string(), text(&request, API_ACTION), "", &[]) {
        return api(request, market, Bytes::new()).await;
    }
    answer(&request, &market, |visit| Ok(to(&visit.product_href())))
}

const API_ACTION: &str = "x-acs-action";

fn text<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// The seller's own calls. They may be slowed down by a fault, so they wait elsewhere.
async fn api(request: HttpRequest, market: Data<Market>, body: Bytes) -> HttpResponse {
    let content_type = text(&request, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if !receive::is_asked(request.query_string(), text(&request, API_ACTION), content_type, &body) {
        return excuse(&request, &Error::NotFound("page"));
    }
    let (method, path) = (request.method().to_string(), request.path().to_owned());
    let query = request.query_string().to_owned();
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let answered = web::block(move || {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let host = headers.iter().find(|(name, _)| *name == "host").map_or("", |(_, host)| host);
        let received = Received { method: &method, path: &path, query: &query, headers: &headers, body: &body };
        market.receive(&received, host)
    })
    .await;
    let Ok(answer) = answered else { return HttpResponse::InternalServerError().finish() };
    match answer.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        Some(status) => HttpResponse::build(status).content_type(answer.content_type).body(answer.body),
        None => HttpResponse::Ok().body(Cut),
    }
}

/// A body that breaks off before its first byte, as a cut connection does.
struct Cut;

impl MessageBody for Cut {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(1)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}

#[derive(serde::Deserialize)]
struct Chosen {
    plan: Option<String>,
    account: Option<String>,
}

async fn show_product(
    request: HttpRequest,
    market: Data<Market>,
    code: Path<String>,
    chosen: Query<Chosen>,
) -> HttpResponse {
    answer(&request, &market, |visit| {
        let product = market.catalogue.product(&code).ok_or(Error::NotFound("product"))?;
        Ok(page(&view::product(visit, product, chosen.plan.as_deref())))
    })
}

async fn ask_open(
    request: HttpRequest,
    market: Data<Market>,
    code: Path<String>,
    chosen: Query<Chosen>,
) -> HttpResponse {
    answer(&request, &market, |visit| {
        open_page(visit, &market, &code, chosen.plan.as_deref(), chosen.account.as_deref(), false)
    })
}

fn open_page(
    visit: &Visit,
    market: &Market,
    code: &str,
    plan: Option<&str>,
    account: Option<&str>,
    is_refused: bool,
) -> Result<HttpResponse, Error> {
    let product = market.catalogue.product(code).ok_or(Error::NotFound("product"))?;
    let plan = plan.map_or_else(|| product.plans.first(), |sku| product.plan(sku)).ok_or(Error::NotFound("plan"))?;
    let account = account.map_or(Some(visit.account), |key| market.catalogue.account(key));
    let visit = Visit {
        account: account.ok_or(Error::NotFound("account"))?,
        path: visit.path.clone(),
        version: visit.version.clone(),
        ..*visit
    };
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(page_with(status, &view::open_dialog(&visit, product, plan, &market.fresh_id(), is_refused)))
}

#[derive(serde::Deserialize)]
struct OpenForm {
    plan: String,
    account: String,
    #[serde(default)]
    form: String,
    #[serde(default)]
    agree: String,
}

async fn open(request: HttpRequest, market: Data<Market>, code: Path<String>, form: Form<OpenForm>) -> HttpResponse {
    answer(&request, &market, |visit| {
        if form.agree.is_empty() {
            return open_page(visit, &market, &code, Some(&form.plan), Some(&form.account), true);
        }
        market.buy(&Purchase {
            account: form.account.clone(),
            product: code.clone(),
            plan: form.plan.clone(),
            form_id: Some(form.form.clone()).filter(|id| !id.is_empty()),
            ..Purchase::default()
        })?;
        let mut response = to(&format!("/products/{}/submitted", *code));
        remember(&mut response, ACCOUNT, &form.account)?;
        Ok(response)
    })
}

async fn submitted(request: HttpRequest, market: Data<Market>, code: Path<String>) -> HttpResponse {
    answer(&request, &market, |visit| {
        let product = market.catalogue.product(&code).ok_or(Error::NotFound("product"))?;
        Ok(page(&view::submitted_dialog(visit, product)))
    })
}

// Console

fn rows<'a>(market: &'a Market, instances: &'a [Instance]) -> Vec<Row<'a>> {
    instances.iter().map(|instance| row(market, instance)).collect()
}

fn row<'a>(market: &'a Market, instance: &'a Instance) -> Row<'a> {
    Row { instance, product: market.catalogue.product(&instance.product) }
}

/// An instance of the account that looks.
fn own(visit: &Visit, market: &Market, id: &str) -> Result<Instance, Error> {
    market.instance(id).and_then(|instance| {
        if instance.account == visit.account.key { Ok(instance) } else { Err(Error::NotFound("instance")) }
    })
}

async fn list_services(request: HttpRequest, market: Data<Market>) -> HttpResponse {
    answer(&request, &market, |visit| {
        let instances = market.instances(Some(&visit.account.key))?;
        let mut response = page(&view::services(visit, &rows(&market, &instances), market.now()));
        if instances.iter().any(|instance| instance.state == State::Opening) {
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("2"));
        }
        Ok(response)
    })
}

async fn show_service(request: HttpRequest, market: Data<Market>, id: Path<String>) -> HttpResponse {
    answer(&request, &market, |visit| {
        let instance = own(visit, &market, &id)?;
        Ok(page(&view::guide(visit, &row(&market, &instance), &market.orders(Some(&id))?)))
    })
}

/// 「免登」: a fresh link, and off to the other site.
async fn log_in(request: HttpRequest, market: Data<Market>, id: Path<String>) -> HttpResponse {
    answer(&request, &market, |visit| {
        let instance = own(visit, &market, &id)?;
        if instance.state != State::Opened {
            return Err(Error::Refused("not_opened"));
        }
        let mut response = to(&market.login_url(&id)?);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    })
}

async fn retry(request: HttpRequest, market: Data<Market>, id: Path<String>) -> HttpResponse {
    answer(&request, &market, |visit| {
        own(visit, &market, &id)?;
        market.reopen(&id)?;
        Ok(to("/console/services"))
    })
}

fn ask_of(path: &str) -> Result<Ask, Error> {
    match path {
        "enter" => Ok(Ask::Enter),
        "renew" => Ok(Ask::Renew),
        "upgrade" => Ok(Ask::Upgrade),
        "refund-renew" => Ok(Ask::RefundRenew),
        "release" => Ok(Ask::Release),
        _ => Err(Error::NotFound("page")),
    }
}

/// Whether the buyer may do that now.
fn check(market: &Market, ask: Ask, instance: &Instance) -> Result<(), Error> {
    let row = row(market, instance);
    let is_alive = matches!(instance.state, State::Opened | State::Expired);
    let may = match ask {
        Ask::Enter => row.has_login(),
        Ask::Upgrade => row.is_upgradable(),
        Ask::Renew => row.is_renewable(),
        Ask::RefundRenew => is_alive && view::refundable(&market.orders(Some(&instance.id))?).is_some(),
        Ask::Release => is_alive,
    };
    if may { Ok(()) } else { Err(Error::Refused("wrong_state")) }
}

async fn ask_service(request: HttpRequest, market: Data<Market>, path: Path<(String, String)>) -> HttpResponse {
    answer(&request, &market, |visit| {
        let (id, ask) = (&path.0, ask_of(&path.1)?);
        let instance = own(visit, &market, id)?;
        check(&market, ask, &instance)?;
        let all = market.instances(Some(&visit.account.key))?;
        let orders = market.orders(Some(id))?;
        let row = row(&market, &instance);
        Ok(page(&view::ask(visit, ask, &row, &orders, &rows(&market, &all), market.now())))
    })
}

/// The call to the seller is made before the answer, on a thread that may block.
async fn change_service(
    request: HttpRequest,
    market: Data<Market>,
    path: Path<(String, String)>,
    form: Form<HashMap<String, String>>,
) -> HttpResponse {
    let (id, ask) = path.into_inner();
    let may = Visit::of(&request, &market).ok_or(Error::NotFound("catalogue")).and_then(|visit| {
        let ask = ask_of(&ask)?;
        let instance = own(&visit, &market, &id)?;
        check(&market, ask, &instance)?;
        let terms = market.plan_of(&instance)?.terms;
        Ok((ask, matches!(terms, Terms::Prepay { .. })))
    });
    let (ask, is_prepaid) = match may {
        Ok(may) => may,
        Err(e) => return excuse(&request, &e),
    };
    let there = market.clone();
    let outcome = web::block(move || match ask {
        Ask::Enter => Err(Error::NotFound("page")),
        Ask::Renew => there.renew(&id, None, None),
        Ask::Upgrade => there.upgrade(&id, form.get("plan").map(String::as_str), &Vec::new()),
        Ask::RefundRenew => there.refund_renew(&id, None),
        Ask::Release => there.release(&id, is_prepaid),
    })
    .await;
    match outcome {
        Ok(Ok(_)) => to("/console/services"),
        Ok(Err(e)) => excuse(&request, &e),
        Err(e) => excuse(&request, &Error::Internal(e.to_string())),
    }
}

async fn list_bills(request: HttpRequest, market: Data<Market>) -> HttpResponse {
    answer(&request, &market, |visit| {
        let instances = market.instances(Some(&visit.account.key))?;
        let statements = market.statements(Some(&visit.account.key))?;
        let mut prepaid = market.orders(None)?;
        prepaid.retain(|order| {
            order.kind != OrderKind::Trial
                && order.price_fen > 0
                && instances.iter().any(|instance| instance.id == order.instance_id)
        });
        Ok(page(&statement::bills(visit, &market.catalogue, &statements, &prepaid)))
    })
}

// Who looks, and how

#[derive(serde::Deserialize)]
struct Switch {
    account: String,
    next: Option<String>,
}

async fn switch_account(request: HttpRequest, market: Data<Market>, form: Form<Switch>) -> HttpResponse {
    answer(&request, &market, |_| {
        let account = market.catalogue.account(&form.account).ok_or(Error::NotFound("account"))?;
        let mut response = to(here(form.next.as_deref()));
        remember(&mut response, ACCOUNT, &account.key)?;
        Ok(response)
    })
}

#[derive(serde::Deserialize)]
struct Preferences {
    lang: Option<String>,
    theme: Option<String>,
    next: Option<String>,
}

async fn save_preferences(request: HttpRequest, market: Data<Market>, form: Form<Preferences>) -> HttpResponse {
    answer(&request, &market, |_| {
        let mut response = to(here(form.next.as_deref()));
        if let Some(lang) = form.lang.as_deref().and_then(Lang::parse) {
            remember(&mut response, LANG, lang.tag())?;
        }
        if let Some(theme) = &form.theme {
            remember(&mut response, THEME, Theme::parse(theme).map_or("auto", Theme::as_str))?;
        }
        Ok(response)
    })
}

/// A path of this site; anything else becomes the list.
fn here(next: Option<&str>) -> &str {
    next.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']))
        .unwrap_or("/console/services")
}

fn remember(response: &mut HttpResponse, name: &'static str, value: &str) -> Result<(), Error> {
    let cookie = Cookie::build(name, value.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(actix_web::cookie::time::Duration::days(REMEMBER_DAYS))
        .finish();
    response.add_cookie(&cookie).map_err(|e| Error::Internal(e.to_string()))
}
