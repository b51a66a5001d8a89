//! Around every route: the request's id, how long the answer took and how it came out. The SPI, which is the hot path and
//! has no middleware, does the same by itself with what stands here.

use std::rc::Rc;
use std::time::Instant as Moment;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, web};

use super::{ROUTES, visit};
use crate::app::App;
use crate::clock::Instant;

/// The header in which a request brings its id, and every answer has it.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken from a proxy.
const MAX_ID: usize = 64;

/// Where a path's routes stand in the table.
pub struct Places(Vec<(Method, usize)>);

impl Places {
    pub fn of(path: &str) -> Rc<Self> {
        let places = ROUTES.iter().enumerate().filter(|(_, spec)| spec.path == path);
        Rc::new(Self(places.map(|(place, spec)| (spec.method.clone(), place)).collect()))
    }

    /// What is no route.
    pub fn none() -> Rc<Self> {
        Rc::new(Self(Vec::new()))
    }

    fn place(&self, method: &Method) -> usize {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.iter().find(|(known, _)| known == method).map_or(usize::MAX, |(_, place)| *place)
    }
}

/// The id that a request was given.
#[derive(Clone)]
struct Id(Rc<str>);

/// Gives the request its id, and counts its answer.
pub async fn route<B: MessageBody + 'static>(
    places: Rc<Places>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let began = Moment::now();
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else { return next.call(request).await };
    let id = new_id(&app, request.request(), app.now());
    request.extensions_mut().insert(Id(id.as_str().into()));
    let (place, method) = (places.place(request.method()), request.method().clone());
    let mut answer = next.call(request).await;
    let status = answer.as_ref().map_or_else(|cause| cause.as_response_error().status_code(), ServiceResponse::status);
    app.metrics.answered(place, status.as_u16(), began.elapsed());
    if method == Method::POST
        && let Some(form) = ROUTES.get(place).and_then(|spec| proof(spec.path))
    {
        app.metrics.proofs.add(form, told(status));
    }
    if let Ok(response) = &mut answer {
        set_id(response.headers_mut(), &id);
    }
    answer
}

/// The form by which somebody proves to be somebody, if the route takes one.
fn proof(path: &str) -> Option<&'static str> {
    match path {
        "/login" => Some("password"),
        "/login/totp" => Some("totp"),
        "/login/confirm" => Some("step_up"),
        "/register" => Some("register"),
        "/register/code" | "/me/email/code" => Some("email_code"),
        "/password/reset" => Some("reset"),
        _ => None,
    }
}

/// What such a form was told, by its status.
fn told(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "limited",
        _ if status.is_server_error() => "failed",
        _ if status.is_redirection() || status.is_success() => "accepted",
        _ => "refused",
    }
}

/// The request's id, from [`route`].
pub fn id(app: &App, request: &HttpRequest, now: Instant) -> String {
    let given = request.extensions().get::<Id>().map(|Id(id)| id.to_string());
    given.unwrap_or_else(|| new_id(app, request, now))
}

/// The id that a trusted proxy has given, or one of our own. Anybody else's would let strangers choose what stands in
/// the log.
pub fn new_id(app: &App, request: &HttpRequest, now: Instant) -> String {
    let given = visit::header(request, HEADER.as_str());
    let is_plain = (1..=MAX_ID).contains(&given.len())
        && given.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if is_plain && visit::is_from_proxy(app, request) { given.to_owned() } else { app.chance.id("req", now) }
}

pub fn set_id(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_request_is_counted_as_its_get_and_an_unknown_method_as_no_route() {
        let places = Places::of("/login");
        assert_eq!(places.place(&Method::HEAD), places.place(&Method::GET));
        assert_ne!(places.place(&Method::GET), places.place(&Method::POST));
        assert_eq!(places.place(&Method::DELETE), usize::MAX);
        assert_eq!(Places::none().place(&Method::GET), usize::MAX);
    }

    #[test]
    fn forms_that_prove_somebody_are_routes_that_exist() {
        for path in ["/login", "/login/confirm", "/register", "/password/reset"] {
            assert!(ROUTES.iter().any(|spec| spec.path == path && spec.method == Method::POST), "{path}");
            assert!(proof(path).is_some());
        }
    }
}
