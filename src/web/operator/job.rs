//! Background jobs that were given up, for operators.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::{number, turn, user_id};
use crate::error::{Error, Result};
use crate::usecase::work::{self as using, Dead, Decision};
use crate::view::operator::job as pages;
use crate::web::form::{Form, problems};
use crate::web::visit::{Page, Visit, see_other};

/// Jobs of one page.
const PAGE: u32 = 50;
const LIST: &str = "/operator/jobs";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    after: String,
    done: Option<String>,
}

fn row(one: Dead) -> pages::Row {
    pages::Row {
        id: one.id,
        kind: one.kind,
        key: one.key,
        attempts: one.attempts,
        dead_at: one.dead_at,
        error: one.error,
    }
}

pub async fn index(visit: Visit, asked: Query<Asked>) -> Page {
    let (who, after) = (user_id(&visit)?, asked.after.clone());
    let (found, next) = visit.app.store.read(move |db| using::jobs(db, &who, &after, PAGE)).await?;
    let page = pages::List {
        rows: found.into_iter().map(row).collect(),
        turn: turn(LIST, &[], next, &asked.after),
        is_done: asked.done.is_some(),
    };
    Ok(visit.html(|frame| pages::jobs(frame, &page)))
}

async fn page(visit: &Visit, id: i64) -> Result<pages::Page> {
    let who = user_id(visit)?;
    let found = visit.app.store.read(move |db| using::job(db, &who, id)).await?;
    Ok(pages::Page { row: row(found), chosen: String::new(), why: String::new(), is_open: false, problems: vec![] })
}

pub async fn show(visit: Visit, id: Path<String>) -> Page {
    let page = page(&visit, number(&id, "job")?).await?;
    Ok(visit.html(|frame| pages::job(frame, &page)))
}

pub async fn decide(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (by, id, now) = (visit.signed_in()?.as_operator(), number(&id, "job")?, visit.now);
    let (chosen, why) = (form.text("decision").to_owned(), form.text("why").to_owned());
    let told = why.clone();
    let decision = match chosen.as_str() {
        "retry" => Some(Decision::Retry),
        "discard" => Some(Decision::Discard),
        _ => None,
    };
    let outcome = match decision {
        None => Err(Error::invalid("decision", "required")),
        Some(decision) => visit.app.store.write(move |tx| using::decide(tx, &by, id, decision, &told, now)).await,
    };
    let (status, is_open, problems) = match outcome {
        Ok(()) => return Ok(see_other(format!("{LIST}?done=1"))),
        Err(Error::Conflict(_)) => (StatusCode::CONFLICT, true, vec![]),
        Err(Error::Invalid(fields)) => (StatusCode::UNPROCESSABLE_ENTITY, false, problems(&fields)),
        Err(cause) => return Err(cause.into()),
    };
    let page = pages::Page { chosen, why, is_open, problems, ..page(&visit, id).await? };
    Ok(visit.html_with(status, |frame| pages::job(frame, &page)))
}
