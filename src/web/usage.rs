//! `POST /api/v1/usage`: the vendor's product tells what was used.

use std::pin::Pin;

use actix_web::web::{BytesMut, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_core::Stream as _;

use super::api::{Api, key_hash};
use super::cloudevent::{self, Mode, Sent};
use super::shape::{EventVerdict, UsageAnswer};
use super::visit::header;
use crate::app::App;
use crate::domain::api_key::Scope;
use crate::domain::usage::Gap;
use crate::error::{Error, Result};
use crate::usecase::entry;
use crate::usecase::usage::{self, EVENTS_PER_WRITE, Usage, Verdict};

/// Largest body, in bytes: two KiB for each of the most events.
const MAX_BODY: usize = 2 * 1024 * cloudevent::MAX_EVENTS;
/// With so many writes waiting, more usage is put off, so that the marketplace's calls are not behind it.
const MAX_WAITING: usize = 64;
const RETRY_SECS: u32 = 1;

/// Takes one event or a batch, and answers a verdict for each once all are durable.
pub async fn take(app: Data<App>, request: HttpRequest, payload: Payload) -> Api {
    let (key, now) = (key_hash(&request)?, app.now());
    app.store.read_here(|db| entry::authorize(db, &key, Scope::UsageWrite, now))?;
    let mode = Mode::of(header(&request, "content-type"))?;
    if app.store.load().writes_waiting > MAX_WAITING {
        return Err(Error::TooMany { retry_after_secs: RETRY_SECS }.into());
    }
    // By a wrong clock it would be refused as too old or from the future, and be lost with that (rules D3).
    if !app.trusts_clock() {
        return Err(Error::Busy.into());
    }
    let body = read_body(&request, payload).await?;
    let (names, parsed): (Vec<_>, Vec<_>) =
        cloudevent::read(mode, &body)?.into_iter().map(|Sent { source, id, usage }| ((source, id), usage)).unzip();
    let verdicts = write(&app, parsed).await?;
    if let (Mode::One, [Verdict::Rejected(code)]) = (mode, verdicts.as_slice()) {
        // Who sends one event at a time may look at nothing but the status.
        return Err(Error::invalid("event", code).into());
    }
    let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| wanted(verdict)).count();
    Ok(HttpResponse::Ok().json(UsageAnswer {
        accepted: count(|verdict| matches!(verdict, Verdict::Accepted(_))),
        duplicate: count(|verdict| matches!(verdict, Verdict::Duplicate)),
        rejected: count(|verdict| matches!(verdict, Verdict::Rejected(_))),
        events: names.iter().zip(&verdicts).map(|((source, id), verdict)| event_out(source, id, *verdict)).collect(),
    }))
}

fn event_out<'a>(source: &'a str, id: &'a str, verdict: Verdict) -> EventVerdict<'a> {
    let (verdict, code, note) = match verdict {
        Verdict::Accepted(note) => ("accepted", None, note),
        Verdict::Duplicate => ("duplicate", None, None),
        Verdict::Rejected(code) => ("rejected", Some(code), None),
    };
    EventVerdict { source, id, verdict, code, note }
}

/// In writes that hold nobody up. One that fails fails the request; what went before is found to be duplicate when the
/// request comes again.
async fn write(app: &Data<App>, parsed: Vec<Result<Usage, &'static str>>) -> Result<Vec<Verdict>> {
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(parsed.len());
    let mut fine: Vec<(usize, Usage)> = Vec::with_capacity(parsed.len());
    for (at, usage) in parsed.into_iter().enumerate() {
        match usage {
            Ok(usage) => {
                fine.push((at, usage));
                // Replaced below.
                verdicts.push(Verdict::Rejected("not_written"));
            }
            Err(code) => verdicts.push(Verdict::Rejected(code)),
        }
    }
    let mut fine = fine.into_iter().peekable();
    while fine.peek().is_some() {
        let (places, events): (Vec<usize>, Vec<Usage>) = fine.by_ref().take(EVENTS_PER_WRITE).unzip();
        let (shared, timing, now) = (Data::clone(app), app.config.metering.timing(), app.now());
        let gap = app.holds.gap().map(|(since, until)| Gap { since, until });
        let found = app
            .store
            .write(move |tx| {
                let catalogue = |product: Option<(&str, &str)>, item: &str| shared.config.usage_rule(product, item);
                usage::take(tx, &catalogue, (timing, gap), &events, now)
            })
            .await?;
        for (place, verdict) in places.into_iter().zip(found) {
            verdicts[place] = verdict;
        }
    }
    Ok(verdicts)
}

async fn read_body(request: &HttpRequest, payload: Payload) -> Result<BytesMut> {
    let announced: usize = header(request, "content-length").parse().unwrap_or(0);
    if announced > MAX_BODY {
        return Err(Error::TooLarge);
    }
    let mut payload = payload;
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = std::future::poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let chunk = chunk.map_err(|_| Error::invalid("body", "incomplete"))?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
