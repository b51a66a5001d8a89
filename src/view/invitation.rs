//! Invitations: among the members, and as whoever holds a link sees them (mockup 08).

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use crate::domain::organization::Role;
use crate::domain::value::Instant;

use super::account::notice;
use super::console::{Of, Organization, organization};
use super::frame::{Frame, flow};
use super::icon::{Icon, icon};
use super::parts::{
    Column, Field, Problem, Tone, badge, card, csrf, field, fill, link_to_copy, list, note, nothing, post, problems,
    table,
};
use super::trouble::Button;
use super::when::Detail;

/// What an owner sees of invitations.
#[derive(Debug, Clone, Default)]
pub struct Inviting {
    /// The password has to be typed first.
    pub is_locked: bool,
    /// What was typed before.
    pub email: String,
    pub role: Option<Role>,
    pub problems: Vec<Problem>,
    pub open: Vec<Open>,
}

/// An invitation that nobody has answered.
#[derive(Debug, Clone)]
pub struct Open {
    pub id: String,
    pub email: String,
    pub role: Role,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Works {
        minutes_left: u64,
    },
    Expired,
    /// Whoever sent it may not invite any more.
    Unbacked,
}

/// The form, above the members.
pub(super) fn form(frame: &Frame, home: &str, page: &Inviting) -> Markup {
    let w = &frame.words().invitations;
    let email = Field {
        name: "email",
        label: w.email,
        kind: "email",
        value: &page.email,
        max_length: Some(254),
        ..Field::default()
    };
    let chosen = page.role.unwrap_or(Role::Member);
    card(
        "invite",
        w.invite,
        &nothing(),
        &html! {
            @if page.is_locked {
                p { a.link href={ "/login/confirm?next=" (home) "/members" } { (icon(Icon::Lock)) " " (w.locked) } }
            } @else {
                form.inline method="post" action={ (home) "/invitations" } {
                    (csrf(frame))
                    (field(frame, &email, &page.problems))
                    div.field {
                        label for="role" { (w.role) }
                        select id="role" name="role" {
                            @for role in Role::ALL.into_iter().rev() {
                                option value=(role.as_str()) selected[role == chosen] { (frame.words().shared.role(role)) }
                            }
                        }
                    }
                    button.btn.primary { (w.send) }
                }
            }
        },
    )
}

/// Those that wait, below the members.
pub(super) fn waiting(frame: &Frame, home: &str, page: &Inviting) -> Markup {
    let words = frame.words();
    let w = &words.invitations;
    let columns = [Column::text(w.email), Column::text(w.role), Column::text(w.state), Column::actions(w.actions)];
    let act = |it: &Open, what: &str, text: &str| {
        post(
            frame,
            &format!("{home}/invitations/{}/{what}", it.id),
            &html! {
                button.link { (text) span.vh { ((words.shared.action_of)(&it.email)) } }
            },
        )
    };
    let rows = html! {
        @for it in &page.open {
            tr {
                th scope="row" { (it.email) }
                td data-l=(w.role) { (words.shared.role(it.role)) }
                td data-l=(w.state) { (state(frame, it.state)) }
                td.acts { (act(it, "resend", w.resend)) " " (act(it, "revoke", w.revoke)) }
            }
        }
    };
    let aside = html! { span.fine { (page.open.len()) } };
    html! {
        @if !page.open.is_empty() {
            (card("pending", w.pending, &aside, &html! {
                (table(w.pending, &columns, &rows))
                footer { span.fine { (w.pending_hint) } }
            }))
        }
    }
}

fn state(frame: &Frame, state: State) -> Markup {
    let w = &frame.words().invitations;
    match state {
        State::Works { minutes_left } if minutes_left >= 60 => {
            badge(Tone::Info, Some(Icon::Clock), &(w.hours_left)(minutes_left / 60))
        }
        State::Works { minutes_left } => badge(Tone::Info, Some(Icon::Clock), &(w.minutes_left)(minutes_left.max(1))),
        State::Expired => badge(Tone::Warn, Some(Icon::Clock), w.expired),
        State::Unbacked => badge(Tone::Warn, Some(Icon::Alert), w.unbacked),
    }
}

/// The link, where nobody reads mails.
#[derive(Debug, Clone)]
pub struct Handed {
    pub organization: Of,
    pub email: String,
    pub link: String,
}

#[must_use]
pub fn handed(frame: &Frame, page: &Handed) -> Markup {
    let w = &frame.words().invitations;
    let of = &page.organization;
    let content = html! {
        div {
            h1 { (w.link_title) }
            p.mut { (fill(w.link_lead, &[html! { strong { (page.email) } }])) }
        }
        section.card aria-label=(w.link) { div { (link_to_copy(frame, "link", &page.link)) } }
        p { a.btn.primary href={ "/orgs/" (of.id) "/members" } { (w.to_members) } }
    };
    organization(frame, of, Organization::Members, w.link_title, &content)
}

/// An invitation that can be accepted.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub token: String,
    pub organization: String,
    pub role: Role,
    pub inviter: String,
    /// Whoever holds the link need not be whom it was sent to.
    pub email_masked: String,
    pub expires_at: Instant,
    /// Service is halted for payment.
    pub is_frozen: bool,
    pub reader: Reader,
}

/// Who looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Nobody,
    /// Signed in with the address that it was sent to.
    Invited,
    /// Signed in with another address.
    Other,
}

#[must_use]
pub fn invitation(frame: &Frame, page: &Invitation) -> Markup {
    if page.reader == Reader::Other {
        return other(frame, page);
    }
    let words = frame.words();
    let w = &words.invitations;
    let title = (w.title)(&page.organization);
    let here = format!("/invitations/{}", page.token);
    let content = html! {
        h1 { (title) }
        p.lead { ((w.lead)(&words.name(&page.inviter))) }
        div.stack {
            @if page.is_frozen { (note(Tone::Warn, Icon::Frozen, w.frozen)) }
            section.card aria-label=(w.card) {
                div { (list(&[
                    (w.organization, html! { strong { (page.organization) } }),
                    (w.invited_as, html! {
                        (words.shared.role(page.role))
                        p.fine { (words.members.may(page.role)) }
                    }),
                    (w.inviter, html! { (page.inviter) }),
                    (w.sent_to, html! { (page.email_masked) }),
                    (w.valid_until, frame.time(page.expires_at, Detail::Minute)),
                ])) }
            }
            @if let (Reader::Invited, Some(who)) = (page.reader, frame.signed_in) {
                p.mut { (fill(w.accept_as, &[html! { strong { (who.email) } }])) }
                form method="post" action=(here) {
                    (csrf(frame))
                    button.btn.primary { (w.accept) }
                }
            } @else {
                p.mut { (w.sign_in_or_register) }
                p.row {
                    a.btn.primary href={ "/login?next=" (here) } { (words.shared.sign_in) }
                    a.btn href={ "/register?next=" (here) } { (words.shared.register) }
                }
            }
            p.fine { (w.decline) }
        }
    };
    flow(frame, &title, &content)
}

/// Signed in with another address: which one is meant, and the way to it.
fn other(frame: &Frame, page: &Invitation) -> Markup {
    let w = &frame.words().invitations;
    let own = frame.signed_in.map_or("", |who| who.email);
    let strong = |text: &str| html! { strong { (text) } };
    let content = html! {
        h1 { (w.other_title) }
        p.lead { (fill(w.other_lead, &[strong(&page.email_masked), strong(own)])) }
        div.stack {
            p.mut { (w.other_next) }
            div.row {
                (post(frame, &format!("/invitations/{}/switch-user", page.token), &html! {
                    button.btn.primary { (w.switch_user) }
                }))
                a.btn href="/orgs" { (w.to_organizations) }
            }
        }
    };
    flow(frame, w.other_title, &content)
}

/// Whoever it was sent to belongs to the organization already.
#[derive(Debug, Clone)]
pub struct Joined {
    pub organization_id: String,
    pub organization: String,
}

#[must_use]
pub fn joined(frame: &Frame, page: &Joined) -> Markup {
    let w = &frame.words().invitations;
    let buttons = [
        Button::here(&format!("/orgs/{}/billing", page.organization_id), w.to_organization),
        Button::here("/orgs", w.to_organizations),
    ];
    notice(frame, &(w.member_title)(&page.organization), &html! { (w.member_lead) }, None, &buttons)
}

/// What the refused form says on top.
pub(super) fn trouble(frame: &Frame, page: Option<&Inviting>) -> Markup {
    html! { @if let Some(page) = page { (problems(frame, &page.problems)) } }
}
