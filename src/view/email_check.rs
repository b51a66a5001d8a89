//! The code that was mailed to an address, and one's own address.

use maud::{Markup, html};

use super::account::{ClaimInHand, kept, progress, query};
use super::console::{Personal, personal};
use super::frame::{Frame, flow};
use super::icon::Icon;
use super::parts::{
    Field, Problem, Tone, badge, card, csrf, field, fill, hidden, list, mail_link, note, post, problems,
};

#[cfg(test)]
pub(super) mod samples;

/// 「查收验证码」: whoever registers, or one's own address.
#[derive(Debug, Clone, Default)]
pub struct Code {
    pub email: String,
    pub check: String,
    pub claim: Option<ClaimInHand>,
    pub next: Option<String>,
    pub is_own: bool,
    /// Another code was just mailed.
    pub is_again: bool,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn code(frame: &Frame, page: &Code) -> Markup {
    let w = &frame.words().email_check;
    let claim = page.claim.as_ref();
    let base = if page.is_own { "/me/email" } else { "/register" };
    let typed = Field {
        name: "code",
        label: w.code,
        autocomplete: "one-time-code",
        hint: Some(w.code_hint),
        input_mode: Some("numeric"),
        max_length: Some(16),
        ..Field::default()
    };
    let carried = html! {
        (hidden("check", &page.check))
        (kept(claim, page.next.as_deref()))
    };
    let content = html! {
        (progress(frame, claim))
        h1 { (w.code_title) }
        p.lead { (fill(w.code_lead, &[html! { strong { (page.email) } }])) }
        div.stack {
            (problems(frame, &page.problems))
            @if page.is_again { div role="status" { (note(Tone::Ok, Icon::Mail, w.sent_again)) } }
            section.card aria-label=(w.code_form) {
                form method="post" action={ (base) "/code" } {
                    (csrf(frame))
                    (carried)
                    (field(frame, &typed, &page.problems))
                    button.btn.primary.wide { (w.go_on) }
                }
            }
            div {
                p.mut { (w.not_there) }
                div.row {
                    (post(frame, &format!("{base}/code/again"), &html! {
                        (carried)
                        button.link { (w.send_again) }
                    }))
                    a.link href={ (base) (query(claim)) } { (w.other_address) }
                }
            }
        }
    };
    flow(frame, w.code_title, &content)
}

/// One's own address.
#[derive(Debug, Clone, Default)]
pub struct Own {
    pub email: String,
    pub is_verified: bool,
    /// Without mail nothing can be checked, so nothing is changed here.
    pub is_mail_on: bool,
    /// What was typed as the new one.
    pub new_email: String,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn own(frame: &Frame, page: &Own) -> Markup {
    let w = &frame.words().email_check;
    let state = if page.is_verified {
        badge(Tone::Ok, Some(Icon::Check), w.verified)
    } else {
        badge(Tone::Warn, None, w.unverified)
    };
    let now = html! {
        div { (list(&[(frame.words().account.email, html! { (page.email) })])) }
        @if !page.is_verified && page.is_mail_on {
            div.snug {
                p.mut { (w.verify_text) }
                (post(frame, "/me/email", &html! {
                    (hidden("email", &page.email))
                    button.btn { (w.verify) }
                }))
            }
        }
    };
    let new = Field {
        name: "email",
        label: w.new_email,
        kind: "email",
        autocomplete: "email",
        value: &page.new_email,
        hint: Some(w.new_email_hint),
        ..Field::default()
    };
    let content = html! {
        h1 { (w.own_title) }
        (problems(frame, &page.problems))
        (card("now", w.own_now, &state, &now))
        @if page.is_mail_on {
            section.card aria-labelledby="change" {
                header { h2 #change { (w.change) } }
                form.narrow method="post" action="/me/email" {
                    (csrf(frame))
                    (field(frame, &new, &page.problems))
                    p.row {
                        button.btn.primary { (w.send_code) }
                        a.btn href="/me" { (frame.words().account.cancel) }
                    }
                }
            }
        } @else {
            p.mut { (fill(w.no_mail, &[mail_link(&frame.brand.support)])) }
        }
    };
    personal(frame, Personal::Me, w.own_title, &content)
}
