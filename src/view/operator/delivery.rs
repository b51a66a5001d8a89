//! Messages to webhooks for operators.

use maud::{Markup, html};

use super::{Area, Choice, Turn, choices, is_narrowed, none, operators, turn};
use crate::domain::value::Instant;
use crate::view::frame::Frame;
use crate::view::icon::Icon;
use crate::view::parts::{Column, Tone, alert, badge, card, list, note, nothing, post, table};
use crate::view::when::Detail;

#[derive(Debug, Clone)]
pub struct Row {
    pub id: i64,
    pub webhook_id: String,
    pub url: String,
    /// The type of the event; `None`: a ping.
    pub event: Option<String>,
    pub subject: String,
    pub state: String,
    pub attempts: u32,
    pub due_at: Option<Instant>,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub created_at: Instant,
    pub ended_at: Option<Instant>,
}

#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    /// `works`, `failing`, or why it is disabled: `requested`, `gone`, `failed`.
    pub state: &'static str,
    pub since: Option<Instant>,
}

#[derive(Debug, Clone)]
pub struct List {
    pub webhooks: Vec<Webhook>,
    pub states: Vec<Choice>,
    pub rows: Vec<Row>,
    pub turn: Turn,
}

fn state(frame: &Frame, state: &str) -> Markup {
    let tone = match state {
        "delivered" => Tone::Ok,
        "waiting" => Tone::Info,
        _ => Tone::Bad,
    };
    badge(tone, None, frame.words().story.delivery(state))
}

#[must_use]
pub fn deliveries(frame: &Frame, page: &List) -> Markup {
    let words = frame.words();
    let (w, story) = (&words.work, &words.story);
    let columns = [
        Column::text(w.created),
        Column::text(w.event),
        Column::text(w.about),
        Column::text(words.operator.state),
        Column::figure(w.attempts),
        Column::text(w.last_answer),
        Column::actions(w.open),
    ];
    let rows = html! {
        @for row in &page.rows {
            tr {
                td.nw data-l=(w.created) { (frame.time(row.created_at, Detail::Second)) }
                td data-l=(w.event) { @match &row.event { Some(kind) => code { (kind) }, None => (w.ping) } }
                td data-l=(w.about) { (row.subject) }
                td data-l=(words.operator.state) { (state(frame, &row.state)) }
                td.r data-l=(w.attempts) { (row.attempts) }
                td data-l=(w.last_answer) { (answer(row)) }
                td.acts { a href={ "/operator/deliveries/" (row.id) } { (w.open) span.vh { ((words.shared.action_of)(&row.id.to_string())) } } }
            }
        }
    };
    let states =
        choices(
            words.operator.state,
            &page.states,
            |code| if code.is_empty() { story.all } else { story.delivery(code) },
        );
    let content = html! {
        h1 { (w.deliveries) }
        (webhooks(frame, &page.webhooks))
        section.card aria-labelledby="found" {
            header { h2 #found { (w.deliveries) } (states) }
            @if page.rows.is_empty() {
                (none(is_narrowed(&page.states), &page.turn, w.no_deliveries, w.no_deliveries_yet))
            } @else { (table(w.deliveries, &columns, &rows)) }
            (turn(frame, &page.turn))
        }
    };
    operators(frame, Area::Deliveries, w.deliveries, &content)
}

fn answer(row: &Row) -> Markup {
    html! {
        @if let Some(status) = row.status { (status) " " }
        @if let Some(error) = &row.error { (error) }
        @if row.status.is_none() && row.error.is_none() { "–" }
    }
}

fn webhooks(frame: &Frame, all: &[Webhook]) -> Markup {
    let words = frame.words();
    let w = &words.work;
    let columns = [
        Column::text(w.webhook),
        Column::text(words.operator.state),
        Column::text(words.health.since),
        Column::actions(w.enable),
    ];
    let rows = html! {
        @for one in all {
            @let (tone, text) = match one.state {
                "works" => (Tone::Ok, w.works),
                "failing" => (Tone::Warn, w.failing),
                "requested" => (Tone::Neutral, w.disabled_requested),
                "gone" => (Tone::Bad, w.disabled_gone),
                _ => (Tone::Bad, w.disabled_failing),
            };
            tr {
                td data-l=(w.webhook) { a href={ "/operator/deliveries?webhook=" (one.id) } { (one.url) } " " span.fine { (one.id) } }
                td data-l=(words.operator.state) { (badge(tone, None, text)) }
                td data-l=(words.health.since) { @match one.since { Some(at) => (frame.time(at, Detail::Minute)), None => "–" } }
                td.acts {
                    @if !matches!(one.state, "works" | "failing") {
                        (post(frame, &format!("/operator/webhooks/{}/enable", one.id), &html! {
                            button.link { (w.enable) span.vh { ((words.shared.action_of)(&one.url)) } }
                        }))
                    }
                }
            }
        }
    };
    let content = html! {
        @if all.is_empty() {
            div { p.mut { (w.no_webhooks) (frame.space()) a href="/api/docs" { (words.docs.title) } } }
        } @else { (table(w.webhooks, &columns, &rows)) }
    };
    card("webhooks", w.webhooks, &html! { span.fine { (all.len()) } }, &content)
}

#[derive(Debug, Clone)]
pub struct Page {
    pub row: Row,
    /// The body that is sent.
    pub body: String,
    pub is_done: bool,
    /// An earlier one of its subject has to end first.
    pub is_behind: bool,
}

#[must_use]
pub fn delivery(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let (w, row) = (&words.work, &page.row);
    let title = (w.delivery_title)(&row.id.to_string());
    let next = match row.due_at {
        Some(at) => frame.time(at, Detail::Second),
        None if row.state == "waiting" => html! { (w.behind) },
        None => html! { "–" },
    };
    let facts = [
        (w.event, html! { @match &row.event { Some(kind) => code { (kind) }, None => (w.ping) } }),
        (w.about, html! { (row.subject) }),
        (w.webhook, html! { (row.url) " " span.fine { (row.webhook_id) } }),
        (w.attempts, html! { (row.attempts) }),
        (w.last_answer, answer(row)),
        (w.next_attempt, next),
        (w.created, frame.time(row.created_at, Detail::Second)),
        (w.ended, html! { @match row.ended_at { Some(at) => (frame.time(at, Detail::Second)), None => "–" } }),
    ];
    let content = html! {
        p.fine { a href=(Area::Deliveries.href()) { (w.deliveries) } " / " (row.id) }
        div.row.between {
            div.row { h1 { (title) } (state(frame, &row.state)) }
            (post(frame, &format!("/operator/deliveries/{}/redeliver", row.id), &html! { button.btn.sm { (w.redeliver) } }))
        }
        @if page.is_done { div role="status" { (note(Tone::Ok, Icon::Check, w.redelivered)) } }
        @if page.is_behind { (alert(Tone::Warn, Icon::Alert, w.behind_another)) }
        (card("facts", words.operator.facts, &nothing(), &html! { div { (list(&facts)) } }))
        (card("body", words.story.content, &nothing(), &html! { div { pre { (page.body) } } }))
    };
    operators(frame, Area::Deliveries, &title, &content)
}
