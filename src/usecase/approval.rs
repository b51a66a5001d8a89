//! 「请求管理员绑定」: a member asks the owners to complete a purchase for their organization.

use crate::crypto;
use crate::domain::letter::Letter;
use crate::domain::organization::{Choice, ChoiceFacts, LiveFacts, Role, choice as verdict};
use crate::domain::subscription::State;
use crate::domain::value::{HOUR_MS, Instant};
use crate::error::{Error, Result};
use crate::store::approval::Approval;
use crate::store::choice::{self, Candidate};
use crate::store::subscription::Subscription;
use crate::store::{Db, Tx, approval, binding, claim, member, organization, subscription, user};
use crate::usecase::{
    self,
    mail::{self, Mailer},
    organization::Actor,
};

/// How long the mailed link works.
pub const LIFE_MS: i64 = 72 * HOUR_MS;
/// How often one person may ask about one purchase.
const ASKED_AT_MOST: u32 = 5;

/// What the mail says of the purchase.
pub struct Ask {
    pub plan: String,
    pub uid_masked: String,
}

/// Mails the owners; the link that they get. Rights: the requester is a member of the organization.
pub fn ask(
    tx: &Tx,
    mailer: &Mailer<'_>,
    claim_id: &str,
    organization_id: &str,
    requester_id: &str,
    ask: &Ask,
    now: Instant,
) -> Result<String> {
    member::find_role(tx, organization_id, requester_id)?.ok_or(Error::NotFound("organization"))?;
    let organization = organization::find(tx, organization_id)?.ok_or(Error::NotFound("organization"))?;
    let requester = user::find(tx, requester_id)?.ok_or(Error::NotFound("user"))?;
    if approval::count(tx, claim_id, organization_id)? >= ASKED_AT_MOST {
        return Err(Error::TooMany { retry_after_secs: u32::try_from(LIFE_MS / 1000).unwrap_or(u32::MAX) });
    }
    let token = mailer.chance.token();
    let link = format!("{}/approvals/{token}", mailer.head.public_url);
    approval::insert(
        tx,
        &crypto::digest(token.as_bytes()),
        claim_id,
        organization_id,
        requester_id,
        now,
        now.plus_ms(LIFE_MS),
    )?;
    for owner in member::list(tx, organization_id)?.into_iter().filter(|member| member.role == Role::Owner) {
        let letter = Letter::ApprovalRequest {
            requester: requester.name.clone(),
            organization: organization.name.clone(),
            plan: ask.plan.clone(),
            uid_masked: ask.uid_masked.clone(),
            link: link.clone(),
            valid_hours: LIFE_MS / HOUR_MS,
        };
        mail::send(tx, mailer, &owner.user_id, &letter, now)?;
    }
    Ok(link)
}

/// What an owner sees before saying yes.
pub struct Look {
    pub approval: Approval,
    pub requester_name: String,
    pub requester_email: String,
    pub organization: Candidate,
    pub subscription: Subscription,
    pub choice: Choice,
    pub can_bind: bool,
}

/// Looks at a request. Only an owner of its organization can; to everybody else the link leads nowhere.
///
/// # Errors
/// `Gone("approval")` for a link that was used, is too old, or is not this person's to answer.
pub fn look(db: &Db, token_hash: &[u8], user_id: &str, now: Instant) -> Result<Look> {
    let gone = || Error::Gone("approval");
    let found = approval::find(db, token_hash, now)?.ok_or_else(gone)?;
    // The mail promises its link for longer than a claim waits for its next step.
    let claim = claim::find_of_any_age(db, &found.claim_id)?.ok_or_else(gone)?;
    let organization = choice::list(db, user_id)?
        .into_iter()
        .find(|one| one.id == found.organization_id && one.role == Role::Owner)
        .ok_or_else(gone)?;
    let subscription = subscription::find(db, &claim.seller_id, &claim.instance_id)?.ok_or_else(gone)?;
    let requester = user::find(db, &found.requester_id)?.ok_or_else(gone)?;
    let choice = verdict(ChoiceFacts {
        role: organization.role,
        freeze: organization.freeze,
        live: organization.live.as_ref().map(|live| LiveFacts { is_expired: live.state == State::Expired }),
        is_requested: organization.is_requested,
    });
    let is_free = binding::find_of_subscription(db, subscription.id)?.is_none();
    let can_bind = is_free
        && choice.is_open()
        && subscription.standing.state == State::Active
        && subscription.quarantined_at.is_none();
    Ok(Look {
        requester_name: requester.name,
        requester_email: requester.email,
        approval: found,
        organization,
        subscription,
        choice,
        can_bind,
    })
}

/// An owner completes the purchase. The requester stays the entry user (rules A1).
pub fn accept(
    tx: &Tx,
    token_hash: &[u8],
    actor: &Actor,
    new_binding_id: &str,
    (live_from, deadline_at): (Instant, Option<Instant>),
    now: Instant,
) -> Result<String> {
    let user_id = actor.user_id.as_str();
    let look = look(tx, token_hash, user_id, now)?;
    if !look.can_bind {
        return Err(Error::Conflict("cannot_bind"));
    }
    // The requester may have left meanwhile; then nobody enters without a password.
    let requester_role = member::find_role(tx, &look.organization.id, &look.approval.requester_id)?;
    let request = binding::Request {
        id: new_binding_id,
        subscription_id: look.subscription.id,
        organization_id: &look.organization.id,
        replaces: None,
        requested_by: user_id,
        entry_user_id: &look.approval.requester_id,
        entry_role: requester_role.unwrap_or(Role::Member),
        allows_entry: requester_role.is_some(),
        deadline_at,
    };
    usecase::binding::request(tx, &request, live_from, &actor.by(), now)?;
    claim::set_binding(tx, &look.approval.claim_id, Some(new_binding_id), now)?;
    approval::set_used(tx, token_hash, user_id, now)?;
    Ok(look.organization.id)
}
