//! Subscriptions for operators: the list, and one with its whole story (mockup 10).

use maud::{Markup, html};

use super::organization::freeze;
use super::{Actor, Area, Choice, Turn, actor, choices, done, finder, is_narrowed, none, operators, turn};
use crate::domain::binding;
use crate::domain::organization::Freeze;
use crate::domain::subscription::State;
use crate::domain::value::Instant;
use crate::view::figures::grouped;
use crate::view::frame::Frame;
use crate::view::icon::{Icon, icon};
use crate::view::parts::{Column, Tone, badge, card, csrf, list, note, nothing, table};
use crate::view::purchase::{self, Purchase};
use crate::view::usage::{self, Record, window};
use crate::view::when::Detail;
use crate::view::words::Text;

/// What is doubtful about a subscription: `disputed`, `overdue`, `quarantined`.
pub type Doubt = &'static str;

/// A subscription of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// The public name.
    pub name: String,
    pub purchase: Purchase,
    pub doubts: Vec<Doubt>,
    pub organization: Option<(String, String)>,
    pub created_at: Instant,
}

#[derive(Debug, Clone)]
pub struct List {
    pub text: String,
    /// What goes along with a search.
    pub state: String,
    pub doubt: String,
    pub states: Vec<Choice>,
    pub doubts: Vec<Choice>,
    pub rows: Vec<Row>,
    pub csv_href: String,
    pub turn: Turn,
}

#[must_use]
pub fn subscriptions(frame: &Frame, page: &List) -> Markup {
    let words = frame.words();
    let (w, shared) = (&words.story, &words.shared);
    let state =
        |code: &str| State::ALL.into_iter().find(|state| state.as_str() == code).map_or(w.all, |it| shared.state(it));
    let columns = [
        Column::text(shared.subscription),
        Column::text(words.operator.state),
        Column::text(shared.plan),
        Column::text(shared.organization),
        Column::text(shared.order),
        Column::text(w.uid),
        Column::text(shared.expires_at),
    ];
    let rows = html! {
        @for row in &page.rows {
            tr {
                th.nw scope="row" { a href={ "/operator/subscriptions/" (row.name) } { (row.name) } }
                td data-l=(words.operator.state) {
                    (purchase::state(frame, row.purchase.state))
                    @for doubt in &row.doubts { " " (badge(Tone::Warn, None, w.doubt(doubt))) }
                }
                td data-l=(shared.plan) { (row.purchase.name()) }
                td data-l=(shared.organization) {
                    @match &row.organization {
                        Some((id, name)) => a href={ "/operator/organizations/" (id) } { (name) },
                        None => span.mut { (w.no_organization) },
                    }
                }
                td data-l=(shared.order) { (row.purchase.order_id) }
                td.nw data-l=(w.uid) { (row.purchase.uid_masked) }
                td.nw data-l=(shared.expires_at) { @match row.purchase.expires_at { Some(at) => (frame.time(at, Detail::Day)), None => "–" } }
            }
        }
    };
    let is_narrowed = is_narrowed(&page.states) || is_narrowed(&page.doubts) || !page.text.is_empty();
    let content = html! {
        h1 { (w.subscriptions) }
        section.card aria-labelledby="found" {
            header {
                h2.vh #found { (w.subscriptions) }
                (choices(words.operator.state, &page.states, state))
                (choices(w.doubt, &page.doubts, |code| w.doubt(code)))
            }
            div { (finder(frame, Area::Subscriptions.href(), w.look_for, &page.text, &[("state", &page.state), ("doubt", &page.doubt)])) }
            @if page.rows.is_empty() { (none(is_narrowed, &page.turn, w.none, w.none_yet)) } @else { (table(w.subscriptions, &columns, &rows)) }
            (turn(frame, &page.turn))
        }
        @if !page.rows.is_empty() { p { a.link href=(page.csv_href) { (w.download) } } }
    };
    operators(frame, Area::Subscriptions, w.subscriptions, &content)
}

/// What occupies a subscription.
#[derive(Debug, Clone)]
pub struct Bound {
    pub state: binding::State,
    pub organization: (String, String),
    /// Empty: a deleted account.
    pub by: String,
    pub by_id: String,
    pub since: Instant,
    pub freeze: Option<Freeze>,
}

/// An event's way to a webhook.
#[derive(Debug, Clone)]
pub struct Way {
    pub delivery_id: i64,
    pub url: String,
    pub state: String,
    pub attempts: u32,
    pub status: Option<u16>,
    pub error: Option<String>,
}

/// The marketplace's call, and its answer.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: i64,
    pub action: String,
    pub verdict: String,
    pub code: Option<String>,
    pub status: u16,
    pub took_ms: String,
    pub params: String,
    /// Something was erased from them (rules D6).
    pub is_erased: bool,
    pub reply: String,
}

/// What became true, and whom it was told.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: String,
    pub sequence: Option<i64>,
    pub data: String,
    pub by: Option<Actor>,
    pub reason: Option<String>,
    pub ways: Vec<Way>,
}

/// What somebody did.
#[derive(Debug, Clone)]
pub struct Act {
    pub action: String,
    pub by: Actor,
    pub reason: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Clone)]
pub enum What {
    Call(Call),
    Event(Event),
    Act(Act),
    Usage(Vec<(i64, Record)>),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub at: Instant,
    pub what: What,
}

#[derive(Debug, Clone)]
pub struct Page {
    pub name: String,
    pub purchase: Purchase,
    pub seller: String,
    /// The whole buyer account, if it was asked for.
    pub uid: Option<String>,
    pub doubts: Vec<Doubt>,
    pub bound: Option<Bound>,
    pub shows: Vec<Choice>,
    pub entries: Vec<Entry>,
    pub turn: Turn,
    pub is_done: bool,
}

#[must_use]
pub fn subscription(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let w = &words.story;
    let purchase = &page.purchase;
    let title = (words.operator.subscription)(&purchase.subscription_id);
    let content = html! {
        p.fine { a href=(Area::Subscriptions.href()) { (w.subscriptions) } " / " (page.name) }
        div.row.between {
            div.row { h1 { (title) } (purchase::state(frame, purchase.state)) code { (purchase.state.as_str()) } }
            @if let Some(bound) = &page.bound { (acts(frame, page, bound)) }
        }
        (done(frame, page.is_done))
        @if page.uid.is_some() { div role="status" { (note(Tone::Info, Icon::Info, w.uid_shown)) } }
        @for doubt in &page.doubts {
            (note(Tone::Warn, Icon::Alert, html! { strong { (w.doubt(doubt)) } " " (match *doubt {
                "disputed" => w.disputed_means,
                "overdue" => w.overdue_means,
                _ => w.quarantined_means,
            }) }))
        }
        div.two {
            (story(frame, page))
            div.stack { (facts(frame, page)) (binding(frame, page)) }
        }
    };
    operators(frame, Area::Subscriptions, &title, &content)
}

fn acts(frame: &Frame, page: &Page, bound: &Bound) -> Markup {
    let w = &frame.words().story;
    let (id, _) = &bound.organization;
    html! {
        p.row {
            @if bound.freeze.is_some_and(Freeze::is_by_operator) {
                a.btn.sm href={ "/operator/organizations/" (id) "/unfreeze" } { (w.unfreeze) }
            } @else {
                a.btn.sm href={ "/operator/organizations/" (id) "/freeze" } { (w.freeze) }
            }
            a.btn.sm.danger href={ "/operator/subscriptions/" (page.name) "/unbind" } { (w.unbind) }
        }
    }
}

fn facts(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let (w, shared, purchase) = (&words.story, &words.shared, &page.purchase);
    let moment = |at: Option<Instant>| html! { @match at { Some(at) => (frame.time(at, Detail::Minute)), None => (w.none_given) } };
    let uid = page.uid.as_ref().unwrap_or(&purchase.uid_masked);
    let rows: [(Text, Markup); 7] = [
        (shared.plan, html! { (purchase.name()) }),
        (shared.product_code, html! { (purchase.product_code) }),
        (words.operator.seller, html! { (page.seller) }),
        (shared.order, html! { (purchase.order_id) }),
        (w.uid, html! { (uid) }),
        (shared.activated_at, moment(purchase.activated_at)),
        (shared.expires_at, moment(purchase.expires_at)),
    ];
    let content = html! {
        div.snug {
            (list(&rows))
            @if page.uid.is_none() {
                form method="post" action={ "/operator/subscriptions/" (page.name) "/account" } {
                    (csrf(frame))
                    button.btn.sm aria-describedby="uid-noted" { (w.show_uid) }
                }
                p.fine #uid-noted { (w.uid_noted) }
            }
        }
        footer { span {} a.link href={ "/operator/subscriptions/" (page.name) "/metering" } { (w.to_metering) } }
    };
    card("facts", words.operator.facts, &nothing(), &content)
}

fn binding(frame: &Frame, page: &Page) -> Markup {
    let words = frame.words();
    let w = &words.story;
    let Some(bound) = &page.bound else {
        return card("binding", w.binding, &badge(Tone::Neutral, None, w.no_organization), &nothing());
    };
    let tone = if bound.state == binding::State::Live { Tone::Ok } else { Tone::Info };
    let state = badge(tone, None, words.directory.binding(bound.state));
    let (id, name) = &bound.organization;
    let rows = [
        (
            words.shared.organization,
            html! {
                a href={ "/operator/organizations/" (id) } { (name) }
                @if bound.freeze.is_some() { " " (freeze(frame, bound.freeze)) }
            },
        ),
        (
            w.bound_by,
            html! {
                @if bound.by.is_empty() { (words.shared.deleted_user) } @else { a href={ "/operator/users/" (bound.by_id) } { (bound.by) } }
            },
        ),
        (w.bound_since, frame.time(bound.since, Detail::Minute)),
    ];
    card("binding", w.binding, &state, &html! { div { (list(&rows)) } })
}

fn story(frame: &Frame, page: &Page) -> Markup {
    let w = &frame.words().story;
    let shows = choices(w.timeline, &page.shows, |code| match code {
        "calls" => w.calls,
        "changes" => w.changes,
        "usage" => w.usage,
        _ => w.all,
    });
    let mut days: Vec<(String, Vec<&Entry>)> = Vec::new();
    for entry in &page.entries {
        let day = frame.tell(entry.at, Detail::Day);
        match days.last_mut().filter(|(last, _)| *last == day) {
            Some((_, of)) => of.push(entry),
            None => days.push((day, vec![entry])),
        }
    }
    let content = html! {
        div {
            @if days.is_empty() { p.mut { (w.nothing_yet) } }
            @for (at, (day, of)) in days.iter().enumerate() {
                p.fine { (day) @if at == 0 { " · " (w.newest_first) } }
                ol.tl { @for entry in of { (told(frame, entry)) } }
            }
        }
        (turn(frame, &page.turn))
    };
    card("timeline", w.timeline, &shows, &content)
}

fn told(frame: &Frame, entry: &Entry) -> Markup {
    let (tone, picture) = look(&entry.what);
    let class = match tone {
        Tone::Ok => "ok",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Info | Tone::Neutral => "",
    };
    html! {
        li {
            (frame.time(entry.at, Detail::Clock))
            span.pin .(class) { (icon(picture)) }
            div {
                @match &entry.what {
                    What::Call(it) => (call(frame, it)),
                    What::Event(it) => (event(frame, it)),
                    What::Act(it) => (act(frame, it)),
                    What::Usage(records) => (used(frame, records)),
                }
            }
        }
    }
}

/// The colour and the picture of an entry.
fn look(what: &What) -> (Tone, Icon) {
    match what {
        What::Call(it) => match it.verdict.as_str() {
            "applied" => (Tone::Ok, Icon::Link),
            "repeated" => (Tone::Neutral, Icon::Link),
            "conflict" => (Tone::Warn, Icon::Link),
            _ => (Tone::Bad, Icon::Link),
        },
        What::Event(it) => match it.kind.as_str() {
            "subscription.expired" | "subscription.overdue" | "subscription.conflict" | "metering.at_risk" => {
                (Tone::Warn, Icon::Alert)
            }
            "metering.rejected" | "metering.missed" | "binding.refused" | "binding.timed_out" => {
                (Tone::Bad, Icon::Alert)
            }
            "binding.live" | "subscription.activated" | "subscription.renewed" | "order.paid" => {
                (Tone::Ok, Icon::Check)
            }
            _ => (Tone::Neutral, Icon::Bill),
        },
        What::Act(it) => match it.action.as_str() {
            "organization.frozen" => (Tone::Warn, Icon::Frozen),
            _ => (Tone::Neutral, Icon::People),
        },
        What::Usage(records) => {
            use crate::domain::usage::State as S;
            let has = |states: &[S]| records.iter().any(|(_, record)| states.contains(&record.state));
            let tone = if has(&[S::Rejected, S::Missed]) {
                Tone::Bad
            } else if has(&[S::Unknown]) {
                Tone::Warn
            } else if records.iter().all(|(_, record)| record.state == S::Accepted) {
                Tone::Ok
            } else {
                Tone::Neutral
            };
            (tone, Icon::Meter)
        }
    }
}

fn call(frame: &Frame, what: &Call) -> Markup {
    let Call { id, action, verdict, code, status, took_ms, params, is_erased, reply } = what;
    let w = &frame.words().story;
    html! {
        h3 { (w.call(action)) " " code { (action) } " " span.fine { a href={ "/operator/calls/" (id) } { "#" (id) } } }
        p.mut {
            (w.verdict(verdict)) " · " (status) " · " ((w.answered_in)(took_ms))
            @if let Some(code) = code { " · " code { (code) } }
        }
        details {
            summary.fine { (w.request_and_answer) }
            pre { (params) "\n\n" (status) " " (reply) }
            @if *is_erased { p.fine { (frame.words().work.erased) } }
        }
    }
}

fn event(frame: &Frame, what: &Event) -> Markup {
    let Event { kind, sequence, data, by, reason, ways } = what;
    let w = &frame.words().story;
    html! {
        h3 { (w.happened(kind)) " " code { (kind) } @if let Some(number) = sequence { " " span.fine { "#" (number) } } }
        @if let Some(by) = by {
            p.mut { (actor(frame, by)) @if let Some(reason) = reason { " · " (reason) } }
        }
        @for way in ways {
            p.fine {
                a href={ "/operator/deliveries/" (way.delivery_id) } { (w.delivery(&way.state)) }
                " · " ((w.attempts)(u64::from(way.attempts)))
                @if let Some(status) = way.status { " · " (status) }
                @if let Some(error) = &way.error { " · " (error) }
                " · " (way.url)
            }
        }
        details { summary.fine { (w.content) } pre { (data) } }
    }
}

fn act(frame: &Frame, what: &Act) -> Markup {
    let Act { action, by, reason, before, after } = what;
    let w = &frame.words().story;
    html! {
        h3 { (w.happened(action)) " " code { (action) } }
        p.mut {
            (actor(frame, by))
            @if before.is_some() || after.is_some() {
                " · " code { (before.as_deref().unwrap_or("–")) } " → " code { (after.as_deref().unwrap_or("–")) }
            }
        }
        @if let Some(reason) = reason { p.mut { (reason) } }
    }
}

fn used(frame: &Frame, records: &[(i64, Record)]) -> Markup {
    let words = frame.words();
    let w = &words.story;
    let Some((_, first)) = records.first() else { return nothing() };
    html! {
        h3 { (w.usage_of) " " (window(frame, first.measure.cycle, first.from, first.until)) }
        ul.list {
            @for (id, record) in records {
                li {
                    (record.measure.name) " "
                    span.num { (grouped(u128::from(record.quantity.unsigned_abs()))) } " " (record.measure.pushed_unit(words))
                    " " (usage::state(frame, record.state))
                    @if let Some(code) = &record.code { " " code { (code) } }
                    " " a.fine href={ "/operator/metering/" (id) } { "#" (id) }
                }
            }
        }
    }
}
