//! Organizations as their members see them.

use crate::domain::audit::By;
use crate::domain::organization::Role;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::binding::Binding;
use crate::store::member;
pub use crate::store::member::Member;
use crate::store::organization::{self, Organization};
use crate::store::subscription::{self, Subscription};
use crate::store::{Db, Tx, binding, event, user};
use crate::usecase::audit::{self, Entry};

/// Who asks. A session that came by a login-free entry reaches one organization only.
#[derive(Debug, Clone)]
pub struct Actor {
    pub user_id: String,
    pub only_organization: Option<String>,
    /// The request in which they ask.
    pub request_id: String,
}

impl Actor {
    /// As the audit log knows them.
    #[must_use]
    pub fn by(&self) -> By {
        By::user(&self.user_id).in_request(&self.request_id)
    }

    /// The actor's role in an organization.
    ///
    /// # Errors
    /// `NotFound("organization")` alike for one that does not exist, is foreign, or is out of this session's reach.
    pub fn role_in(&self, db: &Db, organization_id: &str) -> Result<Role> {
        let is_reached = self.only_organization.as_deref().is_none_or(|only| only == organization_id);
        let role = if is_reached { member::find_role(db, organization_id, &self.user_id)? } else { None };
        role.ok_or(Error::NotFound("organization"))
    }
}

/// An organization with the actor's role in it.
pub struct Seen {
    pub organization: Organization,
    pub role: Role,
}

pub fn see(db: &Db, actor: &Actor, id: &str) -> Result<Seen> {
    let role = actor.role_in(db, id)?;
    let organization = organization::find(db, id)?.ok_or(Error::NotFound("organization"))?;
    Ok(Seen { organization, role })
}

/// The actor's organizations, each with the subscription it pays through.
pub fn list(db: &Db, actor: &Actor) -> Result<Vec<(Seen, Option<Subscription>)>> {
    organization::list_of_user(db, &actor.user_id)?
        .into_iter()
        .filter(|(organization, _)| actor.only_organization.as_deref().is_none_or(|only| only == organization.id))
        .map(|(organization, role)| {
            let channel = channel(db, &organization.id)?.map(|(_, subscription)| subscription);
            Ok((Seen { organization, role }, channel))
        })
        .collect()
}

/// Makes an organization; who makes it owns it.
pub fn create(tx: &Tx, actor: &Actor, id: &str, name: &str, now: Instant) -> Result<()> {
    organization::insert(tx, id, name, now)?;
    member::insert(tx, id, &actor.user_id, Role::Owner, now)?;
    event::insert(tx, "organization.created", id, &serde_json::json!({ "organization": id, "name": name }), now)?;
    let data = serde_json::json!({ "organization": id, "user": actor.user_id, "role": Role::Owner });
    event::insert(tx, "member.added", id, &data, now)?;
    let entry = Entry {
        action: "organization.created",
        subject: ("organization", id),
        organization_id: Some(id),
        user_id: Some(&actor.user_id),
        after: Some(name),
        ..Entry::default()
    };
    audit::note(tx, &actor.by(), &entry, now)
}

pub fn members(db: &Db, actor: &Actor, id: &str) -> Result<(Seen, Vec<Member>)> {
    Ok((see(db, actor, id)?, member::list(db, id)?))
}

/// What 「帐单概览」 shows.
pub struct Billing {
    pub seen: Seen,
    /// The live binding, its subscription, and who asked for it.
    pub channel: Option<(Binding, Subscription, String)>,
    /// A binding is being processed.
    pub is_requested: bool,
    /// The last binding that has ended, where none is live.
    pub ended: Option<(Binding, Subscription)>,
}

pub fn billing(db: &Db, actor: &Actor, id: &str) -> Result<Billing> {
    let seen = see(db, actor, id)?;
    let channel = match channel(db, id)? {
        Some((binding, subscription)) => {
            let by = user::find(db, &binding.requested_by)?.map(|user| user.name).unwrap_or_default();
            Some((binding, subscription, by))
        }
        None => None,
    };
    let ended = match (&channel, binding::find_last_ended(db, id)?) {
        (None, Some(last)) => {
            subscription::find_by_id(db, last.subscription_id)?.map(|subscription| (last, subscription))
        }
        _ => None,
    };
    let is_requested = binding::find_requested_of_organization(db, id)?.is_some();
    Ok(Billing { seen, channel, is_requested, ended })
}

/// The live binding of an organization with its subscription.
pub fn channel(db: &Db, organization_id: &str) -> Result<Option<(Binding, Subscription)>> {
    let Some(live) = binding::find_live_of_organization(db, organization_id)? else { return Ok(None) };
    Ok(subscription::find_by_id(db, live.subscription_id)?.map(|subscription| (live, subscription)))
}
