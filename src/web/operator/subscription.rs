//! Subscriptions for operators: looked for, downloaded, and one with its story.

use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::{actor, choices, href, turn, user_id};
use crate::domain::subscription::State;
use crate::error::Result;
use crate::market::call::{is_erased, shown};
use crate::market::time;
use crate::usecase::audit::{Noted, Said};
use crate::usecase::timeline::{self as using, Actors, Doubt, Entry, Listed, Seen, Show, Wanted, What};
use crate::usecase::{self, Subscription};
use crate::view::operator::subscription as pages;
use crate::web::claim::purchase;
use crate::web::csv::{CHUNK, Table};
use crate::web::form::Form;
use crate::web::visit::{Page, Visit};

/// Subscriptions of one page, and entries of one story.
const PAGE: u32 = 50;
/// The columns of the download.
const HEADING: [&str; 12] = [
    "subscription",
    "state",
    "in_question",
    "product",
    "plan",
    "order",
    "buyer",
    "organization",
    "organization_name",
    "created",
    "activated",
    "expires",
];
const LIST: &str = "/operator/subscriptions";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    state: String,
    doubt: String,
    after: String,
}

impl Asked {
    fn wanted(&self) -> Wanted {
        Wanted {
            text: self.q.trim().to_owned(),
            state: using::parse_state(&self.state),
            doubt: Doubt::parse(&self.doubt),
        }
    }
}

fn sellers(visit: &Visit) -> Vec<String> {
    visit.app.config.sellers.iter().map(|seller| seller.id.clone()).collect()
}

pub async fn index(visit: Visit, asked: Query<Asked>) -> Page {
    let (who, wanted, after, sellers) = (user_id(&visit)?, asked.wanted(), asked.after.clone(), sellers(&visit));
    let looked = wanted.clone();
    let (found, next) =
        visit.app.store.read(move |db| using::find_subscriptions(db, &who, &looked, &sellers, &after, PAGE)).await?;
    let (state, doubt) = (wanted.state.map_or("", State::as_str), wanted.doubt.map_or("", Doubt::as_str));
    let (by_text, by_state, by_doubt) = (("q", wanted.text.as_str()), ("state", state), ("doubt", doubt));
    let mut states = vec![""];
    states.extend(State::ALL.map(State::as_str));
    let mut doubts = vec![""];
    doubts.extend(Doubt::ALL.map(Doubt::as_str));
    let all = [by_text, by_state, by_doubt];
    let page = pages::List {
        states: choices(LIST, "state", &states, state, &[by_text, by_doubt]),
        doubts: choices(LIST, "doubt", &doubts, doubt, &[by_text, by_state]),
        rows: found.iter().map(|one| row(&visit, one)).collect(),
        csv_href: href("/operator/subscriptions.csv", &all),
        turn: turn(LIST, &all, next, &asked.after),
        state: state.to_owned(),
        doubt: doubt.to_owned(),
        text: wanted.text.clone(),
    };
    Ok(visit.html(|frame| pages::subscriptions(frame, &page)))
}

fn doubts(of: &Subscription) -> Vec<&'static str> {
    [
        (of.standing.is_disputed, Doubt::Disputed),
        (of.overdue_at.is_some(), Doubt::Overdue),
        (of.quarantined_at.is_some(), Doubt::Quarantined),
    ]
    .into_iter()
    .filter(|(is_so, _)| *is_so)
    .map(|(_, doubt)| doubt.as_str())
    .collect()
}

fn name(of: &Subscription) -> String {
    usecase::subscription_name(&of.seller_id, &of.instance_id)
}

fn row(visit: &Visit, one: &Listed) -> pages::Row {
    let it = &one.subscription;
    pages::Row {
        name: name(it),
        purchase: purchase(visit, it),
        doubts: doubts(it),
        organization: one.organization.clone(),
        created_at: it.created_at,
    }
}

/// The subscriptions that the list would show, as a table. Its columns and words are stable: other programs read it.
pub async fn download(visit: Visit, asked: Query<Asked>) -> Page {
    let (who, wanted, sellers) = (user_id(&visit)?, asked.wanted(), sellers(&visit));
    let fetch = async |after: String| {
        let (who, wanted, sellers) = (who.clone(), wanted.clone(), sellers.clone());
        let store = &visit.app.store;
        store.read(move |db| using::find_subscriptions(db, &who, &wanted, &sellers, &after, CHUNK)).await
    };
    let moment = |at: Option<crate::clock::Instant>| at.map(time::text).unwrap_or_default();
    let row = |one: &Listed| {
        let it = &one.subscription;
        let (id, of) = one.organization.clone().unwrap_or_default();
        vec![
            name(it),
            it.standing.state.as_str().to_owned(),
            doubts(it).join(" "),
            it.standing.product_code.clone(),
            it.standing.plan_code.clone(),
            it.standing.order_id.clone(),
            crate::domain::value::mask_uid(&it.standing.buyer_account),
            id,
            of,
            moment(Some(it.created_at)),
            moment(it.activated_at),
            moment(it.standing.expires_at),
        ]
    };
    let mut table = Table::new(&HEADING)?;
    table.add_all(fetch, row).await?;
    Ok(table.answer("subscriptions.csv")?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    show: String,
    after: String,
    done: Option<String>,
}

impl Told {
    fn show(&self) -> (Show, &'static str) {
        match self.show.as_str() {
            "calls" => (Show::Calls, "calls"),
            "changes" => (Show::Changes, "changes"),
            "usage" => (Show::Usage, "usage"),
            _ => (Show::All, ""),
        }
    }
}

pub async fn show(visit: Visit, id: Path<String>, told: Query<Told>) -> Page {
    answer(&visit, &id, &told, None).await
}

/// The same page with the whole buyer account, which is noted (rules D6).
pub async fn reveal(visit: Visit, id: Path<String>, _form: Form) -> Page {
    let (by, name, now) = (visit.signed_in()?.as_operator(), id.clone(), visit.now);
    let uid = visit.app.store.write(move |tx| using::reveal_account(tx, &by, &name, now)).await?;
    answer(&visit, &id, &Told::default(), Some(uid)).await
}

async fn answer(visit: &Visit, id: &str, told: &Told, uid: Option<String>) -> Page {
    let (who, name, after) = (user_id(visit)?, id.to_owned(), told.after.clone());
    let (show, code) = told.show();
    let seen = visit.app.store.read(move |db| using::see(db, &who, &name, show, &after, PAGE)).await?;
    let page = page(visit, seen, told, code, uid);
    let answer: HttpResponse = visit.html(|frame| pages::subscription(frame, &page));
    Ok(answer)
}

fn page(visit: &Visit, seen: Seen, told: &Told, code: &str, uid: Option<String>) -> pages::Page {
    let name = name(&seen.subscription);
    let path = format!("{LIST}/{name}");
    let actors = seen.actors;
    pages::Page {
        purchase: purchase(visit, &seen.subscription),
        seller: seen.subscription.seller_id.clone(),
        doubts: doubts(&seen.subscription),
        bound: seen.bound.map(|(bound, of, by)| pages::Bound {
            state: bound.state,
            since: bound.live_at.unwrap_or(bound.requested_at),
            by,
            by_id: bound.requested_by,
            freeze: of.freeze,
            organization: (of.id, of.name),
        }),
        shows: choices(&path, "show", &["", "calls", "changes", "usage"], code, &[]),
        entries: seen.entries.into_iter().map(|entry| told_entry(visit, entry, &actors)).collect(),
        turn: turn(&path, &[("show", code)], seen.next, &told.after),
        is_done: told.done.is_some(),
        uid,
        name,
    }
}

/// Microseconds as milliseconds with one decimal.
pub(super) fn ms(us: i64) -> String {
    format!("{}.{}", us / 1_000, us % 1_000 / 100)
}

/// A JSON text, laid out.
pub(super) fn laid_out(text: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(text);
    value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

fn text(said: &Said) -> Option<String> {
    match said {
        Said::Text(text) => Some(text.clone()),
        Said::Nothing | Said::Erased => None,
    }
}

fn told_entry(visit: &Visit, entry: Entry, actors: &Actors) -> pages::Entry {
    let by = |noted: &Noted| actor(&noted.by, actors);
    let what = match entry.what {
        What::Call(call) => pages::What::Call(pages::Call {
            id: call.id,
            action: call.action,
            verdict: call.verdict,
            code: call.code,
            status: call.status,
            took_ms: ms(call.took_us),
            params: shown(&call.params),
            is_erased: is_erased(&call.params),
            reply: call.reply,
        }),
        What::Event(event, noted, ways) => pages::What::Event(pages::Event {
            kind: event.kind,
            sequence: event.sequence,
            data: laid_out(&event.data),
            reason: noted.as_ref().and_then(|noted| noted.reason.clone()),
            by: noted.as_ref().map(by),
            ways: ways
                .into_iter()
                .map(|way| pages::Way {
                    delivery_id: way.delivery_id,
                    url: way.url,
                    state: way.state,
                    attempts: way.attempts,
                    status: way.status,
                    error: way.error,
                })
                .collect(),
        }),
        What::Act(noted) => pages::What::Act(pages::Act {
            by: by(&noted),
            before: text(&noted.before),
            after: text(&noted.after),
            reason: noted.reason,
            action: noted.action,
        }),
        What::Usage(lines) => {
            pages::What::Usage(lines.iter().map(|line| (line.id, crate::web::ledger::record(visit, line))).collect())
        }
    };
    pages::Entry { at: entry.at, what }
}
