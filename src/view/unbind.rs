//! Ending a payment channel: what it means, before it is done (product §6).

use maud::{Markup, html};

use super::console::{Of, Organization, organization};
use super::frame::Frame;
use super::icon::Icon;
use super::parts::{Tone, alert, card, csrf, facts, figure, fill, hidden, note};
use super::purchase::Purchase;

#[derive(Debug, Clone)]
pub struct Unbind {
    pub organization: Of,
    pub purchase: Purchase,
    /// The binding that the page shows; a POST for another one changes nothing.
    pub binding: String,
    /// The organization is bound otherwise than the submitted page showed.
    pub is_changed: bool,
}

#[must_use]
pub fn unbind(frame: &Frame, page: &Unbind) -> Markup {
    let words = frame.words();
    let w = &words.unbind;
    let title = (w.title)(&page.organization.name);
    let purchase = &page.purchase;
    let home = format!("/orgs/{}/billing", page.organization.id);
    let content = html! {
        h1 { (title) }
        @if page.is_changed { (alert(Tone::Warn, Icon::Alert, w.changed)) }
        (card("channel", words.billing.channel_card, &html! {}, &html! {
            div { (facts(&[
                (words.shared.buyer_account_uid, html! { (purchase.uid_masked) }),
                (words.shared.subscription, html! { (purchase.subscription_id) }),
                (words.shared.plan, html! { (purchase.name()) }),
            ])) }
        }))
        (note(Tone::Warn, Icon::Alert, html! {
            p { strong { (w.means) } }
            ul.bul {
                li { ((w.means_channel)(&page.organization.name)) }
                li { (fill(w.means_usage, &[figure(&purchase.uid_masked)])) }
                li { (w.means_subscription) }
                li { (w.means_mail) }
            }
        }))
        form method="post" action={ "/orgs/" (page.organization.id) "/unbind" } {
            (csrf(frame))
            (hidden("binding", &page.binding))
            p.row {
                button.btn.danger { (w.unbind) }
                a.btn href=(home) { (w.keep) }
            }
        }
    };
    organization(frame, &page.organization, Organization::Billing, &title, &content)
}
