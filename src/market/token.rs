//! The token that signs lifecycle calls and login-free links.
//!
//! `lower-case hex MD5("k1=v1&k2=v2&…&key=" + ISV key)` over every parameter but `token`, decoded, sorted by name,
//! empty values kept, nothing escaped. The ISV key belongs to the seller account and is not its `AccessKey`.
//! MD5 and the missing escapes are the protocol's; what follows from the latter is guarded in [`super::call`].

use md5::{Digest, Md5};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// Name of the parameter that carries the token and is itself not signed.
pub const NAME: &str = "token";

/// Hexadecimal digits of a token.
const LEN: usize = 32;

/// The token of these parameters, given decoded and in any order; one named `token` is left out.
#[must_use]
pub fn sign<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)], key: &str) -> String {
    with_key(&unfinished(params), key)
}

/// Whether the parameter `token` is what one of `keys` makes of the others.
#[must_use]
pub fn verify<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)], keys: &[&str]) -> bool {
    signer(params, keys).is_some()
}

/// The place of the first of `keys` that makes the parameter `token` of the others. Every key is tried to the end, so that
/// the time taken says neither which key matched nor how much of the token did. Upper-case digits are accepted.
#[must_use]
pub fn signer<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)], keys: &[&str]) -> Option<usize> {
    let (_, received) = params.iter().find(|(name, _)| name.as_ref() == NAME)?;
    let mut received = <[u8; LEN]>::try_from(received.as_ref().as_bytes()).ok()?;
    received.make_ascii_lowercase();
    let unfinished = unfinished(params);
    let (mut found, mut place) = (Choice::from(0), 0_u64);
    for (at, key) in (0_u64..).zip(keys) {
        let is_this = with_key(&unfinished, key).as_bytes().ct_eq(&received);
        place.conditional_assign(&at, is_this & !found);
        found |= is_this;
    }
    bool::from(found).then(|| usize::try_from(place).ok()).flatten()
}

/// The digest of everything that does not depend on the key, up to and including `&key=`.
fn unfinished<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)]) -> Md5 {
    let mut sorted: Vec<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).filter(|(name, _)| *name != NAME).collect();
    // Stable, so that a repeated name keeps the order in which it came.
    sorted.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut digest = Md5::new();
    for (name, value) in sorted {
        for part in [name, "=", value, "&"] {
            digest.update(part);
        }
    }
    digest.update("key=");
    digest
}

fn with_key(unfinished: &Md5, key: &str) -> String {
    super::hex(&unfinished.clone().chain_update(key).finalize())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    type Params = Vec<(String, String)>;

    fn vector(vector: &serde_json::Value) -> Params {
        let params = vector["params"].as_object().unwrap();
        params.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    }

    fn signed(mut params: Params, key: &str) -> Params {
        let token = sign(&params, key);
        params.push((NAME.into(), token));
        params
    }

    #[test]
    fn every_vector_is_reproduced() {
        let all = super::super::vectors();
        for v in all["spi_token"]["accept"].as_array().unwrap() {
            let mut params = vector(v);
            let token = v["token"].as_str().unwrap();
            assert_eq!(sign(&params, "isvkey"), token, "{}", v["id"]);
            params.insert(0, (NAME.into(), token.into()));
            assert!(verify(&params, &["isvkey"]), "{}", v["id"]);
            assert!(!verify(&params, &["isvkey2"]), "{}", v["id"]);
        }
    }

    #[test]
    fn tokens_of_a_wrong_reading_are_refused() {
        let all = super::super::vectors();
        for v in all["spi_token"]["reject"].as_array().unwrap() {
            let mut params = vector(v);
            params.push((NAME.into(), v["token"].as_str().unwrap().into()));
            assert!(!verify(&params, &["isvkey"]), "{}", v["id"]);
        }
    }

    #[test]
    fn the_previous_key_still_opens_and_a_missing_token_never_does() {
        let params = signed(vec![("action".into(), "verify".into())], "old");
        assert!(verify(&params, &["new", "old"]));
        assert!(verify(&params, &["old", "new"]));
        assert!(!verify(&params, &[]));
        assert!(!verify(&params[..1], &["new", "old"]));
        let loud: Params =
            params.iter().map(|(n, v)| (n.clone(), if n == NAME { v.to_uppercase() } else { v.clone() })).collect();
        assert!(verify(&loud, &["old"]));
        for token in ["", "0", "é", &"0".repeat(33)] {
            let params = [("action", "verify"), (NAME, token)];
            assert!(!verify(&params, &["old"]), "{token}");
        }
    }

    proptest! {
        #[test]
        fn a_signed_call_verifies_in_any_order(
            params in prop::collection::btree_map(".{0,8}", ".{0,12}", 0..12),
            key in ".{1,40}",
            turn in 0usize..12,
        ) {
            let params: Params = params.into_iter().filter(|(name, _)| name != NAME).collect();
            let mut params = signed(params, &key);
            let turn = turn % params.len();
            params.rotate_left(turn);
            prop_assert!(verify(&params, &["another", &key]));
            params.reverse();
            prop_assert!(verify(&params, &[&key]));
        }

        #[test]
        fn one_changed_byte_is_noticed(
            params in prop::collection::btree_map("[a-z]{1,8}", "[ -~]{1,12}", 1..8),
            at: prop::sample::Index,
            with in 1u8..32,
        ) {
            let mut params = signed(params.into_iter().filter(|(name, _)| name != NAME).collect(), "isvkey");
            let place = at.index(params.len());
            // Lower-case letters, digits and printable characters stay ASCII under this flip, and none turns into
            // the upper-case form of itself, which a token may have.
            let value = &mut params[place].1;
            let mut bytes = value.clone().into_bytes();
            let byte = at.index(bytes.len());
            bytes[byte] ^= with;
            *value = String::from_utf8(bytes).unwrap();
            prop_assert!(!verify(&params, &["isvkey"]));
        }
    }
}
