//! What the control API answers, as JSON: instants are RFC 3339, amounts whole fen.

use serde_json::{Map, Value, json};

use super::Mail;
use crate::domain::value::Instant;
use crate::simulator::{CallRow, Error, FaultRow, Instance, Market, Order};
use crate::usecase::{self, alarm::Alarm};

pub fn instant(at: Instant) -> String {
    usecase::rfc3339(at)
}

fn maybe(at: Option<Instant>) -> Option<String> {
    at.map(instant)
}

fn instance(instance: &Instance) -> Value {
    let items: Map<String, Value> =
        instance.items.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
    let reply: Option<Value> = instance.reply.as_deref().and_then(|reply| serde_json::from_str(reply).ok());
    json!({
        "id": instance.id,
        "account": instance.account,
        "product": instance.product,
        "plan": instance.plan,
        "items": items,
        "is_trial": instance.is_trial,
        "state": instance.state,
        "attempts": instance.attempts,
        "created_at": instant(instance.created_at),
        "opened_at": maybe(instance.opened_at),
        "expires_at": maybe(instance.expires_at),
        "closed_at": maybe(instance.closed_at),
        "seller_id": instance.seller_id,
        "reply": reply,
    })
}

fn order(order: &Order) -> Value {
    json!({
        "id": order.id,
        "instance_id": order.instance_id,
        "kind": order.kind,
        "plan": order.plan,
        "price_fen": order.price_fen,
        "expires_at": maybe(order.expires_at),
        "is_refunded": order.is_refunded,
        "created_at": instant(order.created_at),
    })
}

/// Accounts, products, orders, instances, bills.
pub fn state(market: &Market) -> Result<Value, Error> {
    let bills: Vec<Value> = market
        .bills()?
        .iter()
        .map(|bill| {
            json!({
                "instance_id": bill.instance_id,
                "account": bill.account,
                "product": bill.product,
                "month": instant(bill.month),
                "lines": bill.lines,
                "amount_fen": bill.amount_fen,
            })
        })
        .collect();
    Ok(json!({
        "now": instant(market.now()),
        "accounts": market.catalogue.accounts,
        "products": market.catalogue.products,
        "orders": market.orders(None)?.iter().map(order).collect::<Vec<_>>(),
        "instances": market.instances(None)?.iter().map(instance).collect::<Vec<_>>(),
        "bills": bills,
    }))
}

pub fn call(call: &CallRow) -> Value {
    json!({
        "id": call.id,
        "at": instant(call.at),
        "direction": call.direction,
        "action": call.action,
        "instance_id": call.instance_id,
        "method": call.method,
        "request": call.request,
        "fault": call.fault,
        "status": call.status,
        "reply": call.reply,
        "took_ms": call.took_ms,
    })
}

pub fn alarm(alarm: &Alarm) -> Value {
    json!({
        "id": alarm.id,
        "kind": alarm.kind,
        "subject": alarm.subject,
        "detail": alarm.detail,
        "times": alarm.times,
        "raised_at": instant(alarm.raised_at),
        "last_at": instant(alarm.last_at),
    })
}

pub fn fault(fault: &FaultRow) -> Value {
    json!({
        "id": fault.id,
        "action": fault.action,
        "kind": fault.kind,
        "count": fault.remaining,
        "delay_ms": fault.delay_ms,
    })
}

pub fn mail(mail: &Mail) -> Value {
    json!({
        "id": mail.id,
        "at": instant(mail.at),
        "to": mail.to,
        "kind": mail.kind,
        "subject": mail.subject,
        "body": mail.body,
    })
}
