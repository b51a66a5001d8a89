//! Mails about an organization and its payment channel to those who manage it (product §6), and about usage at risk to
//! operators: queued as a job with their cause, written by it in one transaction with the job's end, so each is told once and
//! the cause itself costs no more than a row.

use serde_json::json;

use crate::domain::letter::{FreezeNews, Letter, News};
use crate::domain::organization::{Freeze, FreezeReason};
use crate::domain::value::{Instant, MINUTE_MS, mask_uid};
use crate::error::{Error, Result};
use crate::store::binding::Binding;
use crate::store::organization::Organization;
use crate::store::subscription::Subscription;
use crate::store::{Tx, binding, event, figure, job, mail as mails, member, organization, subscription, user};
use crate::usecase::mail::{self, Mailer};
use crate::usecase::push;

/// The kind of job that writes the mails; its key is `<cause> <binding or organization> <moment>`.
pub const TELL: &str = "notice.tell";
/// The kind of job that mails operators of usage at risk; its key is the first deadline.
pub const WARN: &str = "notice.warn";
/// The kind of job that ends a grace period; its key is `<organization> <end of the grace>`.
pub const END_GRACE: &str = "organization.end_grace";

/// Operators who are mailed at once.
const OPERATORS_MAX: u32 = 100;
/// Nobody is told twice of usage at risk within this; a little less than the hour after which the next records are closed.
const TOLD_MS: i64 = 50 * MINUTE_MS;

/// What there is to tell of a binding, or, if an operator did it, of an organization. The words are those of job keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Bound,
    Switched,
    Frozen,
    Thawed,
    GraceEnded,
    Released,
    Unbound,
    FrozenByOperator,
    LiftedByOperator,
}

impl Cause {
    const ALL: [(Self, &str); 9] = [
        (Self::Bound, "bound"),
        (Self::Switched, "switched"),
        (Self::Frozen, "frozen"),
        (Self::Thawed, "thawed"),
        (Self::GraceEnded, "grace_ended"),
        (Self::Released, "released"),
        (Self::Unbound, "unbound"),
        (Self::FrozenByOperator, "operator_froze"),
        (Self::LiftedByOperator, "operator_lifted"),
    ];
}

/// Has the managers told, in the transaction of the cause.
pub fn announce(tx: &Tx, cause: Cause, id: &str, now: Instant) -> Result<()> {
    let word = Cause::ALL.iter().find(|(other, _)| *other == cause).map_or("", |(_, word)| word);
    job::enqueue(tx, TELL, &format!("{word} {id} {}", now.ms()), now)
}

/// Has a grace period end when it is over.
pub fn await_grace(tx: &Tx, organization_id: &str, until: Instant) -> Result<()> {
    job::enqueue(tx, END_GRACE, &format!("{organization_id} {}", until.ms()), until)
}

/// Has operators told that usage is about to miss its deadline, the first of it then.
pub fn announce_risk(tx: &Tx, due_by: Instant, now: Instant) -> Result<()> {
    job::enqueue(tx, WARN, &due_by.ms().to_string(), now)
}

/// Mails every operator who can act, once for the records of an hour: whoever was told looks at the console, which has all of
/// it. What left meanwhile is not told of.
pub fn tell_of_risk(tx: &Tx, mailer: &Mailer<'_>, key: &str, now: Instant) -> Result<()> {
    let due_by = key.parse().map(Instant::from_ms).map_err(|_| Error::internal("not a deadline"))?;
    let records = figure::count_at_risk(tx, now.plus_ms(push::RISK_MS), now)?;
    if records == 0 {
        return Ok(());
    }
    let url = format!("{}/operator/metering", mailer.head.public_url);
    let letter = Letter::AtRisk { records, due_by, url };
    for operator in user::list_operators(tx, OPERATORS_MAX)? {
        if mails::count_to(tx, &operator.email, letter.kind(), now.plus_ms(-TOLD_MS))? == 0 {
            mail::queue(tx, mailer, &operator, None, &letter, now)?;
        }
    }
    Ok(())
}

/// Writes the mails of a job's key.
pub fn tell(tx: &Tx, mailer: &Mailer<'_>, key: &str, now: Instant) -> Result<()> {
    let mut words = key.split(' ');
    let (Some(word), Some(id)) = (words.next(), words.next()) else {
        return Err(Error::internal("not a notice's key"));
    };
    let Some((cause, _)) = Cause::ALL.iter().find(|(_, known)| *known == word) else {
        return Err(Error::internal(format!("no such cause: {word}")));
    };
    let is_by_operator = matches!(cause, Cause::FrozenByOperator | Cause::LiftedByOperator);
    let told = if is_by_operator { of_freeze(tx, mailer, *cause, id)? } else { of_channel(tx, mailer, *cause, id)? };
    // Not so any more: the mail would frighten, or please, for nothing.
    let Some((of, letter)) = told else { return Ok(()) };
    for manager in member::list(tx, &of.id)?.into_iter().filter(|one| one.role.manages_billing()) {
        let Some(reader) = user::find(tx, &manager.user_id)?.filter(|user| user.disabled_at.is_none()) else {
            continue;
        };
        mail::queue(tx, mailer, &reader, Some(id), &letter, now)?;
    }
    Ok(())
}

/// What an operator did to an organization, if it is still so.
fn of_freeze(tx: &Tx, mailer: &Mailer<'_>, cause: Cause, id: &str) -> Result<Option<(Organization, Letter)>> {
    let Some(of) = organization::find(tx, id)? else { return Ok(None) };
    let news = match (cause, of.freeze) {
        (Cause::FrozenByOperator, freeze) if freeze.is_some_and(Freeze::is_by_operator) => FreezeNews::Frozen,
        (Cause::LiftedByOperator, freeze) if !freeze.is_some_and(Freeze::is_by_operator) => {
            FreezeNews::Lifted { is_unpaid: freeze.is_some() }
        }
        _ => return Ok(None),
    };
    let letter = Letter::Freeze { news, organization: of.name.clone(), url: billing_url(mailer, &of.id) };
    Ok(Some((of, letter)))
}

/// What became of a binding and its payment channel, if it is still so.
fn of_channel(tx: &Tx, mailer: &Mailer<'_>, cause: Cause, id: &str) -> Result<Option<(Organization, Letter)>> {
    let found = binding::find(tx, id)?.ok_or(Error::NotFound("binding"))?;
    // Of a switch the old channel is told of: it pays no more.
    let told = match (cause, &found.replaces) {
        (Cause::Switched, Some(old)) => binding::find(tx, old)?.ok_or(Error::NotFound("binding"))?,
        _ => found.clone(),
    };
    let Some(of) = organization::find(tx, &found.organization_id)? else { return Ok(None) };
    let payer = subscription_of(tx, &told)?;
    let freeze = of.freeze.filter(|freeze| freeze.reason == FreezeReason::Payment);
    let news = match cause {
        Cause::Bound => News::Bound { by: name(tx, Some(&found.requested_by))? },
        Cause::Switched => {
            let next = subscription_of(tx, &found)?;
            News::Switched {
                by: name(tx, Some(&found.requested_by))?,
                to: next.instance_id,
                to_uid_masked: mask_uid(&next.standing.buyer_account),
            }
        }
        Cause::Frozen => match freeze {
            Some(freeze) => News::Frozen { grace_until: freeze.grace_until },
            None => return Ok(None),
        },
        Cause::Thawed if freeze.is_some() => return Ok(None),
        Cause::Thawed => News::Thawed,
        Cause::GraceEnded => News::GraceEnded,
        Cause::Released => News::Released,
        Cause::Unbound => News::Unbound { by: found.ended_by.as_deref().map(|id| name(tx, Some(id))).transpose()? },
        Cause::FrozenByOperator | Cause::LiftedByOperator => return Ok(None),
    };
    let letter = Letter::Channel {
        news,
        organization: of.name.clone(),
        subscription: payer.instance_id,
        uid_masked: mask_uid(&payer.standing.buyer_account),
        billing_url: billing_url(mailer, &of.id),
    };
    Ok(Some((of, letter)))
}

fn billing_url(mailer: &Mailer<'_>, organization_id: &str) -> String {
    format!("{}/orgs/{organization_id}/billing", mailer.head.public_url)
}

/// The end of a grace period, if the organization is still frozen as it was then (rules B3): nothing is deleted, the
/// vendor's product hears of it and decides.
pub fn end_grace(tx: &Tx, key: &str, now: Instant) -> Result<()> {
    let Some((id, end)) = key.split_once(' ') else { return Err(Error::internal("not a freeze's key")) };
    let Some(of) = organization::find(tx, id)? else { return Ok(()) };
    let is_same = of.freeze.is_some_and(|freeze| {
        freeze.reason == FreezeReason::Payment
            && freeze.grace_until.is_some_and(|until| until <= now && until.ms().to_string() == end)
    });
    if !is_same {
        return Ok(());
    }
    event::insert(tx, "organization.grace_ended", id, &json!({ "organization": id, "reason": "payment" }), now)?;
    match binding::find_live_of_organization(tx, id)? {
        Some(live) => announce(tx, Cause::GraceEnded, &live.id, now),
        None => Ok(()),
    }
}

fn subscription_of(tx: &Tx, found: &Binding) -> Result<Subscription> {
    subscription::find_by_id(tx, found.subscription_id)?.ok_or(Error::NotFound("subscription"))
}

/// A person's name; empty for one who is gone.
fn name(tx: &Tx, user_id: Option<&str>) -> Result<String> {
    match user_id {
        Some(id) => Ok(user::find(tx, id)?.map(|user| user.name).unwrap_or_default()),
        None => Ok(String::new()),
    }
}
