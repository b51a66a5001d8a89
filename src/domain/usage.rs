//! Usage: how events become records, when a record is closed, and what happens to usage that comes late (rules C1–C4).
//!
//! Quantities are integers in the unit that is pushed. A *record* is what one binding (or, for gauges, one organization)
//! used of one billing item in one clock hour or day of China; every unit of usage is in exactly one of them.

mod fate;
mod tally;
mod window;

use serde::{Deserialize, Serialize};

pub use fate::{CARRY_MS, Gap, Lateness, Place, is_carried, place, place_in_copy};
pub use tally::{Sample, Tally};
pub use window::{Timing, Window, month_start, window};

/// How far an event's time may lie behind, in milliseconds (rule C2).
pub const MAX_AGE_MS: i64 = 35 * crate::domain::value::DAY_MS;
/// How far it may lie ahead.
pub const MAX_AHEAD_MS: i64 = 5 * crate::domain::value::MINUTE_MS;
/// How long an event is remembered, so that it counts once: longer than [`MAX_AGE_MS`] and [`MAX_AHEAD_MS`] together.
pub const REMEMBER_MS: i64 = 40 * crate::domain::value::DAY_MS;

/// How the events of a window become one number (rule C1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// All together; split by time among the bindings of the window.
    Sum,
    /// The largest sample.
    Max,
    /// The sample with the latest time.
    Last,
    /// Samples weighted with the seconds that each says it held for, rounded down.
    TimeAverage,
}

impl Aggregate {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Last => "last",
            Self::TimeAverage => "time_average",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sum, Self::Max, Self::Last, Self::TimeAverage].into_iter().find(|one| one.as_str() == text)
    }

    /// It measures a level, which cannot be split or added.
    #[must_use]
    pub const fn is_gauge(self) -> bool {
        !matches!(self, Self::Sum)
    }
}

/// How often an item is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    #[default]
    Hour,
    Day,
}

impl Cycle {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Hour, Self::Day].into_iter().find(|one| one.as_str() == text)
    }
}

/// What happens to usage whose record can no longer take it (rule C3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// It is shown as missed and never billed.
    #[default]
    DropVisible,
    /// It is billed with the open window of the same binding, if [`is_carried`] allows.
    Carry,
}

/// What a billing item's configuration says of its counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub aggregate: Aggregate,
    pub cycle: Cycle,
    pub late: Late,
}

/// Where a record stands. Everything but `Open`, `Sealed`, `Sending` and `Unknown` is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Takes usage.
    Open,
    /// Ready to be pushed; takes usage until that happens.
    Sealed,
    /// Part of a request that may have left.
    Sending,
    /// Taken by the marketplace.
    Accepted,
    /// Refused by the marketplace for good; the code says why.
    Rejected,
    /// Nobody knows whether the marketplace took it; a person decides (rules C6).
    Unknown,
    /// Not pushed in time: `late` usage, or the `deadline` passed.
    Missed,
    /// Late usage that was added to a later record.
    Carried,
    /// Given up by an operator, with a reason.
    Waived,
    /// Outside any binding, or of something that is not sold with it; the code says which.
    Unbillable,
}

impl State {
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::Sealed,
        Self::Sending,
        Self::Accepted,
        Self::Rejected,
        Self::Unknown,
        Self::Missed,
        Self::Carried,
        Self::Waived,
        Self::Unbillable,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Missed => "missed",
            Self::Carried => "carried",
            Self::Waived => "waived",
            Self::Unbillable => "unbillable",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Nothing will change it any more. An organization with records that are not final cannot be deleted (rules A4).
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Open | Self::Sealed | Self::Sending | Self::Unknown)
    }
}

/// Keys that measure a level: their items must say how samples become a number, since adding them would be wrong.
#[must_use]
pub fn is_gauge_key(key: &str) -> bool {
    key.starts_with("Storage") || matches!(key, "VirtualCpu" | "Memory" | "DailyActiveUser" | "Suit")
}

/// Why an event's time is not taken, if it is not (rule C2).
#[must_use]
pub fn refuse_time(at: crate::domain::value::Instant, now: crate::domain::value::Instant) -> Option<&'static str> {
    if now.since_ms(at) > MAX_AGE_MS {
        Some("too_old")
    } else if at.since_ms(now) > MAX_AHEAD_MS {
        Some("in_future")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::Instant;

    #[test]
    fn words_are_read_back() {
        assert!(State::ALL.into_iter().all(|state| State::parse(state.as_str()) == Some(state)));
        for one in [Aggregate::Sum, Aggregate::Max, Aggregate::Last, Aggregate::TimeAverage] {
            assert_eq!(Aggregate::parse(one.as_str()), Some(one));
        }
        assert_eq!((Cycle::parse("day"), Cycle::parse("week"), State::parse("")), (Some(Cycle::Day), None, None));
        let open: Vec<_> = State::ALL.into_iter().filter(|state| !state.is_final()).collect();
        assert_eq!(open, [State::Open, State::Sealed, State::Sending, State::Unknown]);
    }

    #[test]
    fn levels_are_told_from_amounts_by_their_key() {
        for key in ["Storage", "StorageGigaByte", "VirtualCpu", "Memory", "DailyActiveUser", "Suit"] {
            assert!(is_gauge_key(key), "{key}");
        }
        for key in ["Frequency", "Period", "PeriodMin", "NetworkOut", "NetworkIn", "Character", "Unit", "KTokens"] {
            assert!(!is_gauge_key(key), "{key}");
        }
    }

    #[test]
    fn times_are_taken_from_35_days_ago_to_5_minutes_ahead() {
        let now = Instant::from_ms(1_700_000_000_000);
        for (offset, refused) in [
            (0, None),
            (-MAX_AGE_MS, None),
            (-MAX_AGE_MS - 1, Some("too_old")),
            (MAX_AHEAD_MS, None),
            (MAX_AHEAD_MS + 1, Some("in_future")),
        ] {
            assert_eq!(refuse_time(now.plus_ms(offset), now), refused, "{offset}");
        }
        const { assert!(REMEMBER_MS > MAX_AGE_MS + MAX_AHEAD_MS) };
    }
}
