//! The gate in front of every page: session, access, cross-site defence, headers, and errors as pages.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};

use super::RouteSpec;
use super::error::{self, ApiError, PageError};
use super::measure;
use super::visit::{self, Jar, Visit};
use crate::app::{App, Left, VERSION};
use crate::config::OperatorTotp;
use crate::crypto;
use crate::domain::api_key::USE_NOTED_EVERY_MS;
use crate::domain::session::{self as rule, Access, Verdict};
use crate::error::Error;
use crate::usecase::{self, ApiKey};

/// Lets a request for a page through to its handler, or answers it here.
pub async fn page(
    specs: Vec<&'static RouteSpec>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let (Some(app), Some(site)) =
        (request.app_data::<web::Data<App>>().cloned(), request.app_data::<web::Data<visit::Site>>().cloned())
    else {
        return Err(PageError(Error::internal("no App")).into());
    };
    let visit = Visit::begin(app, site, request.request());
    if let Err(cause) = visit.app.limits.pages_by_address.check(&visit.address) {
        let (request, _) = request.into_parts();
        return Ok(finish(&visit, request, error::page(&visit, &cause)));
    }
    let is_totp_required = visit.app.config.accounts.operator_totp == OperatorTotp::Required;
    let session = match Visit::secret(&visit.app, request.request(), Jar::Session) {
        Some(secret) => {
            let hash = crypto::digest(secret.as_bytes());
            usecase::session::resume(&visit.app.store, &hash, &visit.request_id, is_totp_required, visit.now)
        }
        None => Ok(None),
    };
    let (request, session) = match session {
        Ok(session) => (request, session),
        Err(cause) => {
            let (request, _) = request.into_parts();
            return Ok(finish(&visit, request, error::page(&visit, &cause)));
        }
    };
    let visit = visit.with_session(session);
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let access = specs.iter().find(|spec| spec.method == method).map_or(Access::None, |spec| spec.access);
    if let Some(answer) = turn_away(&visit, access, request.request()) {
        let (request, _) = request.into_parts();
        return Ok(finish(&visit, request, answer));
    }
    usecase::session::touch(&visit.app.store, visit.session.as_ref(), visit.now).await;
    request.extensions_mut().insert(visit.clone());
    let response = next.call(request).await?;
    let (request, response) = response.into_parts();
    let response = match response.error().and_then(actix_web::Error::as_error::<PageError>) {
        Some(PageError(cause)) => error::page(&visit, cause),
        None if response.error().is_some() && response.status().is_client_error() => {
            error::page(&visit, &Error::NotFound("page"))
        }
        None => response.map_into_boxed_body(),
    };
    Ok(finish(&visit, request, response))
}

/// The answer of the gate itself, if the request may not pass.
fn turn_away(visit: &Visit, access: Access, request: &HttpRequest) -> Option<HttpResponse> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read && is_cross_site(&visit.app, request) {
        return Some(error::page(visit, &Error::Forbidden("cross_site")));
    }
    let facts = visit.session.as_ref().map(usecase::session::Session::facts);
    // A form cannot be repeated by a redirect: the person goes on at the page that showed it.
    // One with a token in its address keeps that to itself, and shows the same form.
    let has_token = request.match_pattern().is_some_and(|path| path.ends_with("{token}"));
    let back =
        if is_read || has_token { visit.path.clone() } else { referer_path(request).unwrap_or_else(|| "/".to_owned()) };
    let next = form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>();
    match rule::admit(access, facts, visit.now) {
        Verdict::Enter => None,
        Verdict::SignIn => Some(visit::see_other(format!("/login?next={next}"))),
        Verdict::StepUp => Some(visit::see_other(format!("/login/confirm?next={next}"))),
        Verdict::SetUp => Some(visit::see_other("/me/security/totp")),
        Verdict::Forbidden => Some(error::page(visit, &Error::Forbidden("operators_only"))),
    }
}

/// Whether a request that changes something was not started by a page of ours: `Origin` has to be the public one, port
/// included (rules A6). Forms carry a token as well.
fn is_cross_site(app: &App, request: &HttpRequest) -> bool {
    let site = visit::header(request, "sec-fetch-site");
    if !matches!(site, "" | "same-origin" | "none") {
        return true;
    }
    match visit::header(request, "origin") {
        // The landing keeps its address from everybody (no-referrer), and so the browser keeps its origin. Its own form
        // carries a seal; the other one that its page has is about the language and needs the browser's word.
        "" | "null" if request.path().starts_with("/marketplace/") => false,
        "null" if request.path() == "/preferences" => site != "same-origin",
        origin => origin != app.config.public_url,
    }
}

fn referer_path(request: &HttpRequest) -> Option<String> {
    let referer = url::Url::parse(visit::header(request, "referer")).ok()?;
    let path = referer.path();
    visit::local_path(path).map(str::to_owned)
}

/// Cookies, headers, and the one log line.
fn finish(visit: &Visit, request: HttpRequest, mut response: HttpResponse) -> ServiceResponse<BoxBody> {
    for cookie in visit.take_cookies() {
        if let Err(cause) = response.add_cookie(&cookie) {
            tracing::error!(%cause, "a cookie could not be set");
        }
    }
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if !headers.contains_key(&name)
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    };
    let path = request.match_pattern().unwrap_or_default();
    set(header::CONTENT_SECURITY_POLICY, &content_policy(&visit.app));
    if path.contains("{token}") {
        // The address is a secret: not even our own log of static files hears it. Forms still tell our origin.
        set(header::REFERRER_POLICY, "strict-origin");
    }
    let status = response.status();
    tracing::info!(request = visit.request_id, method = %request.method(), route = path, status = status.as_u16(), from = visit.address, ms = visit.app.now().since_ms(visit.now), "page");
    ServiceResponse::new(request, response)
}

/// No inline script or style. Forms may lead on to the vendor's product, because browsers apply
/// `form-action` to the redirects after a form too.
fn content_policy(app: &App) -> String {
    let entry = app
        .config
        .product_entry
        .as_ref()
        .and_then(|entry| url::Url::parse(&entry.url).ok())
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {entry}"
    )
}

/// The gate of the API: request id, errors as problem+json, no cookies.
pub async fn api(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Err(ApiError(Error::internal("no App")).into());
    };
    let (started, request_id) = (app.now(), measure::id(&app, request.request(), app.now()));
    let key = super::api::key(&app, request.request());
    let rate = count(&app, request.request(), key.as_ref());
    if let (Ok(key), Some((_, Ok(_)))) = (&key, &rate) {
        note_use(&app, key).await;
    }
    let (request, response) = match rate {
        Some((_, Err(left))) => {
            let (request, _) = request.into_parts();
            (request, error::problem(&Error::TooMany { retry_after_secs: left.reset_secs }, &request_id))
        }
        _ if key.as_ref().is_err_and(|cause| matches!(cause, Error::SignIn))
            && super::takes_key(request.method(), &request.match_pattern().unwrap_or_default()) =>
        {
            // Before anything else of the request is looked at.
            let (request, _) = request.into_parts();
            (request, error::problem(&Error::SignIn, &request_id))
        }
        _ => next.call(request).await?.map_into_boxed_body().into_parts(),
    };
    let mut response = match response.error() {
        Some(cause) => match cause.as_error::<ApiError>() {
            Some(ApiError(cause)) => error::problem(cause, &request_id),
            None if response.status() == StatusCode::PAYLOAD_TOO_LARGE => error::problem(&Error::TooLarge, &request_id),
            None => error::problem(&Error::invalid("body", "malformed"), &request_id),
        },
        None => response,
    };
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some((policy, Ok(left) | Err(left))) = rate {
        set("ratelimit-policy", &format!("\"{policy}\";q={};w={}", left.most, left.period_secs));
        set("ratelimit", &format!("\"{policy}\";r={};t={}", left.remaining, left.reset_secs));
    }
    if key.is_ok() {
        set("x-marketgate-version", VERSION);
    }
    tracing::info!(request = request_id, method = %request.method(), route = request.match_pattern().unwrap_or_default(), status = response.status().as_u16(), since = started.ms(), "api");
    Ok(ServiceResponse::new(request, response))
}

/// Counts a call of the API: for its key, and where there is none for its address. The policy's name and what is left of
/// it, as draft-ietf-httpapi-ratelimit-headers has them; `None`: the key cannot be looked up now.
fn count(app: &App, request: &HttpRequest, key: Result<&ApiKey, &Error>) -> Option<(&'static str, Result<Left, Left>)> {
    match key {
        Ok(key) if request.path() == "/api/v1/usage" => Some(("usage", app.limits.usage_by_key.take(&key.id))),
        Ok(key) => Some(("api", app.limits.api_by_key.take(&key.id))),
        Err(Error::SignIn) => Some(("address", app.limits.pages_by_address.take(&visit::address(app, request)))),
        Err(_) => None,
    }
}

/// Notes that a key is used, now and then; what cannot be written now is noted with a later call.
async fn note_use(app: &App, key: &ApiKey) {
    let now = app.now();
    if key.last_used_at.is_some_and(|at| now.since_ms(at) < USE_NOTED_EVERY_MS) {
        return;
    }
    let Some(_turn) = app.noting.begin(&key.id) else { return };
    let id = key.id.clone();
    if let Err(cause) = app.store.write(move |tx| usecase::api_key::note_use(tx, &id, now)).await {
        tracing::debug!(%cause, "a use of a key was not noted");
    }
}
