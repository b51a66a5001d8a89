//! Bills, computed from what was metered; nothing is stored that could disagree with it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::catalogue::{Catalogue, Item};
use super::store::{Instance, Metered};
use crate::clock::Instant;
use crate::market::time;

/// What an instance owes for a month of China time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bill {
    pub instance_id: String,
    pub account: String,
    pub product: String,
    /// First instant of the month.
    pub month: Instant,
    pub lines: Vec<Line>,
    pub amount_fen: i64,
}

/// One billing item of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub item: String,
    /// In the unit in which it was pushed.
    pub quantity: i64,
    pub amount_fen: i64,
}

/// The bills of an account, newest month first. Each hour and item is a small bill of its own: amounts below a fen
/// are dropped there, not at the end of the month (specification 5.3).
#[must_use]
pub fn bills(catalogue: &Catalogue, metered: &[Metered], instances: &[Instance]) -> Vec<Bill> {
    let mut hours: BTreeMap<(i64, &str, &str, i64), i64> = BTreeMap::new();
    for record in metered {
        let (month, hour) = (time::month_start(record.starts_at), time::hour_start(record.starts_at));
        let total = hours.entry((-month.ms(), &record.instance_id, &record.item, hour.ms())).or_default();
        *total = total.saturating_add(record.quantity);
    }
    let mut bills: Vec<Bill> = Vec::new();
    for ((month, instance_id, item, _), quantity) in hours {
        let Some(instance) = instances.iter().find(|instance| instance.id == instance_id) else { continue };
        let priced = catalogue.product(&instance.product).and_then(|p| p.items.iter().find(|i| i.key == item));
        let amount_fen = priced.map_or(0, |item| amount_fen(item, quantity));
        let month = Instant::from_ms(-month);
        if bills.last().is_none_or(|bill| bill.instance_id != instance_id || bill.month != month) {
            bills.push(Bill {
                instance_id: instance_id.to_owned(),
                account: instance.account.clone(),
                product: instance.product.clone(),
                month,
                lines: Vec::new(),
                amount_fen: 0,
            });
        }
        let Some(bill) = bills.last_mut() else { continue };
        bill.amount_fen = bill.amount_fen.saturating_add(amount_fen);
        match bill.lines.last_mut() {
            Some(line) if line.item == item => {
                line.quantity = line.quantity.saturating_add(quantity);
                line.amount_fen = line.amount_fen.saturating_add(amount_fen);
            }
            _ => bill.lines.push(Line { item: item.to_owned(), quantity, amount_fen }),
        }
    }
    bills
}

/// What a quantity costs, in whole fen, truncated.
fn amount_fen(item: &Item, quantity: i64) -> i64 {
    let (whole, fraction) = item.price.split_once('.').unwrap_or((&item.price, ""));
    let Ok(mantissa) = format!("{whole}{fraction}").parse::<i128>() else { return 0 };
    let scale = u32::try_from(fraction.len()).ok().and_then(|len| 10_i128.checked_pow(len));
    let divisor = scale.and_then(|scale| scale.checked_mul(i128::from(item.divisor.max(1))));
    let amount = mantissa.checked_mul(100).and_then(|fen| fen.checked_mul(i128::from(quantity)));
    match (amount, divisor) {
        (Some(amount), Some(divisor)) => i64::try_from(amount / divisor).unwrap_or(i64::MAX),
        _ => i64::MAX,
    }
}

/// `1,234.56` for so many fen.
#[must_use]
pub fn yuan(fen: i64) -> String {
    let digits = (fen.unsigned_abs() / 100).to_string();
    let mut text = if fen < 0 { "-".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{:02}", fen.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::catalogue::Said;
    use super::*;
    use crate::domain::value::HOUR_MS;

    fn item(price: &str, divisor: u64) -> Item {
        Item { key: "Period".into(), per: Said::new("", ""), price: price.into(), divisor }
    }

    #[test]
    fn amounts_are_truncated_and_never_rounded() {
        // The marketplace's own examples: half an hour at 1 CNY an hour; nine uses at 0.001.
        assert_eq!(amount_fen(&item("1", 3600), 1800), 50);
        assert_eq!(amount_fen(&item("0.001", 1), 9), 0);
        assert_eq!(amount_fen(&item("0.001", 1), 19), 1);
        assert_eq!(amount_fen(&item("0.0011", 1 << 30), i64::MAX), 944_892_805);
        assert_eq!(amount_fen(&item("nothing", 1), 9), 0);
    }

    #[test]
    fn each_hour_is_a_bill_of_its_own() {
        let catalogue = Catalogue::demo();
        let start = time::parse("2026-11-30 22:00:00").unwrap();
        let metered: Vec<_> = (0..4)
            .map(|hour| Metered {
                instance_id: "1".into(),
                item: "Period".into(),
                quantity: 450,
                starts_at: start.plus_ms(hour * HOUR_MS),
                ends_at: start.plus_ms((hour + 1) * HOUR_MS),
            })
            .collect();
        let instance = super::super::tests::instance("1", &catalogue);
        let bills = bills(&catalogue, &metered, &[instance]);
        // 450 s at 0.12 CNY an hour are 1.5 fen: one fen an hour, two hours in each month.
        let told: Vec<_> = bills.iter().map(|bill| (time::text(bill.month), bill.amount_fen)).collect();
        assert_eq!(told, [("2026-12-01 00:00:00".into(), 2), ("2026-11-01 00:00:00".into(), 2)]);
        assert_eq!(bills[0].lines, [Line { item: "Period".into(), quantity: 900, amount_fen: 2 }]);
    }

    #[test]
    fn money_is_grouped_in_thousands() {
        let told: Vec<_> = [0, 5, 123, 123_456, 5_280_000, -100_000_000].into_iter().map(yuan).collect();
        assert_eq!(told, ["0.00", "0.05", "1.23", "1,234.56", "52,800.00", "-1,000,000.00"]);
    }
}
