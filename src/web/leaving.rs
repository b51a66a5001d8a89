//! What is held about oneself, as a file; and the end of one's account (rules D6).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;

use super::form::Form;
use super::session::mailer;
use super::visit::{Jar, Page, Visit, see_other};
use crate::domain::value::Email;
use crate::error::{Error, Result};
use crate::usecase::leaving::{self, Obstacle};
use crate::usecase::second_factor::Person;
use crate::usecase::session::Session;
use crate::view::leaving as pages;
use crate::view::parts::Problem;

/// Everything that is held about oneself, as JSON.
pub async fn export(visit: Visit) -> Page {
    let (user_id, now) = (visit.signed_in()?.user_id.clone(), visit.now);
    let held = visit.app.store.read(move |db| leaving::export(db, &user_id, now)).await?;
    let body = serde_json::to_string_pretty(&held).map_err(Error::from)?;
    Ok(HttpResponse::Ok()
        .content_type("application/json; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"account.json\""))
        .body(body))
}

/// What a deletion means, or what stands in its way.
pub async fn confirm(visit: Visit) -> Page {
    page(&visit, StatusCode::OK, vec![]).await
}

async fn page(visit: &Visit, status: StatusCode, problems: Vec<Problem>) -> Page {
    let session = visit.signed_in()?;
    let user_id = session.user_id.clone();
    let obstacles = visit.app.store.read(move |db| leaving::obstacles(db, &user_id)).await?;
    let page = pages::Delete {
        email: session.email.clone(),
        obstacles: obstacles
            .into_iter()
            .map(|one| match one {
                Obstacle::LastOwner { id, name, is_bound } => pages::Obstacle::LastOwner { id, name, is_bound },
                Obstacle::LastOperator => pages::Obstacle::LastOperator,
            })
            .collect(),
        problems,
    };
    Ok(visit.html_with(status, |frame| pages::delete(frame, &page)))
}

/// The end of one's account, after its address was typed.
pub async fn delete(visit: Visit, form: Form) -> Page {
    let session = visit.signed_in()?.clone();
    if Email::parse(form.text("email")).is_none_or(|typed| typed.as_str() != session.email) {
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, vec![Problem::at("email", "not_yours")]).await;
    }
    let device = super::me::device(&visit.user_agent);
    match end(&visit, session, device).await {
        Ok(()) => {
            visit.drop_cookie(Jar::Session);
            Ok(see_other("/login?because=account_deleted"))
        }
        Err(Error::Conflict("obstacles")) => page(&visit, StatusCode::CONFLICT, vec![]).await,
        Err(cause) => Err(cause.into()),
    }
}

async fn end(visit: &Visit, session: Session, device: String) -> Result<()> {
    let (app, now, store) = (visit.app.clone(), visit.now, &visit.app.store);
    loop {
        let user_id = session.user_id.clone();
        if store.write(move |tx| leaving::erase_some(tx, &user_id)).await? == 0 {
            break;
        }
    }
    store
        .write(move |tx| {
            let who = Person { user_id: &session.user_id, device: &device, request_id: &session.request_id };
            leaving::delete(tx, &mailer(&app), &who, now)
        })
        .await
}
