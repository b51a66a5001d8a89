//! The operators' console: here metering, each other group of pages in a file of its own.

pub mod act;
pub mod audit;
pub mod call;
pub mod delivery;
pub mod health;
pub mod job;
pub mod key;
pub mod organization;
pub mod subscription;
pub mod user;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::claim::purchase;
use super::form::{Form, problems};
use super::ledger::{Asked, month_text, price, statement_page};
use super::visit::{Page, Visit, see_other};
use crate::domain::audit::{By, Kind};
use crate::domain::usage::State;
use crate::error::{Error, Result};
use crate::usecase;
use crate::usecase::metering::{self as using, COUNT_MOST, Held, Line, Names, STATES};
use crate::usecase::push;
use crate::usecase::statement::Charged;
use crate::usecase::timeline::Actors;
use crate::view::operator as pages;
use crate::view::usage::Month;

/// Records of one page.
const PAGE: u32 = 50;
/// The states whose records wait for a person; the first is shown if no other is asked for.
const HELD: [State; 3] = [State::Unknown, State::Rejected, State::Missed];

/// A path with what is asked of it; what is empty is not.
fn href(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    if pairs.is_empty() {
        return path.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(format!("{path}?"));
    query.extend_pairs(pairs);
    query.finish()
}

/// The views of a list by one of its parameters, each with what else is asked.
fn choices(path: &str, name: &str, codes: &[&str], now: &str, others: &[(&str, &str)]) -> Vec<pages::Choice> {
    let choice = |code: &&str| {
        let mut pairs = others.to_vec();
        pairs.push((name, code));
        pages::Choice { code: (*code).to_owned(), href: href(path, &pairs), is_current: *code == now }
    };
    codes.iter().map(choice).collect()
}

/// Where a list goes on, and the way back to its beginning.
fn turn(path: &str, asked: &[(&str, &str)], next: Option<String>, after: &str) -> pages::Turn {
    let on = |next: String| {
        let mut pairs = asked.to_vec();
        pairs.push(("after", &next));
        href(path, &pairs)
    };
    pages::Turn { next: next.map(on), first: (!after.is_empty()).then(|| href(path, asked)) }
}

/// How a page is come to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Came {
    /// From something that was done just now.
    done: Option<String>,
}

/// The number by which a path names something.
fn number(id: &str, what: &'static str) -> Result<i64> {
    id.parse().map_err(|_| Error::NotFound(what))
}

fn user_id(visit: &Visit) -> Result<String> {
    Ok(visit.session.as_ref().ok_or(Error::SignIn)?.user_id.clone())
}

/// Who did something, as pages show it.
fn actor(by: &By, actors: &Actors) -> pages::Actor {
    let name = matches!(by.kind, Kind::User | Kind::Operator).then(|| actors.get(&by.id).cloned().unwrap_or_default());
    pages::Actor { kind: by.kind.as_str(), id: by.id.clone(), name }
}

/// Which held records are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    state: String,
    seller: String,
    organization: String,
    after: String,
}

pub async fn metering(visit: Visit, wanted: Query<Wanted>) -> Page {
    let (user_id, now) = (visit.signed_in()?.user_id.clone(), visit.now);
    let state = HELD.into_iter().find(|state| state.as_str() == wanted.state).unwrap_or(HELD[0]);
    let held = Held { seller_id: wanted.seller.clone(), organization_id: wanted.organization.trim().to_owned() };
    let (asked, after) = (held.clone(), wanted.after.clone());
    let (health, (lines, names, next)) = visit
        .app
        .store
        .read(move |db| {
            let health = using::health(db, &user_id, now)?;
            Ok((health, using::held(db, &user_id, state, &asked, &after, PAGE)?))
        })
        .await?;
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let next_href = next.map(|after| {
        let (seller, organization) = (held.seller_id.as_str(), held.organization_id.as_str());
        let asked = [("state", state.as_str()), ("seller", seller), ("organization", organization), ("after", &after)];
        href("/operator/metering", &asked)
    });
    let page = pages::Metering {
        states: STATES.to_vec(),
        counts: health
            .counts
            .into_iter()
            .map(|(seller, counts)| (seller, counts.into_iter().map(number).collect()))
            .collect(),
        counts_end: u64::from(COUNT_MOST),
        stops: health.stops.into_iter().map(|stop| (stop.seller_id, stop.code, stop.at)).collect(),
        at_risk: health.at_risk.iter().map(|one| line(&visit, one, &health.names)).collect(),
        held: pages::Held {
            state,
            states: HELD.to_vec(),
            seller: held.seller_id,
            sellers: visit.app.config.sellers.iter().map(|seller| seller.id.clone()).collect(),
            organization: held.organization_id,
            lines: lines.iter().map(|one| line(&visit, one, &names)).collect(),
            next_href,
        },
    };
    Ok(visit.html(|frame| pages::metering(frame, &page)))
}

fn line(visit: &Visit, one: &Line, names: &Names) -> pages::Line {
    let charged = one.charged.as_ref();
    pages::Line {
        id: one.id,
        record: super::ledger::record(visit, one),
        organization: names.get(&one.organization_id).cloned().unwrap_or_default(),
        organization_id: one.organization_id.clone(),
        subscription: charged.map(|it| usecase::subscription_name(&it.seller_id, &it.instance_id)),
        due_by: one.due_by,
        changed_at: one.updated_at,
        settled_at: one.settled_at,
        attempts: one.attempts,
        note: one.note.clone(),
        request_ref: one.request_ref.clone(),
    }
}

pub async fn show(visit: Visit, id: Path<String>, came: Query<Came>) -> Page {
    let page = pages::Deciding { is_done: came.done.is_some(), ..deciding(&visit, &id).await? };
    Ok(visit.html(|frame| pages::deciding(frame, &page)))
}

async fn deciding(visit: &Visit, id: &str) -> Result<pages::Deciding> {
    let user_id = visit.session.as_ref().ok_or(Error::SignIn)?.user_id.clone();
    let id = number(id, "record")?;
    let (found, name) = visit.app.store.read(move |db| using::see(db, &user_id, id)).await?;
    let names = Names::from([(found.organization_id.clone(), name)]);
    let is_open = visit.now < found.due_by;
    let can = |decision: &pages::Decision| {
        // What would be refused for its deadline is not offered.
        let to = rule(*decision).leads_to(found.state);
        to.is_some() && (is_open || to != Some(State::Sealed))
    };
    Ok(pages::Deciding {
        line: line(visit, &found, &names),
        decisions: pages::Decision::ALL.into_iter().filter(can).collect(),
        chosen: None,
        why: String::new(),
        is_done: false,
        refusal: None,
        problems: vec![],
    })
}

const fn rule(decision: pages::Decision) -> push::Decision {
    match decision {
        pages::Decision::Retry => push::Decision::Retry,
        pages::Decision::Resend => push::Decision::Resend,
        pages::Decision::TreatAsAccepted => push::Decision::TreatAsAccepted,
        pages::Decision::Waive => push::Decision::Waive,
    }
}

/// Carries out what an operator decided, and comes back to the record.
pub async fn decide(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (by, record, now) = (visit.signed_in()?.as_operator(), number(&id, "record")?, visit.now);
    let chosen = pages::Decision::ALL.into_iter().find(|one| one.as_str() == form.text("decision"));
    let (why, seen) = (form.text("why").to_owned(), State::parse(form.text("state")));
    let told = why.clone();
    let outcome = match chosen {
        None => Err(Error::invalid("decision", "required")),
        Some(chosen) => {
            visit
                .app
                .store
                .write(move |tx| {
                    // The decision was made on what the page showed.
                    let now_in = using::see(tx, &by.id, record)?.0.state;
                    if seen != Some(now_in) {
                        return Err(Error::Conflict("record_changed"));
                    }
                    push::decide(tx, &by, record, rule(chosen), &told, now)
                })
                .await
        }
    };
    let (status, refusal, problems) = match outcome {
        Ok(()) => return Ok(see_other(format!("/operator/metering/{record}?done=1"))),
        Err(Error::Conflict("too_late")) => (StatusCode::CONFLICT, Some(pages::Refusal::TooLate), vec![]),
        Err(Error::Conflict(_)) => (StatusCode::CONFLICT, Some(pages::Refusal::Changed), vec![]),
        Err(Error::Invalid(fields)) => (StatusCode::UNPROCESSABLE_ENTITY, None, problems(&fields)),
        Err(cause) => return Err(cause.into()),
    };
    let page = pages::Deciding { chosen, why, refusal, problems, ..deciding(&visit, &id).await? };
    Ok(visit.html_with(status, |frame| pages::deciding(frame, &page)))
}

/// Lets pushes of a seller go on.
pub async fn resume(visit: Visit, form: Form) -> Page {
    let (by, seller, now) = (visit.signed_in()?.as_operator(), form.text("seller").to_owned(), visit.now);
    let done = visit.app.store.write(move |tx| push::resume(tx, &by, &seller, now)).await;
    match done {
        // Somebody was faster: the page shows how it stands.
        Ok(()) | Err(Error::NotFound("stop")) => Ok(see_other("/operator/metering")),
        Err(cause) => Err(cause.into()),
    }
}

pub async fn reconcile(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Page {
    let (user_id, name, month) = (visit.signed_in()?.user_id.clone(), id.clone(), asked.month(visit.now));
    let app = visit.app.clone();
    let found = visit
        .app
        .store
        .read(move |db| {
            let prices = |charged: &Charged, item: &str| price(&app, charged, item);
            using::reconcile(db, &user_id, &name, month, &prices)
        })
        .await?;
    let subscription = &found.subscription;
    let name = usecase::subscription_name(&subscription.seller_id, &subscription.instance_id);
    let href = |at| format!("/operator/subscriptions/{name}/metering?month={}", month_text(at));
    let product = visit.app.config.product(&subscription.seller_id, &subscription.standing.product_code);
    let page = pages::Reconciling {
        purchase: purchase(&visit, subscription),
        organization: found.organization,
        usage: statement_page(&visit, found.statement, subscription.created_at, |at| Month { at, href: href(at) }),
        bill_url: product.map(|product| product.bill_url.clone()),
        name: name.clone(),
    };
    Ok(visit.html(|frame| pages::reconciling(frame, &page)))
}
