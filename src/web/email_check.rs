//! The code that was mailed to an address: typed by who registers, and by who confirms or changes their own (rules A7).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Query;
use serde::Deserialize;

use super::form::Form;
use super::session::{after, claim_in_hand, fresh, mailer, way};
use super::visit::{Jar, Page, Visit, local_path, see_other};
use crate::crypto;
use crate::domain::email_check::code;
use crate::domain::value::Email;
use crate::error::{Error, Result};
use crate::usecase;
use crate::usecase::email_check::{self, Ask, Purpose, Type, Typed};
use crate::usecase::second_factor::Person;
use crate::usecase::session::Begin;
use crate::view::email_check as pages;
use crate::view::parts::Problem;

#[derive(Deserialize, Default)]
pub struct Options {
    check: Option<String>,
    next: Option<String>,
    claim: Option<String>,
    /// Another code was mailed.
    again: Option<String>,
}

/// Where a code is typed.
#[derive(Clone, Copy, PartialEq)]
enum Desk {
    /// Whoever registers.
    Register,
    /// One's own address.
    Own,
}

impl Desk {
    const fn path(self) -> &'static str {
        match self {
            Self::Register => "/register",
            Self::Own => "/me/email",
        }
    }

    fn user_id(self, visit: &Visit) -> Result<Option<String>> {
        match self {
            Self::Register => Ok(None),
            Self::Own => Ok(Some(visit.session.as_ref().ok_or(Error::SignIn)?.user_id.clone())),
        }
    }
}

/// What every page of a check keeps.
struct Way {
    check: String,
    claim: String,
    next: Option<String>,
}

impl Way {
    fn of_form(form: &Form) -> Self {
        Self {
            check: form.text("check").to_owned(),
            claim: form.text("claim").to_owned(),
            next: local_path(form.text("next")).map(str::to_owned),
        }
    }

    fn to(&self, desk: Desk) -> String {
        let way = way(&format!("{}/code", desk.path()), &self.claim, self.next.as_deref());
        let mark = if way.contains('?') { '&' } else { '?' };
        format!("{way}{mark}check={}", form_urlencoded::byte_serialize(self.check.as_bytes()).collect::<String>())
    }
}

/// New users type a code here.
pub(super) fn is_checked(visit: &Visit) -> bool {
    use crate::config::Unverified;
    visit.app.is_mail_read && visit.app.config.accounts.unverified == Unverified::Refuse
}

/// Mails the code of a registration; where it is typed.
pub(super) async fn begin_registration(
    visit: &Visit,
    email: Email,
    (name, password_hash): (String, String),
    (claim, next): (String, Option<String>),
) -> Page {
    let id = visit.app.chance.id("chk", visit.now);
    let way = Way { check: id.clone(), claim, next };
    let (app, now, lang) = (visit.app.clone(), visit.now, visit.lang);
    let browser_hash = crypto::digest(visit.browser().as_bytes());
    visit
        .app
        .store
        .write(move |tx| {
            let ask = Ask {
                id: &id,
                browser_hash: &browser_hash,
                email: &email,
                code: &code(app.chance.bytes()),
                purpose: Purpose::Register { name: &name, password_hash: &password_hash },
                lang,
            };
            email_check::ask(tx, &mailer(&app), &ask, now)
        })
        .await?;
    Ok(see_other(way.to(Desk::Register)))
}

pub async fn show(visit: Visit, options: Query<Options>) -> Page {
    ask(&visit, Desk::Register, options.into_inner()).await
}

pub async fn show_own(visit: Visit, options: Query<Options>) -> Page {
    ask(&visit, Desk::Own, options.into_inner()).await
}

async fn ask(visit: &Visit, desk: Desk, options: Options) -> Page {
    let way = Way {
        check: options.check.unwrap_or_default(),
        claim: options.claim.unwrap_or_default(),
        next: options.next.as_deref().and_then(local_path).map(str::to_owned),
    };
    page(visit, StatusCode::OK, desk, &way, options.again.is_some(), vec![]).await
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    desk: Desk,
    way: &Way,
    is_again: bool,
    problems: Vec<Problem>,
) -> Page {
    let (check, user_id, browser_hash) = (way.check.clone(), desk.user_id(visit)?, visit.browser_hash());
    let email = visit
        .app
        .store
        .read(move |db| match browser_hash {
            Some(hash) => email_check::find(db, &check, &hash, user_id.as_deref()),
            None => Ok(None),
        })
        .await?;
    let Some(email) = email else { return Ok(anew(desk, way)) };
    let page = pages::Code {
        email,
        check: way.check.clone(),
        claim: claim_in_hand(visit, Some(&way.claim)).await?,
        next: way.next.clone(),
        is_own: desk == Desk::Own,
        is_again,
        problems,
    };
    Ok(visit.html_with(status, |frame| pages::code(frame, &page)))
}

/// Once more from the beginning; the claim stays.
fn anew(desk: Desk, way: &Way) -> HttpResponse {
    see_other(super::session::way(desk.path(), &way.claim, way.next.as_deref()))
}

/// Another code.
pub async fn resend(visit: Visit, form: Form) -> Page {
    send_again(&visit, Desk::Register, Way::of_form(&form)).await
}

pub async fn resend_own(visit: Visit, form: Form) -> Page {
    send_again(&visit, Desk::Own, Way::of_form(&form)).await
}

async fn send_again(visit: &Visit, desk: Desk, way: Way) -> Page {
    visit.app.limits.reset_by_address.check(&visit.address)?;
    let Some(browser_hash) = visit.browser_hash() else { return Ok(anew(desk, &way)) };
    let (app, now, lang, check, user_id) =
        (visit.app.clone(), visit.now, visit.lang, way.check.clone(), desk.user_id(visit)?);
    let sent = visit
        .app
        .store
        .write(move |tx| {
            let code = code(app.chance.bytes());
            let of = (check.as_str(), &browser_hash[..], user_id.as_deref());
            email_check::resend(tx, &mailer(&app), of, (&code, lang), now)
        })
        .await;
    match sent {
        Ok(()) => Ok(see_other(format!("{}&again=1", way.to(desk)))),
        Err(Error::Gone(_)) => Ok(anew(desk, &way)),
        Err(Error::Invalid(why)) => {
            let problems = why.iter().map(|one| Problem::form(one.code)).collect();
            page(visit, StatusCode::TOO_MANY_REQUESTS, desk, &way, false, problems).await
        }
        Err(cause) => Err(cause.into()),
    }
}

/// Six digits, however they were typed or pasted.
fn digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(16).collect()
}

/// The code of a registration: the account is made, and signed in.
pub async fn finish(visit: Visit, form: Form) -> Page {
    let way = Way::of_form(&form);
    let problem = Problem::form("too_many_attempts");
    if visit.app.limits.sign_in_by_address.check(&visit.address).is_err() {
        return page(&visit, StatusCode::TOO_MANY_REQUESTS, Desk::Register, &way, false, vec![problem]).await;
    }
    let ((fresh, secret), typed) = (fresh(&visit), digits(form.text("code")));
    let (app, now, lang, check, claim) =
        (visit.app.clone(), visit.now, visit.lang, way.check.clone(), way.claim.clone());
    let (browser_hash, before) = (crypto::digest(visit.browser().as_bytes()), visit.session.clone());
    let user_id = app.chance.id("usr", now);
    let done = visit
        .app
        .store
        .write(move |tx| {
            let typed = Type { id: &check, browser_hash: &browser_hash, code: &typed };
            let begin = Begin {
                fresh: &fresh,
                user_id: &user_id,
                password_hash: "",
                browser_hash: &browser_hash,
                before: before.as_ref().map(|session| (session.id.as_str(), session.user_id.as_str())),
                claim_id: &claim,
            };
            email_check::finish_registration(tx, &app.keys, &typed, (&begin, lang), now)
        })
        .await?;
    match done {
        Typed::Right => {
            visit.set_cookie(Jar::Session, &secret);
            Ok(see_other(way.next.clone().unwrap_or_else(|| after(&way.claim))))
        }
        other => refuse(&visit, Desk::Register, &way, other).await,
    }
}

async fn refuse(visit: &Visit, desk: Desk, way: &Way, typed: Typed) -> Page {
    let code = match typed {
        Typed::Lost | Typed::Right => return Ok(anew(desk, way)),
        Typed::Wrong => "wrong",
        Typed::Spent => "spent",
        Typed::Taken => "taken",
    };
    page(visit, StatusCode::UNPROCESSABLE_ENTITY, desk, way, false, vec![Problem::at("code", code)]).await
}

/// One's own address: how it stands, and another one.
pub async fn own(visit: Visit) -> Page {
    own_page(&visit, StatusCode::OK, String::new(), vec![]).await
}

async fn own_page(visit: &Visit, status: StatusCode, typed: String, problems: Vec<Problem>) -> Page {
    let user_id = visit.signed_in()?.user_id.clone();
    let user = visit.app.store.read(move |db| usecase::user::find(db, &user_id)).await?;
    let user = user.ok_or(Error::NotFound("user"))?;
    let page = pages::Own {
        email: user.email,
        is_verified: user.email_verified_at.is_some(),
        is_mail_on: visit.app.is_mail_read,
        new_email: typed,
        problems,
    };
    Ok(visit.html_with(status, |frame| pages::own(frame, &page)))
}

/// Mails a code to the address that is to be one's own, or is and was never checked.
pub async fn begin_own(visit: Visit, form: Form) -> Page {
    let typed = form.text("email").to_owned();
    let Some(email) = Email::parse(&typed).filter(|_| visit.app.is_mail_read) else {
        let code = if typed.trim().is_empty() { "required" } else { "malformed" };
        return own_page(&visit, StatusCode::UNPROCESSABLE_ENTITY, typed, vec![Problem::at("email", code)]).await;
    };
    if visit.app.limits.reset_by_address.check(&visit.address).is_err() {
        let problems = vec![Problem::form("too_many_attempts")];
        return own_page(&visit, StatusCode::TOO_MANY_REQUESTS, typed, problems).await;
    }
    let id = visit.app.chance.id("chk", visit.now);
    let way = Way { check: id.clone(), claim: String::new(), next: None };
    let (app, now, lang, user_id) = (visit.app.clone(), visit.now, visit.lang, visit.signed_in()?.user_id.clone());
    let browser_hash = crypto::digest(visit.browser().as_bytes());
    visit
        .app
        .store
        .write(move |tx| {
            let ask = Ask {
                id: &id,
                browser_hash: &browser_hash,
                email: &email,
                code: &code(app.chance.bytes()),
                purpose: Purpose::Own { user_id: &user_id },
                lang,
            };
            email_check::ask(tx, &mailer(&app), &ask, now)
        })
        .await?;
    Ok(see_other(way.to(Desk::Own)))
}

/// The code: the address is one's own.
pub async fn finish_own(visit: Visit, form: Form) -> Page {
    let (way, session) = (Way::of_form(&form), visit.signed_in()?.clone());
    let Some(browser_hash) = visit.browser_hash() else { return Ok(anew(Desk::Own, &way)) };
    let (app, now, check, typed) = (visit.app.clone(), visit.now, way.check.clone(), digits(form.text("code")));
    let device = super::me::device(&visit.user_agent);
    let done = visit
        .app
        .store
        .write(move |tx| {
            let typed = Type { id: &check, browser_hash: &browser_hash, code: &typed };
            let who = Person { user_id: &session.user_id, device: &device, request_id: &session.request_id };
            email_check::finish_own(tx, &mailer(&app), &typed, &who, now)
        })
        .await?;
    match done {
        Typed::Right => Ok(see_other("/me?saved=1")),
        other => refuse(&visit, Desk::Own, &way, other).await,
    }
}
