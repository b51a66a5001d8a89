//! One number out of many events (rule C1), the same in whatever order they come.

use super::Aggregate;
use crate::domain::value::Instant;

/// What one event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub quantity: i64,
    pub at: Instant,
    /// How long it held; the weight of a time average.
    pub secs: i64,
}

/// The number of a record so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub quantity: i64,
    pub events: i64,
    /// Gauges: the time of the sample that decides, and with it which subscription is charged.
    pub deciding_at: Option<Instant>,
    /// Time averages: seconds so far.
    pub weight: i64,
    /// Time averages: quantity × seconds so far.
    pub weighted: i64,
}

impl Tally {
    /// With one more sample; `None` if a number would not fit.
    #[must_use]
    pub fn with(self, aggregate: Aggregate, sample: Sample) -> Option<Self> {
        let mut next = Self { events: self.events.checked_add(1)?, ..self };
        match aggregate {
            Aggregate::Sum => next.quantity = self.quantity.checked_add(sample.quantity)?,
            // Of two equal samples the earlier decides, of two at one moment the larger: arrival says nothing.
            Aggregate::Max => {
                let is_more = match self.deciding_at {
                    None => true,
                    Some(at) => (sample.quantity, at) > (self.quantity, sample.at),
                };
                if is_more {
                    (next.quantity, next.deciding_at) = (sample.quantity, Some(sample.at));
                }
            }
            Aggregate::Last => {
                if self.deciding_at.is_none_or(|at| (sample.at, sample.quantity) > (at, self.quantity)) {
                    (next.quantity, next.deciding_at) = (sample.quantity, Some(sample.at));
                }
            }
            Aggregate::TimeAverage => {
                next.weight = self.weight.checked_add(sample.secs)?;
                next.weighted = self.weighted.checked_add(sample.quantity.checked_mul(sample.secs)?)?;
                next.quantity = next.weighted.checked_div(next.weight).unwrap_or(0);
                next.deciding_at = self.deciding_at.max(Some(sample.at));
            }
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn sample(quantity: i64, at: i64, secs: i64) -> Sample {
        Sample { quantity, at: Instant::from_ms(at), secs }
    }

    fn tally(aggregate: Aggregate, samples: &[Sample]) -> Tally {
        samples.iter().fold(Tally::default(), |tally, one| tally.with(aggregate, *one).unwrap())
    }

    #[test]
    fn each_way_of_counting_has_its_number_and_its_deciding_sample() {
        let samples = [sample(7, 10, 60), sample(9, 20, 120), sample(9, 30, 60), sample(4, 40, 60)];
        for (aggregate, quantity, deciding) in [
            (Aggregate::Sum, 29, None),
            (Aggregate::Max, 9, Some(20)),
            (Aggregate::Last, 4, Some(40)),
            (Aggregate::TimeAverage, 7, Some(40)),
        ] {
            let found = tally(aggregate, &samples);
            assert_eq!((found.quantity, found.events), (quantity, 4), "{aggregate:?}");
            assert_eq!(found.deciding_at, deciding.map(Instant::from_ms), "{aggregate:?}");
        }
        assert_eq!(tally(Aggregate::Max, &[sample(0, 10, 0)]).deciding_at, Some(Instant::from_ms(10)));
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        let full = tally(Aggregate::Sum, &[sample(i64::MAX, 1, 0)]);
        assert_eq!(full.with(Aggregate::Sum, sample(1, 2, 0)), None);
        assert_eq!(Tally::default().with(Aggregate::TimeAverage, sample(i64::MAX, 1, 2)), None);
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_changes_nothing(
            samples in prop::collection::vec((0_i64..50, 0_i64..10, 1_i64..100).prop_map(|(q, at, secs)| sample(q, at, secs)), 0..20),
            order: prop::sample::Index,
        ) {
            for aggregate in [Aggregate::Sum, Aggregate::Max, Aggregate::Last, Aggregate::TimeAverage] {
                let straight = tally(aggregate, &samples);
                let mut turned = samples.clone();
                if !turned.is_empty() {
                    turned.rotate_left(order.index(samples.len()));
                    turned.reverse();
                }
                prop_assert_eq!(straight, tally(aggregate, &turned));
                let largest = samples.iter().map(|one| one.quantity).max().unwrap_or(0);
                prop_assert!(!aggregate.is_gauge() || straight.quantity <= largest, "a level is never more than its largest sample");
            }
        }
    }
}
