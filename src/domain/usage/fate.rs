//! Where usage goes when it arrives: into its own record, or, when that is closed, to its late fate (rule C3).

use super::{Aggregate, Late, State, Window, month_start};
use crate::domain::value::{HOUR_MS, Instant};

/// How far late usage is carried at most, from the start of its own window to that of the open one.
pub const CARRY_MS: i64 = 24 * HOUR_MS;

/// What takes an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The window's own record, which is made in or stays in this state.
    Regular(State),
    /// Its record cannot take it any more.
    Late,
}

/// Which record takes usage of a window; `record` is the state of its own one, if it exists.
///
/// A sealed record that has not been sent takes more within its deadline: it is opened again and sealed in one.
#[must_use]
pub fn place(window: Window, record: Option<State>, now: Instant) -> Place {
    if now >= window.due_by {
        return Place::Late;
    }
    match record {
        None if now < window.seals_at => Place::Regular(State::Open),
        None => Place::Regular(State::Sealed),
        Some(state @ (State::Open | State::Sealed)) => Place::Regular(state),
        Some(_) => Place::Late,
    }
}

/// When the original of a copied file may have pushed usage of which the copy knows nothing (rules D2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub since: Instant,
    /// The copy's first start in the original's place.
    pub until: Instant,
}

impl Gap {
    /// Whether the original may have pushed a window.
    #[must_use]
    pub fn covers(self, window: Window) -> bool {
        window.seals_at <= self.until && window.due_by > self.since
    }
}

/// [`place`] in a copy that took the original's place. Usage that comes for a window which the original may have pushed waits
/// for a person with the rest of it; `is_held`: the window's record does so already.
#[must_use]
pub fn place_in_copy(window: Window, record: Option<State>, is_held: bool, now: Instant, gap: Option<Gap>) -> Place {
    let is_in_doubt = now < window.due_by && gap.is_some_and(|gap| gap.covers(window));
    match record {
        None if is_in_doubt => Place::Regular(State::Unknown),
        Some(State::Unknown) if is_in_doubt && is_held => Place::Regular(State::Unknown),
        _ => place(window, record, now),
    }
}

/// What decides whether late usage is carried.
#[derive(Debug, Clone, Copy)]
pub struct Lateness {
    pub late: Late,
    pub aggregate: Aggregate,
    /// The usage's own window.
    pub own: Window,
    /// The window that is open now.
    pub open: Window,
    /// Its binding is live.
    pub is_live: bool,
    /// The plan is what it was.
    pub is_same_plan: bool,
    /// Of a copy that took the original's place.
    pub gap: Option<Gap>,
}

/// Whether late usage is billed with the window that is open now.
#[must_use]
pub fn is_carried(facts: Lateness) -> bool {
    facts.late == Late::Carry
        && facts.aggregate == Aggregate::Sum
        && facts.is_live
        && facts.is_same_plan
        // The original may have billed it; a release that the copy does not know of made it push before the hour was closed.
        && facts.gap.is_none_or(|gap| facts.own.from >= gap.until || facts.own.due_by <= gap.since)
        && facts.own.from < facts.open.from
        && facts.open.from.since_ms(facts.own.from) <= CARRY_MS
        && month_start(facts.own.from) == month_start(facts.open.from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::usage::{Cycle, Timing, window};
    use crate::domain::value::{MINUTE_MS, SECOND_MS};
    use crate::market::time;

    const TIMING: Timing = Timing { seal_ms: 12 * MINUTE_MS, drain_ms: 120 * SECOND_MS };

    fn hour(text: &str) -> Window {
        window(Cycle::Hour, time::parse(text).unwrap(), None, TIMING)
    }

    #[test]
    fn a_record_takes_usage_until_it_is_sent_or_due() {
        let own = hour("2026-11-23 10:20:00");
        let at = |text: &str| time::parse(&format!("2026-11-23 {text}")).unwrap();
        for (now, record, expected) in [
            ("10:30:00", None, Place::Regular(State::Open)),
            ("11:11:59", None, Place::Regular(State::Open)),
            ("11:12:00", None, Place::Regular(State::Sealed)),
            ("11:54:59", None, Place::Regular(State::Sealed)),
            ("11:55:00", None, Place::Late),
            ("11:20:00", Some(State::Open), Place::Regular(State::Open)),
            ("11:20:00", Some(State::Sealed), Place::Regular(State::Sealed)),
            ("11:55:00", Some(State::Open), Place::Late),
            ("11:55:00", Some(State::Sealed), Place::Late),
        ] {
            assert_eq!(place(own, record, at(now)), expected, "{now} {record:?}");
        }
        for state in State::ALL.into_iter().filter(|state| !matches!(state, State::Open | State::Sealed)) {
            assert_eq!(place(own, Some(state), at("11:20:00")), Place::Late, "{state:?}");
        }
    }

    #[test]
    fn in_a_copy_usage_of_windows_that_may_have_been_pushed_is_held_with_the_rest_of_them() {
        let own = hour("2026-11-23 10:20:00");
        let at = |text: &str| time::parse(&format!("2026-11-23 {text}")).unwrap();
        let held = Place::Regular(State::Unknown);
        // Closed at 11:12, due by 11:55.
        for (since, until, now, record, is_held, expected) in [
            ("09:00:00", "11:12:00", "11:13:00", None, false, held),
            ("09:00:00", "11:11:59", "11:13:00", None, false, Place::Regular(State::Sealed)),
            ("11:54:59", "11:54:59", "11:54:59", None, false, held),
            ("11:55:00", "11:55:00", "11:55:00", None, false, Place::Late),
            ("09:00:00", "11:30:00", "11:31:00", Some(State::Unknown), true, held),
            ("09:00:00", "11:30:00", "11:31:00", Some(State::Unknown), false, Place::Late),
            ("09:00:00", "11:30:00", "11:55:00", Some(State::Unknown), true, Place::Late),
            ("09:00:00", "11:30:00", "11:31:00", Some(State::Sealed), false, Place::Regular(State::Sealed)),
            ("09:00:00", "11:30:00", "11:31:00", Some(State::Accepted), false, Place::Late),
        ] {
            let gap = Some(Gap { since: at(since), until: at(until) });
            assert_eq!(place_in_copy(own, record, is_held, at(now), gap), expected, "{since} {until} {now} {record:?}");
            assert_eq!(place_in_copy(own, record, is_held, at(now), None), place(own, record, at(now)));
        }
    }

    #[test]
    fn a_gap_covers_what_could_be_pushed_in_it_from_its_first_instant_to_its_last() {
        let own = hour("2026-11-23 10:20:00");
        let at = |text: &str| time::parse(&format!("2026-11-23 {text}")).unwrap();
        // Closed at 11:12, due by 11:55.
        for (since, until, covers) in [
            ("09:00:00", "11:11:59", false),
            ("09:00:00", "11:12:00", true),
            ("11:54:59", "12:00:00", true),
            ("11:55:00", "12:00:00", false),
        ] {
            assert_eq!(Gap { since: at(since), until: at(until) }.covers(own), covers, "{since} {until}");
        }
    }

    #[test]
    fn only_amounts_are_carried_within_a_day_a_month_a_binding_and_a_plan() {
        let fine = Lateness {
            late: Late::Carry,
            aggregate: Aggregate::Sum,
            own: hour("2026-11-23 10:20:00"),
            open: hour("2026-11-23 12:20:00"),
            is_live: true,
            is_same_plan: true,
            gap: None,
        };
        assert!(is_carried(fine));
        assert!(is_carried(Lateness { open: hour("2026-11-24 10:59:00"), ..fine }));
        assert!(!is_carried(Lateness { open: hour("2026-11-24 11:00:00"), ..fine }), "a day is enough");
        assert!(!is_carried(Lateness { open: fine.own, ..fine }), "into itself");
        assert!(!is_carried(Lateness { late: Late::DropVisible, ..fine }));
        assert!(!is_carried(Lateness { is_live: false, ..fine }));
        assert!(!is_carried(Lateness { is_same_plan: false, ..fine }));
        for aggregate in [Aggregate::Max, Aggregate::Last, Aggregate::TimeAverage] {
            assert!(!is_carried(Lateness { aggregate, ..fine }), "{aggregate:?}");
        }
        let gap = |since: &str, until: &str| {
            let at = |text: &str| time::parse(&format!("2026-11-23 {text}")).unwrap();
            Lateness { gap: Some(Gap { since: at(since), until: at(until) }), ..fine }
        };
        assert!(!is_carried(gap("09:00:00", "12:00:00")), "the original may have pushed it");
        assert!(!is_carried(gap("11:54:59", "11:54:59")) && !is_carried(gap("09:00:00", "10:00:01")));
        assert!(is_carried(gap("09:00:00", "10:00:00")), "it began afterwards");
        assert!(is_carried(gap("11:55:00", "12:00:00")), "it was over before");
        let last = Lateness { own: hour("2026-11-30 23:20:00"), open: hour("2026-12-01 01:20:00"), ..fine };
        assert!(!is_carried(last), "another month's bill");
    }
}
