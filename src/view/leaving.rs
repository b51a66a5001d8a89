//! The end of one's account: what it means, or what stands in its way.

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use super::console::{Personal, personal};
use super::frame::Frame;
use super::icon::Icon;
use super::parts::{Field, Problem, Tone, card, command, csrf, field, fill, note, nothing, problems};

/// Why the account cannot be deleted yet.
#[derive(Debug, Clone)]
pub enum Obstacle {
    LastOwner { id: String, name: String, is_bound: bool },
    LastOperator,
}

#[derive(Debug, Clone, Default)]
pub struct Delete {
    pub email: String,
    pub obstacles: Vec<Obstacle>,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn delete(frame: &Frame, page: &Delete) -> Markup {
    let w = &frame.words().leaving;
    let typed = Field {
        name: "email",
        label: w.type_email,
        kind: "email",
        autocomplete: "off",
        hint: Some(&page.email),
        ..Field::default()
    };
    let means = html! {
        ul.bul {
            @for text in [w.means_sessions, w.means_members, w.means_erased, w.means_kept] { li { (text) } }
        }
    };
    let content = html! {
        h1 { (w.delete_title) }
        (problems(frame, &page.problems))
        @if page.obstacles.is_empty() {
            (note(Tone::Warn, Icon::Alert, w.delete_lead))
            (card("means", w.means, &nothing(), &html! { div { (means) } }))
            section.card.narrow aria-label=(w.delete_form) {
                form method="post" action="/me/delete" {
                    (csrf(frame))
                    (field(frame, &typed, &page.problems))
                    p.row {
                        button.btn.danger { (w.delete_now) }
                        a.btn href="/me/security" { (w.keep) }
                    }
                }
            }
        } @else {
            (note(Tone::Bad, Icon::Alert, w.not_yet))
            @for (index, obstacle) in page.obstacles.iter().enumerate() {
                @match obstacle {
                    Obstacle::LastOwner { id, name, is_bound } => {
                        (card(&format!("obstacle-{index}"), name, &nothing(), &html! {
                            div {
                                p { (w.last_owner) }
                                p.mut { (if *is_bound { w.last_owner_bound } else { w.last_owner_way }) }
                            }
                            footer {
                                a.link href={ "/orgs/" (id) "/members" } { (w.to_members) }
                                @if *is_bound { a.link href={ "/orgs/" (id) "/billing" } { (w.to_billing) } }
                                @else { a.link href={ "/orgs/" (id) "/delete" } { (w.to_deletion) } }
                            }
                        }))
                    }
                    Obstacle::LastOperator => {
                        (card(&format!("obstacle-{index}"), w.operators, &nothing(), &html! {
                            div { p { (w.last_operator) } p.mut { (fill(w.last_operator_way, &[command("marketgate operator add")])) } }
                        }))
                    }
                }
            }
        }
    };
    personal(frame, Personal::Security, w.delete_title, &content)
}
