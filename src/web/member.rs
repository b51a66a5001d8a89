//! The members of an organization: other roles, removals, leaving.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::form::Form;
use super::organization::of;
use super::visit::{Page, Visit, see_other};
use crate::domain::organization::Role;
use crate::error::{Error, Result};
use crate::usecase;
use crate::usecase::membership::{self, Look};
use crate::usecase::organization::Member;
use crate::view::member as pages;

#[derive(Deserialize, Default)]
pub struct Options {
    /// What was just done, for the note on top.
    done: Option<String>,
}

pub async fn index(visit: Visit, id: Path<String>, options: Query<Options>) -> Page {
    let page = pages::Members {
        done: match options.done.as_deref() {
            Some("role") => Some(pages::Done::RoleChanged),
            Some("removed") => Some(pages::Done::Removed),
            Some("invited") => Some(pages::Done::Invited),
            Some("revoked") => Some(pages::Done::Revoked),
            Some("joined") => Some(pages::Done::Joined),
            _ => None,
        },
        ..list(&visit, &id).await?
    };
    Ok(visit.html(|frame| pages::members(frame, &page)))
}

/// Who belongs to an organization, and for who sees to them who was asked to.
pub(super) async fn list(visit: &Visit, id: &str) -> Result<pages::Members> {
    let session = visit.session.as_ref().ok_or(Error::SignIn)?;
    let (actor, id, is_full) = (session.actor(), id.to_owned(), visit.user_id().is_some());
    let (seen, members, open) = visit
        .app
        .store
        .read(move |db| {
            let (seen, members) = usecase::organization::members(db, &actor, &id)?;
            let is_shown = is_full && seen.role.manages_people();
            let open = if is_shown { Some(usecase::invitation::list(db, &actor, &id)?) } else { None };
            Ok((seen, members, open))
        })
        .await?;
    let is_owner = seen.role.manages_people();
    Ok(pages::Members {
        organization: of(visit, &seen),
        members: members.into_iter().map(|one| described(visit, one)).collect(),
        reach: match visit.user_id() {
            None => pages::Reach::Nobody { is_owner },
            Some(_) if is_owner => pages::Reach::Everybody,
            Some(_) => pages::Reach::Self_,
        },
        inviting: open.map(|open| super::invitation::described(visit, open)),
        done: None,
    })
}

fn described(visit: &Visit, one: Member) -> pages::Member {
    pages::Member {
        is_self: visit.session.as_ref().is_some_and(|session| session.user_id == one.user_id),
        user_id: one.user_id,
        name: one.name,
        email: one.email,
        role: one.role,
        joined_at: one.joined_at,
    }
}

async fn look(visit: &Visit, organization_id: &str, user_id: &str) -> Result<Look> {
    let actor = visit.session.as_ref().ok_or(Error::SignIn)?.actor();
    let (organization_id, user_id) = (organization_id.to_owned(), user_id.to_owned());
    visit.app.store.read(move |db| membership::look(db, &actor, &organization_id, &user_id)).await
}

/// 「更改角色」
pub async fn edit(visit: Visit, path: Path<(String, String)>) -> Page {
    let look = look(&visit, &path.0, &path.1).await?;
    let chosen = look.member.role;
    let page = role_page(&visit, look, chosen, false);
    Ok(visit.html(|frame| pages::change_role(frame, &page)))
}

fn role_page(visit: &Visit, look: Look, chosen: Role, is_changed: bool) -> pages::ChangeRole {
    pages::ChangeRole {
        organization: of(visit, &look.seen),
        is_last_owner: look.is_last_owner,
        chosen,
        is_changed,
        member: described(visit, look.member),
    }
}

pub async fn update(visit: Visit, path: Path<(String, String)>, form: Form) -> Page {
    let (Some(shown), Some(role)) = (Role::parse(form.text("was")), Role::parse(form.text("role"))) else {
        return Err(Error::invalid("role", "required").into());
    };
    let (actor, now) = (visit.signed_in()?.actor(), visit.now);
    let (organization_id, user_id) = path.into_inner();
    let home = format!("/orgs/{organization_id}/members");
    let (organization, user) = (organization_id.clone(), user_id.clone());
    let done = visit
        .app
        .store
        .write(move |tx| membership::change_role(tx, &actor, &organization, &user, (shown, role), now))
        .await;
    match done {
        Ok(()) => Ok(see_other(format!("{home}?done=role"))),
        // Removed meanwhile: the list shows who is there.
        Err(Error::NotFound("member")) => Ok(see_other(home)),
        Err(Error::Conflict(code)) => {
            let page = role_page(&visit, look(&visit, &organization_id, &user_id).await?, role, code == "changed");
            Ok(visit.html_with(StatusCode::CONFLICT, |frame| pages::change_role(frame, &page)))
        }
        Err(cause) => Err(cause.into()),
    }
}

/// What removing means, before it is done.
pub async fn remove(visit: Visit, path: Path<(String, String)>) -> Page {
    let look = look(&visit, &path.0, &path.1).await?;
    let page = pages::Remove { organization: of(&visit, &look.seen), member: described(&visit, look.member) };
    if page.member.is_self {
        return Ok(see_other(format!("/orgs/{}/leave", page.organization.id)));
    }
    Ok(visit.html(|frame| pages::remove(frame, &page)))
}

/// 「移除」
pub async fn destroy(visit: Visit, path: Path<(String, String)>, _form: Form) -> Page {
    let (actor, now) = (visit.signed_in()?.actor(), visit.now);
    let (organization_id, user_id) = path.into_inner();
    let home = format!("/orgs/{organization_id}/members");
    match visit.app.store.write(move |tx| membership::remove(tx, &actor, &organization_id, &user_id, now)).await {
        // Two clicks, or another owner was faster: the person is gone either way.
        Ok(()) | Err(Error::NotFound("member")) => Ok(see_other(format!("{home}?done=removed"))),
        Err(cause) => Err(cause.into()),
    }
}

/// What leaving means, before it is done.
pub async fn leave(visit: Visit, id: Path<String>) -> Page {
    Ok(leave_page(&visit, &id, StatusCode::OK).await?)
}

async fn leave_page(visit: &Visit, id: &str, status: StatusCode) -> Result<actix_web::HttpResponse> {
    let own = visit.session.as_ref().ok_or(Error::SignIn)?.user_id.clone();
    let look = look(visit, id, &own).await?;
    let page = pages::Leave { organization: of(visit, &look.seen), is_last_owner: look.is_last_owner };
    Ok(visit.html_with(status, |frame| pages::leave(frame, &page)))
}

/// 「离开组织」
pub async fn depart(visit: Visit, id: Path<String>, _form: Form) -> Page {
    let (actor, now, id) = (visit.signed_in()?.actor(), visit.now, id.into_inner());
    let left = id.clone();
    match visit.app.store.write(move |tx| membership::remove(tx, &actor, &left, &actor.user_id, now)).await {
        Ok(()) | Err(Error::NotFound(_)) => Ok(see_other("/orgs")),
        Err(Error::Conflict(_)) => Ok(leave_page(&visit, &id, StatusCode::CONFLICT).await?),
        Err(cause) => Err(cause.into()),
    }
}
