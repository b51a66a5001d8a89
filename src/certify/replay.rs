//! A recorded log of calls, made again in its order and compared by meaning.
//!
//! The log is that of `GET /control/calls?format=ndjson`: one JSON object a line. Hidden tokens are made anew, the
//! time of a login-free link is the present one; a token that is not hidden was wrong on purpose and stays. Ids that
//! the seller made itself differ from run to run, so later calls use the id that the create of this run brought.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::judge::{Creation, Exchange, creation, success};
use super::wire::{self, HIDDEN, Pairs, Space, Token};
use crate::clock::Clock;
use crate::market::{time, token};
use crate::outbound::{Limits, Outbound};

/// A create that is not ready is asked again so often, as the marketplace does.
const MAX_CREATE_CALLS: u32 = super::run::MAX_CREATE_CALLS;

/// One line of a log.
#[derive(Debug, Clone, Deserialize)]
pub struct Recorded {
    /// `out`: to the seller. Others are not replayed.
    pub direction: String,
    pub action: String,
    /// The address that was called, its token hidden.
    pub request: String,
    pub fault: Option<String>,
    pub status: Option<u16>,
    pub reply: String,
}

/// What an answer means to the marketplace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    Id(String),
    /// Ask again.
    NotReady,
    Done,
    /// Refused, failed, unreadable.
    Not,
    /// Nobody knows: a fault kept the answer back.
    Unknown,
}

/// A call, made again.
#[derive(Debug)]
pub struct Again {
    /// Line in the file, from 1.
    pub line: usize,
    pub action: String,
    pub before: Meaning,
    pub now: Meaning,
    pub is_same: bool,
    pub exchange: Exchange,
}

#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("line {0} is no recorded call: {1}")]
    Json(usize, serde_json::Error),
    #[error("line {0} has no address")]
    Address(usize),
}

/// Where to, and how.
#[derive(Debug, Clone)]
pub struct Options {
    pub target: Url,
    pub isv_key: String,
    /// Between two createInstance calls of one purchase.
    pub pause: Duration,
    pub limits: Limits,
}

/// The lines of a log with their numbers; only calls to the seller, and those of them that were delivered.
pub fn read(text: &str) -> Result<Vec<(usize, Recorded, Pairs)>, Unreadable> {
    let mut calls = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let call: Recorded = serde_json::from_str(line).map_err(|cause| Unreadable::Json(number, cause))?;
        if call.direction == "out" && call.fault.as_deref() != Some("status_500") {
            let url = Url::parse(&call.request).map_err(|_| Unreadable::Address(number))?;
            let params = url.query_pairs().into_owned().collect();
            calls.push((number, call, params));
        }
    }
    Ok(calls)
}

/// Makes every call again. `tell` hears each as soon as it is answered.
pub fn run(
    options: &Options,
    clock: &Clock,
    calls: &[(usize, Recorded, Pairs)],
    tell: &mut dyn FnMut(&Again),
) -> Vec<Again> {
    let outbound = Outbound::new(options.limits);
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let mut done = Vec::with_capacity(calls.len());
    for (line, call, params) in calls {
        let before = meaning(&call.action, &recorded(call));
        let address = prepare(options, clock, params, &ids);
        let mut exchange = wire::send(&outbound, &address);
        for _ in 1..MAX_CREATE_CALLS {
            // It may have taken fewer calls then than it takes now.
            let is_early = matches!(before, Meaning::Id(_)) && meaning(&call.action, &exchange) == Meaning::NotReady;
            if !is_early {
                break;
            }
            std::thread::sleep(options.pause);
            exchange = wire::send(&outbound, &address);
        }
        let now = meaning(&call.action, &exchange);
        let is_same = is_same(&before, &now, &mut ids);
        let again = Again { line: *line, action: call.action.clone(), before, now, is_same, exchange };
        tell(&again);
        done.push(again);
    }
    done
}

fn recorded(call: &Recorded) -> Exchange {
    let is_kept_back = matches!(call.fault.as_deref(), Some("cut" | "empty_body"));
    Exchange { status: call.status.filter(|_| !is_kept_back), body: call.reply.clone(), ..Exchange::default() }
}

fn prepare(options: &Options, clock: &Clock, params: &Pairs, ids: &BTreeMap<String, String>) -> wire::Address {
    let mut token = Token::Missing;
    let is_verify = params.iter().any(|(name, value)| name == "action" && value == "verify");
    let mut changed = Pairs::new();
    for (name, value) in params {
        match name.as_str() {
            token::NAME if value == HIDDEN => token = Token::Signed(&options.isv_key),
            token::NAME => token = Token::Given(value),
            "timeStamp" if is_verify => changed.push((name.clone(), time::text(clock.now()))),
            "instanceId" => changed.push((name.clone(), ids.get(value).unwrap_or(value).clone())),
            _ => changed.push((name.clone(), value.clone())),
        }
    }
    wire::address(&options.target, &changed, Space::Plus, token)
}

fn meaning(action: &str, exchange: &Exchange) -> Meaning {
    let Some(status) = exchange.status else { return Meaning::Unknown };
    match action {
        "createInstance" => match creation(exchange) {
            Creation::Ready(created) => Meaning::Id(created.instance_id),
            Creation::Zero => Meaning::NotReady,
            Creation::Bad(_) => Meaning::Not,
        },
        // A page for people.
        "verify" if status < 400 => Meaning::Done,
        "verify" => Meaning::Not,
        _ if success(exchange).is_ok() => Meaning::Done,
        _ => Meaning::Not,
    }
}

/// Whether an answer means what it meant. An id may be another one, but always the same other one; one that is ready
/// earlier is no difference.
fn is_same(before: &Meaning, now: &Meaning, ids: &mut BTreeMap<String, String>) -> bool {
    match (before, now) {
        // Then nobody knew; that somebody answers now is all that can be asked.
        (Meaning::Unknown, now) => *now != Meaning::Unknown,
        (Meaning::Id(old), Meaning::Id(new)) => ids.entry(old.clone()).or_insert_with(|| new.clone()) == new,
        (Meaning::NotReady, Meaning::Id(_)) => true,
        (before, now) => before == now,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn line(action: &str, query: &str, fault: &str, status: u16, reply: &str) -> String {
        let fault = if fault.is_empty() { serde_json::Value::Null } else { fault.into() };
        let request = format!("http://127.0.0.1:1/spi?action={action}&{query}");
        serde_json::json!({ "direction": "out", "action": action, "request": request, "fault": fault, "status": status, "reply": reply })
            .to_string()
    }

    #[test]
    fn only_delivered_calls_to_the_seller_are_read_and_a_broken_line_is_named() {
        let log = [
            line("createInstance", "orderBizId=1&note=a%2Bb+c&token=****", "", 200, "{}"),
            r#"{"direction":"in","action":"PushMeteringData","request":"/","fault":null,"status":200,"reply":""}"#
                .into(),
            String::new(),
            line("expiredInstance", "instanceId=1&token=****", "status_500", 500, ""),
            line("expiredInstance", "instanceId=1&token=****", "cut", 200, ""),
        ]
        .join("\n");
        let calls = read(&log).unwrap();
        assert_eq!(calls.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [1, 5]);
        assert!(calls[0].2.contains(&("note".into(), "a+b c".into())));
        assert_eq!(meaning("expiredInstance", &recorded(&calls[1].1)), Meaning::Unknown);
        assert!(matches!(read("{}\n"), Err(Unreadable::Json(1, _))));
        let lost = line("x", "", "", 200, "").replace("http://127.0.0.1:1", "");
        assert!(matches!(read(&lost), Err(Unreadable::Address(1))));
    }

    #[test]
    fn tokens_and_stamps_are_made_anew_and_ids_follow_the_create() {
        let options = Options {
            target: Url::parse("http://127.0.0.1:2/other").unwrap(),
            isv_key: "isvkey".into(),
            pause: Duration::ZERO,
            limits: Limits::default(),
        };
        let ids = BTreeMap::from([("i-1".to_owned(), "i-2".to_owned())]);
        let pairs = |list: &[(&str, &str)]| -> Pairs {
            list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let made = |list: &[(&str, &str)]| prepare(&options, &Clock::system(), &pairs(list), &ids).url;
        let renewed = made(&[("action", "expiredInstance"), ("instanceId", "i-1"), ("token", HIDDEN)]);
        let expected = token::sign(&pairs(&[("action", "expiredInstance"), ("instanceId", "i-2")]), "isvkey");
        assert_eq!(renewed, format!("http://127.0.0.1:2/other?action=expiredInstance&instanceId=i-2&token={expected}"));
        let wrong = made(&[("action", "expiredInstance"), ("instanceId", "i-9"), ("token", "0000")]);
        assert!(wrong.ends_with("instanceId=i-9&token=0000"), "{wrong}");
        let verified = made(&[("action", "verify"), ("timeStamp", "2013-01-01 01:01:01"), ("token", HIDDEN)]);
        assert!(!verified.contains("2013"), "{verified}");
    }

    #[test]
    fn answers_are_compared_by_meaning() {
        let id = |text: &str| Meaning::Id(text.to_owned());
        let mut ids = BTreeMap::new();
        for (before, now, same) in [
            (id("a"), id("x"), true),
            (id("a"), id("x"), true),
            (id("a"), id("y"), false),
            (Meaning::NotReady, id("x"), true),
            (Meaning::Not, id("x"), false),
            (id("a"), Meaning::NotReady, false),
            (Meaning::Done, Meaning::Done, true),
            (Meaning::Done, Meaning::Not, false),
            (Meaning::Not, Meaning::Done, false),
            (Meaning::Unknown, Meaning::Not, true),
            (Meaning::Unknown, Meaning::Unknown, false),
        ] {
            assert_eq!(is_same(&before, &now, &mut ids), same, "{before:?} {now:?}");
        }
    }
}
