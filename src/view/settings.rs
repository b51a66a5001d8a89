//! An organization's settings, and its end: what it means, or what stands in its way.

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use crate::domain::value::Instant;
use crate::domain::zone::{COMMON, DEFAULT, REGIONS, names_of};

use super::console::{Of, Organization, organization};
use super::frame::Frame;
use super::icon::Icon;
use super::parts::{Field, Problem, Tone, card, csrf, field, figure, fill, list, mail_link, note, nothing, problems};
use super::when::{Detail, offset_at};
use super::words::Text;

#[derive(Debug, Clone)]
pub struct Settings {
    pub organization: Of,
    /// By its IANA name.
    pub time_zone: String,
    pub created_at: Instant,
    pub now: Instant,
    /// An owner, who may change them.
    pub is_owner: bool,
    /// What was typed as the new name; the name itself if nothing was.
    pub new_name: String,
    pub done: Option<Done>,
    pub problems: Vec<Problem>,
}

/// What was just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Renamed,
    ZoneChanged,
}

#[must_use]
pub fn settings(frame: &Frame, page: &Settings) -> Markup {
    let w = &frame.words().settings;
    let of = &page.organization;
    let mut about =
        vec![(w.id, html! { code { (of.id) } }), (w.created_at, frame.time(page.created_at, Detail::Minute))];
    if !page.is_owner {
        about.splice(0..0, [(w.name, html! { (of.name) }), (w.zone, html! { (page.time_zone) })]);
    }
    let content = html! {
        div { h1 { (w.title) } @if !page.is_owner { p.mut { (w.lead) } } }
        (problems(frame, &page.problems))
        @if let Some(done) = page.done {
            div role="status" { (note(Tone::Ok, Icon::Check, match done {
                Done::Renamed => w.renamed,
                Done::ZoneChanged => w.zone_changed,
            })) }
        }
        @if page.is_owner {
            (name(frame, page))
            (zone(frame, page))
        }
        (card("about", w.about, &nothing(), &html! { div { (list(&about)) } }))
        @if page.is_owner {
            (card("delete", w.delete_card, &nothing(), &html! {
                div.snug {
                    p.mut { (w.delete_text) }
                    p { a.btn href={ "/orgs/" (of.id) "/delete" } { (w.delete) } }
                }
            }))
        }
    };
    organization(frame, of, Organization::Settings, w.title, &content)
}

fn name(frame: &Frame, page: &Settings) -> Markup {
    let w = &frame.words().settings;
    let typed = Field {
        name: "name",
        label: w.name,
        autocomplete: "organization",
        value: &page.new_name,
        hint: Some(w.name_hint),
        max_length: Some(60),
        ..Field::default()
    };
    card(
        "naming",
        w.name_card,
        &nothing(),
        &html! {
            form.narrow method="post" action={ "/orgs/" (page.organization.id) "/settings/name" } {
                (csrf(frame))
                (field(frame, &typed, &page.problems))
                p.row { button.btn.primary { (w.save_name) } }
            }
        },
    )
}

fn zone(frame: &Frame, page: &Settings) -> Markup {
    let words = frame.words();
    let w = &words.settings;
    let option = |name: &str, title: &str| {
        html! { option value=(name) selected[name == page.time_zone] { (title) " (" (offset_at(name, page.now)) ")" } }
    };
    // One that is not offered any more stays chosen until another one is.
    let is_known =
        COMMON.contains(&page.time_zone.as_str()) || REGIONS.contains(&crate::domain::zone::region(&page.time_zone));
    card(
        "zoning",
        w.zone_card,
        &nothing(),
        &html! {
            form.narrow method="post" action={ "/orgs/" (page.organization.id) "/settings/time-zone" } {
                (csrf(frame))
                div.field {
                    label for="zone" { (w.zone) }
                    select id="zone" name="zone" aria-describedby="zone-d" {
                        @if !is_known { (option(&page.time_zone, &page.time_zone)) }
                        optgroup label=(w.common) {
                            @for name in COMMON {
                                @if name == DEFAULT { (option(name, &format!("{} · {name}", w.china))) }
                                @else { (option(name, name)) }
                            }
                        }
                        @for region in REGIONS {
                            optgroup label=(w.region(region)) {
                                @for name in names_of(region).iter().filter(|name| !COMMON.contains(&name.as_str())) {
                                    (option(name, name))
                                }
                            }
                        }
                    }
                    p.fine #zone-d { (w.zone_hint) }
                }
                p.row { button.btn { (w.save_zone) } }
            }
        },
    )
}

/// Why an organization cannot be deleted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It pays through a subscription.
    Bound {
        subscription_id: String,
    },
    Requested,
    /// So many records are still to be sent.
    Open {
        records: u64,
    },
    /// So many are in doubt.
    Unknown {
        records: u64,
    },
}

/// 「删除组织」, before it is done.
#[derive(Debug, Clone)]
pub struct Delete {
    pub organization: Of,
    pub members: u64,
    pub obstacles: Vec<Obstacle>,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn delete(frame: &Frame, page: &Delete) -> Markup {
    let w = &frame.words().settings;
    let of = &page.organization;
    let title = (w.delete_title)(&of.name);
    let typed = Field { name: "name", label: w.type_name, hint: Some(&of.name), ..Field::default() };
    let content = html! {
        h1 { (title) }
        (problems(frame, &page.problems))
        @if page.obstacles.is_empty() {
            (note(Tone::Warn, Icon::Alert, w.delete_lead))
            (card("means", w.means, &nothing(), &html! {
                div { ul.bul {
                    li { ((w.means_members)(page.members)) }
                    li { (w.means_product) }
                    li { (w.means_kept) }
                } }
            }))
            section.card.narrow aria-label=(w.delete_form) {
                form method="post" action={ "/orgs/" (of.id) "/delete" } {
                    (csrf(frame))
                    (field(frame, &typed, &page.problems))
                    p.row {
                        button.btn.danger { (w.delete_now) }
                        a.btn href={ "/orgs/" (of.id) "/settings" } { (w.keep) }
                    }
                }
            }
        } @else {
            (note(Tone::Bad, Icon::Alert, w.not_yet))
            @for (index, it) in page.obstacles.iter().enumerate() { (obstacle(frame, of, index, it)) }
            p { a.btn href={ "/orgs/" (of.id) "/settings" } { (w.back) } }
        }
    };
    organization(frame, of, Organization::Settings, &title, &content)
}

/// What stands in the way, and the way around it.
fn obstacle(frame: &Frame, of: &Of, index: usize, it: &Obstacle) -> Markup {
    let w = &frame.words().settings;
    let link = |path: &str, text: Text| html! { a.link href={ "/orgs/" (of.id) "/" (path) } { (text) } };
    let (title, text, way, on) = match it {
        Obstacle::Bound { subscription_id } => {
            (w.bound, fill(w.bound_text, &[figure(subscription_id)]), html! { (w.bound_way) }, link("unbind", w.unbind))
        }
        Obstacle::Requested => {
            (w.requested, html! { (w.requested_text) }, html! { (w.requested_way) }, link("billing", w.ask_manager))
        }
        Obstacle::Open { records } => {
            (w.open, html! { ((w.open_text)(*records)) }, html! { (w.open_way) }, link("usage", w.to_usage))
        }
        Obstacle::Unknown { records } => (
            w.unknown,
            html! { ((w.unknown_text)(*records)) },
            fill(w.unknown_way, &[mail_link(&frame.brand.support)]),
            link("usage", w.to_usage),
        ),
    };
    card(
        &format!("obstacle-{index}"),
        title,
        &nothing(),
        &html! {
            div { p { (text) } p.mut { (way) } }
            footer { (on) }
        },
    )
}
