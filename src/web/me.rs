//! A person's own account.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::error::PageError;
use super::form::Form;
use super::visit::{Page, Visit, see_other};
use crate::domain::organization::check_name;
use crate::domain::session::Kind;
use crate::error::Error;
use crate::usecase::{self, User};
use crate::view::account;
use crate::view::parts::Problem;

#[derive(Deserialize)]
pub struct Saved {
    saved: Option<String>,
}

pub async fn show(visit: Visit, saved: Query<Saved>) -> Page {
    let user = own(&visit).await?;
    let page = account::Me {
        new_name: user.name.clone(),
        name: user.name,
        email: user.email,
        is_verified: user.email_verified_at.is_some(),
        registered_at: user.created_at,
        is_saved: saved.saved.is_some(),
        problems: vec![],
    };
    Ok(visit.html(|frame| account::me(frame, &page)))
}

/// Another name.
pub async fn update(visit: Visit, form: Form) -> Page {
    match check_name(form.text("name")) {
        Ok(name) => {
            let (session, now) = (visit.signed_in()?.clone(), visit.now);
            visit.app.limits.changes_by_user.check(&session.user_id)?;
            visit
                .app
                .store
                .write(move |tx| usecase::user::rename(tx, &session.user_id, &name, &session.request_id, now))
                .await?;
            Ok(see_other("/me?saved=1"))
        }
        Err(code) => {
            let user = own(&visit).await?;
            let page = account::Me {
                name: user.name,
                new_name: form.text("name").to_owned(),
                email: user.email,
                is_verified: user.email_verified_at.is_some(),
                registered_at: user.created_at,
                is_saved: false,
                problems: vec![Problem::at("name", code)],
            };
            Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| account::me(frame, &page)))
        }
    }
}

async fn own(visit: &Visit) -> Result<User, PageError> {
    let user_id = visit.signed_in()?.user_id.clone();
    let user = visit.app.store.read(move |db| usecase::user::find(db, &user_id)).await?;
    Ok(user.ok_or(Error::NotFound("user"))?)
}

pub async fn sessions(visit: Visit) -> Page {
    let session = visit.signed_in()?;
    let (user_id, now, current) = (session.user_id.clone(), visit.now, session.id.clone());
    let list = visit.app.store.read(move |db| usecase::session::list(db, &user_id, now)).await?;
    let sessions = list
        .into_iter()
        .map(|one| account::Session {
            device: device(&one.user_agent),
            address: one.address,
            signed_in_at: one.created_at,
            last_seen_at: one.seen_at,
            is_current: one.id == current,
            is_via_marketplace: one.kind == Kind::Marketplace,
            id: one.id,
        })
        .collect();
    Ok(visit.html(|frame| account::sessions(frame, &account::Sessions { sessions })))
}

pub async fn end_session(visit: Visit, id: Path<String>, _form: Form) -> Page {
    let session = visit.signed_in()?;
    let (user_id, now, id) = (session.user_id.clone(), visit.now, id.into_inner());
    if id == session.id {
        super::session::sign_out(&visit).await?;
        return Ok(see_other("/login"));
    }
    match visit.app.store.write(move |tx| usecase::session::end(tx, &user_id, &id, now)).await {
        // Two clicks, or it had run out: it is over either way.
        Ok(()) | Err(Error::NotFound(_)) => Ok(see_other("/me/sessions")),
        Err(cause) => Err(PageError(cause)),
    }
}

/// Every session but this one.
pub async fn end_other_sessions(visit: Visit, _form: Form) -> Page {
    let (session, now) = (visit.signed_in()?.clone(), visit.now);
    visit.app.store.write(move |tx| usecase::session::end_others(tx, &session, now)).await?;
    Ok(see_other("/me/sessions"))
}

/// Browser and system of a `User-Agent`, such as "Chrome · Windows"; empty if it says neither.
pub(super) fn device(user_agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    // Others carry Chrome's and Safari's marks too, so they are asked for first.
    let browser = first(&[
        ("MicroMessenger", "WeChat"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    [browser, system].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_device_is_told_by_its_browser_and_system() {
        assert_eq!(
            device(
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0"
            ),
            "Edge · Windows"
        );
        assert_eq!(
            device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"),
            "Safari · iOS"
        );
        assert_eq!(device("curl/8"), "");
    }
}
