//! Chance, ids, digests, MACs, sealing, constant-time comparison; passwords in [`password`],
//! codes of an authenticator app in [`totp`].

mod notary;
pub mod password;
pub mod totp;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::domain::value::Instant;

pub use notary::Notary;
pub use password::Passwords;

/// Where ids and secrets come from: the system's generator, or a seeded one for repeatable tests.
pub struct Chance {
    generator: Mutex<StdRng>,
    repeat: Option<Repeat>,
}

/// What makes ids repeatable: they are counted per prefix, so that it does not matter which thread asks first.
struct Repeat {
    seed: u64,
    counts: Mutex<BTreeMap<String, u64>>,
}

/// The moment that repeatable ids begin at: 2026-01-01 in UTC, in milliseconds.
const REPEATABLE_FROM_MS: u64 = 1_767_225_600_000;

impl Chance {
    /// A cryptographic generator, seeded by the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self { generator: Mutex::new(StdRng::from_os_rng()), repeat: None }
    }

    /// The same sequence for the same seed. Never for production.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { generator: Mutex::new(StdRng::seed_from_u64(seed)), repeat: None }
    }

    /// Like [`Chance::seeded`], and the n-th id of each prefix is the same as well, whatever the time.
    #[must_use]
    pub fn repeatable(seed: u64) -> Self {
        Self { repeat: Some(Repeat { seed, counts: Mutex::default() }), ..Self::seeded(seed) }
    }

    /// Begins a repeatable sequence anew; the others have no beginning.
    pub fn restart(&self) {
        if let Some(repeat) = &self.repeat {
            repeat.counts.lock().unwrap_or_else(PoisonError::into_inner).clear();
            *self.generator.lock().unwrap_or_else(PoisonError::into_inner) = StdRng::seed_from_u64(repeat.seed);
        }
    }

    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }

    /// 256 bits as URL-safe text: session secrets, mailed links, one-time codes, keys.
    #[must_use]
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A TypeID: the prefix, and a version 7 UUID of this moment in 26 characters of Crockford's base 32.
    #[must_use]
    pub fn id(&self, prefix: &str, now: Instant) -> String {
        let (ms, random) = match &self.repeat {
            None => (u64::try_from(now.ms()).unwrap_or_default(), self.bytes()),
            Some(repeat) => repeat.next(prefix),
        };
        let uuid = uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().as_u128();
        let digit = |at: u32| {
            char::from(
                b"0123456789abcdefghjkmnpqrstvwxyz"[usize::try_from((uuid >> (5 * at)) & 31).unwrap_or_default()],
            )
        };
        let mut id = String::with_capacity(prefix.len() + 27);
        id.push_str(prefix);
        id.push('_');
        id.extend((0..26).rev().map(digit));
        id
    }
}

impl Repeat {
    /// Time and random part of the next id of this prefix.
    fn next(&self, prefix: &str) -> (u64, [u8; 10]) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(prefix.to_owned()).or_default();
        *count += 1;
        let hash = digest(&[&self.seed.to_be_bytes()[..], &count.to_be_bytes(), prefix.as_bytes()].concat());
        let mut random = [0; 10];
        random.copy_from_slice(&hash[..10]);
        (REPEATABLE_FROM_MS + *count, random)
    }
}

/// SHA-256. Secrets of 256 bits are stored as this.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

/// HMAC-SHA256 as other people's protocols have it.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Compares without telling by its time where two texts differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// What is derived from the master key (rules D5).
pub struct Keys {
    mac: [u8; 32],
    seal: LessSafeKey,
}

impl Keys {
    #[must_use]
    pub fn new(master: [u8; 32]) -> Self {
        let derive = |label: &str| authenticate(&master, &[label.as_bytes()]);
        // 32 bytes always are a key of this algorithm.
        let seal = UnboundKey::new(&CHACHA20_POLY1305, &derive("seal"));
        #[expect(clippy::expect_used, reason = "the length is the type's")]
        Self { mac: derive("mac"), seal: LessSafeKey::new(seal.expect("a key of 32 bytes")) }
    }

    /// HMAC-SHA256 over the purpose and the parts, each with its length, so that no two lists of parts look alike.
    #[must_use]
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let all: Vec<&[u8]> = std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()).collect();
        authenticate(&self.mac, &all)
    }

    /// Encrypts and authenticates, for one purpose; URL-safe text.
    #[must_use]
    pub fn seal(&self, purpose: &str, plain: &[u8], chance: &Chance) -> String {
        let nonce = chance.bytes::<NONCE_LEN>();
        let mut body = plain.to_vec();
        let sealed = self.seal.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose.as_bytes()),
            &mut body,
        );
        // Fails only for texts of many gigabytes.
        debug_assert!(sealed.is_ok(), "what is sealed is short");
        URL_SAFE_NO_PAD.encode([&nonce[..], &body].concat())
    }

    /// What was sealed for this purpose; `None` for anything else.
    #[must_use]
    pub fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
        let mut body = body.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.seal.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body).ok()?;
        Some(plain.to_vec())
    }
}

fn authenticate(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_as_typeids() {
        let chance = Chance::seeded(1);
        let early = chance.id("org", Instant::from_ms(1_700_000_000_000));
        let late = chance.id("org", Instant::from_ms(1_700_000_000_001));
        assert!(early < late && early.len() == 30 && early.starts_with("org_01hf7y"), "{early}");
    }

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        assert_eq!(Chance::seeded(7).token(), Chance::seeded(7).token());
        assert_ne!(Chance::system().token(), Chance::system().token());
    }

    #[test]
    fn repeatable_ids_count_per_prefix_and_begin_anew() {
        let (one, other) = (Chance::repeatable(7), Chance::repeatable(7));
        let (early, late) = (Instant::from_ms(1_700_000_000_000), Instant::from_ms(1_800_000_000_000));
        let first = one.id("org", early);
        assert_ne!(other.id("usr", late), first);
        assert_eq!(first, other.id("org", late), "neither the time nor other ids change it");
        let second = one.id("org", early);
        assert!(second > first);
        one.restart();
        assert_eq!(one.id("org", early), first);
        assert_ne!(Chance::repeatable(8).id("org", early), first);
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_only() {
        let (keys, chance) = (Keys::new([7; 32]), Chance::seeded(1));
        let sealed = keys.seal("mail", b"hello", &chance);
        assert_eq!(keys.open("mail", &sealed).as_deref(), Some(&b"hello"[..]));
        assert_eq!(keys.open("landing", &sealed), None);
        assert_eq!(Keys::new([8; 32]).open("mail", &sealed), None);
        let broken: String = sealed.chars().rev().collect();
        assert_eq!(keys.open("mail", &broken), None);
        assert_eq!(keys.open("mail", ""), None);
    }

    #[test]
    fn no_two_lists_of_parts_have_the_same_mac() {
        let keys = Keys::new([7; 32]);
        assert_ne!(keys.mac("p", &[b"ab", b"c"]), keys.mac("p", &[b"a", b"bc"]));
        assert_ne!(keys.mac("p", &[b""]), keys.mac("p", &[]));
        assert_ne!(keys.mac("p", &[b"x"]), keys.mac("q", &[b"x"]));
    }
}
