//! A lifecycle call of the marketplace (SPI): the raw query and form in, a typed [`Action`] out.
//!
//! Three steps, each of which can say no: [`Call::parse`] decodes every parameter exactly once; [`Call::is_signed_by`]
//! checks the token over all of them, unknown ones included; [`Call::action`] reads what is asked, in our own words.
//!
//! The token's base string escapes nothing, so whoever holds one signed query can move text between a value and its
//! neighbours (`a=1&b=2` and `a=1%26b%3D2` sign alike) without breaking the token. Therefore every parameter that
//! decides anything is held to characters that cannot carry a neighbour in it; billing items, which may hold any text,
//! decide nothing here.

mod kept;

use std::fmt;

use percent_encoding::percent_decode;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{time, token};
use crate::domain::value::{Instant, mask_uid};

pub use kept::{erased, is_erased, without_free_form};

/// Longest raw query, in bytes.
pub const MAX_QUERY_BYTES: usize = 8 * 1024;
/// Longest raw form body, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// Most parameters, of query and form together.
pub const MAX_PARAMS: usize = 100;
/// Longest instance id, in bytes (rule A5).
pub const MAX_INSTANCE_ID_BYTES: usize = 64;
/// Longest of the other identifiers, in bytes.
pub const MAX_CODE_BYTES: usize = 128;

/// Names that belong to the protocol and can therefore be no billing items (specification, 9.4). Each may come once.
const RESERVED: [&str; 16] = [
    "action",
    "aliUid",
    "orderBizId",
    "orderId",
    "productCode",
    "skuId",
    "trial",
    "expiredOn",
    "template",
    "token",
    "instanceId",
    "isRefund",
    "ecsInstanceId",
    "package_version",
    "requestId",
    "timeStamp",
];

/// Persons' data that calls carried until 2019 and may carry again. Kept with the call, but not billing items: items
/// are handed to the vendor's product. `accountQuantity`, of the same age, counts what was bought and stays an item.
const CONTACT: [&str; 3] = ["mobile", "email", "corpId"];

/// Why a call cannot even be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The query is longer than [`MAX_QUERY_BYTES`].
    QueryTooLong,
    /// The form is longer than [`MAX_BODY_BYTES`], or there are more than [`MAX_PARAMS`] parameters.
    TooLarge,
    /// A decoded name or value is not UTF-8.
    InvalidUtf8,
    /// A parameter of the protocol comes more than once (rule A5).
    Repeated(&'static str),
}

impl Malformed {
    /// The code for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::QueryTooLong | Self::TooLarge => "oversized",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::Repeated(_) => "repeated_parameter",
        }
    }
}

/// Why a call that can be read cannot be acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// `missing_parameter`, `malformed_parameter` or `unknown_action`.
    pub code: &'static str,
    /// The parameter's name as the marketplace writes it.
    pub parameter: Option<&'static str>,
}

/// What a call asks for, in our own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A purchase was paid: provision.
    Create(Create),
    /// The term was renewed until `expires_at` (absolute).
    Renew { instance_id: String, order_id: Option<String>, expires_at: Instant },
    /// A renewal that has not begun was refunded: `expires_at` (absolute) moves backwards.
    RefundRenew { instance_id: String, expires_at: Instant },
    /// Another plan or other quantities; the expiry stays. `items` holds the changed ones with their new values.
    Upgrade { instance_id: String, order_id: Option<String>, plan_code: String, items: Items },
    /// The term has ended: freeze, keep the data.
    Expire { instance_id: String },
    /// The subscription is gone. Whether it was refunded and by which order is said on the Chinese site only.
    Release { instance_id: String, order_id: Option<String>, is_refunded: Option<bool> },
    /// An order was paid; a notification that also products without provisioning get.
    Pay(Pay),
    /// Somebody pressed 免登 in the marketplace's console.
    Verify(Entry),
}

/// Billing items and their values as texts, in the order received. Names are case-sensitive.
pub type Items = Vec<(String, String)>;

/// A purchase to be provisioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The marketplace's id of the subscription, which we take as our own; it is also what usage is pushed for.
    pub instance_id: String,
    /// The buyer's account (UID) at Alibaba Cloud.
    pub buyer_account: String,
    pub order_id: String,
    pub product_code: String,
    pub plan_code: String,
    pub is_trial: bool,
    /// Absent where there is no term, as with pay-as-you-go.
    pub expires_at: Option<Instant>,
    pub items: Items,
}

/// A paid order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pay {
    /// The notification's own id: what has been acknowledged under it is never sent again.
    pub request_id: String,
    pub instance_id: String,
    pub buyer_account: String,
    pub order_id: String,
    pub product_code: String,
    pub plan_code: String,
}

/// A login-free entry; whether `stamp` is young enough is asked of [`super::enter::within_window`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub instance_id: String,
    pub stamp: Instant,
}

impl Action {
    /// The subscription that is spoken of.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        match self {
            Self::Create(Create { instance_id, .. })
            | Self::Renew { instance_id, .. }
            | Self::RefundRenew { instance_id, .. }
            | Self::Upgrade { instance_id, .. }
            | Self::Expire { instance_id }
            | Self::Release { instance_id, .. }
            | Self::Pay(Pay { instance_id, .. })
            | Self::Verify(Entry { instance_id, .. }) => instance_id,
        }
    }

    /// Our word for what is asked.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Renew { .. } => "renew",
            Self::RefundRenew { .. } => "refund_renew",
            Self::Upgrade { .. } => "upgrade",
            Self::Expire { .. } => "expire",
            Self::Release { .. } => "release",
            Self::Pay(_) => "pay",
            Self::Verify(_) => "verify",
        }
    }
}

/// The parameters of a call, decoded once, in the order received.
#[derive(Clone)]
pub struct Call {
    /// All names and values one after another: one allocation for all of them.
    text: String,
    params: Vec<Span>,
}

/// Where a parameter lies in [`Call::text`]: its value follows its name.
#[derive(Debug, Clone, Copy)]
struct Span {
    name: usize,
    value: usize,
    end: usize,
}

/// Without the token, which must not reach a log.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted_json())
    }
}

impl Call {
    /// Reads a raw query (without its `?`) and, after it, a raw form body. `+`, `%20` and a literal space are all
    /// spaces; a `%` that starts no escape stands for itself, as in browsers; a name without `=` has an empty value.
    pub fn parse(query: &[u8], body: Option<&[u8]>) -> Result<Self, Malformed> {
        let body = body.unwrap_or_default();
        if query.len() > MAX_QUERY_BYTES {
            return Err(Malformed::QueryTooLong);
        }
        if body.len() > MAX_BODY_BYTES {
            return Err(Malformed::TooLarge);
        }
        // Decoded text is never longer than it was before.
        let mut bytes = Vec::with_capacity(query.len() + body.len());
        let mut params = Vec::with_capacity(16);
        for (name, value) in pairs(query).chain(pairs(body)) {
            if params.len() == MAX_PARAMS {
                return Err(Malformed::TooLarge);
            }
            let start = bytes.len();
            decode(name, &mut bytes)?;
            let middle = bytes.len();
            decode(value, &mut bytes)?;
            params.push(Span { name: start, value: middle, end: bytes.len() });
        }
        let text = String::from_utf8(bytes).map_err(|_| Malformed::InvalidUtf8)?;
        let call = Self { text, params };
        call.repeated().map_or(Ok(()), |name| Err(Malformed::Repeated(name)))?;
        Ok(call)
    }

    /// Every parameter, decoded, in the order received.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|span| (&self.text[span.name..span.value], &self.text[span.value..span.end]))
    }

    /// The first value of a parameter; empty texts included.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Whether the token was made with one of `keys` (see [`token::verify`]).
    #[must_use]
    pub fn is_signed_by(&self, keys: &[&str]) -> bool {
        let params: Vec<_> = self.params().collect();
        token::verify(&params, keys)
    }

    /// The place of the key that signed, as [`Call::is_signed_by`] would find it.
    #[must_use]
    pub fn signer(&self, keys: &[&str]) -> Option<usize> {
        let params: Vec<_> = self.params().collect();
        token::signer(&params, keys)
    }

    /// What the call asks for. Ask [`Call::is_signed_by`] first: nothing here is proved by itself.
    pub fn action(&self) -> Result<Action, Refused> {
        match self.required("action")? {
            "createInstance" => Ok(Action::Create(Create {
                instance_id: self.instance_id("orderBizId")?,
                buyer_account: self.code("aliUid")?,
                order_id: self.code("orderId")?,
                product_code: self.code("productCode")?,
                plan_code: self.code("skuId")?,
                is_trial: self.flag("trial")?.ok_or_else(|| missing("trial"))?,
                expires_at: self.optional_date("expiredOn")?,
                items: self.items(),
            })),
            "renewInstance" => Ok(Action::Renew {
                instance_id: self.instance_id("instanceId")?,
                order_id: self.optional_code("orderId")?,
                expires_at: self.date("expiredOn")?,
            }),
            "refundRenewInstance" => Ok(Action::RefundRenew {
                instance_id: self.instance_id("instanceId")?,
                expires_at: self.date("expiredOn")?,
            }),
            "upgradeInstance" => Ok(Action::Upgrade {
                instance_id: self.instance_id("instanceId")?,
                order_id: self.optional_code("orderId")?,
                plan_code: self.code("skuId")?,
                items: self.items(),
            }),
            "expiredInstance" => Ok(Action::Expire { instance_id: self.instance_id("instanceId")? }),
            "releaseInstance" => Ok(Action::Release {
                instance_id: self.instance_id("instanceId")?,
                order_id: self.optional_code("orderId")?,
                is_refunded: self.flag("isRefund")?,
            }),
            "orderPay" => Ok(Action::Pay(Pay {
                request_id: self.code("requestId")?,
                instance_id: self.instance_id("orderBizId")?,
                buyer_account: self.code("aliUid")?,
                order_id: self.code("orderId")?,
                product_code: self.code("productCode")?,
                plan_code: self.code("skuId")?,
            })),
            "verify" => Ok(Action::Verify(Entry {
                instance_id: self.instance_id("instanceId")?,
                stamp: self.date("timeStamp")?,
            })),
            _ => Err(Refused { code: "unknown_action", parameter: Some("action") }),
        }
    }

    /// The parameters as the text of a JSON object, in the order received, the token hidden. A name that comes more
    /// than once has a list of its values.
    #[must_use]
    pub fn redacted_json(&self) -> String {
        super::json_text(&Redacted(self))
    }

    /// Whether a parameter may hold what somebody typed, which is not kept for long (rules D6).
    #[must_use]
    pub fn has_free_form(&self) -> bool {
        self.params().any(|(name, value)| kept::is_free_form(name, value))
    }

    /// Hexadecimal SHA-256 over every parameter but the token, by name: equal for two calls exactly if they say the
    /// same, in whatever order and under whichever key they were sent (rule B1).
    #[must_use]
    pub fn digest(&self) -> String {
        let mut sorted: Vec<_> = self.params().filter(|(name, _)| *name != token::NAME).collect();
        sorted.sort_by_key(|(name, _)| *name);
        let mut digest = Sha256::new();
        for text in sorted.into_iter().flat_map(|(name, value)| [name, value]) {
            // The length in front keeps texts from running into one another.
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        super::hex(&digest.finalize())
    }

    fn repeated(&self) -> Option<&'static str> {
        let mut seen = 0_u32;
        for (name, _) in self.params() {
            if let Some(at) = RESERVED.iter().position(|reserved| *reserved == name) {
                if seen & (1 << at) != 0 {
                    return Some(RESERVED[at]);
                }
                seen |= 1 << at;
            }
        }
        None
    }

    fn items(&self) -> Items {
        self.params()
            .filter(|(name, _)| is_billing_item(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Empty counts as absent: several senders write optional parameters with nothing in them.
    fn optional(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<&str, Refused> {
        self.optional(name).ok_or_else(|| missing(name))
    }

    fn instance_id(&self, name: &'static str) -> Result<String, Refused> {
        let id = self.required(name)?;
        if is_instance_id(id) { Ok(id.to_owned()) } else { Err(malformed(name)) }
    }

    fn optional_code(&self, name: &'static str) -> Result<Option<String>, Refused> {
        let Some(code) = self.optional(name) else { return Ok(None) };
        if is_code(code) { Ok(Some(code.to_owned())) } else { Err(malformed(name)) }
    }

    fn code(&self, name: &'static str) -> Result<String, Refused> {
        self.optional_code(name)?.ok_or_else(|| missing(name))
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, Refused> {
        match self.optional(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(malformed(name)),
        }
    }

    fn optional_date(&self, name: &'static str) -> Result<Option<Instant>, Refused> {
        self.optional(name).map(|text| time::parse(text).ok_or_else(|| malformed(name))).transpose()
    }

    fn date(&self, name: &'static str) -> Result<Instant, Refused> {
        self.optional_date(name)?.ok_or_else(|| missing(name))
    }
}

/// Whether a text can be an instance id: `[A-Za-z0-9_-]{1,64}` (rule A5), but not `0`, which says "not ready".
#[must_use]
pub fn is_instance_id(text: &str) -> bool {
    (1..=MAX_INSTANCE_ID_BYTES).contains(&text.len())
        && text != "0"
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether a text can be an id or code of the marketplace that decides something: nothing in it can carry a neighbour.
#[must_use]
pub fn is_code(text: &str) -> bool {
    (1..=MAX_CODE_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'&' && b != b'=')
}

/// Whether a parameter of this name is a billing item, and not the protocol's own.
#[must_use]
pub fn is_billing_item(name: &str) -> bool {
    !RESERVED.contains(&name) && !CONTACT.contains(&name)
}

const fn missing(parameter: &'static str) -> Refused {
    Refused { code: "missing_parameter", parameter: Some(parameter) }
}

const fn malformed(parameter: &'static str) -> Refused {
    Refused { code: "malformed_parameter", parameter: Some(parameter) }
}

/// The names and values of a raw query or form, still encoded; nothing between two `&` is no parameter.
pub(super) fn pairs(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    raw.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| match pair.iter().position(|b| *b == b'=') {
        Some(at) => (&pair[..at], &pair[at + 1..]),
        None => (pair, &[][..]),
    })
}

/// Appends one name or value, decoded. UTF-8 is checked piece by piece: the end of one piece and the beginning of
/// the next must not make a character together.
pub(super) fn decode(raw: &[u8], into: &mut Vec<u8>) -> Result<(), Malformed> {
    let start = into.len();
    for (i, run) in raw.split(|b| *b == b'+').enumerate() {
        if i > 0 {
            into.push(b' ');
        }
        if run.contains(&b'%') {
            into.extend(percent_decode(run));
        } else {
            into.extend_from_slice(run);
        }
    }
    std::str::from_utf8(&into[start..]).map(|_| ()).map_err(|_| Malformed::InvalidUtf8)
}

/// The parameters of a stored call as people may see them: a line each, buyer accounts masked (rules D6). What was cut and
/// is no JSON any more keeps its text, but for long numbers; what was erased says so.
#[must_use]
pub fn shown(stored: &str) -> String {
    let Ok(serde_json::Value::Object(params)) = serde_json::from_str(stored) else { return without_numbers(stored) };
    let text = |name: &str, value: &serde_json::Value| {
        if value.is_null() {
            return "[erased]".to_owned();
        }
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_account = name.to_ascii_lowercase().ends_with("uid");
        if is_account { mask_uid(&plain) } else { plain }
    };
    params.iter().map(|(name, value)| format!("{name}={}", text(name, value))).collect::<Vec<_>>().join("\n")
}

/// Every number that is as long as an account, masked.
fn without_numbers(text: &str) -> String {
    const ACCOUNT: usize = 10;
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        shown.push_str(before);
        if number.len() < ACCOUNT {
            shown.push_str(number);
        } else {
            shown.push_str(&mask_uid(number));
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

struct Redacted<'a>(&'a Call);

impl Serialize for Redacted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (i, (name, value)) in self.0.params().enumerate() {
            if self.0.params().take(i).any(|(earlier, _)| earlier == name) {
                continue;
            }
            if name == token::NAME {
                map.serialize_entry(name, "[hidden]")?;
            } else if self.0.params().skip(i + 1).any(|(later, _)| later == name) {
                let values: Vec<_> =
                    self.0.params().filter(|(other, _)| *other == name).map(|(_, value)| value).collect();
                map.serialize_entry(name, &values)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn call(query: &str) -> Call {
        Call::parse(query.as_bytes(), None).unwrap()
    }

    fn action(query: &str) -> Result<Action, Refused> {
        call(query).action()
    }

    fn date(text: &str) -> Instant {
        time::parse(text).unwrap()
    }

    const CREATE: &str = "action=createInstance&aliUid=123456&orderBizId=12345&orderId=205060317920890&productCode=cmgj00001\
                          &skuId=cmgj00001-prepay&trial=false&expiredOn=2013-01-01+01%3A01%3A01";

    #[test]
    fn every_vector_is_accepted_as_it_comes_over_the_wire() {
        let all = super::super::vectors();
        for v in all["spi_token"]["accept"].as_array().unwrap() {
            let query = format!("token={}&{}", v["token"].as_str().unwrap(), v["query"].as_str().unwrap());
            let call = call(&query);
            assert!(call.is_signed_by(&["isvkey"]), "{}", v["id"]);
            for (name, value) in v["params"].as_object().unwrap() {
                assert_eq!(call.get(name), value.as_str(), "{}", v["id"]);
            }
        }
        for v in all["spi_token"]["reject"].as_array().unwrap() {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(v["params"].as_object().unwrap().iter().map(|(n, v)| (n, v.as_str().unwrap())));
            form.append_pair("token", v["token"].as_str().unwrap());
            assert!(!call(&form.finish()).is_signed_by(&["isvkey"]), "{}", v["id"]);
        }
    }

    #[test]
    fn a_purchase_is_read_in_our_words() {
        assert_eq!(
            action(&format!(
                "{CREATE}&Count=2&count=3&accountQuantity=4&mobile=1&email=a%40b.c&corpId=d&template=&package_version=y"
            )),
            Ok(Action::Create(Create {
                instance_id: "12345".into(),
                buyer_account: "123456".into(),
                order_id: "205060317920890".into(),
                product_code: "cmgj00001".into(),
                plan_code: "cmgj00001-prepay".into(),
                is_trial: false,
                expires_at: Some(date("2013-01-01 01:01:01")),
                items: [("Count", "2"), ("count", "3"), ("accountQuantity", "4")]
                    .map(|(n, v)| (n.into(), v.into()))
                    .into(),
            }))
        );
    }

    #[test]
    fn a_date_may_be_written_with_any_space_or_as_epoch_milliseconds() {
        for text in ["2020-10-10 00:00:00", "2020-10-10%2000:00:00", "2020-10-10+00%3a00%3a00", "1602259200000"] {
            let asked = action(&format!("action=renewInstance&instanceId=1&expiredOn={text}"));
            let expires_at = Instant::from_ms(1_602_259_200_000);
            assert_eq!(asked, Ok(Action::Renew { instance_id: "1".into(), order_id: None, expires_at }), "{text}");
        }
    }

    #[test]
    fn every_action_is_understood_with_and_without_what_the_international_site_omits() {
        let id = || "1".to_owned();
        let expires_at = date("2013-01-01 01:01:01");
        let order_id = || Some("2".to_owned());
        let cases = [
            (
                "action=renewInstance&instanceId=1&orderId=2&expiredOn=2013-01-01 01:01:01",
                Action::Renew { instance_id: id(), order_id: order_id(), expires_at },
            ),
            (
                "action=refundRenewInstance&instanceId=1&expiredOn=2013-01-01 01:01:01",
                Action::RefundRenew { instance_id: id(), expires_at },
            ),
            ("action=expiredInstance&instanceId=1", Action::Expire { instance_id: id() }),
            (
                "action=releaseInstance&instanceId=1&isRefund=True&orderId=2",
                Action::Release { instance_id: id(), order_id: order_id(), is_refunded: Some(true) },
            ),
            (
                "action=releaseInstance&instanceId=1&isRefund=&orderId=",
                Action::Release { instance_id: id(), order_id: None, is_refunded: None },
            ),
            (
                "action=upgradeInstance&instanceId=1&skuId=s&orderId=2&Num=3",
                Action::Upgrade {
                    instance_id: id(),
                    order_id: order_id(),
                    plan_code: "s".into(),
                    items: vec![("Num".into(), "3".into())],
                },
            ),
            (
                "action=upgradeInstance&instanceId=1&skuId=s",
                Action::Upgrade { instance_id: id(), order_id: None, plan_code: "s".into(), items: vec![] },
            ),
            (
                "action=orderPay&requestId=r&aliUid=3&orderBizId=1&orderId=2&productCode=p&skuId=s",
                Action::Pay(Pay {
                    request_id: "r".into(),
                    instance_id: id(),
                    buyer_account: "3".into(),
                    order_id: "2".into(),
                    product_code: "p".into(),
                    plan_code: "s".into(),
                }),
            ),
            (
                "action=verify&instanceId=1&timeStamp=2013-01-01 01:01:01",
                Action::Verify(Entry { instance_id: id(), stamp: expires_at }),
            ),
        ];
        for (query, expected) in cases {
            assert_eq!(expected.instance_id(), "1");
            assert_eq!(action(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for name in ["aliUid", "orderBizId", "orderId", "productCode", "skuId", "trial"] {
            let without: Vec<_> = CREATE.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
            assert_eq!(action(&without.join("&")), Err(missing(name)));
            assert_eq!(action(&format!("{name}=&{}", without.join("&"))), Err(missing(name)));
            let bad = format!("{name}=a%26b&{}", without.join("&"));
            assert_eq!(action(&bad), Err(malformed(name)));
        }
        for (query, refused) in [
            ("", missing("action")),
            ("action=", missing("action")),
            ("action=verify&instanceId=1", missing("timeStamp")),
            ("action=verify&instanceId=1&timeStamp=now", malformed("timeStamp")),
            ("action=verify&instanceId=0&timeStamp=now", malformed("instanceId")),
            ("action=renewInstance&instanceId=1", missing("expiredOn")),
            ("action=renewInstance&instanceId=a.b&expiredOn=x", malformed("instanceId")),
            ("action=releaseInstance&instanceId=1&isRefund=maybe", malformed("isRefund")),
            ("action=bindDomain", Refused { code: "unknown_action", parameter: Some("action") }),
            ("action=CreateInstance", Refused { code: "unknown_action", parameter: Some("action") }),
        ] {
            assert_eq!(action(query), Err(refused), "{query}");
        }
        let long = format!("action=expiredInstance&instanceId={}", "a".repeat(65));
        assert_eq!(action(&long), Err(malformed("instanceId")));
        assert!(is_instance_id(&"a".repeat(64)));
    }

    #[test]
    fn text_moved_between_neighbours_keeps_the_token_but_is_not_acted_upon() {
        let params = [("action", "verify"), ("instanceId", "1"), ("timeStamp", "2013-01-01 01:01:01")];
        let token = token::sign(&params, "isvkey");
        let moved = call(&format!("token={token}&action=verify%26instanceId%3D1&timeStamp=2013-01-01+01:01:01"));
        assert!(moved.is_signed_by(&["isvkey"]), "the base strings are the same");
        assert_eq!(moved.action(), Err(Refused { code: "unknown_action", parameter: Some("action") }));
        let moved = call(&format!("token={token}&action=verify&instanceId=1%26timeStamp%3D2013-01-01+01:01:01"));
        assert!(moved.is_signed_by(&["isvkey"]));
        assert_eq!(moved.action(), Err(malformed("instanceId")));
    }

    #[test]
    fn a_form_is_read_after_the_query_and_signed_with_it() {
        let token = token::sign(&[("action", "expiredInstance"), ("instanceId", "1")], "isvkey");
        let call =
            Call::parse(b"action=expiredInstance", Some(format!("instanceId=1&token={token}").as_bytes())).unwrap();
        assert!(call.is_signed_by(&["isvkey"]));
        assert_eq!(call.action(), Ok(Action::Expire { instance_id: "1".into() }));
        let twice = Call::parse(b"instanceId=1", Some(b"instanceId=1"));
        assert_eq!(twice.unwrap_err(), Malformed::Repeated("instanceId"));
    }

    #[test]
    fn a_call_that_cannot_be_read_says_why() {
        let parse = |query: &[u8]| Call::parse(query, None).map(|_| ()).unwrap_err();
        for name in RESERVED {
            assert_eq!(parse(format!("{name}=a&x=&x=&{name}=a").as_bytes()), Malformed::Repeated(name));
        }
        for bad in [&b"a=%ff"[..], b"%C3=a", b"a=\xff", b"a=%E4%B8&%AD=b", b"a=%E4%B8&b=%AD"] {
            assert_eq!(parse(bad), Malformed::InvalidUtf8);
        }
        assert_eq!(parse(&[b'a'; MAX_QUERY_BYTES + 1]), Malformed::QueryTooLong);
        assert!(Call::parse(&[b'a'; MAX_QUERY_BYTES], None).is_ok());
        assert!(Call::parse(b"", Some(&[b'a'; MAX_BODY_BYTES])).is_ok());
        assert_eq!(Call::parse(b"", Some(&vec![b'a'; MAX_BODY_BYTES + 1])).unwrap_err(), Malformed::TooLarge);
        let many = |n: usize| (0..n).map(|i| format!("p{i}=")).collect::<Vec<_>>().join("&");
        assert_eq!(parse(many(MAX_PARAMS + 1).as_bytes()), Malformed::TooLarge);
        assert_eq!(call(&many(MAX_PARAMS)).params().count(), MAX_PARAMS);
    }

    #[test]
    fn a_stored_call_shows_everything_but_the_token() {
        let call = call("token=secret&action=verify&n=%22%0A%E4%B8%AD&x=1&x=2&flag&=e&%zz=100%");
        assert_eq!(format!("{call:?}"), call.redacted_json());
        assert_eq!(
            call.redacted_json(),
            r#"{"token":"[hidden]","action":"verify","n":"\"\n中","x":["1","2"],"flag":"","":"e","%zz":"100%"}"#
        );
    }

    #[test]
    fn people_see_neither_token_nor_whole_account() {
        let stored =
            call("action=createInstance&aliUid=1234567890125678&orderId=205060317920890&token=x").redacted_json();
        let shown = shown(&stored);
        assert!(shown.contains("aliUid=1234****5678") && shown.contains("token=[hidden]"), "{shown}");
        assert!(shown.contains("orderId=205060317920890"));
        let cut = super::shown(&stored[..stored.len() - 3]);
        assert!(!cut.contains("1234567890125678") && cut.contains("1234****5678"), "{cut}");
        for other in ["", "null", "[]", "{", "中1", "12345678901"] {
            assert!(!super::shown(other).contains("12345678901"), "{other}");
        }
    }

    #[test]
    fn two_calls_that_say_the_same_have_one_digest() {
        assert_eq!(call("a=1&b=2&token=x").digest(), call("token=y&b=2&a=1").digest());
        assert_eq!(call("a=1").digest().len(), 64);
        for other in ["a=1%26b%3D2", "a=12&b=", "a=1&b=2&c=", "a=1b2", "a1b=2", "a=1&b=3"] {
            assert_ne!(call("a=1&b=2").digest(), call(other).digest(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(query in prop::collection::vec(any::<u8>(), 0..200), body: Option<Vec<u8>>) {
            if let Ok(call) = Call::parse(&query, body.as_deref()) {
                let _ = (call.action(), call.digest(), call.is_signed_by(&["k"]));
                prop_assert!(serde_json::from_str::<serde_json::Value>(&call.redacted_json()).is_ok());
            }
        }

        #[test]
        fn almost_calls_are_read_or_refused_without_panic(query in "(action|aliUid|instanceId|expiredOn|isRefund|%|[a-z0-9=&+%-]| |é|verify|renewInstance){0,40}") {
            if let Ok(call) = Call::parse(query.as_bytes(), None) {
                let _ = call.action();
            }
        }

        #[test]
        fn decoding_agrees_with_browsers(query in "([a-c=&+% é]|%4[0-9A-F]|%E4%B8%AD){0,30}") {
            if let Ok(call) = Call::parse(query.as_bytes(), None) {
                let ours: Vec<_> = call.params().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                let theirs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn what_a_browser_encodes_is_read_back_and_its_token_verifies(
            params in prop::collection::btree_map(".{0,8}", ".{0,16}", 0..10), key in ".{1,32}",
        ) {
            let params: Vec<_> = params.into_iter().filter(|(name, _)| name != token::NAME).collect();
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&params).append_pair(token::NAME, &token::sign(&params, &key)).finish();
            let call = Call::parse(query.as_bytes(), None).unwrap();
            prop_assert!(call.is_signed_by(&[&key]));
            prop_assert_eq!(call.params().count(), params.len() + 1);
            for (name, value) in &params {
                prop_assert_eq!(call.get(name), Some(value.as_str()));
            }
        }
    }
}
