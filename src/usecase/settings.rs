//! What an owner decides about an organization itself: its name, its time zone, its end (product §5, rules A4).

use serde_json::json;

use crate::domain::letter::Letter;
use crate::domain::organization::{Role, check_name};
use crate::domain::value::Instant;
use crate::domain::zone;
use crate::error::{Error, Result};
use crate::store::organization::{self, Organization};
use crate::store::{Db, Tx, binding, event, invitation, job, member, record, session, subscription, user};
use crate::usecase;
use crate::usecase::audit::{self, Entry};
use crate::usecase::mail::{self, Mailer};
use crate::usecase::organization::{Actor, Seen, see};

/// Sessions that are ended at once; those of a binding that has ended reach nothing anyhow.
const SESSIONS: u32 = 100;
/// Members who are taken out at once: each is up to three rows.
const MEMBERS: u32 = 50;
/// The kind of job that takes out the others of an organization that was deleted; its key is
/// `<organization> <who deleted it> <members before them>`.
pub const CLEAR: &str = "organization.clear";

fn owned(db: &Db, actor: &Actor, id: &str) -> Result<Seen> {
    let seen = see(db, actor, id)?;
    if seen.role.manages_people() { Ok(seen) } else { Err(Error::Forbidden("not_owner")) }
}

fn note(
    tx: &Tx,
    actor: &Actor,
    action: &str,
    of: &Organization,
    (before, after): (Option<&str>, Option<&str>),
    now: Instant,
) -> Result<()> {
    let entry = Entry {
        action,
        subject: ("organization", &of.id),
        organization_id: Some(&of.id),
        before,
        after,
        ..Entry::default()
    };
    audit::note(tx, &actor.by(), &entry, now)
}

/// Gives an organization another name. The same name again changes nothing.
///
/// # Errors
/// `Invalid(name, …)` as [`check_name`] says.
pub fn rename(tx: &Tx, actor: &Actor, id: &str, name: &str, now: Instant) -> Result<()> {
    let of = owned(tx, actor, id)?.organization;
    let name = &check_name(name).map_err(|code| Error::invalid("name", code))?;
    if of.name == *name {
        return Ok(());
    }
    organization::set_name(tx, id, name)?;
    let data = json!({ "organization": id, "name": name, "was": of.name });
    event::insert(tx, "organization.renamed", id, &data, now)?;
    note(tx, actor, "organization.renamed", &of, (Some(&of.name), Some(name)), now)
}

/// Sets the zone in which its pages tell time.
///
/// # Errors
/// `Invalid(zone, malformed)` for a name that is not offered.
pub fn set_time_zone(tx: &Tx, actor: &Actor, id: &str, name: &str, now: Instant) -> Result<()> {
    let of = owned(tx, actor, id)?.organization;
    if of.time_zone == name {
        return Ok(());
    }
    if !zone::is_offered(name) {
        return Err(Error::invalid("zone", "malformed"));
    }
    organization::set_time_zone(tx, id, name)?;
    note(tx, actor, "organization.time_zone_changed", &of, (Some(&of.time_zone), Some(name)), now)
}

/// Why an organization cannot be deleted yet (rules A4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It pays through this subscription.
    Bound { subscription: String },
    /// A binding is being processed.
    Requested,
    /// Records that are still to be sent.
    Open { records: u32 },
    /// Records in doubt: a person decides about them.
    Unknown { records: u32 },
}

/// What stands in the way of a deletion.
pub fn obstacles(db: &Db, id: &str) -> Result<Vec<Obstacle>> {
    let mut found = Vec::new();
    if let Some(live) = binding::find_live_of_organization(db, id)? {
        let subscription = subscription::find_by_id(db, live.subscription_id)?.map(|found| found.instance_id);
        found.push(Obstacle::Bound { subscription: subscription.unwrap_or_default() });
    }
    if binding::find_requested_of_organization(db, id)?.is_some() {
        found.push(Obstacle::Requested);
    }
    let unsettled = record::count_unsettled(db, id)?;
    if unsettled.waiting > 0 {
        found.push(Obstacle::Open { records: unsettled.waiting });
    }
    if unsettled.unknown > 0 {
        found.push(Obstacle::Unknown { records: unsettled.unknown });
    }
    Ok(found)
}

/// An organization before its owner deletes it.
pub fn look_to_delete(db: &Db, actor: &Actor, id: &str) -> Result<(Seen, Vec<Obstacle>)> {
    Ok((owned(db, actor, id)?, obstacles(db, id)?))
}

/// Takes members out of an organization that is deleted and mails those who managed it, whoever deleted it among them: as
/// many as one write may, the rest by a job (rules D1).
fn take_out(tx: &Tx, mailer: &Mailer<'_>, (id, by): (&str, &str), before: u32, now: Instant) -> Result<()> {
    let taken = member::take(tx, id, MEMBERS)?;
    let letter = Letter::OrganizationDeleted {
        by: user::find(tx, by)?.map(|user| user.name).unwrap_or_default(),
        organization: organization::find_name(tx, id)?.unwrap_or_default(),
    };
    for (manager, _) in taken.iter().filter(|(_, role)| role.is_some_and(Role::manages_billing)) {
        if let Some(reader) = user::find_known(tx, manager)? {
            mail::queue(tx, mailer, &reader, None, &letter, now)?;
        }
    }
    if taken.len() < MEMBERS as usize {
        return Ok(());
    }
    job::enqueue(tx, CLEAR, &format!("{id} {by} {}", before.saturating_add(MEMBERS)), now)
}

/// Goes on taking members out of an organization that was deleted.
pub fn clear(tx: &Tx, mailer: &Mailer<'_>, key: &str, now: Instant) -> Result<()> {
    let mut words = key.split(' ');
    match (words.next(), words.next(), words.next().and_then(|before| before.parse().ok())) {
        (Some(id), Some(by), Some(before)) => take_out(tx, mailer, (id, by), before, now),
        _ => Err(Error::internal("not a deletion's key")),
    }
}

/// Deletes an organization whose name was `typed`: nobody belongs to it any more, invitations to it lead nowhere, and it
/// is hidden from everybody; who managed it is told. Its row stays, because bindings, records and the log point to it.
///
/// # Errors
/// `Invalid(name, not_its_name)`; `Conflict("obstacles")` if [`obstacles`] names any.
pub fn delete(tx: &Tx, mailer: &Mailer<'_>, actor: &Actor, (id, typed): (&str, &str), now: Instant) -> Result<()> {
    let of = owned(tx, actor, id)?.organization;
    if typed != of.name {
        return Err(Error::invalid("name", "not_its_name"));
    }
    if !obstacles(tx, id)?.is_empty() {
        return Err(Error::Conflict("obstacles"));
    }
    // They rested on bindings that have ended.
    for (session_id, user_id) in session::list_of_organization(tx, id, now, SESSIONS)? {
        session::end(tx, &session_id, &user_id, now)?;
        usecase::session::tell_revoked(tx, &user_id, Some(&session_id), "organization_deleted", now)?;
    }
    take_out(tx, mailer, (id, &actor.user_id), 0, now)?;
    invitation::revoke_all(tx, id, now)?;
    organization::set_deleted(tx, id, now)?;
    event::insert(tx, "organization.deleted", id, &json!({ "organization": id, "name": of.name }), now)?;
    note(tx, actor, "organization.deleted", &of, (Some(&of.name), None), now)
}
