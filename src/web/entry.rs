//! 「进入产品」: a one-time code, then the vendor's product.

use actix_web::web::Query;
use serde::Deserialize;
use url::Url;

use super::visit::{Page, Visit, see_other};
use crate::crypto;
use crate::domain::session::Kind;
use crate::error::Error;
use crate::usecase::{self, entry};

/// Longest `state` that is handed through.
const MAX_STATE: usize = 512;

#[derive(Deserialize)]
pub struct Target {
    org: Option<String>,
    state: Option<String>,
}

/// Sends the person into the product, or to the console where no product is configured.
pub async fn enter(visit: Visit, target: Query<Target>) -> Page {
    let session = visit.signed_in()?;
    let state = target.state.clone().unwrap_or_default();
    if state.len() > MAX_STATE {
        return Err(Error::invalid("state", "too_long").into());
    }
    let only = match (session.kind, &session.organization_id) {
        (Kind::Marketplace, Some(only)) => Some(only.clone()),
        _ => None,
    };
    let Some(organization_id) = target.org.clone().or(only) else {
        let actor = session.actor();
        let mine = visit.app.store.read(move |db| usecase::organization::list(db, &actor)).await?;
        return Ok(match mine.as_slice() {
            [one] => {
                let state = form_urlencoded::byte_serialize(state.as_bytes()).collect::<String>();
                see_other(format!("/enter?org={}&state={state}", one.0.organization.id))
            }
            _ => see_other("/orgs"),
        });
    };
    let code = visit.app.chance.token();
    let (actor, session_id, now) = (session.actor(), session.id.clone(), visit.now);
    let (code_hash, id) = (crypto::digest(code.as_bytes()), organization_id.clone());
    visit.app.store.write(move |tx| entry::give_code(tx, &session_id, &actor, &id, &code_hash, now)).await?;
    let Some(product) = &visit.app.config.product_entry else {
        return Ok(see_other(format!("/orgs/{organization_id}/billing")));
    };
    let mut url = Url::parse(&product.url).map_err(|cause| Error::internal(cause.to_string()))?;
    url.query_pairs_mut().append_pair("code", &code).append_pair("org", &organization_id);
    if !state.is_empty() {
        url.query_pairs_mut().append_pair("state", &state);
    }
    let mut response = see_other(url.as_str());
    response.headers_mut().insert(
        actix_web::http::header::REFERRER_POLICY,
        actix_web::http::header::HeaderValue::from_static("no-referrer"),
    );
    Ok(response)
}
