//! The only outgoing HTTP, and in [`smtp`] the only outgoing mail. Blocking, so it is called from own threads, never from a worker that answers requests.
//!
//! Every request has time-outs and a limit on the answer's size, follows no redirect and keeps no connection: a
//! request on a connection that the other side has just closed would leave open whether it arrived.

pub mod smtp;

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::Duration;

use ureq::http::uri::Scheme;
use ureq::http::{HeaderMap, Request, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Timeout};

/// How long a request may take and how much may come back. Real time, whatever the [`crate::clock`] shows (rule D3).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the connection stands, name look-up and TLS included.
    pub connect: Duration,
    /// From the start to the last byte of the answer.
    pub total: Duration,
    /// Bytes of the answer's body.
    pub max_body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(10), max_body: 256 * 1024 }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Answer {
    /// When the other side said this by its own clock, in milliseconds since the Unix epoch; it tells whole seconds.
    #[must_use]
    pub fn date_ms(&self) -> Option<i64> {
        let text = self.headers.get("date")?.to_str().ok()?;
        Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond())
    }
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not a byte of the request was written: the other side knows nothing of it.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have arrived; its answer did not.
    #[error("no answer: {0}")]
    Lost(String),
}

/// Who brings messages to the vendor's webhooks. A demo or a fixture stands between, to let some of them go wrong.
pub trait Courier: Send + Sync {
    /// `POST url`; the type of `body` is among the headers.
    fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Failure>;
}

impl Courier for Outbound {
    fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Failure> {
        Self::post(self, url, headers, body)
    }
}

/// Sends requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    agent: Agent,
    max_body: u64,
}

impl Outbound {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { agent: config(limits).new_agent(), max_body: limits.max_body }
    }

    /// One that connects only to addresses that may be reached. They are checked between the look-up of a name and the
    /// connection, so that no name can lead elsewhere than it was checked for. The check also hears whether the request is
    /// encrypted.
    #[must_use]
    pub fn guarded(limits: Limits, may_reach: impl Fn(IpAddr, bool) -> bool + Send + Sync + 'static) -> Self {
        let guard = Guard { inner: DefaultResolver::default(), may_reach: Box::new(may_reach) };
        let agent = Agent::with_parts(config(limits), DefaultConnector::default(), guard);
        Self { agent, max_body: limits.max_body }
    }

    /// `GET url`.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.run("GET", url, headers, &[])
    }

    /// `POST url`; the type of `body` is among the headers.
    pub fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Failure> {
        self.run("POST", url, headers, body)
    }

    fn run(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Failure> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = if method == "GET" {
            let request = request.body(()).map_err(|e| Failure::NotSent(e.to_string()))?;
            self.agent.run(request)
        } else {
            let request = request.body(body).map_err(|e| Failure::NotSent(e.to_string()))?;
            self.agent.run(request)
        };
        self.read(answer)
    }

    fn read(&self, answer: Result<ureq::http::Response<Body>, ureq::Error>) -> Result<Answer, Failure> {
        let mut answer = answer.map_err(|e| if is_unsent(&e) { not_sent(&e) } else { lost(&e) })?;
        let body = answer.body_mut().with_config().limit(self.max_body).read_to_vec().map_err(|e| lost(&e))?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: std::mem::take(answer.headers_mut()),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

fn config(limits: Limits) -> ureq::config::Config {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .proxy(None)
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_global(Some(limits.total))
        .user_agent(concat!("marketgate/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Looks names up and leaves out the addresses that may not be reached.
struct Guard {
    inner: DefaultResolver,
    may_reach: Box<dyn Fn(IpAddr, bool) -> bool + Send + Sync>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut allowed = self.empty();
        for address in &self.inner.resolve(uri, config, timeout)? {
            if (self.may_reach)(address.ip(), uri.scheme() == Some(&Scheme::HTTPS)) {
                allowed.push(*address);
            }
        }
        if allowed.is_empty() {
            let refused = "the address is private or the request unencrypted, and its network is not among webhooks.private_networks";
            return Err(io::Error::new(ErrorKind::PermissionDenied, refused).into());
        }
        Ok(allowed)
    }
}

fn not_sent(cause: &ureq::Error) -> Failure {
    Failure::NotSent(cause.to_string())
}

fn lost(cause: &ureq::Error) -> Failure {
    Failure::Lost(cause.to_string())
}

/// Whether the error arose before the first byte of the request could be written.
fn is_unsent(cause: &ureq::Error) -> bool {
    match cause {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        ureq::Error::Io(e) => matches!(
            e.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::AddrNotAvailable
                | ErrorKind::PermissionDenied
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes and closes it; tells what it was asked.
    fn once(answer: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let len = stream.read(&mut asked).unwrap();
            stream.write_all(answer).unwrap();
            String::from_utf8_lossy(&asked[..len]).into_owned()
        });
        (url, thread)
    }

    #[test]
    fn every_status_is_an_answer_and_a_redirect_is_not_followed() {
        let (url, server) = once(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nhi");
        let answer = Outbound::new(Limits::default()).get(&url, &[("x-of", "mine")]).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (302, "hi"));
        let asked = server.join().unwrap().to_lowercase();
        assert!(asked.starts_with("get / http/1.1\r\n") && asked.contains("x-of: mine\r\n"), "{asked}");
    }

    #[test]
    fn a_refused_connection_was_not_sent_and_a_cut_one_is_lost() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let outbound = Outbound::new(Limits::default());
        let failure = outbound.get(&format!("http://127.0.0.1:{port}/"), &[]).unwrap_err();
        assert!(matches!(failure, Failure::NotSent(_)), "{failure:?}");
        let (url, server) = once(b"");
        let failure = outbound.post(&url, &[], b"hi").unwrap_err();
        assert!(matches!(failure, Failure::Lost(_)), "{failure:?}");
        server.join().unwrap();
    }

    #[test]
    fn an_answer_larger_than_the_limit_is_lost() {
        let (url, server) = once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789");
        let outbound = Outbound::new(Limits { max_body: 8, ..Limits::default() });
        assert!(matches!(outbound.get(&url, &[]).unwrap_err(), Failure::Lost(_)));
        server.join().unwrap();
    }
}
