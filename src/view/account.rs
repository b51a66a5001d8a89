//! People: sign-in, registration, passwords, own account, sessions (mockups 01, 02).

use maud::{Markup, html};

use crate::domain::value::Instant;

use super::console::{Personal, personal};
use super::frame::{Frame, appearance, flow, language};
use super::icon::Icon;
use super::parts::{
    Column, Field, Problem, Tone, badge, card, csrf, described, field, fill, hidden, list, note, nothing, post,
    problems, table, wrong,
};
use super::purchase::{Purchase, Step, steps, strip};
use super::second_factor::code_field;
use super::trouble::Button;
use super::when::Detail;
use super::words::Text;

/// Shortest password that is accepted, in characters.
pub const PASSWORD_MIN: u32 = 10;

/// A claim that a page continues: its id and what was bought.
#[derive(Debug, Clone)]
pub struct ClaimInHand {
    pub id: String,
    /// `None`: the marketplace has not told us of it yet.
    pub purchase: Option<Purchase>,
}

/// An invitation that a page leads back to.
#[derive(Debug, Clone)]
pub struct InvitationInHand {
    pub organization: String,
    pub email_masked: String,
    /// Registering joins right away, because the link has proved the address.
    pub joins_at_once: bool,
}

/// Why the sign-in page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginReason {
    /// A page was asked for that needs a session.
    PageNeedsIt,
    SessionEnded,
    PasswordChanged,
    /// The code of the second factor did not come in time.
    CodeTooLate,
    AccountDeleted,
}

#[derive(Debug, Clone, Default)]
pub struct Login {
    pub claim: Option<ClaimInHand>,
    /// Path to return to.
    pub next: Option<String>,
    pub invitation: Option<InvitationInHand>,
    pub reason: Option<LoginReason>,
    pub is_registration_open: bool,
    /// What was typed before.
    pub email: String,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn login(frame: &Frame, page: &Login) -> Markup {
    let w = frame.words();
    let title = (w.account.login_title)(&frame.brand.name);
    let claim = page.claim.as_ref();
    let register = html! { a href={ "/register" (carried(claim, page.next.as_deref())) } { (w.shared.register) } };
    let reason = page.reason.map(|reason| match reason {
        LoginReason::PageNeedsIt => (Tone::Info, Icon::Info, w.account.sign_in_first),
        LoginReason::SessionEnded => (Tone::Info, Icon::Clock, w.account.session_ended),
        LoginReason::PasswordChanged => (Tone::Ok, Icon::Check, w.account.password_changed),
        LoginReason::CodeTooLate => (Tone::Info, Icon::Clock, w.security.code_too_late),
        LoginReason::AccountDeleted => (Tone::Ok, Icon::Check, w.security.account_deleted),
    });
    let content = html! {
        (progress(frame, claim))
        h1 { (title) }
        @if page.is_registration_open {
            @let text = if claim.is_some() { w.account.no_account_claim } else { w.account.no_account };
            p.lead { (fill(text, &[register])) }
        } @else if claim.is_some() {
            p.lead { (w.account.login_lead_claim) }
        }
        div.stack {
            @if let Some(it) = &page.invitation {
                (note(Tone::Info, Icon::Mail, (w.invitations.sign_in_to_join)(&it.organization, &it.email_masked)))
            } @else if let (Some((tone, picture, text)), true) = (reason, page.problems.is_empty()) {
                (note(tone, picture, text))
            }
            (problems(frame, &page.problems))
            section.card aria-label=(w.account.login_form) {
                form method="post" action="/login" {
                    (csrf(frame))
                    (kept(claim, page.next.as_deref()))
                    (credentials(frame, claim.map(|claim| claim.id.as_str()), &page.email, &page.problems))
                    button.btn.primary.wide { (w.shared.sign_in) }
                }
            }
        }
    };
    flow(frame, &title, &content)
}

/// The two fields of a sign-in.
pub(super) fn credentials(frame: &Frame, claim: Option<&str>, email: &str, problems: &[Problem]) -> Markup {
    let w = &frame.words().account;
    let forgot = html! {
        a.fine href={ "/password/forgot" @if let Some(id) = claim { "?claim=" (id) } } { (w.forgot) }
    };
    html! {
        (field(frame, &Field {
            name: "email", label: w.email, kind: "email", autocomplete: "username", value: email,
            ..Field::default()
        }, problems))
        (field(frame, &Field {
            name: "password", label: w.password, kind: "password", autocomplete: "current-password",
            aside: Some(&forgot), ..Field::default()
        }, problems))
    }
}

#[derive(Debug, Clone, Default)]
pub struct Register {
    pub claim: Option<ClaimInHand>,
    pub next: Option<String>,
    pub invitation: Option<InvitationInHand>,
    /// What was typed before.
    pub name: String,
    pub email: String,
    pub has_agreed: bool,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn register(frame: &Frame, page: &Register) -> Markup {
    let w = frame.words();
    let title = (w.account.register_title)(&frame.brand.name);
    let claim = page.claim.as_ref();
    let sign_in = html! { a href={ "/login" (carried(claim, page.next.as_deref())) } { (w.shared.sign_in) } };
    let lead = if claim.is_some() { w.account.have_account_claim } else { w.account.have_account };
    let content = html! {
        (progress(frame, claim))
        h1 { (title) }
        p.lead { (fill(lead, &[sign_in])) }
        div.stack {
            @if let Some(it) = &page.invitation {
                (note(Tone::Info, Icon::Mail, (w.invitations.register_to_join)(&it.organization, &it.email_masked)))
            }
            (problems(frame, &page.problems))
            section.card aria-label=(w.account.register_form) {
                form method="post" action="/register" {
                    (csrf(frame))
                    (kept(claim, page.next.as_deref()))
                    (field(frame, &Field {
                        name: "name", label: w.account.name, autocomplete: "name", value: &page.name,
                        max_length: Some(60), ..Field::default()
                    }, &page.problems))
                    (field(frame, &Field {
                        name: "email", label: w.account.work_email, kind: "email", autocomplete: "email",
                        value: &page.email, hint: Some(w.account.email_hint), ..Field::default()
                    }, &page.problems))
                    (field(frame, &Field {
                        name: "password", label: w.account.password, kind: "password",
                        autocomplete: "new-password", hint: Some(w.account.password_hint),
                        min_length: Some(PASSWORD_MIN), ..Field::default()
                    }, &page.problems))
                    p.check {
                        input type="checkbox" id="agree" name="agree" value="yes" required checked[page.has_agreed]
                            aria-invalid=[described("agree", &page.problems).map(|_| "true")] aria-describedby=[described("agree", &page.problems)];
                        label for="agree" { (agreement(frame)) }
                    }
                    (wrong(frame, "agree", &page.problems))
                    button.btn.primary.wide {
                        @match &page.invitation {
                            Some(it) if it.joins_at_once => (w.invitations.register_and_join),
                            Some(_) => (w.account.register_and_go_on),
                            None if claim.is_some() => (w.account.register_and_go_on),
                            None => (w.shared.register),
                        }
                    }
                }
            }
        }
    };
    flow(frame, &title, &content)
}

fn agreement(frame: &Frame) -> Markup {
    let w = frame.words();
    let link = |href: &str, text: Text| html! { a href=(href) { (text) } };
    match (&frame.brand.terms_url, &frame.brand.privacy_url) {
        (Some(terms), Some(privacy)) => {
            fill(w.account.agree_both, &[link(terms, w.shared.terms), link(privacy, w.shared.privacy)])
        }
        (Some(terms), None) => fill(w.account.agree_terms, &[link(terms, w.shared.terms)]),
        (None, Some(privacy)) => fill(w.account.agree_terms, &[link(privacy, w.shared.privacy)]),
        (None, None) => html! { (w.account.agree_plain) },
    }
}

/// Registration is by invitation only.
#[must_use]
pub fn registration_closed(frame: &Frame) -> Markup {
    let w = &frame.words().account;
    let back = Button::here("/login", w.back_to_login);
    notice(frame, w.registration_closed_title, &html! { (w.registration_closed_lead) }, None, &[back])
}

#[derive(Debug, Clone, Default)]
pub struct Forgot {
    pub claim: Option<ClaimInHand>,
    /// Without mail the page names support instead of offering a form.
    pub is_mail_on: bool,
    pub email: String,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn forgot(frame: &Frame, page: &Forgot) -> Markup {
    let w = &frame.words().account;
    let claim = page.claim.as_ref();
    if !page.is_mail_on {
        let buttons = [Button::here(&format!("/login{}", query(claim)), w.back_to_login)];
        let lead = html! { (w.no_mail) };
        let support = (frame.words().shared.contact_support)(&frame.brand.support);
        let way = html! { a.link href={ "mailto:" (frame.brand.support) } { (support) } };
        return notice(frame, w.forgot_title, &lead, Some(&way), &buttons);
    }
    let content = html! {
        (progress(frame, claim))
        h1 { (w.forgot_title) }
        p.lead { (w.forgot_lead) }
        div.stack {
            (problems(frame, &page.problems))
            section.card aria-label=(w.forgot_form) {
                form method="post" action="/password/forgot" {
                    (csrf(frame))
                    (kept(claim, None))
                    (field(frame, &Field {
                        name: "email", label: w.email, kind: "email", autocomplete: "username", value: &page.email,
                        ..Field::default()
                    }, &page.problems))
                    button.btn.primary.wide { (w.send_link) }
                }
            }
            p { a.link href={ "/login" (query(claim)) } { (w.back_to_login) } }
        }
    };
    flow(frame, w.forgot_title, &content)
}

/// The same answer for known and unknown addresses (rules A7).
#[derive(Debug, Clone, Default)]
pub struct ForgotSent {
    pub claim: Option<ClaimInHand>,
    pub email: String,
    pub valid_minutes: u64,
}

#[must_use]
pub fn forgot_sent(frame: &Frame, page: &ForgotSent) -> Markup {
    let w = &frame.words().account;
    let query = query(page.claim.as_ref());
    let lead = html! { ((w.forgot_sent_lead)(&page.email, page.valid_minutes)) };
    let buttons = [
        Button::here(&format!("/login{query}"), w.back_to_login),
        Button::here(&format!("/password/forgot{query}"), w.forgot_again),
    ];
    notice(frame, w.forgot_sent_title, &lead, Some(&html! { (w.forgot_sent_safe) }), &buttons)
}

/// What the mailed link shows; the token is accepted by POST only.
#[derive(Debug, Clone, Default)]
pub struct Reset {
    pub token: String,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn reset(frame: &Frame, page: &Reset) -> Markup {
    let w = &frame.words().account;
    let content = html! {
        h1 { (w.reset_title) }
        p.lead { (w.reset_lead) }
        div.stack {
            (problems(frame, &page.problems))
            section.card aria-label=(w.reset_form) {
                form method="post" action="/password/reset" {
                    (csrf(frame))
                    (hidden("token", &page.token))
                    (field(frame, &Field {
                        name: "password", label: w.new_password, kind: "password", autocomplete: "new-password",
                        hint: Some(w.password_hint), min_length: Some(PASSWORD_MIN), ..Field::default()
                    }, &page.problems))
                    button.btn.primary.wide { (w.save_password) }
                }
            }
        }
    };
    flow(frame, w.reset_title, &content)
}

/// 「再次输入密码」: what follows needs a password typed just now (rules A1).
#[derive(Debug, Clone, Default)]
pub struct StepUp {
    /// Path to go on to.
    pub next: String,
    /// Where 「取消」 leads.
    pub cancel_href: String,
    /// There is a second factor: its code, too.
    pub has_code: bool,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn step_up(frame: &Frame, page: &StepUp) -> Markup {
    let w = &frame.words().account;
    let who = frame.signed_in;
    let lead = if who.is_some_and(|who| who.is_via_marketplace) { w.confirm_lead_marketplace } else { w.confirm_lead };
    let content = html! {
        h1 { (w.confirm_title) }
        p.lead { (lead) }
        div.stack {
            (problems(frame, &page.problems))
            section.card aria-label=(w.confirm_form) {
                form method="post" action="/login/confirm" {
                    (csrf(frame))
                    (hidden("next", &page.next))
                    @if let Some(who) = who {
                        div.field {
                            label for="account" { (w.signed_in_as) }
                            input.in-t id="account" type="email" autocomplete="username" value=(who.email) readonly;
                        }
                    }
                    (field(frame, &Field {
                        name: "password", label: w.password, kind: "password", autocomplete: "current-password",
                        ..Field::default()
                    }, &page.problems))
                    @if page.has_code { (code_field(frame, &page.problems)) }
                    p.row {
                        button.btn.primary { (w.confirm) }
                        a.btn href=(page.cancel_href) { (w.cancel) }
                    }
                }
            }
        }
    };
    flow(frame, w.confirm_title, &content)
}

/// After signing out.
#[must_use]
pub fn signed_out(frame: &Frame) -> Markup {
    let w = &frame.words().account;
    let again = Button::here("/login", w.sign_in_again);
    notice(frame, w.signed_out_title, &html! { (w.signed_out_lead) }, None, &[again])
}

/// A page that says one thing and offers ways on.
pub(super) fn notice(frame: &Frame, title: &str, lead: &Markup, more: Option<&Markup>, buttons: &[Button]) -> Markup {
    let content = html! {
        h1 { (title) }
        p.lead { (lead) }
        div.stack {
            @if let Some(more) = more { p.mut { (more) } }
            p.row {
                @for (index, button) in buttons.iter().enumerate() {
                    a.btn .primary[index == 0] href=(button.href) { (button.label) }
                }
            }
        }
    };
    flow(frame, title, &content)
}

/// One's own account.
#[derive(Debug, Clone)]
pub struct Me {
    pub name: String,
    pub email: String,
    /// The address was checked.
    pub is_verified: bool,
    pub registered_at: Instant,
    /// What was typed as the new name; the name itself if nothing was.
    pub new_name: String,
    /// The name was just changed.
    pub is_saved: bool,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn me(frame: &Frame, page: &Me) -> Markup {
    let w = &frame.words().account;
    let about = html! {
        div { (list(&[
            (w.email, html! {
                (page.email)
                @if !page.is_verified { " " (badge(Tone::Warn, None, frame.words().email_check.unverified)) }
            }),
            (w.registered_at, frame.time(page.registered_at, Detail::Day)),
        ])) }
        footer {
            a.link href="/me/email" { (frame.words().email_check.see) }
            a.link href="/me/security" { (w.me_security) }
        }
    };
    let name = Field {
        name: "name",
        label: w.name,
        autocomplete: "name",
        value: &page.new_name,
        max_length: Some(60),
        ..Field::default()
    };
    let about = html! {
        form.inline method="post" action="/me" {
            (csrf(frame))
            (field(frame, &name, &page.problems))
            button.btn { (w.save) }
        }
        (about)
    };
    let display = html! {
        div { (list(&[
            (w.me_language, html! { div.row { span { (w.me_language_now) } (language(frame)) } }),
            (frame.words().shared.appearance, appearance(frame)),
        ])) }
    };
    let content = html! {
        h1 { (w.me_title) }
        (problems(frame, &page.problems))
        @if page.is_saved { div role="status" { (note(Tone::Ok, Icon::Check, w.saved)) } }
        (card("about", w.me_card, &nothing(), &about))
        (card("display", w.me_preferences, &nothing(), &display))
    };
    personal(frame, Personal::Me, w.me_title, &content)
}

#[derive(Debug, Clone)]
pub struct Sessions {
    pub sessions: Vec<Session>,
}

#[derive(Debug, Clone)]
pub struct Session {
    /// In the path that its form posts to.
    pub id: String,
    /// Browser and system, such as "Chrome · Windows". Empty: unknown.
    pub device: String,
    pub address: String,
    pub signed_in_at: Instant,
    pub last_seen_at: Instant,
    pub is_current: bool,
    pub is_via_marketplace: bool,
}

#[must_use]
pub fn sessions(frame: &Frame, page: &Sessions) -> Markup {
    let w = frame.words();
    let columns = [
        Column::text(w.account.device),
        Column::text(w.account.address),
        Column::text(w.account.signed_in_at),
        Column::text(w.account.last_seen_at),
        Column::actions(w.account.actions),
    ];
    let rows = html! {
        @for session in &page.sessions {
            @let device = if session.device.is_empty() { w.account.unknown_device } else { &session.device };
            tr {
                th scope="row" {
                    (device) " "
                    @if session.is_current { (badge(Tone::Neutral, None, w.account.this_session)) " " }
                    @if session.is_via_marketplace { (badge(Tone::Info, None, w.account.via_marketplace)) }
                }
                td data-l=(w.account.address) { (session.address) }
                td data-l=(w.account.signed_in_at) { (frame.time(session.signed_in_at, Detail::Minute)) }
                td data-l=(w.account.last_seen_at) { (frame.time(session.last_seen_at, Detail::Minute)) }
                td.acts {
                    (post(frame, &format!("/me/sessions/{}/end", session.id), &html! {
                        button.link {
                            (w.shared.sign_out) span.vh { ((w.shared.action_of)(device)) }
                        }
                    }))
                }
            }
        }
    };
    let others = html! {
        @if page.sessions.iter().any(|session| !session.is_current) {
            footer {
                (post(frame, "/me/sessions/end-others", &html! {
                    button.btn.sm { (w.account.end_others) }
                }))
            }
        }
    };
    let content = html! {
        div { h1 { (w.account.sessions_title) } p.mut { (w.account.sessions_lead) } }
        (card("sessions", w.account.sessions_all, &html! { span.fine { (page.sessions.len()) } },
            &html! { (table(w.account.sessions_all, &columns, &rows)) (others) }))
    };
    personal(frame, Personal::Sessions, w.account.sessions_title, &content)
}

/// The stepper and the purchase above a page that continues a claim.
pub(super) fn progress(frame: &Frame, claim: Option<&ClaimInHand>) -> Markup {
    html! {
        @if let Some(claim) = claim {
            (steps(frame, Step::SignIn))
            @if let Some(purchase) = &claim.purchase { (strip(frame, purchase)) }
        }
    }
}

/// Where a form leads on to.
pub(super) fn kept(claim: Option<&ClaimInHand>, next: Option<&str>) -> Markup {
    html! {
        @if let Some(claim) = claim { (hidden("claim", &claim.id)) }
        @if let Some(next) = next { (hidden("next", next)) }
    }
}

/// The same in the address of a page on the way in.
fn carried(claim: Option<&ClaimInHand>, next: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(claim) = claim {
        query.append_pair("claim", &claim.id);
    }
    if let Some(next) = next {
        query.append_pair("next", next);
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

pub(super) fn query(claim: Option<&ClaimInHand>) -> String {
    claim.map(|claim| format!("?claim={}", claim.id)).unwrap_or_default()
}
