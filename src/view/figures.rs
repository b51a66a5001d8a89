//! Quantities and money as people read them: grouped, in the unit of the price, without rounding anything up.

use crate::domain::usage::Cycle;

use super::words::Words;

/// Parts of one billed unit that are calculated with.
const MICRO: u128 = 1_000_000;

/// How quantities of a billing item are read.
#[derive(Debug, Clone)]
pub struct Measure {
    /// The marketplace's key.
    pub key: String,
    /// The item's name, in the language of the page.
    pub name: String,
    /// The unit that is pushed, as the settings call it; shown for keys that have no documented unit.
    pub unit: String,
    /// So many pushed units are one billed unit.
    pub pushed_per_billed: u64,
    /// A level: quantities of several windows add up to level times windows.
    pub is_gauge: bool,
    pub cycle: Cycle,
}

impl Measure {
    /// A quantity in millionths of the billed unit, cut.
    pub(super) fn micro(&self, quantity: i64) -> u128 {
        u128::from(quantity.unsigned_abs()) * MICRO / u128::from(self.pushed_per_billed.max(1))
    }

    /// A quantity in the billed unit, with so many decimals (at most six), cut. What is there is never shown as nothing.
    #[must_use]
    pub fn billed(&self, quantity: i64, decimals: u32) -> String {
        let decimals = decimals.min(6);
        let cut = self.micro(quantity) / 10_u128.pow(6 - decimals);
        if cut == 0 && quantity != 0 {
            return format!("< {}", decimal(1, decimals));
        }
        decimal(cut, decimals)
    }

    /// The billed unit, of several windows together: `vCPU·h`.
    #[must_use]
    pub fn billed_unit(&self, w: &Words) -> String {
        let unit = w.usage.billed_unit(&self.key).unwrap_or(&self.unit);
        match (self.is_gauge, self.cycle) {
            (false, _) => unit.to_owned(),
            (true, Cycle::Hour) => format!("{unit}{}", w.usage.times_hours),
            (true, Cycle::Day) => format!("{unit}{}", w.usage.times_days),
        }
    }

    /// The unit of one record's quantity, as it is pushed.
    #[must_use]
    pub fn pushed_unit<'a>(&'a self, w: &'a Words) -> &'a str {
        w.usage.pushed_unit(&self.key).unwrap_or(&self.unit)
    }
}

/// Decimals that show these quantities: none if all are whole, two otherwise.
#[must_use]
pub fn decimals<'a>(quantities: impl IntoIterator<Item = (&'a Measure, i64)>) -> u32 {
    let is_whole = |(measure, quantity): (&Measure, i64)| measure.micro(quantity) % MICRO == 0;
    if quantities.into_iter().all(is_whole) { 0 } else { 2 }
}

/// `value / 10^decimals`, grouped by thousands.
fn decimal(value: u128, decimals: u32) -> String {
    let one = 10_u128.pow(decimals);
    let whole = grouped(value / one);
    if decimals == 0 { whole } else { format!("{whole}.{:0width$}", value % one, width = decimals as usize) }
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(value: u128) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Fen as `¥ 1,234.56`.
#[must_use]
pub fn yuan(fen: u64) -> String {
    format!("¥ {}", decimal(u128::from(fen), 2))
}

/// Ticks of an axis from nothing to at least the largest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    /// Of the highest tick, in millionths of the billed unit.
    pub top: u128,
    pub ticks: Vec<(u128, String)>,
    /// Labels count in thousands to this power.
    pub thousands: u32,
}

/// Two to five steps of 1, 2 or 5 times a power of ten, with labels of three digits at most.
pub(super) fn axis(largest: u128) -> Axis {
    const STEPS: u128 = 4;
    let largest = largest.max(1);
    let mut step = 1;
    for factor in [2, 5, 2].into_iter().cycle() {
        if step * STEPS >= largest {
            break;
        }
        // 1, 2, 5, 10, …
        step = if factor == 5 { step * 5 / 2 } else { step * 2 };
    }
    let count = largest.div_ceil(step).max(2);
    let top = step * count;
    let mut thousands = 0;
    while top / MICRO / 1_000_u128.pow(thousands) >= 1_000 {
        thousands += 1;
    }
    let one = 1_000_u128.pow(thousands) * MICRO;
    let label = |value: u128| {
        let fraction = format!("{:012}", value % one * 1_000_000_000_000 / one);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { (value / one).to_string() } else { format!("{}.{fraction}", value / one) }
    };
    Axis { top, ticks: (0..=count).map(|at| (step * at, label(step * at))).collect(), thousands }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(pushed_per_billed: u64) -> Measure {
        Measure {
            key: "Period".into(),
            name: "x".into(),
            unit: "s".into(),
            pushed_per_billed,
            is_gauge: false,
            cycle: Cycle::Hour,
        }
    }

    #[test]
    fn quantities_are_converted_and_cut_but_never_to_nothing() {
        for (quantity, per, decimals, text) in [
            (3600, 3600, 0, "1"),
            (1_234_567, 1, 0, "1,234,567"),
            (5399, 3600, 2, "1.49"),
            (1, 3600, 2, "< 0.01"),
            (0, 3600, 2, "0.00"),
            (1, 3600, 0, "< 1"),
            (i64::MAX, 1, 0, "9,223,372,036,854,775,807"),
        ] {
            assert_eq!(measure(per).billed(quantity, decimals), text);
        }
        assert_eq!((yuan(0), yuan(7), yuan(123_456)), ("¥ 0.00".into(), "¥ 0.07".into(), "¥ 1,234.56".into()));
        let hours = measure(3600);
        assert_eq!((decimals([(&hours, 7200), (&hours, 0)]), decimals([(&hours, 7200), (&hours, 1800)])), (0, 2));
    }

    #[test]
    fn an_axis_reaches_the_largest_value_in_round_steps_of_short_labels() {
        let labels = |largest: u128| {
            let axis = axis(largest);
            let texts: Vec<_> = axis.ticks.iter().map(|(_, text)| text.clone()).collect();
            (texts.join(" "), axis.thousands)
        };
        assert_eq!(labels(66 * MICRO), ("0 20 40 60 80".into(), 0));
        assert_eq!(labels(100 * MICRO), ("0 50 100".into(), 0));
        assert_eq!(labels(MICRO / 4), ("0 0.1 0.2 0.3".into(), 0));
        assert_eq!(labels(1_500 * MICRO), ("0 0.5 1 1.5".into(), 1));
        assert_eq!(labels(36_000_000 * MICRO), ("0 10 20 30 40".into(), 2));
        for largest in [0, 1, 999, 1_000_001, u128::from(u64::MAX) * MICRO] {
            let axis = axis(largest);
            assert!(axis.top >= largest && (3..=6).contains(&axis.ticks.len()), "{largest}");
            assert!(axis.ticks.iter().all(|(_, text)| text.len() <= 8), "{axis:?}");
        }
    }
}
