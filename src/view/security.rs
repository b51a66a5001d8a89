//! How one's own account is protected, and a new password.

use maud::{Markup, html};

use crate::domain::value::Instant;

use super::account::PASSWORD_MIN;
use super::console::{Personal, personal};
use super::frame::Frame;
use super::icon::Icon;
use super::parts::{Field, Problem, Tone, badge, card, csrf, field, list, nothing, problems};
use super::when::Detail;

/// The security page.
#[derive(Debug, Clone)]
pub struct Security {
    pub password_changed_at: Instant,
    /// Since when, and how many recovery codes are left; `None`: off.
    pub second_factor: Option<(Instant, u32)>,
    /// Own sessions that hold.
    pub sessions: u64,
}

#[must_use]
pub fn security(frame: &Frame, page: &Security) -> Markup {
    let w = &frame.words().security;
    let sessions_title = frame.words().account.sessions_title;
    let password = html! {
        div { (list(&[(w.password_changed_at, frame.time(page.password_changed_at, Detail::Day))])) }
        footer { a.link href="/me/security/password" { (w.change_password) } }
    };
    let state = match page.second_factor {
        Some(_) => badge(Tone::Ok, Some(Icon::Check), w.on),
        None => badge(Tone::Neutral, None, w.off),
    };
    let second_factor = html! {
        div {
            @match page.second_factor {
                Some((since, left)) => (list(&[
                    (w.enabled_at, frame.time(since, Detail::Day)),
                    (w.recovery_codes, html! { ((w.recovery_left)(u64::from(left))) }),
                ])),
                None => p.mut { (w.off_text) },
            }
        }
        footer {
            a.link href="/me/security/totp" {
                @if page.second_factor.is_some() { (w.manage) } @else { (w.set_up) }
            }
        }
    };
    let sessions = html! {
        div { p.mut { ((w.sessions_count)(page.sessions)) } }
        footer { a.link href="/me/sessions" { (w.see_sessions) } }
    };
    let leaving = &frame.words().leaving;
    let data = html! {
        div { p.mut { (leaving.card_text) } }
        footer {
            a.link href="/me/export" { (leaving.export) }
            a.link href="/me/delete" { (leaving.delete) }
        }
    };
    let content = html! {
        div { h1 { (w.title) } p.mut { (w.lead) } }
        (card("password", w.password, &nothing(), &password))
        (card("second-factor", w.second_factor, &state, &second_factor))
        (card("sessions", sessions_title, &nothing(), &sessions))
        (card("data", leaving.card, &nothing(), &data))
    };
    personal(frame, Personal::Security, w.title, &content)
}

/// Another password, after the former one was typed just now.
#[derive(Debug, Clone, Default)]
pub struct Password {
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn password(frame: &Frame, page: &Password) -> Markup {
    let w = frame.words();
    let new = Field {
        name: "password",
        label: w.account.new_password,
        kind: "password",
        autocomplete: "new-password",
        hint: Some(w.account.password_hint),
        min_length: Some(PASSWORD_MIN),
        ..Field::default()
    };
    let content = html! {
        div { h1 { (w.security.change_password) } p.mut { (w.security.password_lead) } }
        (problems(frame, &page.problems))
        section.card.narrow aria-label=(w.security.password_form) {
            form method="post" action="/me/security/password" {
                (csrf(frame))
                @if let Some(who) = frame.signed_in {
                    div.field {
                        label for="account" { (w.account.signed_in_as) }
                        input.in-t id="account" type="email" autocomplete="username" value=(who.email) readonly;
                    }
                }
                (field(frame, &new, &page.problems))
                p.row {
                    button.btn.primary { (w.account.save_password) }
                    a.btn href="/me/security" { (w.account.cancel) }
                }
            }
        }
    };
    personal(frame, Personal::Security, w.security.change_password, &content)
}
