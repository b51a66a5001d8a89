//! Usage as the people of an organization see it: the month's card of 「帐单概览」, hour by hour, as a table to download.

use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::csv::Table;
use super::organization::of;
use super::visit::{Page, Visit};
use crate::app::App;
use crate::clock::Instant;
use crate::config::Item;
use crate::domain::usage::State;
use crate::domain::value::Lang;
use crate::error::Result;
use crate::market::metering::{Price, unit_of};
use crate::market::time;
use crate::usecase;
use crate::usecase::organization::Seen;
use crate::usecase::statement::{self as using, Amounts, Charged, Line, Statement};
use crate::view::figures::Measure;
use crate::view::usage as pages;

/// Records of one page.
const PAGE: u32 = 50;
/// The columns of the download.
const HEADING: [&str; 12] = [
    "from",
    "until",
    "item",
    "name",
    "quantity",
    "unit",
    "carried_in",
    "part",
    "state",
    "code",
    "subscription",
    "carried_to",
];

/// What of the ledger is asked for; what is empty is not asked about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `2026-11`; anything else is the present month.
    pub month: String,
    /// `2026-11-22`, of that month.
    pub day: String,
    pub item: String,
    pub after: String,
}

impl Asked {
    /// First instant of the month that is asked for, and first instant after it.
    pub fn month(&self, now: Instant) -> (Instant, Instant) {
        let asked = time::parse(&format!("{}-01 00:00:00", self.month)).filter(|from| *from <= now);
        let from = time::month_start(asked.unwrap_or(now));
        (from, time::next_month(from))
    }

    /// The day that is asked for, if it is one of the month.
    fn day(&self, month: (Instant, Instant)) -> Option<(Instant, Instant)> {
        let from = time::parse(&format!("{} 00:00:00", self.day))?;
        (month.0 <= from && from < month.1).then(|| (from, time::next_day(from)))
    }
}

/// `2026-11`
pub(super) fn month_text(at: Instant) -> String {
    time::text(at).chars().take(7).collect()
}

/// `2026-11-22`
fn day_text(at: Instant) -> String {
    time::text(at).chars().take(10).collect()
}

/// The item as it is configured: with the product that it was charged to, or with any that has it.
fn item<'a>(app: &'a App, charged: Option<&Charged>, key: &str) -> Option<&'a Item> {
    match charged {
        Some(charged) => app.config.product(&charged.seller_id, &charged.product_code)?.item(key),
        None => app.config.sellers.iter().flat_map(|seller| &seller.products).find_map(|product| product.item(key)),
    }
}

/// What a billed unit of an item costs, if the settings say so.
pub(super) fn price(app: &App, charged: &Charged, key: &str) -> Option<Price> {
    item(app, Some(charged), key).and_then(|item| Price::parse(&item.price))
}

/// An item's name; its key if it is not configured any more.
fn name(app: &App, lang: Lang, charged: Option<&Charged>, key: &str) -> String {
    item(app, charged, key).map_or(key, |item| item.name_in(lang)).to_owned()
}

fn measure(visit: &Visit, line: &Line) -> Measure {
    Measure {
        key: line.item.clone(),
        name: name(&visit.app, visit.lang, line.charged.as_ref(), &line.item),
        unit: unit(&visit.app, line.charged.as_ref(), &line.item),
        pushed_per_billed: unit_of(&line.item).map_or(1, |unit| unit.pushed_per_billed),
        is_gauge: line.aggregate.is_gauge(),
        cycle: line.cycle,
    }
}

fn unit(app: &App, charged: Option<&Charged>, key: &str) -> String {
    item(app, charged, key).map(|item| item.unit.clone()).unwrap_or_default()
}

fn amounts(of: Amounts) -> pages::Amounts {
    pages::Amounts {
        used: of.used(),
        accepted: of.accepted,
        waiting: of.waiting,
        doubtful: of.doubtful,
        unbilled: of.unbilled,
    }
}

fn described(visit: &Visit, item: using::Item) -> pages::Item {
    let charged = item.charged.as_ref();
    pages::Item {
        measure: Measure {
            name: name(&visit.app, visit.lang, charged, &item.key),
            unit: unit(&visit.app, charged, &item.key),
            pushed_per_billed: unit_of(&item.key).map_or(1, |unit| unit.pushed_per_billed),
            is_gauge: item.is_gauge,
            cycle: item.cycle,
            key: item.key,
        },
        amounts: amounts(item.amounts),
        unbilled: item.unbilled.into_iter().map(|((state, code), quantity)| (state, code, quantity)).collect(),
        cost_fen: item.cost_fen,
        days: item.days.into_iter().map(amounts).collect(),
    }
}

/// The card of 「帐单概览」.
pub(super) fn overview(visit: &Visit, seen: &Seen, statement: Statement, asked: &Asked) -> pages::Overview {
    let id = &seen.organization.id;
    let link = |at| pages::Month { at, href: format!("/orgs/{id}/billing?month={}", month_text(at)) };
    let page = statement_page(visit, statement, seen.organization.created_at, link);
    pages::Overview { drawn: asked.item.clone(), ..page }
}

/// A statement as pages show it. The present month and the one before it can be chosen, and whichever is shown.
pub(super) fn statement_page(
    visit: &Visit,
    statement: Statement,
    since: Instant,
    link: impl Fn(Instant) -> pages::Month,
) -> pages::Overview {
    let this = time::month_start(visit.now);
    let last = time::month_start(this.plus_ms(-1));
    let mut months = vec![last, this];
    if statement.from < last {
        months.insert(0, statement.from);
    }
    months.retain(|month| time::next_month(*month) > since || *month == statement.from);
    pages::Overview {
        month: statement.from,
        months: months.into_iter().map(link).collect(),
        items: statement.items.into_iter().map(|item| described(visit, item)).collect(),
        drawn: String::new(),
        at: visit.now,
    }
}

/// 「用量」
pub async fn show(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Page {
    let (actor, wanted) = (visit.signed_in()?.actor(), id.clone());
    let month = asked.month(visit.now);
    let day = asked.day(month);
    let (from, until) = day.unwrap_or(month);
    let item = Some(asked.item.clone()).filter(|item| !item.is_empty());
    let question = using::Asked { from, until, item, after: asked.after.clone() };
    let (seen, lines, next) =
        visit.app.store.read(move |db| using::lines(db, &actor, &wanted, &question, PAGE)).await?;
    let home = format!("/orgs/{}/usage", seen.organization.id);
    let same = || {
        let mut query = form_urlencoded::Serializer::new(format!("{home}?"));
        query.append_pair("month", &month_text(month.0));
        for (name, value) in
            [("day", day.map(|(from, _)| day_text(from)).unwrap_or_default()), ("item", asked.item.clone())]
        {
            if !value.is_empty() {
                query.append_pair(name, &value);
            }
        }
        query
    };
    let turn = |at: Instant| pages::Month { at, href: format!("{home}?month={}", month_text(at)) };
    let earlier = time::month_start(month.0.plus_ms(-1));
    let page = pages::Records {
        organization: of(&visit, &seen),
        month: month.0,
        earlier: (month.0 > seen.organization.created_at).then(|| turn(earlier)),
        later: (month.1 <= visit.now).then(|| turn(month.1)),
        day: day.map(|(from, _)| day_text(from)).unwrap_or_default(),
        days: (day_text(month.0), day_text(month.1.plus_ms(-1))),
        item: asked.item.clone(),
        items: items(&visit, &asked.item),
        records: lines.iter().map(|line| record(&visit, line)).collect(),
        next_href: next.map(|after| same().append_pair("after", &after).finish()),
        first_href: (!asked.after.is_empty()).then(|| same().finish()),
    };
    Ok(visit.html(|frame| pages::records(frame, &page)))
}

/// Every item that is sold, and the one that is asked for.
fn items(visit: &Visit, asked: &str) -> Vec<(String, String)> {
    let mut items: Vec<(String, String)> = Vec::new();
    for item in visit.app.config.sellers.iter().flat_map(|seller| &seller.products).flat_map(|product| &product.items) {
        if items.iter().all(|(key, _)| *key != item.key) {
            items.push((item.key.clone(), item.name_in(visit.lang).to_owned()));
        }
    }
    if !asked.is_empty() && items.iter().all(|(key, _)| key != asked) {
        items.push((asked.to_owned(), asked.to_owned()));
    }
    items
}

pub(super) fn record(visit: &Visit, line: &Line) -> pages::Record {
    pages::Record {
        measure: measure(visit, line),
        from: line.from,
        until: line.until,
        is_late: line.is_late,
        quantity: line.quantity,
        carried_in: line.carried_in,
        state: line.state,
        code: line.code.clone(),
        carried_to: line.carried_to,
    }
}

/// The month as a table. Its columns and words are stable: other programs read it.
pub async fn download(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Page {
    let (actor, wanted, month) = (visit.signed_in()?.actor(), id.clone(), asked.month(visit.now));
    let lines = visit.app.store.read(move |db| using::all_lines(db, &actor, &wanted, month)).await?;
    let table = table(&lines, |line| measure(&visit, line).name)?;
    // The id has been found, so it is one of ours: letters, digits and underscores.
    Ok(table.answer(&format!("usage-{id}-{}.csv", month_text(month.0)))?)
}

/// Times are China's.
fn table(lines: &[Line], name: impl Fn(&Line) -> String) -> Result<Table> {
    let mut table = Table::new(&HEADING)?;
    for line in lines {
        let charged = line.charged.as_ref();
        let subscription = charged.map(|it| usecase::subscription_name(&it.seller_id, &it.instance_id));
        table.add([
            time::text(line.from),
            time::text(line.until),
            line.item.clone(),
            name(line),
            line.quantity.to_string(),
            unit_of(&line.item).map(|unit| unit.pushed).unwrap_or_default().to_owned(),
            line.carried_in.to_string(),
            if line.is_late { "late" } else { "regular" }.to_owned(),
            line.state.as_str().to_owned(),
            line.code.clone().unwrap_or_default(),
            subscription.unwrap_or_default(),
            line.carried_to.filter(|_| line.state == State::Carried).map(time::text).unwrap_or_default(),
        ])?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::usage::{Aggregate, Cycle};

    fn asked(month: &str, day: &str) -> Asked {
        Asked { month: month.into(), day: day.into(), ..Asked::default() }
    }

    fn at(text: &str) -> Instant {
        time::parse(text).unwrap()
    }

    #[test]
    fn a_month_is_read_and_anything_else_is_the_present_one() {
        let now = at("2026-11-22 15:40:32");
        assert_eq!(asked("2025-02", "").month(now), (at("2025-02-01 00:00:00"), at("2025-03-01 00:00:00")));
        for other in ["", "2026-11", "2026-12", "2026-13", "2026", "x", "2026-11-01 00:00:00 --"] {
            assert_eq!(asked(other, "").month(now).0, at("2026-11-01 00:00:00"), "{other}");
        }
        let month = (at("2026-11-01 00:00:00"), at("2026-12-01 00:00:00"));
        assert_eq!(asked("", "2026-11-30").day(month), Some((at("2026-11-30 00:00:00"), month.1)));
        for other in ["", "2026-12-01", "2026-10-31", "2026-11-31", "today"] {
            assert_eq!(asked("", other).day(month), None, "{other}");
        }
    }

    #[test]
    fn a_table_is_quoted_and_holds_no_formula() {
        let line = Line {
            id: 1,
            organization_id: "org".into(),
            charged: Some(Charged { seller_id: "s".into(), product_code: "p".into(), instance_id: "1".into() }),
            item: "Period".into(),
            aggregate: Aggregate::Sum,
            cycle: Cycle::Hour,
            from: at("2026-11-22 15:00:00"),
            until: at("2026-11-22 16:00:00"),
            is_late: false,
            quantity: 90,
            carried_in: 0,
            state: State::Rejected,
            code: Some("=cmd|' /C calc'!A0".into()),
            due_by: at("2026-11-22 16:55:00"),
            settled_at: None,
            updated_at: at("2026-11-22 16:55:00"),
            carried_to: None,
            attempts: 1,
            note: None,
            request_ref: None,
        };
        let table = table(&[line], |_| "计算, \"时长\"".to_owned()).unwrap();
        let text = String::from_utf8(table.bytes().unwrap()).unwrap();
        let rows: Vec<&str> = text.split("\r\n").collect();
        assert!(rows[0].starts_with("\u{feff}from,until,item,"));
        assert_eq!(
            rows[1..],
            [
                "2026-11-22 15:00:00,2026-11-22 16:00:00,Period,\"计算, \"\"时长\"\"\",90,second,0,regular,rejected,'=cmd|' /C calc'!A0,s-1,",
                ""
            ]
        );
    }
}
