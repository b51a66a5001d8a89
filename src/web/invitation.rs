//! Invitations: sent and revoked by owners, accepted by whoever holds the link and the address.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;

use super::form::Form;
use super::organization::of;
use super::session::{NewUser, mailer};
use super::visit::{Jar, Page, Visit, see_other};
use crate::crypto;
use crate::domain::invitation::mask_email;
use crate::domain::organization::Role;
use crate::domain::session::{self as rule, Access};
use crate::domain::value::{Email, MINUTE_MS};
use crate::error::{Error, Result};
use crate::usecase;
use crate::usecase::invitation::{self, Invitation, Invite, Look};
use crate::view::account::InvitationInHand;
use crate::view::invitation as pages;
use crate::view::parts::Problem;

/// What an owner sees of invitations among the members.
pub(super) fn described(visit: &Visit, open: Vec<Invitation>) -> pages::Inviting {
    let facts = visit.session.as_ref().map(usecase::session::Session::facts);
    pages::Inviting {
        is_locked: rule::admit(Access::SteppedUp, facts, visit.now) != rule::Verdict::Enter,
        open: open
            .into_iter()
            .map(|one| pages::Open {
                state: match u64::try_from(one.expires_at.since_ms(visit.now)) {
                    _ if !one.is_backed => pages::State::Unbacked,
                    Ok(ms) if ms > 0 => pages::State::Works { minutes_left: ms / MINUTE_MS.unsigned_abs() },
                    _ => pages::State::Expired,
                },
                id: one.id,
                email: one.email,
                role: one.role,
            })
            .collect(),
        ..pages::Inviting::default()
    }
}

/// 「发送邀请」
pub async fn create(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (typed, role) = (form.text("email").to_owned(), Role::parse(form.text("role")).unwrap_or(Role::Member));
    let draft = Draft { email: typed.clone(), role: Some(role) };
    let Some(email) = Email::parse(&typed) else {
        let code = if typed.trim().is_empty() { "required" } else { "malformed" };
        return refuse(&visit, &id, draft, vec![Problem::at("email", code)]).await;
    };
    let (session, new_id) = (visit.signed_in()?.clone(), visit.app.chance.id("inv", visit.now));
    visit.app.limits.invitations_by_user.check(&session.user_id)?;
    let (app, organization_id, now, lang) = (visit.app.clone(), id.clone(), visit.now, visit.lang);
    let is_shown = !app.is_mail_read;
    let sent = visit
        .app
        .store
        .write(move |tx| {
            let invite = Invite { id: &new_id, organization_id: &organization_id, email: &email, role, lang, is_shown };
            let link = invitation::invite(tx, &mailer(&app), &session.actor(), &invite, now)?;
            Ok((email.to_string(), link))
        })
        .await;
    answer(&visit, &id, sent, draft).await
}

/// 「重新发送」
pub async fn resend(visit: Visit, path: Path<(String, String)>, _form: Form) -> Page {
    let session = visit.signed_in()?.clone();
    visit.app.limits.invitations_by_user.check(&session.user_id)?;
    let (organization_id, id) = path.into_inner();
    let (app, organization, now, lang) = (visit.app.clone(), organization_id.clone(), visit.now, visit.lang);
    let is_shown = !app.is_mail_read;
    let sent = visit
        .app
        .store
        .write(move |tx| {
            let of = (organization.as_str(), id.as_str());
            invitation::resend(tx, &mailer(&app), &session.actor(), of, (lang, is_shown), now)
        })
        .await;
    answer(&visit, &organization_id, sent, Draft::default()).await
}

/// What was typed.
#[derive(Default)]
struct Draft {
    email: String,
    role: Option<Role>,
}

/// The address and the link of what was sent, or why nothing was.
async fn answer(visit: &Visit, organization_id: &str, sent: Result<(String, String)>, draft: Draft) -> Page {
    match sent {
        Ok(_) if visit.app.is_mail_read => Ok(see_other(format!("/orgs/{organization_id}/members?done=invited"))),
        Ok((email, link)) => {
            // Nobody is mailed: the link is handed over by hand (rules A7).
            let (actor, id) = (visit.signed_in()?.actor(), organization_id.to_owned());
            let seen = visit.app.store.read(move |db| usecase::organization::see(db, &actor, &id)).await?;
            let page = pages::Handed { organization: of(visit, &seen), email, link };
            Ok(visit.html(|frame| pages::handed(frame, &page)))
        }
        Err(Error::Invalid(why)) => {
            let of_form = |field| if draft.email.is_empty() { "" } else { field };
            let problems = why.iter().map(|one| Problem::at(of_form(one.field), one.code)).collect();
            refuse(visit, organization_id, draft, problems).await
        }
        Err(cause) => Err(cause.into()),
    }
}

async fn refuse(visit: &Visit, organization_id: &str, draft: Draft, problems: Vec<Problem>) -> Page {
    let mut page = super::member::list(visit, organization_id).await?;
    let Some(inviting) = page.inviting.as_mut() else { return Err(Error::Forbidden("not_owner").into()) };
    inviting.email = draft.email;
    inviting.role = draft.role;
    inviting.problems = problems;
    Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| crate::view::member::members(frame, &page)))
}

/// 「撤销」
pub async fn revoke(visit: Visit, path: Path<(String, String)>, _form: Form) -> Page {
    let (actor, now) = (visit.signed_in()?.actor(), visit.now);
    let (organization_id, id) = path.into_inner();
    let home = format!("/orgs/{organization_id}/members");
    match visit.app.store.write(move |tx| invitation::revoke(tx, &actor, &organization_id, &id, now)).await {
        Ok(()) => Ok(see_other(format!("{home}?done=revoked"))),
        Err(cause) => Err(cause.into()),
    }
}

/// What a link leads to.
enum Found {
    Open(Box<Look>),
    Joined(usecase::Organization),
}

/// Shows an invitation. Opening the link spends nothing.
pub async fn show(visit: Visit, token: Path<String>) -> Page {
    let (hash, now) = (crypto::digest(token.as_bytes()), visit.now);
    let reader = visit.user_id().map(str::to_owned);
    let found = visit
        .app
        .store
        .read(move |db| {
            let joined = match reader {
                Some(user_id) => invitation::joined(db, &hash, &user_id)?,
                None => None,
            };
            match joined {
                Some(organization) => Ok(Found::Joined(organization)),
                None => Ok(Found::Open(Box::new(invitation::look(db, &hash, now)?))),
            }
        })
        .await?;
    Ok(match found {
        Found::Joined(organization) => {
            let page = pages::Joined { organization_id: organization.id, organization: organization.name };
            visit.html(|frame| pages::joined(frame, &page))
        }
        Found::Open(look) => open_page(&visit, token.into_inner(), *look),
    })
}

fn open_page(visit: &Visit, token: String, look: Look) -> HttpResponse {
    let own = visit.session.as_ref().filter(|_| visit.user_id().is_some());
    let page = pages::Invitation {
        token,
        organization: look.organization.name,
        role: look.invitation.role,
        inviter: look.invitation.inviter_name,
        email_masked: mask_email(&look.invitation.email),
        expires_at: look.invitation.expires_at,
        is_frozen: look.organization.freeze.is_some(),
        reader: match own {
            None => pages::Reader::Nobody,
            Some(session) if session.email == look.invitation.email => pages::Reader::Invited,
            Some(_) => pages::Reader::Other,
        },
    };
    visit.html(|frame| pages::invitation(frame, &page))
}

/// 「接受邀请」
pub async fn accept(visit: Visit, token: Path<String>, _form: Form) -> Page {
    let (hash, now, session) = (crypto::digest(token.as_bytes()), visit.now, visit.signed_in()?.clone());
    let secret = visit.app.chance.token();
    let secret_hash = crypto::digest(secret.as_bytes());
    let accepted = visit
        .app
        .store
        .write(move |tx| {
            let organization_id = invitation::accept(tx, &hash, &session.user_id, &session.by(), now)?;
            // The session reaches more now.
            usecase::session::rotate(tx, &session, &secret_hash)?;
            Ok(organization_id)
        })
        .await;
    match accepted {
        Ok(organization_id) => {
            visit.set_cookie(Jar::Session, &secret);
            Ok(see_other(welcome(&organization_id)))
        }
        // The page says whose it is, or what has changed meanwhile.
        Err(Error::Conflict(_) | Error::Gone(_)) => Ok(see_other(format!("/invitations/{token}"))),
        Err(cause) => Err(cause.into()),
    }
}

/// Where somebody goes who has just joined.
pub(super) fn welcome(organization_id: &str) -> String {
    format!("/orgs/{organization_id}/members?done=joined")
}

/// 「切换帐号」: signs out; the invitation stays.
pub async fn switch_user(visit: Visit, token: Path<String>, _form: Form) -> Page {
    super::session::sign_out(&visit).await?;
    Ok(see_other(format!("/invitations/{token}")))
}

/// An open invitation that somebody on the way in goes back to.
pub(super) struct InHand {
    token_hash: [u8; 32],
    pub(super) email: String,
    pub(super) shown: InvitationInHand,
}

/// The invitation that a way leads back to, if it can be accepted.
pub(super) async fn in_hand(visit: &Visit, next: Option<&str>) -> Result<Option<InHand>> {
    let Some(token) = next.and_then(|next| next.strip_prefix("/invitations/")) else { return Ok(None) };
    let (token_hash, now) = (crypto::digest(token.as_bytes()), visit.now);
    match visit.app.store.read(move |db| invitation::look(db, &token_hash, now)).await {
        Ok(Look { invitation, organization }) => Ok(Some(InHand {
            token_hash,
            shown: InvitationInHand {
                organization: organization.name,
                email_masked: mask_email(&invitation.email),
                // A link that was shown to the inviter proves no address: where that has to be proved, a code is mailed.
                joins_at_once: !(invitation.is_shown && super::email_check::is_checked(visit)),
            },
            email: invitation.email,
        })),
        Err(Error::Gone(_) | Error::Conflict(_)) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Registers by an invitation, and joins; where the person goes then.
pub(super) async fn register(visit: &Visit, invited: &InHand, new: NewUser) -> Result<String> {
    let (token_hash, now) = (invited.token_hash, visit.now);
    let joined = visit
        .app
        .store
        .write(move |tx| invitation::register_and_accept(tx, &token_hash, &new.described(), now))
        .await?;
    Ok(welcome(&joined))
}
