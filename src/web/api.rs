//! For the vendor's product: bearer keys with scopes, JSON in and out.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::visit::header;
use crate::app::App;
use crate::crypto;
use crate::domain::value::mask_uid;
use crate::error::{Error, Result};
use crate::usecase::{self, Organization, Subscription, entry};

type Api = std::result::Result<HttpResponse, ApiError>;

/// Organizations of one page of a list.
const PAGE: u32 = 100;
/// Largest body of a call, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The key's hash, from `Authorization: Bearer …`.
fn key_hash(request: &HttpRequest) -> Result<[u8; 32]> {
    let text = header(request, "authorization");
    let secret = text
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim())
        .ok_or(Error::SignIn)?;
    Ok(crypto::digest(secret.as_bytes()))
}

#[derive(Deserialize)]
struct Exchange {
    code: String,
}

/// `POST /api/v1/sessions/exchange`: a one-time code for who it stands for.
pub async fn exchange_session(app: Data<App>, request: HttpRequest, body: Bytes) -> Api {
    let (key, now) = (key_hash(&request)?, app.now());
    app.store.read_here(|db| entry::authorize(db, &key, "sessions:exchange", now))?;
    if body.len() > MAX_BODY {
        return Err(Error::invalid("body", "too_large").into());
    }
    let Exchange { code } = serde_json::from_slice(&body).map_err(|_| Error::invalid("code", "required"))?;
    let code_hash = crypto::digest(code.as_bytes());
    let entrant = app.store.write(move |tx| entry::exchange(tx, &code_hash, now)).await?;
    Ok(HttpResponse::Ok().json(json!({
        "user": { "id": entrant.user_id, "email": entrant.email, "name": entrant.name },
        "organization": { "id": entrant.organization.id, "name": entrant.organization.name, "role": entrant.role },
        "subscription": entrant.subscription.as_ref().map(channel),
        "via": if entrant.is_via_marketplace { "marketplace" } else { "password" },
        "expires_at": usecase::rfc3339(entrant.expires_at),
    })))
}

#[derive(Deserialize)]
pub struct After {
    after: Option<String>,
}

/// `GET /api/v1/organizations`: in the order of their ids, so that a cursor never skips one.
pub async fn list_organizations(app: Data<App>, request: HttpRequest, page: Query<After>) -> Api {
    let (key, now) = (key_hash(&request)?, app.now());
    let after = page.after.clone().unwrap_or_default();
    let found = app
        .store
        .read(move |db| {
            entry::authorize(db, &key, "organizations:read", now)?;
            entry::list_organizations(db, &after, PAGE)
        })
        .await?;
    let next = (found.len() == PAGE as usize).then(|| found.last().map(|(one, _)| one.id.clone())).flatten();
    let items: Vec<Value> = found.iter().map(|(one, channel)| organization(one, channel.as_ref())).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

/// `GET /api/v1/organizations/{id}`
pub async fn show_organization(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let (key, now) = (key_hash(&request)?, app.now());
    let id = id.into_inner();
    let (found, channel) = app
        .store
        .read(move |db| {
            entry::authorize(db, &key, "organizations:read", now)?;
            entry::read_organization(db, &id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(organization(&found, channel.as_ref())))
}

fn organization(found: &Organization, subscription: Option<&Subscription>) -> Value {
    json!({
        "id": found.id,
        "name": found.name,
        "members": found.members,
        "state": if found.freeze.is_some() { "frozen" } else { "active" },
        "freeze": found.freeze.map(|freeze| json!({
            "reason": freeze.reason,
            "since": usecase::rfc3339(freeze.since),
            "until": freeze.grace_until.map(usecase::rfc3339),
        })),
        "channel": subscription.map(channel),
    })
}

fn channel(found: &Subscription) -> Value {
    json!({
        "subscription": usecase::subscription_name(&found.seller_id, &found.instance_id),
        "marketplace": found.seller_id,
        "state": found.standing.state,
        "product": found.standing.product_code,
        "plan": found.standing.plan_code,
        "items": found.standing.items,
        "buyer_account": mask_uid(&found.standing.buyer_account),
        "expires_at": found.standing.expires_at.map(usecase::rfc3339),
    })
}
