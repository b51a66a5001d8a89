//! What the control API answers, as JSON: instants are RFC 3339, amounts whole fen.

use serde_json::{Map, Value, json};

use super::Mail;
use crate::domain::value::Instant;
use crate::simulator::{Bill, CallRow, Error, FaultRow, Instance, Market, Metered, Order, Statement};
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

fn statement(statement: &Statement) -> Value {
    json!({
        "instance_id": statement.instance_id,
        "account": statement.account,
        "product": statement.product,
        "month": instant(statement.month),
        "lines": statement.lines,
        "amount_fen": statement.amount_fen,
        "next_invoice_fen": statement.next_invoice_fen,
        "final_at": instant(statement.final_at),
    })
}

/// The statements of an instance with every single bill, and what was taken and is not billed.
pub fn bills(market: &Market, id: &str) -> Result<Value, Error> {
    let statements = market.statements_of(&market.instance(id)?)?;
    let whole = |told: &Statement| {
        let bill = |bill: &Bill| {
            json!({
                "item": bill.item,
                "starts_at": instant(bill.starts_at),
                "ends_at": instant(bill.ends_at),
                "quantity": bill.quantity,
                "amount_fen": bill.amount_fen,
                "made_at": instant(bill.made_at),
                "is_made": bill.is_made,
            })
        };
        let unbilled = |record: &Metered| {
            json!({
                "item": record.item,
                "starts_at": instant(record.starts_at),
                "ends_at": instant(record.ends_at),
                "quantity": record.quantity,
                "received_at": instant(record.received_at),
                "reason": record.unbilled,
            })
        };
        let mut value = statement(told);
        value["bills"] = told.bills.iter().map(bill).collect();
        value["unbilled"] = told.unbilled.iter().map(unbilled).collect();
        value
    };
    Ok(json!({ "instance_id": id, "statements": statements.iter().map(whole).collect::<Vec<_>>() }))
}

/// Accounts, products, orders, instances, bills.
pub fn state(market: &Market) -> Result<Value, Error> {
    let bills: Vec<Value> = market.statements(None)?.iter().map(statement).collect();
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
