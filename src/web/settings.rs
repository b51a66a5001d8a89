//! An organization's settings: its name, its time zone, its end.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::form::{Form, problems};
use super::organization::of;
use super::session::mailer;
use super::visit::{Page, Visit, see_other};
use crate::domain::organization::check_name;
use crate::error::{Error, Result};
use crate::usecase;
use crate::usecase::settings::{self, Obstacle};
use crate::view::parts::Problem;
use crate::view::settings as pages;

#[derive(Deserialize, Default)]
pub struct Options {
    /// What was just done, for the note on top.
    done: Option<String>,
}

/// Everybody sees them, owners change them.
pub async fn show(visit: Visit, id: Path<String>, options: Query<Options>) -> Page {
    let done = match options.done.as_deref() {
        Some("name") => Some(pages::Done::Renamed),
        Some("zone") => Some(pages::Done::ZoneChanged),
        _ => None,
    };
    let page = pages::Settings { done, ..described(&visit, &id).await? };
    Ok(visit.html(|frame| pages::settings(frame, &page)))
}

async fn described(visit: &Visit, id: &str) -> Result<pages::Settings> {
    let (actor, id) = (visit.session.as_ref().ok_or(Error::SignIn)?.actor(), id.to_owned());
    let seen = visit.app.store.read(move |db| usecase::organization::see(db, &actor, &id)).await?;
    Ok(pages::Settings {
        organization: of(visit, &seen),
        is_owner: seen.role.manages_people(),
        created_at: seen.organization.created_at,
        now: visit.now,
        new_name: seen.organization.name,
        time_zone: seen.organization.time_zone,
        done: None,
        problems: vec![],
    })
}

/// 「保存名称」
pub async fn rename(visit: Visit, id: Path<String>, form: Form) -> Page {
    match check_name(form.text("name")) {
        Ok(name) => {
            let (actor, wanted, now) = (visit.signed_in()?.actor(), id.clone(), visit.now);
            visit.app.limits.changes_by_user.check(&actor.user_id)?;
            visit.app.store.write(move |tx| settings::rename(tx, &actor, &wanted, &name, now)).await?;
            Ok(see_other(format!("/orgs/{id}/settings?done=name")))
        }
        Err(code) => {
            let (new_name, problems) = (form.text("name").to_owned(), vec![Problem::at("name", code)]);
            let page = pages::Settings { new_name, problems, ..described(&visit, &id).await? };
            if !page.is_owner {
                return Err(Error::Forbidden("not_owner").into());
            }
            Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| pages::settings(frame, &page)))
        }
    }
}

/// 「保存时区」
pub async fn set_zone(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (actor, wanted, zone, now) = (visit.signed_in()?.actor(), id.clone(), form.text("zone").to_owned(), visit.now);
    visit.app.limits.changes_by_user.check(&actor.user_id)?;
    visit.app.store.write(move |tx| settings::set_time_zone(tx, &actor, &wanted, &zone, now)).await?;
    Ok(see_other(format!("/orgs/{id}/settings?done=zone")))
}

/// What deleting means, or what stands in its way.
pub async fn confirm(visit: Visit, id: Path<String>) -> Page {
    Ok(delete_page(&visit, &id, StatusCode::OK, vec![]).await?)
}

async fn delete_page(visit: &Visit, id: &str, status: StatusCode, problems: Vec<Problem>) -> Result<HttpResponse> {
    let (actor, id) = (visit.session.as_ref().ok_or(Error::SignIn)?.actor(), id.to_owned());
    let (seen, obstacles) = visit.app.store.read(move |db| settings::look_to_delete(db, &actor, &id)).await?;
    let page = pages::Delete {
        organization: of(visit, &seen),
        members: u64::from(seen.organization.members),
        obstacles: obstacles
            .into_iter()
            .map(|one| match one {
                Obstacle::Bound { subscription } => pages::Obstacle::Bound { subscription_id: subscription },
                Obstacle::Requested => pages::Obstacle::Requested,
                Obstacle::Open { records } => pages::Obstacle::Open { records: records.into() },
                Obstacle::Unknown { records } => pages::Obstacle::Unknown { records: records.into() },
            })
            .collect(),
        problems,
    };
    Ok(visit.html_with(status, |frame| pages::delete(frame, &page)))
}

/// The end of an organization, after its name was typed.
pub async fn delete(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (app, actor, wanted, now) = (visit.app.clone(), visit.signed_in()?.actor(), id.clone(), visit.now);
    let typed = form.text("name").trim().to_owned();
    let deleted =
        visit.app.store.write(move |tx| settings::delete(tx, &mailer(&app), &actor, (&wanted, &typed), now)).await;
    match deleted {
        Ok(()) => Ok(see_other("/orgs?done=deleted")),
        Err(Error::Invalid(why)) => {
            Ok(delete_page(&visit, &id, StatusCode::UNPROCESSABLE_ENTITY, problems(&why)).await?)
        }
        Err(Error::Conflict(_)) => Ok(delete_page(&visit, &id, StatusCode::CONFLICT, vec![]).await?),
        Err(cause) => Err(cause.into()),
    }
}
