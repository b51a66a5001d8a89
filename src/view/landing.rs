//! From the marketplace to the sign-in (rules A2, A3, A5; mockups 01 and 09).

use maud::{Markup, html};

use crate::domain::value::{DAY_MS, HOUR_MS, Instant, MINUTE_MS};

use super::account::credentials;
use super::frame::{Frame, flow};
use super::icon::{Icon, icon};
use super::parts::{Problem, Progress, Tone, csrf, doing, external_button, figure, fill, hidden, note, post, problems};
use super::purchase::{Purchase, Step, receipt, steps};
use super::trouble::{Button, Trouble, trouble};
use super::when::Detail;

/// What the login-free link leads to: nothing is spent until the person posts this form (rules A2).
#[derive(Debug, Clone)]
pub struct Entry {
    /// The seller's id in the path, such as `alibaba`.
    pub seller: String,
    /// The sealed parameters, name and value, as hidden fields.
    pub sealed: Vec<(String, String)>,
}

/// The page whose only form posts the sealed parameters; a script submits it at once.
#[must_use]
pub fn entry(frame: &Frame, page: &Entry) -> Markup {
    let w = frame.words();
    let content = html! {
        h1 { (w.landing.entry_title) }
        p.lead { ((w.landing.entry_lead)(&frame.brand.name)) }
        div.stack {
            form method="post" action={ "/marketplace/" (page.seller) "/login/enter" } data-auto {
                (csrf(frame))
                @for (name, value) in &page.sealed { (hidden(name, value)) }
                button.btn.primary { (w.shared.continue_) }
            }
        }
    };
    // No switch of language here: it would return to this address, which has the parameters in it.
    flow(&Frame { csrf: "", ..*frame }, w.landing.entry_title, &content)
}

/// A claim that nobody has taken yet: the purchase, and 「登录」 or 「注册」.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// The claim's id.
    pub claim: String,
    pub purchase: Purchase,
    pub is_registration_open: bool,
    /// What was typed before.
    pub email: String,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn welcome(frame: &Frame, page: &Welcome) -> Markup {
    let w = &frame.words().landing;
    let brand = &frame.brand.name;
    let content = html! {
        (steps(frame, Step::SignIn))
        h1 { (w.title) }
        p.lead { (w.lead) }
        div.stack {
            (problems(frame, &page.problems))
            (receipt(frame, &page.purchase))
            div.cols {
                section.card aria-labelledby="have-account" {
                    form method="post" action="/login" {
                        (csrf(frame))
                        (hidden("claim", &page.claim))
                        h2 #have-account { ((w.have_account)(brand)) }
                        (credentials(frame, Some(&page.claim), &page.email, &page.problems))
                        button.btn.primary.wide { (frame.words().shared.sign_in) }
                    }
                }
                section.card.tall aria-labelledby="first-time" {
                    div.snug {
                        h2 #first-time { (w.first_time) }
                        @if page.is_registration_open {
                            p.mut.fs { (w.first_time_lead) }
                            ol.nums.mut {
                                li { (w.first_time_1) }
                                li { (w.first_time_2) }
                                li { (w.first_time_3) }
                            }
                            a.btn.wide href={ "/register?claim=" (page.claim) } { (frame.words().shared.register) }
                        } @else {
                            p.mut.fs { (w.registration_closed) }
                        }
                    }
                }
            }
            (note(Tone::Neutral, Icon::Lock, w.kept))
        }
    };
    flow(frame, w.title, &content)
}

/// Several open claims in one browser.
#[derive(Debug, Clone)]
pub struct Chooser {
    pub claims: Vec<OpenClaim>,
}

#[derive(Debug, Clone)]
pub struct OpenClaim {
    pub id: String,
    /// `None`: the marketplace has not told us of it yet.
    pub purchase: Option<Purchase>,
    /// As in the login-free link.
    pub subscription_id: String,
    pub kept_until: Instant,
}

#[must_use]
pub fn chooser(frame: &Frame, page: &Chooser) -> Markup {
    let w = frame.words();
    let content = html! {
        h1 { (w.landing.chooser_title) }
        p.lead { ((w.landing.chooser_lead)(page.claims.len() as u64)) }
        div.stack {
            ul.choices {
                @for claim in &page.claims {
                    li.choice {
                        div {
                            p.row.between {
                                a.go href={ "/claim/" (claim.id) } {
                                    @match &claim.purchase {
                                        Some(purchase) => (purchase.name()),
                                        None => (w.landing.waiting_title),
                                    }
                                }
                                (icon(Icon::Arrow))
                            }
                            p {
                                (w.shared.subscription) " " (figure(&claim.subscription_id))
                                @if let Some(purchase) = &claim.purchase {
                                    " · " (w.shared.buyer_account) " " (figure(&purchase.uid_masked))
                                }
                            }
                            p.fine { (fill(w.landing.kept_until, &[frame.time(claim.kept_until, Detail::Minute)])) }
                        }
                    }
                }
            }
        }
    };
    flow(frame, w.landing.chooser_title, &content)
}

/// The buyer was faster than the provisioning call. The server sends `Refresh: 2`.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub subscription_id: String,
    /// When the person came.
    pub since: Instant,
}

#[must_use]
pub fn waiting(frame: &Frame, page: &Waiting) -> Markup {
    let w = frame.words();
    let stages = [
        (w.landing.waiting_1.to_owned(), Progress::Done(frame.time(page.since, Detail::Clock))),
        (w.landing.waiting_2.to_owned(), Progress::Current),
        (w.landing.waiting_3.to_owned(), Progress::Waiting),
    ];
    let content = html! {
        h1 { (w.landing.waiting_title) }
        p.lead { (w.landing.waiting_lead) }
        div.stack data-step="wait" {
            section.card aria-label=(w.landing.waiting_progress) {
                div role="status" { (doing(&stages, w.binding.in_progress, w.binding.waiting)) }
                footer {
                    span.fine { (w.shared.subscription) " " (figure(&page.subscription_id)) }
                    a.link href=(frame.path) { (icon(Icon::Refresh)) " " (w.binding.latest) }
                }
            }
            (note(Tone::Neutral, Icon::Clock, w.landing.waiting_long))
        }
    };
    flow(frame, w.landing.waiting_title, &content)
}

/// A subscription that the marketplace never told us of, and does not know when asked; or one that it told us of, and that
/// nobody has opened here (rules A5).
#[derive(Debug, Clone)]
pub struct Missing {
    pub subscription_id: String,
    /// The marketplace told us of it.
    pub is_known: bool,
    pub at: Instant,
}

#[must_use]
pub fn missing(frame: &Frame, page: &Missing) -> Markup {
    let w = &frame.words().landing;
    let (title, lead, next, code) = if page.is_known {
        (w.not_open_title, w.not_open_lead, w.not_open_next, "subscription_not_open")
    } else {
        (w.not_found_title, w.not_found_lead, w.not_found_next, "subscription_not_found")
    };
    trouble(
        frame,
        &Trouble {
            title: title.to_owned(),
            lead: html! { (lead(&page.subscription_id)) },
            safe: w.not_found_safe.to_owned(),
            next: next.to_owned(),
            code: code.to_owned(),
            at: page.at,
            buttons: vec![Button::here(frame.path, w.check_again)],
        },
    )
}

/// A subscription that cannot be bound: expired or released.
#[derive(Debug, Clone)]
pub struct Ended {
    pub purchase: Purchase,
    /// Where it is renewed, or bought again.
    pub marketplace_url: String,
}

#[must_use]
pub fn expired(frame: &Frame, page: &Ended) -> Markup {
    let w = &frame.words().landing;
    let lead = html! {
        @if let Some(at) = page.purchase.expires_at { (fill(w.expired_on, &[frame.time(at, Detail::Minute)])) }
        (w.expired_lead)
    };
    ended(frame, page, w.expired_title, &lead, w.renew)
}

#[must_use]
pub fn released(frame: &Frame, page: &Ended) -> Markup {
    let w = &frame.words().landing;
    ended(frame, page, w.released_title, &html! { (w.released_lead) }, w.buy_again)
}

fn ended(frame: &Frame, page: &Ended, title: &str, lead: &Markup, way: &str) -> Markup {
    let content = html! {
        h1 { (title) }
        p.lead { (lead) }
        div.stack {
            (receipt(frame, &page.purchase))
            p.row { (external_button(&page.marketplace_url, way, true)) }
        }
    };
    flow(frame, title, &content)
}

/// Why a signed-in person cannot go on here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignKind {
    /// Bound to an organization that the person is not a member of.
    BoundElsewhere,
    /// The claim is another person's (rules A3).
    NotYours,
}

#[derive(Debug, Clone)]
pub struct Foreign {
    pub kind: ForeignKind,
    /// The claim's id.
    pub claim: String,
    pub purchase: Purchase,
    /// 「这不是我的组织」 was pressed: the operators know.
    pub is_reported: bool,
}

/// 「切换帐号」 and 「这不是我的组织」: nobody is replaced by a click on a link (rules A5).
#[must_use]
pub fn foreign(frame: &Frame, page: &Foreign) -> Markup {
    let w = &frame.words().landing;
    let (name, email) = frame.signed_in.map_or(("", ""), |who| (who.name, who.email));
    let is_bound = page.kind == ForeignKind::BoundElsewhere;
    let (title, lead) = if is_bound {
        (w.foreign_title, (w.foreign_lead)(name, email))
    } else {
        (w.not_yours_title, (w.not_yours_lead)(name, email))
    };
    let report = format!("/claim/{}/report", page.claim);
    let switch = post(
        frame,
        &format!("/claim/{}/switch-user", page.claim),
        &html! { button.btn.primary { (w.switch_account) } },
    );
    let content = html! {
        h1 { (title) }
        p.lead { (lead) }
        div.stack {
            (receipt(frame, &page.purchase))
            @if is_bound {
                div.cols {
                    section.snug aria-label=(w.switch_account) { p.mut { (w.foreign_switch) } (switch) }
                    section.snug aria-label=(w.not_my_organization) {
                        @if page.is_reported {
                            (note(Tone::Ok, Icon::Check, fill(w.reported, &[html! { samp { (frame.request_id) } }])))
                        } @else {
                            p.mut { (w.foreign_dispute) }
                            (post(frame, &report, &html! { button.btn { (w.not_my_organization) } }))
                        }
                    }
                }
            } @else {
                (switch)
            }
        }
    };
    flow(frame, title, &content)
}

/// A login-free link that is older than the window (mockup 09).
#[derive(Debug, Clone)]
pub struct ExpiredLink {
    pub made_at: Instant,
    pub window_ms: i64,
    /// Now.
    pub at: Instant,
    /// The marketplace's list of purchases.
    pub marketplace_url: Option<String>,
}

#[must_use]
pub fn expired_link(frame: &Frame, page: &ExpiredLink) -> Markup {
    let w = frame.words();
    let text = w.errors.find("link_expired", "");
    let span = |ms| html! { span.nw { (length(frame, ms)) } };
    let lead = fill(
        w.landing.expired_link_lead,
        &[span(page.window_ms), frame.time(page.made_at, Detail::Minute), span(page.at.since_ms(page.made_at))],
    );
    trouble(
        frame,
        &Trouble {
            lead,
            buttons: back_to_marketplace(frame, page.marketplace_url.as_deref()),
            ..Trouble::of(text, "link_expired", page.at)
        },
    )
}

/// A login-free link that was spent by another browser.
#[derive(Debug, Clone)]
pub struct UsedLink {
    /// Now.
    pub at: Instant,
    pub marketplace_url: Option<String>,
}

#[must_use]
pub fn used_link(frame: &Frame, page: &UsedLink) -> Markup {
    trouble(
        frame,
        &Trouble {
            buttons: back_to_marketplace(frame, page.marketplace_url.as_deref()),
            ..Trouble::of(frame.words().errors.find("link_used", ""), "link_used", page.at)
        },
    )
}

fn back_to_marketplace(frame: &Frame, url: Option<&str>) -> Vec<Button> {
    let w = &frame.words().errors;
    let sign_in = (w.sign_in_to)(&frame.brand.name);
    url.map(|url| Button::away(url, w.to_marketplace)).into_iter().chain([Button::here("/login", &sign_in)]).collect()
}

/// A span in the one unit that tells it best, rounded down, at least a minute.
fn length(frame: &Frame, ms: i64) -> String {
    let w = &frame.words().landing;
    let count = |unit| u64::try_from(ms / unit).unwrap_or(0);
    match ms {
        ms if ms < 2 * HOUR_MS => (w.minutes)(count(MINUTE_MS).max(1)),
        ms if ms < 2 * DAY_MS => (w.hours)(count(HOUR_MS)),
        _ => (w.days)(count(DAY_MS)),
    }
}
