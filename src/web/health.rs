//! For machines: is the process alive, can it take work.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::app::App;
use crate::usecase;

pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Ready when a write has become durable just now.
pub async fn ready(app: Data<App>) -> HttpResponse {
    match app.store.write(usecase::probe).await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(cause) => {
            tracing::warn!(%cause, "not ready");
            HttpResponse::ServiceUnavailable()
                .content_type("text/plain; charset=utf-8")
                .body("the database takes no writes\n")
        }
    }
}
