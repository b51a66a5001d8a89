//! The mailed link of 「请求管理员绑定」: an owner reviews and completes the purchase.

use actix_web::web::Path;

use super::claim::purchase;
use super::form::Form;
use super::visit::{Page, Visit, see_other};
use crate::crypto;
use crate::domain::organization::Choice;
use crate::error::Error;
use crate::usecase::approval;
use crate::view::binding as pages;

/// Shows what is asked for. Opening the link spends nothing.
pub async fn show(visit: Visit, token: Path<String>) -> Page {
    let (hash, now) = (crypto::digest(token.as_bytes()), visit.now);
    let user_id = visit.signed_in()?.user_id.clone();
    let look = visit.app.store.read(move |db| approval::look(db, &hash, &user_id, now)).await?;
    let page = pages::Approval {
        token: token.into_inner(),
        purchase: purchase(&visit, &look.subscription),
        organization: look.organization.name,
        requester_name: look.requester_name,
        requester_email: look.requester_email,
        valid_until: look.approval.expires_at,
        is_possible: look.can_bind,
        thaws: look.choice == Choice::Thaws,
        is_entry_allowed: visit.app.config.accounts.passwordless_entry,
    };
    Ok(visit.html(|frame| pages::approval(frame, &page)))
}

/// An owner's yes.
pub async fn accept(visit: Visit, token: Path<String>, _form: Form) -> Page {
    let (hash, now) = (crypto::digest(token.as_bytes()), visit.now);
    let actor = visit.signed_in()?.actor();
    let binding_id = visit.app.chance.id("bnd", now);
    let times = (visit.app.live_from(now), visit.app.confirmation_deadline(now));
    let accepted = visit.app.store.write(move |tx| approval::accept(tx, &hash, &actor, &binding_id, times, now)).await;
    match accepted {
        Ok(organization_id) => Ok(see_other(format!("/orgs/{organization_id}/billing"))),
        // The page says what has changed meanwhile.
        Err(Error::Conflict(_)) => Ok(see_other(format!("/approvals/{token}"))),
        Err(cause) => Err(cause.into()),
    }
}
