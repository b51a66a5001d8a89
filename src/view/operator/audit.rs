//! The audit log for operators, and whether its chain holds.

use maud::{Markup, html};

use super::{Actor, Area, Turn, actor, operators, turn};
use crate::domain::value::Instant;
use crate::view::frame::Frame;
use crate::view::icon::{Icon, icon};
use crate::view::parts::{Column, Problem, Tone, card, command, csrf, fill, list, note, problems, table};
use crate::view::when::Detail;

/// A value as it can be read now.
#[derive(Debug, Clone)]
pub enum Said {
    Nothing,
    Text(String),
    /// It told of a person whose account was deleted.
    Erased,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub id: i64,
    pub at: Instant,
    pub by: Actor,
    pub action: String,
    pub subject: (String, String),
    pub reason: Option<String>,
    pub before: Said,
    pub after: Said,
    pub request_id: String,
}

/// What is looked for, as it was typed.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub actor: String,
    pub subject: String,
    pub action: String,
    pub from: String,
    pub until: String,
}

/// What is wrong with the log.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    Head,
    OtherKey,
    Missing(i64),
    Changed(i64),
    Surplus(i64),
}

/// What a check of the chain found.
#[derive(Debug, Clone)]
pub struct Report {
    pub rows: u64,
    pub last: Option<(i64, String)>,
    pub fault: Option<Fault>,
}

#[derive(Debug, Clone)]
pub struct List {
    pub asked: Asked,
    pub problems: Vec<Problem>,
    pub is_filtered: bool,
    pub rows: Vec<Row>,
    pub turn: Turn,
    pub csv_href: String,
    /// `None`: it was not checked just now.
    pub report: Option<Report>,
}

#[must_use]
pub fn audit(frame: &Frame, page: &List) -> Markup {
    let words = frame.words();
    let w = &words.work;
    let content = html! {
        div { h1 { (w.audit) } p.mut { (w.audit_lead) } }
        (problems(frame, &page.problems))
        (chain(frame, page.report.as_ref()))
        section.card aria-labelledby="found" {
            header { h2.vh #found { (w.audit) } }
            div { (asked(frame, page)) }
            @if !page.rows.is_empty() {
                (rows(frame, &page.rows))
            } @else if page.problems.is_empty() {
                div { p.mut { (w.no_acts) } }
            }
            (turn(frame, &page.turn))
        }
        @if !page.rows.is_empty() { p { a.link href=(page.csv_href) { (words.story.download) } } }
    };
    operators(frame, Area::Audit, w.audit, &content)
}

fn asked(frame: &Frame, page: &List) -> Markup {
    let w = &frame.words().work;
    let it = &page.asked;
    let fields = [
        ("actor", w.actor_id, &it.actor, "text"),
        ("subject", w.subject_id, &it.subject, "text"),
        ("action", w.action, &it.action, "text"),
        ("from", w.from, &it.from, "date"),
        ("until", w.until, &it.until, "date"),
    ];
    html! {
        form.inline method="get" action=(Area::Audit.href()) {
            @for (name, label, value, kind) in fields {
                @let wrong = page.problems.iter().find(|problem| problem.field == name);
                @let described = wrong.map(|_| format!("{name}-d"));
                div.field {
                    label for=(name) { (label) }
                    input.in-t id=(name) name=(name) type=(kind) autocomplete="off" maxlength="100" value=[(!value.is_empty()).then_some(value)]
                        aria-invalid=[wrong.map(|_| "true")] aria-describedby=[&described];
                    @if let Some(problem) = wrong { p.err id=[described] { (icon(Icon::Alert)) " " (problem.sentence(frame)) } }
                }
            }
            button.btn { (w.show) }
            @if page.is_filtered { a.link href=(Area::Audit.href()) { (w.clear) } }
        }
    }
}

fn rows(frame: &Frame, rows: &[Row]) -> Markup {
    let words = frame.words();
    let w = &words.work;
    let columns = [
        Column::text(words.shared.time),
        Column::text(w.actor),
        Column::text(w.action),
        Column::text(w.subject),
        Column::text(w.change),
        Column::text(words.acts.why),
    ];
    table(
        w.audit,
        &columns,
        &html! {
            @for row in rows {
                tr {
                    td.nw data-l=(words.shared.time) { (frame.time(row.at, Detail::Second)) br; span.fine { "#" (row.id) } }
                    td data-l=(w.actor) { (actor(frame, &row.by)) }
                    td data-l=(w.action) { code.nw { (row.action) } }
                    td data-l=(w.subject) { (subject(row)) }
                    td data-l=(w.change) { (change(frame, row)) }
                    td data-l=(words.acts.why) {
                        (row.reason.as_deref().unwrap_or("–"))
                        @if !row.request_id.is_empty() { br; span.fine { (row.request_id) } }
                    }
                }
            }
        },
    )
}

fn subject(row: &Row) -> Markup {
    let (kind, id) = &row.subject;
    html! { span.fine { (kind) } " " (id) }
}

fn change(frame: &Frame, row: &Row) -> Markup {
    let value = |said: &Said| match said {
        Said::Nothing => html! { "–" },
        Said::Text(text) => html! { (text) },
        Said::Erased => html! { span.mut { (frame.words().story.erased) } },
    };
    html! {
        @if matches!((&row.before, &row.after), (Said::Nothing, Said::Nothing)) { "–" } @else { (value(&row.before)) " → " (value(&row.after)) }
    }
}

fn chain(frame: &Frame, report: Option<&Report>) -> Markup {
    let words = frame.words();
    let w = &words.work;
    let content = html! {
        div.snug {
            p.mut { (w.chain_lead) }
            @if let Some(report) = report {
                div role="status" { (found(frame, report)) }
                @if let Some((id, mac)) = &report.last {
                    (list(&[(w.last_row, html! { (id) }), (w.last_mac, html! { code { (mac) } })]))
                    p.fine { (w.keep_elsewhere) }
                }
            }
            form method="post" action="/operator/audit/check" { (csrf(frame)) button.btn.sm { (w.check) } }
        }
    };
    card("chain", w.chain, &html! {}, &content)
}

fn found(frame: &Frame, report: &Report) -> Markup {
    let w = &frame.words().work;
    let text = match report.fault {
        None if report.last.is_none() => return note(Tone::Neutral, Icon::Info, w.chain_empty),
        None => return note(Tone::Ok, Icon::Check, (w.chain_good)(&report.rows.to_string())),
        Some(Fault::Head) => w.fault_head.to_owned(),
        Some(Fault::OtherKey) => w.fault_other_key.to_owned(),
        Some(Fault::Missing(id)) => (w.fault_missing)(&id.to_string()),
        Some(Fault::Changed(id)) => (w.fault_changed)(&id.to_string()),
        Some(Fault::Surplus(id)) => (w.fault_surplus)(&id.to_string()),
    };
    let stop = command("systemctl stop marketgate");
    let next = if matches!(report.fault, Some(Fault::OtherKey)) { w.fault_other_key_next } else { w.fault_next };
    note(Tone::Bad, Icon::Alert, html! { strong { (text) } " " (fill(next, &[stop])) })
}
