//! For machines: is the process alive, can it take work.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{error, visit};
use crate::app::App;
use crate::usecase;

pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// How long a write may take before whoever asks is told no.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ready when the end has not begun and a write has become durable just now, in the file that was opened. Who asks all the
/// time is not worth a write each time.
pub async fn ready(app: Data<App>, request: HttpRequest) -> HttpResponse {
    if let Err(cause) = app.limits.pages_by_address.check(&visit::address(&app, &request)) {
        return error::plain(&cause);
    }
    let why = if app.is_stopping.load(Ordering::Acquire) {
        "stopping\n"
    } else {
        match tokio::time::timeout(PATIENCE, app.store.write(usecase::probe)).await {
            Ok(Ok(())) => return HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
            Ok(Err(cause)) => {
                tracing::warn!(%cause, "not ready");
                "the database takes no writes\n"
            }
            Err(_) => {
                tracing::warn!(secs = PATIENCE.as_secs(), "not ready: a write takes too long");
                "the database is slow\n"
            }
        }
    };
    HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body(why)
}
