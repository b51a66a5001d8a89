//! The marketplace's calls for operators, as they were made and answered; tokens hidden, buyer accounts masked.

use maud::{Markup, html};

use super::{Area, Choice, Turn, choices, is_narrowed, none, operators, turn};
use crate::domain::value::Instant;
use crate::view::frame::Frame;
use crate::view::icon::Icon;
use crate::view::parts::{Column, Tone, badge, card, list, note, nothing, table};
use crate::view::when::Detail;

#[derive(Debug, Clone)]
pub struct Row {
    pub id: i64,
    pub at: Instant,
    /// The public name, and whether there is such a subscription.
    pub subscription: (String, bool),
    pub action: String,
    pub verdict: String,
    pub code: Option<String>,
    pub status: u16,
}

/// A call that was turned away at the door.
#[derive(Debug, Clone)]
pub struct TurnedAway {
    pub at: Instant,
    pub seller: String,
    pub code: String,
    pub address: String,
    pub params: String,
    pub request_id: String,
}

#[derive(Debug, Clone)]
pub enum Rows {
    Calls(Vec<Row>),
    TurnedAway(Vec<TurnedAway>),
}

#[derive(Debug, Clone)]
pub struct List {
    pub verdicts: Vec<Choice>,
    pub actions: Vec<Choice>,
    pub rows: Rows,
    pub turn: Turn,
}

fn tone(verdict: &str) -> Tone {
    match verdict {
        "applied" => Tone::Ok,
        "repeated" => Tone::Neutral,
        "conflict" => Tone::Warn,
        _ => Tone::Bad,
    }
}

#[must_use]
pub fn calls(frame: &Frame, page: &List) -> Markup {
    let words = frame.words();
    let (w, story) = (&words.work, &words.story);
    let verdicts = choices(w.verdict, &page.verdicts, |code| match code {
        "" => story.all,
        "turned_away" => w.turned_away,
        other => story.verdict(other),
    });
    let actions = choices(w.action, &page.actions, |code| if code.is_empty() { story.any } else { story.call(code) });
    let no_calls =
        none(is_narrowed(&page.verdicts) || is_narrowed(&page.actions), &page.turn, w.no_calls, w.no_calls_yet);
    let content = html! {
        h1 { (w.calls) }
        @if matches!(page.rows, Rows::TurnedAway(_)) { (note(Tone::Neutral, Icon::Info, w.turned_away_note)) }
        section.card aria-labelledby="found" {
            header { h2.vh #found { (w.calls) } (verdicts) }
            @if !page.actions.is_empty() { div { (actions) } }
            @match &page.rows {
                Rows::Calls(rows) if rows.is_empty() => (no_calls),
                Rows::TurnedAway(rows) if rows.is_empty() => (no_calls),
                Rows::Calls(rows) => (made(frame, rows)),
                Rows::TurnedAway(rows) => (turned_away(frame, rows)),
            }
            (turn(frame, &page.turn))
        }
    };
    operators(frame, Area::Calls, w.calls, &content)
}

fn subscription((name, is_here): &(String, bool)) -> Markup {
    html! { @if *is_here { a href={ "/operator/subscriptions/" (name) } { (name) } } @else { (name) } }
}

fn made(frame: &Frame, rows: &[Row]) -> Markup {
    let words = frame.words();
    let w = &words.work;
    let columns = [
        Column::text(w.received),
        Column::text(w.action),
        Column::text(words.shared.subscription),
        Column::text(w.verdict),
        Column::text(w.code),
        Column::figure(w.status),
        Column::actions(w.open),
    ];
    table(
        w.calls,
        &columns,
        &html! {
            @for row in rows {
                tr {
                    td.nw data-l=(w.received) { (frame.time(row.at, Detail::Second)) }
                    td data-l=(w.action) { (words.story.call(&row.action)) " " code { (row.action) } }
                    td data-l=(words.shared.subscription) { (subscription(&row.subscription)) }
                    td data-l=(w.verdict) { (badge(tone(&row.verdict), None, words.story.verdict(&row.verdict))) }
                    td data-l=(w.code) { @if let Some(code) = &row.code { code { (code) } } @else { "–" } }
                    td.r data-l=(w.status) { (row.status) }
                    td.acts { a href={ "/operator/calls/" (row.id) } { (w.open) span.vh { ((words.shared.action_of)(&row.id.to_string())) } } }
                }
            }
        },
    )
}

fn turned_away(frame: &Frame, rows: &[TurnedAway]) -> Markup {
    let words = frame.words();
    let w = &words.work;
    let columns = [
        Column::text(w.received),
        Column::text(words.operator.seller),
        Column::text(w.code),
        Column::text(w.address),
        Column::text(w.parameters),
    ];
    table(
        w.turned_away,
        &columns,
        &html! {
            @for row in rows {
                tr {
                    td.nw data-l=(w.received) { (frame.time(row.at, Detail::Second)) }
                    td data-l=(words.operator.seller) { (row.seller) }
                    td data-l=(w.code) { code { (row.code) } }
                    td data-l=(w.address) { (row.address) }
                    td { details { summary.fine { (w.parameters) } pre { (row.params) } } span.fine { (row.request_id) } }
                }
            }
        },
    )
}

#[derive(Debug, Clone)]
pub struct Page {
    pub row: Row,
    pub took_ms: String,
    pub request_id: String,
    pub params: String,
    /// Something was erased from them (rules D6).
    pub is_erased: bool,
    pub reply: String,
}

#[must_use]
pub fn call(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let (w, row) = (&words.work, &page.row);
    let title = (w.call_title)(&row.id.to_string());
    let mut facts = vec![
        (w.received, frame.time(row.at, Detail::Second)),
        (w.action, html! { (words.story.call(&row.action)) " " code { (row.action) } }),
        (words.shared.subscription, subscription(&row.subscription)),
        (w.status, html! { (row.status) }),
        (w.took, html! { (page.took_ms) " ms" }),
        (words.shared.request_id, html! { code { (page.request_id) } }),
    ];
    if let Some(code) = &row.code {
        facts.push((w.code, html! { code { (code) } }));
    }
    let content = html! {
        p.fine { a href=(Area::Calls.href()) { (w.calls) } " / " (row.id) }
        div.row { h1 { (title) } (badge(tone(&row.verdict), None, words.story.verdict(&row.verdict))) }
        (card("facts", words.operator.facts, &nothing(), &html! { div { (list(&facts)) } }))
        (card("parameters", w.parameters, &nothing(), &html! { div { pre { (page.params) } @if page.is_erased { p.fine { (w.erased) } } } }))
        (card("reply", w.reply, &nothing(), &html! { div { pre { (page.reply) } } }))
    };
    operators(frame, Area::Calls, &title, &content)
}
