//! The pages of an organization's settings, for snapshots and for looking at them.

use maud::Markup;

use super::{Delete, Done, Obstacle, Settings, delete, settings};
use crate::domain::value::DAY_MS;
use crate::view::frame::Frame;
use crate::view::parts::Problem;
use crate::view::samples::{AT, Said, of};

pub(in super::super) fn pages(say: &Said, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let now = Settings {
        organization: of(say),
        time_zone: "Asia/Shanghai".into(),
        created_at: AT.plus_ms(-618 * DAY_MS),
        now: AT,
        is_owner: true,
        new_name: of(say).name,
        done: None,
        problems: vec![],
    };
    let going = Delete { organization: of(say), members: 5, obstacles: vec![], problems: vec![] };
    let obstacles = vec![
        Obstacle::Bound { subscription_id: "86040213".into() },
        Obstacle::Requested,
        Obstacle::Open { records: 3 },
        Obstacle::Unknown { records: 1 },
    ];
    vec![
        ("settings", settings(owner, &now)),
        ("settings-plain", settings(owner, &Settings { is_owner: false, ..now.clone() })),
        (
            "settings-refused",
            settings(
                owner,
                &Settings {
                    new_name: "https://example.com".into(),
                    problems: vec![Problem::at("name", "malformed")],
                    ..now.clone()
                },
            ),
        ),
        (
            "settings-done",
            settings(owner, &Settings { time_zone: "Europe/Berlin".into(), done: Some(Done::ZoneChanged), ..now }),
        ),
        ("organization-delete", delete(owner, &going)),
        (
            "organization-delete-refused",
            delete(owner, &Delete { problems: vec![Problem::at("name", "not_its_name")], ..going.clone() }),
        ),
        ("organization-delete-obstacles", delete(owner, &Delete { obstacles, ..going })),
    ]
}
