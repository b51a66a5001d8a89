//! The lock before the control of a demo that others reach: a link with a key, once per browser.

use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::RequestHead;
use actix_web::http::header;
use actix_web::web::Query;
use serde::Deserialize;

use crate::crypto;

/// Where the key is shown.
pub const UNLOCK: &str = "/control/unlock";
const COOKIE: &str = "sim_control";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Shown {
    key: String,
}

/// Remembers the browser of whoever knows the key; there is nothing here for others.
pub fn open(key: &str, shown: &Query<Shown>) -> HttpResponse {
    if !crypto::same(shown.key.as_bytes(), key.as_bytes()) {
        return HttpResponse::NotFound().finish();
    }
    // Lax: it comes along when a link is followed, and no other page can press the control's buttons with it.
    let cookie =
        Cookie::build(COOKIE, key.to_owned()).path("/control").http_only(true).same_site(SameSite::Lax).finish();
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/control"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .cookie(cookie)
        .finish()
}

/// Whether the browser that asks has shown the key.
pub fn is_open(key: &str, request: &RequestHead) -> bool {
    let lines = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .any(|(name, value)| name == COOKIE && crypto::same(value.as_bytes(), key.as_bytes()))
}
