//! Moments as people read them (visual design §5), always inside `<time datetime>`.

use jiff::Timestamp;
use jiff::Zoned;
use jiff::tz::{Offset, TimeZone};
use maud::{Markup, html};

use crate::domain::value::{Instant, Lang};

use super::words::words;

/// The time zone in which a page tells the time: the organization's, or China's.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self::china()
    }
}

impl Zone {
    /// China Standard Time, UTC+8 all year round.
    #[must_use]
    pub fn china() -> Self {
        Self(TimeZone::fixed(Offset::constant(8)))
    }

    /// The month that holds the moment, as addresses write it: `2026-11`.
    #[must_use]
    pub fn month(&self, at: Instant) -> String {
        zoned(self, at).strftime("%Y-%m").to_string()
    }

    /// A zone by its IANA name, such as `Asia/Shanghai`; `None` for a name that does not exist.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }
}

/// How far a zone is from UTC at a moment: `UTC+8`. Empty for a name that does not exist.
#[must_use]
pub fn offset_at(name: &str, at: Instant) -> String {
    Zone::named(name).map(|zone| offset(&zoned(&zone, at))).unwrap_or_default()
}

/// How much of a moment is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// `2026-11-22` · `22 Nov 2026`
    Day,
    /// `2026-11-22 15:40` · `22 Nov 2026, 15:40 (UTC+8)`
    Minute,
    /// `2026-11-22 15:40:32` · `22 Nov 2026, 15:40:32 (UTC+8)`
    Second,
    /// `15:40:32`, where the day is plain
    Clock,
    /// `15:40`, where the day is plain
    Hour,
    /// `2026 年 11 月` · `November 2026`
    Month,
    /// `11 月 22 日` · `22 November`, inside a sentence
    InSentence,
}

/// The moment in words, for sentences that cannot hold markup.
#[must_use]
pub fn tell(lang: Lang, zone: &Zone, at: Instant, detail: Detail) -> String {
    let zoned = zoned(zone, at);
    let pattern = match (lang, detail) {
        (Lang::Zh, Detail::Day) => "%Y-%m-%d",
        (Lang::Zh, Detail::Minute) => "%Y-%m-%d %H:%M",
        (Lang::Zh, Detail::Second) => "%Y-%m-%d %H:%M:%S",
        (Lang::En, Detail::Day) => "%-d %b %Y",
        (Lang::En, Detail::Minute) => "%-d %b %Y, %H:%M",
        (Lang::En, Detail::Second) => "%-d %b %Y, %H:%M:%S",
        (_, Detail::InSentence) => words(lang).shared.day_in_sentence,
        (_, Detail::Clock) => "%H:%M:%S",
        (_, Detail::Hour) => "%H:%M",
        (_, Detail::Month) => words(lang).shared.month_in_sentence,
    };
    let told = zoned.strftime(pattern).to_string();
    // In Chinese the zone is told only where it is not the one that every reader assumes.
    let is_foreign = zoned.offset() != Offset::constant(8);
    match detail {
        Detail::Minute | Detail::Second if lang == Lang::En || is_foreign => format!("{told} ({})", offset(&zoned)),
        _ => told,
    }
}

/// The moment as an element that machines can read too.
#[must_use]
pub fn time(lang: Lang, zone: &Zone, at: Instant, detail: Detail) -> Markup {
    let machine = zoned(zone, at).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    html! { time datetime=(machine) { (tell(lang, zone, at, detail)) } }
}

fn zoned(zone: &Zone, at: Instant) -> Zoned {
    // What no calendar reaches is shown as the epoch: such a row is wrong wherever it came from.
    Timestamp::from_millisecond(at.ms()).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.0.clone())
}

fn offset(zoned: &Zoned) -> String {
    let seconds = zoned.offset().seconds();
    let (hours, minutes) = (seconds / 3600, seconds.abs() % 3600 / 60);
    let sign = if seconds < 0 { "" } else { "+" };
    match (hours, minutes) {
        (0, 0) => "UTC".to_owned(),
        (_, 0) => format!("UTC{sign}{hours}"),
        _ => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const AT: Instant = Instant::from_ms(1_795_333_232_000);

    #[test]
    fn a_moment_is_told_as_each_language_writes_it() {
        let china = Zone::china();
        for (detail, zh, en) in [
            (Detail::Day, "2026-11-22", "22 Nov 2026"),
            (Detail::Minute, "2026-11-22 15:40", "22 Nov 2026, 15:40 (UTC+8)"),
            (Detail::Second, "2026-11-22 15:40:32", "22 Nov 2026, 15:40:32 (UTC+8)"),
            (Detail::Clock, "15:40:32", "15:40:32"),
            (Detail::InSentence, "11 月 22 日", "22 November"),
            (Detail::Hour, "15:40", "15:40"),
            (Detail::Month, "2026 年 11 月", "November 2026"),
        ] {
            assert_eq!(tell(Lang::Zh, &china, AT, detail), zh);
            assert_eq!(tell(Lang::En, &china, AT, detail), en);
        }
    }

    #[test]
    fn another_zone_says_which_one_it_is() {
        for (name, zh) in [
            ("Asia/Kolkata", "2026-11-22 13:10 (UTC+5:30)"),
            ("America/New_York", "2026-11-22 02:40 (UTC-5)"),
            ("Europe/London", "2026-11-22 07:40 (UTC)"),
            ("Asia/Shanghai", "2026-11-22 15:40"),
        ] {
            assert_eq!(tell(Lang::Zh, &Zone::named(name).unwrap(), AT, Detail::Minute), zh);
        }
        assert!(Zone::named("Asia/Atlantis").is_none());
    }

    #[test]
    fn machines_read_the_same_moment() {
        assert_eq!(
            time(Lang::En, &Zone::china(), AT, Detail::Day).into_string(),
            r#"<time datetime="2026-11-22T15:40:32+08:00">22 Nov 2026</time>"#
        );
    }
}
