//! Usage of a month, for snapshots and for looking at it.

use maud::Markup;

use super::{Amounts, Item, Month, Overview, Record, Records};
use crate::domain::usage::{Cycle, State};
use crate::domain::value::{DAY_MS, HOUR_MS, Instant};
use crate::view::figures::Measure;
use crate::view::frame::Frame;
use crate::view::samples::{AT, Said, of};

pub(in super::super) fn measure(say: &Said, key: &str) -> Measure {
    let (name, pushed_per_billed, is_gauge) = match key {
        "VirtualCpu" => ("vCPU".to_owned(), 1, true),
        "Storage" => (say.or("存储", "Storage"), 1024 * 1024, true),
        _ => (say.or("计算时长", "Compute time"), 3600, false),
    };
    Measure { key: key.into(), name, unit: String::new(), pushed_per_billed, is_gauge, cycle: Cycle::Hour }
}

/// A month until its 22nd day; weekends are quiet.
fn used(say: &Said, key: &str, daily: i64, is_whole: bool) -> Item {
    let day = |at: i64| {
        let used = if at > 22 { 0 } else { daily * (if (at + 5) % 7 > 4 { 40 } else { 80 + at * 7 % 30 }) / 100 };
        let waiting = if at == 22 { used / 3 } else { 0 };
        let unbilled = if !is_whole && at == 9 { used / 2 } else { 0 };
        let doubtful = if !is_whole && at == 20 { used / 8 } else { 0 };
        Amounts { used, accepted: used - waiting - unbilled - doubtful, waiting, doubtful, unbilled }
    };
    let days: Vec<_> = (1..=30).map(day).collect();
    let sum = |of: fn(&Amounts) -> i64| days.iter().map(of).sum::<i64>();
    let amounts = Amounts {
        used: sum(|day| day.used),
        accepted: sum(|day| day.accepted),
        waiting: sum(|day| day.waiting),
        doubtful: sum(|day| day.doubtful),
        unbilled: sum(|day| day.unbilled),
    };
    let late = amounts.unbilled / 4;
    let unbilled = [(State::Missed, "late", late), (State::Unbillable, "unbound", amounts.unbilled - late)];
    let unbilled = unbilled.into_iter().filter(|(.., quantity)| *quantity > 0);
    Item {
        measure: measure(say, key),
        amounts,
        unbilled: unbilled.map(|(state, code, quantity)| (state, Some(code.to_owned()), quantity)).collect(),
        cost_fen: (key != "Storage" || is_whole).then_some(123_456),
        days,
    }
}

pub(in super::super) fn overview(say: &Said, is_whole: bool) -> Overview {
    let month = Instant::from_ms(1_793_462_400_000);
    let href = |month: &str| format!("/orgs/org_yunfan/billing?month={month}");
    Overview {
        month,
        months: vec![
            Month { at: month.plus_ms(-DAY_MS), href: href("2026-10") },
            Month { at: month, href: href("2026-11") },
        ],
        items: vec![
            used(say, "Period", 320_000, is_whole),
            used(say, "Storage", 800_000_000_000, is_whole),
            used(say, "VirtualCpu", 52, is_whole),
        ],
        drawn: if is_whole { "VirtualCpu" } else { "Storage" }.into(),
        at: AT,
    }
}

/// A record in every state.
fn records(say: &Said) -> Records {
    let hour = Instant::from_ms(1_795_330_800_000);
    let states = [
        (State::Open, None),
        (State::Sealed, None),
        (State::Sending, None),
        (State::Accepted, None),
        (State::Rejected, Some("Invalid.Parameter.Metering")),
        (State::Rejected, Some("closed")),
        (State::Unknown, Some("unanswered")),
        (State::Missed, Some("deadline")),
        (State::Missed, Some("late")),
        (State::Carried, None),
        (State::Waived, None),
        (State::Unbillable, Some("unbound")),
        (State::Unbillable, Some("not_sold")),
        (State::Unbillable, Some("expired")),
    ];
    let records = states.into_iter().zip(0_i64..).map(|((state, code), at)| Record {
        measure: measure(say, ["Period", "Storage", "VirtualCpu"][usize::try_from(at).unwrap_or(0) % 3]),
        from: hour.plus_ms(-at * HOUR_MS),
        until: hour.plus_ms((1 - at) * HOUR_MS),
        is_late: code == Some("late") || state == State::Carried,
        quantity: 1_234_567 * (at + 1),
        carried_in: if at == 0 { 3_600 } else { 0 },
        state,
        code: code.map(str::to_owned),
        carried_to: (state == State::Carried).then_some(hour),
    });
    let month = |text: &str, days: i64| Month {
        at: AT.plus_ms(days * DAY_MS),
        href: format!("/orgs/org_yunfan/usage?month={text}"),
    };
    Records {
        organization: of(say),
        month: Instant::from_ms(1_793_462_400_000),
        earlier: Some(month("2026-10", -30)),
        later: None,
        day: String::new(),
        days: ("2026-11-01".into(), "2026-11-30".into()),
        item: String::new(),
        items: ["Period", "Storage", "VirtualCpu"].map(|key| (key.to_owned(), measure(say, key).name)).to_vec(),
        records: records.collect(),
        next_href: Some("/orgs/org_yunfan/usage?month=2026-11&after=1795330800000-7".into()),
        first_href: None,
    }
}

pub(in super::super) fn pages(say: &Said, owner: &Frame, guest: &Frame) -> Vec<(&'static str, Markup)> {
    vec![
        ("usage", super::records(owner, &records(say))),
        (
            "usage-filtered",
            super::records(
                guest,
                &Records {
                    day: "2026-11-03".into(),
                    item: "Storage".into(),
                    records: vec![],
                    next_href: None,
                    first_href: Some("/orgs/org_yunfan/usage?month=2026-11".into()),
                    ..records(say)
                },
            ),
        ),
        ("usage-none", super::records(owner, &Records { records: vec![], next_href: None, ..records(say) })),
    ]
}
