//! For the vendor's product: bearer keys with scopes, JSON in and out.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path, Query};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ApiError;
use super::measure;
use super::shape::{self, Channel, Entrant, EntrantOrganization, EntrantUser, Exchange, Freeze, List};
use super::visit::header;
use crate::app::App;
use crate::clock::Instant;
use crate::crypto;
use crate::domain::api_key::Scope;
use crate::domain::audit::By;
use crate::domain::value::mask_uid;
use crate::error::{Error, Result};
use crate::usecase::{self, ApiKey, Db, Organization, Subscription, Tx, entry, idempotency};

pub(super) type Api = std::result::Result<HttpResponse, ApiError>;

/// Rows of one page of a list, unless the caller says otherwise, and at most.
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1_000;
/// Largest body of a call, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// Longest `Idempotency-Key`, in bytes.
pub(super) const MAX_KEY: usize = 255;

/// The key's hash, from `Authorization: Bearer …`.
pub(super) fn key_hash(request: &HttpRequest) -> Result<[u8; 32]> {
    let text = header(request, "authorization");
    let secret = text
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim())
        .ok_or(Error::SignIn)?;
    Ok(crypto::digest(secret.as_bytes()))
}

/// The caller's key.
pub(super) fn key(app: &App, request: &HttpRequest) -> Result<ApiKey> {
    let (hash, now) = (key_hash(request)?, app.now());
    app.store.read_here(|db| entry::find_key(db, &hash, now))
}

/// The caller's key, if it reaches so far; before anything of the request's body is looked at.
pub(super) fn allow(app: &App, request: &HttpRequest, scope: Scope) -> Result<ApiKey> {
    let (hash, now) = (key_hash(request)?, app.now());
    app.store.read_here(|db| entry::authorize(db, &hash, scope, now))
}

/// The caller as the audit log knows them, if the key reaches so far.
pub(super) fn by(app: &App, request: &HttpRequest, scope: Scope) -> Result<By> {
    let request_id = measure::id(app, request, app.now());
    Ok(By::api_key(allow(app, request, scope)?.id).in_request(request_id))
}

/// Where a page of a list begins, and how long it may be.
#[derive(Deserialize)]
pub struct Page {
    pub after: Option<String>,
    pub limit: Option<String>,
}

pub(super) fn limit(page: &Page) -> Result<u32> {
    match page.limit.as_deref() {
        None => Ok(PAGE),
        Some(text) => {
            let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
            limit.ok_or_else(|| Error::invalid("limit", "out_of_range"))
        }
    }
}

/// A JSON document of the shape that is asked for.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    if body.len() > MAX_BODY {
        return Err(Error::TooLarge);
    }
    serde_json::from_slice(body).map_err(|_| Error::invalid("body", "malformed"))
}

/// Reads, for a key with the scope.
pub(super) async fn read<T: Send + 'static>(
    app: &App,
    request: &HttpRequest,
    scope: Scope,
    ask: impl FnOnce(&Db) -> Result<T> + Send + 'static,
) -> Result<T> {
    allow(app, request, scope)?;
    app.store.read(ask).await
}

/// Writes, for a key with the scope.
pub(super) async fn write<T: Send + 'static>(
    app: &App,
    request: &HttpRequest,
    scope: Scope,
    effect: impl FnOnce(&Tx, Instant) -> Result<T> + Send + 'static,
) -> Result<T> {
    allow(app, request, scope)?;
    let now = app.now();
    app.store.write(move |tx| effect(tx, now)).await
}

/// A POST for a key with the scope, done once per `Idempotency-Key`; the document to answer.
pub(super) async fn post_once(
    app: &Data<App>,
    request: &HttpRequest,
    body: &[u8],
    scope: Scope,
    effect: impl FnOnce(&Tx, &App, Instant) -> Result<Value> + Send + 'static,
) -> Result<Value> {
    let api_key = allow(app, request, scope)?;
    let key = request.headers().contains_key("idempotency-key").then(|| header(request, "idempotency-key").to_owned());
    if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > MAX_KEY) {
        return Err(Error::invalid("idempotency-key", "malformed"));
    }
    let mut signed = format!("{} {}\n", request.method(), request.path()).into_bytes();
    signed.extend_from_slice(body);
    let call = idempotency::Call { api_key_id: api_key.id, key, request_hash: crypto::digest(&signed) };
    let (app, now) = (app.clone(), app.now());
    let store = app.store.clone();
    store.write(move |tx| idempotency::once(tx, (&app.keys, &app.chance), &call, now, |tx| effect(tx, &app, now))).await
}

/// `POST /api/v1/sessions/exchange`: a one-time code for who it stands for.
pub async fn exchange_session(app: Data<App>, request: HttpRequest, body: Bytes) -> Api {
    allow(&app, &request, Scope::SessionsExchange)?;
    let Exchange { code } = parse(&body)?;
    let code_hash = crypto::digest(code.as_bytes());
    let kept = post_once(&app, &request, &body, Scope::SessionsExchange, move |tx, _, now| {
        Ok(serde_json::to_value(entry::exchange(tx, &code_hash, now)?)?)
    })
    .await?;
    // The same call again is not told of somebody who has gone meanwhile, and nothing of them was kept.
    let (code, now): (entry::Code, _) = (serde_json::from_value(kept).map_err(Error::from)?, app.now());
    let found = app.store.read(move |db| entry::find_entrant(db, &code, now)).await?;
    Ok(HttpResponse::Ok().json(entrant(found)))
}

fn entrant(found: entry::Entrant) -> Entrant {
    Entrant {
        user: EntrantUser { id: found.user_id, email: found.email, name: found.name },
        organization: EntrantOrganization {
            id: found.organization.id,
            name: found.organization.name,
            role: found.role,
        },
        subscription: found.subscription.as_ref().map(channel),
        session: found.session_id,
        via: if found.is_via_marketplace { "marketplace" } else { "password" },
        expires_at: found.expires_at.into(),
    }
}

/// `GET /api/v1/organizations`: in the order of their ids, so that a cursor never skips one.
pub async fn list_organizations(app: Data<App>, request: HttpRequest, page: Query<Page>) -> Api {
    let (limit, after) = (limit(&page)?, page.after.clone().unwrap_or_default());
    let found =
        read(&app, &request, Scope::OrganizationsRead, move |db| entry::list_organizations(db, &after, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|(one, _)| one.id.clone());
    let items = found.iter().map(|(one, channel)| organization(one, channel.as_ref())).collect();
    Ok(HttpResponse::Ok().json(List { items, next }))
}

/// `GET /api/v1/organizations/{id}`
pub async fn show_organization(app: Data<App>, request: HttpRequest, id: Path<String>) -> Api {
    let (found, channel) =
        read(&app, &request, Scope::OrganizationsRead, move |db| entry::read_organization(db, &id)).await?;
    Ok(HttpResponse::Ok().json(organization(&found, channel.as_ref())))
}

fn organization(found: &Organization, subscription: Option<&Subscription>) -> shape::Organization {
    shape::Organization {
        id: found.id.clone(),
        name: found.name.clone(),
        members: found.members,
        state: if found.freeze.is_some() { "frozen" } else { "active" },
        freeze: found.freeze.map(|freeze| Freeze {
            reason: freeze.reason,
            since: freeze.since.into(),
            until: freeze.grace_until.map(Into::into),
        }),
        channel: subscription.map(channel),
    }
}

fn channel(found: &Subscription) -> Channel {
    let standing = &found.standing;
    Channel {
        subscription: usecase::subscription_name(&found.seller_id, &found.instance_id),
        marketplace: found.seller_id.clone(),
        state: standing.state,
        product: standing.product_code.clone(),
        plan: standing.plan_code.clone(),
        items: standing.items.clone(),
        buyer_account: mask_uid(&standing.buyer_account),
        expires_at: standing.expires_at.map(Into::into),
    }
}
