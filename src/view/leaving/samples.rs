//! The pages at the end of an account, for snapshots and for looking at them.

use maud::Markup;

use super::{Delete, Obstacle, delete};
use crate::view::frame::Frame;
use crate::view::parts::Problem;
use crate::view::samples::Said;

pub fn pages(say: &Said, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let free = Delete { email: "owner@example.com".into(), ..Delete::default() };
    let last_owner = |id: &str, zh: &str, en: &str, is_bound| Obstacle::LastOwner {
        id: id.to_owned(),
        name: say.or(zh, en),
        is_bound,
    };
    let obstacles = vec![
        last_owner("org_yunfan", "云帆数据", "Yunfan Data", true),
        last_owner("org_xinghe", "星河科技", "Xinghe Tech", false),
        Obstacle::LastOperator,
    ];
    vec![
        ("delete", delete(owner, &free)),
        (
            "delete-refused",
            delete(owner, &Delete { problems: vec![Problem::at("email", "not_yours")], ..free.clone() }),
        ),
        ("delete-not-yet", delete(owner, &Delete { obstacles, ..free })),
    ]
}
