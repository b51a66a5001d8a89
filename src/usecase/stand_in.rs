//! What a person would do in a browser, done for a test or a demo: the same checks, without the pages. Only `control`
//! comes here, and `serve` has no control (rules D4).

use crate::domain::audit::By;
use crate::domain::binding::State;
use crate::domain::organization::{Choice, ChoiceFacts, LiveFacts, choice as verdict};
use crate::domain::subscription;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::{Db, Tx, binding, choice, subscription as subscriptions, user};
use crate::usecase;

pub use crate::store::reset::{empty, is_at_work};

/// Who binds what to what.
pub struct Bind<'a> {
    pub seller_id: &'a str,
    pub instance_id: &'a str,
    /// E-mail address or id.
    pub user: &'a str,
    /// Id, or its name among the user's own.
    pub organization: &'a str,
    pub new_binding_id: &'a str,
    /// The request becomes live then at the earliest.
    pub live_from: Instant,
    /// Where the vendor has to confirm it: until then.
    pub deadline_at: Option<Instant>,
}

/// Asks for a binding, as 「确认绑定」 would; an organization that is bound already switches.
///
/// # Errors
/// `NotFound` of what there is not; `Conflict` with the reason that the binding page would show.
pub fn bind(tx: &Tx, ask: &Bind<'_>, now: Instant) -> Result<()> {
    let found = match user::find_by_email(tx, ask.user)? {
        Some(found) => found,
        None => user::find(tx, ask.user)?.ok_or(Error::NotFound("user"))?,
    };
    let subscription = subscriptions::find(tx, ask.seller_id, ask.instance_id)?.ok_or(Error::NotFound("instance"))?;
    let organization = choice::list(tx, &found.id)?
        .into_iter()
        .find(|one| one.id == ask.organization || one.name == ask.organization)
        .ok_or(Error::NotFound("organization"))?;
    if subscription.standing.state != subscription::State::Active || subscription.quarantined_at.is_some() {
        return Err(Error::Conflict("instance_not_active"));
    }
    if binding::find_of_subscription(tx, subscription.id)?.is_some() {
        return Err(Error::Conflict("instance_bound"));
    }
    let choice = verdict(ChoiceFacts {
        role: organization.role,
        freeze: organization.freeze,
        live: organization
            .live
            .as_ref()
            .map(|live| LiveFacts { is_expired: live.state == subscription::State::Expired }),
        is_requested: organization.is_requested,
    });
    let replaces = match choice {
        Choice::Open | Choice::Thaws => None,
        Choice::Bound { .. } => organization.live.as_ref().map(|live| live.id.as_str()),
        Choice::FrozenByOperator => return Err(Error::Conflict("organization_frozen")),
        Choice::NotManager => return Err(Error::Conflict("user_is_no_manager")),
        Choice::Requested => return Err(Error::Conflict("organization_requested")),
    };
    let request = binding::Request {
        id: ask.new_binding_id,
        subscription_id: subscription.id,
        organization_id: &organization.id,
        replaces,
        requested_by: &found.id,
        entry_user_id: &found.id,
        entry_role: organization.role,
        allows_entry: true,
        deadline_at: ask.deadline_at,
    };
    usecase::binding::request(tx, &request, ask.live_from, &By::user(&found.id), now)
}

/// How a binding stands, and of which organization it is.
pub fn find_binding(db: &Db, id: &str) -> Result<(State, String)> {
    let found = binding::find(db, id)?.ok_or(Error::NotFound("binding"))?;
    Ok((found.state, found.organization_id))
}

/// The organization that an instance pays for right now.
pub fn payer(db: &Db, seller_id: &str, instance_id: &str) -> Result<Option<String>> {
    let Some(subscription) = subscriptions::find(db, seller_id, instance_id)? else { return Ok(None) };
    let found = binding::find_of_subscription(db, subscription.id)?;
    Ok(found.filter(|found| found.state == State::Live).map(|found| found.organization_id))
}
