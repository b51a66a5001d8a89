//! The control pages: the same as the API, by hand.

use std::sync::OnceLock;

use actix_web::http::header::LOCATION;
use actix_web::web::{self, Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

use super::words::{Words, words};
use super::{Mail, Slot, Stage, span, stage};
use crate::domain::value::Lang;
use crate::simulator::{CallRow, Error, FaultKind, FaultRow, SPI_ACTIONS, Visit};
use crate::view::icon::{Icon, icon};
use crate::view::parts::{Column, Tone, alert, badge, card, figures, hidden};
use crate::view::when::time as moment;
use crate::view::{Detail, Zone};

type Shared = Data<OnceLock<Stage>>;

/// Calls that the page shows.
const CALLS: u32 = 50;
/// Characters of a reply that the table shows.
const REPLY_CHARS: usize = 48;

#[derive(Deserialize)]
pub struct Options {
    refused: Option<String>,
}

/// What the page shows, read on a thread that may wait.
struct Facts {
    now: crate::clock::Instant,
    faults: Vec<FaultRow>,
    calls: Vec<CallRow>,
    total: u64,
}

fn back(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

async fn on_stage<T: Send + 'static>(
    slot: Shared,
    work: impl FnOnce(&Stage) -> Result<T, Error> + Send + 'static,
) -> Option<T> {
    let slot: Slot = slot.into_inner();
    let outcome = web::block(move || work(stage(&slot)?)).await;
    match outcome {
        Ok(Ok(done)) => Some(done),
        Ok(Err(cause)) => {
            tracing::warn!(%cause, "control refused");
            None
        }
        Err(_) => None,
    }
}

fn draw(request: &HttpRequest, slot: &OnceLock<Stage>, make: impl FnOnce(Lang) -> (String, Markup)) -> HttpResponse {
    let Some(stage) = slot.get() else { return HttpResponse::ServiceUnavailable().finish() };
    let Some(visit) = Visit::of(request, &stage.market) else { return HttpResponse::ServiceUnavailable().finish() };
    let (title, content) = make(visit.lang);
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(visit.control_page(&title, &content).into_string())
}

pub async fn show(request: HttpRequest, slot: Shared, options: Query<Options>) -> HttpResponse {
    let facts = on_stage(slot.clone(), |stage| {
        let (calls, total) = stage.market.calls(CALLS)?;
        Ok(Facts { now: stage.now(), faults: stage.market.faults()?, calls, total })
    })
    .await;
    let Some(facts) = facts else { return HttpResponse::ServiceUnavailable().finish() };
    draw(&request, &slot, |lang| (words(lang).title.to_owned(), control(lang, &facts, options.refused.is_some())))
}

#[derive(Deserialize)]
pub struct Advance {
    advance: String,
}

pub async fn advance(slot: Shared, form: Form<Advance>) -> HttpResponse {
    let by = span(&form.advance);
    let moved = on_stage(slot, move |stage| {
        let to = stage.now().plus_ms(by.ok_or(Error::Refused("malformed"))?);
        stage.advance(to).map_err(|_| Error::Refused("clock"))
    })
    .await;
    back(if moved.is_some() { "/control" } else { "/control?refused=1" })
}

#[derive(Deserialize)]
pub struct NewFault {
    action: String,
    kind: String,
    count: u32,
    delay_ms: Option<String>,
}

pub async fn add_fault(slot: Shared, form: Form<NewFault>) -> HttpResponse {
    let form = form.into_inner();
    let added = on_stage(slot, move |stage| {
        let kind = FaultKind::parse(&form.kind).ok_or(Error::Refused("kind"))?;
        stage.market.add_fault(&form.action, kind, form.count, form.delay_ms.and_then(|text| text.parse().ok()))
    })
    .await;
    back(if added.is_some() { "/control" } else { "/control?refused=1" })
}

#[derive(Deserialize)]
pub struct OldFault {
    id: i64,
}

pub async fn remove_fault(slot: Shared, form: Form<OldFault>) -> HttpResponse {
    let removed = on_stage(slot, move |stage| stage.market.remove_faults(Some(form.id))).await;
    back(if removed.is_some() { "/control" } else { "/control?refused=1" })
}

/// Mails as a page, or as JSON for programs.
pub async fn mails(request: HttpRequest, slot: Shared) -> HttpResponse {
    let Some(mails) = on_stage(slot.clone(), |stage| Ok(stage.mails())).await else {
        return HttpResponse::ServiceUnavailable().finish();
    };
    let accept = request.headers().get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/html") {
        return HttpResponse::Ok().json(serde_json::json!({ "mails": mails }));
    }
    draw(&request, &slot, |lang| (words(lang).mails.to_owned(), mailbox(lang, &mails)))
}

fn control(lang: Lang, facts: &Facts, is_refused: bool) -> Markup {
    let w = words(lang);
    let zone = Zone::china();
    let clock = html! {
        form.snug method="post" action="/control/move" {
            p.clock { (moment(lang, &zone, facts.now, Detail::Second)) }
            p.row { @for (value, label) in w.steps { button.btn.sm name="advance" value=(value) { (label) } } }
            p.fine { (w.clock_hint) }
        }
    };
    html! {
        div.row.between {
            h1 { (w.title) }
            a.btn.sm href="/control/mail" { (icon(Icon::Mail)) (w.read_mails) }
        }
        @if is_refused { (alert(Tone::Bad, Icon::Alert, w.refused)) }
        div.cols {
            (card("clock-h", w.clock, &html! { span.fine { (w.forward_only) } }, &clock))
            (card("faults-h", w.faults, &html! {}, &faults(w, &facts.faults)))
        }
        section.card aria-labelledby="calls-h" {
            header { h2 #calls-h { (w.calls) } span.fine { (w.newest.replace("{}", &facts.total.to_string())) } }
            @if facts.calls.is_empty() { div { p.mut { (w.no_calls) } } } @else { (calls(lang, w, &facts.calls)) }
        }
    }
}

fn faults(w: &Words, faults: &[FaultRow]) -> Markup {
    html! {
        div.snug {
            form.snug method="post" action="/control/break" {
                div.inline {
                    div.field {
                        label for="action" { (w.action) }
                        select #action name="action" { @for action in SPI_ACTIONS { option { (action) } } }
                    }
                    div.field {
                        label for="kind" { (w.kind) }
                        select #kind name="kind" { @for kind in FaultKind::ALL { option { (kind.as_str()) } } }
                    }
                    div.field { label for="count" { (w.count) } input.in-t #count name="count" type="number" min="1" max="1000" value="1" required; }
                    div.field { label for="delay_ms" { (w.delay) } input.in-t #delay_ms name="delay_ms" type="number" min="0" max="600000" value="3000"; }
                }
                p { button.btn { (w.add) } }
            }
            @if faults.is_empty() { p.fine { (w.no_faults) } }
            @for fault in faults {
                form.row.between method="post" action="/control/mend" {
                    (hidden("id", &fault.id.to_string()))
                    span { code { (fault.action) } " · " (fault.kind) " · " (w.left.replace("{}", &fault.remaining.to_string())) }
                    button.link { (w.remove) span.vh { " " (fault.action) " " (fault.kind) } }
                }
            }
        }
    }
}

fn calls(lang: Lang, w: &Words, calls: &[CallRow]) -> Markup {
    let zone = Zone::china();
    let columns = [w.time, w.direction, w.action, w.instance, w.fault, w.reply].map(Column::text);
    let mut columns = columns.to_vec();
    columns.push(Column::figure(w.took));
    let rows = html! {
        @for call in calls {
            tr {
                td.nw { (moment(lang, &zone, call.at, Detail::Second)) }
                td.nw { (if call.direction == "out" { w.out } else { w.back }) }
                td.mono { (call.action) }
                td { (call.instance_id) }
                td { @if let Some(fault) = &call.fault { (badge(Tone::Warn, None, fault)) } @else { "—" } }
                td { @if let Some(status) = call.status { (status) " " } code { (call.reply.chars().take(REPLY_CHARS).collect::<String>()) } }
                td.r.nw { (call.took_ms) " ms" }
            }
        }
    };
    figures(w.calls, w.calls, &columns, &rows)
}

fn mailbox(lang: Lang, mails: &[Mail]) -> Markup {
    let w = words(lang);
    let zone = Zone::china();
    html! {
        p.fine { a href="/control" { (w.title) } " / " (w.mails) }
        div { h1 { (w.mails) } p.mut { (w.mails_lead) } }
        @if mails.is_empty() { section.card { div { p.mut { (w.no_mails) } } } }
        @for mail in mails {
            section.card aria-labelledby={ "mail-" (mail.id) } {
                header { h2 id={ "mail-" (mail.id) } { (mail.subject) } span.fine { (moment(lang, &zone, mail.at, Detail::Second)) } }
                div { p.fine { (w.to) " " (mail.to) } pre { (linked(&mail.body)) } }
            }
        }
    }
}

/// A plain text whose addresses can be clicked.
fn linked(text: &str) -> Markup {
    let lines = text.lines().map(|line| {
        if line.starts_with("http://") || line.starts_with("https://") {
            html! { a href=(line) { (line) } "\n" }
        } else {
            html! { (line) "\n" }
        }
    });
    PreEscaped(lines.map(PreEscaped::into_string).collect())
}
