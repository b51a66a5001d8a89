//! The second factor: asked for on the way in, set up and taken away on the security page (rules A1, D5).

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Query;
use serde::Deserialize;

use super::form::Form;
use super::session::{after, claim_in_hand, fresh, mailer, way};
use super::visit::{Jar, Page, Visit, local_path, see_other};
use crate::config::OperatorTotp;
use crate::crypto::{self, totp};
use crate::domain::second_factor::shown;
use crate::error::Error;
use crate::usecase::second_factor::{self, Checked, Finish, Finished, Person};
use crate::view::parts::Problem;
use crate::view::second_factor as pages;

/// How a code that was not taken is answered.
pub(super) fn refusal(checked: Checked) -> Option<(StatusCode, Problem)> {
    match checked {
        Checked::Right => None,
        Checked::Wrong => Some((StatusCode::UNPROCESSABLE_ENTITY, Problem::at("code", "wrong"))),
        Checked::Used => Some((StatusCode::UNPROCESSABLE_ENTITY, Problem::at("code", "used"))),
        Checked::Paused => Some((StatusCode::TOO_MANY_REQUESTS, Problem::form("too_many_attempts"))),
    }
}

#[derive(Deserialize, Default)]
pub struct Options {
    next: Option<String>,
    claim: Option<String>,
}

fn half_hash(visit: &Visit, request: &HttpRequest) -> Option<[u8; 32]> {
    Visit::secret(&visit.app, request, Jar::Half).map(|secret| crypto::digest(secret.as_bytes()))
}

/// Back to the password: whoever was half signed in is not any more. The claim stays open.
fn too_late(visit: &Visit, claim: &str, next: Option<&str>) -> actix_web::HttpResponse {
    visit.drop_cookie(Jar::Half);
    let login = way("/login", claim, next);
    let mark = if login.contains('?') { '&' } else { '?' };
    see_other(format!("{login}{mark}because=code_too_late"))
}

/// The form for the code.
pub async fn ask(visit: Visit, options: Query<Options>, request: HttpRequest) -> Page {
    let next = options.next.as_deref().and_then(local_path);
    let claim = options.claim.as_deref().unwrap_or_default();
    if visit.user_id().is_some() {
        return Ok(see_other(next.map_or_else(|| after(claim), str::to_owned)));
    }
    ask_page(&visit, StatusCode::OK, half_hash(&visit, &request), (claim, next), vec![]).await
}

async fn ask_page(
    visit: &Visit,
    status: StatusCode,
    half_hash: Option<[u8; 32]>,
    (claim, next): (&str, Option<&str>),
    problems: Vec<Problem>,
) -> Page {
    let now = visit.now;
    let half = match half_hash {
        Some(hash) => visit.app.store.read(move |db| second_factor::find_half(db, &hash, now)).await?,
        None => None,
    };
    let Some(is_entry) = half else { return Ok(too_late(visit, claim, next)) };
    let page = pages::Ask {
        claim: claim_in_hand(visit, Some(claim)).await?,
        next: next.map(str::to_owned),
        is_entry,
        problems,
    };
    Ok(visit.html_with(status, |frame| pages::ask(frame, &page)))
}

/// The code, or one that stands in for the app.
pub async fn answer(visit: Visit, request: HttpRequest, form: Form) -> Page {
    let claim = form.text("claim").to_owned();
    let next = local_path(form.text("next")).map(str::to_owned);
    let Some(half) = half_hash(&visit, &request) else { return Ok(too_late(&visit, &claim, next.as_deref())) };
    if visit.app.limits.sign_in_by_address.check(&visit.address).is_err() {
        let problems = vec![Problem::form("too_many_attempts")];
        return ask_page(&visit, StatusCode::TOO_MANY_REQUESTS, Some(half), (&claim, next.as_deref()), problems).await;
    }
    let is_recovery = form.has("recovery");
    let typed = form.text(if is_recovery { "recovery" } else { "code" }).to_owned();
    let (fresh, secret) = fresh(&visit);
    let browser_hash = crypto::digest(visit.browser().as_bytes());
    let (app, now, before, taken) = (visit.app.clone(), visit.now, visit.session.clone(), claim.clone());
    let is_entry_allowed = app.config.accounts.passwordless_entry;
    let finished = visit
        .app
        .store
        .write(move |tx| {
            let finish = Finish {
                half_hash: &half,
                typed: &typed,
                fresh: &fresh,
                browser_hash: &browser_hash,
                before: before.as_ref().map(|session| (session.id.as_str(), session.user_id.as_str())),
                claim_id: &taken,
                is_entry_allowed,
            };
            second_factor::finish(tx, &mailer(&app), &finish, now)
        })
        .await?;
    match finished {
        Finished::SignedIn => {
            visit.drop_cookie(Jar::Half);
            visit.set_cookie(Jar::Session, &secret);
            Ok(see_other(next.unwrap_or_else(|| after(&claim))))
        }
        Finished::Lost => Ok(too_late(&visit, &claim, next.as_deref())),
        Finished::Not(checked) => {
            let (status, problem) = refusal(checked).ok_or_else(|| Error::internal("a right code was refused"))?;
            let field = if is_recovery && problem.field == "code" { "recovery" } else { problem.field };
            let problems = vec![Problem { field, ..problem }];
            ask_page(&visit, status, Some(half), (&claim, next.as_deref()), problems).await
        }
    }
}

fn is_required(visit: &Visit) -> bool {
    let is_operator = visit.session.as_ref().is_some_and(|session| session.is_operator);
    is_operator && visit.app.config.accounts.operator_totp == OperatorTotp::Required
}

/// How it stands: set up, or the way to.
pub async fn show(visit: Visit) -> Page {
    let user_id = visit.signed_in()?.user_id.clone();
    let status = visit.app.store.read(move |db| second_factor::status(db, &user_id)).await?;
    if let Some(status) = status {
        let page = pages::Manage {
            enabled_at: status.enabled_at,
            recovery_left: status.recovery_left,
            is_required: is_required(&visit),
        };
        return Ok(visit.html(|frame| pages::manage(frame, &page)));
    }
    let session = visit.signed_in()?;
    let (shared, sealed) = second_factor::offer(&visit.app.keys, &visit.app.chance, &session.user_id, visit.now);
    Ok(set_up_page(&visit, StatusCode::OK, &shared, sealed, vec![])?)
}

fn set_up_page(
    visit: &Visit,
    status: StatusCode,
    shared: &totp::Shared,
    sealed: String,
    problems: Vec<Problem>,
) -> crate::error::Result<actix_web::HttpResponse> {
    let email = &visit.session.as_ref().ok_or(Error::SignIn)?.email;
    let page = pages::SetUp {
        address: totp::address(shared, &visit.app.config.brand.name, email),
        key: totp::readable(shared),
        sealed,
        is_required: is_required(visit),
        problems,
    };
    Ok(visit.html_with(status, |frame| pages::set_up(frame, &page)))
}

/// Turns it on, and shows the codes that stand in for the app: this once.
pub async fn enable(visit: Visit, form: Form) -> Page {
    let (app, session) = (visit.app.clone(), visit.signed_in()?.clone());
    let sealed = form.text("sealed").to_owned();
    let Some(shared) = second_factor::offered(&app.keys, &sealed, &session.user_id, visit.now) else {
        // Left open for too long: another secret.
        return Ok(see_other("/me/security/totp"));
    };
    let codes = totp::recovery_codes(&app.chance);
    let (kept, typed, now, device) =
        (codes.clone(), form.text("code").to_owned(), visit.now, super::me::device(&visit.user_agent));
    let done = visit
        .app
        .store
        .write(move |tx| {
            let who = Person { user_id: &session.user_id, device: &device, request_id: &session.request_id };
            second_factor::enable(tx, &mailer(&app), &who, (&shared, &typed), &kept, now)
        })
        .await;
    match done {
        Ok(()) => Ok(codes_page(&visit, &codes, true)),
        Err(Error::Invalid(_)) => {
            let problems = vec![Problem::at("code", "wrong")];
            Ok(set_up_page(&visit, StatusCode::UNPROCESSABLE_ENTITY, &shared, sealed, problems)?)
        }
        // Two clicks: it is on, and the codes were shown to the first.
        Err(Error::Conflict(_)) => Ok(see_other("/me/security/totp")),
        Err(cause) => Err(cause.into()),
    }
}

fn codes_page(visit: &Visit, codes: &[String], is_first: bool) -> actix_web::HttpResponse {
    let page = pages::Codes { codes: codes.iter().map(|code| shown(code)).collect(), is_first };
    visit.html(|frame| pages::codes(frame, &page))
}

pub async fn disable(visit: Visit, _form: Form) -> Page {
    if is_required(&visit) {
        return Err(Error::Forbidden("second_factor_required").into());
    }
    let (app, session, now, device) =
        (visit.app.clone(), visit.signed_in()?.clone(), visit.now, super::me::device(&visit.user_agent));
    visit
        .app
        .store
        .write(move |tx| {
            let who = Person { user_id: &session.user_id, device: &device, request_id: &session.request_id };
            second_factor::disable(tx, &mailer(&app), &who, now)
        })
        .await?;
    Ok(see_other("/me/security"))
}

/// Other codes in the place of the former ones, shown this once.
pub async fn renew_codes(visit: Visit, _form: Form) -> Page {
    let (app, session, now, device) =
        (visit.app.clone(), visit.signed_in()?.clone(), visit.now, super::me::device(&visit.user_agent));
    let codes = totp::recovery_codes(&app.chance);
    let kept = codes.clone();
    let done = visit
        .app
        .store
        .write(move |tx| {
            let who = Person { user_id: &session.user_id, device: &device, request_id: &session.request_id };
            second_factor::renew_codes(tx, &mailer(&app), &who, &kept, now)
        })
        .await;
    match done {
        Ok(()) => Ok(codes_page(&visit, &codes, false)),
        Err(Error::NotFound(_)) => Ok(see_other("/me/security/totp")),
        Err(cause) => Err(cause.into()),
    }
}
