//! How errors are said: to people as a page with a way out, to programs as problem+json (RFC 9457), to the
//! marketplace in its own words. Causes are logged here, once, with the request id that the answer shows.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::measure;
use super::shape::{FieldProblem, Problem};
use super::visit::Visit;
use crate::app::App;
use crate::error::{Error, Result};
use crate::market::reply::Reply;
use crate::view;

/// An error that a person reads. The gate makes the page, since it knows the language.
#[derive(Debug)]
pub struct PageError(pub Error);

/// An error that a program reads.
#[derive(Debug)]
pub struct ApiError(pub Error);

macro_rules! listener {
    ($name:ident) => {
        impl From<Error> for $name {
            fn from(cause: Error) -> Self {
                Self(cause)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ResponseError for $name {
            fn status_code(&self) -> StatusCode {
                status(&self.0)
            }
        }
    };
}
listener!(PageError);
listener!(ApiError);

/// The status that each kind of error is answered with.
pub fn status(cause: &Error) -> StatusCode {
    match cause {
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::SignIn => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Gone(_) => StatusCode::GONE,
        Error::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Error::UnknownForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The kind of an error, for codes without a text of their own.
fn kind(cause: &Error) -> &'static str {
    match cause {
        Error::Invalid(_) | Error::TooLarge | Error::UnknownForm => "invalid",
        Error::SignIn | Error::Forbidden(_) => "forbidden",
        Error::NotFound(_) => "not_found",
        Error::Conflict(_) => "conflict",
        Error::Gone(_) => "gone",
        Error::TooMany { .. } => "too_many_requests",
        Error::Busy => "busy",
        Error::Internal(_) => "internal",
    }
}

/// Seconds after which a busy gateway is worth asking again.
const BUSY_RETRY_SECS: u32 = 1;

fn retry_after(cause: &Error) -> Option<u32> {
    match cause {
        Error::TooMany { retry_after_secs } => Some(*retry_after_secs),
        Error::Busy => Some(BUSY_RETRY_SECS),
        _ => None,
    }
}

pub(super) fn log(cause: &Error, request_id: &str) {
    match cause {
        Error::Internal(inner) => tracing::error!(request = request_id, cause = %inner, "failed"),
        Error::Busy => tracing::warn!(request = request_id, "busy"),
        other => tracing::debug!(request = request_id, code = other.code(), "refused"),
    }
}

/// The page for an error.
pub fn page(visit: &Visit, cause: &Error) -> HttpResponse {
    log(cause, &visit.request_id);
    let page = view::trouble::ErrorPage {
        code: cause.code().to_owned(),
        kind: kind(cause).to_owned(),
        at: visit.now,
        retry_href: matches!(cause, Error::Busy | Error::TooMany { .. } | Error::Internal(_))
            .then(|| visit.path.clone()),
    };
    let mut response = visit.html_with(status(cause), |frame| view::trouble::error_page(frame, &page));
    if let Some(secs) = retry_after(cause) {
        response.headers_mut().insert(RETRY_AFTER, secs.into());
    }
    response
}

/// The problem document for an error.
pub fn problem(cause: &Error, request_id: &str) -> HttpResponse {
    log(cause, request_id);
    let status = status(cause);
    let errors = match cause {
        Error::Invalid(fields) => {
            fields.iter().map(|invalid| FieldProblem { field: invalid.field, code: invalid.code }).collect()
        }
        _ => Vec::new(),
    };
    let body = problem_text(status, cause.code(), request_id, errors);
    let mut builder = HttpResponse::build(status);
    if let Some(secs) = retry_after(cause) {
        builder.insert_header((RETRY_AFTER, secs));
    }
    if status == StatusCode::UNAUTHORIZED {
        builder.insert_header(("www-authenticate", "Bearer"));
    }
    builder.content_type("application/problem+json").body(body)
}

fn problem_text(status: StatusCode, code: &'static str, request_id: &str, errors: Vec<FieldProblem>) -> String {
    let problem = Problem {
        r#type: format!("urn:marketgate:problem:{code}"),
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        code,
        request_id: request_id.to_owned(),
        errors,
    };
    serde_json::to_string(&problem).unwrap_or_default()
}

/// An error for machines that only look at the status.
pub fn plain(cause: &Error) -> HttpResponse {
    let mut builder = HttpResponse::build(status(cause));
    if let Some(secs) = retry_after(cause) {
        builder.insert_header((RETRY_AFTER, secs));
    }
    builder.content_type("text/plain; charset=utf-8").body(format!("{}\n", cause.code()))
}

pub fn spi(reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).content_type("application/json").body(reply.body)
}

pub async fn page_not_found() -> Result<HttpResponse, PageError> {
    Err(PageError(Error::NotFound("page")))
}

pub async fn page_method_not_allowed(visit: Visit) -> HttpResponse {
    let mut response = page(&visit, &Error::NotFound("page"));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

pub async fn api_not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError(Error::NotFound("endpoint")))
}

/// Names the methods that there are.
pub async fn api_method_not_allowed(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let pattern = request.match_pattern().unwrap_or_default();
    let methods: Vec<&str> =
        super::ROUTES.iter().filter(|spec| spec.path == pattern).map(|spec| spec.method.as_str()).collect();
    let (status, request_id) = (StatusCode::METHOD_NOT_ALLOWED, measure::id(&app, &request, app.now()));
    HttpResponse::build(status)
        .insert_header((ALLOW, methods.join(", ")))
        .content_type("application/problem+json")
        .body(problem_text(status, "method_not_allowed", &request_id, Vec::new()))
}

pub async fn raw_method_not_allowed() -> HttpResponse {
    HttpResponse::MethodNotAllowed().finish()
}
