//! The marketplace's calls for operators.

use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::subscription::{laid_out, ms};
use super::{choices, number, turn, user_id};
use crate::domain::subscription::Verdict;
use crate::market::call::{is_erased, shown};
use crate::usecase;
use crate::usecase::timeline::Call;
use crate::usecase::work::{self as using, Calls};
use crate::view::operator::call as pages;
use crate::web::visit::{Page, Visit};

/// Calls of one page.
const PAGE: u32 = 50;
const LIST: &str = "/operator/calls";
/// Beside the verdicts: calls that were not let in.
const TURNED_AWAY: &str = "turned_away";
const ACTIONS: [&str; 9] = ["", "create", "renew", "refund_renew", "upgrade", "expire", "release", "pay", "verify"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    action: String,
    verdict: String,
    after: String,
}

pub async fn index(visit: Visit, asked: Query<Asked>) -> Page {
    let known = |all: &[&'static str], text: &str| all.iter().find(|one| **one == text).copied().unwrap_or("");
    let verdicts = [&[""][..], &Verdict::ALL.map(Verdict::as_str), &[TURNED_AWAY]].concat();
    let (verdict, action) = (known(&verdicts, &asked.verdict), known(&ACTIONS, &asked.action));
    let (who, after) = (user_id(&visit)?, asked.after.clone());
    let is_turned_away = verdict == TURNED_AWAY;
    let (rows, next) = if is_turned_away {
        let (found, next) = visit.app.store.read(move |db| using::turned_away(db, &who, &after, PAGE)).await?;
        let rows = found.into_iter().map(|one| pages::TurnedAway {
            at: one.at,
            seller: one.seller_id,
            code: one.code,
            address: one.address,
            params: shown(&one.params),
            request_id: one.request_id,
        });
        (pages::Rows::TurnedAway(rows.collect()), next)
    } else {
        let wanted = Calls { action: action.to_owned(), verdict: verdict.to_owned(), ..Calls::default() };
        let (found, next) = visit.app.store.read(move |db| using::calls(db, &who, &wanted, &after, PAGE)).await?;
        (pages::Rows::Calls(found.iter().map(|(call, is_here)| row(call, *is_here)).collect()), next)
    };
    let page = pages::List {
        verdicts: choices(LIST, "verdict", &verdicts, verdict, &[("action", action)]),
        actions: if is_turned_away {
            vec![]
        } else {
            choices(LIST, "action", &ACTIONS, action, &[("verdict", verdict)])
        },
        turn: turn(LIST, &[("verdict", verdict), ("action", action)], next, &asked.after),
        rows,
    };
    Ok(visit.html(|frame| pages::calls(frame, &page)))
}

fn name(call: &Call) -> String {
    usecase::subscription_name(&call.seller_id, &call.instance_id)
}

fn row(call: &Call, is_here: bool) -> pages::Row {
    pages::Row {
        id: call.id,
        at: call.at,
        subscription: (name(call), is_here),
        action: call.action.clone(),
        verdict: call.verdict.clone(),
        code: call.code.clone(),
        status: call.status,
    }
}

pub async fn show(visit: Visit, id: Path<String>) -> Page {
    let who = user_id(&visit)?;
    let id = number(&id, "call")?;
    let (found, is_here) = visit.app.store.read(move |db| using::call(db, &who, id)).await?;
    let page = pages::Page {
        row: row(&found, is_here),
        took_ms: ms(found.took_us),
        params: shown(&found.params),
        is_erased: is_erased(&found.params),
        reply: laid_out(&found.reply),
        request_id: found.request_id,
    };
    Ok(visit.html(|frame| pages::call(frame, &page)))
}
