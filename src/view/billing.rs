//! 「帐单概览」 (product §2.8–2.11; mockups 06, 07).

use maud::{Markup, html};

use crate::domain::organization::{Freeze, FreezeReason};
use crate::domain::subscription::State;
use crate::domain::value::Instant;

use super::console::{Of, Organization, organization};
use super::frame::Frame;
use super::icon::{Icon, icon};
use super::parts::{Tone, badge, card, external, external_button, facts, figure, fill, mail_link, note, nothing};
use super::purchase::{Purchase, state};
use super::usage::{Overview, overview};
use super::when::Detail;

#[derive(Debug, Clone)]
pub struct Billing {
    pub organization: Of,
    /// The person may bind and unbind.
    pub is_manager: bool,
    pub channel: Channel,
    pub freeze: Option<Freeze>,
    /// A month's usage; `None` where there is no channel and nothing was used.
    pub usage: Option<Overview>,
    /// Where the product is bought at the marketplace.
    pub market_url: String,
    /// The marketplace's list of purchases.
    pub console_url: Option<String>,
}

/// How the organization pays.
#[derive(Debug, Clone)]
pub enum Channel {
    Bound(Bound),
    /// A binding is being processed; its page.
    Requested {
        progress_href: Option<String>,
    },
    /// None; how the last one ended.
    None {
        ended: Option<Ended>,
    },
}

#[derive(Debug, Clone)]
pub struct Bound {
    pub purchase: Purchase,
    /// Who confirmed. `None`: the user was deleted.
    pub bound_by: Option<String>,
    pub bound_at: Instant,
    /// The marketplace's own bill.
    pub bill_url: Option<String>,
}

/// The end of the last channel.
#[derive(Debug, Clone)]
pub struct Ended {
    pub subscription_id: String,
    pub at: Instant,
    /// By the marketplace's release; otherwise by unbinding.
    pub is_released: bool,
}

#[must_use]
pub fn billing(frame: &Frame, page: &Billing) -> Markup {
    let w = &frame.words().billing;
    let content = html! {
        h1 { (w.title) }
        (freeze(frame, page))
        @if let Channel::None { ended: Some(ended) } = &page.channel {
            @let text = if ended.is_released { w.released } else { w.unbound_on };
            (note(Tone::Neutral, Icon::Info, fill(text, &[
                figure(&ended.subscription_id),
                frame.time(ended.at, Detail::Day),
            ])))
        }
        div.two {
            @match &page.channel {
                Channel::Bound(bound) => (channel(frame, page, bound)),
                Channel::Requested { progress_href } => (requested(frame, progress_href.as_deref())),
                Channel::None { .. } => (no_channel(frame, page)),
            }
            @match &page.channel {
                Channel::Bound(bound) => (invoice(frame, &bound.purchase)),
                _ => (next_steps(frame, page)),
            }
        }
        // Below and as wide as the page: beside something else, a month with usage in doubt has too many columns.
        @if let Some(usage) = &page.usage { (overview(frame, &page.organization, usage)) }
        @if matches!(page.channel, Channel::Bound(_)) { (next_steps(frame, page)) }
    };
    organization(frame, &page.organization, Organization::Billing, w.title, &content)
}

/// A freeze, and what lifts it (rules B3).
fn freeze(frame: &Frame, page: &Billing) -> Markup {
    let w = &frame.words().billing;
    let Some(freeze) = page.freeze else { return nothing() };
    if freeze.reason == FreezeReason::Operator {
        let text = fill(w.frozen_by_operator, &[mail_link(&frame.brand.support)]);
        return note(Tone::Bad, Icon::Alert, text);
    }
    let is_bound = matches!(page.channel, Channel::Bound(_));
    let text = match freeze.grace_until {
        Some(until) => fill(w.frozen_grace, &[frame.time(until, Detail::InSentence)]),
        // A bound organization without a deadline: the expiry is in doubt (rules B2).
        None if is_bound => html! { (w.disputed) },
        None => html! { (w.frozen) },
    };
    let url = page.console_url.as_deref().unwrap_or(&page.market_url);
    note(Tone::Warn, Icon::Frozen, html! { p { (text) } p { (external(url, w.renew)) } })
}

/// 「云市场扣费渠道」
fn channel(frame: &Frame, page: &Billing, bound: &Bound) -> Markup {
    let words = frame.words();
    let (w, purchase) = (&words.billing, &bound.purchase);
    let bound_by = html! {
        (bound.bound_by.as_deref().unwrap_or(words.shared.deleted_user)) " · "
        (frame.time(bound.bound_at, Detail::Day))
    };
    let expires = purchase.expires_at.map_or_else(|| html! { (w.no_expiry) }, |at| frame.time(at, Detail::Minute));
    html! {
        section.card aria-labelledby="channel" {
            header {
                h2 #channel { (w.channel_card) }
                p.row {
                    @if purchase.state != State::Active { (state(frame, purchase.state)) }
                    (badge(Tone::Ok, Some(Icon::Check), w.bound))
                }
            }
            div { (facts(&[
                (w.channel, html! { (words.shared.marketplace) }),
                (words.shared.buyer_account_uid, html! { (purchase.uid_masked) }),
                (words.shared.subscription, html! { (purchase.subscription_id) }),
                (words.shared.plan, html! { (purchase.name()) }),
                (w.bound_by, bound_by),
                (w.expires, expires),
            ])) }
            footer {
                @match &page.console_url {
                    Some(url) if page.is_manager => span.row {
                        (external(url, w.manage))
                        a.link href={ "/orgs/" (page.organization.id) "/unbind" } { (words.unbind.unbind) }
                    },
                    _ => span.fine { (w.amounts) },
                }
                @if let Some(url) = &bound.bill_url { (external(url, w.view_bill)) }
            }
        }
    }
}

fn requested(frame: &Frame, progress_href: Option<&str>) -> Markup {
    let words = frame.words();
    let w = &words.billing;
    let content = html! {
        div { p.mut { (w.requested_text) } }
        @if let Some(href) = progress_href {
            footer { span {} a.link href=(href) { (words.binding.view_progress) } }
        }
    };
    card("channel", w.channel_card, &badge(Tone::Info, Some(Icon::Clock), w.requested), &content)
}

/// No channel: the way to the marketplace, and its three steps.
fn no_channel(frame: &Frame, page: &Billing) -> Markup {
    let w = &frame.words().billing;
    let content = html! {
        div.snug {
            p.mut { (w.none_lead) }
            @if !page.is_manager { p.mut { (w.member_note) } }
            ol.nums.mut {
                li { ((w.step_1)(&frame.brand.name)) }
                li { (w.step_2) }
                li { ((w.step_3)(&page.organization.name)) }
            }
            p { (external_button(&page.market_url, w.go_subscribe, true)) }
        }
        footer { span.fine { (w.already) } }
    };
    card("channel", w.channel_card, &badge(Tone::Neutral, None, w.unbound), &content)
}

/// 「开具发票」: where invoices come from; we have none of our own.
fn invoice(frame: &Frame, purchase: &Purchase) -> Markup {
    let w = &frame.words().billing;
    let content = html! {
        div.mut.fs {
            p {
                @match &frame.brand.invoice_note {
                    Some(text) => (text),
                    None => (fill(w.invoice_text, &[mail_link(&frame.brand.support)])),
                }
            }
            p.fine { (fill(w.invoice_order, &[figure(&purchase.order_id)])) }
        }
    };
    card("invoice", w.invoice, &nothing(), &content)
}

fn next_steps(frame: &Frame, page: &Billing) -> Markup {
    let words = frame.words();
    let w = &words.billing;
    let brand = frame.brand;
    let way = |href: &str, picture: Icon, text: &str| html! { li { a href=(href) { (icon(picture)) " " (text) } } };
    let list = html! {
        @if page.organization.has_product_entry {
            (way(&format!("/enter?org={}", page.organization.id), Icon::Cluster, &(words.shared.enter_product)(&brand.name)))
        }
        @if let Some(url) = &brand.docs_url { (way(url, Icon::Book, w.docs)) }
        @if let Some(url) = &page.console_url { (way(url, Icon::External, words.shared.marketplace_console)) }
        @if let Some(url) = &brand.login_url { (way(url, Icon::Door, &(w.login_page)(&brand.name))) }
    };
    if list.0.is_empty() {
        return nothing();
    }
    card("next-steps", w.next, &nothing(), &html! { div { ul.list.cols.fs { (list) } } })
}
