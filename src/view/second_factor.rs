//! The second factor: its code on the way in, its secret as a picture, the codes that stand in for the app.

#[cfg(test)]
pub(super) mod samples;

use fast_qr::{ECL, QRBuilder};
use maud::{Markup, html};

use crate::domain::value::Instant;

use super::account::{ClaimInHand, kept, progress, query};
use super::console::{Personal, personal};
use super::frame::{Frame, flow};
use super::icon::{Icon, icon};
use super::parts::{Field, Problem, Tone, badge, card, csrf, field, hidden, list, note, nothing, post, problems};
use super::when::Detail;

/// Below this, the page advises to make new ones.
const FEW_CODES: u32 = 3;

/// Light modules around a QR code, so that cameras find it.
const QUIET: usize = 4;

/// The field for a code of the app; phones offer the code that they know.
pub(super) fn code_field(frame: &Frame, problems: &[Problem]) -> Markup {
    let w = &frame.words().security;
    let code = Field {
        name: "code",
        label: w.code,
        autocomplete: "one-time-code",
        hint: Some(w.code_hint),
        input_mode: Some("numeric"),
        max_length: Some(32),
        ..Field::default()
    };
    field(frame, &code, problems)
}

/// 「输入验证码」: the password was right, or a login-free link led here.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub claim: Option<ClaimInHand>,
    pub next: Option<String>,
    /// Came by a login-free entry: nobody has typed a password.
    pub is_entry: bool,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn ask(frame: &Frame, page: &Ask) -> Markup {
    let w = &frame.words().security;
    let claim = page.claim.as_ref().filter(|_| !page.is_entry);
    let recovery = Field {
        name: "recovery",
        label: w.recovery_code,
        hint: Some(w.recovery_hint),
        max_length: Some(32),
        ..Field::default()
    };
    let is_recovery = page.problems.iter().any(|problem| problem.field == "recovery");
    let content = html! {
        (progress(frame, claim))
        h1 { (w.ask_title) }
        p.lead { (if page.is_entry { w.ask_lead_entry } else { w.ask_lead }) }
        div.stack {
            (problems(frame, &page.problems))
            section.card aria-label=(w.code_form) {
                form method="post" action="/login/totp" {
                    (csrf(frame))
                    (kept(page.claim.as_ref(), page.next.as_deref()))
                    (code_field(frame, &page.problems))
                    button.btn.primary.wide { (w.go_on) }
                }
            }
            details.card.add open[is_recovery] {
                summary { (w.no_app) }
                form method="post" action="/login/totp" aria-label=(w.recovery_form) {
                    (csrf(frame))
                    (kept(page.claim.as_ref(), page.next.as_deref()))
                    (field(frame, &recovery, &page.problems))
                    button.btn { (w.use_recovery) }
                }
            }
            p { a.link href={ "/login" (query(page.claim.as_ref())) } { (w.other_user) } }
        }
    };
    flow(frame, w.ask_title, &content)
}

/// The way to set it up: nothing is stored before the app has shown a right code.
#[derive(Debug, Clone, Default)]
pub struct SetUp {
    /// What the picture says.
    pub address: String,
    /// The same secret for typing.
    pub key: String,
    /// The secret, sealed for the form.
    pub sealed: String,
    /// Staff who reach nothing else before.
    pub is_required: bool,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn set_up(frame: &Frame, page: &SetUp) -> Markup {
    let w = &frame.words().security;
    let content = html! {
        h1 { (w.set_up) }
        @if page.is_required && page.problems.is_empty() { (note(Tone::Info, Icon::Lock, w.set_up_required)) }
        (problems(frame, &page.problems))
        section.card.narrow aria-label=(w.set_up) {
            form.snug method="post" action="/me/security/totp" {
                (csrf(frame))
                (hidden("sealed", &page.sealed))
                ol.nums.snug {
                    li { (w.step_app) }
                    li {
                        p { (w.step_scan) }
                        (qr(&page.address, w.qr_title))
                        p.mut { (w.step_key) }
                        p { code { (page.key) } }
                    }
                    li { (w.step_code) }
                }
                (code_field(frame, &page.problems))
                button.btn.primary { (w.turn_on) }
            }
        }
    };
    personal(frame, Personal::Security, w.set_up, &content)
}

/// A text as a QR code: dark on white in every theme, because cameras want it so. Nothing if it is too long for one.
fn qr(text: &str, title: &str) -> Markup {
    let Ok(code) = QRBuilder::new(text).ecl(ECL::M).build() else { return nothing() };
    let side = code.size + 2 * QUIET;
    let cells = (0..code.size).flat_map(|y| (0..code.size).map(move |x| (x, y)));
    let path: String = cells
        .filter(|(x, y)| code[*y][*x].value())
        .map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET))
        .collect::<Vec<_>>()
        .concat();
    html! {
        svg.qr viewBox={ "0 0 " (side) " " (side) } width="200" height="200" role="img" aria-label=(title)
            shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

/// The codes that stand in for the app, shown once.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    pub codes: Vec<String>,
    /// The second factor was just turned on; otherwise these replace former ones.
    pub is_first: bool,
}

#[must_use]
pub fn codes(frame: &Frame, page: &Codes) -> Markup {
    let w = &frame.words().security;
    let content = html! {
        div role="status" {
            h1 { (w.codes_title) }
            p.mut { (if page.is_first { w.codes_lead_first } else { w.codes_lead_again }) }
        }
        (note(Tone::Warn, Icon::Alert, w.codes_once))
        section.card.narrow aria-label=(w.recovery_codes) {
            ul.codes { @for code in &page.codes { li { code { (code) } } } }
            footer { span {} a.btn.primary href="/me/security" { (w.codes_saved) } }
        }
    };
    personal(frame, Personal::Security, w.codes_title, &content)
}

/// It is on.
#[derive(Debug, Clone)]
pub struct Manage {
    pub enabled_at: Instant,
    pub recovery_left: u32,
    /// Staff cannot turn it off here.
    pub is_required: bool,
}

#[must_use]
pub fn manage(frame: &Frame, page: &Manage) -> Markup {
    let w = &frame.words().security;
    let left = html! { ((w.recovery_left)(u64::from(page.recovery_left))) };
    let renew = html! {
        div.snug {
            p.mut { (w.renew_text) }
            (post(frame, "/me/security/recovery-codes", &html! { button.btn { (w.renew_codes) } }))
        }
    };
    let disable = html! {
        @if page.is_required {
            p.mut { (w.disable_refused) }
        } @else {
            div.snug {
                p.mut { (w.disable_text) }
                (post(frame, "/me/security/totp/disable", &html! { button.btn.danger { (w.disable) } }))
            }
        }
    };
    let content = html! {
        h1 { (w.second_factor) }
        @if page.recovery_left < FEW_CODES { (note(Tone::Warn, Icon::Alert, w.codes_few)) }
        (card("state", w.second_factor, &badge(Tone::Ok, Some(Icon::Check), w.on), &html! {
            div { (list(&[
                (w.enabled_at, frame.time(page.enabled_at, Detail::Minute)),
                (w.recovery_codes, left),
            ])) }
        }))
        (card("renew", w.renew_codes, &nothing(), &renew))
        (card("disable", w.disable, &nothing(), &disable))
        p { a.link href="/me/security" { (w.title) " " (icon(Icon::Arrow)) } }
    };
    personal(frame, Personal::Security, w.second_factor, &content)
}
