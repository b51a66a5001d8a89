//! The operators' overview: what needs a person first, then how much of what there is.

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use super::{Area, operators};
use crate::domain::subscription::State;
use crate::domain::value::Instant;
use crate::view::figures::grouped;
use crate::view::frame::Frame;
use crate::view::icon::Icon;
use crate::view::parts::{Column, Tone, card, list, note, nothing, table};
use crate::view::when::Detail;
use crate::view::words::Text;

/// What needs an operator's eye.
#[derive(Debug, Clone)]
pub struct Alarm {
    pub kind: String,
    pub subject: String,
    pub detail: String,
    pub times: u64,
    pub raised_at: Instant,
    pub last_at: Instant,
    pub leads: Leads,
}

/// Where an alarm's subject can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    Nowhere,
    Subscription,
    Metering,
    Jobs,
    /// The messages of the webhook that the subject names.
    Deliveries,
}

impl Leads {
    /// By the kind of alarm, and whether its subject names a subscription.
    #[must_use]
    pub fn of(kind: &str, is_subscription: bool) -> Self {
        match kind {
            _ if is_subscription => Self::Subscription,
            _ if kind.starts_with("metering_") => Self::Metering,
            "dead_job" => Self::Jobs,
            "webhook_disabled" | "dead_delivery" => Self::Deliveries,
            _ => Self::Nowhere,
        }
    }
}

/// Checks with the marketplace, of one seller.
#[derive(Debug, Clone)]
pub struct Round {
    pub seller: String,
    pub ran: Option<Instant>,
    pub next: Instant,
}

/// How everything is.
#[derive(Debug, Clone)]
pub struct Overview {
    pub alarms: Vec<Alarm>,
    /// There may be more of them.
    pub is_cut: bool,
    pub subscriptions: Vec<(State, u64)>,
    pub in_question: u64,
    /// Counting ended here.
    pub counts_end: u64,
    pub at_risk: u64,
    pub unknown: u64,
    pub lost: u64,
    pub stopped: Vec<String>,
    pub waiting_deliveries: u64,
    pub dead_deliveries: u64,
    pub unwell_webhooks: u64,
    pub dead_jobs: u64,
    pub rounds: Vec<Round>,
    pub started_at: Instant,
}

#[must_use]
pub fn health(frame: &Frame, page: &Overview) -> Markup {
    let w = &frame.words().health;
    let content = html! {
        h1 { (frame.words().operator.health) }
        @if page.alarms.is_empty() {
            (note(Tone::Ok, Icon::Check, w.all_well))
        } @else {
            (alarms(frame, page))
        }
        div.grid {
            (subscriptions(frame, page))
            (metering(frame, page))
            (background(frame, page))
            (checks(frame, page))
        }
        p.fine { (w.started) " " (frame.time(page.started_at, Detail::Minute)) }
    };
    operators(frame, Area::Health, frame.words().operator.health, &content)
}

fn alarms(frame: &Frame, page: &Overview) -> Markup {
    let w = &frame.words().health;
    let columns = [Column::text(w.alarm), Column::text(w.subject), Column::text(w.what_to_do), Column::text(w.since)];
    let rows = html! {
        @for one in &page.alarms {
            @let said = frame.words().alarms.kind(&one.kind);
            tr {
                td data-l=(w.alarm) { strong { (said.title) } " " code { (one.kind) } }
                td data-l=(w.subject) { (subject(one)) }
                td data-l=(w.what_to_do) {
                    (said.what)
                    @if !one.detail.is_empty() {
                        details { summary.fine { (frame.words().shared.details) } pre { (one.detail) } }
                    }
                }
                td data-l=(w.since) {
                    span.nw { (frame.time(one.raised_at, Detail::Minute)) }
                    @if one.times > 1 {
                        div.fine { ((w.times)(one.times)) }
                        div.fine.nw { (w.last) " " (frame.time(one.last_at, Detail::Minute)) }
                    }
                }
            }
        }
    };
    let content = html! {
        (table(w.alarms, &columns, &rows))
        @if page.is_cut { footer { span.fine { ((w.more_alarms)(page.alarms.len() as u64)) } } }
    };
    card("alarms", w.alarms, &html! { span.fine { (page.alarms.len()) @if page.is_cut { "+" } } }, &content)
}

fn subject(one: &Alarm) -> Markup {
    let href = match one.leads {
        Leads::Nowhere => None,
        Leads::Subscription => Some(format!("/operator/subscriptions/{}", one.subject)),
        Leads::Metering => Some(Area::Metering.href().to_owned()),
        Leads::Jobs => Some(Area::Jobs.href().to_owned()),
        Leads::Deliveries => Some(format!("{}?webhook={}", Area::Deliveries.href(), one.subject)),
    };
    html! {
        @match href {
            Some(href) => a href=(href) { (one.subject) },
            None => (one.subject),
        }
    }
}

/// A number that is more if counting ended at it.
fn count(number: u64, end: u64) -> Markup {
    html! { span.num { (grouped(u128::from(number))) @if number >= end { "+" } } }
}

/// One that should be nothing stands out when it is not.
fn wanted_none(number: u64, end: u64) -> Markup {
    html! { @if number == 0 { span.num { "0" } } @else { strong.warn.tone { (count(number, end)) } } }
}

fn subscriptions(frame: &Frame, page: &Overview) -> Markup {
    let words = frame.words();
    let w = &words.health;
    let mut facts: Vec<(Text, Markup)> = page
        .subscriptions
        .iter()
        .map(|(state, number)| (words.shared.state(*state), count(*number, page.counts_end)))
        .collect();
    facts.push((w.in_question, wanted_none(page.in_question, page.counts_end)));
    let content = html! {
        div { (list(&facts)) }
        footer { span.fine { ((w.counts_end)(&grouped(u128::from(page.counts_end)))) } a.link href=(Area::Subscriptions.href()) { (words.story.subscriptions) } }
    };
    card("subscriptions", words.story.subscriptions, &nothing(), &content)
}

fn metering(frame: &Frame, page: &Overview) -> Markup {
    let w = &frame.words().health;
    let o = &frame.words().operator;
    let end = page.counts_end;
    let mut facts = vec![
        (w.at_risk, wanted_none(page.at_risk, end)),
        (w.unknown, wanted_none(page.unknown, end)),
        (w.lost, wanted_none(page.lost, end)),
    ];
    if !page.stopped.is_empty() {
        facts.push((w.stopped, html! { strong.warn.tone { (page.stopped.join(", ")) } }));
    }
    let content = html! {
        div { (list(&facts)) }
        footer { span {} a.link href=(Area::Metering.href()) { (o.metering) } }
    };
    card("metering", o.metering, &nothing(), &content)
}

fn background(frame: &Frame, page: &Overview) -> Markup {
    let w = &frame.words().health;
    let end = page.counts_end;
    let facts = [
        (w.waiting_deliveries, count(page.waiting_deliveries, end)),
        (w.dead_deliveries, wanted_none(page.dead_deliveries, end)),
        (w.failing_webhooks, wanted_none(page.unwell_webhooks, end)),
        (w.dead_jobs, wanted_none(page.dead_jobs, end)),
    ];
    card(
        "background",
        w.background,
        &nothing(),
        &html! {
            div { (list(&facts)) }
            footer {
                a.link href=(Area::Deliveries.href()) { (frame.words().work.deliveries) }
                a.link href=(Area::Jobs.href()) { (frame.words().work.jobs) }
            }
        },
    )
}

fn checks(frame: &Frame, page: &Overview) -> Markup {
    let w = &frame.words().health;
    let several = page.rounds.len() > 1;
    let content = html! {
        div {
            @if page.rounds.is_empty() { p.mut { (w.no_checks) } }
            @for round in &page.rounds {
                @if several { h3 { (round.seller) } }
                (list(&[
                    (w.last_check, html! { @match round.ran { Some(at) => (frame.time(at, Detail::Minute)), None => (w.never) } }),
                    (w.next_check, frame.time(round.next, Detail::Minute)),
                ]))
            }
        }
    };
    card("checks", w.checks, &nothing(), &content)
}
