//! For machines: is the process alive, can it take work.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{error, visit};
use crate::app::App;
use crate::usecase;

pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Ready when a write has become durable just now. Who asks all the time is not worth a write each time.
pub async fn ready(app: Data<App>, request: HttpRequest) -> HttpResponse {
    if let Err(cause) = app.limits.pages_by_address.check(&visit::address(&app, &request)) {
        return error::plain(&cause);
    }
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
