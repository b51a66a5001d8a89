//! The console: a person's organizations, 「帐单概览」.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::claim::purchase;
use super::form::Form;
use super::ledger;
use super::visit::{Jar, Page, Visit, see_other};
use crate::crypto;
use crate::domain::organization::check_name;
use crate::error::{Error, Result};
use crate::usecase;
use crate::usecase::organization::{Billing, Seen};
use crate::usecase::statement::Charged;
use crate::view::console::Of;
use crate::view::parts::Problem;
use crate::view::{billing as bill, organization as pages, unbind as leave};

#[derive(Deserialize, Default)]
pub struct Options {
    /// What was just done, for the note on top.
    done: Option<String>,
}

pub async fn index(visit: Visit, options: Query<Options>) -> Page {
    let actor = visit.signed_in()?.actor();
    let list = visit.app.store.read(move |db| usecase::organization::list(db, &actor)).await?;
    let organizations = list
        .into_iter()
        .map(|(seen, channel)| pages::Listed {
            role: seen.role,
            members: u64::from(seen.organization.members),
            channel: if channel.is_some() { pages::ChannelState::Bound } else { pages::ChannelState::None },
            freeze: seen.organization.freeze.map(|freeze| freeze.reason),
            id: seen.organization.id,
            name: seen.organization.name,
        })
        .collect();
    let page = pages::List { organizations, is_one_deleted: options.done.as_deref() == Some("deleted") };
    Ok(visit.html(|frame| pages::list(frame, &page)))
}

pub async fn new(visit: Visit) -> Page {
    Ok(visit.html(|frame| pages::new(frame, &pages::New { name: String::new(), problems: vec![] })))
}

pub async fn create(visit: Visit, form: Form) -> Page {
    match check_name(form.text("name")) {
        Ok(name) => {
            let id = found(&visit, name).await?;
            Ok(see_other(format!("/orgs/{id}/billing")))
        }
        Err(code) => {
            let page = pages::New { name: form.text("name").to_owned(), problems: vec![Problem::at("name", code)] };
            Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| pages::new(frame, &page)))
        }
    }
}

/// Founds an organization; its id. The session reaches more now, so its secret changes.
pub(super) async fn found(visit: &Visit, name: String) -> Result<String> {
    let session = visit.session.clone().ok_or(Error::SignIn)?;
    visit.app.limits.organizations_by_user.check(&session.user_id)?;
    let id = visit.app.chance.id("org", visit.now);
    let (secret, made, now) = (visit.app.chance.token(), id.clone(), visit.now);
    let secret_hash = crypto::digest(secret.as_bytes());
    visit
        .app
        .store
        .write(move |tx| {
            usecase::organization::create(tx, &session.actor(), &made, &name, now)?;
            usecase::session::rotate(tx, &session, &secret_hash)
        })
        .await?;
    visit.set_cookie(Jar::Session, &secret);
    Ok(id)
}

pub async fn show(visit: Visit, id: Path<String>) -> Page {
    let (actor, wanted) = (visit.signed_in()?.actor(), id.clone());
    visit.app.store.read(move |db| usecase::organization::see(db, &actor, &wanted)).await?;
    Ok(see_other(format!("/orgs/{id}/billing")))
}

/// 「帐单概览」
pub async fn billing(visit: Visit, id: Path<String>, asked: Query<ledger::Asked>) -> Page {
    let (actor, id, month) = (visit.signed_in()?.actor(), id.into_inner(), asked.month(visit.now));
    let app = visit.app.clone();
    let (found, statement) = visit
        .app
        .store
        .read(move |db| {
            let found = usecase::organization::billing(db, &actor, &id)?;
            let prices = |charged: &Charged, item: &str| ledger::price(&app, charged, item);
            Ok((found, usecase::statement::of_organization(db, &actor, &id, month, &prices)?))
        })
        .await?;
    let is_bound = found.channel.is_some();
    let page = bill::Billing {
        usage: (is_bound || !statement.items.is_empty() || !asked.month.is_empty())
            .then(|| ledger::overview(&visit, &found.seen, statement, &asked)),
        organization: of(&visit, &found.seen),
        is_manager: found.seen.role.manages_billing(),
        freeze: found.seen.organization.freeze,
        market_url: visit.app.config.first_product().map(|product| product.market_url.clone()).unwrap_or_default(),
        console_url: visit.app.config.sellers.first().map(|seller| seller.console_url.clone()),
        channel: channel(&visit, found),
    };
    Ok(visit.html(|frame| bill::billing(frame, &page)))
}

/// What unbinding means, before it is done.
pub async fn unbind(visit: Visit, id: Path<String>) -> Page {
    let page = unbinding(&visit, &id, false).await?;
    Ok(page.map_or_else(
        || see_other(format!("/orgs/{id}/billing")),
        |page| visit.html(|frame| leave::unbind(frame, &page)),
    ))
}

/// 「解除绑定」
pub async fn end_channel(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (actor, wanted, shown, now) =
        (visit.signed_in()?.actor(), id.clone(), form.text("binding").to_owned(), visit.now);
    let done = visit.app.store.write(move |tx| usecase::binding::unbind(tx, &actor, &wanted, &shown, now)).await;
    let home = format!("/orgs/{id}/billing");
    match done {
        Ok(()) => Ok(see_other(home)),
        // Somebody was faster: the page shows what there is to unbind now, or that there is nothing.
        Err(Error::Conflict(_)) => Ok(unbinding(&visit, &id, true).await?.map_or_else(
            || see_other(home),
            |page| visit.html_with(StatusCode::CONFLICT, |frame| leave::unbind(frame, &page)),
        )),
        Err(cause) => Err(cause.into()),
    }
}

/// The page about the live binding, for who manages it. `None`: there is none.
async fn unbinding(visit: &Visit, id: &str, is_changed: bool) -> Result<Option<leave::Unbind>> {
    let session = visit.session.as_ref().ok_or(Error::SignIn)?;
    let (actor, id) = (session.actor(), id.to_owned());
    let found = visit.app.store.read(move |db| usecase::organization::billing(db, &actor, &id)).await?;
    if !found.seen.role.manages_billing() {
        return Err(Error::Forbidden("not_manager"));
    }
    let organization = of(visit, &found.seen);
    Ok(found.channel.map(|(binding, subscription, _)| leave::Unbind {
        organization,
        purchase: purchase(visit, &subscription),
        binding: binding.id,
        is_changed,
    }))
}

fn channel(visit: &Visit, found: Billing) -> bill::Channel {
    if let Some((binding, subscription, bound_by)) = found.channel {
        let product = visit.app.config.product(&subscription.seller_id, &subscription.standing.product_code);
        return bill::Channel::Bound(bill::Bound {
            purchase: purchase(visit, &subscription),
            bound_by: (!bound_by.is_empty()).then_some(bound_by),
            bound_at: binding.live_at.unwrap_or(binding.requested_at),
            bill_url: product.map(|product| product.bill_url.clone()),
        });
    }
    if found.is_requested {
        return bill::Channel::Requested { progress_href: None };
    }
    let ended = found.ended.map(|(binding, subscription)| bill::Ended {
        subscription_id: subscription.instance_id,
        at: binding.ended_at.unwrap_or(binding.requested_at),
        is_released: binding.reason.as_deref() == Some("subscription_released"),
    });
    bill::Channel::None { ended }
}

/// The organization that a page is about; the page tells time as it does.
pub(super) fn of(visit: &Visit, seen: &Seen) -> Of {
    visit.set_zone(&seen.organization.time_zone);
    Of {
        id: seen.organization.id.clone(),
        name: seen.organization.name.clone(),
        has_product_entry: visit.app.config.product_entry.is_some(),
    }
}
