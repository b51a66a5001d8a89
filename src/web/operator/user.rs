//! People for operators.

use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::{Came, choices, turn, user_id};
use crate::usecase::User;
use crate::usecase::directory::{self as using, People};
use crate::view::operator::user as pages;
use crate::web::visit::{Page, Visit};

/// People of one page.
const PAGE: u32 = 50;
const LIST: &str = "/operator/users";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    kind: String,
    after: String,
}

fn row(one: &User, has_totp: bool) -> pages::Row {
    pages::Row {
        id: one.id.clone(),
        name: one.name.clone(),
        email: one.email.clone(),
        is_operator: one.is_operator,
        is_disabled: one.disabled_at.is_some(),
        verified_at: one.email_verified_at,
        has_totp,
        created_at: one.created_at,
    }
}

pub async fn index(visit: Visit, asked: Query<Asked>) -> Page {
    let people = People::ALL.into_iter().find(|one| one.as_str() == asked.kind).unwrap_or_default();
    let (who, text, after) = (user_id(&visit)?, asked.q.trim().to_owned(), asked.after.clone());
    let looked = text.clone();
    let (found, next) = visit.app.store.read(move |db| using::users(db, &who, &looked, people, &after, PAGE)).await?;
    let kind = people.as_str();
    let page = pages::List {
        kinds: choices(LIST, "kind", &People::ALL.map(People::as_str), kind, &[("q", &text)]),
        turn: turn(LIST, &[("q", &text), ("kind", kind)], next, &asked.after),
        rows: found.iter().map(|one| row(&one.user, one.has_totp)).collect(),
        kind: kind.to_owned(),
        text: text.clone(),
    };
    Ok(visit.html(|frame| pages::users(frame, &page)))
}

pub async fn show(visit: Visit, id: Path<String>, came: Query<Came>) -> Page {
    let (who, id, now) = (user_id(&visit)?, id.into_inner(), visit.now);
    let own = who.clone();
    let found = visit.app.store.read(move |db| using::user(db, &who, &id, now)).await?;
    let page = pages::Page {
        row: row(&found.user, found.has_totp),
        lang: found.user.lang,
        password_changed_at: found.user.password_changed_at,
        sessions: found.sessions as u64,
        last_seen_at: found.last_seen_at,
        organizations: found.organizations.into_iter().map(|(of, role)| (of.id, of.name, role)).collect(),
        is_self: found.user.id == own,
        is_done: came.done.is_some(),
    };
    Ok(visit.html(|frame| pages::user(frame, &page)))
}
