//! What can be counted without a lock: how often, and how it is spread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::text::{Family, Value};

/// How often something happened.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often each of the known combinations of two words happened. A first word that is not known counts as the last
/// one; a second word that is not known is not counted.
pub struct Grid {
    rows: Vec<&'static str>,
    columns: &'static [&'static str],
    cells: Vec<Counter>,
}

impl Grid {
    #[must_use]
    pub fn new(rows: Vec<&'static str>, columns: &'static [&'static str]) -> Self {
        let cells = (0..rows.len() * columns.len()).map(|_| Counter::default()).collect();
        Self { rows, columns, cells }
    }

    pub fn add(&self, row: &str, column: &str) {
        let row = self.rows.iter().position(|known| *known == row).unwrap_or(self.rows.len().saturating_sub(1));
        if let Some(column) = self.columns.iter().position(|known| *known == column)
            && let Some(cell) = self.cells.get(row * self.columns.len() + column)
        {
            cell.add();
        }
    }

    /// With these labels for the first and the second word; a missing or empty one is left out.
    pub(super) fn family(&self, name: &'static str, help: &'static str, labels: &[&'static str]) -> Family {
        let mut family = Family::counter(name, help);
        for (row, cells) in self.rows.iter().zip(self.cells.chunks(self.columns.len().max(1))) {
            for (column, cell) in self.columns.iter().zip(cells) {
                let words = [*row, *column].map(str::to_owned);
                let labels = labels.iter().copied().zip(words).filter(|(label, _)| !label.is_empty()).collect();
                family.add(labels, Value::Count(cell.get()));
            }
        }
        family
    }
}

/// How many values fell below each of a few bounds.
pub struct Histogram {
    /// Ascending.
    bounds: &'static [u64],
    /// One more than bounds: what is above the last.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    pub fn observe(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// A time, in microseconds.
    pub fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was observed, in a unit of which one of ours is `scale`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a sum of microseconds loses less than one in 2^52")]
    pub fn spread(&self, scale: f64) -> Spread {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 * scale).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> =
            bounds.zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        Spread { buckets, count, sum: self.sum.load(Ordering::Relaxed) as f64 * scale }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Upper bound, and how many values lie below it and above the one before.
    pub buckets: Vec<(f64, u64)>,
    pub count: u64,
    pub sum: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            histogram.observe(value);
        }
        let spread = histogram.spread(1.0);
        assert_eq!(spread.buckets, [(1.0, 2), (10.0, 2), (f64::INFINITY, 2)]);
        assert_eq!((spread.count, spread.sum), (6, 1_024.0));
    }
}
