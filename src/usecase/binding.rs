//! Bindings: made live, ended, cancelled (rules A4).

use serde_json::json;

use crate::domain::binding::{LiveCheck, State, may_go_live};
use crate::domain::hook;
use crate::domain::organization::{Freeze, FreezeReason};
use crate::domain::value::Instant;
use crate::error::{Error, Result};
use crate::store::binding::{self, Binding, Request};
use crate::store::{Tx, choice, event, freeze, job, subscription};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::notice::{self, Cause};
use crate::usecase::{self, organization::Actor};

/// The kind of job that makes a request live.
pub const ACTIVATE: &str = "binding.activate";

/// The kind of job that ends the wait for the vendor's word.
pub const TIME_OUT: &str = "binding.time_out";
/// Longest reason of a vendor's no, in characters.
pub const NOTE_MAX: usize = 500;

/// Asks for a binding; it becomes live from then on, if everything still holds. One with a deadline waits for the
/// vendor's word instead (rules A4).
pub fn request(tx: &Tx, request: &Request<'_>, live_from: Instant, by: &By, now: Instant) -> Result<()> {
    binding::insert(tx, request, now)?;
    let made = binding::find(tx, request.id)?.ok_or(Error::NotFound("binding"))?;
    emit(tx, hook::ASKING, &made, made.state, None, now)?;
    note(tx, "binding.requested", &made, None, by, now)?;
    match request.deadline_at {
        Some(deadline) => {
            usecase::delivery::ask(tx, request.id, now)?;
            job::enqueue(tx, TIME_OUT, request.id, deadline)
        }
        None => job::enqueue(tx, ACTIVATE, request.id, live_from),
    }
}

/// The vendor's yes: the binding becomes live, if everything else still holds. Where it stands then; anything but `Live`
/// means that the yes came too late, and that the vendor is told once to undo what it did.
///
/// # Errors
/// `Conflict(not_asked)` for a request that waits for nobody's word.
pub fn confirm(tx: &Tx, id: &str, by: &By, now: Instant) -> Result<State> {
    time_out(tx, id, now)?;
    let found = binding::find(tx, id)?.ok_or(Error::NotFound("binding"))?;
    match found.state {
        State::Requested if found.deadline_at.is_none() => return Err(Error::Conflict("not_asked")),
        State::Requested => {
            make_live(tx, id, by, now)?;
            let state = binding::find(tx, id)?.map_or(State::Cancelled, |found| found.state);
            if state != State::Live {
                // Its end was told just now.
                binding::set_undone(tx, id, now)?;
            }
            return Ok(state);
        }
        // The end of what was live has been told.
        State::Live | State::Ended => {}
        State::Refused | State::TimedOut | State::Cancelled => {
            if binding::set_undone(tx, id, now)? {
                emit(tx, "binding.ended", &found, found.state, Some("confirmed_too_late"), now)?;
                note(tx, "binding.confirmed_too_late", &found, None, by, now)?;
            }
        }
    }
    Ok(found.state)
}

/// The vendor's no, with what it wrote about it. Where the binding stands then: anything but `Refused` means that it was
/// decided before.
///
/// # Errors
/// `Conflict(not_asked)` for a request that waits for nobody's word.
pub fn refuse(tx: &Tx, id: &str, why: Option<&str>, by: &By, now: Instant) -> Result<State> {
    time_out(tx, id, now)?;
    let found = binding::find(tx, id)?.ok_or(Error::NotFound("binding"))?;
    if found.state != State::Requested {
        return Ok(found.state);
    }
    if found.deadline_at.is_none() {
        return Err(Error::Conflict("not_asked"));
    }
    binding::set_state(tx, id, State::Refused, Some("refused_by_vendor"), now)?;
    if let Some(why) = why {
        binding::set_note(tx, id, why)?;
    }
    emit(tx, "binding.refused", &found, State::Refused, Some("refused_by_vendor"), now)?;
    note(tx, "binding.refused", &found, why, by, now)?;
    Ok(State::Refused)
}

/// Ends the wait for the vendor's word, once its time is up. Anything but a request that waits is left alone.
pub fn time_out(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    let Some(found) = binding::find(tx, id)? else { return Ok(()) };
    if found.state != State::Requested || found.deadline_at.is_none_or(|deadline| now < deadline) {
        return Ok(());
    }
    binding::set_state(tx, id, State::TimedOut, Some("not_confirmed"), now)?;
    emit(tx, "binding.timed_out", &found, State::TimedOut, Some("not_confirmed"), now)?;
    note(tx, "binding.timed_out", &found, None, &By::job(TIME_OUT), now)
}

/// A manager ends an organization's live binding. `shown` is the binding that the page showed.
pub fn unbind(tx: &Tx, actor: &Actor, organization_id: &str, shown: &str, now: Instant) -> Result<()> {
    if !actor.role_in(tx, organization_id)?.manages_billing() {
        return Err(Error::Forbidden("not_manager"));
    }
    let by = actor.by();
    match binding::find_live_of_organization(tx, organization_id)? {
        Some(found) if found.id == shown => {
            // A switch that was asked for would go on from a channel that is no more (rules A4).
            if let Some(requested) = binding::find_requested_of_organization(tx, organization_id)? {
                end(tx, &requested, "unbound", &by, now)?;
            }
            end(tx, &found, "unbound", &by, now)?;
            binding::set_ended_by(tx, &found.id, &actor.user_id)
        }
        // Somebody else was faster, or it was switched: nothing of what the page said is done.
        _ => Err(Error::Conflict("binding_changed")),
    }
}

/// Makes a request live, when its time has come.
pub fn activate(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    make_live(tx, id, &By::job(ACTIVATE), now)
}

/// Makes a request live if everything still holds; else cancels it. Anything but a request is left alone.
fn make_live(tx: &Tx, id: &str, by: &By, now: Instant) -> Result<()> {
    let Some(found) = binding::find(tx, id)? else { return Ok(()) };
    if !found.state.may_become(State::Live) {
        return Ok(());
    }
    let subscription = subscription::find_by_id(tx, found.subscription_id)?.ok_or(Error::NotFound("subscription"))?;
    // A deleted organization is not among the requester's any more.
    let candidate =
        choice::list(tx, &found.requested_by)?.into_iter().find(|candidate| candidate.id == found.organization_id);
    let check = LiveCheck {
        subscription: subscription.standing.state,
        is_quarantined: subscription.quarantined_at.is_some(),
        role: candidate.as_ref().map(|candidate| candidate.role),
        is_organization_deleted: false,
        is_frozen_by_operator: candidate
            .as_ref()
            .and_then(|candidate| candidate.freeze)
            .is_some_and(Freeze::is_by_operator),
    };
    if let Err(reason) = may_go_live(check) {
        return end(tx, &found, reason, by, now);
    }
    let mut told = Cause::Bound;
    if let Some(old) = &found.replaces
        && let Some(old) = binding::find(tx, old)?
        && old.state == State::Live
    {
        end(tx, &old, "switched", by, now)?;
        binding::set_ended_by(tx, &old.id, &found.requested_by)?;
        told = Cause::Switched;
    }
    binding::set_state(tx, &found.id, State::Live, None, now)?;
    lift(tx, &found, by, now)?;
    emit(tx, "binding.live", &found, State::Live, None, now)?;
    note(tx, "binding.live", &found, None, by, now)?;
    notice::announce(tx, told, &found.id, now)
}

/// How something ends.
pub struct End<'a> {
    /// A code.
    pub reason: &'a str,
    /// What an operator wrote; for the audit log alone.
    pub why: Option<&'a str>,
    pub by: &'a By,
}

/// Ends a live binding or cancels a request.
pub fn end(tx: &Tx, found: &Binding, reason: &str, by: &By, now: Instant) -> Result<()> {
    end_with(tx, found, &End { reason, why: None, by }, now)
}

/// The same, with what an operator wrote about it.
pub fn end_with(tx: &Tx, found: &Binding, end: &End<'_>, now: Instant) -> Result<()> {
    let reason = end.reason;
    let next = if found.state == State::Live { State::Ended } else { State::Cancelled };
    if !found.state.may_become(next) {
        return Ok(());
    }
    binding::set_state(tx, &found.id, next, Some(reason), now)?;
    emit(tx, "binding.ended", found, next, Some(reason), now)?;
    let action = if next == State::Ended { "binding.ended" } else { "binding.cancelled" };
    let entry = Entry {
        before: end.why.map(|_| found.state.as_str()),
        after: end.why.map(|_| next.as_str()),
        ..about(action, found, Some(end.why.unwrap_or(reason)))
    };
    audit::note(tx, end.by, &entry, now)?;
    if next == State::Ended && reason != "switched" {
        event::insert(
            tx,
            "organization.no_channel",
            &found.organization_id,
            &json!({ "organization": found.organization_id, "reason": reason }),
            now,
        )?;
        match reason {
            "unbound" => notice::announce(tx, Cause::Unbound, &found.id, now)?,
            "subscription_released" => notice::announce(tx, Cause::Released, &found.id, now)?,
            _ => {}
        }
    }
    Ok(())
}

/// Freezes the organization of a live binding for payment. Without `grace_until` the expiry is in doubt.
pub fn freeze(tx: &Tx, found: &Binding, grace_until: Option<Instant>, by: &By, now: Instant) -> Result<()> {
    if freeze::set_payment(tx, &found.organization_id, now, grace_until)? {
        let data = json!({
            "organization": found.organization_id,
            "reason": "payment",
            "grace_until": grace_until.map(usecase::rfc3339),
        });
        event::insert(tx, "organization.frozen", &found.organization_id, &data, now)?;
        note_freeze(tx, "organization.frozen", &found.organization_id, Some(found.subscription_id), by, now)?;
        if let Some(until) = grace_until {
            notice::await_grace(tx, &found.organization_id, until)?;
        }
        notice::announce(tx, Cause::Frozen, &found.id, now)?;
    }
    Ok(())
}

/// Lifts a freeze for payment of the organization of a live binding.
pub fn thaw(tx: &Tx, found: &Binding, by: &By, now: Instant) -> Result<()> {
    if lift(tx, found, by, now)? {
        notice::announce(tx, Cause::Thawed, &found.id, now)?;
    }
    Ok(())
}

/// Whether there was a freeze for payment to lift.
fn lift(tx: &Tx, found: &Binding, by: &By, now: Instant) -> Result<bool> {
    let organization_id = &found.organization_id;
    let is_lifted = freeze::lift_payment(tx, organization_id)?;
    if is_lifted {
        let data = json!({ "organization": organization_id, "reason": "payment" });
        event::insert(tx, "organization.unfrozen", organization_id, &data, now)?;
        note_freeze(tx, "organization.unfrozen", organization_id, Some(found.subscription_id), by, now)?;
    }
    Ok(is_lifted)
}

/// Notes what happened to a binding. `why`: a code, or what a person wrote.
fn note(tx: &Tx, action: &str, found: &Binding, why: Option<&str>, by: &By, now: Instant) -> Result<()> {
    audit::note(tx, by, &about(action, found, why), now)
}

fn about<'a>(action: &'a str, found: &'a Binding, why: Option<&'a str>) -> Entry<'a> {
    Entry {
        action,
        subject: ("binding", &found.id),
        organization_id: Some(&found.organization_id),
        subscription_id: Some(found.subscription_id),
        user_id: Some(&found.requested_by),
        reason: why,
        ..Entry::default()
    }
}

/// Notes a freeze for payment, or its end.
fn note_freeze(
    tx: &Tx,
    action: &str,
    organization_id: &str,
    subscription_id: Option<i64>,
    by: &By,
    now: Instant,
) -> Result<()> {
    let entry = Entry {
        action,
        subject: ("organization", organization_id),
        organization_id: Some(organization_id),
        subscription_id,
        reason: Some(FreezeReason::Payment.as_str()),
        ..Entry::default()
    };
    audit::note(tx, by, &entry, now)
}

/// Tells the feed of a binding's new state.
pub fn emit(tx: &Tx, kind: &str, found: &Binding, state: State, reason: Option<&str>, now: Instant) -> Result<()> {
    let subscription = subscription::find_by_id(tx, found.subscription_id)?.ok_or(Error::NotFound("subscription"))?;
    let subject = usecase::subscription_name(&subscription.seller_id, &subscription.instance_id);
    let data = json!({
        "binding": found.id,
        "subscription": subject,
        "organization": found.organization_id,
        "state": state,
        "reason": reason,
        "replaces": found.replaces,
    });
    event::insert_of_subscription(tx, kind, found.subscription_id, &subject, &data, now)
}
