//! What was used, and what became of it, for the vendor's product.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::api::{Api, Page, limit, read};
use super::shape::{self, List};
use crate::app::App;
use crate::clock::Instant;
use crate::domain::api_key::Scope;
use crate::domain::usage::State;
use crate::error::{Error, Result};
use crate::usecase::{
    self,
    push::{self, Filter, Record},
};

#[derive(Deserialize)]
pub struct Asked {
    from: Option<String>,
    until: Option<String>,
    state: Option<String>,
    organization: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

fn moment(name: &'static str, text: Option<&str>) -> Result<Option<Instant>> {
    text.map(|text| {
        let at: Option<jiff::Timestamp> = text.parse().ok();
        at.map(|at| Instant::from_ms(at.as_millisecond())).ok_or_else(|| Error::invalid(name, "malformed"))
    })
    .transpose()
}

fn filter(asked: &Asked) -> Result<Filter> {
    let state = asked.state.as_deref().map(|text| State::parse(text).ok_or_else(|| Error::invalid("state", "unknown")));
    Ok(Filter {
        from: moment("from", asked.from.as_deref())?,
        until: moment("until", asked.until.as_deref())?,
        state: state.transpose()?,
        organization_id: asked.organization.clone(),
    })
}

/// `GET /api/v1/metering`: records in the order of their windows; `from` and `until` bound when those begin.
pub async fn list(app: Data<App>, request: HttpRequest, asked: Query<Asked>) -> Api {
    let limit = limit(&Page { after: None, limit: asked.limit.clone() })?;
    let (filter, after) = (filter(&asked)?, asked.after.clone().unwrap_or_default());
    let found = read(&app, &request, Scope::MeteringRead, move |db| push::list(db, &filter, &after, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(push::cursor);
    Ok(HttpResponse::Ok().json(List { items: found.into_iter().map(describe).collect(), next }))
}

fn describe(record: Record) -> shape::Record {
    let subscription = record.seller_id.as_ref().zip(record.instance_id.as_ref());
    shape::Record {
        id: record.id,
        subscription: subscription.map(|(seller, instance)| usecase::subscription_name(seller, instance)),
        organization: record.organization_id,
        item: record.item,
        from: record.from.into(),
        until: record.until.into(),
        part: record.part,
        quantity: record.quantity,
        carried_in: record.carried_in,
        state: record.state,
        code: record.code,
        note: record.note,
        due_by: record.due_by.into(),
        settled_at: record.settled_at.map(Into::into),
        attempts: record.attempts,
        request: record.request_ref,
    }
}
