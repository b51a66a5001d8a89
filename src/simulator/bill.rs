//! Bills, computed from what was metered; nothing is stored that could disagree with it.
//!
//! A bill is one item's usage of one clock hour (or one day, China time): everything taken for it is added, converted
//! into the billed unit, priced, and cut to whole fen (specification 5.3). The statement of a month lists the bills of
//! that month's usage. An hour is billed after the next one, so a month's last hours are billed in the month after it,
//! and that is where its invoice has them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::catalogue::{Catalogue, Item, Product};
use super::store::{Instance, Metered};
use crate::clock::Instant;
use crate::market::metering::{self, Price};
use crate::market::time;

/// What an instance owes for the usage of a month of China time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub instance_id: String,
    pub account: String,
    pub product: String,
    /// First instant of the month.
    pub month: Instant,
    /// In the order of the product's listing.
    pub lines: Vec<Line>,
    /// Of the bills that are made.
    pub amount_fen: i64,
    /// Part of it that is billed, and invoiced, in the month after.
    pub next_invoice_fen: i64,
    /// When the last of its bills is made; from then on it is final.
    pub final_at: Instant,
    pub bills: Vec<Bill>,
    /// Accepted, and never billed.
    pub unbilled: Vec<Metered>,
}

/// One billing item of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub item: String,
    /// In the unit in which it was pushed.
    pub quantity: i64,
    pub amount_fen: i64,
    /// Accepted, but its bill is not made yet.
    pub pending: i64,
}

/// One bill: an item's usage of an hour or a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    pub item: String,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub quantity: i64,
    pub amount_fen: i64,
    pub made_at: Instant,
    /// False: it will be made then.
    pub is_made: bool,
}

/// The statements of an instance, newest month first. `metered` is all that was taken for it.
#[must_use]
pub fn statements(catalogue: &Catalogue, instance: &Instance, metered: &[Metered], now: Instant) -> Vec<Statement> {
    let Some(product) = catalogue.product(&instance.product) else { return Vec::new() };
    let mut months: BTreeMap<Instant, Statement> = BTreeMap::new();
    // Bills by month, item and start; an item's place in the listing decides the order.
    let mut totals: BTreeMap<(usize, Instant), i64> = BTreeMap::new();
    for record in metered {
        let Some((place, item)) = product.items.iter().enumerate().find(|(_, item)| item.key == record.item) else {
            continue;
        };
        let month = time::month_start(record.starts_at);
        let statement = months.entry(month).or_insert_with(|| empty(instance, product, month));
        if record.unbilled.is_some() {
            statement.unbilled.push(record.clone());
        } else {
            let total = totals.entry((place, item.cycle.start(record.starts_at))).or_default();
            *total = total.saturating_add(record.quantity);
        }
    }
    for ((place, starts_at), quantity) in totals {
        let Some(statement) = months.get_mut(&time::month_start(starts_at)) else { continue };
        statement.add(bill(&product.items[place], starts_at, quantity, now));
    }
    months.into_values().rev().collect()
}

fn empty(instance: &Instance, product: &Product, month: Instant) -> Statement {
    let last = time::next_month(month).plus_ms(-1);
    Statement {
        instance_id: instance.id.clone(),
        account: instance.account.clone(),
        product: instance.product.clone(),
        month,
        lines: Vec::new(),
        amount_fen: 0,
        next_invoice_fen: 0,
        final_at: product.items.iter().map(|item| item.cycle.billed_at(last)).max().unwrap_or(last),
        bills: Vec::new(),
        unbilled: Vec::new(),
    }
}

impl Statement {
    fn add(&mut self, bill: Bill) {
        let at = self.lines.iter().position(|line| line.item == bill.item).unwrap_or_else(|| {
            self.lines.push(Line { item: bill.item.clone(), quantity: 0, amount_fen: 0, pending: 0 });
            self.lines.len() - 1
        });
        let line = &mut self.lines[at];
        if bill.is_made {
            line.quantity = line.quantity.saturating_add(bill.quantity);
            line.amount_fen = line.amount_fen.saturating_add(bill.amount_fen);
            self.amount_fen = self.amount_fen.saturating_add(bill.amount_fen);
            if time::month_start(bill.made_at) != self.month {
                self.next_invoice_fen = self.next_invoice_fen.saturating_add(bill.amount_fen);
            }
        } else {
            line.pending = line.pending.saturating_add(bill.quantity);
        }
        self.bills.push(bill);
    }
}

fn bill(item: &Item, starts_at: Instant, quantity: i64, now: Instant) -> Bill {
    let made_at = item.cycle.billed_at(starts_at);
    Bill {
        item: item.key.clone(),
        starts_at,
        ends_at: item.cycle.end(starts_at),
        quantity,
        amount_fen: amount_fen(item, quantity),
        made_at,
        is_made: made_at <= now,
    }
}

/// What a quantity costs, in whole fen, cut and never rounded. A listing without a readable price costs nothing.
fn amount_fen(item: &Item, quantity: i64) -> i64 {
    let (Some(price), Ok(quantity)) = (Price::parse(&item.price), u64::try_from(quantity)) else { return 0 };
    let fen = metering::unit_of(&item.key).map_or(0, |unit| unit.amount_fen(quantity, price));
    i64::try_from(fen).unwrap_or(i64::MAX)
}

/// `1,234.56` for so many fen.
#[must_use]
pub fn yuan(fen: i64) -> String {
    let text = grouped(fen.unsigned_abs() / 100);
    format!("{}{text}.{:02}", if fen < 0 { "-" } else { "" }, fen.unsigned_abs() % 100)
}

/// `1,234,567`
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::catalogue::Cycle;
    use super::super::store::Unbilled;
    use super::*;
    use crate::domain::value::HOUR_MS;

    fn at(text: &str) -> Instant {
        time::parse(text).unwrap()
    }

    fn metered(item: &str, quantity: i64, starts: &str) -> Metered {
        let starts_at = at(starts);
        Metered {
            instance_id: "1".into(),
            item: item.into(),
            quantity,
            starts_at,
            ends_at: starts_at.plus_ms(HOUR_MS),
            received_at: starts_at.plus_ms(HOUR_MS),
            unbilled: None,
        }
    }

    fn told(catalogue: &Catalogue, metered: &[Metered], now: &str) -> Vec<Statement> {
        statements(catalogue, &super::super::tests::instance("1", catalogue), metered, at(now))
    }

    #[test]
    fn each_hour_is_a_bill_of_its_own_in_the_month_of_its_usage() {
        let catalogue = Catalogue::demo();
        let hours = ["2026-11-30 22:00:00", "2026-11-30 23:00:00", "2026-12-01 00:00:00", "2026-12-01 01:00:00"];
        let all: Vec<_> = hours.iter().map(|hour| metered("Period", 450, hour)).collect();
        let statements = told(&catalogue, &all, "2026-12-01 03:00:00");
        // 450 s at 0.12 CNY an hour are 1.5 fen: one fen an hour, two hours in each month.
        let months: Vec<_> =
            statements.iter().map(|s| (time::text(s.month), s.amount_fen, s.next_invoice_fen)).collect();
        assert_eq!(months, [("2026-12-01 00:00:00".into(), 2, 0), ("2026-11-01 00:00:00".into(), 2, 2)]);
        let line = Line { item: "Period".into(), quantity: 900, amount_fen: 2, pending: 0 };
        assert_eq!(statements[0].lines, [line]);
        assert_eq!(
            statements[1].final_at,
            at("2026-12-01 01:00:00"),
            "the hour before midnight is billed after the next"
        );
    }

    #[test]
    fn an_hour_is_billed_when_the_next_one_is_over_and_not_before() {
        let catalogue = Catalogue::demo();
        let usage = [metered("VirtualCpu", 4, "2026-11-30 08:00:00")];
        for (now, amount, pending) in [("2026-11-30 09:59:59", 0, 4), ("2026-11-30 10:00:00", 344, 0)] {
            let line = &told(&catalogue, &usage, now)[0].lines[0];
            assert_eq!((line.amount_fen, line.pending, line.quantity), (amount, pending, 4 - pending), "{now}");
        }
    }

    #[test]
    fn windows_of_an_hour_are_added_before_the_price_and_what_is_not_billed_costs_nothing() {
        let catalogue = Catalogue::demo();
        let mut all: Vec<_> = ["08:00:00", "08:10:00", "08:20:00", "09:00:00"]
            .iter()
            .map(|clock| metered("Period", 150, &format!("2026-11-30 {clock}")))
            .collect();
        all[3].unbilled = Some(Unbilled::Late);
        let statement = &told(&catalogue, &all, "2026-12-02 00:00:00")[0];
        assert_eq!((statement.amount_fen, statement.bills.len()), (1, 1), "three times half a fen, cut once");
        assert_eq!(statement.unbilled, [all[3].clone()]);
    }

    #[test]
    fn a_day_of_a_daily_item_is_one_bill_made_on_the_next_day() {
        let mut catalogue = Catalogue::demo();
        catalogue.products[0].items[2].cycle = Cycle::Day;
        let hours = ["2026-11-30 00:00:00", "2026-11-30 23:00:00", "2026-12-01 00:00:00"];
        let all: Vec<_> = hours.iter().map(|hour| metered("Period", 450, hour)).collect();
        let statements = told(&catalogue, &all, "2026-12-01 02:00:00");
        assert_eq!((statements[1].amount_fen, statements[1].bills.len()), (3, 1));
        assert_eq!((statements[0].amount_fen, statements[0].lines[0].pending), (0, 450));
    }

    #[test]
    fn the_listing_charges_by_the_units_of_the_marketplace() {
        let catalogue = Catalogue::demo();
        let item = |key: &str| catalogue.products[0].item(key).unwrap();
        assert_eq!(amount_fen(item("Period"), 3600), 12, "seconds, priced by the hour");
        assert_eq!(amount_fen(item("Storage"), 100 * (1 << 30)), 10, "bytes, priced by the MB: 102,400 of them");
        assert_eq!(amount_fen(item("VirtualCpu"), 2), 172);
        for item in &catalogue.products[0].items {
            assert!(Price::parse(&item.price).is_some() && metering::unit_of(&item.key).is_some(), "{}", item.key);
        }
    }

    #[test]
    fn money_is_grouped_in_thousands() {
        let told: Vec<_> = [0, 5, 123, 123_456, 5_280_000, -100_000_000].into_iter().map(yuan).collect();
        assert_eq!(told, ["0.00", "0.05", "1.23", "1,234.56", "52,800.00", "-1,000,000.00"]);
    }
}
