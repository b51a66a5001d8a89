//! Who belongs to an organization: other roles, removals, leaving (product §5, rules A1, A4).

use serde_json::json;

use crate::domain::membership::{self as rule, Change};
use crate::domain::organization::Role;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::member::{self, Member};
use crate::store::{Db, Tx, binding, event, invitation};
use crate::usecase;
use crate::usecase::organization::{self, Actor, Seen};

/// A member as who may change it sees it.
pub struct Look {
    pub seen: Seen,
    pub member: Member,
    /// It is the only owner, who stays one.
    pub is_last_owner: bool,
}

/// Looks at a member to change it.
///
/// # Errors
/// `Forbidden("not_owner")` for who may not, except about oneself; `NotFound("member")` for who does not belong here.
pub fn look(db: &Db, actor: &Actor, organization_id: &str, user_id: &str) -> Result<Look> {
    let seen = organization::see(db, actor, organization_id)?;
    if !seen.role.manages_people() && actor.user_id != user_id {
        return Err(Error::Forbidden("not_owner"));
    }
    let member = member::find(db, organization_id, user_id)?.ok_or(Error::NotFound("member"))?;
    let is_last_owner =
        member.role == Role::Owner && member::count_other_owners(db, organization_id, &member.user_id)? == 0;
    Ok(Look { seen, member, is_last_owner })
}

/// Gives a member another role. `shown` is the role that the page showed.
///
/// # Errors
/// `Conflict("changed")` if it is another one by now; `Conflict("last_owner")`.
pub fn change_role(
    tx: &Tx,
    actor: &Actor,
    organization_id: &str,
    user_id: &str,
    (shown, role): (Role, Role),
    now: Instant,
) -> Result<()> {
    let found = check(tx, actor, organization_id, user_id, Some(role))?;
    if found.role == role {
        return Ok(());
    }
    if found.role != shown {
        return Err(Error::Conflict("changed"));
    }
    member::set_role(tx, organization_id, user_id, role)?;
    let data = json!({ "organization": organization_id, "user": user_id, "role": role, "was": found.role });
    event::insert(tx, "member.changed", organization_id, &data, now)?;
    settle(tx, actor, organization_id, user_id, (Some(role), "role_changed"), now)
}

/// Removes a member, or leaves.
///
/// # Errors
/// `NotFound("member")` for who does not belong here any more; `Conflict("last_owner")`.
pub fn remove(tx: &Tx, actor: &Actor, organization_id: &str, user_id: &str, now: Instant) -> Result<()> {
    let found = check(tx, actor, organization_id, user_id, None)?;
    let reason = if actor.user_id == user_id { "left" } else { "removed" };
    member::delete(tx, organization_id, user_id)?;
    // An invitation that still waits for this address would be a way back in.
    if let Some(open) = invitation::find_open_to(tx, organization_id, &found.email)? {
        invitation::set_revoked(tx, &open.id, now)?;
    }
    let data = json!({ "organization": organization_id, "user": user_id, "role": found.role, "reason": reason });
    event::insert(tx, "member.removed", organization_id, &data, now)?;
    settle(tx, actor, organization_id, user_id, (None, reason), now)
}

fn check(tx: &Tx, actor: &Actor, organization_id: &str, user_id: &str, next: Option<Role>) -> Result<Member> {
    let role = actor.role_in(tx, organization_id)?;
    let found = member::find(tx, organization_id, user_id)?.ok_or(Error::NotFound("member"))?;
    let change = Change {
        actor: role,
        is_own: actor.user_id == user_id,
        then: found.role,
        next,
        other_owners: member::count_other_owners(tx, organization_id, user_id)?,
    };
    match rule::may_change(change) {
        Ok(()) => Ok(found),
        Err("last_owner") => Err(Error::Conflict("last_owner")),
        Err(code) => Err(Error::Forbidden(code)),
    }
}

/// Ends what rested on the place that the member had.
fn settle(
    tx: &Tx,
    actor: &Actor,
    organization_id: &str,
    user_id: &str,
    (next, reason): (Option<Role>, &str),
    now: Instant,
) -> Result<()> {
    usecase::session::end_entries(tx, user_id, organization_id, reason, now)?;
    // Who asked for a binding has to manage billing until it is live (rules A4).
    if !next.is_some_and(Role::manages_billing)
        && let Some(requested) = binding::find_requested_of_organization(tx, organization_id)?
        && requested.requested_by == user_id
    {
        usecase::binding::end(tx, &requested, "not_manager", &actor.by(), now)?;
    }
    Ok(())
}
