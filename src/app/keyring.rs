//! The secrets that sellers' calls are signed with and that the marketplace is asked with, as they are in force now: what
//! is read again without a restart.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::Instant;
use crate::config::{Config, Secret, Seller};
use crate::crypto::{Keys, hex};

/// Of every seller.
pub struct Keyring(Vec<Ring>);

/// Of one seller.
pub struct Ring {
    pub seller_id: String,
    /// The keys under which a token may be signed, the current one first.
    pub keys: Vec<IsvKey>,
    /// Empty: the marketplace is never asked.
    pub access_key_id: String,
    pub access_key_secret: Secret,
    /// Tells the AccessKey from others, where which one it was has to be kept: keys are never rows (rules D5).
    pub access_key_mark: String,
}

/// A key that calls may be signed with.
pub struct IsvKey {
    secret: Secret,
    /// Tells it from other keys, and says nothing else of it.
    pub mark: String,
    /// When its use was written last, in milliseconds.
    noted_at: AtomicI64,
}

/// Never written.
const NEVER: i64 = i64::MIN;

impl Keyring {
    #[must_use]
    pub fn of(config: &Config, keys: &Keys) -> Self {
        Self(config.sellers.iter().map(|seller| Ring::of(seller, keys)).collect())
    }

    #[must_use]
    pub fn seller(&self, id: &str) -> Option<&Ring> {
        self.0.iter().find(|ring| ring.seller_id == id)
    }

    pub fn sellers(&self) -> impl Iterator<Item = &Ring> {
        self.0.iter()
    }

    /// The store was emptied: what was written there is not there any more.
    pub fn forget_uses(&self) {
        for key in self.0.iter().flat_map(|ring| &ring.keys) {
            key.noted_at.store(NEVER, Ordering::Relaxed);
        }
    }
}

impl Ring {
    fn of(seller: &Seller, keys: &Keys) -> Self {
        let mut kept: Vec<IsvKey> = Vec::new();
        for secret in [&seller.isv_key, &seller.isv_key_previous] {
            let mark = mark(keys, "isv_key.mark", &seller.id, secret.expose());
            if !secret.is_empty() && kept.iter().all(|key| key.mark != mark) {
                kept.push(IsvKey { secret: secret.clone(), mark, noted_at: AtomicI64::new(NEVER) });
            }
        }
        Self {
            seller_id: seller.id.clone(),
            keys: kept,
            access_key_id: seller.access_key_id.clone(),
            access_key_secret: seller.access_key_secret.clone(),
            access_key_mark: mark(keys, "access_key.mark", &seller.id, &seller.access_key_id),
        }
    }

    /// The key that signed, if one did: `which` is given all of them and answers a place.
    pub fn signer(&self, which: impl FnOnce(&[&str]) -> Option<usize>) -> Option<&IsvKey> {
        let keys: Vec<&str> = self.keys.iter().map(|key| key.secret.expose()).collect();
        which(&keys).and_then(|place| self.keys.get(place))
    }
}

impl IsvKey {
    /// Whether this use is to be written. Says so to one of many callers, and then not for so many milliseconds.
    pub fn is_to_be_noted(&self, now: Instant, every_ms: i64) -> bool {
        let noted = self.noted_at.load(Ordering::Relaxed);
        (noted == NEVER || now.ms().saturating_sub(noted) >= every_ms)
            && self.noted_at.compare_exchange(noted, now.ms(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Eight digits that differ for other keys, and for other sellers with the same one. Under the master key, so that whoever
/// sees them cannot try keys against them.
fn mark(keys: &Keys, purpose: &str, seller_id: &str, key: &str) -> String {
    let mac = keys.mac(purpose, &[seller_id.as_bytes(), key.as_bytes()]);
    hex(&mac[..4])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn ring(current: &str, previous: &str) -> Ring {
        let text = format!(
            "public_url = \"https://gate.example.com\"\n[[seller]]\nid = \"alibaba\"\nisv_key = \"{current}\"\nisv_key_previous = \"{previous}\"\n"
        );
        let config = Config::parse(&text).unwrap();
        Ring::of(&config.sellers[0], &Keys::new([7; 32]))
    }

    #[test]
    fn a_mark_tells_keys_apart_and_a_key_that_stands_twice_is_one() {
        let (both, same) = (ring("0123456789abcdef", "fedcba9876543210"), ring("0123456789abcdef", "0123456789abcdef"));
        assert_eq!((both.keys.len(), same.keys.len()), (2, 1));
        assert_ne!(both.keys[0].mark, both.keys[1].mark);
        assert_eq!(both.keys[0].mark, same.keys[0].mark);
        assert!(both.keys[0].mark.len() == 8 && !"0123456789abcdef".contains(&both.keys[0].mark));
    }

    #[test]
    fn a_use_is_written_now_and_then() {
        let key = &ring("0123456789abcdef", "").keys[0];
        let is_noted = |ms| key.is_to_be_noted(Instant::from_ms(ms), 100);
        assert_eq!([0, 1, 99, 100, 100, 199, 200].map(is_noted), [true, false, false, true, false, false, true]);
    }
}
