//! One visit: who asks, in which language, from which browser. Made by the gate, taken by handlers.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION, REFRESH};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use maud::Markup;
use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::error::PageError;
use crate::app::App;
use crate::clock::Instant;
use crate::crypto;
use crate::domain::network;
use crate::domain::second_factor::HALF_MS;
use crate::domain::session::{self as rule, Access, Kind};
use crate::domain::value::Lang;
use crate::error::Error;
use crate::usecase::session::Session;
use crate::view;

/// The result of a handler that speaks to people.
pub type Page = Result<HttpResponse, PageError>;

/// Longest local path that is followed after signing in.
const MAX_NEXT: usize = 512;
/// Seconds after which a page that advances asks again.
const REFRESH_SECS: &str = "2";

/// Cookies. Over https they carry the `__Host-` prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jar {
    /// The session's secret.
    Session,
    /// The secret of somebody half signed in: grants nothing.
    Half,
    /// Names the browser: holds its claims and seeds its form tokens; grants nothing by itself.
    Browser,
    Lang,
    Theme,
}

impl Jar {
    const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-mg_session",
            (Self::Session, false) => "mg_session",
            (Self::Half, true) => "__Host-mg_half",
            (Self::Half, false) => "mg_half",
            (Self::Browser, true) => "__Host-mg_browser",
            (Self::Browser, false) => "mg_browser",
            (Self::Lang, true) => "__Host-mg_lang",
            (Self::Lang, false) => "mg_lang",
            (Self::Theme, true) => "__Host-mg_theme",
            (Self::Theme, false) => "mg_theme",
        }
    }

    const fn life(self) -> CookieDuration {
        match self {
            Self::Session => CookieDuration::days(14),
            Self::Half => CookieDuration::milliseconds(HALF_MS),
            Self::Browser | Self::Lang | Self::Theme => CookieDuration::days(365),
        }
    }
}

/// What pages say of the installation, made once.
pub struct Site {
    brand_zh: view::Brand,
    brand_en: view::Brand,
    zone: view::Zone,
    /// Of the program, as operators see it.
    release: String,
}

impl Site {
    pub fn new(app: &App) -> Self {
        let brand = &app.config.brand;
        let with_note = |note: &str| view::Brand {
            name: brand.name.clone(),
            support: brand.support.clone(),
            docs_url: some(&brand.docs_url),
            login_url: some(&brand.login_url),
            terms_url: some(&brand.terms_url),
            privacy_url: some(&brand.privacy_url),
            logo_url: None,
            invoice_note: some(note),
        };
        Self {
            release: format!("Marketgate {}", crate::app::Release::this().line()),
            brand_zh: with_note(&brand.invoice_zh),
            brand_en: with_note(&brand.invoice_en),
            zone: view::Zone::china(),
        }
    }
}

pub struct Inner {
    pub app: web::Data<App>,
    site: web::Data<Site>,
    pub now: Instant,
    pub session: Option<Session>,
    pub lang: Lang,
    pub theme: Option<view::Theme>,
    pub request_id: String,
    pub address: String,
    pub user_agent: String,
    /// Path and query as asked for; never that of `/marketplace/*`, which carries a token.
    pub path: String,
    is_landing: bool,
    /// Of the organization that the page is about.
    zone: RefCell<Option<view::Zone>>,
    browser: RefCell<Option<String>>,
    cookies: RefCell<Vec<Cookie<'static>>>,
}

/// Cheap to clone; lives as long as its request.
#[derive(Clone)]
pub struct Visit(Rc<Inner>);

impl std::ops::Deref for Visit {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Visit {
    pub(super) fn begin(app: web::Data<App>, site: web::Data<Site>, request: &HttpRequest) -> Self {
        let now = app.now();
        let is_https = app.config.is_https();
        let cookie = |jar: Jar| request.cookie(jar.name(is_https)).map(|cookie| cookie.value().to_owned());
        let path = request.uri().path_and_query().map_or("/", |text| text.as_str());
        let path = if request.path().starts_with("/marketplace/") || request.path().starts_with("/password/reset/") {
            "/"
        } else {
            path
        };
        Self(Rc::new(Inner {
            now,
            session: None,
            lang: cookie(Jar::Lang).and_then(|tag| Lang::parse(&tag)).unwrap_or_else(|| accepted_language(request)),
            theme: cookie(Jar::Theme).and_then(|text| view::Theme::parse(&text)),
            request_id: super::measure::id(&app, request, now),
            address: address(&app, request),
            user_agent: header(request, "user-agent").chars().take(200).collect(),
            path: path.to_owned(),
            is_landing: request.path().starts_with("/marketplace/"),
            zone: RefCell::new(None),
            browser: RefCell::new(cookie(Jar::Browser)),
            cookies: RefCell::new(Vec::new()),
            site,
            app,
        }))
    }

    /// The same visit with the session that its cookie names. Only the gate calls it, before anybody holds a clone.
    pub(super) fn with_session(self, session: Option<Session>) -> Self {
        match Rc::try_unwrap(self.0) {
            Ok(inner) => Self(Rc::new(Inner { session, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// The same visit after its session has ended, for the page that says so.
    pub fn as_nobody(&self) -> Self {
        Self(Rc::new(Inner {
            app: self.app.clone(),
            site: self.site.clone(),
            now: self.now,
            session: None,
            lang: self.lang,
            theme: self.theme,
            request_id: self.request_id.clone(),
            address: self.address.clone(),
            user_agent: self.user_agent.clone(),
            path: "/".to_owned(),
            is_landing: false,
            zone: RefCell::new(None),
            browser: RefCell::new(self.browser.borrow().clone()),
            cookies: RefCell::new(Vec::new()),
        }))
    }

    /// The secret that a request's cookie holds.
    pub(super) fn secret(app: &App, request: &HttpRequest, jar: Jar) -> Option<String> {
        request.cookie(jar.name(app.config.is_https())).map(|cookie| cookie.value().to_owned())
    }

    /// The session; a route that takes one always has it.
    pub fn signed_in(&self) -> Result<&Session, PageError> {
        self.session.as_ref().ok_or(PageError(Error::SignIn))
    }

    /// The browser's name, made on first need.
    pub fn browser(&self) -> String {
        if let Some(browser) = self.browser.borrow().as_ref() {
            return browser.clone();
        }
        let fresh = self.app.chance.token();
        self.set_browser(&fresh);
        fresh
    }

    /// The browser's name if it has told one.
    pub fn known_browser(&self) -> Option<String> {
        self.browser.borrow().clone()
    }

    pub fn set_browser(&self, name: &str) {
        *self.browser.borrow_mut() = Some(name.to_owned());
        self.set_cookie(Jar::Browser, name);
    }

    pub fn browser_hash(&self) -> Option<[u8; 32]> {
        self.known_browser().map(|name| crypto::digest(name.as_bytes()))
    }

    /// The token that each form carries: of this browser, and of the session that the form was shown to (rules A6).
    pub fn csrf(&self) -> String {
        self.csrf_of(&self.browser())
    }

    fn csrf_of(&self, browser: &str) -> String {
        let session = self.session.as_ref().map_or("", |session| &session.id);
        crypto::hex(&self.app.keys.mac("csrf", &[browser.as_bytes(), session.as_bytes()]))
    }

    pub(super) fn is_csrf(&self, token: &str) -> bool {
        self.known_browser().is_some_and(|browser| crypto::same(self.csrf_of(&browser).as_bytes(), token.as_bytes()))
    }

    pub fn set_cookie(&self, jar: Jar, value: &str) {
        let is_https = self.app.config.is_https();
        let cookie = Cookie::build(jar.name(is_https), value.to_owned())
            .path("/")
            .http_only(true)
            .secure(is_https)
            .same_site(SameSite::Lax)
            .max_age(jar.life())
            .finish();
        self.add_cookie(cookie);
    }

    pub fn drop_cookie(&self, jar: Jar) {
        let is_https = self.app.config.is_https();
        let mut cookie = Cookie::build(jar.name(is_https), "")
            .path("/")
            .http_only(true)
            .secure(is_https)
            .same_site(SameSite::Lax)
            .finish();
        cookie.make_removal();
        self.add_cookie(cookie);
    }

    pub(super) fn add_cookie(&self, cookie: Cookie<'static>) {
        let mut cookies = self.cookies.borrow_mut();
        cookies.retain(|other| other.name() != cookie.name());
        cookies.push(cookie);
    }

    pub(super) fn take_cookies(&self) -> Vec<Cookie<'static>> {
        std::mem::take(&mut self.cookies.borrow_mut())
    }

    /// The page tells time in this zone; one that does not exist (any more) changes nothing.
    pub(super) fn set_zone(&self, name: &str) {
        *self.zone.borrow_mut() = view::Zone::named(name);
    }

    /// Makes a page in this visit's frame.
    pub fn draw(&self, page: impl FnOnce(&view::Frame<'_>) -> Markup) -> Markup {
        // The landing names no browser: two tabs of a fresh one would get two names (rules A2).
        let csrf = if self.is_landing && self.known_browser().is_none() { String::new() } else { self.csrf() };
        let zone = self.zone.borrow();
        page(&view::Frame {
            lang: self.lang,
            theme: self.theme,
            zone: zone.as_ref().unwrap_or(&self.site.zone),
            brand: match self.lang {
                Lang::Zh => &self.site.brand_zh,
                Lang::En => &self.site.brand_en,
            },
            signed_in: self.session.as_ref().map(|session| view::Who {
                name: &session.user_name,
                email: &session.email,
                is_via_marketplace: session.kind == Kind::Marketplace,
                is_operator: session.is_operator && session.kind == Kind::Full,
            }),
            csrf: &csrf,
            path: &self.path,
            request_id: &self.request_id,
            version: super::assets::version(),
            release: &self.site.release,
        })
    }

    pub fn html(&self, page: impl FnOnce(&view::Frame<'_>) -> Markup) -> HttpResponse {
        self.html_with(StatusCode::OK, page)
    }

    pub fn html_with(&self, status: StatusCode, page: impl FnOnce(&view::Frame<'_>) -> Markup) -> HttpResponse {
        HttpResponse::build(status).content_type("text/html; charset=utf-8").body(self.draw(page).into_string())
    }

    /// A page that asks again by itself until it has something new to say.
    pub fn html_that_advances(&self, page: impl FnOnce(&view::Frame<'_>) -> Markup) -> HttpResponse {
        let mut response = self.html(page);
        response.headers_mut().insert(REFRESH, HeaderValue::from_static(REFRESH_SECS));
        response
    }

    /// Where the person goes who was signed in with a password; a login-free session counts as nobody here.
    pub fn user_id(&self) -> Option<&str> {
        let session = self.session.as_ref()?;
        let is_full = rule::admit(Access::Full, Some(session.facts()), self.now) == rule::Verdict::Enter;
        is_full.then_some(session.user_id.as_str())
    }
}

impl FromRequest for Visit {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let visit = request.extensions().get::<Self>().cloned();
        ready(visit.ok_or_else(|| PageError(Error::internal("a page route without its gate"))))
    }
}

/// Goes on there with GET. What cannot stand in a header, such as a line break in an id that somebody made up, is escaped.
pub fn see_other(path: impl AsRef<str>) -> HttpResponse {
    const UNFIT: &AsciiSet = &percent_encoding::CONTROLS.add(b' ');
    let path = utf8_percent_encode(path.as_ref(), UNFIT).to_string();
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// A local path to continue at; anything else is not followed.
#[must_use]
pub fn local_path(text: &str) -> Option<&str> {
    let is_plain = text.len() <= MAX_NEXT
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    is_plain.then_some(text)
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The client's address, as far as trusted proxies tell it.
pub(super) fn address(app: &App, request: &HttpRequest) -> String {
    let Some(peer) = request.peer_addr().map(|peer| peer.ip()) else { return String::new() };
    let by = app.config.forwarded_by;
    // A line that is no text ends the walk as an unreadable hop does.
    let lines: Vec<&str> =
        request.headers().get_all(by.header()).map(|line| line.to_str().unwrap_or_default()).collect();
    network::client(peer, lines.into_iter(), by, &app.config.trusted_proxies).to_string()
}

/// Whether a trusted proxy passes this request on.
pub(super) fn is_from_proxy(app: &App, request: &HttpRequest) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip());
    peer.is_some_and(|peer| app.config.trusted_proxies.iter().any(|network| network.contains(peer)))
}

/// The first language of `Accept-Language` that we speak; Chinese otherwise.
fn accepted_language(request: &HttpRequest) -> Lang {
    header(request, "accept-language")
        .split(',')
        .find_map(|part| Lang::parse(part.split(';').next().unwrap_or_default().trim()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_are_followed() {
        assert_eq!(local_path("/claim/clm_1?x=1"), Some("/claim/clm_1?x=1"));
        for bad in [
            "",
            "claim",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/\u{1}",
            "javascript:alert(1)",
        ] {
            assert_eq!(local_path(bad), None, "{bad}");
        }
    }
}
