//! The audit log for operators.

use actix_web::http::StatusCode;
use actix_web::web::Query;
use serde::Deserialize;

use super::{actor, href, turn, user_id};
use crate::clock::Instant;
use crate::error::{Error, Invalid, Result};
use crate::market::time;
use crate::usecase;
use crate::usecase::audit::{self as using, Fault, Noted, Report, Said};
use crate::usecase::timeline::Actors;
use crate::view::operator::audit as pages;
use crate::web::csv::{CHUNK, Table};
use crate::web::form::{Form, problems};
use crate::web::visit::{Page, Visit};

/// Rows of one page.
const PAGE: u32 = 50;
/// The columns of the download.
const HEADING: [&str; 12] = [
    "number",
    "time",
    "actor_kind",
    "actor",
    "action",
    "subject_kind",
    "subject",
    "organization",
    "reason",
    "before",
    "after",
    "request",
];
const LIST: &str = "/operator/audit";

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    actor: String,
    subject: String,
    action: String,
    /// Days in China, both included.
    from: String,
    until: String,
    after: String,
}

impl Asked {
    fn wanted(&self) -> Result<using::Asked> {
        let mut wrong = Vec::new();
        let mut day = |field, text: &str| {
            let found = time::parse(&format!("{} 00:00:00", text.trim()));
            if found.is_none() && !text.trim().is_empty() {
                wrong.push(Invalid { field, code: "not_a_day" });
            }
            found
        };
        let (from, until) = (day("from", &self.from), day("until", &self.until));
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(using::Asked {
            actor_id: self.actor.trim().to_owned(),
            subject: self.subject.trim().to_owned(),
            action: self.action.trim().to_owned(),
            from,
            until: until.map(time::next_day),
        })
    }

    fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("actor", &self.actor),
            ("subject", &self.subject),
            ("action", &self.action),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }
}

pub async fn index(visit: Visit, asked: Query<Asked>) -> Page {
    list(&visit, &asked, None).await
}

async fn list(visit: &Visit, asked: &Asked, report: Option<pages::Report>) -> Page {
    let (who, before) = (user_id(visit)?, usecase::number_after(&asked.after)?);
    // With a filter that cannot be read nothing is looked for: everything would be no answer to it.
    let (status, (found, actors, next), problems) = match asked.wanted() {
        Ok(wanted) => {
            let found = visit.app.store.read(move |db| using::page(db, &who, &wanted, before, PAGE)).await?;
            (StatusCode::OK, found, vec![])
        }
        Err(Error::Invalid(fields)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, (vec![], Actors::new(), None), problems(&fields))
        }
        Err(cause) => return Err(cause.into()),
    };
    let page = pages::List {
        is_filtered: asked.pairs().iter().any(|(_, value)| !value.is_empty()),
        rows: found.iter().map(|noted| row(noted, &actors)).collect(),
        turn: turn(LIST, &asked.pairs(), next, &asked.after),
        csv_href: href("/operator/audit.csv", &asked.pairs()),
        report,
        problems,
        asked: pages::Asked {
            actor: asked.actor.clone(),
            subject: asked.subject.clone(),
            action: asked.action.clone(),
            from: asked.from.clone(),
            until: asked.until.clone(),
        },
    };
    Ok(visit.html_with(status, |frame| pages::audit(frame, &page)))
}

fn said(said: &Said) -> pages::Said {
    match said {
        Said::Nothing => pages::Said::Nothing,
        Said::Text(text) => pages::Said::Text(text.clone()),
        Said::Erased => pages::Said::Erased,
    }
}

fn row(noted: &Noted, actors: &Actors) -> pages::Row {
    pages::Row {
        id: noted.id,
        at: noted.at,
        by: actor(&noted.by, actors),
        action: noted.action.clone(),
        subject: noted.subject.clone(),
        reason: noted.reason.clone(),
        before: said(&noted.before),
        after: said(&noted.after),
        request_id: noted.by.request_id.clone(),
    }
}

/// The rows that the list would show, as a table. Ids stand for people (rules D6).
pub async fn download(visit: Visit, asked: Query<Asked>) -> Page {
    let (who, wanted) = (user_id(&visit)?, asked.wanted()?);
    let fetch = async |after: String| {
        let (who, wanted, before) = (who.clone(), wanted.clone(), usecase::number_after(&after)?);
        let (found, _, next) = visit.app.store.read(move |db| using::page(db, &who, &wanted, before, CHUNK)).await?;
        Ok((found, next))
    };
    let value = |said: &Said| match said {
        Said::Text(text) => text.clone(),
        Said::Nothing => String::new(),
        Said::Erased => "[erased]".to_owned(),
    };
    let moment = |at: Instant| time::text(at);
    let row = |noted: &Noted| {
        vec![
            noted.id.to_string(),
            moment(noted.at),
            noted.by.kind.as_str().to_owned(),
            noted.by.id.clone(),
            noted.action.clone(),
            noted.subject.0.clone(),
            noted.subject.1.clone(),
            noted.organization_id.clone().unwrap_or_default(),
            noted.reason.clone().unwrap_or_default(),
            value(&noted.before),
            value(&noted.after),
            noted.by.request_id.clone(),
        ]
    };
    let mut table = Table::new(&HEADING)?;
    table.add_all(fetch, row).await?;
    Ok(table.answer("audit.csv")?)
}

/// Checks the whole chain now, and shows what was found.
pub async fn check(visit: Visit, _form: Form) -> Page {
    let who = user_id(&visit)?;
    visit.app.store.read(move |db| using::require(db, &who)).await?;
    let app = visit.app.clone();
    let done = actix_web::web::block(move || using::verify(&app.store)).await;
    let report = done.map_err(|cause| Error::internal(cause.to_string()))??;
    list(&visit, &Asked::default(), Some(found(report))).await
}

fn found(report: Report) -> pages::Report {
    pages::Report {
        rows: report.rows,
        last: report.last,
        fault: report.fault.map(|fault| match fault {
            Fault::Head => pages::Fault::Head,
            Fault::OtherKey => pages::Fault::OtherKey,
            Fault::Missing(id) => pages::Fault::Missing(id),
            Fault::Changed(id) => pages::Fault::Changed(id),
            Fault::Surplus(id) => pages::Fault::Surplus(id),
        }),
    }
}
