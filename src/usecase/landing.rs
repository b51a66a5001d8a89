//! The login-free entry: a token is spent once, by the first browser; a claim is opened or joined (rules A1, A2, A5).

use crate::domain::binding::{EntryCheck, State, may_enter_without_password};
use crate::domain::letter::Letter;
use crate::domain::organization::Role;
use crate::domain::subscription;
use crate::domain::value::Instant;
use crate::error::Result;
use crate::store::binding::Binding;
use crate::store::{Db, Tx, binding, claim, member, user};
use crate::usecase::{self, mail::Mailer};

/// A person's POST of a sealed link.
pub struct Enter<'a> {
    pub seller_id: &'a str,
    pub instance_id: &'a str,
    pub token_hash: &'a [u8],
    /// The pre-ticket cookies that came along, hashed.
    pub pre_hashes: &'a [[u8; 32]],
    pub browser_hash: &'a [u8],
    /// Who is signed in with a password, if anybody.
    pub user_id: Option<&'a str>,
    /// Spent tokens are remembered until then.
    pub spent_until: Instant,
    /// For the claim, if one has to be opened.
    pub new_claim_id: &'a str,
    /// The marketplace can be asked about an instance that we do not have.
    pub is_asked: bool,
}

/// The claim that a link leads to.
pub struct Opened {
    pub id: String,
    /// The browser that opened it.
    pub browser_hash: Vec<u8>,
}

/// Spends the token or joins the claim that it opened in this browser.
///
/// `None`: the token was used in another browser.
pub fn enter(tx: &Tx, enter: &Enter<'_>, now: Instant) -> Result<Option<Opened>> {
    if let Some(spent) = claim::find_spent(tx, enter.token_hash)? {
        let is_first_browser = enter.pre_hashes.iter().any(|hash| hash[..] == spent.pre_hash[..]);
        let joined = claim::find(tx, &spent.claim_id, now)?
            .filter(|found| is_first_browser || found.browser_hash == enter.browser_hash);
        return Ok(joined.map(|found| Opened { id: found.id, browser_hash: found.browser_hash }));
    }
    let Some(pre_hash) = enter.pre_hashes.first() else { return Ok(None) };
    let open = claim::find_of_browser(tx, enter.browser_hash, enter.seller_id, enter.instance_id, now)?
        .filter(|found| found.user_id.is_none() || found.user_id.as_deref() == enter.user_id);
    let claim_id = if let Some(found) = open {
        claim::touch(tx, &found.id, now)?;
        if let (None, Some(user_id)) = (&found.user_id, enter.user_id) {
            claim::attach_user(tx, &found.id, enter.browser_hash, user_id, now)?;
        }
        found.id
    } else {
        claim::insert(
            tx,
            enter.new_claim_id,
            enter.seller_id,
            enter.instance_id,
            enter.browser_hash,
            enter.user_id,
            now,
        )?;
        if enter.is_asked && !is_known(tx, enter)? {
            usecase::heal::ask(tx, enter.seller_id, enter.instance_id, now)?;
        }
        enter.new_claim_id.to_owned()
    };
    claim::insert_spent(tx, enter.token_hash, pre_hash, &claim_id, now, enter.spent_until)?;
    Ok(Some(Opened { id: claim_id, browser_hash: enter.browser_hash.to_vec() }))
}

/// Whether the link's subscription can be shown; the marketplace is asked once about any other (rules A5).
fn is_known(db: &Db, enter: &Enter<'_>) -> Result<bool> {
    let found = crate::store::subscription::find(db, enter.seller_id, enter.instance_id)?;
    Ok(found.is_some_and(|found| found.quarantined_at.is_none()))
}

/// Where a login-free link of a bound subscription leads.
pub enum Bound {
    /// Not bound, or not active: the claim decides.
    Not,
    /// The signed-in person belongs to the organization and enters as oneself.
    AsOneself { organization_id: String },
    /// Signs the entry user in without a password.
    AsEntryUser { binding: Box<Binding>, role: Role },
    /// Sign in first, or this person does not belong there: the claim page says so.
    SignIn,
}

/// Who enters by a link of this subscription (rules A1, A5).
pub fn entrant(
    db: &Db,
    seller_id: &str,
    instance_id: &str,
    user_id: Option<&str>,
    is_entry_allowed: bool,
) -> Result<Bound> {
    let Some(found) = crate::store::subscription::find(db, seller_id, instance_id)? else { return Ok(Bound::Not) };
    if found.standing.state != subscription::State::Active || found.quarantined_at.is_some() {
        return Ok(Bound::Not);
    }
    let Some(bound) = binding::find_of_subscription(db, found.id)?.filter(|bound| bound.state == State::Live) else {
        return Ok(Bound::Not);
    };
    if let Some(user_id) = user_id {
        // A signed-in person is never replaced.
        return Ok(match member::find_role(db, &bound.organization_id, user_id)? {
            Some(_) => Bound::AsOneself { organization_id: bound.organization_id },
            None => Bound::SignIn,
        });
    }
    Ok(match entry_role(db, &bound, is_entry_allowed)? {
        Some(role) => Bound::AsEntryUser { binding: Box::new(bound), role },
        None => Bound::SignIn,
    })
}

/// The role in which a live binding's entry user may enter without a password, if at all.
fn entry_role(db: &Db, bound: &Binding, is_entry_allowed: bool) -> Result<Option<Role>> {
    let Some(entry_user) = user::find(db, &bound.entry_user_id)? else { return Ok(None) };
    let role_now = member::find_role(db, &bound.organization_id, &bound.entry_user_id)?;
    let check = EntryCheck {
        is_allowed_here: is_entry_allowed,
        is_allowed_by_user: bound.allows_entry,
        is_user_active: entry_user.disabled_at.is_none(),
        is_user_operator: entry_user.is_operator,
        role_then: bound.entry_role,
        role_now,
    };
    Ok(role_now.filter(|_| may_enter_without_password(check)))
}

/// An entry that was begun, and waits for the entry user's code: it, if it still holds.
pub(super) fn find_entry(db: &Db, binding_id: &str, is_entry_allowed: bool) -> Result<Option<(Binding, Role)>> {
    let Some(bound) = binding::find(db, binding_id)?.filter(|bound| bound.state == State::Live) else {
        return Ok(None);
    };
    let is_active = crate::store::subscription::find_by_id(db, bound.subscription_id)?
        .is_some_and(|found| found.standing.state == subscription::State::Active && found.quarantined_at.is_none());
    if !is_active {
        return Ok(None);
    }
    Ok(entry_role(db, &bound, is_entry_allowed)?.map(|role| (bound, role)))
}

/// Who enters by a login-free link, and from which browser.
pub struct Entry<'a> {
    pub binding: &'a Binding,
    pub role: Role,
    pub browser_hash: Option<&'a [u8]>,
}

/// Signs the entry user in; the first time from a browser is mailed (rules A1).
pub(super) fn sign_in(
    tx: &Tx,
    mailer: &Mailer<'_>,
    fresh: &usecase::session::Fresh,
    entry: &Entry<'_>,
    now: Instant,
) -> Result<()> {
    let user_id = &entry.binding.entry_user_id;
    usecase::session::start_marketplace(tx, fresh, entry.binding, entry.role, now)?;
    let is_new = match entry.browser_hash {
        Some(hash) => usecase::session::meet_browser(tx, user_id, hash, now)?,
        None => true,
    };
    if !is_new {
        return Ok(());
    }
    let letter = Letter::EntryFromNewBrowser {
        at: now,
        user_agent: fresh.device.clone(),
        sessions_url: format!("{}/me/sessions", mailer.head.public_url),
    };
    usecase::mail::send(tx, mailer, user_id, &letter, now)
}

/// Signs the entry user in, or asks for the code first where there is a second factor. Whether it is asked for.
pub fn begin_entry(
    tx: &Tx,
    mailer: &Mailer<'_>,
    fresh: &usecase::session::Fresh,
    entry: &Entry<'_>,
    now: Instant,
) -> Result<bool> {
    let user_id = &entry.binding.entry_user_id;
    let is_asked = usecase::second_factor::is_on(tx, user_id)?;
    if is_asked {
        usecase::second_factor::begin(tx, &fresh.secret_hash, user_id, Some(&entry.binding.id), now)?;
    } else {
        sign_in(tx, mailer, fresh, entry, now)?;
    }
    Ok(is_asked)
}
