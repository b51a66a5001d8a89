//! What the vendor's product can be told, when it is told again, and what its answer means (interfaces §3, rules A4).

use super::value::{DAY_MS, HOUR_MS, Instant, MINUTE_MS, SECOND_MS};

/// What the delivery of an event may be in, as lists are asked for it.
pub const DELIVERY_STATES: [&str; 3] = ["waiting", "delivered", "dead"];

/// Every type of event, as feed and webhooks name it. A new one is declared here and in `docs/events.json`.
pub const TYPES: &[&str] = &[
    "subscription.created",
    "subscription.activated",
    "subscription.renewed",
    "subscription.changed",
    "subscription.expired",
    "subscription.released",
    "subscription.conflict",
    "subscription.overdue",
    "order.paid",
    "binding.requested",
    "binding.refused",
    "binding.timed_out",
    "binding.live",
    "binding.ended",
    "organization.created",
    "organization.renamed",
    "organization.frozen",
    "organization.unfrozen",
    "organization.no_channel",
    "organization.grace_ended",
    "organization.deleted",
    "member.added",
    "member.changed",
    "member.removed",
    "session.revoked",
    "metering.at_risk",
    "metering.rejected",
    "metering.missed",
];

/// The event with which the vendor is asked to confirm a binding.
pub const ASKING: &str = "binding.requested";

/// Whether a filter names a type, or a family of types such as `binding.*`.
#[must_use]
pub fn is_filter(text: &str) -> bool {
    TYPES.iter().any(|kind| fits(text, kind))
}

/// Whether a webhook with these space-separated filters hears of a type of event. Without a filter it hears everything.
#[must_use]
pub fn hears(filters: &str, kind: &str) -> bool {
    filters.is_empty() || filters.split(' ').any(|filter| fits(filter, kind))
}

fn fits(filter: &str, kind: &str) -> bool {
    match filter.strip_suffix(".*") {
        Some(family) => kind.split_once('.').is_some_and(|(of, _)| of == family),
        None => filter == kind,
    }
}

/// How long after each failed attempt the next one follows.
const RETRIES_MS: [i64; 9] = [
    5 * SECOND_MS,
    5 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    24 * HOUR_MS,
];
/// Retries are spread by up to a tenth, so that a product that comes back is not met by everything at once.
const SPREAD_TENTHS: i64 = 10;
/// The vendor is asked to confirm a binding so long after the request (rules A4).
const ASKS_MS: [i64; 5] = [0, 5 * SECOND_MS, 15 * SECOND_MS, 30 * SECOND_MS, 60 * SECOND_MS];
/// A webhook none of whose deliveries has succeeded for this long is disabled.
pub const FAILING_MS: i64 = 5 * DAY_MS;

/// What a delivery is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Tells of an event.
    Tell,
    /// Asks to confirm a binding that was requested at this moment, and is still undecided or not.
    Ask { requested_at: Instant, is_open: bool },
    /// Tries whether anybody is there, once.
    Ping,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 2xx, with the one body that confirms a binding or with any other.
    Taken { is_confirming: bool },
    /// 410: nobody is there any more.
    Gone,
    /// Any other status, or none.
    Failed,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Delivered,
    /// It arrived, and with it the vendor's word.
    Confirmed,
    Again(Instant),
    Dead,
}

/// What follows from an answer. `attempts` counts the one that was just made; `spread` is any byte of chance.
#[must_use]
pub fn after(purpose: Purpose, attempts: u32, answer: Answer, spread: u8, now: Instant) -> Next {
    let ended = if matches!(answer, Answer::Taken { .. }) { Next::Delivered } else { Next::Dead };
    let made = usize::try_from(attempts).unwrap_or(usize::MAX);
    match purpose {
        Purpose::Ask { .. } if matches!(answer, Answer::Taken { is_confirming: true }) => Next::Confirmed,
        // It is asked until somebody decides: an answer that does not confirm is no decision.
        Purpose::Ask { requested_at, is_open: true } if answer != Answer::Gone => {
            ASKS_MS.get(made).map_or(ended, |offset| Next::Again(requested_at.plus_ms(*offset).max(now)))
        }
        Purpose::Tell if answer == Answer::Failed => match made.checked_sub(1).and_then(|done| RETRIES_MS.get(done)) {
            Some(wait) => Next::Again(now.plus_ms(wait + wait / SPREAD_TENTHS * i64::from(spread) / 255)),
            None => Next::Dead,
        },
        // A webhook that is gone is disabled; what it has not heard waits for it.
        Purpose::Tell if answer == Answer::Gone => Next::Again(now),
        _ => ended,
    }
}

/// Whether an answer's body is the vendor's yes, and nothing else is.
#[must_use]
pub fn is_confirmation(body: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(body).is_ok_and(|body| body == serde_json::json!({ "confirmed": true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_ms(1_000_000);
    const TAKEN: Answer = Answer::Taken { is_confirming: false };

    #[test]
    fn a_filter_names_a_type_or_a_family() {
        for (filters, kind, is_heard) in [
            ("", "order.paid", true),
            ("order.paid", "order.paid", true),
            ("order.paid", "binding.live", false),
            ("binding.*", "binding.live", true),
            ("binding.* order.paid", "order.paid", true),
            ("bind.*", "binding.live", false),
        ] {
            assert_eq!(hears(filters, kind), is_heard, "{filters} {kind}");
        }
        assert!(is_filter("member.*") && is_filter("member.added"));
        assert!(["", "*", "member", "member.", "member.*.*", "nobody.*"].iter().all(|bad| !is_filter(bad)));
    }

    #[test]
    fn an_event_is_told_ten_times_over_three_days_and_then_given_up() {
        let mut at = NOW;
        let mut waits = Vec::new();
        for attempt in 1..=9 {
            let Next::Again(next) = after(Purpose::Tell, attempt, Answer::Failed, 0, at) else { panic!("{attempt}") };
            waits.push(next.since_ms(at));
            at = next;
        }
        assert_eq!(waits, RETRIES_MS);
        assert_eq!(after(Purpose::Tell, 10, Answer::Failed, 0, at), Next::Dead);
        assert_eq!(after(Purpose::Tell, 10, TAKEN, 0, at), Next::Delivered);
        assert_eq!(after(Purpose::Tell, 1, Answer::Failed, 255, NOW), Next::Again(NOW.plus_ms(5_500)));
    }

    #[test]
    fn a_binding_is_asked_for_five_times_in_a_minute_whatever_else_is_answered() {
        for answer in [TAKEN, Answer::Failed] {
            let ask = Purpose::Ask { requested_at: NOW, is_open: true };
            let next: Vec<Next> = (1..=5).map(|made| after(ask, made, answer, 9, NOW)).collect();
            let at = |secs| Next::Again(NOW.plus_secs(secs));
            let end = if answer == TAKEN { Next::Delivered } else { Next::Dead };
            assert_eq!(next, [at(5), at(15), at(30), at(60), end]);
            let late = NOW.plus_secs(20);
            assert_eq!(
                after(ask, 1, answer, 0, late),
                Next::Again(late),
                "a slow answer does not put the next one off"
            );
            assert_eq!(after(Purpose::Ask { requested_at: NOW, is_open: false }, 1, answer, 0, NOW), end, "decided");
        }
        for is_open in [true, false] {
            let ask = Purpose::Ask { requested_at: NOW, is_open };
            assert_eq!(after(ask, 1, Answer::Taken { is_confirming: true }, 0, NOW), Next::Confirmed);
            assert_eq!(after(ask, 1, Answer::Gone, 0, NOW), Next::Dead);
        }
        assert_eq!(after(Purpose::Ping, 1, Answer::Failed, 0, NOW), Next::Dead);
        assert_eq!(after(Purpose::Tell, 1, Answer::Taken { is_confirming: true }, 0, NOW), Next::Delivered);
    }

    #[test]
    fn only_one_body_confirms() {
        assert!(is_confirmation(r#"{"confirmed":true}"#) && is_confirmation(" {\n\"confirmed\": true }\n"));
        for no in [
            "",
            "true",
            "{}",
            r#"{"confirmed":false}"#,
            r#"{"confirmed":"true"}"#,
            r#"{"confirmed":1}"#,
            r#"[{"confirmed":true}]"#,
            r#"{"confirmed":true,"but":"not yet"}"#,
        ] {
            assert!(!is_confirmation(no), "{no}");
        }
    }
}
