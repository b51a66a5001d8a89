//! Choosing an organization, confirming, waiting, the result (product §2.6–2.7, §4; mockups 03, 04, 05).

use maud::{Markup, html};

pub use crate::domain::claim::Failure;
use crate::domain::organization::Role;
use crate::domain::value::Instant;

use super::console::Of;
use super::frame::{Frame, flow};
use super::icon::{Icon, icon};
use super::parts::{
    Field, Problem, Progress, Tone, alert, badge, csrf, described, doing, field, figure, fill, hidden, link_to_copy,
    list, names, note, pay, problems, wrong,
};
use super::purchase::{Purchase, Step, receipt, steps, strip};
use super::when::Detail;

/// The binding page: every organization of the person, and what choosing one means.
#[derive(Debug, Clone)]
pub struct Bind {
    /// The claim's id.
    pub claim: String,
    pub purchase: Purchase,
    /// In the order in which they are shown within their group.
    pub organizations: Vec<Candidate>,
    /// The `choice` that is selected: the only one there is, the one just created, or the one chosen before.
    pub chosen: Option<String>,
    /// The name of the organization that was just created here.
    pub created: Option<String>,
    /// Whether the box for password-less entry is ticked; `None`: the operator has turned it off.
    pub entry: Option<bool>,
    /// What is no longer as the submitted page showed it (rules A3).
    pub changed: Vec<Change>,
    /// Of `choice`, or of `name` in the form that creates an organization.
    pub problems: Vec<Problem>,
    /// What was typed as the new organization's name.
    pub new_name: String,
}

/// One organization of the person.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub name: String,
    pub role: Role,
    pub members: u64,
    pub standing: Standing,
}

/// Whether an organization can be chosen, and if not, what the page offers. `choice` is the radio button's
/// value, opaque here.
#[derive(Debug, Clone)]
pub enum Standing {
    Open {
        choice: String,
    },
    /// Binding lifts its payment freeze.
    Thaws {
        choice: String,
        grace_until: Option<Instant>,
    },
    /// Chosen to be switched to this subscription.
    Replaces {
        choice: String,
        subscription_id: String,
        /// Product and plan of the subscription that is replaced.
        plan: String,
        uid_masked: String,
    },
    /// 「权限不足」
    NotManager {
        owners: Vec<String>,
        /// What 「请求管理员绑定」 posts as `choice`; `None`: it cannot be asked for now.
        ask: Option<String>,
        asked_at: Option<Instant>,
    },
    /// 「已绑定云市场订阅」 or 「已绑定的订阅已到期」
    Bound {
        subscription_id: String,
        uid_masked: String,
        is_expired: bool,
        /// The same page with this organization as [`Standing::Replaces`].
        switch_href: Option<String>,
    },
    /// Another binding of it is being processed.
    Requested {
        progress_href: Option<String>,
    },
    /// 「已被冻结」
    FrozenByOperator,
}

impl Standing {
    fn choice(&self) -> Option<&str> {
        match self {
            Self::Open { choice } | Self::Thaws { choice, .. } | Self::Replaces { choice, .. } => Some(choice),
            _ => None,
        }
    }
}

/// A fact that is not as the submitted page showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Subscription,
    Plan,
    Organization,
    Binding,
    Account,
    Other,
}

/// 「为您的组织绑定支付方式」
#[must_use]
pub fn bind(frame: &Frame, page: &Bind) -> Markup {
    let w = &frame.words().binding;
    let (open, closed): (Vec<_>, Vec<_>) =
        page.organizations.iter().enumerate().partition(|(_, it)| it.standing.choice().is_some());
    let is_empty = open.is_empty();
    let asks = closed.iter().filter_map(|(index, it)| match &it.standing {
        Standing::NotManager { ask: Some(choice), asked_at: None, .. } => Some((index, choice)),
        _ => None,
    });
    let content = html! {
        (steps(frame, Step::Choose))
        (strip(frame, &page.purchase))
        h1 { (w.title) }
        p.lead { @if is_empty { (w.lead_empty) } @else { (w.lead) } }
        div.stack {
            (changed(frame, &page.changed))
            (problems(frame, &page.problems))
            @if let (Some(name), true) = (&page.created, page.changed.is_empty()) {
                (note(Tone::Ok, Icon::Check, (w.created)(name)))
            }
            @if is_empty { (create_first(frame, page)) }
            @if !page.organizations.is_empty() {
                form #bind method="post" action={ "/claim/" (page.claim) "/confirm" } {
                    (csrf(frame))
                    fieldset #choice aria-describedby=[described("choice", &page.problems)] {
                        legend.vh { (frame.words().shared.organization) }
                        (wrong(frame, "choice", &page.problems))
                        @if !is_empty { (choices(frame, page, &open)) }
                        @if !closed.is_empty() {
                            h2.sub { (w.not_now) }
                            (choices(frame, page, &closed))
                        }
                    }
                }
            }
            @for (index, choice) in asks {
                form id={ "ask-" (index) } method="post" action={ "/claim/" (page.claim) "/request-approval" } {
                    (csrf(frame))
                    (hidden("choice", choice))
                }
            }
            @if !is_empty { (create_more(frame, page)) }
            (confirm(frame, page, is_empty))
            @if is_empty { (note(Tone::Neutral, Icon::Mail, w.awaiting_invitation)) }
        }
    };
    flow(frame, w.title, &content)
}

/// The consequence, the entry checkbox and the button, in this order.
fn confirm(frame: &Frame, page: &Bind, is_empty: bool) -> Markup {
    let w = &frame.words().binding;
    html! {
        section.snug aria-label=(w.confirm_section) {
            @if is_empty {
                p.row {
                    button.btn.primary disabled aria-describedby="why" { (w.confirm) }
                    span.fine #why { (w.confirm_disabled) }
                }
            } @else {
                (note(Tone::Info, Icon::Bill, fill(w.consequence, &[figure(&page.purchase.uid_masked)])))
                @if let Some(is_ticked) = page.entry {
                    p.check {
                        input type="checkbox" id="entry" name="entry" value="yes" form="bind" checked[is_ticked];
                        label for="entry" { (w.entry) }
                    }
                }
                p.row {
                    button.btn.primary form="bind" { (w.confirm) }
                    span.fine { (w.confirm_hint) }
                }
            }
        }
    }
}

/// What is no longer as it was shown; nothing was submitted.
fn changed(frame: &Frame, changes: &[Change]) -> Markup {
    let w = &frame.words().binding;
    let say = |change: &Change| match change {
        Change::Subscription => w.changed_subscription,
        Change::Plan => w.changed_plan,
        Change::Organization => w.changed_organization,
        Change::Binding => w.changed_binding,
        Change::Account => w.changed_account,
        Change::Other => w.changed_other,
    };
    html! {
        @if !changes.is_empty() {
            (alert(Tone::Warn, Icon::Alert, html! {
                p { strong { (w.changed_title) } }
                ul.bul { @for change in changes { li { (say(change)) } } }
            }))
        }
    }
}

fn choices(frame: &Frame, page: &Bind, candidates: &[(usize, &Candidate)]) -> Markup {
    html! {
        ul.choices { @for (index, it) in candidates { (choice(frame, page, *index, it)) } }
    }
}

fn choice(frame: &Frame, page: &Bind, index: usize, it: &Candidate) -> Markup {
    let id = format!("o{index}");
    let value = it.standing.choice();
    html! {
        li.choice {
            input type="radio" name="choice" id=(id) value=[value] required[value.is_some()] disabled[value.is_none()]
                checked[value.is_some() && value == page.chosen.as_deref()] aria-describedby={ (id) "-d" };
            div {
                label for=(id) { (it.name) }
                (standing_badge(frame, &it.standing))
                p id={ (id) "-d" } { (reason(frame, page, it)) }
                (remedy(frame, index, it))
            }
        }
    }
}

fn standing_badge(frame: &Frame, standing: &Standing) -> Markup {
    let w = &frame.words().binding;
    let (tone, picture, text) = match standing {
        Standing::Open { .. } => return html! {},
        Standing::Thaws { .. } => (Tone::Info, Icon::Frozen, w.frozen),
        Standing::Replaces { .. } => (Tone::Info, Icon::Refresh, w.replaces),
        Standing::NotManager { .. } => (Tone::Warn, Icon::Lock, w.no_permission),
        Standing::Bound { is_expired: false, .. } => (Tone::Ok, Icon::Link, w.bound),
        Standing::Bound { is_expired: true, .. } => (Tone::Warn, Icon::Clock, w.bound_expired),
        Standing::Requested { .. } => (Tone::Info, Icon::Clock, w.requested),
        Standing::FrozenByOperator => (Tone::Bad, Icon::Alert, w.frozen_by_operator),
    };
    badge(tone, Some(picture), text)
}

fn reason(frame: &Frame, page: &Bind, it: &Candidate) -> Markup {
    let words = frame.words();
    let w = &words.binding;
    let role = words.shared.role(it.role);
    match &it.standing {
        Standing::Open { .. } => html! { ((w.you_are)(role, it.members)) },
        Standing::Thaws { grace_until, .. } => html! {
            @match grace_until {
                Some(until) => ((w.frozen_until)(role, &frame.tell(*until, Detail::InSentence))),
                None => ((w.frozen_reason)(role)),
            }
            strong { (w.thaws) }
        },
        Standing::Replaces { subscription_id, plan, uid_masked, .. } => {
            let (old, new) = (html! { (plan) }, html! { (page.purchase.name()) });
            let bought = [figure(subscription_id), old, figure(uid_masked), new, figure(&page.purchase.uid_masked)];
            fill(w.replaces_text, &bought)
        }
        Standing::NotManager { owners, .. } => html! { ((w.no_permission_text)(&names(frame, owners))) },
        Standing::Bound { subscription_id, uid_masked, is_expired, .. } => {
            let text = if *is_expired { w.bound_expired_text } else { w.bound_text };
            fill(text, &[figure(subscription_id), figure(uid_masked)])
        }
        Standing::Requested { .. } => html! { (w.requested_text) },
        Standing::FrozenByOperator => html! { (w.frozen_by_operator_text) },
    }
}

fn remedy(frame: &Frame, index: usize, it: &Candidate) -> Markup {
    let words = frame.words();
    let w = &words.binding;
    let whom = html! { span.vh { ((words.shared.action_of)(&it.name)) } };
    match &it.standing {
        Standing::NotManager { asked_at: Some(at), .. } => html! {
            p.row { span.fine { (icon(Icon::Clock)) " " (fill(w.asked_at, &[frame.time(*at, Detail::Minute)])) } }
        },
        Standing::NotManager { ask: Some(_), .. } => html! {
            p.row {
                button.link form={ "ask-" (index) } { (w.ask) (whom) }
                span.fine { (w.ask_hint) }
            }
        },
        Standing::Bound { switch_href: Some(href), .. } => html! { p.row { a.link href=(href) { (w.switch) (whom) } } },
        Standing::Requested { progress_href: Some(href) } => {
            html! { p.row { a.link href=(href) { (w.view_progress) (whom) } } }
        }
        Standing::FrozenByOperator => html! {
            p.row { a.link href={ "mailto:" (frame.brand.support) } { ((words.shared.contact_support)(&frame.brand.support)) } }
        },
        _ => html! {},
    }
}

/// Nothing can be chosen: creating an organization opens the page.
fn create_first(frame: &Frame, page: &Bind) -> Markup {
    let w = &frame.words().binding;
    html! {
        section.card aria-labelledby="create" {
            form.snug method="post" action={ "/claim/" (page.claim) "/organizations" } {
                (csrf(frame))
                h2 #create { (w.create) }
                div.inline {
                    (name_field(frame, page))
                    button.btn.primary { (w.create) }
                    p.fine { (w.create_hint_first) }
                }
            }
        }
    }
}

/// Something can be chosen: creating another one unfolds.
fn create_more(frame: &Frame, page: &Bind) -> Markup {
    let w = &frame.words().binding;
    let is_refused = page.problems.iter().any(|problem| problem.field == "name");
    html! {
        details.card.add open[is_refused] {
            summary { (icon(Icon::Plus)) " " (w.create) }
            form.inline method="post" action={ "/claim/" (page.claim) "/organizations" } {
                (csrf(frame))
                (name_field(frame, page))
                button.btn { (w.create) }
                p.fine { (w.create_hint) }
            }
        }
    }
}

fn name_field(frame: &Frame, page: &Bind) -> Markup {
    let it = Field {
        name: "name",
        label: frame.words().binding.organization_name,
        autocomplete: "organization",
        value: &page.new_name,
        max_length: Some(60),
        ..Field::default()
    };
    field(frame, &it, &page.problems)
}

/// 「请求管理员绑定」 was pressed.
#[derive(Debug, Clone)]
pub struct Asked {
    pub claim: String,
    pub purchase: Purchase,
    pub organization: String,
    pub owners: Vec<String>,
    /// Where no mail is sent: the link to hand over (rules A7).
    pub link: Option<String>,
}

#[must_use]
pub fn asked(frame: &Frame, page: &Asked) -> Markup {
    let w = &frame.words().binding;
    let owners = names(frame, &page.owners);
    let lead = if page.link.is_some() { w.asked_lead_link } else { w.asked_lead };
    let content = html! {
        (steps(frame, Step::Choose))
        (strip(frame, &page.purchase))
        h1 { (w.asked_title) }
        p.lead { (lead(&page.organization, &owners)) }
        div.stack {
            @if let Some(link) = &page.link { (link_to_copy(frame, "approval-link", link)) }
            (note(Tone::Neutral, Icon::Clock, w.asked_valid))
            p.row { a.btn.primary href={ "/claim/" (page.claim) } { (w.back_to_list) } }
        }
    };
    flow(frame, w.asked_title, &content)
}

/// What the mailed link shows an owner; it is accepted by POST only.
#[derive(Debug, Clone)]
pub struct Approval {
    pub token: String,
    pub purchase: Purchase,
    pub organization: String,
    pub requester_name: String,
    pub requester_email: String,
    pub valid_until: Instant,
    /// `false`: the organization or the subscription is no longer free.
    pub is_possible: bool,
    /// Binding lifts the organization's payment freeze.
    pub thaws: bool,
    /// The requester will be the entry user (rules A1).
    pub is_entry_allowed: bool,
}

/// An owner says yes to a member's request.
#[must_use]
pub fn approval(frame: &Frame, page: &Approval) -> Markup {
    let words = frame.words();
    let w = &words.binding;
    let title = (w.approval_title)(&page.organization);
    let content = html! {
        h1 { (title) }
        p.lead { ((w.approval_lead)(&page.requester_name, &page.requester_email)) }
        div.stack {
            (receipt(frame, &page.purchase))
            @if page.is_possible {
                (note(Tone::Info, Icon::Bill, html! {
                    p { (fill(w.consequence, &[figure(&page.purchase.uid_masked)])) }
                    @if page.thaws { p { (w.thaws) } }
                    @if page.is_entry_allowed { p { ((w.approval_entry)(&page.requester_name)) } }
                }))
                form method="post" action={ "/approvals/" (page.token) } {
                    (csrf(frame))
                    p.row {
                        button.btn.primary { (w.confirm) }
                        span.fine { (fill(w.approval_valid, &[frame.time(page.valid_until, Detail::Minute)])) }
                    }
                }
            } @else {
                (note(Tone::Warn, Icon::Alert, w.approval_impossible))
                p.row { a.btn href="/orgs" { (words.errors.to_organizations) } }
            }
        }
    };
    flow(frame, &title, &content)
}

/// A stage of making a binding live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    CheckSubscription,
    CheckRights,
    /// The vendor's product has to say yes (rules A4).
    AwaitVendor,
    OpenChannel,
    TellVendor,
}

/// 「正在处理您的授权请求」. The server sends `Refresh: 2`.
#[derive(Debug, Clone)]
pub struct Processing {
    pub purchase: Purchase,
    pub organization: String,
    /// In order, with the moment of those that are done. The first without one is under way.
    pub stages: Vec<(Stage, Option<Instant>)>,
}

#[must_use]
pub fn processing(frame: &Frame, page: &Processing) -> Markup {
    let words = frame.words();
    let w = &words.binding;
    let say = |stage| match stage {
        Stage::CheckSubscription => w.stage_subscription.to_owned(),
        Stage::CheckRights => (w.stage_rights)(&page.organization),
        Stage::AwaitVendor => (w.stage_vendor)(&frame.brand.name),
        Stage::OpenChannel => w.stage_channel.to_owned(),
        Stage::TellVendor => (w.stage_tell)(&frame.brand.name),
    };
    let current = page.stages.iter().position(|(_, done_at)| done_at.is_none());
    let stages: Vec<_> = (0..)
        .zip(&page.stages)
        .map(|(index, (stage, done_at))| {
            let progress = match done_at {
                Some(at) => Progress::Done(frame.time(*at, Detail::Clock)),
                None if Some(index) == current => Progress::Current,
                None => Progress::Waiting,
            };
            (say(*stage), progress)
        })
        .collect();
    let content = html! {
        (steps(frame, Step::Confirm))
        (strip(frame, &page.purchase))
        h1 { (w.processing_title) }
        p.lead { (w.processing_lead) }
        div.stack data-step="processing" {
            section.card aria-label=(w.processing_section) {
                div role="status" { (doing(&stages, w.in_progress, w.waiting)) }
                footer {
                    span.fine { (words.shared.request_id) " " samp { (frame.request_id) } }
                    a.link href=(frame.path) { (icon(Icon::Refresh)) " " (w.latest) }
                }
            }
        }
    };
    flow(frame, w.processing_title, &content)
}

/// 「绑定成功」
#[derive(Debug, Clone)]
pub struct Done {
    pub purchase: Purchase,
    pub organization: Of,
    pub members: u64,
    pub live_since: Instant,
    /// The box for password-less entry was ticked, and the operator allows it.
    pub is_entry_allowed: bool,
    /// How many managers were told.
    pub notified: u64,
}

#[must_use]
pub fn done(frame: &Frame, page: &Done) -> Markup {
    let words = frame.words();
    let w = &words.binding;
    let of = &page.organization;
    let payer = html! {
        span.fine { (w.payer) }
        b { (words.shared.buyer_account) }
        span.num { (page.purchase.uid_masked) }
    };
    let user = html! {
        span.fine { (w.user) }
        b { (of.name) }
        span.mut { ((words.shared.members)(page.members)) }
    };
    let channel = html! { (words.shared.marketplace) " · " (page.purchase.name()) };
    let content = html! {
        (steps(frame, Step::Done))
        h1 { (w.done_title) }
        p.lead { ((w.done_lead)(&of.name)) }
        div.stack {
            section.card.receipt aria-label=(w.done_section) {
                (pay(&payer, &user))
                div { (list(&[
                    (w.channel, channel),
                    (words.shared.subscription, html! { (page.purchase.subscription_id) }),
                    (w.live_since, frame.time(page.live_since, Detail::Second)),
                ])) }
            }
            p.row {
                a.btn.primary href={ "/orgs/" (of.id) "/billing" } { (w.to_billing) }
                @if of.has_product_entry {
                    a.btn href={ "/enter?org=" (of.id) } { ((words.shared.enter_product)(&frame.brand.name)) }
                }
            }
            section aria-labelledby="then" {
                h2 #then { (w.then) }
                ul.bul.mut {
                    li { (w.then_usage) }
                    li { @if page.is_entry_allowed { (w.then_entry) } @else { (w.then_no_entry) } }
                    @if page.notified > 0 { li { ((w.then_notice)(page.notified)) } }
                }
            }
        }
    };
    flow(frame, w.done_title, &content)
}

/// The request did not become a binding; 「重试」.
#[derive(Debug, Clone)]
pub struct Failed {
    pub failure: Failure,
    /// Code of the reason, such as `subscription_released`.
    pub reason: Option<String>,
    /// The vendor's own words.
    pub vendor_says: Option<String>,
    pub purchase: Purchase,
    pub organization: String,
    /// The binding page of the same claim.
    pub retry_href: Option<String>,
}

#[must_use]
pub fn failed(frame: &Frame, page: &Failed) -> Markup {
    let words = frame.words();
    let w = &words.binding;
    let lead = match page.failure {
        Failure::Refused => w.refused_lead,
        Failure::TimedOut => w.timed_out_lead,
        Failure::Cancelled => w.cancelled_lead,
    };
    let because = page.reason.as_deref().and_then(|reason| {
        Some(match reason {
            "subscription_expired" => w.because_subscription_expired,
            "subscription_released" => w.because_subscription_released,
            "subscription_opening" => w.because_subscription_opening,
            "not_manager" => w.because_not_manager,
            "organization_deleted" => w.because_organization_deleted,
            "organization_frozen" => w.because_organization_frozen,
            "cancelled" => w.because_person,
            _ => return None,
        })
    });
    let content = html! {
        (steps(frame, Step::Confirm))
        (strip(frame, &page.purchase))
        h1 { (w.failed_title) }
        p.lead { (lead(&frame.brand.name, &page.organization)) @if let Some(because) = because { (frame.space()) (because) } }
        div.stack {
            @if let Some(says) = &page.vendor_says {
                (note(Tone::Neutral, Icon::Info, html! { p.fine { (w.vendor_says) } p { (says) } }))
            }
            div.cols {
                section aria-labelledby="safe" { h2 #safe { (words.errors.safe) } p.mut { (w.failed_safe) } }
                section aria-labelledby="next" { h2 #next { (words.errors.next) } p.mut { (w.failed_next) } }
            }
            p.row {
                @if let Some(href) = &page.retry_href { a.btn.primary href=(href) { (w.retry) } }
                a.btn href={ "mailto:" (frame.brand.support) } { ((words.shared.contact_support)(&frame.brand.support)) }
            }
            p.fine { (words.shared.request_id) " " samp { (frame.request_id) } }
        }
    };
    flow(frame, w.failed_title, &content)
}
