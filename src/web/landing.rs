//! The login-free entry: a GET that spends nothing, and the person's POST (rules A1, A2).

use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{HeaderName, HeaderValue, REFERRER_POLICY};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::error::PageError;
use super::form::SealedForm;
use super::visit::{Jar, Page, Visit, header, see_other};
use crate::clock::Instant;
use crate::config::Seller;
use crate::crypto;
use crate::error::Error;
use crate::market::call::{Action, Call};
use crate::market::enter::within_window;
use crate::usecase::landing;
use crate::view;

/// Names of the pre-ticket cookies begin so; each first GET of a browser adds one.
const PRE: &str = "mg_pre_";
/// The purpose that landing forms are sealed for.
const SEAL: &str = "landing";

/// What a landing form carries, sealed.
#[derive(Serialize, Deserialize)]
struct Ticket {
    seller: String,
    instance: String,
    /// SHA-256 of the link's token, in hexadecimal.
    token: String,
    stamp_ms: i64,
    shown_ms: i64,
}

fn seller<'a>(visit: &'a Visit, id: &str) -> Result<&'a Seller, PageError> {
    visit.app.config.seller(id).ok_or(PageError(Error::NotFound("page")))
}

fn window_ms(visit: &Visit) -> i64 {
    i64::from(visit.app.config.landing.window_secs) * 1000
}

/// Whether the link was made before this copy of the file was started: it may have been spent with the original (rules D2).
fn is_of_original(visit: &Visit, stamp: Instant) -> bool {
    visit.app.holds.gap().is_some_and(|(_, started)| stamp <= started)
}

/// Checks the link and shows the page that goes on by itself. Spends nothing: scanners and previews come here too.
pub async fn show(visit: Visit, id: Path<String>, request: HttpRequest) -> Page {
    let seller = seller(&visit, &id)?;
    visit.app.limits.landing_by_address.check(&visit.address)?;
    let invalid = || PageError(Error::Forbidden("link_invalid"));
    let call = Call::parse(request.query_string().as_bytes(), None).map_err(|_| invalid())?;
    if !super::spi::is_signed(&visit.app, &seller.id, &call, visit.now) {
        return Err(invalid());
    }
    let Ok(Action::Verify(entry)) = call.action() else { return Err(invalid()) };
    if within_window(entry.stamp, visit.now, window_ms(&visit)).is_err() || is_of_original(&visit, entry.stamp) {
        return Ok(private(expired_link(&visit, seller, entry.stamp)));
    }
    let ticket = Ticket {
        seller: seller.id.clone(),
        instance: entry.instance_id,
        token: crypto::hex(&crypto::digest(call.get("token").unwrap_or_default().to_lowercase().as_bytes())),
        stamp_ms: entry.stamp.ms(),
        shown_ms: visit.now.ms(),
    };
    let is_prefetch = header(&request, "sec-purpose").contains("prefetch") || !is_document(&request);
    if !is_prefetch && pre_cookies(&request).is_empty() {
        set_pre_cookie(&visit);
    }
    let text = serde_json::to_vec(&ticket).map_err(Error::from)?;
    let sealed = visit.app.keys.seal(SEAL, &text, &visit.app.chance);
    let page = view::landing::Entry { seller: seller.id.clone(), sealed: vec![("ticket".to_owned(), sealed)] };
    Ok(private(visit.html(|frame| view::landing::entry(frame, &page))))
}

/// The person's POST: spends the token once, opens or joins a claim, or enters.
pub async fn enter(visit: Visit, id: Path<String>, request: HttpRequest, form: SealedForm) -> Page {
    let seller = seller(&visit, &id)?;
    visit.app.limits.landing_by_address.check(&visit.address)?;
    let invalid = || PageError(Error::Forbidden("link_invalid"));
    if !is_document(&request) || header(&request, "sec-purpose").contains("prefetch") {
        return Err(invalid());
    }
    let text = visit.app.keys.open(SEAL, form.0.text("ticket")).ok_or_else(invalid)?;
    let ticket: Ticket = serde_json::from_slice(&text).map_err(|_| invalid())?;
    if ticket.seller != seller.id {
        return Err(invalid());
    }
    let window = window_ms(&visit);
    let is_late = within_window(Instant::from_ms(ticket.shown_ms), visit.now, window).is_err();
    if is_late || is_of_original(&visit, Instant::from_ms(ticket.stamp_ms)) {
        return Ok(private(expired_link(&visit, seller, Instant::from_ms(ticket.stamp_ms))));
    }
    let pre = pre_cookies(&request);
    let Some(first) = pre.first() else { return Err(PageError(Error::Forbidden("cookies_needed"))) };
    // Two tabs that opened one link at once agree on the browser's name, because it is made of the cookie that won.
    let candidates: Vec<String> =
        pre.iter().map(|value| crypto::hex(&visit.app.keys.mac("browser", &[value.as_bytes()]))).collect();
    let known = visit.known_browser();
    let browser = known.clone().unwrap_or_else(|| candidates.first().cloned().unwrap_or_else(|| first.clone()));
    let pre_hashes: Vec<[u8; 32]> = pre.iter().map(|value| crypto::digest(value.as_bytes())).collect();
    let claim_id = visit.app.chance.id("clm", visit.now);
    let spent_until = Instant::from_ms(ticket.stamp_ms).max(visit.now).plus_ms(2 * window);
    let token_hash = crypto::digest(ticket.token.as_bytes());
    let (now, user_id, browser_hash) =
        (visit.now, visit.user_id().map(str::to_owned), crypto::digest(browser.as_bytes()));
    let (seller_id, instance_id) = (ticket.seller.clone(), ticket.instance.clone());
    let is_asked = visit.app.config.asks(seller);
    let opened = visit
        .app
        .store
        .write(move |tx| {
            let enter = landing::Enter {
                seller_id: &seller_id,
                instance_id: &instance_id,
                token_hash: &token_hash,
                pre_hashes: &pre_hashes,
                browser_hash: &browser_hash,
                user_id: user_id.as_deref(),
                spent_until,
                new_claim_id: &claim_id,
                is_asked,
            };
            landing::enter(tx, &enter, now)
        })
        .await?;
    let Some(opened) = opened else {
        let page = view::landing::UsedLink { at: visit.now, marketplace_url: Some(seller.console_url.clone()) };
        return Ok(private(
            visit.html_with(actix_web::http::StatusCode::GONE, |frame| view::landing::used_link(frame, &page)),
        ));
    };
    if known.is_none() {
        // Joined through another tab's cookie: its name, not one of our own.
        let name = if opened.browser_hash == browser_hash {
            browser
        } else {
            candidates
                .into_iter()
                .find(|name| crypto::digest(name.as_bytes()) == opened.browser_hash[..])
                .unwrap_or(browser)
        };
        visit.set_browser(&name);
    }
    let answer = lead(&visit, &ticket, &opened.id).await?;
    Ok(private(answer))
}

/// Where the person goes: into the organization that is bound, or to the claim.
async fn lead(visit: &Visit, ticket: &Ticket, claim_id: &str) -> Page {
    let claim = format!("/claim/{claim_id}");
    let (seller_id, instance_id) = (ticket.seller.clone(), ticket.instance.clone());
    let user_id = visit.user_id().map(str::to_owned);
    let is_allowed = visit.app.config.accounts.passwordless_entry;
    let bound = visit
        .app
        .store
        .read(move |db| landing::entrant(db, &seller_id, &instance_id, user_id.as_deref(), is_allowed))
        .await?;
    match bound {
        landing::Bound::Not | landing::Bound::SignIn => Ok(see_other(claim)),
        landing::Bound::AsOneself { organization_id } => Ok(see_other(format!("/enter?org={organization_id}"))),
        landing::Bound::AsEntryUser { binding, role } => {
            let ((fresh, secret), browser_hash) = (super::session::fresh(visit), visit.browser_hash());
            let inside = format!("/enter?org={}", binding.organization_id);
            let (app, now) = (visit.app.clone(), visit.now);
            let is_half = visit
                .app
                .store
                .write(move |tx| {
                    let browser_hash = browser_hash.as_ref().map(|hash| &hash[..]);
                    let entry = landing::Entry { binding: &binding, role, browser_hash };
                    landing::begin_entry(tx, &super::session::mailer(&app), &fresh, &entry, now)
                })
                .await?;
            if is_half {
                visit.set_cookie(Jar::Half, &secret);
                return Ok(see_other(super::session::way("/login/totp", claim_id, Some(&inside))));
            }
            visit.set_cookie(Jar::Session, &secret);
            Ok(see_other(inside))
        }
    }
}

fn expired_link(visit: &Visit, seller: &Seller, stamp: Instant) -> HttpResponse {
    let page = view::landing::ExpiredLink {
        made_at: stamp,
        window_ms: window_ms(visit),
        at: visit.now,
        marketplace_url: Some(seller.console_url.clone()),
    };
    visit.html_with(actix_web::http::StatusCode::GONE, |frame| view::landing::expired_link(frame, &page))
}

/// A browser that says where its answer goes must mean a page of its own.
fn is_document(request: &HttpRequest) -> bool {
    matches!(header(request, "sec-fetch-dest"), "" | "document")
}

fn pre_cookies(request: &HttpRequest) -> Vec<String> {
    let cookies = request.cookies().map(|cookies| cookies.clone()).unwrap_or_default();
    cookies
        .iter()
        .filter(|cookie| cookie.name().trim_start_matches("__Host-").starts_with(PRE))
        .map(|cookie| cookie.value().to_owned())
        .collect()
}

fn set_pre_cookie(visit: &Visit) {
    let is_https = visit.app.config.is_https();
    let name =
        format!("{}{PRE}{}", if is_https { "__Host-" } else { "" }, &crypto::hex(&visit.app.chance.bytes::<4>()));
    let cookie = Cookie::build(name, visit.app.chance.token())
        .path("/")
        .http_only(true)
        .secure(is_https)
        .same_site(SameSite::Lax)
        .max_age(CookieDuration::milliseconds(2 * window_ms(visit)))
        .finish();
    visit.add_cookie(cookie);
}

/// The address that led here carries a token: nobody is told of it.
fn private(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    response
}
