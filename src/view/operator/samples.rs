//! The operators' pages, for snapshots and for looking at them.

use maud::Markup;

use super::{Deciding, Decision, Held, Line, Metering, Reconciling, Refusal};
use crate::domain::usage::State;
use crate::domain::value::{HOUR_MS, MINUTE_MS};
use crate::view::frame::{Frame, Who};
use crate::view::parts::Problem;
use crate::view::samples::{AT, Said, purchase};
use crate::view::usage::samples::{measure, overview};
use crate::view::usage::{Overview, Record};

pub(super) fn line(say: &Said, id: i64, state: State, code: Option<&str>) -> Line {
    let from = AT.plus_ms(-40 * MINUTE_MS - 32_000);
    Line {
        id: 20_417 + id,
        record: Record {
            measure: measure(say, ["Period", "Storage", "VirtualCpu"][usize::try_from(id).unwrap_or(0) % 3]),
            from,
            until: from.plus_ms(HOUR_MS),
            is_late: false,
            quantity: 1_234_567 * (id + 1),
            carried_in: 0,
            state,
            code: code.map(str::to_owned),
            carried_to: None,
        },
        organization_id: "org_yunfan".into(),
        organization: say.or("云帆数据", "Yunfan Data"),
        subscription: (id != 3).then(|| "alibaba-86040213".into()),
        due_by: from.plus_ms(HOUR_MS + 55 * MINUTE_MS),
        changed_at: AT.plus_ms(-id * MINUTE_MS),
        settled_at: state.is_final().then_some(AT),
        attempts: 2,
        note: (state == State::Waived).then(|| say.or("与客户确认不收取", "Agreed with the customer")),
        request_ref: (state == State::Unknown).then(|| "6EF60BEC-0242-43AF-BB20-270359FB54A7".into()),
    }
}

pub(in super::super) fn pages(say: &Said, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let name = say.or("周岚", "Lan Zhou");
    let who = Who { name: &name, email: "operator@example.com", is_via_marketplace: false, is_operator: true };
    let frame = &Frame { signed_in: Some(who), path: "/operator/metering", ..*owner };
    let held = Held {
        state: State::Unknown,
        states: vec![State::Unknown, State::Rejected, State::Missed],
        seller: String::new(),
        sellers: vec!["alibaba".into(), "alibaba-intl".into()],
        organization: String::new(),
        lines: vec![
            line(say, 0, State::Unknown, Some("unanswered")),
            line(say, 1, State::Unknown, Some("http_502")),
            line(say, 3, State::Unknown, None),
        ],
        next_href: Some("/operator/metering?state=unknown&after=1795330800000-7".into()),
    };
    let states = vec![State::Open, State::Sealed, State::Sending, State::Unknown, State::Rejected, State::Missed];
    let metering = Metering {
        states,
        counts: vec![
            ("alibaba".into(), vec![50_000, 1_240, 100, 3, 1, 12]),
            ("alibaba-intl".into(), vec![8, 0, 0, 0, 0, 0]),
        ],
        counts_end: 50_000,
        stops: vec![("alibaba-intl".into(), "Permission.Denied".into(), AT)],
        at_risk: vec![line(say, 2, State::Sealed, None)],
        held,
    };
    let calm = Metering {
        counts: vec![],
        stops: vec![],
        at_risk: vec![],
        held: Held {
            state: State::Missed,
            seller: "alibaba".into(),
            organization: "org_yunfan".into(),
            lines: vec![],
            next_href: None,
            ..metering.held.clone()
        },
        ..metering.clone()
    };
    let deciding = Deciding {
        line: line(say, 0, State::Unknown, Some("unanswered")),
        decisions: vec![Decision::Resend, Decision::TreatAsAccepted, Decision::Waive],
        chosen: None,
        why: String::new(),
        is_done: false,
        refusal: None,
        problems: vec![],
    };
    let refused = Deciding {
        line: line(say, 1, State::Rejected, Some("Invalid.Parameter.Metering")),
        decisions: vec![Decision::Retry, Decision::Waive],
        chosen: Some(Decision::Retry),
        refusal: Some(Refusal::TooLate),
        problems: vec![Problem::at("why", "required")],
        ..deciding.clone()
    };
    let done =
        Deciding { line: line(say, 2, State::Waived, None), decisions: vec![], is_done: true, ..deciding.clone() };
    let reconciling = Reconciling {
        name: "alibaba-86040213".into(),
        purchase: purchase(say),
        organization: Some(("org_yunfan".into(), say.or("云帆数据", "Yunfan Data"))),
        usage: Overview {
            months: overview(say, false)
                .months
                .into_iter()
                .map(|month| super::super::usage::Month {
                    href: "/operator/subscriptions/alibaba-86040213".into(),
                    ..month
                })
                .collect(),
            ..overview(say, false)
        },
        bill_url: Some("https://market.example.com/console/bills".into()),
    };
    let unused = Reconciling {
        usage: Overview { items: vec![], ..reconciling.usage.clone() },
        organization: None,
        ..reconciling.clone()
    };
    let mut pages = super::health::samples::pages(say, frame);
    pages.extend(super::act::samples::pages(say, frame));
    pages.extend([
        ("operator-metering", super::metering(frame, &metering)),
        ("operator-metering-calm", super::metering(frame, &calm)),
        ("operator-record", super::deciding(frame, &deciding)),
        ("operator-record-refused", super::deciding(frame, &refused)),
        ("operator-record-done", super::deciding(frame, &done)),
        ("operator-subscription", super::reconciling(frame, &reconciling)),
        ("operator-subscription-unused", super::reconciling(frame, &unused)),
    ]);
    pages
}
