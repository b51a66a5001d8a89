//! Checking a received request, and taking it apart. The simulator's side.

use subtle::ConstantTimeEq;

use super::{
    Credentials, FORM, Format, TIMESTAMP_WINDOW_MS, V3_ALGORITHM, canonical_query, sha256_hex, v1_signature,
    v1_string_to_sign, v3_canonical_request, v3_signature, v3_string_to_sign,
};
use crate::domain::value::Instant;
use crate::market::{call, time};

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// The raw query without its `?`.
    pub query: &'a str,
    /// In the order received, names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// What a request with a good signature asks for. Whether its nonce is new is still to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub access_key_id: String,
    pub action: String,
    pub version: String,
    /// The operation's own parameters, decoded, without those that every operation has.
    pub params: Vec<(String, String)>,
    pub nonce: String,
    /// The time that the caller says it is.
    pub at: Instant,
    pub format: Format,
}

/// Why a request is refused, in Alibaba Cloud's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// The language in which the caller wants to hear it.
    pub format: Format,
}

/// Parameters of V1 that belong to the envelope.
const COMMON: [&str; 11] = [
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// Headers of V3 without which a request has no meaning, or one that anybody could change.
const SIGNED: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

type Params = Vec<(String, String)>;

/// Checks the signature against the keys that exist and the time against each acceptable present (a simulator whose
/// clock was moved accepts its own and the real one). V3 if the `Authorization` header says so, else V1.
pub fn verify(request: &Received<'_>, keys: &[Credentials], nows: &[Instant]) -> Result<Verified, Rejected> {
    let authorization = header(request, "authorization").unwrap_or_default().trim();
    let v3 = authorization.strip_prefix(V3_ALGORITHM).filter(|rest| rest.starts_with(' '));
    let unreadable = |_| Refusal::invalid_parameter("The parameters are not UTF-8.");
    let default = if v3.is_some() { Format::Json } else { Format::Xml };
    let params = read_params(request).map_err(unreadable).map_err(|refusal| refusal.speak(default))?;
    let format = match value(&params, "Format") {
        Some(text) if text.eq_ignore_ascii_case("json") => Format::Json,
        Some(text) if text.eq_ignore_ascii_case("xml") => Format::Xml,
        _ => default,
    };
    match v3 {
        Some(authorization) => verify_v3(request, params, authorization, keys, nows, format),
        None => verify_v1(request, params, keys, nows, format),
    }
    .map_err(|refusal| refusal.speak(format))
}

impl Rejected {
    /// The nonce came before: the caller knows, because it remembers.
    #[must_use]
    pub fn nonce_used(format: Format) -> Self {
        Refusal::new(400, "SignatureNonceUsed", "Specified signature nonce was used already.").speak(format)
    }
}

fn verify_v1(
    request: &Received<'_>,
    params: Params,
    keys: &[Credentials],
    nows: &[Instant],
    format: Format,
) -> Result<Verified, Refusal> {
    let get =
        |name: &'static str| value(&params, name).filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(name));
    let (action, version, nonce) = (get("Action")?, get("Version")?, get("SignatureNonce")?);
    let (access_key_id, timestamp, signature) = (get("AccessKeyId")?, get("Timestamp")?, get("Signature")?);
    if get("SignatureMethod")? != "HMAC-SHA1" || get("SignatureVersion")? != "1.0" {
        return Err(Refusal::invalid_parameter("SignatureMethod must be HMAC-SHA1 and SignatureVersion 1.0."));
    }
    if let Some(name) = COMMON.into_iter().find(|common| params.iter().filter(|(name, _)| name == common).count() > 1) {
        return Err(Refusal::invalid_parameter(&format!("The parameter {name} is repeated.")));
    }
    let key = find_key(keys, access_key_id)?;
    let at = check_time(timestamp, nows)?;
    let signed: Vec<_> = params.iter().filter(|(name, _)| name != "Signature").map(|(n, v)| (n, v)).collect();
    let string_to_sign = v1_string_to_sign(request.method, &signed);
    check_signature(&v1_signature(&key.access_key_secret, &string_to_sign), signature, &string_to_sign)?;
    let (action, version, nonce) = (action.to_owned(), version.to_owned(), nonce.to_owned());
    Ok(Verified { access_key_id: key.access_key_id.clone(), action, version, nonce, at, format, params: own(params) })
}

fn verify_v3(
    request: &Received<'_>,
    params: Params,
    authorization: &str,
    keys: &[Credentials],
    nows: &[Instant],
    format: Format,
) -> Result<Verified, Refusal> {
    let field = |name: &str| {
        let mut fields = authorization.split(',').filter_map(|part| part.trim().split_once('='));
        fields.find(|(other, _)| *other == name).map(|(_, text)| text).ok_or_else(Refusal::incomplete)
    };
    let (access_key_id, listed, signature) = (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let get = |name: &'static str| {
        header(request, name).map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(name))
    };
    for name in SIGNED {
        get(name)?;
    }
    let key = find_key(keys, access_key_id)?;
    let at = check_time(get("x-acs-date")?, nows)?;
    let mut signed: Vec<(String, &str)> =
        listed.split(';').map(|name| (name.to_ascii_lowercase(), header(request, name).unwrap_or_default())).collect();
    signed.sort();
    // An unsigned header of this kind could have been added or changed on the way.
    let needed = SIGNED.into_iter().map(str::to_owned);
    let acs =
        request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).filter(|name| name.starts_with("x-acs-"));
    if needed.chain(acs).any(|needed| !signed.iter().any(|(name, _)| *name == needed)) {
        return Err(Refusal::incomplete());
    }
    // Of the body that came, whatever the header says of it.
    let payload_hash = sha256_hex(request.body);
    // As the query came: whatever belongs to the body is covered by the hash.
    let query =
        decode(request.query.as_bytes()).map_err(|_| Refusal::invalid_parameter("The parameters are not UTF-8."))?;
    let canonical =
        v3_canonical_request(request.method, request.path, &canonical_query(&query), &signed, &payload_hash);
    let string_to_sign = v3_string_to_sign(&canonical);
    check_signature(&v3_signature(&key.access_key_secret, &string_to_sign), signature, &string_to_sign)?;
    Ok(Verified {
        access_key_id: key.access_key_id.clone(),
        action: get("x-acs-action")?.to_owned(),
        version: get("x-acs-version")?.to_owned(),
        nonce: get("x-acs-signature-nonce")?.to_owned(),
        at,
        format,
        params: own(params),
    })
}

fn own(params: Params) -> Params {
    params.into_iter().filter(|(name, _)| !COMMON.contains(&name.as_str())).collect()
}

fn value<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

fn header<'a>(request: &Received<'a>, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// The parameters of the query and, after them, those of a form body; empty ones kept.
fn read_params(request: &Received<'_>) -> Result<Params, call::Malformed> {
    let mut params = decode(request.query.as_bytes())?;
    let content_type = header(request, "content-type").unwrap_or_default();
    if content_type.trim_start().get(..FORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(FORM)) {
        params.append(&mut decode(request.body)?);
    }
    Ok(params)
}

fn decode(raw: &[u8]) -> Result<Params, call::Malformed> {
    let text = |raw: &[u8]| {
        let mut bytes = Vec::with_capacity(raw.len());
        call::decode(raw, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| call::Malformed::InvalidUtf8)
    };
    call::pairs(raw).map(|(name, value)| Ok((text(name)?, text(value)?))).collect()
}

fn find_key<'a>(keys: &'a [Credentials], id: &str) -> Result<&'a Credentials, Refusal> {
    let unknown = || Refusal::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    keys.iter().find(|key| key.access_key_id == id).ok_or_else(unknown)
}

fn check_time(text: &str, nows: &[Instant]) -> Result<Instant, Refusal> {
    let Some(at) = time::parse_utc(text) else {
        return Err(Refusal::new(
            400,
            "InvalidTimeStamp.Format",
            "Specified time stamp or date value is not well formatted.",
        ));
    };
    if nows.iter().any(|now| at.since_ms(*now).saturating_abs() <= TIMESTAMP_WINDOW_MS) {
        Ok(at)
    } else {
        Err(Refusal::new(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."))
    }
}

fn check_signature(expected: &str, received: &str, string_to_sign: &str) -> Result<(), Refusal> {
    if expected.as_bytes().ct_eq(received.as_bytes()).into() { Ok(()) } else { Err(Refusal::mismatch(string_to_sign)) }
}

/// A [`Rejected`] before it is known in which language it is said.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned() }
    }

    fn missing(name: &str) -> Self {
        let message =
            format!("The input parameter \"{name}\" that is mandatory for processing this request is not supplied.");
        Self { status: 400, code: "MissingParameter", message }
    }

    fn invalid_parameter(message: &str) -> Self {
        Self::new(400, "InvalidParameter", message)
    }

    fn incomplete() -> Self {
        Self::new(400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
    }

    /// Says what should have been signed, as Alibaba Cloud does: it is what one looks for when this happens.
    fn mismatch(string_to_sign: &str) -> Self {
        let message = format!(
            "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
        );
        Self { status: 400, code: "SignatureDoesNotMatch", message }
    }

    fn speak(self, format: Format) -> Rejected {
        let Self { status, code, message } = self;
        Rejected { status, code, message, format }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::super::request::{Operation, Request, Style};
    use super::super::{encode, names};
    use super::*;
    use crate::domain::value::HOUR_MS;

    const NOW: Instant = Instant::from_ms(1_698_315_752_000);

    fn keys() -> Vec<Credentials> {
        ["other", "testid"]
            .map(|id| Credentials { access_key_id: id.into(), access_key_secret: format!("{id} secret") })
            .into()
    }

    fn push(style: Style, params: &[(&str, &str)]) -> Request {
        let operation = Operation { host: "127.0.0.1:8081", action: "PushMeteringData", params };
        operation.sign(style, &keys()[1], "nonce-1", NOW)
    }

    fn check_at(request: &Request, nows: &[Instant]) -> Result<Verified, Rejected> {
        let headers: Vec<_> = request.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let received = Received {
            method: request.method,
            path: "/",
            query: &request.query,
            headers: &headers,
            body: request.body.as_bytes(),
        };
        verify(&received, &keys(), nows)
    }

    fn check(request: &Request) -> Result<Verified, Rejected> {
        check_at(request, &[NOW])
    }

    /// What came of it, in a word.
    fn code(request: &Request) -> &'static str {
        check(request).map_or_else(|rejected| rejected.code, |_| "ok")
    }

    fn set(request: &mut Request, name: &str, value: &str) {
        request.headers.retain(|(other, _)| other != name);
        request.headers.push((name.into(), value.into()));
    }

    fn without(request: &Request, name: &str) -> Request {
        let mut request = request.clone();
        request.headers.retain(|(other, _)| other != name);
        for part in [&mut request.query, &mut request.body] {
            let kept: Vec<_> = part.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
            *part = kept.join("&");
        }
        request
    }

    const STYLES: [Style; 3] = [Style::V3, Style::V1, Style::V1Form];

    #[test]
    fn what_the_builder_makes_is_understood() {
        for style in STYLES {
            let verified = check(&push(style, &[("Metering", "[中 +&=%]"), ("Empty", "")])).unwrap();
            let params = [("Empty", ""), ("Metering", "[中 +&=%]")].map(|(n, v)| (n.into(), v.into()));
            assert_eq!(
                verified,
                Verified {
                    access_key_id: "testid".into(),
                    action: "PushMeteringData".into(),
                    version: "2015-11-01".into(),
                    params: params.into(),
                    nonce: "nonce-1".into(),
                    at: NOW,
                    format: Format::Json,
                },
                "{style:?}"
            );
        }
    }

    #[test]
    fn requests_of_the_official_sdks_are_understood() {
        // Today's: more signed headers than we send, action and version in headers only.
        let query = "Metering=%5B%5D";
        let hash = sha256_hex(b"");
        let signed: Vec<(String, &str)> = [
            ("accept", "application/json"),
            ("host", "127.0.0.1:8081"),
            ("user-agent", " AlibabaCloud (linux; aarch64) "),
            ("x-acs-action", "PushMeteringData"),
            ("x-acs-content-sha256", &hash),
            ("x-acs-credentials-provider", "static_ak"),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "n"),
            ("x-acs-version", "2015-11-01"),
        ]
        .map(|(n, v)| (n.to_owned(), v))
        .into();
        let canonical = v3_canonical_request("POST", "/", query, &signed, &hash);
        let signature = v3_signature("testid secret", &v3_string_to_sign(&canonical));
        // The list may come in any order; what is signed is sorted.
        let list = names(&signed).split(';').rev().collect::<Vec<_>>().join(";");
        let authorization = format!("{V3_ALGORITHM} Credential=testid,SignedHeaders={list},Signature={signature}");
        let mut headers: Vec<(String, String)> =
            signed.iter().rev().map(|(n, v)| (n.to_uppercase(), (*v).into())).collect();
        headers.push(("Content-Length".into(), "0".into()));
        headers.push(("Authorization".into(), authorization));
        let request = Request { method: "POST", query: query.into(), headers, body: String::new() };
        let verified = check(&request).unwrap();
        assert_eq!((verified.action.as_str(), verified.format), ("PushMeteringData", Format::Json));

        // Yesterday's: an empty parameter and a region, format in lower case or none.
        for (format, expected) in [("json", Format::Json), ("xMl", Format::Xml), ("", Format::Xml)] {
            let params = [
                ("AccessKeyId", "testid"),
                ("Action", "DescribeOrderForIsv"),
                ("Format", format),
                ("OrderId", "1"),
                ("RegionId", "cn-hangzhou"),
                ("SignatureMethod", "HMAC-SHA1"),
                ("SignatureNonce", "n"),
                ("SignatureType", ""),
                ("SignatureVersion", "1.0"),
                ("Timestamp", "2023-10-26T10:22:32Z"),
                ("Version", "2015-11-01"),
            ];
            let signature = v1_signature("testid secret", &v1_string_to_sign("GET", &params));
            let query = format!("Signature={}&{}", encode(&signature), canonical_query(&params));
            let request = Request { method: "GET", query, headers: vec![], body: String::new() };
            let verified = check(&request).unwrap();
            assert_eq!(
                verified.params,
                [("OrderId", "1"), ("RegionId", "cn-hangzhou")].map(|(n, v)| (n.into(), v.into()))
            );
            assert_eq!(verified.format, expected);
        }
    }

    #[test]
    fn every_v3_vector_is_accepted() {
        let all = crate::market::vectors();
        for v in all["openapi_v3"].as_array().unwrap() {
            let mut headers: Vec<_> =
                v["headers"].as_object().unwrap().iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap())).collect();
            headers.push(("authorization", v["authorization"].as_str().unwrap()));
            let query: Vec<_> = v["query"].as_object().unwrap().iter().map(|(n, v)| (n, v.as_str().unwrap())).collect();
            let query = canonical_query(&query);
            let received = Received {
                method: "POST",
                path: "/",
                query: &query,
                headers: &headers,
                body: v["body"].as_str().unwrap().as_bytes(),
            };
            let keys = [Credentials {
                access_key_id: v["access_key_id"].as_str().unwrap().into(),
                access_key_secret: v["access_key_secret"].as_str().unwrap().into(),
            }];
            assert_eq!(verify(&received, &keys, &[NOW]).unwrap().action, v["headers"]["x-acs-action"]);
        }
    }

    #[test]
    fn a_request_is_good_for_a_quarter_of_an_hour_around_any_present() {
        let far = NOW.plus_ms(100 * HOUR_MS);
        for style in STYLES {
            let request = push(style, &[]);
            for now in [NOW.plus_ms(TIMESTAMP_WINDOW_MS), NOW.plus_ms(-TIMESTAMP_WINDOW_MS)] {
                assert!(check_at(&request, &[far, now]).is_ok());
            }
            for now in [NOW.plus_ms(TIMESTAMP_WINDOW_MS + 1), NOW.plus_ms(-TIMESTAMP_WINDOW_MS - 1)] {
                assert_eq!(check_at(&request, &[far, now]).unwrap_err().code, "InvalidTimeStamp.Expired");
            }
            assert_eq!(check_at(&request, &[]).unwrap_err().code, "InvalidTimeStamp.Expired");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_alibabas_words() {
        let v3 = push(Style::V3, &[]);
        for name in SIGNED {
            assert_eq!(code(&without(&v3, name)), "MissingParameter", "{name}");
        }
        let authorization = v3.headers.iter().find(|(n, _)| n == "authorization").unwrap().1.clone();
        let mut request = v3.clone();
        for (from, to, expected) in [
            ("Credential=testid", "Credential=nobody", "InvalidAccessKeyId.NotFound"),
            ("Credential=testid", "Credential=other", "SignatureDoesNotMatch"),
            ("Credential=", "Cred=", "IncompleteSignature"),
            ("SignedHeaders=host;", "SignedHeaders=", "IncompleteSignature"),
            ("x-acs-action;", "", "IncompleteSignature"),
            (";x-acs-version", ";x-acs-version;x-gone", "SignatureDoesNotMatch"),
            (",Signature=", ",Signature=0", "SignatureDoesNotMatch"),
            ("ACS3-HMAC-SHA256", "ACS3-HMAC-SM3", "MissingParameter"),
        ] {
            set(&mut request, "authorization", &authorization.replace(from, to));
            assert_eq!(code(&request), expected, "{to}");
        }
        let mut request = v3.clone();
        set(&mut request, "x-acs-security-token", "added on the way");
        assert_eq!(code(&request), "IncompleteSignature");
        let mut request = v3.clone();
        set(&mut request, "x-acs-date", "yesterday");
        assert_eq!(code(&request), "InvalidTimeStamp.Format");
        let mut request = v3.clone();
        request.body = "more".into();
        assert_eq!(code(&request), "SignatureDoesNotMatch");

        for style in [Style::V1, Style::V1Form] {
            let v1 = push(style, &[("Metering", "x")]);
            for name in COMMON.into_iter().filter(|name| !["Format", "SecurityToken", "SignatureType"].contains(name)) {
                assert_eq!(code(&without(&v1, name)), "MissingParameter", "{name}");
            }
            let altered = |from: &str, to: &str| {
                let mut request = v1.clone();
                request.query = request.query.replace(from, to);
                request.body = request.body.replace(from, to);
                code(&request)
            };
            assert_eq!(altered("AccessKeyId=testid", "AccessKeyId=nobody"), "InvalidAccessKeyId.NotFound");
            assert_eq!(altered("Timestamp=2023", "Timestamp=x"), "InvalidTimeStamp.Format");
            assert_eq!(altered("HMAC-SHA1", "HMAC-MD5"), "InvalidParameter");
            assert_eq!(altered("Metering=x", "Metering=%FF"), "InvalidParameter");
            assert_eq!(altered("Metering=x", "Metering=x&Action=Other"), "InvalidParameter");
            assert_eq!(altered("&Metering=x", ""), "SignatureDoesNotMatch");
            assert_eq!(altered("Metering=x", "Metering=x&Metering=x"), "SignatureDoesNotMatch");
        }
        let mut got = push(Style::V1, &[]);
        got.method = "GET";
        let rejected = check(&got).unwrap_err();
        assert!(
            rejected
                .message
                .ends_with(&v1_string_to_sign("GET", &decode(without(&got, "Signature").query.as_bytes()).unwrap()))
        );
        assert_eq!((rejected.status, rejected.format), (400, Format::Json));
        assert_eq!(check(&without(&push(Style::V1, &[]), "Format")).unwrap_err().format, Format::Xml);
        assert_eq!(Rejected::nonce_used(Format::Xml).code, "SignatureNonceUsed");
    }

    fn style() -> impl Strategy<Value = Style> {
        prop::sample::select(&STYLES)
    }

    proptest! {
        #[test]
        fn what_the_builder_makes_verifies(
            style in style(),
            params in prop::collection::btree_map(".{1,8}", ".{0,20}", 0..6),
            nonce in "[!-~]{1,40}",
            ms in 0_i64..4_000_000_000_000,
        ) {
            let params: Vec<_> = params.iter().filter(|(n, _)| !COMMON.contains(&n.as_str())).map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let operation = Operation { host: "market.aliyuncs.com", action: "Do", params: &params };
            let now = Instant::from_ms(ms);
            let verified = check_at(&operation.sign(style, &keys()[1], &nonce, now), &[now]).unwrap();
            let expected: Params = params.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
            prop_assert_eq!(verified.params, expected);
            prop_assert_eq!(verified.nonce, nonce);
        }

        #[test]
        fn one_changed_byte_is_noticed(style in style(), at: prop::sample::Index, flip in 1u8..16) {
            let request = push(style, &[("Metering", "[{\"InstanceId\":\"1\"}]"), ("x", "a b")]);
            let original = check(&request).unwrap();
            let flipped = |text: &mut String, byte: usize| {
                let mut bytes = std::mem::take(text).into_bytes();
                bytes[byte] ^= flip;
                *text = String::from_utf8(bytes).unwrap();
            };
            let mut changed = request.clone();
            let (query, body) = (request.query.len(), request.body.len());
            let headers: usize = request.headers.iter().map(|(_, v)| v.len()).sum();
            let mut byte = at.index(query + body + headers);
            if byte < query {
                flipped(&mut changed.query, byte);
            } else if byte < query + body {
                flipped(&mut changed.body, byte - query);
            } else {
                byte -= query + body;
                for (_, value) in &mut changed.headers {
                    if byte < value.len() {
                        flipped(value, byte);
                        break;
                    }
                    byte -= value.len();
                }
            }
            // A byte that means the same (an unsigned header, another spelling of an escape) may change.
            if let Ok(verified) = check(&changed) {
                prop_assert_eq!(verified, original);
            }
        }

        #[test]
        fn any_request_is_read_or_refused_without_panic(
            query in "([!-~]|Action=|Signature=|Timestamp=|&){0,30}",
            authorization in "(ACS3-HMAC-SHA256|Credential=|SignedHeaders=|Signature=|[ ,;=a-z中]){0,20}",
            content_type in ".{0,40}",
            body: Vec<u8>,
        ) {
            let headers = [("authorization", authorization.as_str()), ("content-type", content_type.as_str()), ("host", "h")];
            let received = Received { method: "POST", path: "/", query: &query, headers: &headers, body: &body };
            let _ = verify(&received, &keys(), &[NOW]);
        }
    }
}
