//! Usage in 「帐单概览」 (mockup 06), and the page that shows it hour by hour (product §7, rules C).

#[cfg(test)]
pub(super) mod samples;

use maud::{Markup, html};

use crate::domain::usage::{Cycle, State};
use crate::domain::value::Instant;

use super::chart::{self, Bar};
use super::console::{Of, Organization, organization};
use super::figures::{Measure, decimals, grouped, yuan};
use super::frame::Frame;
use super::icon::{Icon, icon};
use super::parts::{Column, Tone, badge, card, figures, fill, note, nothing, say, table};
use super::when::{Detail, Zone};

/// A month's usage, in the unit that is pushed.
#[derive(Debug, Clone)]
pub struct Overview {
    /// First instant of the month, and of the months that can be chosen.
    pub month: Instant,
    pub months: Vec<Month>,
    pub items: Vec<Item>,
    /// The item whose days are drawn; empty: the first.
    pub drawn: String,
    pub at: Instant,
}

/// A month to look at.
#[derive(Debug, Clone)]
pub struct Month {
    pub at: Instant,
    pub href: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    pub used: i64,
    pub accepted: i64,
    pub waiting: i64,
    pub doubtful: i64,
    pub unbilled: i64,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub measure: Measure,
    pub amounts: Amounts,
    /// Why something is not billed, and how much.
    pub unbilled: Vec<(State, Option<String>, i64)>,
    /// `None`: the price is not known.
    pub cost_fen: Option<u64>,
    pub days: Vec<Amounts>,
}

/// 「本月用量」
#[must_use]
pub fn overview(frame: &Frame, of: &Of, page: &Overview) -> Markup {
    // The marketplace's hours, days and months, wherever the organization is.
    let china = Zone::china();
    let frame = &Frame { zone: &china, ..*frame };
    let w = &frame.words().usage;
    let drawn = page.items.iter().find(|item| item.measure.key == page.drawn).or(page.items.first());
    html! {
        section.card aria-labelledby="usage" {
            header {
                h2 #usage { ((w.card)(&frame.tell(page.month, Detail::Month))) }
                (months(frame, page))
            }
            @if let Some(drawn) = drawn {
                div.snug { (draw(frame, of, page, drawn)) }
                (totals(frame, page))
                (explain(frame, page))
                footer {
                    span.fine { (fill(w.as_of, &[frame.time(page.at, Detail::Minute)])) }
                    a.link href={ "/orgs/" (of.id) "/usage" (month_query(frame, page.month)) } { (w.all_records) }
                }
            } @else {
                div { p.mut { (w.empty) } }
            }
        }
    }
}

pub(super) fn months(frame: &Frame, page: &Overview) -> Markup {
    html! {
        nav.seg aria-label=(frame.words().usage.months) {
            @for month in &page.months {
                a href=(month.href) aria-current=[(month.at == page.month).then_some("true")] {
                    (frame.tell(month.at, Detail::Month))
                }
            }
        }
    }
}

/// `?month=2026-11`
fn month_query(frame: &Frame, month: Instant) -> String {
    format!("?month={}", frame.zone.month(month))
}

/// The days of one item.
fn draw(frame: &Frame, of: &Of, page: &Overview, drawn: &Item) -> Markup {
    let words = frame.words();
    let (w, measure) = (&words.usage, &drawn.measure);
    let bars: Vec<Bar> = drawn
        .days
        .iter()
        .map(|day| Bar {
            accepted: measure.micro(day.accepted),
            waiting: measure.micro(day.waiting.saturating_add(day.doubtful)),
            unbilled: measure.micro(day.unbilled),
        })
        .collect();
    let month = frame.tell(page.month, Detail::Month);
    let unit = measure.billed_unit(words);
    let shown = |quantity| measure.billed(quantity, decimals([(measure, quantity)]));
    let highest = drawn.days.iter().enumerate().max_by_key(|(at, day)| (day.used, usize::MAX - at));
    let (day, most) = highest.map_or((1, 0), |(at, day)| (at + 1, day.used));
    let amounts = drawn.amounts;
    let desc = say(
        w.chart_desc,
        &[
            &bars.len().to_string(),
            &day.to_string(),
            &shown(most),
            &shown(amounts.used),
            &shown(amounts.accepted),
            &shown(amounts.waiting.saturating_add(amounts.doubtful)),
            &shown(amounts.unbilled),
        ],
    );
    let scale = w.scale(chart::thousands(&bars));
    let is_latin = unit.starts_with(|c: char| c.is_ascii());
    let space = if is_latin && !scale.is_empty() && !scale.ends_with(' ') { " " } else { "" };
    let scaled = format!("{scale}{space}{unit}");
    html! {
        @if page.items.len() > 1 {
            nav.seg aria-label=(w.items) {
                @for item in &page.items {
                    a href={ "/orgs/" (of.id) "/billing" (month_query(frame, page.month)) "&item=" (item.measure.key) }
                        aria-current=[(item.measure.key == measure.key).then_some("true")] { (item.measure.name) }
                }
            }
        }
        p.fine.row {
            span { (say(w.chart_label, &[&measure.name, &scaled])) }
            span { span.key {} (w.accepted) }
            span { span.key.k2 {} (w.key_waiting) }
            @if amounts.unbilled > 0 { span { span.key.k3 {} (w.unbilled) } }
        }
        (chart::days(&say(w.chart_title, &[&month, &measure.name, &unit]), &desc, &bars))
    }
}

/// Each item's month, in the unit of its price.
pub(super) fn totals(frame: &Frame, page: &Overview) -> Markup {
    let words = frame.words();
    let w = &words.usage;
    let has_doubt = page.items.iter().any(|item| item.amounts.doubtful > 0);
    let has_unbilled = page.items.iter().any(|item| item.amounts.unbilled > 0);
    let mut columns = vec![
        Column::text(w.item),
        Column::text(w.unit),
        Column::figure(w.used),
        Column::figure(w.accepted),
        Column::figure(w.waiting),
    ];
    if has_doubt {
        columns.push(Column::figure(w.doubtful));
    }
    if has_unbilled {
        columns.push(Column::figure(w.unbilled));
    }
    columns.push(Column::figure(w.estimate));
    let quantities = page.items.iter().flat_map(|item| {
        let it = item.amounts;
        [it.used, it.accepted, it.waiting, it.doubtful, it.unbilled].map(|quantity| (&item.measure, quantity))
    });
    let decimals = decimals(quantities);
    let known = page.items.iter().filter_map(|item| item.cost_fen).fold(0, u64::saturating_add);
    let is_known = page.items.iter().all(|item| item.cost_fen.is_some() || item.amounts.used == item.amounts.unbilled);
    let rows = html! {
        @for item in &page.items {
            @let cell = |label, quantity| html! { td.r data-l=(label) { (item.measure.billed(quantity, decimals)) } };
            tr {
                th scope="row" { (item.measure.name) }
                td.nw data-l=(w.unit) { (item.measure.billed_unit(words)) }
                (cell(w.used, item.amounts.used))
                (cell(w.accepted, item.amounts.accepted))
                (cell(w.waiting, item.amounts.waiting))
                @if has_doubt { (cell(w.doubtful, item.amounts.doubtful)) }
                @if has_unbilled { (cell(w.unbilled, item.amounts.unbilled)) }
                td.r data-l=(w.estimate) { @match item.cost_fen { Some(fen) => (yuan(fen)), None => "–" } }
            }
        }
    };
    let caption = (w.card)(&frame.tell(page.month, Detail::Month));
    // Outside the table: it is what people look for.
    html! {
        (figures(w.scrolls, &caption, &columns, &rows))
        div { p.row.between {
            (w.estimate_total)
            @if is_known { strong.num { (yuan(known)) } } @else { span.mut { (w.no_price) } }
        } }
    }
}

/// Why some of it is not billed, why some is in doubt, and how amounts and dates come about.
pub(super) fn explain(frame: &Frame, page: &Overview) -> Markup {
    let words = frame.words();
    let w = &words.usage;
    let amount = |item: &Item, quantity: i64| {
        let text = item.measure.billed(quantity, decimals([(&item.measure, quantity)]));
        html! { span.nw.num { (text) " " (item.measure.billed_unit(words)) } }
    };
    let has_unbilled = page.items.iter().any(|item| !item.unbilled.is_empty());
    let doubtful: Vec<_> = page.items.iter().filter(|item| item.amounts.doubtful > 0).collect();
    html! {
        div.snug.fs {
            @if !doubtful.is_empty() {
                (note(Tone::Warn, Icon::Alert, fill(w.doubt_note, &[html! {
                    @for (at, item) in doubtful.iter().enumerate() {
                        @if at > 0 { (words.shared.and) }
                        (item.measure.name) " " (amount(item, item.amounts.doubtful))
                    }
                }])))
            }
            @if has_unbilled {
                div {
                    h3 { (w.not_billed_lead) }
                    ul.bul {
                        @for item in &page.items {
                            @for (state, code, quantity) in &item.unbilled {
                                li { (fill(w.unbilled_line, &[
                                    html! { (item.measure.name) },
                                    amount(item, *quantity),
                                    html! { (w.why(*state, code.as_deref())) },
                                ])) }
                            }
                        }
                    }
                }
            }
            details {
                summary.mut { (w.why_estimate) }
                div.snug.mut { p { (w.why_cut) } p { (w.why_dates) } }
            }
        }
    }
}

/// Usage hour by hour.
#[derive(Debug, Clone)]
pub struct Records {
    pub organization: Of,
    pub month: Instant,
    /// The months before and after, as links.
    pub earlier: Option<Month>,
    pub later: Option<Month>,
    /// The only day that is shown, as `2026-11-22`; empty: all of the month.
    pub day: String,
    /// First and last day that can be chosen.
    pub days: (String, String),
    /// The only item that is shown; empty: all.
    pub item: String,
    /// Keys and names to choose from.
    pub items: Vec<(String, String)>,
    pub records: Vec<Record>,
    pub next_href: Option<String>,
    /// This is not the first page; that is here.
    pub first_href: Option<String>,
}

/// One record as people read it.
#[derive(Debug, Clone)]
pub struct Record {
    pub measure: Measure,
    pub from: Instant,
    pub until: Instant,
    pub is_late: bool,
    pub quantity: i64,
    pub carried_in: i64,
    pub state: State,
    pub code: Option<String>,
    pub carried_to: Option<Instant>,
}

#[must_use]
pub fn records(frame: &Frame, page: &Records) -> Markup {
    // The marketplace's hours, days and months, wherever the organization is.
    let china = Zone::china();
    let frame = &Frame { zone: &china, ..*frame };
    let words = frame.words();
    let w = &words.usage;
    let home = format!("/orgs/{}/usage", page.organization.id);
    let month = month_query(frame, page.month);
    let is_filtered = !page.day.is_empty() || !page.item.is_empty();
    let columns = [
        Column::text(w.window),
        Column::text(w.item),
        Column::figure(w.quantity),
        Column::text(w.unit),
        Column::text(w.state),
        Column::text(w.explanation),
    ];
    let rows = html! {
        @for it in &page.records {
            tr {
                th.nw scope="row" { (window(frame, it.measure.cycle, it.from, it.until)) }
                td.nw data-l=(w.item) { (it.measure.name) }
                td.r data-l=(w.quantity) { (grouped(u128::from(it.quantity.unsigned_abs()))) }
                td.nw data-l=(w.unit) { (it.measure.pushed_unit(words)) }
                td.nw data-l=(w.state) { (state(frame, it.state)) @if it.is_late { " " (badge(Tone::Neutral, None, w.late)) } }
                td.fs data-l=(w.explanation) { (why(frame, it)) }
            }
        }
    };
    let turn =
        |to: &Month, label: &str| html! { a.link href=(to.href) { (label) " " (frame.tell(to.at, Detail::Month)) } };
    let content = html! {
        div.row.between {
            h1 { (w.title) }
            a.btn.sm href={ "/orgs/" (page.organization.id) "/usage.csv" (month) } download { (icon(Icon::Down)) " " (w.download) }
        }
        p.mut { (w.lead) }
        form.inline method="get" action=(home) {
            input type="hidden" name="month" value=(frame.zone.month(page.month));
            div.field {
                label for="day" { (w.day) }
                input.in-t id="day" name="day" type="date" value=(page.day) min=(page.days.0) max=(page.days.1);
            }
            div.field {
                label for="item" { (w.item) }
                select id="item" name="item" {
                    option value="" selected[page.item.is_empty()] { (w.all_items) }
                    @for (key, name) in &page.items { option value=(key) selected[*key == page.item] { (name) } }
                }
            }
            button.btn { (w.show) }
            @if is_filtered { a.link href={ (home) (month) } { (w.all_of_month) } }
        }
        (card("records", &(w.card)(&frame.tell(page.month, Detail::Month)), &html! {
            p.row {
                @if let Some(to) = &page.earlier { (turn(to, w.earlier_month)) }
                @if let Some(to) = &page.later { (turn(to, w.later_month)) }
            }
        }, &html! {
            @if page.records.is_empty() {
                div { p.mut { (if is_filtered { w.none } else { w.empty }) } }
            } @else {
                (table(w.records, &columns, &rows))
            }
            @if page.next_href.is_some() || page.first_href.is_some() {
                footer {
                    span { @if let Some(href) = &page.first_href { a.link href=(href) { (w.first_page) } } }
                    span { @if let Some(href) = &page.next_href { a.link href=(href) { (w.next_page) } } }
                }
            }
        }))
    };
    organization(frame, &page.organization, Organization::Usage, w.title, &content)
}

/// `2026-11-22 15:00 – 16:00`; of a day, the day.
pub(super) fn window(frame: &Frame, cycle: Cycle, from: Instant, until: Instant) -> Markup {
    html! {
        (frame.time(from, Detail::Day))
        @if cycle == Cycle::Hour { " " (frame.time(from, Detail::Hour)) " – " (frame.time(until, Detail::Hour)) }
    }
}

const fn tone(state: State) -> (Tone, Option<Icon>) {
    match state {
        State::Open | State::Sealed | State::Sending => (Tone::Info, Some(Icon::Clock)),
        State::Accepted => (Tone::Ok, Some(Icon::Check)),
        State::Unknown | State::Missed => (Tone::Warn, Some(Icon::Alert)),
        State::Rejected => (Tone::Bad, Some(Icon::Alert)),
        State::Carried | State::Waived | State::Unbillable => (Tone::Neutral, None),
    }
}

/// A record's state as a badge.
pub(super) fn state(frame: &Frame, state: State) -> Markup {
    let (tone, picture) = tone(state);
    badge(tone, picture, frame.words().usage.state(state))
}

fn why(frame: &Frame, it: &Record) -> Markup {
    let w = &frame.words().usage;
    let carried_to = it.carried_to.map_or_else(nothing, |at| {
        html! { (frame.time(at, Detail::Day)) " " (frame.time(at, Detail::Hour)) }
    });
    html! {
        (fill(w.why(it.state, it.code.as_deref()), &[carried_to]))
        @if it.state == State::Rejected && let Some(code) = it.code.as_ref().filter(|code| *code != "closed") { " " code { (code) } }
        @if it.carried_in > 0 {
            p.fine { (say(w.carried_in, &[&grouped(u128::from(it.carried_in.unsigned_abs()))])) }
        }
    }
}
