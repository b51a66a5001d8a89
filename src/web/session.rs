//! Signing in and out, registering, forgotten passwords, typing the password again (rules A1, A3, A7).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::error::PageError;
use super::form::Form;
use super::invitation::{self, InHand};
use super::visit::{Jar, Page, Visit, local_path, see_other};
use crate::app::App;
use crate::config::Registration;
use crate::crypto;
use crate::crypto::password::{MAX_CHARS, strength};
use crate::domain::organization::check_name;
use crate::domain::second_factor::Door;
use crate::domain::session::Kind;
use crate::domain::value::{Email, Lang, MINUTE_MS};
use crate::error::{Error, Result};
use crate::usecase;
use crate::usecase::mail::Mailer;
use crate::usecase::second_factor::{Checked, Person};
use crate::usecase::user::RESET_MS;
use crate::view::account;
use crate::view::parts::Problem;

#[derive(Deserialize, Default)]
pub struct Options {
    next: Option<String>,
    claim: Option<String>,
    /// Why the person is here, for the note on top.
    because: Option<String>,
}

pub(super) fn mailer(app: &App) -> Mailer<'_> {
    Mailer { keys: &app.keys, chance: &app.chance, head: app.config.letterhead(), is_sent: app.config.smtp.is_some() }
}

pub(super) fn is_registration_open(visit: &Visit) -> bool {
    visit.app.config.accounts.registration == Registration::Open
}

/// `/`: into the console, or to sign in.
pub async fn home(visit: Visit) -> Page {
    Ok(see_other(if visit.session.as_ref().is_some_and(|session| session.kind == Kind::Full) {
        if visit.session.as_ref().is_some_and(|session| session.is_operator) { "/operator" } else { "/orgs" }
    } else if visit.session.is_some() {
        "/enter"
    } else {
        "/login"
    }))
}

pub async fn login(visit: Visit, options: Query<Options>) -> Page {
    let next = options.next.as_deref().and_then(local_path).map(str::to_owned);
    if visit.user_id().is_some() {
        return Ok(see_other(next.as_deref().unwrap_or("/")));
    }
    let reason = match options.because.as_deref() {
        Some("password_changed") => Some(account::LoginReason::PasswordChanged),
        Some("code_too_late") => Some(account::LoginReason::CodeTooLate),
        Some("account_deleted") => Some(account::LoginReason::AccountDeleted),
        _ => next.is_some().then_some(account::LoginReason::PageNeedsIt),
    };
    let claim = claim_in_hand(&visit, options.claim.as_deref()).await?;
    let invitation = invitation::in_hand(&visit, next.as_deref()).await?.map(|invited| invited.shown);
    let page = account::Login {
        claim,
        next,
        reason,
        is_registration_open: is_registration_open(&visit) || invitation.is_some(),
        invitation,
        email: String::new(),
        problems: vec![],
    };
    Ok(login_page(&visit, StatusCode::OK, &page))
}

fn login_page(visit: &Visit, status: StatusCode, page: &account::Login) -> HttpResponse {
    visit.html_with(status, |frame| account::login(frame, page))
}

/// The claim that a form carries on, if this browser holds it.
pub(super) async fn claim_in_hand(visit: &Visit, id: Option<&str>) -> Result<Option<account::ClaimInHand>> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(None) };
    match super::claim::look(visit, id, true).await {
        Ok(look) => Ok(Some(account::ClaimInHand {
            purchase: look.subscription.as_ref().map(|found| super::claim::purchase(visit, found)),
            id: look.claim.id,
        })),
        Err(Error::NotFound(_)) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Signs in. The answer is the same for a wrong password and an unknown address, and takes as long.
pub async fn create(visit: Visit, form: Form) -> Page {
    let (app, typed) = (visit.app.clone(), form.text("email").to_owned());
    let claim = form.text("claim").to_owned();
    let next = local_path(form.text("next")).map(str::to_owned);
    let refuse = |status, problem| refuse_login(&visit, status, &claim, next.as_deref(), &typed, problem);
    let email = Email::parse(&typed);
    let key = email.as_ref().map_or_else(|| typed.to_lowercase(), ToString::to_string);
    if app
        .limits
        .sign_in_by_address
        .check(&visit.address)
        .and_then(|()| app.limits.sign_in_by_user.check(&key))
        .is_err()
    {
        return refuse(StatusCode::TOO_MANY_REQUESTS, Problem::form("too_many_attempts")).await;
    }
    let password = form.text("password");
    let user = match &email {
        Some(email) => {
            let email = email.clone();
            app.store.read(move |db| usecase::session::find_user(db, email.as_str())).await?
        }
        None => None,
    };
    let is_right = match &user {
        Some(user) if password.chars().count() <= MAX_CHARS => {
            app.passwords.verify(password, &user.password_hash).await?
        }
        _ => {
            app.passwords.verify_nothing("").await?;
            false
        }
    };
    let Some(user) = user.filter(|_| is_right) else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, Problem::form("wrong_credentials")).await;
    };
    visit.set_cookie(Jar::Lang, visit.lang.tag());
    match begin(&visit, (&user.id, &user.password_hash), &claim).await {
        Ok(true) => Ok(see_other(way("/login/totp", &claim, next.as_deref()))),
        Ok(false) => Ok(see_other(next.unwrap_or_else(|| after(&claim)))),
        Err(Error::Conflict("password_changed")) => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, Problem::form("wrong_credentials")).await
        }
        Err(cause) => Err(cause.into()),
    }
}

/// Where somebody goes who has just signed in and asked for no page.
pub(super) fn after(claim: &str) -> String {
    if claim.is_empty() { "/".to_owned() } else { format!("/claim/{claim}") }
}

/// A page on the way in, which keeps where that leads.
pub(super) fn way(path: &str, claim: &str, next: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !claim.is_empty() {
        query.append_pair("claim", claim);
    }
    if let Some(next) = next {
        query.append_pair("next", next);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

async fn refuse_login(
    visit: &Visit,
    status: StatusCode,
    claim: &str,
    next: Option<&str>,
    email: &str,
    problem: Problem,
) -> Page {
    let invitation = invitation::in_hand(visit, next).await?.map(|invited| invited.shown);
    let page = account::Login {
        claim: claim_in_hand(visit, Some(claim)).await?,
        next: next.map(str::to_owned),
        reason: None,
        is_registration_open: is_registration_open(visit) || invitation.is_some(),
        invitation,
        email: email.to_owned(),
        problems: vec![problem],
    };
    Ok(login_page(visit, status, &page))
}

/// What a session is made of, with the secret for its cookie.
pub(super) fn fresh(visit: &Visit) -> (usecase::session::Fresh, String) {
    let secret = visit.app.chance.token();
    let fresh = usecase::session::Fresh {
        id: visit.app.chance.id("ses", visit.now),
        secret_hash: crypto::digest(secret.as_bytes()),
        user_agent: visit.user_agent.clone(),
        address: visit.address.clone(),
        device: super::me::device(&visit.user_agent),
        request_id: visit.request_id.clone(),
    };
    (fresh, secret)
}

/// Begins a session of a user whose password with this hash was right: another secret than before, and the claim becomes
/// this person's. Whether the second factor is asked for first.
async fn begin(visit: &Visit, (user_id, password_hash): (&str, &str), claim: &str) -> Result<bool> {
    let (fresh, secret) = fresh(visit);
    let browser_hash = crypto::digest(visit.browser().as_bytes());
    let (user_id, password_hash) = (user_id.to_owned(), password_hash.to_owned());
    let (claim, now, before) = (claim.to_owned(), visit.now, visit.session.clone());
    let is_half = visit
        .app
        .store
        .write(move |tx| {
            let begin = usecase::session::Begin {
                fresh: &fresh,
                user_id: &user_id,
                password_hash: &password_hash,
                browser_hash: &browser_hash,
                before: before.as_ref().map(|session| (session.id.as_str(), session.user_id.as_str())),
                claim_id: &claim,
            };
            usecase::session::begin(tx, &begin, now)
        })
        .await?;
    visit.set_cookie(if is_half { Jar::Half } else { Jar::Session }, &secret);
    Ok(is_half)
}

pub async fn register(visit: Visit, options: Query<Options>) -> Page {
    let next = options.next.as_deref().and_then(local_path).map(str::to_owned);
    let invited = invitation::in_hand(&visit, next.as_deref()).await?;
    if !is_registration_open(&visit) && invited.is_none() {
        return Ok(visit.html_with(StatusCode::FORBIDDEN, account::registration_closed));
    }
    let page = account::Register {
        claim: claim_in_hand(&visit, options.claim.as_deref()).await?,
        next,
        invitation: invited.map(|invited| invited.shown),
        name: String::new(),
        email: String::new(),
        has_agreed: false,
        problems: vec![],
    };
    Ok(visit.html(|frame| account::register(frame, &page)))
}

/// Somebody who registers, after everything typed was looked at.
pub(super) struct NewUser {
    pub(super) id: String,
    email: Email,
    name: String,
    password_hash: String,
    lang: Lang,
    request_id: String,
}

impl NewUser {
    /// The address is nobody's word yet.
    pub(super) fn described(&self) -> usecase::user::Register<'_> {
        usecase::user::Register {
            id: &self.id,
            email: &self.email,
            name: &self.name,
            password_hash: &self.password_hash,
            lang: self.lang,
            email_verified_at: None,
            request_id: &self.request_id,
        }
    }
}

pub async fn create_user(visit: Visit, form: Form) -> Page {
    let next = local_path(form.text("next")).map(str::to_owned);
    let invited = invitation::in_hand(&visit, next.as_deref()).await?;
    if !is_registration_open(&visit) && invited.is_none() {
        return Ok(visit.html_with(StatusCode::FORBIDDEN, account::registration_closed));
    }
    let (app, claim) = (visit.app.clone(), form.text("claim").to_owned());
    let (name, email) = (check_name(form.text("name")), Email::parse(form.text("email")));
    let mut problems = Vec::new();
    if let Err(code) = name {
        problems.push(Problem::at("name", code));
    }
    if email.is_none() {
        problems.push(Problem::at("email", if form.has("email") { "malformed" } else { "required" }));
    }
    if let Err(code) = strength(form.text("password"), &[form.text("name"), form.text("email")]) {
        problems.push(Problem::at("password", code));
    }
    if !form.has("agree") {
        problems.push(Problem::at("agree", "required"));
    }
    if problems.is_empty() && app.limits.register_by_address.check(&visit.address).is_err() {
        problems.push(Problem::form("too_many_attempts"));
    }
    // Behind the limit, so that nobody tries out whom a link is for.
    if let (true, Some(invited), Some(email)) = (problems.is_empty(), &invited, &email)
        && email.as_str() != invited.email
    {
        problems.push(Problem::at("email", "not_invited"));
    }
    if let (true, Ok(name), Some(email)) = (problems.is_empty(), name, email) {
        let password_hash = app.passwords.hash(form.text("password"), app.chance.bytes()).await?;
        let joins = invited.as_ref().filter(|invited| invited.shown.joins_at_once);
        if super::email_check::is_checked(&visit) && joins.is_none() {
            // Nothing here depends on whether the address is known, not even the time that it takes.
            return super::email_check::begin_registration(&visit, email, (name, password_hash), (claim, next)).await;
        }
        let id = app.chance.id("usr", visit.now);
        let new = NewUser { id, email, name, password_hash, lang: visit.lang, request_id: visit.request_id.clone() };
        match add(&visit, new, &claim, joins).await {
            Ok(joined) => return Ok(see_other(joined.or(next).unwrap_or_else(|| after(&claim)))),
            Err(Error::Invalid(invalid)) => problems.extend(super::form::problems(&invalid)),
            // The invitation is not what it was a moment ago: its page says how it stands.
            Err(Error::Gone(_) | Error::Conflict(_)) if joins.is_some() => {
                return Ok(see_other(next.unwrap_or_else(|| after(&claim))));
            }
            Err(cause) => return Err(PageError(cause)),
        }
    }
    let page = account::Register {
        claim: claim_in_hand(&visit, Some(&claim)).await?,
        next,
        invitation: invited.map(|invited| invited.shown),
        name: form.text("name").to_owned(),
        email: form.text("email").to_owned(),
        has_agreed: form.has("agree"),
        problems,
    };
    Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| account::register(frame, &page)))
}

/// Adds a user and signs them in; where they go if they have joined an organization with it.
async fn add(visit: &Visit, new: NewUser, claim: &str, joins: Option<&InHand>) -> Result<Option<String>> {
    let (id, password_hash, now) = (new.id.clone(), new.password_hash.clone(), visit.now);
    let joined = if let Some(invited) = joins {
        Some(invitation::register(visit, invited, new).await?)
    } else {
        visit.app.store.write(move |tx| usecase::user::register(tx, &new.described(), now)).await?;
        None
    };
    begin(visit, (&id, &password_hash), claim).await?;
    Ok(joined)
}

/// Ends the session of this browser.
pub(super) async fn sign_out(visit: &Visit) -> Result<()> {
    if let Some(session) = visit.session.clone() {
        let now = visit.now;
        match visit.app.store.write(move |tx| usecase::session::end(tx, &session.user_id, &session.id, now)).await {
            Ok(()) | Err(Error::NotFound(_)) => {}
            Err(cause) => return Err(cause),
        }
    }
    visit.drop_cookie(Jar::Session);
    Ok(())
}

pub async fn destroy(visit: Visit, _form: Form) -> Page {
    sign_out(&visit).await?;
    Ok(visit.as_nobody().html(account::signed_out))
}

/// The password again, for what a login-free session or an old one does not reach.
pub async fn confirm(visit: Visit, options: Query<Options>) -> Page {
    let next = options.next.as_deref().and_then(local_path).unwrap_or("/orgs").to_owned();
    step_up_page(&visit, StatusCode::OK, next, vec![]).await
}

async fn step_up_page(visit: &Visit, status: StatusCode, next: String, problems: Vec<Problem>) -> Page {
    let user_id = visit.signed_in()?.user_id.clone();
    let has_code = visit.app.store.read(move |db| usecase::second_factor::is_on(db, &user_id)).await?;
    let page = account::StepUp { next, cancel_href: "/".to_owned(), has_code, problems };
    Ok(visit.html_with(status, |frame| account::step_up(frame, &page)))
}

pub async fn step_up(visit: Visit, form: Form) -> Page {
    let (app, session) = (visit.app.clone(), visit.signed_in()?.clone());
    let next = local_path(form.text("next")).unwrap_or("/orgs").to_owned();
    if app
        .limits
        .sign_in_by_address
        .check(&visit.address)
        .and_then(|()| app.limits.sign_in_by_user.check(&session.email))
        .is_err()
    {
        let problem = Problem::form("too_many_attempts");
        return step_up_page(&visit, StatusCode::TOO_MANY_REQUESTS, next, vec![problem]).await;
    }
    let user_id = session.user_id.clone();
    let user = app.store.read(move |db| usecase::user::find(db, &user_id)).await?.ok_or(Error::SignIn)?;
    let password = form.text("password");
    if password.chars().count() > MAX_CHARS || !app.passwords.verify(password, &user.password_hash).await? {
        let problem = Problem::at("password", "wrong_password");
        return step_up_page(&visit, StatusCode::UNPROCESSABLE_ENTITY, next, vec![problem]).await;
    }
    let (secret, now, typed) = (app.chance.token(), visit.now, form.text("code").to_owned());
    let (secret_hash, device) = (crypto::digest(secret.as_bytes()), super::me::device(&visit.user_agent));
    let taking = app.clone();
    let checked = app
        .store
        .write(move |tx| {
            if usecase::second_factor::is_on(tx, &session.user_id)? {
                let who = Person { user_id: &session.user_id, device: &device, request_id: &session.request_id };
                let checked = usecase::second_factor::check(tx, &mailer(&taking), &who, (Door::Password, &typed), now)?;
                if checked != Checked::Right {
                    return Ok(checked);
                }
            }
            usecase::session::step_up(tx, &session, now)?;
            usecase::session::rotate(tx, &session, &secret_hash)?;
            Ok(Checked::Right)
        })
        .await?;
    if let Some((status, problem)) = super::second_factor::refusal(checked) {
        return step_up_page(&visit, status, next, vec![problem]).await;
    }
    visit.set_cookie(Jar::Session, &secret);
    Ok(see_other(next))
}

pub async fn forgot(visit: Visit, options: Query<Options>) -> Page {
    let page = account::Forgot {
        claim: claim_in_hand(&visit, options.claim.as_deref()).await?,
        is_mail_on: visit.app.is_mail_read,
        email: String::new(),
        problems: vec![],
    };
    Ok(visit.html(|frame| account::forgot(frame, &page)))
}

/// Says the same whether there is such a user or not.
pub async fn request_reset(visit: Visit, form: Form) -> Page {
    let (app, typed) = (visit.app.clone(), form.text("email").to_owned());
    let claim = claim_in_hand(&visit, Some(form.text("claim"))).await?;
    let refuse = |claim, status, problem| {
        let page = account::Forgot {
            claim,
            is_mail_on: visit.app.is_mail_read,
            email: typed.clone(),
            problems: vec![problem],
        };
        Ok(visit.html_with(status, |frame| account::forgot(frame, &page)))
    };
    if !app.is_mail_read {
        let page = account::Forgot { claim, is_mail_on: false, email: String::new(), problems: vec![] };
        return Ok(visit.html(|frame| account::forgot(frame, &page)));
    }
    let Some(email) = Email::parse(&typed) else {
        let code = if typed.trim().is_empty() { "required" } else { "malformed" };
        return refuse(claim, StatusCode::UNPROCESSABLE_ENTITY, Problem::at("email", code));
    };
    if app.limits.reset_by_address.check(&visit.address).is_err() {
        return refuse(claim, StatusCode::TOO_MANY_REQUESTS, Problem::form("too_many_attempts"));
    }
    // A flood to one mailbox stops here, without telling that the mailbox is known.
    if app.limits.reset_by_user.check(email.as_str()).is_ok() {
        let (token, now, asked) = (app.chance.token(), visit.now, email.clone());
        app.store.clone().write(move |tx| usecase::user::request_reset(tx, &mailer(&app), &asked, &token, now)).await?;
    }
    let page = account::ForgotSent {
        claim,
        email: email.to_string(),
        valid_minutes: u64::try_from(RESET_MS / MINUTE_MS).unwrap_or_default(),
    };
    Ok(visit.html(|frame| account::forgot_sent(frame, &page)))
}

/// The form for a new password; opening the link spends nothing.
pub async fn reset(visit: Visit, token: Path<String>) -> Page {
    let (hash, now) = (crypto::digest(token.as_bytes()), visit.now);
    visit.app.store.read(move |db| usecase::user::find_reset(db, &hash, now)).await?;
    let page = account::Reset { token: token.into_inner(), problems: vec![] };
    Ok(visit.html(|frame| account::reset(frame, &page)))
}

pub async fn reset_password(visit: Visit, form: Form) -> Page {
    let (app, token, now) = (visit.app.clone(), form.text("token").to_owned(), visit.now);
    let hash = crypto::digest(token.as_bytes());
    let (user, _) = app.store.read(move |db| usecase::user::find_reset(db, &hash, now)).await?;
    if let Err(code) = strength(form.text("password"), &[&user.name, &user.email]) {
        let page = account::Reset { token, problems: vec![Problem::at("password", code)] };
        return Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| account::reset(frame, &page)));
    }
    let password_hash = app.passwords.hash(form.text("password"), app.chance.bytes()).await?;
    let request_id = visit.request_id.clone();
    app.store.write(move |tx| usecase::user::reset_password(tx, &hash, &password_hash, &request_id, now)).await?;
    visit.drop_cookie(Jar::Session);
    Ok(see_other("/login?because=password_changed"))
}
