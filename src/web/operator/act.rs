//! What operators do to organizations, channels and people: a page that says what follows, and the act with its reason.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;

use super::user_id;
use crate::clock::Instant;
use crate::domain::binding::State;
use crate::error::{Error, Result};
use crate::usecase::audit::By;
use crate::usecase::intervention::{Act, freeze_word};
use crate::usecase::timeline::{Binding, Organization};
use crate::usecase::{self, Tx, User, directory, intervention};
use crate::view::operator::act as pages;
use crate::view::operator::act::{Kind, Refusal};
use crate::web::form::{Form, problems};
use crate::web::visit::{Page, Visit, see_other};

pub async fn freeze(visit: Visit, id: Path<String>) -> Page {
    Ok(shown(&visit, &of_organization(&visit, &id, Kind::Freeze).await?))
}

pub async fn do_freeze(visit: Visit, id: Path<String>, form: Form) -> Page {
    let page = of_organization(&visit, &id, Kind::Freeze).await?;
    carry_out(&visit, page, &id, &form, intervention::freeze).await
}

pub async fn unfreeze(visit: Visit, id: Path<String>) -> Page {
    Ok(shown(&visit, &of_organization(&visit, &id, Kind::Unfreeze).await?))
}

pub async fn do_unfreeze(visit: Visit, id: Path<String>, form: Form) -> Page {
    let page = of_organization(&visit, &id, Kind::Unfreeze).await?;
    carry_out(&visit, page, &id, &form, intervention::unfreeze).await
}

pub async fn unbind(visit: Visit, id: Path<String>) -> Page {
    let page = of_subscription(&visit, &id).await?;
    if page.shown.is_empty() {
        return Ok(see_other(page.back));
    }
    Ok(shown(&visit, &page))
}

pub async fn do_unbind(visit: Visit, id: Path<String>, form: Form) -> Page {
    let page = of_subscription(&visit, &id).await?;
    carry_out(&visit, page, &id, &form, intervention::unbind).await
}

pub async fn sign_out(visit: Visit, id: Path<String>) -> Page {
    Ok(shown(&visit, &of_user(&visit, &id, Kind::SignOut, "sign-out").await?))
}

pub async fn do_sign_out(visit: Visit, id: Path<String>, form: Form) -> Page {
    let page = of_user(&visit, &id, Kind::SignOut, "sign-out").await?;
    let act = |tx: &Tx, act: &Act<'_>, now| directory::sign_out(tx, act.by, act.id, act.why, now);
    carry_out(&visit, page, &id, &form, act).await
}

pub async fn disable(visit: Visit, id: Path<String>) -> Page {
    Ok(shown(&visit, &of_user(&visit, &id, Kind::Disable, "disable").await?))
}

pub async fn do_disable(visit: Visit, id: Path<String>, form: Form) -> Page {
    let page = of_user(&visit, &id, Kind::Disable, "disable").await?;
    let act = |tx: &Tx, act: &Act<'_>, now| directory::disable(tx, act.by, act.id, act.why, now);
    carry_out(&visit, page, &id, &form, act).await
}

pub async fn enable(visit: Visit, id: Path<String>) -> Page {
    Ok(shown(&visit, &of_user(&visit, &id, Kind::Enable, "enable").await?))
}

pub async fn do_enable(visit: Visit, id: Path<String>, form: Form) -> Page {
    let page = of_user(&visit, &id, Kind::Enable, "enable").await?;
    let act = |tx: &Tx, act: &Act<'_>, now| directory::enable(tx, act.by, act.id, act.why, now);
    carry_out(&visit, page, &id, &form, act).await
}

fn shown(visit: &Visit, page: &pages::Act) -> HttpResponse {
    visit.html(|frame| pages::act(frame, page))
}

async fn of_organization(visit: &Visit, id: &str, kind: Kind) -> Result<pages::Act> {
    let (who, wanted) = (user_id(visit)?, id.to_owned());
    let found: Organization = visit.app.store.read(move |db| intervention::see(db, &who, &wanted)).await?;
    let back = format!("/operator/organizations/{}", found.id);
    let what = if kind == Kind::Freeze { "freeze" } else { "unfreeze" };
    Ok(blank(kind, (&found.name, &found.name), format!("{back}/{what}"), back, freeze_word(found.freeze)))
}

async fn of_user(visit: &Visit, id: &str, kind: Kind, what: &str) -> Result<pages::Act> {
    let (who, wanted, now) = (user_id(visit)?, id.to_owned(), visit.now);
    let found: User = visit.app.store.read(move |db| Ok(directory::user(db, &who, &wanted, now)?.user)).await?;
    let back = format!("/operator/users/{}", found.id);
    Ok(blank(kind, (&found.name, &found.name), format!("{back}/{what}"), back, ""))
}

async fn of_subscription(visit: &Visit, id: &str) -> Result<pages::Act> {
    let (who, wanted) = (user_id(visit)?, id.to_owned());
    let (found, bound) = visit
        .app
        .store
        .read(move |db| {
            let seen = usecase::timeline::see(db, &who, &wanted, usecase::timeline::Show::Usage, "", 1)?;
            let bound: Option<(Binding, Organization)> = seen.bound.map(|(bound, of, _)| (bound, of));
            Ok((seen.subscription, bound))
        })
        .await?;
    let back = format!("/operator/subscriptions/{}", usecase::subscription_name(&found.seller_id, &found.instance_id));
    let is_requested = bound.as_ref().is_some_and(|(bound, _)| bound.state == State::Requested);
    let kind = if is_requested { Kind::UnbindRequested } else { Kind::Unbind };
    let (shown, whose) = bound.map(|(bound, of)| (intervention::binding_word(&bound), of.name)).unwrap_or_default();
    Ok(blank(kind, (&found.instance_id, &whose), format!("{back}/unbind"), back, &shown))
}

fn blank(kind: Kind, (name, whose): (&str, &str), action: String, back: String, shown: &str) -> pages::Act {
    pages::Act {
        kind,
        name: name.to_owned(),
        whose: whose.to_owned(),
        action,
        back,
        shown: shown.to_owned(),
        why: String::new(),
        refusal: None,
        problems: vec![],
    }
}

/// Does it, and goes back to where it came from; or shows the page again with what is in the way.
async fn carry_out(
    visit: &Visit,
    page: pages::Act,
    id: &str,
    form: &Form,
    act: impl FnOnce(&Tx, &Act<'_>, Instant) -> Result<()> + Send + 'static,
) -> Page {
    let (by, id, now): (By, _, _) = (visit.signed_in()?.as_operator(), id.to_owned(), visit.now);
    let (shown, why) = (form.text("shown").to_owned(), form.text("why").to_owned());
    let told = why.clone();
    let outcome =
        visit.app.store.write(move |tx| act(tx, &Act { by: &by, id: &id, shown: &shown, why: &told }, now)).await;
    let (status, refusal, problems) = match outcome {
        Ok(()) => return Ok(see_other(format!("{}?done=1", page.back))),
        Err(Error::Conflict(code)) => {
            let refusal = match code {
                "own_account" => Refusal::OwnAccount,
                "last_operator" => Refusal::LastOperator,
                _ => Refusal::Changed,
            };
            (StatusCode::CONFLICT, Some(refusal), vec![])
        }
        Err(Error::Invalid(fields)) => (StatusCode::UNPROCESSABLE_ENTITY, None, problems(&fields)),
        Err(cause) => return Err(cause.into()),
    };
    let page = pages::Act { why, refusal, problems, ..page };
    Ok(visit.html_with(status, |frame| pages::act(frame, &page)))
}
