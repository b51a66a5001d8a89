//! The marketplace's date texts, and the clock hours, days and months of China time.
//!
//! The protocol's dates are `yyyy-MM-dd HH:mm:ss` without a zone; they are read as `Asia/Shanghai`. That zone has
//! been UTC+8 without summer time since 1992, so its clock hours are those of UTC.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};

use crate::domain::value::{HOUR_MS, Instant};

/// China Standard Time, from the zone data inside the binary.
static CHINA: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Asia/Shanghai").unwrap_or_else(|_| TimeZone::fixed(Offset::constant(8))));

/// Reads `yyyy-MM-dd HH:mm:ss` (China time). Also reads epoch milliseconds (12 to 14 digits), which some
/// implementations have met in place of the date.
#[must_use]
pub fn parse(text: &str) -> Option<Instant> {
    let bytes = text.as_bytes();
    if (12..=14).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
        return text.parse().ok().map(Instant::from_ms);
    }
    // The parser of dates accepts more spellings than the protocol has: hold it to this one.
    let shape = bytes.len() == 19
        && bytes.iter().enumerate().all(|(i, b)| match i {
            4 | 7 => *b == b'-',
            10 => *b == b' ',
            13 | 16 => *b == b':',
            _ => b.is_ascii_digit(),
        });
    if !shape {
        return None;
    }
    let civil: DateTime = text.parse().ok()?;
    let timestamp = CHINA.to_ambiguous_timestamp(civil).compatible().ok()?;
    Some(Instant::from_ms(timestamp.as_millisecond()))
}

/// `yyyy-MM-dd HH:mm:ss` in China time; milliseconds are dropped.
#[must_use]
pub fn text(at: Instant) -> String {
    zoned(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Reads `yyyy-MM-ddTHH:mm:ssZ`, the UTC spelling of the `OpenAPI`.
#[must_use]
pub fn parse_utc(text: &str) -> Option<Instant> {
    let shape = text.len() == 20 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    let timestamp: Timestamp = shape.then(|| text.parse().ok())??;
    Some(Instant::from_ms(timestamp.as_millisecond()))
}

/// `yyyy-MM-ddTHH:mm:ssZ`; milliseconds are dropped.
#[must_use]
pub fn utc_text(at: Instant) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The start of the clock hour `[HH:00, HH+1:00)` that holds `at`.
#[must_use]
pub fn hour_start(at: Instant) -> Instant {
    at.plus_ms(-at.ms().rem_euclid(HOUR_MS))
}

/// The start of the next clock hour.
#[must_use]
pub fn next_hour(at: Instant) -> Instant {
    hour_start(at).plus_ms(HOUR_MS)
}

/// Midnight in China at the beginning of the day that holds `at`.
#[must_use]
pub fn day_start(at: Instant) -> Instant {
    first_of(&zoned(at), zoned(at).date())
}

/// Midnight in China at the end of the day that holds `at`.
#[must_use]
pub fn next_day(at: Instant) -> Instant {
    let day = zoned(at);
    first_of(&day, day.date().saturating_add(1.day()))
}

/// Midnight in China at the beginning of the month that holds `at`.
#[must_use]
pub fn month_start(at: Instant) -> Instant {
    let day = zoned(at);
    first_of(&day, day.date().first_of_month())
}

/// Midnight in China at the end of the month that holds `at`.
#[must_use]
pub fn next_month(at: Instant) -> Instant {
    let day = zoned(at);
    first_of(&day, day.date().first_of_month().saturating_add(1.month()))
}

fn first_of(day: &Zoned, date: jiff::civil::Date) -> Instant {
    // Fails at the two ends of representable time only; there the day itself is as good an answer.
    let midnight = date.to_zoned(day.time_zone().clone()).map_or_else(|_| day.timestamp(), |z| z.timestamp());
    Instant::from_ms(midnight.as_millisecond())
}

fn zoned(at: Instant) -> Zoned {
    timestamp(at).to_zoned(CHINA.clone())
}

/// Instants beyond the calendar (years −9999 to 9999) become its ends.
fn timestamp(at: Instant) -> Timestamp {
    Timestamp::from_millisecond(at.ms()).unwrap_or(if at.ms() < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_without_a_zone_is_china_time() {
        // 2020-10-10 00:00:00 +08:00, from the OpenAPI's own example of `EndOn`.
        assert_eq!(parse("2020-10-10 00:00:00"), Some(Instant::from_ms(1_602_259_200_000)));
        assert_eq!(text(Instant::from_ms(1_602_259_200_999)), "2020-10-10 00:00:00");
        assert_eq!(parse("1602259200000"), Some(Instant::from_ms(1_602_259_200_000)));
    }

    #[test]
    fn other_spellings_are_not_dates() {
        for bad in [
            "",
            "2020-10-10",
            "2020-10-10T00:00:00",
            "2020-10-10 00:00:00Z",
            "2020-13-10 00:00:00",
            "2020-02-30 00:00:00",
            "2020-10-10 24:00:00",
            "2020-10-10 00:00:0x",
            " 2020-10-10 00:00:0",
            "1602259200",
            "99999999999999999999",
            "２０２０-10-10 00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_and_months_begin_at_midnight_in_china() {
        let late = parse("2026-12-31 23:59:59").unwrap();
        assert_eq!(text(hour_start(late)), "2026-12-31 23:00:00");
        assert_eq!(text(next_hour(late)), "2027-01-01 00:00:00");
        assert_eq!(text(day_start(late)), "2026-12-31 00:00:00");
        assert_eq!(text(next_day(late)), "2027-01-01 00:00:00");
        assert_eq!(text(month_start(late)), "2026-12-01 00:00:00");
        assert_eq!(text(next_month(late)), "2027-01-01 00:00:00");
        let midnight = parse("2026-03-01 00:00:00").unwrap();
        assert_eq!((hour_start(midnight), day_start(midnight), month_start(midnight)), (midnight, midnight, midnight));
    }

    #[test]
    fn utc_texts_are_read_as_they_are_written() {
        let at = parse_utc("2016-02-23T12:46:24Z").unwrap();
        assert_eq!(at.ms(), 1_456_231_584_000);
        assert_eq!(utc_text(at), "2016-02-23T12:46:24Z");
        for bad in ["2016-02-23 12:46:24Z", "2016-02-23T12:46:24+0", "2016-02-23T12:46:24", "x", "2016-02-23T12:46Z"] {
            assert_eq!(parse_utc(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(secs in 694_224_000_i64..253_402_200_000) {
            let at = Instant::from_ms(secs * 1000);
            prop_assert_eq!(parse(&text(at)), Some(at));
            prop_assert_eq!(parse_utc(&utc_text(at)), Some(at));
            let (from, to) = (hour_start(at), next_hour(at));
            prop_assert!(from <= at && at < to);
            prop_assert!(text(from).ends_with(":00:00"));
        }

        #[test]
        fn nothing_panics_at_the_ends_of_time(ms: i64, words in ".*") {
            let at = Instant::from_ms(ms);
            let _ = (text(at), utc_text(at), hour_start(at), next_hour(at), day_start(at), next_day(at));
            let _ = (month_start(at), next_month(at), parse(&words), parse_utc(&words));
        }
    }
}
