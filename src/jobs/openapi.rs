//! Asks the marketplace's `OpenAPI`, signed as the seller's settings say.

use crate::app::App;
use crate::config::{OpenapiSignature, Seller};
use crate::market::openapi::Credentials;
use crate::market::openapi::request::{Operation, Style};
use crate::outbound::{Answer, Failure};

/// Sends one operation with its own parameters. What the answer means is for the caller: the marketplace says
/// "no" with many statuses.
///
/// # Errors
/// [`Failure::NotSent`] also for a seller without an access key.
pub fn ask(app: &App, seller: &Seller, action: &str, params: &[(&str, &str)]) -> Result<Answer, Failure> {
    ask_once(app, seller, action, params, &app.chance.token())
}

/// [`ask`] with a nonce that is known beforehand: the marketplace takes each but once.
///
/// # Errors
/// As [`ask`].
pub fn ask_once(
    app: &App,
    seller: &Seller,
    action: &str,
    params: &[(&str, &str)],
    nonce: &str,
) -> Result<Answer, Failure> {
    let keyring = app.keyring.load();
    let Some(ring) = keyring.seller(&seller.id).filter(|ring| !ring.access_key_id.is_empty()) else {
        return Err(Failure::NotSent(format!("seller '{}' has no access_key_id", seller.id)));
    };
    let credentials = Credentials {
        access_key_id: ring.access_key_id.clone(),
        access_key_secret: ring.access_key_secret.expose().to_owned(),
    };
    let style = match seller.openapi_signature {
        OpenapiSignature::V3 => Style::V3,
        OpenapiSignature::V1 => Style::V1,
    };
    // The configuration holds an origin, so what follows the scheme is the host as a request names it.
    let host = seller.openapi_url.split_once("://").map_or(seller.openapi_url.as_str(), |(_, host)| host);
    let request = Operation { host, action, params }.sign(style, &credentials, nonce, app.now());
    let headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        // The client writes it itself, from the address.
        .filter(|(name, _)| name != "host")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    app.marketplace.post(&format!("{}/?{}", seller.openapi_url, request.query), &headers, request.body.as_bytes())
}
