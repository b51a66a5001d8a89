//! Who may change who belongs to an organization: its owners, and everybody to give up what one has oneself. An
//! organization is never without an owner (product §5).

use super::organization::Role;

impl Role {
    /// Owners invite, change roles, remove, rename and delete. Billing admins do not: who belongs to an organization
    /// reaches what it keeps in the vendor's product, not only its bills.
    #[must_use]
    pub const fn manages_people(self) -> bool {
        matches!(self, Self::Owner)
    }
}

/// A member gets another role, or none.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// Of who asks for it.
    pub actor: Role,
    /// Who asks is the member.
    pub is_own: bool,
    pub then: Role,
    /// `None`: leaves, or is removed.
    pub next: Option<Role>,
    /// Owners beside the member whose accounts are in force.
    pub other_owners: u32,
}

/// Whether a change may be made.
///
/// # Errors
/// `not_owner`: only owners may do this. `last_owner`: nobody would own the organization any more.
pub fn may_change(change: Change) -> Result<(), &'static str> {
    let gives_up = change.is_own && change.next <= Some(change.then);
    if !gives_up && !change.actor.manages_people() {
        Err("not_owner")
    } else if change.then == Role::Owner && change.next != Some(Role::Owner) && change.other_owners == 0 {
        Err("last_owner")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Billing, Member, Owner};

    #[test]
    fn owners_change_everybody_and_everybody_may_give_up_what_is_their_own() {
        let no = Err("not_owner");
        for (actor, is_own, then, next, expected) in [
            (Owner, false, Member, Some(Owner), Ok(())),
            (Owner, false, Owner, Some(Member), Ok(())),
            (Owner, false, Billing, None, Ok(())),
            (Owner, true, Owner, Some(Billing), Ok(())),
            (Owner, true, Owner, None, Ok(())),
            (Billing, false, Member, None, no),
            (Billing, false, Member, Some(Billing), no),
            (Billing, false, Owner, None, no),
            (Billing, true, Billing, Some(Owner), no),
            (Billing, true, Billing, Some(Member), Ok(())),
            (Billing, true, Billing, None, Ok(())),
            (Member, false, Member, None, no),
            (Member, true, Member, Some(Billing), no),
            (Member, true, Member, None, Ok(())),
        ] {
            let change = Change { actor, is_own, then, next, other_owners: 1 };
            assert_eq!(may_change(change), expected, "{change:?}");
        }
    }

    #[test]
    fn the_last_owner_stays_one() {
        for next in [None, Some(Member), Some(Billing)] {
            for (is_own, other_owners) in [(true, 0), (false, 0), (true, 1), (false, 1)] {
                let change = Change { actor: Owner, is_own, then: Owner, next, other_owners };
                let expected = if other_owners == 0 { Err("last_owner") } else { Ok(()) };
                assert_eq!(may_change(change), expected, "{change:?}");
            }
        }
        let kept = Change { actor: Owner, is_own: true, then: Owner, next: Some(Owner), other_owners: 0 };
        assert_eq!(may_change(kept), Ok(()));
    }
}
