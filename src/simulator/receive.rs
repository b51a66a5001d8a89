//! The `OpenAPI` (Market 2015-11-01) as the seller sees it: envelope, signature, nonce, faults, then the operation.

use std::time::{Duration, Instant as Moment};

use serde_json::{Map, Value, json};

use super::store::{CallRow, Instance, Notification, Order, OrderKind, Pairs, State};
use super::{Error, FaultKind, Market, meter};
use crate::clock::Instant;
use crate::domain::value::MINUTE_MS;
use crate::market::metering::{self, MAX_URL_BYTES};
use crate::market::openapi::verify::{Received, Rejected, Verified, verify};
use crate::market::openapi::{API_VERSION, Credentials, FORM, TIMESTAMP_WINDOW_MS};

/// Nonces are remembered longer than any time stamp is good for.
const NONCE_MS: i64 = 2 * TIMESTAMP_WINDOW_MS + MINUTE_MS;
/// Most notifications on a page.
const MAX_PAGE: usize = 100;
/// How late an answer is under a delay, unless told otherwise.
const DELAY_MS: u64 = 3_000;
/// Longest answer that the log keeps, in characters.
const MAX_LOGGED: usize = 4096;

const TOO_LONG: &str = "<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n<body>\r\n<center><h1>414 Request-URI Too Large</h1></center>\r\n</body>\r\n</html>\r\n";
const DENIED: &str = "You are not authorized to call the API operation. Contact the API developer to add your account to the API user whitelist.";

/// What goes back.
pub struct Answer {
    /// `None`: the connection is cut.
    pub status: Option<u16>,
    pub content_type: &'static str,
    pub body: String,
}

/// Why an operation was not done: status, code, message, in Alibaba Cloud's words.
pub(super) type Refused = (u16, &'static str, String);

/// Whether somebody asks the `OpenAPI`, and not for a page: the action is in the query, the form or a header.
pub fn is_asked(query: &str, header: Option<&str>, content_type: &str, body: &[u8]) -> bool {
    let has = |text: &[u8]| form_urlencoded::parse(text).any(|(name, _)| name == "Action");
    header.is_some() || has(query.as_bytes()) || (content_type.starts_with(FORM) && has(body))
}

impl Market {
    /// Answers one request. May wait, if a fault says so.
    pub fn receive(&self, request: &Received<'_>, host: &str) -> Answer {
        let started = Moment::now();
        if request.path.len() + 1 + request.query.len() > MAX_URL_BYTES {
            // The web server in front says so, in its own words.
            let answer = Answer { status: Some(414), content_type: "text/html", body: TOO_LONG.to_owned() };
            self.log_received(request, "", "", None, &answer, started);
            return answer;
        }
        let request_id = self.fresh_request_id();
        let verified = match self.check(request) {
            Ok(verified) => verified,
            Err(rejected) => {
                let answer = Answer {
                    status: Some(rejected.status),
                    content_type: rejected.format.content_type(),
                    body: rejected.body(&request_id, host),
                };
                self.log_received(request, "", "", None, &answer, started);
                return answer;
            }
        };
        let fault = self.store().take_fault(&verified.action).unwrap_or_else(|e| {
            tracing::error!(error = %e, "the simulator cannot read its faults");
            None
        });
        let kind = fault.as_ref().and_then(|fault| FaultKind::parse(&fault.kind));
        if kind == Some(FaultKind::Delay) {
            let delay_ms = fault.as_ref().and_then(|fault| fault.delay_ms).unwrap_or(DELAY_MS);
            self.pause(Duration::from_millis(delay_ms));
        }
        let outcome = match kind {
            Some(FaultKind::Status500) => {
                Err((500, "InternalError", "The request processing has failed due to some unknown error.".to_owned()))
            }
            Some(FaultKind::Throttle) => Err(meter::flow_control()),
            Some(FaultKind::Denied) => Err((500, "Permission.Denied", DENIED.to_owned())),
            Some(FaultKind::UnknownError) => self.operate(&verified).and(Err(unknown_error())),
            _ => self.operate(&verified),
        };
        let format = verified.format;
        let (status, body) = match outcome {
            Ok(fields) => {
                let mut told = Map::from_iter([("RequestId".to_owned(), request_id.into())]);
                told.extend(fields);
                (200, format.success(&verified.action, &Value::Object(told)))
            }
            Err((status, code, message)) => (status, format.error(&request_id, host, code, &message)),
        };
        let answer = Answer {
            status: (kind != Some(FaultKind::Cut)).then_some(status),
            content_type: format.content_type(),
            body: if kind == Some(FaultKind::EmptyBody) { String::new() } else { body },
        };
        let about = ["InstanceId", "OrderId"].into_iter().find_map(|name| get(&verified, name)).map(str::to_owned);
        let about = about.or_else(|| get(&verified, metering::PARAMETER).and_then(meter::about)).unwrap_or_default();
        self.log_received(request, &verified.action, &about, kind, &answer, started);
        answer
    }

    fn check(&self, request: &Received<'_>) -> Result<Verified, Rejected> {
        let seller = self.seller();
        let keys: Vec<Credentials> = if seller.access_key_id.is_empty() {
            Vec::new()
        } else {
            let (access_key_id, access_key_secret) = (seller.access_key_id, seller.access_key_secret);
            vec![Credentials { access_key_id, access_key_secret }]
        };
        let real_now = self.clock.real_now();
        let verified = verify(request, &keys, &[self.now(), real_now])?;
        let is_new = self.store().insert_nonce(&verified.nonce, real_now, real_now.plus_ms(-NONCE_MS));
        match is_new {
            Ok(true) => Ok(verified),
            Ok(false) => Err(Rejected::nonce_used(verified.format)),
            Err(e) => {
                tracing::error!(error = %e, "the simulator cannot remember a nonce");
                Err(Rejected {
                    status: 503,
                    code: "ServiceUnavailable",
                    message: "The request has failed due to a temporary failure of the server.".into(),
                    format: verified.format,
                })
            }
        }
    }

    fn operate(&self, verified: &Verified) -> Result<Map<String, Value>, Refused> {
        if verified.version != API_VERSION {
            return Err((400, "InvalidVersion", "Specified parameter Version is not valid.".into()));
        }
        match verified.action.as_str() {
            "DescribeInstanceForIsv" => self.describe_instance(needed(verified, "InstanceId")?),
            "DescribeOrderForIsv" => self.describe_order(needed(verified, "OrderId")?),
            "DescribeFailedNotifications" => {
                let page = count(verified, "PageNumber")?;
                let size = count(verified, "PageSize")?.min(MAX_PAGE);
                self.describe_failed_notifications(page, size)
            }
            metering::ACTION => {
                self.take_metering(get(verified, metering::PARAMETER).unwrap_or_default())?;
                Ok(fields(json!({ "Success": true })))
            }
            "ConfirmNotification" => self.confirm_notification(needed(verified, "NotificationRequestId")?),
            _ => Err((
                404,
                "InvalidAction.NotFound",
                "Specified api is not found, please check your url and method.".into(),
            )),
        }
    }

    fn describe_instance(&self, id: &str) -> Result<Map<String, Value>, Refused> {
        let instance = self
            .instance(id)
            .map_err(|e| refused(e, "Invalid.Parameter.Instance", "The specified Instance parameter is invalid."))?;
        let orders = self.orders(Some(id)).map_err(|e| unknown(&e))?;
        let product = self.catalogue.product(&instance.product);
        let name = product.map_or(instance.product.as_str(), |product| product.name.as_str());
        let vendor = product.map(|product| product.vendor.zh.clone());
        let reply: Option<Value> = instance.reply.as_deref().and_then(|reply| serde_json::from_str(reply).ok());
        // These fields are texts that hold JSON.
        let part = |field: &str| {
            reply.as_ref().and_then(|reply| reply.get(field)).map_or_else(|| "{}".to_owned(), Value::to_string)
        };
        let components: Map<String, Value> =
            instance.items.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
        let status = status(&instance);
        Ok(fields(json!({
            "InstanceId": number(&instance.id),
            "OrderId": orders.first().map(|order| number(&order.id)),
            "ProductCode": instance.product,
            "ProductName": name,
            "ProductSkuCode": instance.plan,
            "ProductType": "APP",
            "SupplierName": vendor,
            "Status": status,
            "IsTrial": instance.is_trial,
            "CreatedOn": instance.created_at.ms(),
            "BeganOn": instance.opened_at.map(Instant::ms),
            "EndOn": instance.expires_at.map(Instant::ms),
            "AppJson": part("appInfo"),
            "HostJson": part("hostInfo"),
            "ExtendJson": part("info"),
            "ImageJson": "{}",
            "ComponentJson": Value::Object(components).to_string(),
            "AutoRenewal": "",
            "RelationalData": { "ServiceStatus": status },
        })))
    }

    fn describe_order(&self, id: &str) -> Result<Map<String, Value>, Refused> {
        let about = |e| refused(e, "Invalid.Parameter", "The specified parameter is invalid.");
        let order =
            self.store().find_order(id).map_err(|e| unknown(&e))?.ok_or_else(|| about(Error::NotFound("order")))?;
        let instance = self.instance(&order.instance_id).map_err(about)?;
        let product = self.catalogue.product(&instance.product);
        let name = product.map_or(instance.product.as_str(), |product| product.name.as_str());
        let uid = self.catalogue.account(&instance.account).map(|account| number(&account.uid));
        let price = yuan(order.price_fen);
        Ok(fields(json!({
            "OrderId": number(&order.id),
            "AliUid": uid,
            "OrderType": order_type(&order),
            "OrderStatus": if order.is_refunded { "REFUND" } else { "NORMAL" },
            "PayStatus": "PAID",
            "ProductCode": instance.product,
            "ProductName": name,
            "ProductSkuCode": order.plan,
            "PeriodType": if order.expires_at.is_some() && order.kind != OrderKind::Trial { "YEAR" } else { "ONCE" },
            "Quantity": 1,
            "AccountQuantity": 1,
            "Components": {},
            "OriginalPrice": price,
            "TotalPrice": price,
            "PaymentPrice": price,
            "CouponPrice": yuan(0),
            "CreatedOn": order.created_at.ms(),
            "PaidOn": order.created_at.ms(),
            "InstanceIds": [instance.id],
        })))
    }

    fn describe_failed_notifications(&self, page: usize, size: usize) -> Result<Map<String, Value>, Refused> {
        let all = self.notifications().map_err(|e| unknown(&e))?;
        let list: Vec<Value> = all
            .iter()
            .skip((page - 1).saturating_mul(size))
            .take(size)
            .map(|notification| {
                json!({
                    "Action": notification.action,
                    "CreateTime": notification.created_at.ms(),
                    "Message": notification.message,
                    "NotificationRequestId": notification.request_id,
                })
            })
            .collect();
        Ok(fields(json!({ "NotificationList": list, "PageNumber": page, "PageSize": size, "TotalCount": all.len() })))
    }

    fn confirm_notification(&self, request_id: &str) -> Result<Map<String, Value>, Refused> {
        let is_known = self.store().set_notification_confirmed(request_id, self.now()).map_err(|e| unknown(&e))?;
        if !is_known {
            return Err(invalid("NotificationRequestId"));
        }
        Ok(fields(json!({ "Success": true })))
    }

    fn log_received(
        &self,
        request: &Received<'_>,
        action: &str,
        about: &str,
        fault: Option<FaultKind>,
        answer: &Answer,
        started: Moment,
    ) {
        let body = std::str::from_utf8(request.body).unwrap_or("(not UTF-8)");
        let mut shown = format!("{}?{}", request.path, hide_signature(request.query));
        if !body.is_empty() {
            shown.push('\n');
            shown.push_str(&hide_signature(body));
        }
        let logged = self.store().insert_call(&CallRow {
            id: 0,
            at: self.now(),
            direction: "in",
            action: if action.is_empty() { "(refused)".into() } else { action.to_owned() },
            instance_id: about.to_owned(),
            method: request.method.to_owned(),
            request: shown.chars().take(MAX_LOGGED).collect(),
            fault: fault.map(|kind| kind.as_str().to_owned()),
            status: answer.status,
            reply: answer.body.chars().take(MAX_LOGGED).collect(),
            took_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        });
        if let Err(e) = logged {
            tracing::error!(error = %e, "the simulator cannot log a call");
        }
    }

    /// `6EF60BEC-0242-43AF-BB20-270359FB54A7`
    fn fresh_request_id(&self) -> String {
        let id = self.fresh_id().to_uppercase();
        format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
    }
}

/// An orderPay whose retries are used up, as `DescribeFailedNotifications` tells it.
pub fn failed_notification(params: &Pairs, now: Instant) -> Notification {
    let get =
        |name: &str| params.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let message: Map<String, Value> = ["productCode", "orderId", "orderBizId", "action", "aliUid", "skuId"]
        .into_iter()
        .map(|name| (name.to_owned(), Value::String(get(name))))
        .collect();
    Notification {
        request_id: get("requestId"),
        action: get("action"),
        message: Value::Object(message).to_string(),
        created_at: now,
    }
}

fn get<'a>(verified: &'a Verified, name: &str) -> Option<&'a str> {
    verified.params.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

fn needed<'a>(verified: &'a Verified, name: &str) -> Result<&'a str, Refused> {
    get(verified, name).filter(|value| !value.is_empty()).ok_or_else(|| {
        (
            400,
            "MissingParameter",
            format!("The input parameter \"{name}\" that is mandatory for processing this request is not supplied."),
        )
    })
}

/// A number from 1 on.
fn count(verified: &Verified, name: &str) -> Result<usize, Refused> {
    needed(verified, name)?.parse().ok().filter(|count| *count > 0).ok_or_else(|| invalid(name))
}

fn invalid(name: &str) -> Refused {
    (400, "InvalidParameter", format!("The specified parameter \"{name}\" is not valid."))
}

fn refused(cause: Error, code: &'static str, message: &str) -> Refused {
    match cause {
        Error::NotFound(_) => (400, code, message.to_owned()),
        other => unknown(&other),
    }
}

pub(super) fn unknown(cause: &Error) -> Refused {
    tracing::error!(error = %cause, "the simulator's OpenAPI cannot answer");
    unknown_error()
}

fn unknown_error() -> Refused {
    (500, "UnknownError", "An error occurred while processing your request.".into())
}

/// What there is nothing to say about is left out.
fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

/// The marketplace's ids are numbers in its answers.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| Value::String(id.to_owned()), Value::from)
}

/// Fen as CNY, a number with two decimals.
fn yuan(fen: i64) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "the marketplace's prices are floating point, and these are small")]
    let yuan = fen as f64 / 100.0;
    Value::from(yuan)
}

/// The marketplace knows no failure: what could not be opened is still being opened.
const fn status(instance: &Instance) -> &'static str {
    match instance.state {
        State::Opening | State::Failed => "OPENING",
        State::Opened => "OPENED",
        State::Expired => "EXPIRED",
        State::Closed => "CLOSED",
    }
}

const fn order_type(order: &Order) -> &'static str {
    match order.kind {
        OrderKind::New => "NEW",
        OrderKind::Trial => "TRIAL",
        OrderKind::Renew => "RENEW",
        OrderKind::Upgrade => "UPGRADE",
    }
}

/// A query or form without what signs it.
fn hide_signature(query: &str) -> String {
    let hide = |pair: &str| match pair.split_once('=') {
        Some((name @ "Signature", _)) => format!("{name}={}", super::send::HIDDEN),
        _ => pair.to_owned(),
    };
    query.split('&').map(hide).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::tests::{POSTPAY, PREPAY, Spi, buy_and_open, options, ready_or_done, step};
    use super::super::{Handle, Options, Seller, start};
    use super::*;
    use crate::domain::value::{DAY_MS, HOUR_MS};
    use crate::market::openapi::request::{Operation, Request, Style};
    use crate::market::openapi::{answer, canonical_query, v1_signature, v1_string_to_sign};
    use crate::market::time;
    use crate::outbound::{Failure, Limits, Outbound};

    fn key() -> Credentials {
        Credentials { access_key_id: "LTAItest".into(), access_key_secret: "a-secret".into() }
    }

    fn world() -> (Handle, Spi) {
        let spi = Spi::start(|call, _| match call.get("action") {
            Some("orderPay") => super::super::tests::Does::Answers(500, ""),
            _ => ready_or_done(call),
        });
        let options = options(&spi.url());
        let seller =
            Seller { access_key_id: key().access_key_id, access_key_secret: key().access_key_secret, ..options.seller };
        (start(Options { seller, ..options }).unwrap(), spi)
    }

    fn host(handle: &Handle) -> String {
        format!("127.0.0.1:{}", handle.port())
    }

    fn signed(handle: &Handle, style: Style, action: &str, params: &[(&str, &str)]) -> Request {
        let operation = Operation { host: &host(handle), action, params };
        operation.sign(style, &key(), &handle.market().fresh_id(), handle.market().clock.real_now())
    }

    fn send(handle: &Handle, request: &Request) -> Result<(u16, answer::Answer), Failure> {
        let url = format!("http://{}/?{}", host(handle), request.query);
        let headers: Vec<_> = request
            .headers
            .iter()
            .filter(|(name, _)| name != "host")
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = Outbound::new(Limits::default()).post(&url, &headers, request.body.as_bytes())?;
        Ok((answer.status, answer::Answer::read(&answer.body).unwrap()))
    }

    fn ask(handle: &Handle, style: Style, action: &str, params: &[(&str, &str)]) -> (u16, Value, Option<String>) {
        let (status, answer) = send(handle, &signed(handle, style, action, params)).unwrap();
        assert!(answer.request_id.is_some());
        (status, answer.fields.clone(), answer.error().map(str::to_owned))
    }

    #[test]
    fn an_instance_is_described_in_every_style_of_signing() {
        let (handle, _spi) = world();
        let id = buy_and_open(&handle, PREPAY).id;
        for style in [Style::V3, Style::V1, Style::V1Form] {
            let (status, told, error) = ask(&handle, style, "DescribeInstanceForIsv", &[("InstanceId", &id)]);
            assert_eq!((status, error), (200, None), "{style:?}");
            assert_eq!(told["Status"], "OPENED");
            assert_eq!(told["ProductSkuCode"], PREPAY);
            assert!(told["AppJson"].as_str().unwrap().contains("frontEndUrl"), "{told}");
        }
        handle.market().expire(&id).unwrap();
        let (_, told, _) = ask(&handle, Style::V3, "DescribeInstanceForIsv", &[("InstanceId", &id)]);
        assert_eq!((&told["Status"], &told["InstanceId"]), (&json!("EXPIRED"), &json!(id.parse::<u64>().unwrap())));
        let (status, _, error) = ask(&handle, Style::V3, "DescribeInstanceForIsv", &[("InstanceId", "1")]);
        assert_eq!((status, error.as_deref()), (400, Some("Invalid.Parameter.Instance")));
        let (log, _) = handle.market().calls(1).unwrap();
        assert_eq!(
            (log[0].direction, log[0].action.as_str(), log[0].status),
            ("in", "DescribeInstanceForIsv", Some(400))
        );
    }

    #[test]
    fn usage_is_taken_by_get_and_form_too_and_answered_in_xml_unless_json_is_asked_for() {
        let (handle, _spi) = world();
        let market = handle.market();
        market.clock.advance_to(time::next_hour(market.now()).plus_ms(12 * MINUTE_MS));
        let start = time::hour_start(market.now()).plus_ms(-HOUR_MS).ms() / 1000;
        let metering = |id: &str| {
            format!(
                r#"[{{"InstanceId":"{id}","StartTime":"{start}","EndTime":"{}","Entities":[{{"Key":"Period","Value":"60","meteringAssit":"cmgj00063418-Period-1"}}]}}]"#,
                start + 3600
            )
        };
        let ids: Vec<String> = (0..2).map(|_| buy_and_open(&handle, POSTPAY).id).collect();
        let (status, told, error) =
            ask(&handle, Style::V1Form, "PushMeteringData", &[("Metering", &metering(&ids[0]))]);
        assert_eq!((status, &told["Success"], error), (200, &json!(true), None));

        let fixed = [("AccessKeyId", "LTAItest"), ("Action", "PushMeteringData"), ("Version", "2015-11-01")];
        let mut params: Vec<(&str, String)> = fixed.map(|(name, value)| (name, value.to_owned())).into();
        params.push(("SignatureMethod", "HMAC-SHA1".into()));
        params.push(("SignatureVersion", "1.0".into()));
        params.push(("SignatureNonce", market.fresh_id()));
        params.push(("Timestamp", time::utc_text(market.now())));
        params.push(("Metering", metering(&ids[1])));
        let signature = v1_signature("a-secret", &v1_string_to_sign("GET", &params));
        params.push(("Signature", signature));
        let url = format!("http://{}/?{}", host(&handle), canonical_query(&params));
        let answer = Outbound::new(Limits::default()).get(&url, &[]).unwrap();
        let request_id = answer::Answer::read(&answer.body).unwrap().request_id.unwrap();
        let expected = format!(
            "<PushMeteringDataResponse><RequestId>{request_id}</RequestId><Success>true</Success></PushMeteringDataResponse>"
        );
        assert!(answer.status == 200 && answer.body.ends_with(&expected), "{}", answer.body);
        for id in &ids {
            let instance = market.instance(id).unwrap();
            assert_eq!(market.statements_of(&instance).unwrap()[0].lines[0].pending, 60);
        }
    }

    #[test]
    fn an_order_is_described_with_what_was_paid() {
        let (handle, _spi) = world();
        let id = buy_and_open(&handle, PREPAY).id;
        let order = handle.market().orders(Some(&id)).unwrap()[0].id.clone();
        let (status, told, _) = ask(&handle, Style::V3, "DescribeOrderForIsv", &[("OrderId", &order)]);
        assert_eq!(status, 200);
        assert_eq!(
            (&told["OrderType"], &told["OrderStatus"], &told["PaymentPrice"]),
            (&json!("NEW"), &json!("NORMAL"), &json!(52800.0))
        );
        assert_eq!((&told["AliUid"], &told["InstanceIds"]), (&json!(1_234_567_890_125_678_u64), &json!([id])));
        handle.market().release(&id, true).unwrap();
        let (_, told, _) = ask(&handle, Style::V1, "DescribeOrderForIsv", &[("OrderId", &order)]);
        assert_eq!(told["OrderStatus"], "REFUND");
        let (_, _, error) = ask(&handle, Style::V3, "DescribeOrderForIsv", &[("OrderId", "1")]);
        assert_eq!(error.as_deref(), Some("Invalid.Parameter"));
        let (_, _, error) = ask(&handle, Style::V3, "DescribeOrderForIsv", &[]);
        assert_eq!(error.as_deref(), Some("MissingParameter"));
        let (_, _, error) = ask(&handle, Style::V3, "DescribeNothing", &[]);
        assert_eq!(error.as_deref(), Some("InvalidAction.NotFound"));
        let plain = Outbound::new(Limits::default());
        let unsigned = plain.get(&format!("http://{}/?Action=DescribeOrderForIsv", host(&handle)), &[]).unwrap();
        assert_eq!(unsigned.status, 400);
        assert!(unsigned.body.starts_with("<?xml") && unsigned.body.contains("<Error>"), "{}", unsigned.body);
    }

    #[test]
    fn a_notification_that_nobody_took_is_listed_until_it_is_confirmed() {
        let (handle, _spi) = world();
        let id = buy_and_open(&handle, POSTPAY).id;
        let pages = [("PageNumber", "1"), ("PageSize", "50")];
        let (_, told, _) = ask(&handle, Style::V3, "DescribeFailedNotifications", &pages);
        assert_eq!(told["TotalCount"], 0);
        handle.market().pay(&id, Some("r1")).unwrap();
        while step(&handle) {}
        let (_, told, _) = ask(&handle, Style::V3, "DescribeFailedNotifications", &pages);
        assert_eq!(
            (&told["TotalCount"], &told["NotificationList"][0]["NotificationRequestId"]),
            (&json!(1), &json!("r1"))
        );
        let message: Value = serde_json::from_str(told["NotificationList"][0]["Message"].as_str().unwrap()).unwrap();
        assert_eq!((&message["orderBizId"], &message["action"]), (&json!(id), &json!("orderPay")));
        let (_, told, _) =
            ask(&handle, Style::V3, "DescribeFailedNotifications", &[("PageNumber", "2"), ("PageSize", "50")]);
        assert_eq!(told["NotificationList"], json!([]));
        for _ in 0..2 {
            let (status, told, _) = ask(&handle, Style::V1, "ConfirmNotification", &[("NotificationRequestId", "r1")]);
            assert_eq!((status, &told["Success"]), (200, &json!(true)));
        }
        let (_, told, _) = ask(&handle, Style::V3, "DescribeFailedNotifications", &pages);
        assert_eq!(told["TotalCount"], 0);
        let (_, _, error) = ask(&handle, Style::V3, "ConfirmNotification", &[("NotificationRequestId", "r2")]);
        assert_eq!(error.as_deref(), Some("InvalidParameter"));
    }

    #[test]
    fn a_request_is_taken_once_with_the_right_key_near_either_clock() {
        let (handle, _spi) = world();
        let market = handle.market();
        let params = [("PageNumber", "1"), ("PageSize", "1")];
        let request = signed(&handle, Style::V3, "DescribeFailedNotifications", &params);
        assert_eq!(send(&handle, &request).unwrap().0, 200);
        let (status, again) = send(&handle, &request).unwrap();
        assert_eq!((status, again.error()), (400, Some("SignatureNonceUsed")));

        market.clock.advance_to(market.now().plus_ms(30 * DAY_MS));
        let host = host(&handle);
        let operation = Operation { host: &host, action: "DescribeFailedNotifications", params: &params };
        for (at, expected) in [
            (market.now(), None),
            (market.clock.real_now(), None),
            (market.now().plus_ms(-HOUR_MS), Some("InvalidTimeStamp.Expired")),
        ] {
            let request = operation.sign(Style::V3, &key(), &market.fresh_id(), at);
            assert_eq!(send(&handle, &request).unwrap().1.error(), expected);
        }
        let wrong = Credentials { access_key_secret: "another".into(), ..key() };
        let request = operation.sign(Style::V1, &wrong, &market.fresh_id(), market.now());
        assert_eq!(send(&handle, &request).unwrap().1.error(), Some("SignatureDoesNotMatch"));
        let (log, _) = market.calls(100).unwrap();
        let told = format!("{log:?}");
        assert!(!request.query.is_empty() && told.contains("Signature=****"), "{told}");
        assert!(!told.contains(request.query.split("Signature=").nth(1).unwrap().split('&').next().unwrap()));
    }

    #[test]
    fn faults_befall_the_sellers_own_calls_too() {
        let (handle, _spi) = world();
        let market = handle.market();
        let id = buy_and_open(&handle, POSTPAY).id;
        let action = "DescribeInstanceForIsv";
        let request = || signed(&handle, Style::V3, action, &[("InstanceId", &id)]);
        market.add_fault(action, FaultKind::Status500, 1, None).unwrap();
        let (status, told) = send(&handle, &request()).unwrap();
        assert_eq!((status, told.error()), (500, Some("InternalError")));
        market.add_fault(action, FaultKind::Cut, 1, None).unwrap();
        assert!(matches!(send(&handle, &request()), Err(Failure::Lost(_))));
        market.add_fault(action, FaultKind::Delay, 1, Some(1)).unwrap();
        assert_eq!(send(&handle, &request()).unwrap().0, 200);
        let kinds: Vec<_> = market.calls(3).unwrap().0.into_iter().map(|call| (call.fault, call.status)).collect();
        let fault = |kind: &str, status| (Some(kind.to_owned()), status);
        assert_eq!(kinds, [fault("delay", Some(200)), fault("cut", None), fault("status_500", Some(500))]);
    }
}
