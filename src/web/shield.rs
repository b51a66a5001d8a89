//! What holds for every request and every answer, whatever route: limits on what is sent, patience with slow clients,
//! and the headers that protect. The outermost layer, so that nothing is answered without it.

use std::cell::Cell;
use std::future::Future as _;
use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use futures_core::Stream;
use tokio::time::{Sleep, sleep};

use super::measure;
use crate::app::App;

/// Longest path and query, in bytes. The marketplace's calls have a tighter limit, and words of their own for it.
const MAX_TARGET_BYTES: usize = 16 * 1024;
/// Largest head of a request, names and values together, in bytes. Their number is limited by the parser.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Connections that are held at once, over all threads; more wait to be accepted.
pub const MAX_CONNECTIONS: usize = 8 * 1024;

/// How long a client may take, on the real clock (rules D3).
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the first request's head.
    pub head: Duration,
    /// For a request's body, from its first pause to its last byte.
    pub body: Duration,
    /// For whatever comes after an answer: reading it, and the head of the next request.
    pub between: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { head: secs(5), body: secs(30), between: secs(60) }
    }
}

/// What the shield needs to know, made once.
pub struct Shield {
    pub is_https: bool,
    pub patience: Patience,
}

/// Lets a request through within the limits, and puts on its answer what its route did not say otherwise.
pub async fn shield<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let (is_https, patience) = request
        .app_data::<Data<Shield>>()
        .map_or((false, Patience::default()), |shield| (shield.is_https, shield.patience));
    let _busy = request.conn_data::<Arc<Connection>>().map(|connection| Busy::begin(Arc::clone(connection)));
    if let Some((status, why)) = oversized(request.request()) {
        if let Some(app) = request.app_data::<Data<App>>() {
            app.metrics.answered(usize::MAX, status.as_u16(), Duration::ZERO);
        }
        return Ok(refuse(request.into_parts().0, status, why, is_https));
    }
    let is_late = Rc::new(Cell::new(false));
    if has_body(request.headers()) {
        let inner = request.take_payload();
        let payload =
            Box::pin(Trickle { inner, patience: patience.body, deadline: None, is_late: Rc::clone(&is_late) });
        request.set_payload(Payload::Stream { payload });
    }
    let mut response = next.call(request).await?;
    if is_late.get() {
        let (request, _) = response.into_parts();
        return Ok(refuse(request, StatusCode::REQUEST_TIMEOUT, "the body of the request came too slowly\n", is_https));
    }
    protect(response.headers_mut(), is_https);
    Ok(response.map_into_left_body())
}

fn oversized(request: &HttpRequest) -> Option<(StatusCode, &'static str)> {
    if request.uri().path_and_query().map_or(0, |target| target.as_str().len()) > MAX_TARGET_BYTES {
        return Some((StatusCode::URI_TOO_LONG, "the address is too long\n"));
    }
    let head: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (head > MAX_HEADER_BYTES).then_some((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too large\n"))
}

/// Ends the connection with its answer: what else comes on it is of no use.
fn refuse<B: MessageBody>(
    request: HttpRequest,
    status: StatusCode,
    why: &'static str,
    is_https: bool,
) -> ServiceResponse<EitherBody<B>> {
    let mut response = HttpResponse::build(status).force_close().content_type("text/plain; charset=utf-8").body(why);
    if let Some(app) = request.app_data::<Data<App>>() {
        measure::set_id(response.headers_mut(), &measure::id(app, &request, app.now()));
    }
    protect(response.headers_mut(), is_https);
    ServiceResponse::new(request, response.map_into_right_body())
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
}

/// What an answer says if its route says nothing else.
const DEFAULTS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];
/// Two years, as browsers' lists want it.
const STRICT: &str = "max-age=63072000; includeSubDomains";

fn protect(headers: &mut HeaderMap, is_https: bool) {
    let strict = is_https.then_some((header::STRICT_TRANSPORT_SECURITY, STRICT));
    for (name, value) in DEFAULTS.into_iter().chain(strict) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// A body that has to arrive in time. The clock starts with its first pause: what is there already costs no timer.
struct Trickle {
    inner: Payload,
    patience: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    is_late: Rc<Cell<bool>>,
}

impl Stream for Trickle {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(chunk) = Pin::new(&mut self.inner).poll_next(cx) {
            return Poll::Ready(chunk);
        }
        let patience = self.patience;
        ready!(self.deadline.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx));
        self.is_late.set(true);
        Poll::Ready(Some(Err(PayloadError::Io(ErrorKind::TimedOut.into()))))
    }
}

/// A connection as the watch knows it. The server itself waits for ever when, after a first request, the head of another
/// comes byte by byte or an answer is not read; so a second handle on the socket ends it from outside.
pub struct Connection {
    socket: TcpStream,
    /// Since when no request is being answered; `None`: one is, or the first is awaited, which the server does in time.
    idle_since: Mutex<Option<Instant>>,
}

/// A request is being answered on a connection, until this is dropped.
struct Busy(Arc<Connection>);

impl Busy {
    fn begin(connection: Arc<Connection>) -> Self {
        *connection.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Self(connection)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Every open connection.
#[derive(Default)]
pub struct Watch {
    connections: Mutex<Vec<Weak<Connection>>>,
}

impl Watch {
    /// Watches a connection that was just accepted.
    pub fn add(&self, socket: &actix_web::rt::net::TcpStream) -> std::io::Result<Arc<Connection>> {
        use std::os::fd::AsFd as _;
        let socket = TcpStream::from(socket.as_fd().try_clone_to_owned()?);
        let connection = Arc::new(Connection { socket, idle_since: Mutex::default() });
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&connection));
        Ok(connection)
    }

    /// Ends the connections that were idle for longer than this, and forgets those that are gone.
    fn sweep(&self, between: Duration) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| {
            let Some(connection) = known.upgrade() else { return false };
            let idle_since = *connection.idle_since.lock().unwrap_or_else(PoisonError::into_inner);
            let is_kept = idle_since.is_none_or(|since| since.elapsed() < between);
            if !is_kept {
                // It may have gone by itself meanwhile.
                let _gone = connection.socket.shutdown(Shutdown::Both);
            }
            is_kept
        });
    }

    /// Looks again and again, as long as anybody else holds the watch.
    pub async fn keep(watch: Weak<Self>, between: Duration) {
        let every = (between / 4).clamp(Duration::from_millis(20), Duration::from_secs(1));
        loop {
            sleep(every).await;
            let Some(watch) = watch.upgrade() else { return };
            watch.sweep(between);
        }
    }
}
