//! What went wrong, what is safe, what to do next, and what to tell support (mockup 09).

use maud::{Markup, html};

use crate::domain::value::Instant;

use super::frame::{Frame, flow, plain};
use super::icon::Icon;
use super::icon::icon;
use super::parts::{card, list, mail_link, nothing};
use super::when::Detail;
use super::words::ErrorText;

/// A page that says more than an error's code can.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub title: String,
    pub lead: Markup,
    /// 没有受影响的
    pub safe: String,
    /// 现在可以做的
    pub next: String,
    /// For support.
    pub code: String,
    /// Now.
    pub at: Instant,
    /// Ways out; the first is the primary one.
    pub buttons: Vec<Button>,
}

impl Trouble {
    /// The page of an error's text, without buttons.
    #[must_use]
    pub fn of(text: &ErrorText, code: &str, at: Instant) -> Self {
        Self {
            title: text.title.to_owned(),
            lead: html! { (text.lead) },
            safe: text.safe.to_owned(),
            next: text.next.to_owned(),
            code: code.to_owned(),
            at,
            buttons: vec![],
        }
    }
}

/// A way out of a page.
#[derive(Debug, Clone)]
pub struct Button {
    pub href: String,
    pub label: String,
    /// Leads away from us.
    pub is_external: bool,
}

impl Button {
    #[must_use]
    pub fn here(href: &str, label: &str) -> Self {
        Self { href: href.to_owned(), label: label.to_owned(), is_external: false }
    }

    #[must_use]
    pub fn away(href: &str, label: &str) -> Self {
        Self { href: href.to_owned(), label: label.to_owned(), is_external: true }
    }
}

/// Any error that has only a code.
#[derive(Debug, Clone)]
pub struct ErrorPage {
    /// The error's own code.
    pub code: String,
    /// Its kind, for codes without a text of their own: `invalid`, `forbidden`, `not_found`, `conflict`, `gone`,
    /// `too_many_requests`, `busy`, `internal`.
    pub kind: String,
    /// Now.
    pub at: Instant,
    /// A page that may be asked for again.
    pub retry_href: Option<String>,
}

/// The error as a page with ways out.
#[must_use]
pub fn error_page(frame: &Frame, page: &ErrorPage) -> Markup {
    let w = &frame.words().errors;
    let home = if frame.signed_in.is_some() {
        Button::here("/orgs", w.to_organizations)
    } else {
        Button::here("/login", &(w.sign_in_to)(&frame.brand.name))
    };
    let retry = page.retry_href.as_deref().map(|href| Button::here(href, w.reload));
    trouble(
        frame,
        &Trouble {
            buttons: retry.into_iter().chain([home]).collect(),
            ..Trouble::of(w.find(&page.code, &page.kind), &page.code, page.at)
        },
    )
}

#[must_use]
pub fn trouble(frame: &Frame, page: &Trouble) -> Markup {
    let w = frame.words();
    let reason = html! { (page.title) " " code { (page.code) } };
    let for_support = list(&[
        (w.shared.request_id, html! { samp { (frame.request_id) } }),
        (w.shared.time, frame.time(page.at, Detail::Second)),
        (w.shared.reason, reason),
        (w.shared.support, mail_link(&frame.brand.support)),
    ]);
    let content = html! {
        h1 { (page.title) }
        p.lead { (page.lead) }
        div.stack {
            div.cols {
                section aria-labelledby="safe" { h2 #safe { (w.errors.safe) } p.mut { (page.safe) } }
                section aria-labelledby="next" { h2 #next { (w.errors.next) } p.mut { (page.next) } }
            }
            @if !page.buttons.is_empty() {
                p.row {
                    @for (index, button) in page.buttons.iter().enumerate() {
                        a.btn .primary[index == 0] href=(button.href) rel=[button.is_external.then_some("noopener")] {
                            (button.label)
                            @if button.is_external { " " (icon(Icon::External)) }
                        }
                    }
                }
            }
            (card("for-support", w.errors.support_card, &nothing(), &html! { div { (for_support) } }))
        }
    };
    // Without a session there is nothing to post with.
    if frame.csrf.is_empty() { plain(frame, &page.title, &content) } else { flow(frame, &page.title, &content) }
}
