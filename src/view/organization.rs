//! A person's organizations, and a new one.

use maud::{Markup, html};

use crate::domain::organization::{FreezeReason, Role};

use super::console::{Personal, personal};
use super::frame::Frame;
use super::icon::{Icon, icon};
use super::parts::{Column, Field, Problem, Tone, badge, card, csrf, field, note, problems, table};

/// The organizations of the person.
#[derive(Debug, Clone)]
pub struct List {
    pub organizations: Vec<Listed>,
    /// One was just deleted.
    pub is_one_deleted: bool,
}

#[derive(Debug, Clone)]
pub struct Listed {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub members: u64,
    pub channel: ChannelState,
    pub freeze: Option<FreezeReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelState {
    Bound,
    Requested,
    None,
}

#[must_use]
pub fn list(frame: &Frame, page: &List) -> Markup {
    let words = frame.words();
    let w = &words.organizations;
    let columns = [Column::text(w.name), Column::text(w.role), Column::text(w.members_title), Column::text(w.channel)];
    let rows = html! {
        @for it in &page.organizations {
            tr {
                th scope="row" { a href={ "/orgs/" (it.id) "/billing" } { (it.name) } }
                td data-l=(w.role) { (words.shared.role(it.role)) }
                td data-l=(w.members_title) { (it.members) }
                td data-l=(w.channel) { (channel_badge(frame, it)) }
            }
        }
    };
    let create = html! { a.btn href="/orgs/new" { (icon(Icon::Plus)) " " (w.create) } };
    let content = html! {
        div.row.between {
            div { h1 { (w.list_title) } p.mut { (w.list_lead) } }
            @if !page.organizations.is_empty() { (create) }
        }
        @if page.is_one_deleted { div role="status" { (note(Tone::Ok, Icon::Check, words.settings.deleted)) } }
        @if page.organizations.is_empty() {
            section.card aria-labelledby="none" {
                div.snug {
                    h2 #none { (w.empty_title) }
                    p.mut { (w.empty_lead) }
                    p { a.btn.primary href="/orgs/new" { (w.create) } }
                }
            }
        } @else {
            (card("all", w.list_all, &html! { span.fine { (page.organizations.len()) } },
                &table(w.list_all, &columns, &rows)))
        }
    };
    personal(frame, Personal::Organizations, w.list_title, &content)
}

fn channel_badge(frame: &Frame, it: &Listed) -> Markup {
    let w = &frame.words().organizations;
    html! {
        @match it.channel {
            ChannelState::Bound => (badge(Tone::Ok, Some(Icon::Check), w.channel_bound)),
            ChannelState::Requested => (badge(Tone::Info, Some(Icon::Clock), w.channel_requested)),
            ChannelState::None => (badge(Tone::Neutral, None, w.channel_none)),
        }
        @match it.freeze {
            Some(FreezeReason::Payment) => { " " (badge(Tone::Warn, Some(Icon::Frozen), w.frozen)) },
            Some(FreezeReason::Operator) => { " " (badge(Tone::Bad, Some(Icon::Alert), w.frozen_by_operator)) },
            None => {},
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct New {
    pub name: String,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn new(frame: &Frame, page: &New) -> Markup {
    let w = &frame.words().organizations;
    let it = Field {
        name: "name",
        label: w.name,
        autocomplete: "organization",
        value: &page.name,
        hint: Some(w.new_lead),
        max_length: Some(60),
        ..Field::default()
    };
    let content = html! {
        h1 { (w.new_title) }
        (problems(frame, &page.problems))
        section.card.narrow aria-label=(w.new_title) {
            form method="post" action="/orgs" {
                (csrf(frame))
                (field(frame, &it, &page.problems))
                p.row {
                    button.btn.primary { (w.create) }
                    a.btn href="/orgs" { (w.cancel) }
                }
            }
        }
    };
    personal(frame, Personal::Organizations, w.new_title, &content)
}
