//! What a check-up asks of the database: is it sound, is everything counted, what waits for a person (rules C1, D6).

use crate::domain::usage::Cycle;
use crate::domain::value::{DAY_MS, HOUR_MS, Instant};
use crate::error::Result;
use crate::store::record::{self, Series};
use crate::store::{Db, user};

pub use crate::store::onlooker::{Onlooker, dangling, integrity};

/// How far back holes of gauges are looked for.
pub const HOLES_MS: i64 = 3 * DAY_MS;

/// A gauge of an organization with windows that nobody told anything of: nothing is billed for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    pub organization_id: String,
    pub item: String,
    /// Windows without a sample among those that are closed.
    pub missing: i64,
    /// The last window with a sample.
    pub last: Instant,
    /// There was no sample since.
    pub is_silent: bool,
}

/// The holes of the last days. Reads many rows: for a connection of its own.
pub fn holes(db: &Db, now: Instant) -> Result<Vec<Hole>> {
    Ok(record::list_series(db, now.plus_ms(-HOLES_MS))?.into_iter().filter_map(|one| hole(one, now)).collect())
}

fn hole(series: Series, now: Instant) -> Option<Hole> {
    let length = match series.cycle {
        Cycle::Hour => HOUR_MS,
        Cycle::Day => DAY_MS,
    };
    let inside = series.last.since_ms(series.first) / length + 1 - series.windows;
    // The present window may still be told of, and so may the one before it for a while.
    let silent = (now.since_ms(series.last) / length - 2).max(0);
    (inside + silent > 0).then(|| Hole {
        organization_id: series.organization_id,
        item: series.item,
        missing: inside + silent,
        last: series.last,
        is_silent: silent > 0,
    })
}

/// Whether anybody can decide what only operators decide.
pub fn has_operator(db: &Db) -> Result<bool> {
    user::has_other_operator(db, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(cycle: Cycle, first: i64, last: i64, windows: i64) -> Series {
        let (organization_id, item) = ("org".to_owned(), "Storage".to_owned());
        let at = |hours: i64| Instant::from_ms(hours * HOUR_MS);
        Series { organization_id, item, cycle, first: at(first), last: at(last), windows }
    }

    #[test]
    fn a_hole_is_a_closed_window_without_a_sample() {
        let now = Instant::from_ms(100 * HOUR_MS + 1);
        let missing = |one| hole(one, now).map(|hole| (hole.missing, hole.is_silent));
        assert_eq!(missing(series(Cycle::Hour, 90, 100, 11)), None, "each hour, the present one too");
        assert_eq!(missing(series(Cycle::Hour, 90, 98, 9)), None, "the last one may still be told of");
        assert_eq!(missing(series(Cycle::Hour, 90, 97, 8)), Some((1, true)));
        assert_eq!(missing(series(Cycle::Hour, 90, 100, 8)), Some((3, false)));
        assert_eq!(missing(series(Cycle::Hour, 90, 96, 5)), Some((4, true)), "both");
        assert_eq!(missing(series(Cycle::Day, 24, 72, 3)), None);
        assert_eq!(missing(series(Cycle::Day, 24, 72, 2)), Some((1, false)));
    }
}
