//! Clock hours and days of China, and when a record of one is closed (rules C2–C4).

use super::Cycle;
use crate::domain::value::{CHINA_MS, DAY_MS, HOUR_MS, Instant, MINUTE_MS, SECOND_MS};

/// The last moment at which a record of an hour may still be sent, after that hour: 4 minutes before the marketplace's own.
const HOUR_DUE_MS: i64 = 55 * MINUTE_MS;
/// The same for a day: 01:55.
const DAY_DUE_MS: i64 = HOUR_MS + 55 * MINUTE_MS;
/// Records of a day are closed at 00:30.
const DAY_SEAL_MS: i64 = 30 * MINUTE_MS;
/// The shortest window that the marketplace takes is longer than five minutes, and whole seconds are pushed.
const SHORTEST_MS: i64 = 5 * MINUTE_MS + SECOND_MS;

/// The settings of closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A record of an hour is closed so long after it.
    pub seal_ms: i64,
    /// A released subscription's last events are waited for so long.
    pub drain_ms: i64,
}

/// The stretch of time of a record, and what must happen to it when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub from: Instant,
    /// First instant after it, as it is pushed.
    pub until: Instant,
    /// It is ready to be pushed from then on.
    pub seals_at: Instant,
    /// It must be accepted before.
    pub due_by: Instant,
}

/// The window that holds `at`. A subscription that was released at `released_at` is closed early, and its last window ends
/// there (rule C4).
#[must_use]
pub fn window(cycle: Cycle, at: Instant, released_at: Option<Instant>, timing: Timing) -> Window {
    let (length, seal_ms, due_ms) = match cycle {
        Cycle::Hour => (HOUR_MS, timing.seal_ms, HOUR_DUE_MS),
        Cycle::Day => (DAY_MS, DAY_SEAL_MS, DAY_DUE_MS),
    };
    let from = at.floor_in_china(length);
    let whole = from.plus_ms(length);
    let mut found = Window { from, until: whole, seals_at: whole.plus_ms(seal_ms), due_by: whole.plus_ms(due_ms) };
    if let Some(end) = released_at {
        found.seals_at = found.seals_at.min(end.plus_ms(timing.drain_ms));
        if end < whole {
            let second = end.plus_ms((-end.ms()).rem_euclid(SECOND_MS));
            found.until = second.max(from.plus_ms(SHORTEST_MS)).min(whole);
        }
    }
    found
}

/// Midnight in China at the beginning of the month that holds `at`.
#[must_use]
pub fn month_start(at: Instant) -> Instant {
    let china = at.plus_ms(CHINA_MS).ms();
    let day = china.div_euclid(DAY_MS);
    let of_month = jiff::Timestamp::from_millisecond(china).map_or(1, |at| at.to_zoned(jiff::tz::TimeZone::UTC).day());
    Instant::from_ms((day + 1 - i64::from(of_month)).saturating_mul(DAY_MS)).plus_ms(-CHINA_MS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;
    use crate::market::time;

    const TIMING: Timing = Timing { seal_ms: 12 * MINUTE_MS, drain_ms: 120 * SECOND_MS };

    fn at(text: &str) -> Instant {
        time::parse(text).unwrap()
    }

    fn said(found: Window) -> [String; 4] {
        [found.from, found.until, found.seals_at, found.due_by].map(time::text)
    }

    #[test]
    fn hours_close_at_12_past_and_days_at_half_past_midnight() {
        let late = at("2026-12-31 23:59:59").plus_ms(999);
        assert_eq!(
            said(window(Cycle::Hour, late, None, TIMING)),
            ["2026-12-31 23:00:00", "2027-01-01 00:00:00", "2027-01-01 00:12:00", "2027-01-01 00:55:00"]
        );
        assert_eq!(
            said(window(Cycle::Day, late, None, TIMING)),
            ["2026-12-31 00:00:00", "2027-01-01 00:00:00", "2027-01-01 00:30:00", "2027-01-01 01:55:00"]
        );
    }

    #[test]
    fn the_last_window_of_a_released_subscription_ends_with_it_but_is_long_enough() {
        for (released, used, until, seals) in [
            // The hour of the release, from its sixth minute on.
            ("2026-11-23 10:30:00", "2026-11-23 10:29:59", "2026-11-23 10:30:00", "2026-11-23 10:32:00"),
            // Too early in its hour: the shortest window that is taken.
            ("2026-11-23 10:03:00", "2026-11-23 10:01:00", "2026-11-23 10:05:01", "2026-11-23 10:05:00"),
            // The hour before it is whole, and hurries.
            ("2026-11-23 10:03:00", "2026-11-23 09:59:00", "2026-11-23 10:00:00", "2026-11-23 10:05:00"),
            // Already closed.
            ("2026-11-23 10:30:00", "2026-11-23 08:59:00", "2026-11-23 09:00:00", "2026-11-23 09:12:00"),
        ] {
            let found = window(Cycle::Hour, at(used), Some(at(released)), TIMING);
            assert_eq!(
                (time::text(found.until), time::text(found.seals_at)),
                (until.into(), seals.into()),
                "{released}"
            );
        }
        let odd = window(Cycle::Hour, at("2026-11-23 10:29:59"), Some(at("2026-11-23 10:30:00").plus_ms(1)), TIMING);
        assert_eq!(time::text(odd.until), "2026-11-23 10:30:01", "a second that has begun is pushed");
    }

    proptest! {
        #[test]
        fn windows_are_the_clock_hours_and_days_of_china(ms in 694_224_000_000_i64..4_000_000_000_000, ahead in 0..86_400_000_i64) {
            let used = Instant::from_ms(ms);
            let hour = window(Cycle::Hour, used, None, TIMING);
            prop_assert_eq!((hour.from, hour.until), (time::hour_start(used), time::next_hour(used)));
            let day = window(Cycle::Day, used, None, TIMING);
            prop_assert_eq!((day.from, day.until), (time::day_start(used), time::next_day(used)));
            prop_assert_eq!(month_start(used), time::month_start(used));
            for cycle in [Cycle::Hour, Cycle::Day] {
                let whole = window(cycle, used, None, TIMING);
                let cut = window(cycle, used, Some(used.plus_ms(ahead + 1)), TIMING);
                prop_assert!(cut.until <= whole.until && cut.seals_at <= whole.seals_at && cut.from == whole.from);
                prop_assert!(cut.until.since_ms(cut.from) > 5 * MINUTE_MS, "longer than five minutes");
                prop_assert!(cut.until > used && whole.seals_at < whole.due_by);
            }
        }

        #[test]
        fn nothing_panics_at_the_ends_of_time(ms: i64, end: i64) {
            let _ = (month_start(Instant::from_ms(ms)), window(Cycle::Day, Instant::from_ms(ms), Some(Instant::from_ms(end)), TIMING));
        }
    }
}
