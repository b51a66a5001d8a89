//! Webhooks as the vendor manages them, and their secrets (Standard Webhooks: `whsec_…`, signature scheme v1).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use crate::crypto::{Chance, Keys, hmac_sha256};
use crate::domain::hook;
use crate::domain::network::{Network, may_reach};
use crate::domain::value::{DAY_MS, HOUR_MS, Instant};
use crate::error::{Error, Result};
use crate::store::delivery::{self, Delivery};
use crate::store::{Db, Tx, alarm, event, webhook};
use crate::usecase::{
    self,
    audit::{self, By, Entry},
};

pub use crate::store::webhook::Webhook;

/// The purpose that secrets are sealed for.
pub(super) const SEAL: &str = "webhook";
/// How secrets begin.
const PREFIX: &str = "whsec_";
/// Most webhooks of an installation: each has senders of its own.
pub const AT_MOST: u32 = 20;
/// Longest address, in bytes.
pub const URL_MAX: usize = 2_048;
/// How long both secrets sign after a rotation, unless the caller says otherwise.
pub const OVERLAP_MS: i64 = DAY_MS;
/// The longest that a caller may say.
pub const OVERLAP_MAX_MS: i64 = 7 * 24 * HOUR_MS;

/// What a webhook is to be.
pub struct Target {
    pub url: String,
    /// Space-separated.
    pub types: String,
}

impl Target {
    /// Checks an address and filters. That a name does not lead into our own network is checked at each connection.
    ///
    /// # Errors
    /// `Invalid` with `url` (`malformed`, `not_https`, `private`) or `types` (`unknown`).
    pub fn new(url: &str, types: &[String], configured: &[Network]) -> Result<Self> {
        let malformed = || Error::invalid("url", "malformed");
        let parsed = Url::parse(url).ok().filter(|_| url.len() <= URL_MAX).ok_or_else(malformed)?;
        let has_more = !parsed.username().is_empty() || parsed.password().is_some() || parsed.fragment().is_some();
        let address = match parsed.host().filter(|_| !has_more).ok_or_else(malformed)? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        // Without TLS only inside networks that the operator has opened.
        match parsed.scheme() {
            "https" => {}
            "http" if !configured.is_empty() => {}
            _ => return Err(Error::invalid("url", "not_https")),
        }
        let is_encrypted = parsed.scheme() == "https";
        if address.is_some_and(|address| !may_reach(address, is_encrypted, configured)) {
            return Err(Error::invalid("url", "private"));
        }
        if !types.iter().all(|filter| hook::is_filter(filter)) {
            return Err(Error::invalid("types", "unknown"));
        }
        Ok(Self { url: parsed.into(), types: types.join(" ") })
    }
}

/// Adds a webhook that hears what happens from now on; it with its secret, which is shown this once.
///
/// # Errors
/// `Conflict(too_many_webhooks)`.
pub fn create(
    tx: &Tx,
    (keys, chance): (&Keys, &Chance),
    target: &Target,
    by: &By,
    now: Instant,
) -> Result<(Webhook, String)> {
    if webhook::count(tx)? >= AT_MOST {
        return Err(Error::Conflict("too_many_webhooks"));
    }
    let id = chance.id("whk", now);
    let secret = fresh_secret(chance);
    let sealed = keys.seal(SEAL, secret.as_bytes(), chance);
    webhook::insert(tx, &id, &target.url, &target.types, &sealed, event::last_id(tx)?, now)?;
    note(tx, "webhook.created", &id, (None, Some(&describe(&target.url, &target.types))), by, now)?;
    Ok((find(tx, &id)?, secret))
}

fn fresh_secret(chance: &Chance) -> String {
    format!("{PREFIX}{}", STANDARD.encode(chance.bytes::<32>()))
}

pub fn find(db: &Db, id: &str) -> Result<Webhook> {
    webhook::find(db, id)?.ok_or(Error::NotFound("webhook"))
}

pub fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<Webhook>> {
    webhook::list_after(db, after, limit)
}

/// Another target, or a switch. While a webhook is disabled nothing is sent to it and nothing is lost: enabled, it goes on
/// where it stopped.
pub fn update(
    tx: &Tx,
    id: &str,
    target: Option<&Target>,
    is_enabled: Option<bool>,
    by: &By,
    now: Instant,
) -> Result<Webhook> {
    let found = find(tx, id)?;
    if let Some(target) = target {
        webhook::set_target(tx, id, &target.url, &target.types)?;
        let (before, after) = (describe(&found.url, &found.types), describe(&target.url, &target.types));
        if before != after {
            note(tx, "webhook.changed", id, (Some(&before), Some(&after)), by, now)?;
        }
    }
    match is_enabled {
        Some(true) if found.disabled.is_some() => {
            webhook::enable(tx, id)?;
            alarm::clear(tx, usecase::alarm::WEBHOOK_DISABLED, id, now)?;
            note(tx, "webhook.enabled", id, (None, None), by, now)?;
        }
        Some(false) if webhook::disable(tx, id, "requested", now)? => {
            note(tx, "webhook.disabled", id, (None, None), by, now)?;
        }
        _ => {}
    }
    find(tx, id)
}

pub fn delete(tx: &Tx, id: &str, by: &By, now: Instant) -> Result<()> {
    let found = find(tx, id)?;
    webhook::delete(tx, id, now)?;
    for kind in [usecase::alarm::WEBHOOK_DISABLED, usecase::alarm::DEAD_DELIVERY] {
        alarm::clear(tx, kind, id, now)?;
    }
    note(tx, "webhook.deleted", id, (Some(&describe(&found.url, &found.types)), None), by, now)
}

/// Where it leads and what it hears, on one line.
fn describe(url: &str, types: &str) -> String {
    if types.is_empty() { url.to_owned() } else { format!("{url} {types}") }
}

fn note(
    tx: &Tx,
    action: &str,
    id: &str,
    (before, after): (Option<&str>, Option<&str>),
    by: &By,
    now: Instant,
) -> Result<()> {
    let entry = Entry { action, subject: ("webhook", id), before, after, ..Entry::default() };
    audit::note(tx, by, &entry, now)
}

/// A new secret, shown this once; the one of before signs as well until the overlap is over.
pub fn rotate(
    tx: &Tx,
    (keys, chance): (&Keys, &Chance),
    id: &str,
    overlap_ms: i64,
    by: &By,
    now: Instant,
) -> Result<(Webhook, String)> {
    find(tx, id)?;
    let secret = fresh_secret(chance);
    webhook::set_secret(tx, id, &keys.seal(SEAL, secret.as_bytes(), chance), now.plus_ms(overlap_ms))?;
    note(tx, "webhook.secret_rotated", id, (None, None), by, now)?;
    Ok((find(tx, id)?, secret))
}

/// Sends a ping, once; its delivery tells how it went.
///
/// # Errors
/// `Conflict(webhook_disabled)`.
pub fn ping(tx: &Tx, id: &str, now: Instant) -> Result<Delivery> {
    if find(tx, id)?.disabled.is_some() {
        return Err(Error::Conflict("webhook_disabled"));
    }
    delivery::insert(tx, &delivery::New { webhook_id: id, event_id: None, lane: None, binding_id: None }, now)?;
    delivery::find(tx, tx.conn().last_insert_rowid())?.ok_or(Error::NotFound("delivery"))
}

/// The value of `webhook-signature`: one signature per secret in force.
///
/// # Errors
/// `Internal` if a secret was sealed under another master key.
pub fn signature(keys: &Keys, webhook: &Webhook, id: &str, timestamp: i64, body: &str, now: Instant) -> Result<String> {
    let previous = webhook.previous.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
    let signed = format!("{id}.{timestamp}.{body}");
    let signatures: Result<Vec<String>> = std::iter::once(&webhook.secret)
        .chain(previous)
        .map(|sealed| {
            let key = keys
                .open(SEAL, sealed)
                .and_then(|secret| STANDARD.decode(secret.strip_prefix(PREFIX.as_bytes())?).ok())
                .ok_or_else(|| Error::internal("a webhook's secret was sealed under another master key"))?;
            Ok(format!("v1,{}", STANDARD.encode(hmac_sha256(&key, signed.as_bytes()))))
        })
        .collect();
    Ok(signatures?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_https_and_public_unless_its_network_was_opened() {
        let refused = |url: &str, open: &[Network]| match Target::new(url, &[], open) {
            Ok(_) => "",
            Err(Error::Invalid(fields)) => fields[0].code,
            Err(_) => "other",
        };
        let open: Vec<Network> = ["127.0.0.0/8"].iter().filter_map(|text| text.parse().ok()).collect();
        for (url, plain, opened) in [
            ("https://hooks.example.com/x?y=z", "", ""),
            ("http://hooks.example.com/", "not_https", ""),
            ("http://127.0.0.9/", "not_https", ""),
            ("http://8.8.8.8/", "not_https", "private"),
            ("https://127.0.0.1/", "private", ""),
            ("https://2130706433/", "private", ""),
            ("https://0x7f.1/", "private", ""),
            ("https://[::ffff:127.0.0.1]/", "private", ""),
            ("https://169.254.169.254/latest", "private", "private"),
            ("https://[::1]/", "private", "private"),
            ("https://user:pass@hooks.example.com/", "malformed", "malformed"),
            ("https://hooks.example.com/#x", "malformed", "malformed"),
            ("ftp://hooks.example.com/", "not_https", "not_https"),
            ("file:///etc/passwd", "malformed", "malformed"),
            ("hooks", "malformed", "malformed"),
        ] {
            assert_eq!((refused(url, &[]), refused(url, &open)), (plain, opened), "{url}");
        }
        assert!(Target::new("https://a.example", &["binding.*".into(), "order.paid".into()], &[]).is_ok());
        assert!(Target::new("https://a.example", &["binding.* order.paid".into()], &[]).is_err());
    }
}
