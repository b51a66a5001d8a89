//! People for operators: who they are and how they are protected, and never a secret of theirs.

use maud::{Markup, html};

use super::{Area, Choice, Turn, choices, done, finder, operators, turn};
use crate::domain::organization::Role;
use crate::domain::value::{Instant, Lang};
use crate::view::frame::Frame;
use crate::view::parts::{Column, Tone, badge, card, list, nothing, table};
use crate::view::when::Detail;

#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub email: String,
    pub is_operator: bool,
    pub is_disabled: bool,
    pub verified_at: Option<Instant>,
    pub has_totp: bool,
    pub created_at: Instant,
}

#[derive(Debug, Clone)]
pub struct List {
    pub text: String,
    /// What goes along with a search.
    pub kind: String,
    pub kinds: Vec<Choice>,
    pub rows: Vec<Row>,
    pub turn: Turn,
}

fn badges(frame: &Frame, row: &Row) -> Markup {
    let w = &frame.words().directory;
    html! {
        @if row.is_operator { (badge(Tone::Info, None, frame.words().story.by_operator)) " " }
        @if row.is_disabled { (badge(Tone::Bad, None, w.disabled)) " " }
        @if row.verified_at.is_none() { (badge(Tone::Warn, None, w.unverified)) }
    }
}

#[must_use]
pub fn users(frame: &Frame, page: &List) -> Markup {
    let w = &frame.words().directory;
    let columns = [
        Column::text(w.person),
        Column::text(w.email),
        Column::text(w.state),
        Column::text(w.second_factor),
        Column::text(w.created),
    ];
    let rows = html! {
        @for row in &page.rows {
            tr {
                th scope="row" { a href={ "/operator/users/" (row.id) } { (row.name) } }
                td data-l=(w.email) { (row.email) }
                td data-l=(w.state) { (badges(frame, row)) }
                td data-l=(w.second_factor) { @if row.has_totp { (w.on) } @else { span.mut { (w.off) } } }
                td data-l=(w.created) { (frame.time(row.created_at, Detail::Day)) }
            }
        }
    };
    let kinds = choices(w.state, &page.kinds, |code| match code {
        "operators" => w.operators,
        "disabled" => w.disabled,
        "unverified" => w.unverified,
        _ => w.all,
    });
    let content = html! {
        h1 { (w.users) }
        section.card aria-labelledby="found" {
            header { h2.vh #found { (w.users) } (kinds) }
            div { (finder(frame, Area::Users.href(), w.look_for_user, &page.text, &[("kind", &page.kind)])) }
            @if page.rows.is_empty() { div { p.mut { (w.no_users) } } } @else { (table(w.users, &columns, &rows)) }
            (turn(frame, &page.turn))
        }
    };
    operators(frame, Area::Users, w.users, &content)
}

#[derive(Debug, Clone)]
pub struct Page {
    pub row: Row,
    pub lang: Lang,
    pub password_changed_at: Instant,
    pub sessions: u64,
    pub last_seen_at: Option<Instant>,
    pub organizations: Vec<(String, String, Role)>,
    pub is_self: bool,
    pub is_done: bool,
}

#[must_use]
pub fn user(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let (w, acts, row) = (&words.directory, &words.acts, &page.row);
    let href = |what: &str| format!("/operator/users/{}/{what}", row.id);
    let facts = [
        (w.email, html! { (row.email) }),
        (w.id, html! { code { (row.id) } }),
        (
            w.verified_at,
            html! { @match row.verified_at { Some(at) => (frame.time(at, Detail::Minute)), None => (w.not_verified) } },
        ),
        (w.second_factor, html! { @if row.has_totp { (w.on) } @else { (w.off) } }),
        (w.sessions, html! { (page.sessions) }),
        (w.last_seen, html! { @match page.last_seen_at { Some(at) => (frame.time(at, Detail::Minute)), None => "–" } }),
        (w.language, html! { (match page.lang { Lang::Zh => w.chinese, Lang::En => w.english }) }),
        (w.password_changed, frame.time(page.password_changed_at, Detail::Minute)),
        (w.created, frame.time(row.created_at, Detail::Minute)),
    ];
    let columns = [Column::text(w.name), Column::text(w.role)];
    let rows = html! {
        @for (id, name, role) in &page.organizations {
            tr {
                td data-l=(w.name) { a href={ "/operator/organizations/" (id) } { (name) } }
                td data-l=(w.role) { (words.shared.role(*role)) }
            }
        }
    };
    let content = html! {
        p.fine { a href=(Area::Users.href()) { (w.users) } " / " (row.name) }
        div.row.between {
            div.row { h1 { (row.name) } (badges(frame, row)) }
            p.row {
                @if page.sessions > 0 { a.btn.sm href=(href("sign-out")) { (acts.sign_out) } }
                @if row.is_disabled {
                    a.btn.sm href=(href("enable")) { (acts.enable) }
                } @else if !page.is_self {
                    a.btn.sm.danger href=(href("disable")) { (acts.disable) }
                }
            }
        }
        (done(frame, page.is_done))
        div.grid {
            (card("facts", w.facts, &nothing(), &html! {
                div.snug { (list(&facts)) p.fine { (w.no_secrets) } }
                footer { span {} a.link href={ "/operator/audit?subject=" (row.id) } { (w.acts_noted) } }
            }))
            (card("organizations", w.user_organizations, &html! { span.fine { (page.organizations.len()) } }, &html! {
                @if page.organizations.is_empty() { div { p.mut { (w.in_none) } } } @else { (table(w.user_organizations, &columns, &rows)) }
            }))
        }
    };
    operators(frame, Area::Users, &row.name, &content)
}
