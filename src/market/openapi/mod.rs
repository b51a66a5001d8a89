//! The marketplace's `OpenAPI` (RPC style): how a request is signed, made, checked and answered.
//!
//! Two signature versions are in use. V3 (`ACS3-HMAC-SHA256`, in headers) is what the current SDKs and we send;
//! V1 (`HMAC-SHA1`, in parameters) is what older SDKs send, and what a form body needs.
//!
//! | module | does |
//! |---|---|
//! | [`request`] | makes a signed request |
//! | [`verify`] | checks a received one and takes it apart |
//! | [`answer`] | writes answers in JSON and XML, and reads both |
//! | [`describe`] | what answers about instances, orders and notifications mean |
//!
//! Nonces, times and keys are handed in; whether a nonce was seen before is for the caller to remember.

pub mod answer;
pub mod describe;
pub mod request;
pub mod verify;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::domain::value::MINUTE_MS;

/// The version of the marketplace's operations.
pub const API_VERSION: &str = "2015-11-01";

/// How far a request's time may be from the server's, either way.
pub const TIMESTAMP_WINDOW_MS: i64 = 15 * MINUTE_MS;

/// Name of the V3 algorithm, in headers and in what is signed.
pub const V3_ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Content type of form bodies.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Everything but RFC 3986's unreserved characters is escaped; a space becomes `%20`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The key pair of an account. The secret shows in no debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub access_key_secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Xml,
}

/// A text as it stands in a query, by RFC 3986.
#[must_use]
pub fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ESCAPED)
}

/// `k1=v1&k2=v2`, encoded, sorted by name: the query that is signed, and a query that can be sent.
#[must_use]
pub fn canonical_query<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)]) -> String {
    let mut sorted: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    sorted.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut query = String::new();
    for (name, value) in sorted {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(encode(name));
        query.push('=');
        query.extend(encode(value));
    }
    query
}

/// What V1 signs: every parameter but `Signature`.
#[must_use]
pub fn v1_string_to_sign<N: AsRef<str>, V: AsRef<str>>(method: &str, params: &[(N, V)]) -> String {
    format!("{method}&%2F&{}", encode(&canonical_query(params)))
}

/// The V1 signature of such a text, in Base64.
#[must_use]
pub fn v1_signature(secret: &str, string_to_sign: &str) -> String {
    STANDARD.encode(mac::<Hmac<Sha1>>(&format!("{secret}&"), string_to_sign))
}

/// What V3 hashes: `headers` are the signed ones, names in lower case, sorted; `payload_hash` is [`sha256_hex`] of the body.
#[must_use]
pub fn v3_canonical_request(
    method: &str,
    path: &str,
    query: &str,
    headers: &[(String, &str)],
    payload_hash: &str,
) -> String {
    let mut text = format!("{method}\n{path}\n{query}\n");
    for (name, value) in headers {
        text.extend([name, ":", value.trim(), "\n"]);
    }
    text.extend(["\n", &names(headers), "\n", payload_hash]);
    text
}

/// What V3 signs.
#[must_use]
pub fn v3_string_to_sign(canonical_request: &str) -> String {
    format!("{V3_ALGORITHM}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// The V3 signature of such a text, in lower-case hexadecimal.
#[must_use]
pub fn v3_signature(secret: &str, string_to_sign: &str) -> String {
    super::hex(&mac::<Hmac<Sha256>>(secret, string_to_sign))
}

/// The hexadecimal digest of a body.
#[must_use]
pub fn sha256_hex(body: &[u8]) -> String {
    super::hex(&Sha256::digest(body))
}

fn names(headers: &[(String, &str)]) -> String {
    headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";")
}

fn mac<M: Mac + KeyInit>(key: &str, text: &str) -> Vec<u8> {
    #[expect(clippy::unwrap_used, reason = "HMAC takes keys of every length")]
    let mac = <M as KeyInit>::new_from_slice(key.as_bytes()).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn texts(map: &serde_json::Value) -> Vec<(String, String)> {
        map.as_object().unwrap().iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect()
    }

    #[test]
    fn every_v1_vector_is_reproduced() {
        let all = super::super::vectors();
        for v in all["openapi_v1"].as_array().unwrap() {
            let string = v1_string_to_sign(v["method"].as_str().unwrap(), &texts(&v["params"]));
            assert_eq!(string, v["string_to_sign"]);
            assert_eq!(v1_signature(v["access_key_secret"].as_str().unwrap(), &string), v["signature"]);
        }
    }

    #[test]
    fn every_v3_vector_is_reproduced() {
        let all = super::super::vectors();
        for v in all["openapi_v3"].as_array().unwrap() {
            let headers = texts(&v["headers"]);
            let headers: Vec<_> = headers.iter().map(|(n, v)| (n.clone(), v.as_str())).collect();
            let canonical = v3_canonical_request(
                v["method"].as_str().unwrap(),
                "/",
                &canonical_query(&texts(&v["query"])),
                &headers,
                &sha256_hex(v["body"].as_str().unwrap().as_bytes()),
            );
            assert_eq!(canonical, v["canonical_request"]);
            let string = v3_string_to_sign(&canonical);
            assert_eq!(string, v["string_to_sign"]);
            assert_eq!(v3_signature(v["access_key_secret"].as_str().unwrap(), &string), v["signature"]);
        }
    }

    #[test]
    fn blanks_around_a_header_are_not_signed() {
        let canonical = v3_canonical_request("GET", "/", "", &[("a".into(), " b c\t"), ("d".into(), "")], "hash");
        assert_eq!(canonical, "GET\n/\n\na:b c\nd:\n\na;d\nhash");
    }

    #[test]
    fn escapes_are_those_of_rfc_3986() {
        assert_eq!(encode("aZ09-_.~ *+/=%中").to_string(), "aZ09-_.~%20%2A%2B%2F%3D%25%E4%B8%AD");
    }

    #[test]
    fn the_secret_of_a_key_pair_shows_in_no_log() {
        let keys = Credentials { access_key_id: "id".into(), access_key_secret: "hush".into() };
        assert!(!format!("{keys:?}").contains("hush"));
    }
}
