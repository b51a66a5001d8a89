//! Background jobs that were given up, for operators.

use maud::{Markup, html};

use super::{Area, Turn, decisions, done, operators, turn, why};
use crate::domain::value::Instant;
use crate::view::frame::Frame;
use crate::view::icon::Icon;
use crate::view::parts::{Column, Problem, Tone, alert, card, csrf, list, note, nothing, problems, table};
use crate::view::when::Detail;

#[derive(Debug, Clone)]
pub struct Row {
    pub id: i64,
    pub kind: String,
    pub key: String,
    pub attempts: u32,
    pub dead_at: Instant,
    pub error: String,
}

#[derive(Debug, Clone)]
pub struct List {
    pub rows: Vec<Row>,
    pub turn: Turn,
    pub is_done: bool,
}

#[must_use]
pub fn jobs(frame: &Frame, page: &List) -> Markup {
    let words = frame.words();
    let w = &words.work;
    let columns = [
        Column::text(w.given_up),
        Column::text(w.kind),
        Column::text(w.key),
        Column::figure(w.attempts),
        Column::text(w.last_error),
        Column::actions(w.open),
    ];
    let rows = html! {
        @for row in &page.rows {
            tr {
                td.nw data-l=(w.given_up) { (frame.time(row.dead_at, Detail::Minute)) }
                td data-l=(w.kind) { code { (row.kind) } }
                td data-l=(w.key) { (row.key) }
                td.r data-l=(w.attempts) { (row.attempts) }
                td data-l=(w.last_error) { (row.error) }
                td.acts { a href={ "/operator/jobs/" (row.id) } { (w.open) span.vh { ((words.shared.action_of)(&row.id.to_string())) } } }
            }
        }
    };
    let content = html! {
        h1 { (w.jobs) }
        (done(frame, page.is_done))
        @if page.rows.is_empty() {
            (note(Tone::Neutral, Icon::Check, w.no_jobs))
        } @else {
            (card("dead", w.dead_jobs, &nothing(), &html! { (table(w.dead_jobs, &columns, &rows)) (turn(frame, &page.turn)) }))
        }
    };
    operators(frame, Area::Jobs, w.jobs, &content)
}

#[derive(Debug, Clone)]
pub struct Page {
    pub row: Row,
    /// `retry` or `discard`; empty: none yet.
    pub chosen: String,
    pub why: String,
    /// The same work is planned again already.
    pub is_open: bool,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn job(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let (w, row) = (&words.work, &page.row);
    let title = (w.job_title)(&row.id.to_string());
    let facts = [
        (w.kind, html! { code { (row.kind) } }),
        (w.key, html! { (row.key) }),
        (w.attempts, html! { (row.attempts) }),
        (w.given_up, frame.time(row.dead_at, Detail::Second)),
        (w.last_error, html! { (row.error) }),
    ];
    let options = [("retry", w.retry, w.retry_means), ("discard", w.discard, w.discard_means)];
    let content = html! {
        p.fine { a href=(Area::Jobs.href()) { (w.jobs) } " / " (row.id) }
        h1 { (title) }
        @if page.is_open { (alert(Tone::Warn, Icon::Alert, w.job_open)) }
        (problems(frame, &page.problems))
        (card("facts", words.operator.facts, &nothing(), &html! { div { (list(&facts)) } }))
        (card("decide", w.decide, &nothing(), &html! {
            form.snug method="post" action={ "/operator/jobs/" (row.id) } {
                (csrf(frame))
                (decisions(frame, options, &page.chosen, &page.problems))
                (why(frame, &page.why, &page.problems))
                p { button.btn.primary { (words.operator.confirm) } }
            }
        }))
    };
    operators(frame, Area::Jobs, &title, &content)
}
