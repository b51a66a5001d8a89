//! When copies of the database are made, what they are called, and which of them are not kept.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::value::{DAY_MS, HOUR_MS, Instant, MINUTE_MS};

/// A copy that is older than this should have been followed by another: they are made daily at least.
const OLD_MS: i64 = DAY_MS + 2 * HOUR_MS;

/// A time of day in China.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    minutes: i64,
}

impl TimeOfDay {
    /// Reads `03:20`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str, most: i64| {
            let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| text.parse().ok()).flatten().filter(|number: &i64| *number < most)
        };
        Some(Self { minutes: number(hours, 24)? * 60 + number(minutes, 60)? })
    }

    /// The first such moment after `now`.
    #[must_use]
    pub fn next(self, now: Instant) -> Instant {
        let today = now.floor_in_china(DAY_MS).plus_ms(self.minutes * MINUTE_MS);
        if today > now { today } else { today.plus_ms(DAY_MS) }
    }
}

/// What a copy that is made now is called: `marketgate-20261128T032000Z.db`.
#[must_use]
pub fn name(now: Instant) -> String {
    let at = Timestamp::from_millisecond(now.ms()).unwrap_or_default();
    format!("marketgate-{}.db", at.strftime("%Y%m%dT%H%M%SZ"))
}

/// When a copy was made, by its name; `None` for what is no copy of ours.
#[must_use]
pub fn made_at(name: &str) -> Option<Instant> {
    let stamp = name.strip_prefix("marketgate-")?.strip_suffix(".db")?;
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(Instant::from_ms(at.timestamp().as_millisecond()))
}

/// When the youngest copy of these names was made. One from the future was named by a wrong clock.
#[must_use]
pub fn youngest(names: &[String], now: Instant) -> Option<Instant> {
    names.iter().filter_map(|name| made_at(name)).filter(|at| *at <= now).max()
}

/// Whether the last copy is missing, or should have been followed by another.
#[must_use]
pub fn is_old(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.since_ms(last) > OLD_MS)
}

/// Whether this is a copy of ours that is being made, or whose making was cut off.
#[must_use]
pub fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(".part").is_some_and(|name| made_at(name).is_some())
}

/// Of these names, the copies that are older than `keep_ms`; never the youngest of those that were made until now.
#[must_use]
pub fn outdated(names: &[String], now: Instant, keep_ms: i64) -> Vec<&String> {
    let youngest = youngest(names, now);
    let is_old = |at: Instant| now.since_ms(at) > keep_ms && Some(at) != youngest;
    names.iter().filter(|name| made_at(name).is_some_and(is_old)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(text: &str) -> Instant {
        Instant::from_ms(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_time_of_day_is_chinas_and_the_next_one_lies_ahead() {
        let early = TimeOfDay::parse("03:20").unwrap();
        for (now, next) in [
            ("2026-11-28T03:19:59+08:00", "2026-11-28T03:20:00+08:00"),
            ("2026-11-28T03:20:00+08:00", "2026-11-29T03:20:00+08:00"),
            ("2026-11-28T23:59:59+08:00", "2026-11-29T03:20:00+08:00"),
            ("2026-11-28T00:00:00+08:00", "2026-11-28T03:20:00+08:00"),
        ] {
            assert_eq!(early.next(at(now)), at(next), "{now}");
        }
        for text in ["", "3:20", "24:00", "03:60", "03:2", "03-20", "+3:20", "03:20:00"] {
            assert_eq!(TimeOfDay::parse(text), None, "{text}");
        }
    }

    #[test]
    fn old_copies_go_the_youngest_stays_and_what_is_not_ours_is_left_alone() {
        let now = at("2026-11-28T03:20:00Z");
        assert_eq!((name(now).as_str(), made_at(&name(now))), ("marketgate-20261128T032000Z.db", Some(now)));
        let names = ["marketgate-20261101T000000Z.db", "marketgate-20261127T000000Z.db", "marketgate-today.db", "x.db"];
        let names = names.map(str::to_owned);
        let last = youngest(&names, now);
        assert_eq!(last, Some(at("2026-11-27T00:00:00Z")));
        assert!(is_old(last, now) && !is_old(last, at("2026-11-28T02:00:00Z")) && is_old(None, now));
        assert_eq!(youngest(&names, at("2026-11-26T00:00:00Z")), Some(at("2026-11-01T00:00:00Z")));
        assert_eq!(outdated(&names, now, 14 * DAY_MS), ["marketgate-20261101T000000Z.db"]);
        assert_eq!(outdated(&names[..1], now, 14 * DAY_MS), Vec::<&String>::new(), "the only one");
        // Named by a clock that was ahead: it is not the youngest, and goes when its time has come.
        let names = [names[0].clone(), "marketgate-20991231T000000Z.db".into()];
        assert_eq!(outdated(&names, now, 14 * DAY_MS), Vec::<&String>::new(), "the only one until now");
    }
}
