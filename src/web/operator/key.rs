//! The operators' pages of keys.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::turn;
use crate::app::{IsvKey, Ring};
use crate::domain::api_key::{Draft, OVERLAP_HOURS, OVERLAP_MAX_HOURS, Scope, State, ends_soon};
use crate::domain::value::{DAY_MS, Instant, mask_uid};
use crate::error::{Error, Result};
use crate::usecase::api_key::{self as using, Listed};
use crate::usecase::isv_key::{self, Use};
use crate::view::operator::keys as pages;
use crate::view::parts::Problem;
use crate::web::form::{Form, problems};
use crate::web::visit::{Page, Visit, see_other};

/// Keys of one page.
const PAGE: u32 = 50;
const LIST: &str = "/operator/keys";

fn shown(key: &Listed, now: Instant) -> pages::Key {
    let state = State::of(key.revoked_at, key.expires_at, now);
    pages::Key {
        id: key.id.clone(),
        name: key.name.clone(),
        hint: key.hint.clone(),
        scopes: key.scopes.split_whitespace().filter_map(Scope::parse).collect(),
        state,
        ends_soon: ends_soon(state, key.expires_at, key.replaced_by.is_some(), now),
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        replaces: key.replaces.clone(),
        replaced_by: key.replaced_by.clone(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Before {
    after: String,
}

pub async fn index(visit: Visit, query: Query<Before>) -> Page {
    let (by, after) = (visit.signed_in()?.as_operator(), query.after.clone());
    let keyring = visit.app.keyring.load_full();
    let ids: Vec<String> = keyring.sellers().map(|ring| ring.seller_id.clone()).collect();
    let (mut found, uses) =
        visit.app.store.read(move |db| Ok((using::list(db, &by, &after, PAGE + 1)?, isv_key::uses(db, &ids)?))).await?;
    let is_more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let next = found.last().filter(|_| is_more).map(|last| last.id.clone());
    let page = pages::Keys {
        lines: found.iter().map(|key| shown(key, visit.now)).collect(),
        turn: turn(LIST, &[], next, &query.after),
        sellers: keyring.sellers().map(|ring| seller(ring, &uses)).collect(),
    };
    Ok(visit.html(|frame| pages::keys(frame, &page)))
}

fn seller(ring: &Ring, uses: &[Use]) -> pages::Seller {
    let key = |(place, key): (usize, &IsvKey)| {
        let seen = uses.iter().find(|one| one.seller_id == ring.seller_id && one.mark == key.mark);
        pages::IsvKey {
            is_current: place == 0,
            mark: key.mark.clone(),
            first_at: seen.map(|one| one.first_at),
            last_at: seen.map(|one| one.last_at),
        }
    };
    pages::Seller {
        id: ring.seller_id.clone(),
        keys: ring.keys.iter().enumerate().map(key).collect(),
        access_key: Some(&ring.access_key_id).filter(|id| !id.is_empty()).map(|id| mask_uid(id)),
    }
}

async fn find(visit: &Visit, id: &str) -> Result<pages::Key> {
    let (by, id) = (visit.session.as_ref().ok_or(Error::SignIn)?.as_operator(), id.to_owned());
    let found = visit.app.store.read(move |db| using::see(db, &by, &id)).await?;
    Ok(shown(&found, visit.now))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Came {
    revoked: Option<String>,
}

pub async fn show(visit: Visit, id: Path<String>, came: Query<Came>) -> Page {
    let key = find(&visit, &id).await?;
    let was_revoked = came.revoked.is_some() && key.state == State::Revoked;
    Ok(visit.html(|frame| pages::showing(frame, &pages::Showing { key, was_revoked })))
}

/// The id for a key that a form will make.
fn next_id(visit: &Visit) -> String {
    visit.app.chance.id("key", visit.now)
}

/// The id that the form was given.
fn given_id(form: &Form) -> Result<String> {
    let id = form.text("id");
    let is_one = id
        .strip_prefix("key_")
        .is_some_and(|rest| rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    if is_one { Ok(id.to_owned()) } else { Err(Error::Forbidden("form_expired")) }
}

fn days(form: &Form) -> Option<u32> {
    // What is no number is a life of no time, which is refused.
    Some(form.text("days")).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap_or(0))
}

pub async fn new(visit: Visit) -> Page {
    let page = pages::Making { id: next_id(&visit), ..pages::Making::default() };
    Ok(visit.html(|frame| pages::making(frame, &page)))
}

/// Makes a key; the answer shows its secret, this once.
pub async fn create(visit: Visit, form: Form) -> Page {
    let (by, id, now) = (visit.signed_in()?.as_operator(), given_id(&form)?, visit.now);
    let scopes: Vec<&str> = form.all("scope").collect();
    let draft = match Draft::new(form.text("name"), &scopes, days(&form)) {
        Ok(draft) => draft,
        Err((field, code)) => {
            let page = pages::Making {
                id,
                name: form.text("name").to_owned(),
                scopes: scopes.iter().filter_map(|scope| Scope::parse(scope)).collect(),
                days: days(&form),
                problems: vec![Problem::at(field, code)],
            };
            return Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| pages::making(frame, &page)));
        }
    };
    let secret = using::fresh_secret(&visit.app.chance, visit.app.config.is_https());
    let kept = secret.clone();
    let made = visit.app.store.write(move |tx| using::create(tx, &by, &id, &draft, &kept, now)).await?;
    let page = pages::Made { key: shown(&made, now), secret, former: None };
    Ok(visit.html(|frame| pages::made(frame, &page)))
}

pub async fn rotate(visit: Visit, id: Path<String>) -> Page {
    let key = find(&visit, &id).await?;
    if key.state != State::InForce || key.replaced_by.is_some() {
        return Ok(see_other(format!("/operator/keys/{}", key.id)));
    }
    // As long as the former one was meant to live, where the form offers that.
    let life = key.expires_at.map(|at| at.since_ms(key.created_at) / DAY_MS);
    let days = pages::LIVES.into_iter().find(|days| life == Some(i64::from(*days)));
    let page = pages::Rotating { key, next_id: next_id(&visit), overlap_hours: OVERLAP_HOURS, days, problems: vec![] };
    Ok(visit.html(|frame| pages::rotating(frame, &page)))
}

/// Makes the key that takes the place of another one; the answer shows its secret, this once.
pub async fn replace(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (by, next, now) = (visit.signed_in()?.as_operator(), given_id(&form)?, visit.now);
    let (overlap_hours, days) = (form.text("overlap").parse().unwrap_or(OVERLAP_MAX_HOURS + 1), days(&form));
    let secret = using::fresh_secret(&visit.app.chance, visit.app.config.is_https());
    let (kept, former, next_id) = (secret.clone(), id.clone(), next.clone());
    let done = visit
        .app
        .store
        .write(move |tx| {
            let made = using::rotate(tx, &by, &former, (overlap_hours, days), (&next_id, &kept), now)?;
            Ok((made, using::see(tx, &by, &former)?))
        })
        .await;
    match done {
        Ok((made, former)) => {
            let page = pages::Made { key: shown(&made, now), secret, former: Some(shown(&former, now)) };
            Ok(visit.html(|frame| pages::made(frame, &page)))
        }
        Err(Error::Invalid(fields)) => {
            let key = find(&visit, &id).await?;
            let page = pages::Rotating {
                key,
                next_id: next,
                overlap_hours: OVERLAP_HOURS,
                days: None,
                problems: problems(&fields),
            };
            Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| pages::rotating(frame, &page)))
        }
        Err(cause) => Err(cause.into()),
    }
}

pub async fn revoke(visit: Visit, id: Path<String>) -> Page {
    let key = find(&visit, &id).await?;
    let page = pages::Revoking { key, why: String::new(), problems: vec![] };
    Ok(visit.html(|frame| pages::revoking(frame, &page)))
}

/// Takes a key out of force, and comes back to it.
pub async fn end(visit: Visit, id: Path<String>, form: Form) -> Page {
    let (by, now, key_id, why) = (visit.signed_in()?.as_operator(), visit.now, id.clone(), form.text("why").to_owned());
    match visit.app.store.write(move |tx| using::revoke(tx, &by, &key_id, &why, now)).await {
        Ok(key) => Ok(see_other(format!("/operator/keys/{}?revoked=1", key.id))),
        Err(Error::Invalid(fields)) => {
            let key = find(&visit, &id).await?;
            let page = pages::Revoking { key, why: form.text("why").to_owned(), problems: problems(&fields) };
            Ok(visit.html_with(StatusCode::UNPROCESSABLE_ENTITY, |frame| pages::revoking(frame, &page)))
        }
        Err(cause) => Err(cause.into()),
    }
}
