//! Signed addresses, in the spellings that the marketplace may choose.

use url::Url;

use super::judge::Exchange;
use crate::market::token;
use crate::outbound::{Failure, Outbound};

/// Names and values, decoded.
pub type Pairs = Vec<(String, String)>;

/// What people see in place of a right token.
pub const HIDDEN: &str = "****";
/// A token that no key makes.
pub const WRONG: &str = "00000000000000000000000000000000";

/// How a space is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    Plus,
    Percent,
}

#[derive(Debug, Clone, Copy)]
pub enum Token<'a> {
    Signed(&'a str),
    /// Taken as it is.
    Given(&'a str),
    Missing,
    /// Signed, then one more parameter added.
    Tampered(&'a str),
}

/// An address, and the same as people may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub url: String,
    pub shown: String,
}

/// The address of a call. Parameters that `target` already has are kept and signed too, as in a login-free link.
#[must_use]
pub fn address(target: &Url, params: &Pairs, space: Space, token: Token<'_>) -> Address {
    let mut url = target.clone();
    url.set_fragment(None);
    url.query_pairs_mut().extend_pairs(params);
    if space == Space::Percent
        && let Some(query) = url.query().map(|query| query.replace('+', "%20"))
    {
        url.set_query(Some(&query));
    }
    let all: Pairs = url.query_pairs().into_owned().collect();
    let base = url.to_string();
    let with = |token: &str, more: &str| format!("{base}&{}={token}{more}", token::NAME);
    match token {
        Token::Signed(key) => Address { url: with(&token::sign(&all, key), ""), shown: with(HIDDEN, "") },
        Token::Given(token) => Address { url: with(token, ""), shown: with(token, "") },
        Token::Missing => Address { url: base.clone(), shown: base },
        Token::Tampered(key) => {
            let more = "&mgTampered=1";
            Address { url: with(&token::sign(&all, key), more), shown: with(HIDDEN, more) }
        }
    }
}

/// Asks, as the marketplace's server does.
#[must_use]
pub fn send(outbound: &Outbound, address: &Address) -> Exchange {
    let started = std::time::Instant::now();
    let answer = outbound.get(&address.url, &[("accept", "application/json")]);
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let request = format!("GET {}", address.shown);
    match answer {
        Ok(answer) => Exchange {
            request,
            status: Some(answer.status),
            content_type: header(&answer, "content-type").to_owned(),
            body: answer.body,
            took_ms,
        },
        Err(failure @ (Failure::NotSent(_) | Failure::Lost(_))) => {
            Exchange { request, status: None, body: failure.to_string(), took_ms, ..Exchange::default() }
        }
    }
}

pub(super) fn header<'a>(answer: &'a crate::outbound::Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
