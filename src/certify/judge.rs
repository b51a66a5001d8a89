//! Judging, pure: what came back in, what is wrong with it out. No sending, no clock.

use serde_json::Value;

use crate::market::reply::{AppInfo, CreateReply, Created, read_create, read_success};

/// A call and what came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Method and address; a token that is right is hidden.
    pub request: String,
    /// `None`: no answer; `body` says why.
    pub status: Option<u16>,
    pub content_type: String,
    pub body: String,
    pub took_ms: u64,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    NoAnswer,
    Status(u16),
    /// Not a JSON object.
    NotJson,
    /// A create whose answer has no `instanceId`.
    NoId,
    /// Still `0` after so many calls.
    NeverReady(u32),
    /// More than one id for one purchase.
    SeveralIds(Vec<String>),
    /// These fields of `appInfo` are empty.
    Empty(Vec<&'static str>),
    /// No absolute address with http or https.
    NoLoginUrl,
    /// `success` is not true.
    NotSuccess,
    /// What had to be refused was done.
    Accepted,
    /// An error said with a text that programs take for true.
    Truthy(String),
    /// Refused, but under this status.
    RefusedUnder(u16),
    ContentType(String),
    /// Milliseconds taken and allowed.
    Slow(u64, u64),
    /// The login-free link leads to a page for signing in.
    LoginPage(String),
    /// Somebody was let in who had to stay outside.
    LetIn,
    /// These test instances are still there.
    Left(Vec<String>),
}

pub type Judged = Result<(), Why>;

/// How an answer to createInstance is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    Ready(Box<Created>),
    /// The id `0`: ask again.
    Zero,
    Bad(Why),
}

fn object(exchange: &Exchange) -> Result<Value, Why> {
    match exchange.status {
        None => Err(Why::NoAnswer),
        Some(200) => match serde_json::from_str::<Value>(&exchange.body) {
            Ok(body @ Value::Object(_)) => Ok(body),
            _ => Err(Why::NotJson),
        },
        Some(status) => Err(Why::Status(status)),
    }
}

#[must_use]
pub fn creation(exchange: &Exchange) -> Creation {
    let body = match object(exchange) {
        Ok(body) => body,
        Err(why) => return Creation::Bad(why),
    };
    match (read_create(&exchange.body), &body["instanceId"]) {
        (CreateReply::Ready(created), _) => Creation::Ready(created),
        (CreateReply::NotReady, Value::String(text)) if text.trim() == "0" => Creation::Zero,
        (CreateReply::NotReady, Value::Number(number)) if number.as_u64() == Some(0) => Creation::Zero,
        _ => Creation::Bad(Why::NoId),
    }
}

/// Every call but createInstance, where it had to work.
pub fn success(exchange: &Exchange) -> Judged {
    object(exchange)?;
    if read_success(&exchange.body) { Ok(()) } else { Err(Why::NotSuccess) }
}

/// A call that had to be refused, whatever it asked for.
pub fn refused(exchange: &Exchange) -> Judged {
    match exchange.status {
        None => Err(Why::NoAnswer),
        Some(200..=299) if read_success(&exchange.body) || matches!(creation(exchange), Creation::Ready(_)) => {
            Err(Why::Accepted)
        }
        Some(_) => Ok(()),
    }
}

/// The ids that answers to one purchase had: all the same.
pub fn one_id<'a>(ids: impl Iterator<Item = &'a str>) -> Judged {
    let mut distinct: Vec<String> = Vec::new();
    for id in ids {
        if !distinct.iter().any(|known| known == id) {
            distinct.push(id.to_owned());
        }
    }
    if distinct.len() > 1 { Err(Why::SeveralIds(distinct)) } else { Ok(()) }
}

/// What the buyer's console must show.
pub fn app_info(info: &AppInfo) -> Judged {
    let fields = [
        ("frontEndUrl", &info.front_end_url),
        ("adminUrl", &info.admin_url),
        ("username", &info.username),
        ("password", &info.password),
    ];
    let empty: Vec<_> =
        fields.into_iter().filter(|(_, value)| value.as_deref().unwrap_or_default().is_empty()).collect();
    if empty.is_empty() { Ok(()) } else { Err(Why::Empty(empty.into_iter().map(|(name, _)| name).collect())) }
}

/// An error whose `success` is a text other than "true": truthy for whoever does not read the text.
pub fn truthy(exchange: &Exchange) -> Judged {
    match serde_json::from_str::<Value>(&exchange.body).ok().as_ref().map(|body| &body["success"]) {
        Some(Value::String(text)) if !text.trim().eq_ignore_ascii_case("true") => Err(Why::Truthy(text.clone())),
        _ => Ok(()),
    }
}

/// A refusal says so by its status.
pub fn refusal_status(exchange: &Exchange) -> Judged {
    match exchange.status {
        Some(status @ 200..=299) if refused(exchange).is_ok() => Err(Why::RefusedUnder(status)),
        _ => Ok(()),
    }
}

pub fn content_type(exchange: &Exchange) -> Judged {
    let kind = exchange.content_type.split(';').next().unwrap_or_default().trim();
    if exchange.status.is_none() || kind.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Why::ContentType(exchange.content_type.clone()))
    }
}

pub fn in_time(exchange: &Exchange, limit_ms: u64) -> Judged {
    if exchange.took_ms > limit_ms { Err(Why::Slow(exchange.took_ms, limit_ms)) } else { Ok(()) }
}

/// Where a browser ended that opened a login-free link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Landed {
    /// Of the last answer.
    pub status: Option<u16>,
    /// Its address without the query; of the redirect that leads to another site, if it ended there.
    pub place: String,
    /// Title and first heading of the page.
    pub title: String,
    /// The body is JSON that speaks of an error.
    pub is_error: bool,
    /// It was led there by a redirect.
    pub is_led: bool,
}

impl Landed {
    /// Pages of one kind differ by ids only.
    fn kind(&self) -> (String, &str) {
        let parts =
            self.place.split('/').map(|part| if part.contains(|c: char| c.is_ascii_digit()) { "*" } else { part });
        (parts.collect::<Vec<_>>().join("/"), &self.title)
    }
}

const LOGIN_NAMES: [&str; 5] = ["login", "signin", "sign-in", "sign_in", "login.html"];

/// A fresh link: a page that can be reached, is no error and no place for signing in.
pub fn let_in(landed: &Landed) -> Judged {
    match landed.status {
        None => Err(Why::NoAnswer),
        Some(status) if status >= 400 => Err(Why::Status(status)),
        Some(_) if landed.is_error => Err(Why::Status(200)),
        Some(_) => {
            let last = landed.place.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            if landed.is_led && LOGIN_NAMES.iter().any(|name| last.eq_ignore_ascii_case(name)) {
                Err(Why::LoginPage(landed.place.clone()))
            } else {
                Ok(())
            }
        }
    }
}

/// A link that must not work: an error, or at least another page than the one that a `fresh` link leads to.
pub fn kept_out(landed: &Landed, fresh: Option<&Landed>) -> Judged {
    match landed.status {
        None => Err(Why::NoAnswer),
        Some(status) if status >= 400 || landed.is_error => Ok(()),
        Some(_) => match fresh.filter(|fresh| let_in(fresh).is_ok()) {
            Some(fresh) if fresh.kind() != landed.kind() => Ok(()),
            _ => Err(Why::LetIn),
        },
    }
}
