//! The `OpenAPI` (Market 2015-11-01) as the seller sees it.

use serde_json::{Map, Value};

use super::store::{Notification, Pairs};
use crate::clock::Instant;

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
