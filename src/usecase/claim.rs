//! Claims: what is true for one now, and the steps a person takes with it (rules A3, A4).

use crate::crypto::{Keys, hex, same};
use crate::domain::claim::{self as rule, Bound, Facts, Failure, Step, Visitor};
use crate::domain::organization::{Choice, ChoiceFacts, LiveFacts, choice as verdict};
use crate::domain::subscription;
use crate::domain::{binding as binding_rule, value::Instant};
use crate::error::{Error, Result};
use crate::store::binding::{self, Binding};
use crate::store::choice::{self, Candidate};
use crate::store::claim::{self, Claim};
use crate::store::organization::{self, Organization};
use crate::store::subscription::{self as subscriptions, Subscription};
use crate::store::{Db, Tx, member};
use crate::usecase;
use crate::usecase::audit::{self, By, Entry};

/// Who asks about a claim.
#[derive(Debug, Clone, Copy, Default)]
pub struct Viewer<'a> {
    pub browser_hash: Option<&'a [u8]>,
    /// Signed in with a password.
    pub user_id: Option<&'a str>,
    /// The request in which they ask.
    pub request_id: &'a str,
}

/// An organization on the binding page, with the verdict on it.
#[derive(Debug, Clone)]
pub struct Offer {
    pub candidate: Candidate,
    pub choice: Choice,
    /// The radio's value: the organization, sealed with what the page shows.
    pub value: String,
}

/// Everything that the page of a claim shows.
#[derive(Debug, Clone)]
pub struct Look {
    pub claim: Claim,
    pub step: Step,
    pub subscription: Option<Subscription>,
    /// Filled for the binding page only.
    pub offers: Vec<Offer>,
    /// The binding that occupies the subscription, or the failed request of this claim.
    pub binding: Option<Binding>,
    /// The organization of `binding`, for its members only.
    pub organization: Option<Organization>,
}

/// Looks at a claim: the one step that is true now, with what its page shows.
///
/// # Errors
/// `NotFound("claim")` for a claim that is over, or that neither this browser nor this person holds.
///
/// With `is_again` a request that failed is passed over: 「重试」 shows the binding page once more.
pub fn look(db: &Db, keys: &Keys, id: &str, viewer: Viewer<'_>, is_again: bool, now: Instant) -> Result<Look> {
    let claim = claim::find(db, id, now)?.ok_or(Error::NotFound("claim"))?;
    let is_of_user = claim.user_id.is_some() && claim.user_id.as_deref() == viewer.user_id;
    let is_of_browser = viewer.browser_hash == Some(&claim.browser_hash[..]);
    if !is_of_user && !is_of_browser {
        return Err(Error::NotFound("claim"));
    }
    let visitor = match (&claim.user_id, viewer.user_id) {
        (_, None) => Visitor::Nobody,
        (None, Some(_)) => Visitor::Claimant,
        (Some(_), Some(_)) if is_of_user => Visitor::Claimant,
        (Some(_), Some(_)) => Visitor::Other,
    };
    let subscription =
        subscriptions::find(db, &claim.seller_id, &claim.instance_id)?.filter(|found| found.quarantined_at.is_none());
    let occupying = match &subscription {
        Some(found) => binding::find_of_subscription(db, found.id)?,
        None => None,
    };
    let own = match &claim.binding_id {
        Some(id) => binding::find(db, id)?,
        None => None,
    };
    let occupied = match &occupying {
        Some(found) => Some(Bound {
            state: found.state,
            is_by_this_claim: claim.binding_id.as_deref() == Some(&found.id),
            is_of_visitor: match viewer.user_id {
                Some(user_id) => member::find_role(db, &found.organization_id, user_id)?.is_some(),
                None => false,
            },
        }),
        None => None,
    };
    let failed = own.as_ref().filter(|_| !is_again).and_then(|own| match own.state {
        binding_rule::State::Refused => Some(Failure::Refused),
        binding_rule::State::TimedOut => Some(Failure::TimedOut),
        binding_rule::State::Cancelled => Some(Failure::Cancelled),
        _ => None,
    });
    let step = rule::next_step(Facts {
        visitor,
        created_at: claim.created_at,
        now,
        subscription: subscription.as_ref().map(|found| found.standing.state),
        occupied,
        failed,
    });
    let offers = match (step, viewer.user_id, &subscription) {
        (Step::Choose, Some(user_id), Some(found)) => offers(db, keys, &claim, found, user_id)?,
        _ => Vec::new(),
    };
    let binding = occupying.or(own);
    let is_shown = matches!(step, Step::Processing | Step::Done | Step::Enter | Step::Failed(_));
    let organization = match &binding {
        Some(found) if is_shown => organization::find(db, &found.organization_id)?,
        _ => None,
    };
    Ok(Look { claim, step, subscription, offers, binding, organization })
}

fn offers(db: &Db, keys: &Keys, claim: &Claim, subscription: &Subscription, user_id: &str) -> Result<Vec<Offer>> {
    let candidates = choice::list(db, user_id)?;
    Ok(candidates
        .into_iter()
        .map(|candidate| {
            let choice = verdict(ChoiceFacts {
                role: candidate.role,
                freeze: candidate.freeze,
                live: candidate
                    .live
                    .as_ref()
                    .map(|live| LiveFacts { is_expired: live.state == subscription::State::Expired }),
                is_requested: candidate.is_requested,
            });
            let value = format!("{}.{}", candidate.id, seal(keys, claim, subscription, user_id, &candidate, choice));
            Offer { candidate, choice, value }
        })
        .collect())
}

/// Binds a choice to what the page shows (rules A3): a POST whose seal no longer fits the facts changes nothing.
///
/// A switch has a seal of its own, so that a page that offered none cannot make one.
fn seal(
    keys: &Keys,
    claim: &Claim,
    subscription: &Subscription,
    user_id: &str,
    candidate: &Candidate,
    choice: Choice,
) -> String {
    let previous = candidate.live.as_ref().map_or("", |live| &live.id);
    let parts: [&[u8]; 8] = [
        claim.id.as_bytes(),
        user_id.as_bytes(),
        &subscription.version.to_be_bytes(),
        subscription.standing.plan_code.as_bytes(),
        subscription.standing.buyer_account.as_bytes(),
        candidate.id.as_bytes(),
        &candidate.version.to_be_bytes(),
        previous.as_bytes(),
    ];
    let purpose = if matches!(choice, Choice::Bound { .. }) { "claim.switch" } else { "claim.bind" };
    hex(&keys.mac(purpose, &parts)[..16])
}

/// What came of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The request is made (or was, by this claim, before): the claim's page goes on.
    Requested,
    /// The facts are not those that the form showed; nothing was changed.
    Changed,
    /// Nothing was chosen.
    Nothing,
}

/// 「确认绑定」: asks for the binding of the chosen organization.
pub struct Confirm<'a> {
    pub claim_id: &'a str,
    pub viewer: Viewer<'a>,
    /// The radio's value.
    pub choice: &'a str,
    pub allows_entry: bool,
    pub new_binding_id: &'a str,
    /// The request becomes live then at the earliest.
    pub live_from: Instant,
    /// Until when the vendor may confirm it, where that is asked for (rules A4).
    pub deadline_at: Option<Instant>,
}

pub fn confirm(tx: &Tx, keys: &Keys, confirm: &Confirm<'_>, now: Instant) -> Result<Confirmed> {
    let look = look(tx, keys, confirm.claim_id, confirm.viewer, true, now)?;
    let (Step::Choose, Some(user_id), Some(subscription)) = (look.step, confirm.viewer.user_id, &look.subscription)
    else {
        // A second click, or another tab was faster: the page tells how it stands.
        return Ok(Confirmed::Requested);
    };
    if confirm.choice.is_empty() {
        return Ok(Confirmed::Nothing);
    }
    let Some(offer) = look.offers.iter().find(|offer| same(offer.value.as_bytes(), confirm.choice.as_bytes())) else {
        return Ok(Confirmed::Changed);
    };
    let replaces = match (offer.choice, &offer.candidate.live) {
        (choice, _) if choice.is_open() => None,
        (Choice::Bound { .. }, Some(live)) => Some(live.id.as_str()),
        _ => return Ok(Confirmed::Changed),
    };
    let request = binding::Request {
        id: confirm.new_binding_id,
        subscription_id: subscription.id,
        organization_id: &offer.candidate.id,
        replaces,
        requested_by: user_id,
        entry_user_id: user_id,
        entry_role: offer.candidate.role,
        allows_entry: confirm.allows_entry,
        deadline_at: confirm.deadline_at,
    };
    let by = By::user(user_id).in_request(confirm.viewer.request_id);
    usecase::binding::request(tx, &request, confirm.live_from, &by, now)?;
    claim::attach_user(tx, &look.claim.id, &look.claim.browser_hash, user_id, now)?;
    claim::set_binding(tx, &look.claim.id, Some(confirm.new_binding_id), now)?;
    Ok(Confirmed::Requested)
}

/// 「这不是我的组织」: a case for the operator (rules A5).
pub fn report(tx: &Tx, keys: &Keys, id: &str, viewer: Viewer<'_>, now: Instant) -> Result<()> {
    let look = look(tx, keys, id, viewer, true, now)?;
    if let (Step::BoundElsewhere, Some(user_id)) = (look.step, viewer.user_id) {
        let subject = usecase::subscription_name(&look.claim.seller_id, &look.claim.instance_id);
        crate::store::alarm::raise(tx, "foreign_binding", &subject, user_id, now)?;
        let entry = Entry {
            action: "claim.reported",
            subject: ("claim", id),
            subscription_id: look.subscription.as_ref().map(|found| found.id),
            user_id: Some(user_id),
            ..Entry::default()
        };
        audit::note(tx, &By::user(user_id).in_request(viewer.request_id), &entry, now)?;
    }
    Ok(())
}

/// The first sign-in or registration through a claim makes it that person's.
pub fn take(tx: &Tx, id: &str, browser_hash: &[u8], user_id: &str, now: Instant) -> Result<()> {
    claim::attach_user(tx, id, browser_hash, user_id, now).map(|_| ())
}

/// The open claims that a viewer holds, newest step first, each with its subscription.
pub fn list(db: &Db, viewer: Viewer<'_>, now: Instant) -> Result<Vec<(Claim, Option<Subscription>)>> {
    claim::list(db, viewer.browser_hash, viewer.user_id, now)?
        .into_iter()
        .map(|claim| {
            let subscription = subscriptions::find(db, &claim.seller_id, &claim.instance_id)?;
            Ok((claim, subscription))
        })
        .collect()
}

/// Forgets tokens that nobody can present any more.
pub fn forget_spent(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    claim::delete_old_spent(tx, now, rows)
}
