//! The style sheet, the script and the icon, from the binary.

use std::sync::OnceLock;

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::visit::header;
use crate::crypto;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static str,
}

static ASSETS: [Asset; 3] = [
    Asset { name: "style.css", content_type: "text/css; charset=utf-8", body: include_str!("../../static/style.css") },
    Asset { name: "app.js", content_type: "text/javascript; charset=utf-8", body: include_str!("../../static/app.js") },
    Asset { name: "favicon.svg", content_type: "image/svg+xml", body: include_str!("../../static/favicon.svg") },
];

/// Changes whenever a file does, so that browsers may keep them for ever.
pub fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let all: String = ASSETS.iter().map(|asset| asset.body).collect();
        crypto::hex(&crypto::digest(all.as_bytes())[..6])
    })
}

/// The files' routes, for the other listeners of a demo, which share them.
pub fn configure(config: &mut ServiceConfig) {
    config.route("/static/{file}", web::get().to(file)).route("/favicon.ico", web::get().to(favicon));
}

pub async fn file(name: Path<String>, request: HttpRequest) -> HttpResponse {
    serve(&name, &request)
}

pub async fn favicon(request: HttpRequest) -> HttpResponse {
    serve("favicon.svg", &request)
}

pub async fn robots() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("User-agent: *\nDisallow: /\n")
}

fn serve(name: &str, request: &HttpRequest) -> HttpResponse {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else { return HttpResponse::NotFound().finish() };
    let tag = format!("\"{}\"", version());
    let is_versioned = request.query_string().strip_prefix("v=") == Some(version());
    let lifetime = if is_versioned { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    let mut response =
        if header(request, IF_NONE_MATCH.as_str()) == tag { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, lifetime))
        .insert_header((ETAG, tag))
        .insert_header(("x-content-type-options", "nosniff"));
    response.content_type(asset.content_type).body(asset.body)
}
