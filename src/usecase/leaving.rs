//! What is held about a person, and its end: the export of it, and the deletion of an account (rules D6).

use serde_json::{Value, json};

use crate::domain::letter::Notice;
use crate::domain::organization::Role;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::{
    Db, Tx, binding, claim, invitation, mail as mails, member, organization, second_factor, session, user,
};
use crate::usecase::audit::{self, Filter, Said};
use crate::usecase::mail::Mailer;
use crate::usecase::organization::Actor;
use crate::usecase::second_factor::{Person, status, tell};
use crate::usecase::session::tell_revoked;
use crate::usecase::{membership, rfc3339};

/// Most rows of each kind that an export holds, the newest first.
const AT_MOST: u32 = 1_000;
/// Rows that are erased in one write.
const STEP: u32 = 500;

/// Why an account cannot be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody else owns this organization.
    LastOwner {
        id: String,
        name: String,
        /// It pays through a subscription.
        is_bound: bool,
    },
    /// Nobody else could use the operators' console.
    LastOperator,
}

/// What stands in the way of a deletion.
pub fn obstacles(db: &Db, user_id: &str) -> Result<Vec<Obstacle>> {
    let mut found = Vec::new();
    for (one, role) in organization::list_of_user(db, user_id)? {
        if role == Role::Owner && member::count_other_owners(db, &one.id, user_id)? == 0 {
            let is_bound = binding::find_live_of_organization(db, &one.id)?.is_some()
                || binding::find_requested_of_organization(db, &one.id)?.is_some();
            found.push(Obstacle::LastOwner { id: one.id, name: one.name, is_bound });
        }
    }
    let is_operator = user::find(db, user_id)?.is_some_and(|found| found.is_operator);
    if is_operator && !user::has_other_operator(db, user_id)? {
        found.push(Obstacle::LastOperator);
    }
    Ok(found)
}

/// Erases some of what went to the addresses of somebody who is about to be deleted: all of it in one write with the deletion
/// would hold the others up (rules D1). How many rows that was; nothing is left after zero.
///
/// # Errors
/// As [`delete`].
pub fn erase_some(tx: &Tx, user_id: &str) -> Result<usize> {
    if !obstacles(tx, user_id)?.is_empty() {
        return Err(Error::Conflict("obstacles"));
    }
    erase(tx, user_id)
}

fn erase(tx: &Tx, user_id: &str) -> Result<usize> {
    let address = user::find(tx, user_id)?.ok_or(Error::NotFound("user"))?.email;
    for one in former_addresses(tx, user_id)?.iter().chain([&address]) {
        let erased = mails::delete_to(tx, one, STEP / 2)? + invitation::delete_to(tx, one, STEP / 2)?;
        if erased > 0 {
            return Ok(erased);
        }
    }
    Ok(0)
}

/// Deletes a person's account: memberships and sessions end and are told, what tells of the person is erased, the key of
/// their values in the audit log is destroyed. A row without a name stays, because bindings and the log point to it.
///
/// # Errors
/// `Conflict("obstacles")` if [`obstacles`] names any.
pub fn delete(tx: &Tx, mailer: &Mailer<'_>, who: &Person<'_>, now: Instant) -> Result<()> {
    if !obstacles(tx, who.user_id)?.is_empty() {
        return Err(Error::Conflict("obstacles"));
    }
    let actor =
        Actor { user_id: who.user_id.to_owned(), only_organization: None, request_id: who.request_id.to_owned() };
    loop {
        let some = organization::list_of_user(tx, who.user_id)?;
        if some.is_empty() {
            break;
        }
        for (one, _) in some {
            membership::remove(tx, &actor, &one.id, who.user_id, now)?;
        }
    }
    tell_revoked(tx, who.user_id, None, "account_deleted", now)?;
    who.note(tx, "user.deleted", now)?;
    // What came after the last of `erase_some`.
    while erase(tx, who.user_id)? > 0 {}
    let address = user::find(tx, who.user_id)?.ok_or(Error::NotFound("user"))?.email;
    // The last mail; it goes the way of all mails within their retention.
    tell(tx, mailer, who, Notice::AccountDeleted, now)?;
    second_factor::delete(tx, who.user_id)?;
    claim::close_of_user(tx, who.user_id, now)?;
    session::delete_all(tx, who.user_id)?;
    user::erase(tx, who.user_id, &address, now)?;
    audit::forget_user(tx, who.user_id)
}

/// The addresses that a person had before, as far as the log knows them, and nobody has now.
fn former_addresses(db: &Db, user_id: &str) -> Result<Vec<String>> {
    let changes = Filter { user_id: user_id.to_owned(), action: "user.email_changed".to_owned(), ..Filter::default() };
    let mut found = Vec::new();
    for change in audit::list(db, &changes, i64::MAX, AT_MOST)? {
        if let Said::Text(address) = change.before
            && user::find_by_email(db, &address)?.is_none()
        {
            found.push(address);
        }
    }
    Ok(found)
}

fn moment(at: Option<Instant>) -> Value {
    at.map_or(Value::Null, |at| rfc3339(at).into())
}

/// Everything that is held about a person, in words that outlive this program.
pub fn export(db: &Db, user_id: &str, now: Instant) -> Result<Value> {
    let found = user::find(db, user_id)?.ok_or(Error::NotFound("user"))?;
    let second_factor = status(db, user_id)?
        .map(|status| json!({ "enabled_at": rfc3339(status.enabled_at), "recovery_codes_left": status.recovery_left }));
    let memberships: Vec<Value> = organization::list_of_user(db, user_id)?
        .into_iter()
        .map(|(one, role)| json!({ "organization": one.id, "name": one.name, "role": role }))
        .collect();
    let sessions: Vec<Value> = session::list_all(db, user_id, AT_MOST)?
        .into_iter()
        .map(|one| {
            json!({
                "id": one.id,
                "from_marketplace": one.binding_id.is_some(),
                "signed_in_at": rfc3339(one.created_at),
                "last_used_at": rfc3339(one.seen_at),
                "ended_at": moment(one.ended_at),
                "browser": one.user_agent,
                "address": one.address,
            })
        })
        .collect();
    let browsers: Vec<String> = user::list_browsers(db, user_id, AT_MOST)?.into_iter().map(rfc3339).collect();
    let bindings: Vec<Value> = binding::list_of_requester(db, user_id, AT_MOST)?
        .into_iter()
        .map(|one| {
            json!({
                "id": one.id,
                "organization": one.organization_id,
                "state": one.state,
                "requested_at": rfc3339(one.requested_at),
                "login_free_entry": one.allows_entry && one.entry_user_id == user_id,
            })
        })
        .collect();
    let mails: Vec<Value> = mails::list_to(db, &found.email, AT_MOST)?
        .into_iter()
        .map(|one| json!({ "kind": one.kind, "subject": one.subject, "written_at": rfc3339(one.created_at) }))
        .collect();
    let invitations: Vec<Value> = invitation::list_to(db, &found.email, AT_MOST)?
        .into_iter()
        .map(|one| {
            json!({
                "organization": one.organization_id,
                "role": one.role,
                "sent_at": rfc3339(one.sent_at),
                "accepted_at": moment(one.accepted_at),
            })
        })
        .collect();
    let mut noted = Vec::new();
    for filter in [
        Filter { user_id: user_id.to_owned(), ..Filter::default() },
        Filter { actor_id: user_id.to_owned(), ..Filter::default() },
    ] {
        noted.extend(audit::list(db, &filter, i64::MAX, AT_MOST)?);
    }
    noted.sort_by_key(|one| std::cmp::Reverse(one.id));
    noted.dedup_by_key(|one| one.id);
    let log: Vec<Value> = noted
        .into_iter()
        .map(|one| {
            let mut entry = json!({
                "id": one.id,
                "at": rfc3339(one.at),
                "action": one.action,
                "subject": one.subject.1,
                "by_yourself": one.by.id == user_id,
            });
            // Values about others are theirs.
            if one.user_id.as_deref() == Some(user_id) {
                for (name, said) in [("before", one.before), ("after", one.after)] {
                    if let Said::Text(text) = said {
                        entry[name] = text.into();
                    }
                }
            }
            entry
        })
        .collect();
    Ok(json!({
        "exported_at": rfc3339(now),
        "profile": {
            "id": found.id,
            "name": found.name,
            "email": found.email,
            "email_verified_at": moment(found.email_verified_at),
            "language": found.lang.tag(),
            "is_operator": found.is_operator,
            "registered_at": rfc3339(found.created_at),
            "password_changed_at": rfc3339(found.password_changed_at),
        },
        "two_step_verification": second_factor,
        "memberships": memberships,
        "sessions": sessions,
        "browsers_first_seen_at": browsers,
        "bindings_requested": bindings,
        "invitations": invitations,
        "mails": mails,
        "audit_log": log,
    }))
}
