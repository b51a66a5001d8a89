//! The pages of invitations, for snapshots and for looking at them.

use maud::Markup;

use super::{Handed, Invitation, Inviting, Joined, Open, Reader, State, handed, invitation, joined};
use crate::domain::organization::Role;
use crate::domain::value::DAY_MS;
use crate::view::frame::Frame;
use crate::view::parts::Problem;
use crate::view::samples::{AT, Said, of};

/// What an owner has sent.
pub(in super::super) fn inviting() -> Inviting {
    let open = |id: &str, email: &str, role, state| Open { id: id.into(), email: email.into(), role, state };
    Inviting {
        open: vec![
            open("inv_1", "tang.wei@example.com", Role::Member, State::Works { minutes_left: 31 * 60 + 12 }),
            open("inv_2", "auditor@example.com", Role::Member, State::Works { minutes_left: 42 }),
            open("inv_3", "finance@example.com", Role::Billing, State::Expired),
            open("inv_4", "he.yutong@example.com", Role::Owner, State::Unbacked),
        ],
        ..Inviting::default()
    }
}

/// The same after a refusal.
pub(in super::super) fn refused() -> Inviting {
    Inviting {
        email: "billing@example.com".into(),
        role: Some(Role::Billing),
        problems: vec![Problem::at("email", "already_member")],
        ..inviting()
    }
}

pub(in super::super) fn pages(say: &Said, anyone: &Frame, owner: &Frame) -> Vec<(&'static str, Markup)> {
    let asked = Invitation {
        token: "token-1".into(),
        organization: say.or("星河科技", "Galaxy Technology"),
        role: Role::Billing,
        inviter: say.or("林悦", "Yue Lin"),
        email_masked: "t***@example.com".into(),
        expires_at: AT.plus_ms(2 * DAY_MS),
        is_frozen: false,
        reader: Reader::Nobody,
    };
    let link = "https://gate.example.com/invitations/wH2c0M9xXy7Rr5bO3gJtVQeK1uLzNfPaSdIhGjB8E4s".to_owned();
    vec![
        ("invitation", invitation(anyone, &asked)),
        ("invitation-invited", invitation(owner, &Invitation { reader: Reader::Invited, ..asked.clone() })),
        (
            "invitation-frozen",
            invitation(owner, &Invitation { reader: Reader::Invited, is_frozen: true, ..asked.clone() }),
        ),
        ("invitation-other", invitation(owner, &Invitation { reader: Reader::Other, ..asked.clone() })),
        (
            "invitation-joined",
            joined(owner, &Joined { organization_id: "org_1".into(), organization: asked.organization }),
        ),
        (
            "invitation-link",
            handed(owner, &Handed { organization: of(say), email: "tang.wei@example.com".into(), link }),
        ),
    ]
}
