//! Whom the gateway needs: the marketplace's OpenAPI with its clock, and the mail server.

use super::{Finding, words};
use crate::app::Pulse;
use crate::cli::gateway;
use crate::clock::Clock;
use crate::config::{Config, Seller};
use crate::domain::value::SECOND_MS;
use crate::outbound::{Limits, Outbound};

/// A clock that is further away than this is not kept right by anybody.
const ASIDE_MS: i64 = 10 * SECOND_MS;

/// Whether each seller's marketplace answers, and how far its clock is from ours.
pub fn marketplaces(config: &Config) -> Vec<Finding> {
    let outbound = Outbound::new(Limits::default());
    let mut found = Vec::new();
    let mut asked: Vec<&str> = Vec::new();
    for seller in &config.sellers {
        if !seller.has_access_key() {
            found.push(words::no_access_key(&seller.id));
        } else if !asked.contains(&seller.openapi_url.as_str()) {
            asked.push(&seller.openapi_url);
            found.extend(marketplace(&outbound, seller));
        }
    }
    found
}

fn marketplace(outbound: &Outbound, seller: &Seller) -> Option<Finding> {
    let (url, clock) = (&seller.openapi_url, Clock::system());
    let before = clock.real_now();
    let answer = match outbound.get(&format!("{url}/"), &[]) {
        Ok(answer) => answer,
        Err(cause) => return Some(words::unreachable(url, &cause.to_string())),
    };
    let after = clock.real_now();
    // It counts whole seconds, and spoke somewhere between our two looks.
    let theirs = answer.date_ms()? + SECOND_MS / 2;
    let ours = i64::midpoint(before.ms(), after.ms());
    let ahead = ours - theirs;
    // Further than a step, it breaks login-free links and the closing of hours (rules D3).
    (ahead.abs() > ASIDE_MS).then(|| words::clock(url, ahead / SECOND_MS, ahead.abs() > Pulse::STEP_MS))
}

/// Whether mails find their way.
pub fn mail(config: &Config, is_offline: bool) -> Vec<Finding> {
    let Some(smtp) = &config.smtp else { return vec![words::mail_off()] };
    if is_offline {
        return Vec::new();
    }
    let tried = gateway::post(smtp).map_err(|cause| format!("{cause:#}")).and_then(|post| post.try_out());
    tried.err().map(|why| words::mail_server(&smtp.host, &why)).into_iter().collect()
}
