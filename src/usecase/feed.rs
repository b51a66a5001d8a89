//! The feed of what happened, and the one body in which feed and webhooks tell it.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::event::{self, Event};
use crate::usecase;

/// Digits of each half of a public id.
const DIGITS: usize = 12;

/// The public id of an event, which is also the cursor behind it: its moment and its number. With the moment in it, a file
/// that was restored from an old copy does not give the same id to something else.
#[must_use]
pub fn public_id(event: &Event) -> String {
    format!("evt_{:0DIGITS$x}{:0DIGITS$x}", event.occurred_at.ms().max(0), event.id)
}

/// The number in a public id.
fn number(public_id: &str) -> Option<i64> {
    let digits = public_id.strip_prefix("evt_").filter(|digits| digits.len() == 2 * DIGITS && digits.is_ascii())?;
    i64::from_str_radix(&digits[DIGITS..], 16).ok()
}

/// The body of an event: the same in the feed and in every delivery.
#[must_use]
pub fn envelope(event: &Event) -> Value {
    json!({
        "id": public_id(event),
        "type": event.kind,
        "version": 1,
        "occurred_at": usecase::rfc3339(event.occurred_at),
        "sequence": event.sequence,
        "subject": event.subject,
        "data": serde_json::from_str::<Value>(&event.data).unwrap_or_default(),
    })
}

/// The events behind a cursor, in the order in which they became true; nothing ever appears before a cursor.
///
/// # Errors
/// `Invalid(after, malformed)` for what is no event's id.
pub fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<Value>> {
    let after = if after.is_empty() { 0 } else { number(after).ok_or_else(|| Error::invalid("after", "malformed"))? };
    Ok(event::list_after(db, after, limit)?.iter().map(envelope).collect())
}

/// The newest events of a subscription.
pub fn list_of_subscription(db: &Db, subscription_id: i64, limit: u32) -> Result<Vec<Value>> {
    Ok(event::list_of_subscription(db, subscription_id, limit)?.iter().map(envelope).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::Instant;

    #[test]
    fn an_id_is_the_cursor_behind_its_event() {
        let event = Event {
            id: 0xbeef,
            kind: "order.paid".into(),
            subscription_id: None,
            sequence: None,
            subject: "x".into(),
            data: "{}".into(),
            occurred_at: Instant::from_ms(1_700_000_000_000),
        };
        assert_eq!(number(&public_id(&event)), Some(0xbeef));
        for bad in ["", "evt_", "evt_1", "1", "evt_00000000000000000000000g", "evt_00000000000中00000000000"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
