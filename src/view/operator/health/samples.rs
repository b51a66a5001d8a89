//! The overview, for snapshots and for looking at it.

use maud::Markup;

use crate::domain::subscription::State;
use crate::domain::value::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::view::frame::Frame;
use crate::view::operator::health::{Alarm, Leads, Overview, Round, health};
use crate::view::samples::{AT, Said};

fn alarm(kind: &str, subject: &str, detail: &str, times: u64, hours: i64) -> Alarm {
    Alarm {
        leads: Leads::of(kind, subject.starts_with("alibaba-")),
        kind: kind.into(),
        subject: subject.into(),
        detail: detail.into(),
        times,
        raised_at: AT.plus_ms(-hours * HOUR_MS),
        last_at: AT.plus_ms(-MINUTE_MS),
    }
}

pub(in crate::view::operator) fn pages(_: &Said, frame: &Frame) -> Vec<(&'static str, Markup)> {
    let frame = &Frame { path: "/operator", ..*frame };
    let overview = Overview {
        alarms: vec![
            alarm("metering_at_risk", "alibaba-86040213", "2026-11-22T09:55:00Z", 1, 0),
            alarm("metering_unknown", "alibaba", "unanswered", 3, 2),
            alarm("webhook_disabled", "whk_01kc3m9x2pf8q", "failing", 1, 20),
            alarm("quarantined", "alibaba-86040299", "205060317920890", 1, 30),
        ],
        is_cut: false,
        subscriptions: vec![(State::Opening, 2), (State::Active, 1_284), (State::Expired, 37), (State::Released, 216)],
        in_question: 1,
        counts_end: 100_000,
        at_risk: 1,
        unknown: 3,
        lost: 12,
        stopped: vec!["alibaba-intl".into()],
        waiting_deliveries: 418,
        dead_deliveries: 2,
        unwell_webhooks: 1,
        dead_jobs: 0,
        rounds: vec![Round {
            seller: "alibaba".into(),
            ran: Some(AT.plus_ms(-4 * MINUTE_MS)),
            next: AT.plus_ms(6 * MINUTE_MS),
        }],
        started_at: AT.plus_ms(-3 * DAY_MS),
    };
    let calm = Overview {
        alarms: vec![],
        in_question: 0,
        at_risk: 0,
        unknown: 0,
        lost: 0,
        stopped: vec![],
        waiting_deliveries: 0,
        dead_deliveries: 0,
        unwell_webhooks: 0,
        rounds: vec![],
        ..overview.clone()
    };
    vec![("operator-health", health(frame, &overview)), ("operator-health-calm", health(frame, &calm))]
}
