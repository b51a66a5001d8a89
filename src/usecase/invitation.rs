//! Invitations: an owner asks an address to join, and whoever holds the mailed link and the address does (product §5,
//! rules A2, A7).

use serde_json::json;

use crate::crypto;
use crate::domain::invitation::{Closed, Facts, LIFE_MS, MAILBOX_MS, Sending, check, may_send};
use crate::domain::letter::Letter;
use crate::domain::organization::{Freeze, Role};
use crate::domain::value::{DAY_MS, Email, HOUR_MS, Instant, Lang};
use crate::error::{Error, Result};
use crate::store::invitation::{self as store, Sent};
use crate::store::organization::{self, Organization};
use crate::store::{Db, Tx, event, mail as mails, member, user};
use crate::usecase::audit::{self, By, Entry};
use crate::usecase::mail::{self, Mailer};
use crate::usecase::organization::Actor;
use crate::usecase::user::{Register, register};

pub use crate::store::invitation::Invitation;

/// How long an invitation is kept that has run out, for who asks what became of it.
const KEEP_MS: i64 = 30 * DAY_MS;

/// An invitation to be sent.
pub struct Invite<'a> {
    /// Of a new one.
    pub id: &'a str,
    pub organization_id: &'a str,
    pub email: &'a Email,
    pub role: Role,
    /// Of whoever has no account yet.
    pub lang: Lang,
    /// Nobody reads mails here, so the link is shown to the inviter (rules A7).
    pub is_shown: bool,
}

/// The organization, for whoever may invite to it.
fn manage(db: &Db, actor: &Actor, organization_id: &str) -> Result<Organization> {
    if !actor.role_in(db, organization_id)?.manages_people() {
        return Err(Error::Forbidden("not_owner"));
    }
    organization::find(db, organization_id)?.ok_or(Error::NotFound("organization"))
}

/// Mails an invitation; the link. An address that was invited before and has not answered gets another link, and its
/// former one leads nowhere. Nothing tells whether the address has an account.
///
/// # Errors
/// `Forbidden("not_owner")`; `Invalid` for what [`may_send`] names, and `Invalid(email, already_member)`.
pub fn invite(tx: &Tx, mailer: &Mailer<'_>, actor: &Actor, invite: &Invite<'_>, now: Instant) -> Result<String> {
    let organization = manage(tx, actor, invite.organization_id)?;
    let reader = user::find_by_email(tx, invite.email.as_str())?;
    if let Some(reader) = &reader
        && member::find_role(tx, &organization.id, &reader.id)?.is_some()
    {
        return Err(Error::invalid("email", "already_member"));
    }
    let open = store::find_open_to(tx, &organization.id, invite.email.as_str())?;
    let lang = reader.map_or(invite.lang, |reader| reader.lang);
    let address = (invite.email.as_str(), lang);
    send(tx, mailer, actor, &organization, (open.as_ref(), invite.id), address, (invite.role, invite.is_shown), now)
}

/// Mails another link; the link. The former one leads nowhere.
///
/// # Errors
/// `NotFound("invitation")` for one that is answered, revoked or another organization's; as [`invite`].
pub fn resend(
    tx: &Tx,
    mailer: &Mailer<'_>,
    actor: &Actor,
    (organization_id, id): (&str, &str),
    (lang, is_shown): (Lang, bool),
    now: Instant,
) -> Result<(String, String)> {
    let organization = manage(tx, actor, organization_id)?;
    let open = store::find_open(tx, organization_id, id)?.ok_or(Error::NotFound("invitation"))?;
    let lang = user::find_by_email(tx, &open.email)?.map_or(lang, |reader| reader.lang);
    let role = open.role;
    let link = send(tx, mailer, actor, &organization, (Some(&open), id), (&open.email, lang), (role, is_shown), now)?;
    Ok((open.email, link))
}

#[expect(clippy::too_many_arguments, reason = "both ways in end here")]
fn send(
    tx: &Tx,
    mailer: &Mailer<'_>,
    actor: &Actor,
    organization: &Organization,
    (open, new_id): (Option<&Invitation>, &str),
    (email, lang): (&str, Lang),
    (role, is_shown): (Role, bool),
    now: Instant,
) -> Result<String> {
    let inviter = user::find(tx, &actor.user_id)?.ok_or(Error::NotFound("user"))?;
    let token = mailer.chance.token();
    let link = format!("{}/invitations/{token}", mailer.head.public_url);
    let letter = Letter::Invitation {
        inviter: inviter.name,
        organization: organization.name.clone(),
        role,
        link: link.clone(),
        valid_hours: LIFE_MS / HOUR_MS,
    };
    let facts = Sending {
        sent_at: open.map(|open| open.sent_at),
        to_mailbox: mails::count_to(tx, email, letter.kind(), now.plus_ms(-MAILBOX_MS))?,
        open: store::count_open(tx, &organization.id)?,
        members: organization.members,
        is_frozen_by_operator: organization.freeze.is_some_and(Freeze::is_by_operator),
    };
    may_send(facts, now).map_err(|(field, code)| Error::invalid(field, code))?;
    let sent = Sent {
        id: open.map_or(new_id, |open| &open.id),
        token_hash: &crypto::digest(token.as_bytes()),
        role,
        invited_by: &actor.user_id,
        is_shown,
        expires_at: now.plus_ms(LIFE_MS),
    };
    match open {
        Some(_) => store::set_sent(tx, &sent, now)?,
        None => store::insert(tx, &organization.id, email, &sent, now)?,
    }
    // Greeted by the address: whoever invites may not learn a name, nor the invited read one that is not theirs.
    mail::send_to_address(tx, mailer, email, lang, &letter, now)?;
    let action = if open.is_some() { "invitation.resent" } else { "invitation.sent" };
    note(tx, &actor.by(), (action, sent.id), &organization.id, Some(role), now)?;
    Ok(link)
}

fn note(
    tx: &Tx,
    by: &By,
    (action, id): (&str, &str),
    organization_id: &str,
    role: Option<Role>,
    now: Instant,
) -> Result<()> {
    let entry = Entry {
        action,
        subject: ("invitation", id),
        organization_id: Some(organization_id),
        after: role.map(Role::as_str),
        ..Entry::default()
    };
    audit::note(tx, by, &entry, now)
}

/// Ends an invitation: its link leads nowhere.
///
/// # Errors
/// `NotFound("invitation")` for one that is answered, revoked or another organization's.
pub fn revoke(tx: &Tx, actor: &Actor, organization_id: &str, id: &str, now: Instant) -> Result<()> {
    manage(tx, actor, organization_id)?;
    let open = store::find_open(tx, organization_id, id)?.ok_or(Error::NotFound("invitation"))?;
    store::set_revoked(tx, &open.id, now)?;
    note(tx, &actor.by(), ("invitation.revoked", id), organization_id, None, now)
}

/// The invitations that nobody has answered, for who may see to them.
pub fn list(db: &Db, actor: &Actor, organization_id: &str) -> Result<Vec<Invitation>> {
    manage(db, actor, organization_id)?;
    store::list_open(db, organization_id)
}

/// An invitation as whoever holds its link sees it.
pub struct Look {
    pub invitation: Invitation,
    pub organization: Organization,
}

/// An open invitation. Looking spends nothing (rules A2).
///
/// # Errors
/// `Gone` or `Conflict` with the code of the reason; `Gone("invitation")` for a link that leads nowhere, or no more.
pub fn look(db: &Db, token_hash: &[u8], now: Instant) -> Result<Look> {
    let found = store::find_by_token(db, token_hash)?.ok_or(Error::Gone("invitation"))?;
    let organization = organization::find(db, &found.organization_id)?;
    let facts = Facts {
        is_there: organization.is_some(),
        is_backed: found.is_backed,
        is_revoked: found.revoked_at.is_some(),
        is_accepted: found.accepted_at.is_some(),
        is_frozen_by_operator: organization.as_ref().and_then(|one| one.freeze).is_some_and(Freeze::is_by_operator),
        expires_at: found.expires_at,
        members: organization.as_ref().map_or(0, |one| one.members),
    };
    match (check(facts, now), organization) {
        (Ok(()), Some(organization)) => Ok(Look { invitation: found, organization }),
        (Err(Closed::Used), _) => Err(Error::Gone("invitation_used")),
        (Err(Closed::Expired), _) => Err(Error::Gone("invitation_expired")),
        (Err(Closed::Frozen), _) => Err(Error::Conflict("invitation_frozen")),
        (Err(Closed::Full), _) => Err(Error::Conflict("organization_full")),
        (Err(Closed::Revoked) | Ok(()), _) => Err(Error::Gone("invitation_revoked")),
    }
}

/// The organization of an invitation, if the person whom it was sent to belongs to it already: however the invitation
/// stands, that is what there is to say.
pub fn joined(db: &Db, token_hash: &[u8], user_id: &str) -> Result<Option<Organization>> {
    let Some(found) = store::find_by_token(db, token_hash)? else { return Ok(None) };
    let is_theirs = user::find(db, user_id)?.is_some_and(|user| user.email == found.email);
    if !is_theirs || member::find_role(db, &found.organization_id, user_id)?.is_none() {
        return Ok(None);
    }
    organization::find(db, &found.organization_id)
}

/// Joins by an invitation; the organization's id. Whoever belongs to it already keeps their role.
///
/// # Errors
/// As [`look`]; `Conflict("invitation_of_another")` for whoever is signed in with another address than it was sent to.
pub fn accept(tx: &Tx, token_hash: &[u8], user_id: &str, by: &By, now: Instant) -> Result<String> {
    if let Some(organization) = joined(tx, token_hash, user_id)? {
        match look(tx, token_hash, now) {
            Ok(look) => store::set_accepted(tx, &look.invitation.id, user_id, now)?,
            // Closed: there is nothing to answer.
            Err(Error::Gone(_) | Error::Conflict(_)) => {}
            Err(cause) => return Err(cause),
        }
        return Ok(organization.id);
    }
    let Look { invitation, organization } = look(tx, token_hash, now)?;
    let who = user::find(tx, user_id)?.ok_or(Error::NotFound("user"))?;
    if who.email != invitation.email {
        return Err(Error::Conflict("invitation_of_another"));
    }
    member::insert(tx, &organization.id, user_id, invitation.role, now)?;
    let data = json!({ "organization": organization.id, "user": user_id, "role": invitation.role });
    event::insert(tx, "member.added", &organization.id, &data, now)?;
    store::set_accepted(tx, &invitation.id, user_id, now)?;
    if !invitation.is_shown {
        // The link was mailed to the address, so it is the user's.
        user::set_email(tx, user_id, &who.email, now)?;
    }
    let entry = Entry {
        action: "member.added",
        subject: ("invitation", &invitation.id),
        organization_id: Some(&organization.id),
        user_id: Some(user_id),
        after: Some(invitation.role.as_str()),
        ..Entry::default()
    };
    audit::note(tx, by, &entry, now)?;
    Ok(organization.id)
}

/// Registers whom an invitation was mailed to, and joins: the link has proved the address (rules A7).
///
/// # Errors
/// As [`accept`], and as [`register`]; then nobody is registered.
pub fn register_and_accept(tx: &Tx, token_hash: &[u8], new: &Register<'_>, now: Instant) -> Result<String> {
    register(tx, new, now)?;
    accept(tx, token_hash, new.id, &By::user(new.id).in_request(new.request_id), now)
}

/// Forgets what ran out longer ago than its retention.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    store::delete_old(tx, now.plus_ms(-KEEP_MS), rows)
}
