//! The members of an organization, for snapshots and for looking at them.

use maud::Markup;

use super::{ChangeRole, Done, Leave, Member, Members, Reach, Remove, change_role, leave, members, remove};
use crate::domain::organization::Role;
use crate::domain::value::DAY_MS;
use crate::view::frame::Frame;
use crate::view::invitation::Inviting;
use crate::view::invitation::samples::{inviting, refused};
use crate::view::samples::{AT, Said, of};

fn member(id: &str, name: String, email: &str, role: Role, days: i64) -> Member {
    Member {
        user_id: id.into(),
        name,
        email: email.into(),
        role,
        joined_at: AT.plus_ms(-days * DAY_MS),
        is_self: id == "usr_1",
    }
}

pub(in super::super) fn pages(say: &Said, owner: &Frame, guest: &Frame) -> Vec<(&'static str, Markup)> {
    let billing = || member("usr_2", say.or("沈知行", "Zhixing Shen"), "billing@example.com", Role::Billing, 538);
    let own = || member("usr_1", say.or("林悦", "Yue Lin"), "owner@example.com", Role::Owner, 618);
    let foreign = || member("usr_3", "Daniel Weiss".into(), "daniel.weiss@example.com", Role::Member, 299);
    let list = Members {
        organization: of(say),
        members: vec![own(), billing(), foreign()],
        reach: Reach::Everybody,
        inviting: Some(inviting()),
        done: None,
    };
    let role = ChangeRole {
        organization: of(say),
        chosen: Role::Billing,
        member: billing(),
        is_last_owner: false,
        is_changed: false,
    };
    let going = Leave { organization: of(say), is_last_owner: false };
    let plain = Members {
        members: vec![Member { is_self: false, ..own() }, billing(), Member { is_self: true, ..foreign() }],
        reach: Reach::Self_,
        inviting: None,
        ..list.clone()
    };
    vec![
        ("members", members(owner, &list)),
        ("members-plain", members(owner, &plain)),
        (
            "members-marketplace",
            members(guest, &Members { reach: Reach::Nobody { is_owner: true }, inviting: None, ..list.clone() }),
        ),
        ("members-done", members(owner, &Members { done: Some(Done::RoleChanged), ..list.clone() })),
        ("members-refused", members(owner, &Members { inviting: Some(refused()), ..list.clone() })),
        (
            "members-locked",
            members(
                owner,
                &Members { inviting: Some(Inviting { is_locked: true, ..Inviting::default() }), ..list.clone() },
            ),
        ),
        ("members-joined", members(owner, &Members { done: Some(Done::Joined), ..plain.clone() })),
        ("member-role", change_role(owner, &role)),
        (
            "member-role-changed",
            change_role(
                owner,
                &ChangeRole { member: foreign(), chosen: Role::Owner, is_changed: true, ..role.clone() },
            ),
        ),
        (
            "member-role-last",
            change_role(owner, &ChangeRole { member: own(), chosen: Role::Owner, is_last_owner: true, ..role }),
        ),
        ("member-remove", remove(owner, &Remove { organization: of(say), member: foreign() })),
        ("member-leave", leave(owner, &going)),
        ("member-leave-last", leave(owner, &Leave { is_last_owner: true, ..going })),
    ]
}
