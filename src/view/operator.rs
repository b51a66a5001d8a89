//! The operators' console (mockup 10, product §9): states beside their codes, risks on top with their deadline. Here its
//! frame and metering; each other group of pages has a file of its own.

pub mod act;
pub mod audit;
pub mod call;
pub mod delivery;
pub mod health;
pub mod job;
pub mod keys;
pub mod organization;
#[cfg(test)]
pub(super) mod samples;
pub mod subscription;
pub mod user;

use maud::{Markup, html};

use crate::domain::usage::State;
use crate::domain::value::Instant;

use super::figures::grouped;
use super::frame::{Frame, NavItem, Scope, Side, account, console};
use super::icon::Icon;
use super::parts::{
    Column, Field, Problem, Tone, alert, card, csrf, described, external, field, figure, figures, fill, hidden, list,
    note, nothing, problems, table, wrong,
};
use super::purchase::Purchase;
use super::usage::{self, Overview, Record, window};
use super::when::Detail;
use super::words::{Text, Words};

/// The parts of the operators' console, in the order of its navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Health,
    Subscriptions,
    Calls,
    Deliveries,
    Jobs,
    Metering,
    Organizations,
    Users,
    Keys,
    Audit,
}

impl Area {
    const ALL: [Self; 10] = [
        Self::Health,
        Self::Subscriptions,
        Self::Calls,
        Self::Deliveries,
        Self::Jobs,
        Self::Metering,
        Self::Organizations,
        Self::Users,
        Self::Keys,
        Self::Audit,
    ];

    const fn href(self) -> &'static str {
        match self {
            Self::Health => "/operator",
            Self::Subscriptions => "/operator/subscriptions",
            Self::Calls => "/operator/calls",
            Self::Deliveries => "/operator/deliveries",
            Self::Jobs => "/operator/jobs",
            Self::Metering => "/operator/metering",
            Self::Organizations => "/operator/organizations",
            Self::Users => "/operator/users",
            Self::Keys => "/operator/keys",
            Self::Audit => "/operator/audit",
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Health => Icon::Health,
            Self::Subscriptions => Icon::Bill,
            Self::Calls => Icon::Link,
            Self::Deliveries => Icon::Delivery,
            Self::Jobs => Icon::Clock,
            Self::Metering => Icon::Meter,
            Self::Organizations => Icon::Organization,
            Self::Users => Icon::People,
            Self::Keys => Icon::Key,
            Self::Audit => Icon::Book,
        }
    }

    const fn label(self, w: &Words) -> Text {
        match self {
            Self::Health => w.operator.health,
            Self::Subscriptions => w.story.subscriptions,
            Self::Calls => w.work.calls,
            Self::Deliveries => w.work.deliveries,
            Self::Jobs => w.work.jobs,
            Self::Metering => w.operator.metering,
            Self::Organizations => w.directory.organizations,
            Self::Users => w.directory.users,
            Self::Keys => w.keys.title,
            Self::Audit => w.work.audit,
        }
    }
}

/// A page of the operators' console.
fn operators(frame: &Frame, area: Area, title: &str, content: &Markup) -> Markup {
    let w = &frame.words().operator;
    let item = |it: Area| NavItem {
        label: it.label(frame.words()).to_owned(),
        href: it.href().to_owned(),
        icon: Some(it.icon()),
        is_current: it == area,
    };
    let side = Side {
        home: Area::Health.href(),
        scope: Some(Scope { caption: w.console, name: &frame.brand.name, href: None }),
        label: w.navigation,
        items: Area::ALL.into_iter().map(item).collect(),
        foot: account(frame, Some("/me")),
    };
    console(frame, &side, title, content)
}

/// One of a few views of a list.
#[derive(Debug, Clone)]
pub struct Choice {
    /// As in the address; empty: everything.
    pub code: String,
    pub href: String,
    pub is_current: bool,
}

/// Where a list goes on, and where it begins.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    pub next: Option<String>,
    pub first: Option<String>,
}

/// Somebody who did something.
#[derive(Debug, Clone)]
pub struct Actor {
    /// `operator`, `marketplace`, …
    pub kind: &'static str,
    pub id: String,
    /// Of a person; empty for a deleted account, `None` for who is no person.
    pub name: Option<String>,
}

fn actor(frame: &Frame, who: &Actor) -> Markup {
    let words = frame.words();
    let w = &words.story;
    html! {
        @match who.name.as_deref() {
            Some("") => (words.shared.deleted_user),
            Some(name) => a href={ "/operator/users/" (who.id) } { (name) },
            None => { (w.by(who.kind)) @if !who.id.is_empty() { " " span.fine { (who.id) } } },
        }
        @if who.name.is_some() && who.kind == "operator" { " " span.fine { (w.by_operator) } }
    }
}

fn choices(label: &str, choices: &[Choice], name: impl Fn(&str) -> Text) -> Markup {
    html! {
        nav.seg aria-label=(label) {
            @for one in choices {
                a href=(one.href) aria-current=[one.is_current.then_some("true")] { (name(&one.code)) }
            }
        }
    }
}

/// Whether a list shows less than all.
fn is_narrowed(choices: &[Choice]) -> bool {
    choices.iter().any(|one| one.is_current && !one.code.is_empty())
}

/// An empty list: nothing fits what was asked for, or there is nothing yet.
fn none(is_narrowed: bool, turn: &Turn, no_match: Text, nothing_yet: Text) -> Markup {
    html! { div { p.mut { (if is_narrowed || turn.first.is_some() { no_match } else { nothing_yet }) } } }
}

/// A line to look for something; `kept` goes along.
fn finder(frame: &Frame, action: &str, label: &str, text: &str, kept: &[(&str, &str)]) -> Markup {
    html! {
        form.inline method="get" action=(action) {
            @for (name, value) in kept {
                @if !value.is_empty() { (hidden(name, value)) }
            }
            div.field {
                label for="q" { (label) }
                input.in-t id="q" name="q" type="search" autocomplete="off" maxlength="100" value=[(!text.is_empty()).then_some(text)];
            }
            button.btn { (frame.words().story.find) }
            @if !text.is_empty() { a.link href=(action) { (frame.words().operator.show_all) } }
        }
    }
}

fn turn(frame: &Frame, turn: &Turn) -> Markup {
    let w = &frame.words().story;
    html! {
        @if turn.next.is_some() || turn.first.is_some() {
            footer {
                span { @if let Some(href) = &turn.first { a.link href=(href) { (w.newest) } } }
                @if let Some(href) = &turn.next { a.link href=(href) { (w.older) } }
            }
        }
    }
}

/// That something was just done.
fn done(frame: &Frame, is_done: bool) -> Markup {
    html! {
        @if is_done { div role="status" { (note(Tone::Ok, Icon::Check, frame.words().acts.done)) } }
    }
}

/// A record with what operators know of it.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: i64,
    pub record: Record,
    pub organization_id: String,
    pub organization: String,
    /// The public name of the subscription that is charged.
    pub subscription: Option<String>,
    pub due_by: Instant,
    pub changed_at: Instant,
    pub settled_at: Option<Instant>,
    pub attempts: u32,
    pub note: Option<String>,
    pub request_ref: Option<String>,
}

/// How metering is doing.
#[derive(Debug, Clone)]
pub struct Metering {
    pub states: Vec<State>,
    /// Seller (empty: none) and how many records are in each of the states.
    pub counts: Vec<(String, Vec<u64>)>,
    /// Counting ended here.
    pub counts_end: u64,
    /// Sellers whose pushes are stopped: why, since when.
    pub stops: Vec<(String, String, Instant)>,
    pub at_risk: Vec<Line>,
    pub held: Held,
}

/// Records that wait for a person.
#[derive(Debug, Clone)]
pub struct Held {
    pub state: State,
    /// The states to choose from.
    pub states: Vec<State>,
    pub seller: String,
    pub sellers: Vec<String>,
    pub organization: String,
    pub lines: Vec<Line>,
    pub next_href: Option<String>,
}

#[must_use]
pub fn metering(frame: &Frame, page: &Metering) -> Markup {
    let w = &frame.words().operator;
    let content = html! {
        h1 { (w.metering) }
        @for (seller, code, at) in &page.stops {
            (note(Tone::Bad, Icon::Alert, html! {
                p { (fill(w.stopped, &[figure(seller), frame.time(*at, Detail::Minute)])) " " code { (code) } }
                form.one method="post" action="/operator/metering/resume" {
                    (csrf(frame)) (hidden("seller", seller))
                    button.btn.sm { (w.resume) }
                }
            }))
        }
        (at_risk(frame, &page.at_risk))
        (counts(frame, page))
        (held(frame, &page.held))
    };
    operators(frame, Area::Metering, w.metering, &content)
}

fn at_risk(frame: &Frame, lines: &[Line]) -> Markup {
    let w = &frame.words().operator;
    let Some(first) = lines.first() else {
        return note(Tone::Neutral, Icon::Check, w.no_risk);
    };
    html! {
        (note(Tone::Warn, Icon::Alert, fill(w.at_risk_note, &[frame.time(first.due_by, Detail::Minute)])))
        (card("risk", w.at_risk, &html! { span.fine { (lines.len()) } }, &records(frame, w.at_risk, lines, When::Due)))
    }
}

fn counts(frame: &Frame, page: &Metering) -> Markup {
    let words = frame.words();
    let w = &words.operator;
    let mut columns = vec![Column::text(w.seller)];
    columns.extend(page.states.iter().map(|state| Column::figure(words.usage.state(*state))));
    let rows = html! {
        @for (seller, counts) in &page.counts {
            tr {
                th scope="row" { @if seller.is_empty() { (w.outside) } @else { (seller) } }
                @for (state, count) in page.states.iter().zip(counts) {
                    td.r data-l=(words.usage.state(*state)) { (grouped(u128::from(*count))) @if *count >= page.counts_end { "+" } }
                }
            }
        }
    };
    let content = html! {
        @if page.counts.is_empty() {
            div { p.mut { (w.nothing_open) } }
        } @else {
            (figures(w.scrolls, w.by_state, &columns, &rows))
            footer { span.fine { (w.by_state_note) (frame.space()) ((w.counts_end)(&grouped(u128::from(page.counts_end)))) } }
        }
    };
    card("states", w.by_state, &nothing(), &content)
}

fn held(frame: &Frame, page: &Held) -> Markup {
    let words = frame.words();
    let (w, u) = (&words.operator, &words.usage);
    let is_filtered = !page.seller.is_empty() || !page.organization.is_empty();
    let home = format!("/operator/metering?state={}", page.state.as_str());
    let states = html! {
        nav.seg aria-label=(w.state) {
            @for state in &page.states {
                a href={ "/operator/metering?state=" (state.as_str()) } aria-current=[(*state == page.state).then_some("true")] {
                    (u.state(*state))
                }
            }
        }
    };
    let content = html! {
        div {
            form.inline method="get" action="/operator/metering" {
                input type="hidden" name="state" value=(page.state.as_str());
                div.field {
                    label for="seller" { (w.seller) }
                    select id="seller" name="seller" {
                        option value="" selected[page.seller.is_empty()] { (w.all_sellers) }
                        @for seller in &page.sellers { option value=(seller) selected[*seller == page.seller] { (seller) } }
                    }
                }
                div.field {
                    label for="organization" { (w.organization_id) }
                    input.in-t id="organization" name="organization" type="text" autocomplete="off" maxlength="64"
                        value=[(!page.organization.is_empty()).then_some(&page.organization)];
                }
                button.btn { (u.show) }
                @if is_filtered { a.link href=(home) { (w.show_all) } }
            }
        }
        @if page.lines.is_empty() {
            div { p.mut { (w.held_none) } }
        } @else {
            (records(frame, w.held, &page.lines, When::Changed))
        }
        @if let Some(href) = &page.next_href { footer { span {} a.link href=(href) { (u.next_page) } } }
    };
    card("held", w.held, &states, &content)
}

/// Which moment of a record matters in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Due,
    Changed,
}

fn records(frame: &Frame, caption: &str, lines: &[Line], when: When) -> Markup {
    let words = frame.words();
    let (w, u) = (&words.operator, &words.usage);
    let label = if when == When::Due { w.due_by } else { w.changed_at };
    let columns = [
        Column::text(label),
        Column::text(words.shared.organization),
        Column::text(words.shared.subscription),
        Column::text(u.window),
        Column::text(u.item),
        Column::figure(u.quantity),
        Column::text(w.code),
        Column::actions(w.open_record),
    ];
    let rows = html! {
        @for line in lines {
            @let it = &line.record;
            tr {
                td.nw data-l=(label) {
                    (frame.time(if when == When::Due { line.due_by } else { line.changed_at }, Detail::Minute))
                }
                td data-l=(words.shared.organization) { (line.organization) }
                td data-l=(words.shared.subscription) { (subscription(line)) }
                td data-l=(u.window) { (window(frame, it.measure.cycle, it.from, it.until)) }
                td data-l=(u.item) { (it.measure.name) }
                td.r data-l=(u.quantity) { (grouped(u128::from(it.quantity.unsigned_abs()))) " " (it.measure.pushed_unit(words)) }
                td data-l=(w.code) { @if let Some(code) = &it.code { code.nw { (code) } } @else { "–" } }
                td.acts {
                    a href={ "/operator/metering/" (line.id) } { (w.open_record) span.vh { ((words.shared.action_of)(&line.id.to_string())) } }
                }
            }
        }
    };
    table(caption, &columns, &rows)
}

fn subscription(line: &Line) -> Markup {
    html! {
        @match &line.subscription {
            Some(name) => a href={ "/operator/subscriptions/" (name) } { (name) },
            None => "–",
        }
    }
}

/// What can be done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Retry,
    Resend,
    TreatAsAccepted,
    Waive,
}

impl Decision {
    pub const ALL: [Self; 4] = [Self::Retry, Self::Resend, Self::TreatAsAccepted, Self::Waive];

    /// As in the form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Resend => "resend",
            Self::TreatAsAccepted => "accept",
            Self::Waive => "waive",
        }
    }
}

/// Why a decision was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Changed,
    TooLate,
}

/// One record, and what an operator can do about it.
#[derive(Debug, Clone)]
pub struct Deciding {
    pub line: Line,
    pub decisions: Vec<Decision>,
    pub chosen: Option<Decision>,
    pub why: String,
    pub is_done: bool,
    pub refusal: Option<Refusal>,
    pub problems: Vec<Problem>,
}

#[must_use]
pub fn deciding(frame: &Frame, page: &Deciding) -> Markup {
    let words = frame.words();
    let (w, u, line) = (&words.operator, &words.usage, &page.line);
    let it = &line.record;
    let title = (w.record)(&line.id.to_string());
    let moment = |at| frame.time(at, Detail::Second);
    let mut facts = vec![
        (words.shared.organization, html! { (line.organization) " " span.fine { (line.organization_id) } }),
        (words.shared.subscription, subscription(line)),
        (u.item, html! { (it.measure.name) " " code { (it.measure.key) } }),
        (u.window, window(frame, it.measure.cycle, it.from, it.until)),
        (u.quantity, html! { (grouped(u128::from(it.quantity.unsigned_abs()))) " " (it.measure.pushed_unit(words)) }),
        (w.due_by, moment(line.due_by)),
        (w.attempts, html! { (line.attempts) }),
    ];
    if let Some(code) = &it.code {
        facts.push((w.code, html! { code { (code) } }));
    }
    if let Some(request) = &line.request_ref {
        facts.push((w.request_ref, html! { code { (request) } }));
    }
    facts.push((w.changed_at, moment(line.changed_at)));
    if let Some(at) = line.settled_at {
        facts.push((w.settled_at, moment(at)));
    }
    if let Some(text) = &line.note {
        facts.push((w.note, html! { (text) }));
    }
    let content = html! {
        p.fine { a href="/operator/metering" { (w.metering) } " / " (line.id) }
        div.row { h1 { (title) } (usage::state(frame, it.state)) code { (it.state.as_str()) } }
        @if page.is_done { (note(Tone::Ok, Icon::Check, fill(w.done, &[html! { (u.state(it.state)) }]))) }
        @match page.refusal {
            Some(Refusal::Changed) => (alert(Tone::Bad, Icon::Alert, w.changed)),
            Some(Refusal::TooLate) => (alert(Tone::Bad, Icon::Alert, w.too_late)),
            None => {},
        }
        (problems(frame, &page.problems))
        (card("facts", w.facts, &nothing(), &html! { div { (list(&facts)) } }))
        (decide(frame, page))
    };
    operators(frame, Area::Metering, &title, &content)
}

fn decide(frame: &Frame, page: &Deciding) -> Markup {
    let w = &frame.words().operator;
    if page.decisions.is_empty() {
        return html! { p.mut { (w.not_decidable) } };
    }
    let text = |decision| match decision {
        Decision::Retry => (w.retry, w.retry_means),
        Decision::Resend => (w.resend, w.resend_means),
        Decision::TreatAsAccepted => (w.treat_as_accepted, w.treat_as_accepted_means),
        Decision::Waive => (w.waive, w.waive_means),
    };
    let options = page.decisions.iter().map(|decision| {
        let (label, means) = text(*decision);
        (decision.as_str(), label, means)
    });
    let content = html! {
        form.snug method="post" action={ "/operator/metering/" (page.line.id) } {
            (csrf(frame)) (hidden("state", page.line.record.state.as_str()))
            (decisions(frame, options, page.chosen.map_or("", Decision::as_str), &page.problems))
            (why(frame, &page.why, &page.problems))
            p { button.btn.primary { (w.confirm) } }
        }
    };
    card("decide", w.decide, &nothing(), &content)
}

/// What can be decided, each with its code, what it is called and what it means.
fn decisions(
    frame: &Frame,
    options: impl IntoIterator<Item = (&'static str, Text, Text)>,
    chosen: &str,
    problems: &[Problem],
) -> Markup {
    let is_wrong = problems.iter().any(|problem| problem.field == "decision");
    html! {
        fieldset #decision aria-describedby=[described("decision", problems)] {
            legend.vh { (frame.words().operator.decision) }
            (wrong(frame, "decision", problems))
            div.choices {
                @for (code, label, means) in options {
                    @let id = format!("decision-{code}");
                    div.choice {
                        input type="radio" id=(id) name="decision" value=(code) required
                            checked[chosen == code] aria-describedby={ (id) "-d" } aria-invalid=[is_wrong.then_some("true")];
                        div {
                            label for=(id) { (label) }
                            p id={ (id) "-d" } { (means) }
                        }
                    }
                }
            }
        }
    }
}

/// Why an operator does something.
fn why(frame: &Frame, value: &str, problems: &[Problem]) -> Markup {
    let w = &frame.words().acts;
    let why = Field {
        name: "why",
        label: w.why,
        hint: Some(w.why_hint),
        value,
        max_length: Some(crate::domain::audit::REASON_MAX),
        ..Field::default()
    };
    field(frame, &why, problems)
}

/// What a subscription was charged with in a month.
#[derive(Debug, Clone)]
pub struct Reconciling {
    /// The public name.
    pub name: String,
    pub purchase: Purchase,
    /// The organization that is bound or being bound: id and name.
    pub organization: Option<(String, String)>,
    pub usage: Overview,
    /// The marketplace's own bill.
    pub bill_url: Option<String>,
}

#[must_use]
pub fn reconciling(frame: &Frame, page: &Reconciling) -> Markup {
    let words = frame.words();
    let w = &words.operator;
    let purchase = &page.purchase;
    let title = (w.reconciliation_of)(&purchase.subscription_id);
    let mut facts = vec![
        (words.shared.plan, html! { (purchase.name()) }),
        (words.shared.product_code, html! { (purchase.product_code) }),
        (words.shared.order, html! { (purchase.order_id) }),
        (words.shared.buyer_account_uid, html! { (purchase.uid_masked) }),
    ];
    if let Some((id, name)) = &page.organization {
        facts.push((words.shared.organization, html! { (name) " " span.fine { (id) } }));
    }
    let content = html! {
        p.fine { a href={ "/operator/subscriptions/" (page.name) } { (page.name) } " / " (w.reconciliation) }
        div.row { h1 { (title) } (super::purchase::state(frame, purchase.state)) code { (purchase.state.as_str()) } }
        (card("facts", w.facts, &nothing(), &html! { div { (list(&facts)) } }))
        section.card aria-labelledby="usage" {
            header { h2 #usage { (w.reconciliation) } (usage::months(frame, &page.usage)) }
            @if page.usage.items.is_empty() {
                div { p.mut { (w.no_charges) } }
            } @else {
                (usage::totals(frame, &page.usage))
                (usage::explain(frame, &page.usage))
            }
            footer {
                span.fine { (w.reconciliation_note) }
                @if let Some(url) = &page.bill_url { (external(url, words.billing.view_bill)) }
            }
        }
    };
    operators(frame, Area::Subscriptions, &title, &content)
}

/// The way to the operators' console, for who may take it.
#[must_use]
pub fn entrance(frame: &Frame) -> Option<NavItem> {
    frame.signed_in.filter(|who| who.is_operator).map(|_| NavItem {
        label: frame.words().operator.console.to_owned(),
        href: Area::Health.href().to_owned(),
        icon: Some(Icon::Health),
        is_current: false,
    })
}
