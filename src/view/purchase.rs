//! The purchase, which stays in sight from landing to result (visual design §1).

use maud::{Markup, html};

use crate::domain::subscription::State;
use crate::domain::value::Instant;

use super::frame::Frame;
use super::icon::{Icon, icon};
use super::parts::{Tone, badge, facts, list};
use super::when::Detail;
use super::words::Text;

/// What was bought, and which account pays.
#[derive(Debug, Clone)]
pub struct Purchase {
    pub product_name: String,
    pub plan_name: String,
    /// Billed by usage, so there is no term to name.
    pub is_postpay: bool,
    pub is_trial: bool,
    /// As `domain::value::mask_uid` gives it.
    pub uid_masked: String,
    pub order_id: String,
    /// The marketplace's instance id.
    pub subscription_id: String,
    pub product_code: String,
    pub activated_at: Option<Instant>,
    pub expires_at: Option<Instant>,
    pub state: State,
}

impl Purchase {
    /// Product and plan in one phrase.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.product_name, self.plan_name)
    }
}

/// The state of a subscription as a badge.
#[must_use]
pub fn state(frame: &Frame, state: State) -> Markup {
    let (tone, picture) = match state {
        State::Opening => (Tone::Info, Some(Icon::Clock)),
        State::Active => (Tone::Ok, Some(Icon::Check)),
        State::Expired => (Tone::Warn, Some(Icon::Clock)),
        State::Released => (Tone::Neutral, None),
    };
    badge(tone, picture, frame.words().shared.state(state))
}

/// The purchase in full. `heading_level_two` is its `h2`.
#[must_use]
pub fn receipt(frame: &Frame, purchase: &Purchase) -> Markup {
    let w = &frame.words().shared;
    html! {
        section.card.receipt aria-labelledby="purchase" {
            header {
                div {
                    p.fine { (w.marketplace_subscription) }
                    h2 #purchase { (purchase.name()) }
                    @if purchase.is_postpay { p.mut.fs { (w.by_usage) } }
                }
                p.row {
                    @if purchase.is_trial { (badge(Tone::Neutral, None, w.trial)) }
                    (state(frame, purchase.state))
                }
            }
            div { (facts(&moments(frame, purchase))) }
        }
    }
}

fn moments(frame: &Frame, purchase: &Purchase) -> Vec<(Text, Markup)> {
    let w = &frame.words().shared;
    let mut all =
        vec![(w.buyer_account_uid, html! { (purchase.uid_masked) }), (w.order, html! { (purchase.order_id) })];
    all.extend(purchase.activated_at.map(|at| (w.activated_at, frame.time(at, Detail::Minute))));
    all.extend(purchase.expires_at.map(|at| (w.expires_at, frame.time(at, Detail::Minute))));
    all
}

/// The purchase in one line that unfolds.
#[must_use]
pub fn strip(frame: &Frame, purchase: &Purchase) -> Markup {
    let w = &frame.words().shared;
    let mut rest =
        vec![(w.order, html! { (purchase.order_id) }), (w.subscription, html! { (purchase.subscription_id) })];
    rest.extend(purchase.activated_at.map(|at| (w.activated_at, frame.time(at, Detail::Minute))));
    rest.extend(purchase.expires_at.map(|at| (w.expires_at, frame.time(at, Detail::Minute))));
    rest.push((w.product_code, html! { (purchase.product_code) }));
    html! {
        details.strip {
            summary data-more=(w.details) {
                span { (purchase.name()) }
                span { (w.buyer_account) " " span.num { (purchase.uid_masked) } }
            }
            (list(&rest))
        }
    }
}

/// The four steps from landing to result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    SignIn,
    Choose,
    Confirm,
    /// All four are done.
    Done,
}

/// The stepper. What lies before `now` is done; at [`Step::Done`] everything is.
#[must_use]
pub fn steps(frame: &Frame, now: Step) -> Markup {
    let w = &frame.words().shared;
    let all = [
        (Step::SignIn, w.step_sign_in),
        (Step::Choose, w.step_choose),
        (Step::Confirm, w.step_confirm),
        (Step::Done, w.step_done),
    ];
    html! {
        ol.steps aria-label=(w.progress) {
            @for (number, (step, label)) in (1..).zip(all) {
                @if step < now || now == Step::Done {
                    li.done { (icon(Icon::Check)) span.vh { (w.completed) } " " (label) }
                } @else {
                    li aria-current=[(step == now).then_some("step")] { (number) " " (label) }
                }
            }
        }
    }
}
