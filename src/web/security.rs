//! How one's own account is protected: password, second factor, sessions.

use actix_web::http::StatusCode;

use super::form::Form;
use super::session::{fresh, mailer};
use super::visit::{Jar, Page, Visit, see_other};
use crate::crypto::password::strength;
use crate::error::Error;
use crate::usecase::{self, second_factor};
use crate::view::parts::Problem;
use crate::view::security as pages;

pub async fn show(visit: Visit) -> Page {
    let (user_id, now) = (visit.signed_in()?.user_id.clone(), visit.now);
    let (user, status, sessions) = visit
        .app
        .store
        .read(move |db| {
            let user = usecase::user::find(db, &user_id)?.ok_or(Error::NotFound("user"))?;
            Ok((user, second_factor::status(db, &user_id)?, usecase::session::list(db, &user_id, now)?.len()))
        })
        .await?;
    let page = pages::Security {
        password_changed_at: user.password_changed_at,
        second_factor: status.map(|status| (status.enabled_at, status.recovery_left)),
        sessions: sessions as u64,
    };
    Ok(visit.html(|frame| pages::security(frame, &page)))
}

pub async fn password(visit: Visit) -> Page {
    Ok(visit.html(|frame| pages::password(frame, &pages::Password::default())))
}

/// A new password, after the former one was typed just now. Other sessions end.
pub async fn change_password(visit: Visit, form: Form) -> Page {
    let (app, session) = (visit.app.clone(), visit.signed_in()?.clone());
    if let Err(code) = strength(form.text("password"), &[&session.user_name, &session.email]) {
        let page = pages::Password { problems: vec![Problem::at("password", code)] };
        return Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| pages::password(frame, &page)));
    }
    let password_hash = app.passwords.hash(form.text("password"), app.chance.bytes()).await?;
    let ((fresh, secret), now) = (fresh(&visit), visit.now);
    visit
        .app
        .store
        .write(move |tx| {
            usecase::user::change_password(tx, &mailer(&app), &session.user_id, &password_hash, &fresh, now)
        })
        .await?;
    visit.set_cookie(Jar::Session, &secret);
    Ok(see_other("/me/security"))
}
