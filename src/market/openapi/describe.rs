//! What the marketplace tells of instances, orders and undelivered notifications: answers in, values out.
//!
//! Nothing is concluded from an answer that is not exactly what was asked for: whatever is garbled, of another
//! instance or in unknown words is [`Told::Unclear`], and changes nothing.

use serde_json::{Map, Value};

use super::answer::Answer;
use crate::domain::reconcile::{Word, WordState};
use crate::domain::subscription::Items;
use crate::domain::value::{Instant, SECOND_MS};
use crate::market::call::{Pay, is_billing_item, is_code, is_instance_id};

/// Notifications that are asked for at once (specification 6.4).
pub const PAGE: usize = 50;
/// Longest id of a notification, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;
/// Codes with which it says that there is no such instance. The marketplace does not document them; the first is
/// what `PushMeteringData` answers for one.
const UNKNOWN_INSTANCE: [&str; 4] =
    ["Invalid.Parameter.Instance", "InvalidInstance.NotFound", "InvalidInstanceId.NotFound", "Instance.NotFound"];
/// How codes begin that refuse the key, whatever is asked with it.
const REFUSED_KEY: [&str; 5] =
    ["InvalidAccessKeyId", "SignatureDoesNotMatch", "Permission.Denied", "Forbidden", "Auth."];

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    Is(T),
    /// There is no such thing.
    Unknown,
    /// The key is not accepted: its code. Asking for something else is as vain.
    Refused(String),
    /// Nothing that can be believed: why. Worth asking again.
    Unclear(String),
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// What it says of the subscription.
    pub word: Word,
    pub is_trial: bool,
    /// The order that leads to the buyer.
    pub order_id: Option<String>,
}

/// An order, as far as it is needed to adopt an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub order_id: String,
    /// The buyer's account (UID).
    pub buyer_account: String,
    pub product_code: String,
    /// The instances that it brought; empty if it does not say.
    pub instance_ids: Vec<String>,
}

/// A page of undelivered notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    pub list: Vec<Notification>,
    /// Of all pages.
    pub total: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// In the same space as `requestId` of the call that was not delivered.
    pub request_id: String,
    /// `None`: another action than orderPay, or a message that cannot be read.
    pub pay: Option<Pay>,
    /// The message as it came, for people.
    pub message: String,
}

/// Reads an answer to `DescribeInstanceForIsv` about `instance_id`.
#[must_use]
pub fn instance(status: u16, body: &str, instance_id: &str) -> Told<Instance> {
    let fields = match fields(status, body) {
        Told::Is(fields) => fields,
        other => return other.without_value(),
    };
    if text(&fields, "InstanceId").is_some_and(|told| told != instance_id) {
        return Told::Unclear("it tells of another instance".into());
    }
    let Some(state) = text(&fields, "Status").as_deref().and_then(state) else {
        return Told::Unclear("no status that is known".into());
    };
    let Some(product_code) = text(&fields, "ProductCode").filter(|code| is_code(code)) else {
        return Told::Unclear("no product".into());
    };
    let expires_at = match text(&fields, "EndOn").map(|text| text.parse::<i64>()) {
        None => None,
        // Calls carry whole seconds, and those are what we store.
        Some(Ok(ms)) if ms > 0 => Some(Instant::from_ms(ms - ms % SECOND_MS)),
        Some(_) => return Told::Unclear("an end that is not a time".into()),
    };
    Told::Is(Instance {
        word: Word {
            state,
            product_code,
            plan_code: text(&fields, "ProductSkuCode").filter(|code| is_code(code)),
            expires_at,
            items: items(&fields),
        },
        is_trial: text(&fields, "IsTrial").is_some_and(|told| told.eq_ignore_ascii_case("true")),
        order_id: text(&fields, "OrderId").filter(|code| is_code(code)),
    })
}

/// Reads an answer to `DescribeOrderForIsv` about `order_id`.
#[must_use]
pub fn order(status: u16, body: &str, order_id: &str) -> Told<Order> {
    let fields = match fields(status, body) {
        Told::Is(fields) => fields,
        other => return other.without_value(),
    };
    if text(&fields, "OrderId").is_some_and(|told| told != order_id) {
        return Told::Unclear("it tells of another order".into());
    }
    let code = |name| text(&fields, name).filter(|code| is_code(code));
    let (Some(buyer_account), Some(product_code)) = (code("AliUid"), code("ProductCode")) else {
        return Told::Unclear("an order without buyer or product".into());
    };
    let instance_ids = list(fields.get("InstanceIds")).iter().filter_map(|value| plain(value)).collect();
    Told::Is(Order { order_id: order_id.to_owned(), buyer_account, product_code, instance_ids })
}

/// Reads an answer to `DescribeFailedNotifications`.
#[must_use]
pub fn notifications(status: u16, body: &str) -> Told<Notifications> {
    let fields = match fields(status, body) {
        Told::Is(fields) => fields,
        other => return other.without_value(),
    };
    let Some(total) = text(&fields, "TotalCount").and_then(|text| text.parse().ok()) else {
        return Told::Unclear("no number of notifications".into());
    };
    let list = list(fields.get("NotificationList")).into_iter().filter_map(notification).collect();
    Told::Is(Notifications { list, total })
}

/// Whether an answer to `ConfirmNotification` says that it is done.
#[must_use]
pub fn confirmed(status: u16, body: &str) -> Told<()> {
    match fields(status, body) {
        Told::Is(_) => Told::Is(()),
        other => other.without_value(),
    }
}

impl<T> Told<T> {
    /// The same without a value; a value becomes "unclear".
    fn without_value<U>(self) -> Told<U> {
        match self {
            Self::Is(_) => Told::Unclear("no answer to this".into()),
            Self::Unknown => Told::Unknown,
            Self::Refused(code) => Told::Refused(code),
            Self::Unclear(why) => Told::Unclear(why),
        }
    }
}

/// The fields of an answer that succeeded.
fn fields(status: u16, body: &str) -> Told<Map<String, Value>> {
    let Some(answer) = Answer::read(body) else { return Told::Unclear(format!("unreadable, status {status}")) };
    if let Some(code) = answer.error() {
        return if UNKNOWN_INSTANCE.contains(&code) && status < 500 {
            Told::Unknown
        } else if REFUSED_KEY.iter().any(|prefix| code.starts_with(prefix)) {
            Told::Refused(code.to_owned())
        } else {
            Told::Unclear(code.to_owned())
        };
    }
    let says_no = text_of(&answer.fields["Success"]).is_some_and(|told| !told.eq_ignore_ascii_case("true"));
    match answer.fields {
        Value::Object(fields) if status == 200 && !says_no => Told::Is(fields),
        _ => Told::Unclear(format!("no success, status {status}")),
    }
}

/// Only the words of software (`APP`, `API_SERVICE`, …); images and services have others, and are not sold here.
fn state(status: &str) -> Option<WordState> {
    Some(match status {
        "OPENING" => WordState::Opening,
        "OPENED" => WordState::Open,
        "EXPIRED" => WordState::Expired,
        "CLOSED" => WordState::Closed,
        _ => return None,
    })
}

/// The components that are billing items. The field is a text that holds JSON.
fn items(fields: &Map<String, Value>) -> Items {
    let components =
        text(fields, "ComponentJson").and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
    let told = components.unwrap_or_default().into_iter();
    told.filter(|(name, _)| is_billing_item(name)).filter_map(|(name, value)| Some((name, plain(&value)?))).collect()
}

fn notification(value: &Value) -> Option<Notification> {
    let fields = value.as_object()?;
    let request_id = text(fields, "NotificationRequestId").filter(|id| id.len() <= MAX_REQUEST_ID_BYTES)?;
    let message = match fields.get("Message") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let pay = (text(fields, "Action").as_deref() == Some("orderPay")).then(|| pay(&request_id, &message)).flatten();
    Some(Notification { request_id, pay, message })
}

fn pay(request_id: &str, message: &str) -> Option<Pay> {
    let fields: Map<String, Value> = serde_json::from_str(message).ok()?;
    let code = |name| text(&fields, name).filter(|code| is_code(code));
    Some(Pay {
        request_id: Some(request_id).filter(|id| is_code(id))?.to_owned(),
        instance_id: text(&fields, "orderBizId").filter(|id| is_instance_id(id))?,
        buyer_account: code("aliUid")?,
        order_id: code("orderId")?,
        product_code: code("productCode")?,
        plan_code: code("skuId")?,
    })
}

/// A field's text or number; nothing for what is empty or missing.
fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    text_of(fields.get(name)?)
}

fn text_of(value: &Value) -> Option<String> {
    plain(value).filter(|text| !text.is_empty())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

/// A list, however it is wrapped: JSON has `[…]` or `{"Element": […]}`, XML repeats an element or has it once.
fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(Value::Object(fields)) => match fields.iter().next() {
            Some((_, inner @ (Value::Array(_) | Value::Object(_)))) if fields.len() == 1 => list(Some(inner)),
            Some((_, inner)) if fields.len() == 1 => vec![inner],
            Some(_) => value.into_iter().collect(),
            None => Vec::new(),
        },
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::market::openapi::Format;

    /// As the marketplace documents it.
    fn told() -> Value {
        json!({
            "RequestId": "6EF60BEC",
            "InstanceId": 86_040_213,
            "OrderId": 205_060_317_920_890_u64,
            "ProductCode": "cmgj00063418",
            "ProductSkuCode": "cmgj00063418-prepay",
            "Status": "OPENED",
            "IsTrial": false,
            "EndOn": 1_602_259_200_123_u64,
            "ComponentJson": "{\"package_version\":\"yuncode1\",\"Count\":\"3\",\"Num\":4}",
            "RelationalData": { "ServiceStatus": "OPENED" },
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut fields = told();
        fields[name] = value;
        fields
    }

    #[test]
    fn an_instance_is_read_in_both_languages() {
        for format in [Format::Json, Format::Xml] {
            let body = format.success("DescribeInstanceForIsv", &told());
            let Told::Is(read) = instance(200, &body, "86040213") else { panic!("{body}") };
            assert_eq!(read.word.state, WordState::Open);
            assert_eq!(read.word.plan_code.as_deref(), Some("cmgj00063418-prepay"));
            assert_eq!(read.word.expires_at, Some(Instant::from_ms(1_602_259_200_000)), "whole seconds");
            assert_eq!(read.word.items, Items::from([("Count".into(), "3".into()), ("Num".into(), "4".into())]));
            assert_eq!((read.order_id.as_deref(), read.is_trial), (Some("205060317920890"), false));
        }
    }

    #[test]
    fn what_is_not_exactly_an_answer_is_unclear() {
        let unclear = |status, fields: &Value| {
            let told = instance(status, &Format::Json.success("", fields), "86040213");
            assert!(matches!(told, Told::Unclear(_)), "{told:?}");
        };
        unclear(500, &told());
        unclear(302, &told());
        for (name, value) in [
            ("InstanceId", json!("86040214")),
            ("Status", json!("USING")),
            ("Status", json!("")),
            ("ProductCode", json!("")),
            ("ProductCode", json!("a b&c=d")),
            ("EndOn", json!("soon")),
            ("EndOn", json!(-1)),
            ("Success", json!(false)),
            ("Code", json!("InternalError")),
            ("Code", json!("Throttling.User")),
            ("Code", json!("InvalidAction.NotFound")),
        ] {
            unclear(200, &with(name, value));
        }
        for body in ["", "null", "[]", "<html><body>502 Bad Gateway</body></html>", "{", "\u{0}"] {
            assert!(matches!(instance(200, body, "1"), Told::Unclear(_)), "{body}");
        }
    }

    #[test]
    fn an_unknown_instance_and_a_refused_key_are_told_apart() {
        let error = |format: Format, code| format.error("6EF60BEC", "market.aliyuncs.com", code, "No.");
        for format in [Format::Json, Format::Xml] {
            assert_eq!(instance(400, &error(format, "Invalid.Parameter.Instance"), "1"), Told::Unknown);
            for code in ["InvalidAccessKeyId.NotFound", "SignatureDoesNotMatch", "Permission.Denied", "Forbidden.RAM"] {
                assert_eq!(instance(403, &error(format, code), "1"), Told::Refused(code.into()));
            }
        }
        // A server that has lost its mind knows nothing of anything.
        let broken = error(Format::Json, "Invalid.Parameter.Instance");
        assert!(matches!(instance(503, &broken, "1"), Told::Unclear(_)));
    }

    #[test]
    fn an_order_names_its_buyer() {
        let fields = json!({
            "OrderId": 7, "AliUid": 1_234_567_890_125_678_u64, "ProductCode": "p", "InstanceIds": ["86040213"],
        });
        for format in [Format::Json, Format::Xml] {
            let Told::Is(read) = order(200, &format.success("DescribeOrderForIsv", &fields), "7") else { panic!() };
            assert_eq!((read.buyer_account.as_str(), read.instance_ids), ("1234567890125678", vec!["86040213".into()]));
        }
        assert!(matches!(order(200, &fields.to_string(), "8"), Told::Unclear(_)));
        assert!(matches!(order(200, r#"{"OrderId":"7","ProductCode":"p"}"#, "7"), Told::Unclear(_)));
    }

    #[test]
    fn notifications_are_read_however_they_are_wrapped() {
        let message = json!({
            "productCode": "p", "orderId": "1", "orderBizId": "86040213", "action": "orderPay", "aliUid": "2", "skuId": "s",
        })
        .to_string();
        let one = |id: &str, action: &str, message: &str| json!({ "Action": action, "CreateTime": 1, "Message": message, "NotificationRequestId": id });
        let good = one("r1", "orderPay", &message);
        let poison = one("r2", "orderPay", "{not json");
        let other = one("r3", "somethingElse", &message);
        for entries in [vec![good.clone()], vec![good.clone(), poison, other]] {
            for wrapped in [json!(entries), json!({ "Notification": entries })] {
                for format in [Format::Json, Format::Xml] {
                    let fields = json!({ "NotificationList": wrapped, "TotalCount": 51 });
                    let body = format.success("DescribeFailedNotifications", &fields);
                    let Told::Is(read) = notifications(200, &body) else { panic!("{body}") };
                    assert_eq!((read.list.len(), read.total), (entries.len(), 51), "{body}");
                    assert_eq!(read.list[0].pay.as_ref().unwrap().instance_id, "86040213");
                    assert!(read.list[1..].iter().all(|unread| unread.pay.is_none()));
                }
            }
        }
        let empty = json!({ "NotificationList": [], "TotalCount": 0 });
        assert_eq!(
            notifications(200, &Format::Xml.success("A", &empty)),
            Told::Is(Notifications { list: vec![], total: 0 })
        );
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(status in 100..600_u16, body in "([<>/&;\"{}\\[\\]:,]|Status|OPENED|Code|a|.){0,40}") {
            let told = instance(status, &body, "1");
            prop_assert!(!matches!(told, Told::Is(_)) || body.contains("OPENED"));
            let _ = (order(status, &body, "1"), notifications(status, &body), confirmed(status, &body));
        }
    }
}
