//! What operators do to an organization and its channel, with a reason (rules B3). Told to the vendor's product as everything
//! else is, and noted with who did it.

use serde_json::json;

use crate::domain::organization::{Freeze, GRACE_MS};
use crate::domain::subscription::State;
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::binding::Binding;
use crate::store::organization::Organization;
use crate::store::{Db, Tx, binding, event, freeze, organization, subscription};
use crate::usecase;
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::binding::End;
use crate::usecase::notice::{self, Cause};
use crate::usecase::operator::{reason, require_operator};

/// An organization as it is frozen, in a word: what a form was shown with, and the log's before and after.
#[must_use]
pub fn freeze_word(freeze: Option<Freeze>) -> &'static str {
    freeze.map_or("none", |freeze| freeze.reason.as_str())
}

/// An organization, for an operator.
///
/// # Errors
/// `Forbidden(not_operator)`; `NotFound(organization)`.
pub fn see(db: &Db, user_id: &str, id: &str) -> Result<Organization> {
    require_operator(db, user_id)?;
    organization::find(db, id)?.ok_or(Error::NotFound("organization"))
}

/// What is done, to what the page showed, and why.
pub struct Act<'a> {
    pub by: &'a By,
    /// The organization's, or the subscription's name.
    pub id: &'a str,
    /// How it stood when the form was shown.
    pub shown: &'a str,
    pub why: &'a str,
}

/// Freezes an organization until an operator lifts it, whatever it pays.
///
/// # Errors
/// `Forbidden(not_operator)`; `NotFound(organization)`; `Invalid(why, …)`; `Conflict(organization_changed)`.
pub fn freeze(tx: &Tx, act: &Act<'_>, now: Instant) -> Result<()> {
    let (found, why) = begin(tx, act)?;
    if !freeze::set_operator(tx, &found.id, now)? {
        return Err(Error::Conflict("organization_changed"));
    }
    tell(tx, "organization.frozen", &found.id, json!({ "reason": "operator", "grace_until": null }), now)?;
    notice::announce(tx, Cause::FrozenByOperator, &found.id, now)?;
    note(tx, act, "organization.frozen", &found, (freeze_word(found.freeze), "operator"), why, now)
}

/// Lifts an operator's freeze. If what it pays through has expired meanwhile, or had before, it is frozen for payment from
/// then on, as if nobody had intervened.
///
/// # Errors
/// As [`freeze()`].
pub fn unfreeze(tx: &Tx, act: &Act<'_>, now: Instant) -> Result<()> {
    let (found, why) = begin(tx, act)?;
    let Some(lifted) = found.freeze.filter(|freeze| freeze.is_by_operator()) else {
        return Err(Error::Conflict("organization_changed"));
    };
    freeze::lift_operator(tx, &found.id)?;
    tell(tx, "organization.unfrozen", &found.id, json!({ "reason": "operator" }), now)?;
    notice::announce(tx, Cause::LiftedByOperator, &found.id, now)?;
    let is_unpaid = freeze_for_payment(tx, &found.id, lifted.since, now)?;
    note(tx, act, "organization.unfrozen", &found, ("operator", if is_unpaid { "payment" } else { "none" }), why, now)
}

/// The freeze that an expiry would have brought, had there been none by an operator since then. Whether there is one.
fn freeze_for_payment(tx: &Tx, organization_id: &str, since: Instant, now: Instant) -> Result<bool> {
    let Some(live) = binding::find_live_of_organization(tx, organization_id)? else { return Ok(false) };
    let found = subscription::find_by_id(tx, live.subscription_id)?.ok_or(Error::NotFound("subscription"))?;
    if found.standing.state != State::Expired {
        return Ok(false);
    }
    let expired_at = found.expired_at.unwrap_or(now);
    let grace_until = (!found.standing.is_disputed).then(|| expired_at.plus_ms(GRACE_MS));
    freeze::set_payment(tx, organization_id, now, grace_until)?;
    let told = json!({ "reason": "payment", "grace_until": grace_until.map(usecase::rfc3339) });
    tell(tx, "organization.frozen", organization_id, told, now)?;
    // What was over before the operator's freeze was told then.
    if let Some(until) = grace_until.filter(|until| *until > since) {
        notice::await_grace(tx, organization_id, until)?;
    }
    if expired_at >= since {
        notice::announce(tx, Cause::Frozen, &live.id, now)?;
    }
    Ok(true)
}

fn begin<'a>(tx: &Tx, act: &Act<'a>) -> Result<(Organization, &'a str)> {
    let found = see(tx, &act.by.id, act.id)?;
    let why = reason(act.why)?;
    if freeze_word(found.freeze) != act.shown {
        return Err(Error::Conflict("organization_changed"));
    }
    Ok((found, why))
}

fn tell(tx: &Tx, kind: &str, organization_id: &str, mut data: serde_json::Value, now: Instant) -> Result<()> {
    data["organization"] = json!(organization_id);
    event::insert(tx, kind, organization_id, &data, now)
}

fn note(
    tx: &Tx,
    act: &Act<'_>,
    action: &str,
    found: &Organization,
    (before, after): (&str, &str),
    why: &str,
    now: Instant,
) -> Result<()> {
    let live = binding::find_live_of_organization(tx, &found.id)?;
    let entry = Entry {
        action,
        subject: ("organization", &found.id),
        organization_id: Some(&found.id),
        subscription_id: live.map(|live| live.subscription_id),
        reason: Some(why),
        before: Some(before),
        after: Some(after),
        ..Entry::default()
    };
    audit::note(tx, act.by, &entry, now)
}

/// A binding as it stands, in a word: what a form was shown with. A request that went live meanwhile is another thing to end.
#[must_use]
pub fn binding_word(bound: &Binding) -> String {
    format!("{} {}", bound.id, bound.state.as_str())
}

/// Ends what occupies a subscription: a live binding as a manager's unbinding would, or a request that is being processed.
/// `shown` is the [`binding_word`] of the page.
///
/// # Errors
/// `Forbidden(not_operator)`; `NotFound(subscription)`; `Invalid(why, …)`; `Conflict(binding_changed)`.
pub fn unbind(tx: &Tx, act: &Act<'_>, now: Instant) -> Result<()> {
    require_operator(tx, &act.by.id)?;
    let found = usecase::subscription::find(tx, act.id)?;
    let why = reason(act.why)?;
    let occupying = binding::find_of_subscription(tx, found.id)?.filter(|bound| binding_word(bound) == act.shown);
    let Some(bound) = occupying else { return Err(Error::Conflict("binding_changed")) };
    let end = End { reason: "unbound", why: Some(why), by: act.by };
    // A switch that was asked for would go on from a channel that is no more (rules A4).
    if let Some(requested) = binding::find_requested_of_organization(tx, &bound.organization_id)?
        && requested.id != bound.id
    {
        usecase::binding::end_with(tx, &requested, &end, now)?;
    }
    usecase::binding::end_with(tx, &bound, &end, now)
}
