//! Making a signed request.

use super::{
    API_VERSION, Credentials, FORM, V3_ALGORITHM, canonical_query, encode, names, sha256_hex, v1_signature,
    v1_string_to_sign, v3_canonical_request, v3_signature, v3_string_to_sign,
};
use crate::domain::value::Instant;
use crate::market::time;

/// A request ready to be sent as it is: a change of any part breaks the signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Always `POST`: the one method that every operation takes.
    pub method: &'static str,
    /// The raw query without its `?`; empty if everything is in the body. The path is `/`.
    pub query: String,
    /// Lower-case names; `host` included, `content-length` not.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// How a request is signed, and where its parameters go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// V3, parameters in the query. What the current SDKs do.
    #[default]
    V3,
    /// V1, everything in the query.
    V1,
    /// V1, everything in a form body: for what a query is too short for.
    V1Form,
}

/// What is asked of whom.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// The server as the `host` header names it, with its port if that is not the usual one.
    pub host: &'a str,
    pub action: &'a str,
    /// The operation's own parameters.
    pub params: &'a [(&'a str, &'a str)],
}

impl Operation<'_> {
    /// The signed request. `nonce` must not have been used before; `now` must be within 15 minutes of the server's time.
    #[must_use]
    pub fn sign(&self, style: Style, credentials: &Credentials, nonce: &str, now: Instant) -> Request {
        match style {
            Style::V3 => self.v3(credentials, nonce, now),
            Style::V1 => self.v1(credentials, nonce, now, false),
            Style::V1Form => self.v1(credentials, nonce, now, true),
        }
    }

    fn v3(&self, credentials: &Credentials, nonce: &str, now: Instant) -> Request {
        let payload_hash = sha256_hex(b"");
        let date = time::utc_text(now);
        // By name, as they are signed.
        let signed: Vec<(String, &str)> = [
            ("host", self.host),
            ("x-acs-action", self.action),
            ("x-acs-content-sha256", &payload_hash),
            ("x-acs-date", &date),
            ("x-acs-signature-nonce", nonce),
            ("x-acs-version", API_VERSION),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let query = canonical_query(self.params);
        let canonical = v3_canonical_request("POST", "/", &query, &signed, &payload_hash);
        let signature = v3_signature(&credentials.access_key_secret, &v3_string_to_sign(&canonical));
        let authorization = format!(
            "{V3_ALGORITHM} Credential={},SignedHeaders={},Signature={signature}",
            credentials.access_key_id,
            names(&signed)
        );
        let mut headers: Vec<_> = signed.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        headers.push(("accept".into(), "application/json".into()));
        headers.push(("authorization".into(), authorization));
        Request { method: "POST", query, headers, body: String::new() }
    }

    fn v1(&self, credentials: &Credentials, nonce: &str, now: Instant, in_form: bool) -> Request {
        let timestamp = time::utc_text(now);
        let mut params = vec![
            ("AccessKeyId", credentials.access_key_id.as_str()),
            ("Action", self.action),
            ("Format", "JSON"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", nonce),
            ("SignatureVersion", "1.0"),
            ("Timestamp", &timestamp),
            ("Version", API_VERSION),
        ];
        params.extend_from_slice(self.params);
        let signature = v1_signature(&credentials.access_key_secret, &v1_string_to_sign("POST", &params));
        let text = format!("{}&Signature={}", canonical_query(&params), encode(&signature));
        let mut headers = vec![("host".to_owned(), self.host.to_owned()), ("accept".into(), "application/json".into())];
        let (query, body) = if in_form {
            headers.push(("content-type".into(), FORM.into()));
            (String::new(), text)
        } else {
            (text, String::new())
        };
        Request { method: "POST", query, headers, body }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_push_is_signed_byte_for_byte_like_the_vectors() {
        let all = crate::market::vectors();
        let v3 = &all["openapi_v3"][1];
        let metering = v3["query"]["Metering"].as_str().unwrap();
        let operation =
            Operation { host: "market.aliyuncs.com", action: "PushMeteringData", params: &[("Metering", metering)] };
        let keys = Credentials {
            access_key_id: v3["access_key_id"].as_str().unwrap().into(),
            access_key_secret: v3["access_key_secret"].as_str().unwrap().into(),
        };
        let nonce = v3["headers"]["x-acs-signature-nonce"].as_str().unwrap();
        let now = time::parse_utc(v3["headers"]["x-acs-date"].as_str().unwrap()).unwrap();
        let request = operation.sign(Style::V3, &keys, nonce, now);
        let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).unwrap().1.as_str();
        for (name, value) in v3["headers"].as_object().unwrap() {
            assert_eq!(header(name), value);
        }
        assert_eq!(header("authorization"), v3["authorization"]);
        assert_eq!((request.method, request.body.as_str()), ("POST", ""));

        let v1 = &all["openapi_v1"][2];
        let keys = Credentials { access_key_id: "testid".into(), access_key_secret: "testsecret".into() };
        let nonce = v1["params"]["SignatureNonce"].as_str().unwrap();
        let now = time::parse_utc(v1["params"]["Timestamp"].as_str().unwrap()).unwrap();
        let request = operation.sign(Style::V1, &keys, nonce, now);
        let signature = encode(v1["signature"].as_str().unwrap()).to_string();
        assert!(request.query.ends_with(&format!("&Signature={signature}")), "{}", request.query);
        let form = operation.sign(Style::V1Form, &keys, nonce, now);
        assert_eq!((form.query.as_str(), form.body), ("", request.query));
        assert!(form.headers.contains(&("content-type".into(), FORM.into())));
    }
}
