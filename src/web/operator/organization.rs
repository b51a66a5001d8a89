//! Organizations for operators.

use actix_web::web::{Path, Query};
use serde::Deserialize;

use super::{Came, choices, turn, user_id};
use crate::domain::organization::FreezeReason;
use crate::usecase::Organization;
use crate::usecase::directory as using;
use crate::view::operator::organization as pages;
use crate::web::visit::{Page, Visit};

/// Organizations of one page.
const PAGE: u32 = 50;
const LIST: &str = "/operator/organizations";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    state: String,
    after: String,
}

fn row(one: &Organization) -> pages::Row {
    pages::Row {
        id: one.id.clone(),
        name: one.name.clone(),
        members: one.members,
        freeze: one.freeze,
        created_at: one.created_at,
    }
}

pub async fn index(visit: Visit, asked: Query<Asked>) -> Page {
    let freeze = FreezeReason::parse(&asked.state);
    let (who, text, after) = (user_id(&visit)?, asked.q.trim().to_owned(), asked.after.clone());
    let looked = text.clone();
    let (found, next) =
        visit.app.store.read(move |db| using::organizations(db, &who, &looked, freeze, &after, PAGE)).await?;
    let state = freeze.map_or("", FreezeReason::as_str);
    let page = pages::List {
        states: choices(LIST, "state", &["", "payment", "operator"], state, &[("q", &text)]),
        turn: turn(LIST, &[("q", &text), ("state", state)], next, &asked.after),
        rows: found.iter().map(row).collect(),
        state: state.to_owned(),
        text: text.clone(),
    };
    Ok(visit.html(|frame| pages::organizations(frame, &page)))
}

pub async fn show(visit: Visit, id: Path<String>, came: Query<Came>) -> Page {
    let (who, id) = (user_id(&visit)?, id.into_inner());
    let found = visit.app.store.read(move |db| using::organization(db, &who, &id)).await?;
    let page = pages::Page {
        row: row(&found.organization),
        time_zone: found.organization.time_zone.clone(),
        members: found
            .members
            .into_iter()
            .map(|one| pages::Member {
                user_id: one.user_id,
                name: one.name,
                email: one.email,
                role: one.role,
                joined_at: one.joined_at,
            })
            .collect(),
        channels: found
            .channels
            .into_iter()
            .map(|one| pages::Channel {
                subscription: one.subscription(),
                state: one.state,
                reason: one.reason,
                requested_at: one.requested_at,
                live_at: one.live_at,
                ended_at: one.ended_at,
            })
            .collect(),
        is_done: came.done.is_some(),
    };
    Ok(visit.html(|frame| pages::organization(frame, &page)))
}
