//! Organizations for operators.

use maud::{Markup, html};

use super::{Area, Choice, Turn, choices, done, finder, is_narrowed, none, operators, turn};
use crate::domain::binding;
use crate::domain::organization::{Freeze, FreezeReason, Role};
use crate::domain::value::Instant;
use crate::view::frame::Frame;
use crate::view::icon::Icon;
use crate::view::parts::{Column, Tone, badge, card, list, nothing, table};
use crate::view::when::Detail;

#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub members: u32,
    pub freeze: Option<Freeze>,
    pub created_at: Instant,
}

#[derive(Debug, Clone)]
pub struct List {
    pub text: String,
    /// What goes along with a search.
    pub state: String,
    pub states: Vec<Choice>,
    pub rows: Vec<Row>,
    pub turn: Turn,
}

/// How an organization is frozen.
pub(super) fn freeze(frame: &Frame, freeze: Option<Freeze>) -> Markup {
    let w = &frame.words().directory;
    match freeze.map(|freeze| freeze.reason) {
        None => badge(Tone::Ok, None, w.normal),
        Some(FreezeReason::Payment) => badge(Tone::Info, Some(Icon::Frozen), w.frozen_payment),
        Some(FreezeReason::Operator) => badge(Tone::Bad, Some(Icon::Frozen), w.frozen_operator),
    }
}

#[must_use]
pub fn organizations(frame: &Frame, page: &List) -> Markup {
    let w = &frame.words().directory;
    let columns = [
        Column::text(w.name),
        Column::text(w.state),
        Column::figure(w.members),
        Column::text(w.created),
        Column::text(w.id),
    ];
    let rows = html! {
        @for row in &page.rows {
            tr {
                th scope="row" { a href={ "/operator/organizations/" (row.id) } { (row.name) } }
                td data-l=(w.state) { (freeze(frame, row.freeze)) }
                td.r data-l=(w.members) { (row.members) }
                td data-l=(w.created) { (frame.time(row.created_at, Detail::Day)) }
                td data-l=(w.id) { code { (row.id) } }
            }
        }
    };
    let states = choices(w.state, &page.states, |code| match code {
        "payment" => w.frozen_payment,
        "operator" => w.frozen_operator,
        _ => w.all,
    });
    let content = html! {
        h1 { (w.organizations) }
        section.card aria-labelledby="found" {
            header { h2.vh #found { (w.organizations) } (states) }
            div { (finder(frame, Area::Organizations.href(), w.look_for_organization, &page.text, &[("state", &page.state)])) }
            @if page.rows.is_empty() {
                (none(is_narrowed(&page.states) || !page.text.is_empty(), &page.turn, w.no_organizations, w.no_organizations_yet))
            } @else { (table(w.organizations, &columns, &rows)) }
            (turn(frame, &page.turn))
        }
    };
    operators(frame, Area::Organizations, w.organizations, &content)
}

#[derive(Debug, Clone)]
pub struct Member {
    pub user_id: String,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub joined_at: Instant,
}

#[derive(Debug, Clone)]
pub struct Channel {
    /// The public name of the subscription.
    pub subscription: String,
    pub state: binding::State,
    pub reason: Option<String>,
    pub requested_at: Instant,
    pub live_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

#[derive(Debug, Clone)]
pub struct Page {
    pub row: Row,
    pub time_zone: String,
    pub members: Vec<Member>,
    pub channels: Vec<Channel>,
    pub is_done: bool,
}

#[must_use]
pub fn organization(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let w = &words.directory;
    let row = &page.row;
    let is_frozen_by_us = row.freeze.is_some_and(Freeze::is_by_operator);
    let mut facts = vec![
        (w.id, html! { code { (row.id) } }),
        (w.created, frame.time(row.created_at, Detail::Minute)),
        (w.time_zone, html! { (page.time_zone) }),
    ];
    if let Some(found) = row.freeze {
        facts.push((w.frozen_since, frame.time(found.since, Detail::Minute)));
        facts.extend(found.grace_until.map(|until| (w.grace_until, frame.time(until, Detail::Minute))));
    }
    let content = html! {
        p.fine { a href=(Area::Organizations.href()) { (w.organizations) } " / " (row.name) }
        div.row.between {
            div.row { h1 { (row.name) } (freeze(frame, row.freeze)) }
            @if is_frozen_by_us {
                a.btn.sm href={ "/operator/organizations/" (row.id) "/unfreeze" } { (words.story.unfreeze) }
            } @else {
                a.btn.sm.danger href={ "/operator/organizations/" (row.id) "/freeze" } { (words.story.freeze) }
            }
        }
        (done(frame, page.is_done))
        div.two {
            div.stack { (channels(frame, page)) (members(frame, page)) }
            (card("facts", w.facts, &nothing(), &html! {
                div { (list(&facts)) }
                footer {
                    a.link href={ "/operator/metering?organization=" (row.id) } { (w.held_records) }
                    a.link href={ "/operator/audit?subject=" (row.id) } { (w.acts_noted) }
                }
            }))
        }
    };
    operators(frame, Area::Organizations, &row.name, &content)
}

fn channels(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let w = &words.directory;
    let columns = [
        Column::text(words.shared.subscription),
        Column::text(w.state),
        Column::text(w.live_at),
        Column::text(w.ended_at),
    ];
    let moment =
        |at: Option<Instant>| html! { @match at { Some(at) => (frame.time(at, Detail::Minute)), None => "–" } };
    let rows = html! {
        @for one in &page.channels {
            tr {
                td data-l=(words.shared.subscription) { a href={ "/operator/subscriptions/" (one.subscription) } { (one.subscription) } }
                td data-l=(w.state) { (w.binding(one.state)) " " code { (one.state.as_str()) } @if let Some(reason) = &one.reason { " " span.fine { (reason) } } }
                td data-l=(w.live_at) { (moment(one.live_at)) }
                td data-l=(w.ended_at) { (moment(one.ended_at)) }
            }
        }
    };
    let content = html! {
        @if page.channels.is_empty() { div { p.mut { (w.no_channels) } } } @else { (table(w.channels, &columns, &rows)) }
    };
    card("channels", w.channels, &nothing(), &content)
}

fn members(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let w = &words.directory;
    let columns = [Column::text(w.person), Column::text(w.email), Column::text(w.role), Column::text(w.joined)];
    let rows = html! {
        @for one in &page.members {
            tr {
                td data-l=(w.person) { a href={ "/operator/users/" (one.user_id) } { (one.name) } }
                td data-l=(w.email) { (one.email) }
                td data-l=(w.role) { (words.shared.role(one.role)) }
                td data-l=(w.joined) { (frame.time(one.joined_at, Detail::Day)) }
            }
        }
    };
    let count = html! { span.fine { (page.members.len()) } };
    card("members", w.members, &count, &table(w.members, &columns, &rows))
}
