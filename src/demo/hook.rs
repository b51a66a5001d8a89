//! The product's webhook: it confirms bindings, as a vendor's product may (optional). Signatures are checked by the published
//! rules of Standard Webhooks alone.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::Product;

/// Where the product listens for events.
pub const PATH: &str = "/hooks/marketgate";
/// How often, and how far apart, the gateway is asked for a webhook while it starts.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
struct List {
    items: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    url: String,
}

#[derive(Deserialize)]
struct Made {
    secret: String,
}

impl Product {
    /// Registers the webhook at a gateway that is starting: a binding that is requested before is one that nobody is asked of.
    /// Whether that was done. Blocks.
    pub fn register(&self, own: SocketAddr) -> bool {
        let url = self.hook_url.get_or_init(|| format!("http://{own}{PATH}"));
        for _ in 0..TRIES {
            if let Some(secret) = self.ask_for_secret(url) {
                *self.hook_secret.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret);
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }

    /// The secret of the webhook: a fresh one of that which an earlier run has left, or of a new one.
    pub(super) fn ask_for_secret(&self, url: &str) -> Option<String> {
        let hooks = format!("{}/api/v1/webhooks", self.options.gateway);
        let authorization = format!("Bearer {}", self.options.api_key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let list: List = serde_json::from_str(&self.ask(self.outbound.get(&hooks, &headers))?).ok()?;
        let (path, body) = match list.items.into_iter().find(|listed| listed.url == url) {
            Some(listed) => (format!("{hooks}/{}/rotate", listed.id), json!({ "overlap_secs": 0 })),
            None => (hooks, json!({ "url": url, "types": ["binding.*"] })),
        };
        let answer = self.outbound.post(&path, &headers, body.to_string().as_bytes());
        serde_json::from_str::<Made>(&self.ask(answer)?).ok().map(|made| made.secret)
    }

    /// Whether one of the signatures is right. Their age is not looked at: this product lives by a clock that is moved, and
    /// hearing something again changes nothing here.
    pub fn is_signed(&self, id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> bool {
        let secret = self.hook_secret.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let key = secret.as_deref().and_then(|secret| STANDARD.decode(secret.strip_prefix("whsec_")?).ok());
        let Some(mac) = key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok()) else { return false };
        let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
        signatures
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .any(|signature| mac.clone().verify_slice(&signature).is_ok())
    }
}
