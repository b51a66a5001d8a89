//! 「进入产品」: a one-time code that the vendor's product exchanges for the person and the organization.

use crate::domain::api_key::Scope;
use crate::domain::organization::Role;
use crate::domain::value::{Instant, SECOND_MS};
use crate::error::{Error, Result};
use crate::store::api_key::ApiKey;
use crate::store::organization::Organization;
use crate::store::subscription::Subscription;
use crate::store::{Db, Tx, api_key, binding, entry, member, organization, session, subscription};
use crate::usecase::organization::Actor;
use crate::usecase::session::holds;

pub use crate::store::entry::Code;

/// How long a code can be exchanged.
pub const CODE_MS: i64 = 60 * SECOND_MS;

/// Gives a code for an organization that the session's person belongs to and may see.
pub fn give_code(
    tx: &Tx,
    session_id: &str,
    actor: &Actor,
    organization_id: &str,
    code_hash: &[u8],
    now: Instant,
) -> Result<()> {
    actor.role_in(tx, organization_id)?;
    entry::insert_code(tx, code_hash, session_id, organization_id, now, now.plus_ms(CODE_MS))
}

/// Who enters, as the product is told.
pub struct Entrant {
    /// Named by `session.revoked`.
    pub session_id: String,
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub organization: Organization,
    pub role: Role,
    pub subscription: Option<Subscription>,
    pub is_via_marketplace: bool,
    pub expires_at: Instant,
}

/// Exchanges a code, once: what it stands for, which is nothing that tells of the person, and may be kept.
///
/// # Errors
/// `Gone("code")` for a code that is unknown, used or too old; as [`find_entrant`], and then it is not used.
pub fn exchange(tx: &Tx, code_hash: &[u8], now: Instant) -> Result<Code> {
    let code = entry::use_code(tx, code_hash, now)?.ok_or(Error::Gone("code"))?;
    find_entrant(tx, &code, now)?;
    Ok(code)
}

/// Who enters by what a code stood for, as things are now.
///
/// # Errors
/// `Gone("code")` if the session or the membership has ended.
pub fn find_entrant(db: &Db, code: &Code, now: Instant) -> Result<Entrant> {
    let gone = || Error::Gone("code");
    let standing = session::find_by_id(db, &code.session_id)?.filter(|found| holds(found, now)).ok_or_else(gone)?;
    let session = standing.session;
    let role = member::find_role(db, &code.organization_id, &session.user_id)?.ok_or_else(gone)?;
    let organization = organization::find(db, &code.organization_id)?.ok_or_else(gone)?;
    let subscription = channel(db, &organization.id)?;
    Ok(Entrant {
        session_id: session.id,
        user_id: session.user_id,
        email: standing.email,
        name: standing.user_name,
        organization,
        role,
        subscription,
        is_via_marketplace: session.binding_id.is_some(),
        expires_at: session.expires_at,
    })
}

/// The subscription that an organization pays through.
pub fn channel(db: &Db, organization_id: &str) -> Result<Option<Subscription>> {
    match binding::find_live_of_organization(db, organization_id)? {
        Some(live) => subscription::find_by_id(db, live.subscription_id),
        None => Ok(None),
    }
}

/// The API key, if it is in force.
///
/// # Errors
/// `SignIn` for a key that is not.
pub fn find_key(db: &Db, secret_hash: &[u8], now: Instant) -> Result<ApiKey> {
    api_key::find_in_force(db, secret_hash, now)?.ok_or(Error::SignIn)
}

/// The API key, if it is in force and has the scope.
///
/// # Errors
/// `SignIn` for a key that is not; `Forbidden("scope")` for one that does not reach so far.
pub fn authorize(db: &Db, secret_hash: &[u8], scope: Scope, now: Instant) -> Result<ApiKey> {
    let key = find_key(db, secret_hash, now)?;
    if key.has(scope) { Ok(key) } else { Err(Error::Forbidden("scope")) }
}

/// Forgets codes that can no longer be exchanged.
pub fn forget_codes(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    entry::delete_old_codes(tx, now, rows)
}

/// An organization as the product may read it, with the subscription it pays through.
pub fn read_organization(db: &Db, id: &str) -> Result<(Organization, Option<Subscription>)> {
    let found = organization::find(db, id)?.ok_or(Error::NotFound("organization"))?;
    let channel = channel(db, &found.id)?;
    Ok((found, channel))
}

/// The organizations behind `after`, in the order of their ids, so that a cursor never skips one.
pub fn list_organizations(db: &Db, after: &str, limit: u32) -> Result<Vec<(Organization, Option<Subscription>)>> {
    let list = organization::list_after(db, after, limit)?;
    list.into_iter().map(|one| channel(db, &one.id).map(|channel| (one, channel))).collect()
}
