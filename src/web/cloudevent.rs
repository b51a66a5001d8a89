//! Usage as `CloudEvents` 1.0 in JSON: one event, or a batch of them, each judged by itself.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::domain::value::{Instant, SECOND_MS};
use crate::error::{Error, Result};
use crate::market::time;
use crate::usecase::usage::Usage;

/// Most events of one batch.
pub const MAX_EVENTS: usize = 1_000;
/// The type of event that tells of usage.
pub const TYPE: &str = "marketgate.usage.v1";
/// Longest source, id, subject and item, in bytes.
const MAX_TEXT: usize = 256;

/// One event of usage, as the OpenAPI document describes it; what reads them tells more exactly what is wrong with one.
pub struct UsageEvent;

impl JsonSchema for UsageEvent {
    fn schema_name() -> Cow<'static, str> {
        "UsageEvent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text =
            |about: &str| json!({ "type": "string", "minLength": 1, "maxLength": MAX_TEXT, "description": about });
        json_schema!({
            "description": "A CloudEvent that tells of usage. Other attributes may be there and are passed over.",
            "type": "object",
            "required": ["specversion", "type", "source", "id", "subject", "time", "data"],
            "properties": {
                "specversion": { "const": "1.0" },
                "type": { "const": TYPE },
                "source": text("Who tells it, such as a cluster. With `id` it names the event."),
                "id": text("The same when the event is sent again: it counts once."),
                "subject": text("Id of the organization."),
                "time": { "type": "string", "format": "date-time", "description": "The instant of the usage, or when its interval began: at most 35 days ago, and not in the future." },
                "data": {
                    "type": "object",
                    "required": ["item", "quantity"],
                    "properties": {
                        "item": text("Key of the billing item."),
                        "quantity": { "type": "integer", "minimum": 0, "description": "In the item's unit." },
                        "seconds": { "type": "integer", "minimum": 0, "description": "Length of the interval; it ends within its clock hour." }
                    }
                }
            }
        })
    }
}

/// What a media type announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    One,
    Batch,
}

impl Mode {
    /// Reads a `Content-Type`; parameters such as the charset are passed over.
    pub fn of(content_type: &str) -> Result<Self> {
        let plain = content_type.split(';').next().unwrap_or_default().trim();
        if plain.eq_ignore_ascii_case("application/cloudevents+json") {
            Ok(Self::One)
        } else if plain.eq_ignore_ascii_case("application/cloudevents-batch+json") {
            Ok(Self::Batch)
        } else {
            Err(Error::UnknownForm)
        }
    }
}

/// An event as it was sent: its name, as far as it has one, and its usage or what is wrong with it.
pub struct Sent {
    pub source: String,
    pub id: String,
    pub usage: Result<Usage, &'static str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EventIn<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DataIn<'a> {
    #[serde(borrow)]
    item: Cow<'a, str>,
    // As text: a number that does not fit is told from one that is none.
    #[serde(borrow)]
    quantity: Option<&'a RawValue>,
    #[serde(borrow)]
    seconds: Option<&'a RawValue>,
}

/// Reads a body.
///
/// # Errors
/// If it is no JSON of its mode, or too many events. What is wrong with one event is told with it.
pub fn read(mode: Mode, body: &[u8]) -> Result<Vec<Sent>> {
    let malformed = |_| Error::invalid("body", "malformed");
    match mode {
        Mode::One => {
            let event: &RawValue = serde_json::from_slice(body).map_err(malformed)?;
            Ok(vec![read_event(event)])
        }
        Mode::Batch => {
            let events: Vec<&RawValue> = serde_json::from_slice(body).map_err(malformed)?;
            if events.len() > MAX_EVENTS {
                return Err(Error::invalid("body", "too_many_events"));
            }
            Ok(events.into_iter().map(read_event).collect())
        }
    }
}

fn read_event(raw: &RawValue) -> Sent {
    let Ok(event) = serde_json::from_str::<EventIn<'_>>(raw.get()) else {
        return Sent { source: String::new(), id: String::new(), usage: Err("malformed") };
    };
    let usage = read_usage(&event);
    let cut = |text: Cow<'_, str>| if text.len() <= MAX_TEXT { text.into_owned() } else { String::new() };
    Sent { source: cut(event.source), id: cut(event.id), usage }
}

fn read_usage(event: &EventIn<'_>) -> Result<Usage, &'static str> {
    let text = |text: &str, missing: &'static str| match text.len() {
        0 => Err(missing),
        1..=MAX_TEXT => Ok(text.to_owned()),
        _ => Err("too_long"),
    };
    if event.specversion != "1.0" {
        return Err("unknown_specversion");
    }
    if event.r#type != TYPE {
        return Err("unknown_type");
    }
    let source = text(&event.source, "source_required")?;
    let id = text(&event.id, "id_required")?;
    let organization = text(&event.subject, "subject_required")?;
    if event.time.is_empty() {
        return Err("time_required");
    }
    let at: jiff::Timestamp = event.time.parse().map_err(|_| "time_malformed")?;
    let at = Instant::from_ms(at.as_millisecond());
    let data = event.data.ok_or("data_required")?;
    let data: DataIn<'_> = serde_json::from_str(data.get()).map_err(|_| "data_malformed")?;
    let item = text(&data.item, "item_required")?;
    let quantity = integer(data.quantity.ok_or("quantity_required")?, QUANTITY)?;
    let secs = data.seconds.map(|seconds| integer(seconds, SECONDS)).transpose()?;
    if let Some(secs) = secs
        && secs.checked_mul(SECOND_MS).is_none_or(|ms| at.plus_ms(ms) > time::next_hour(at))
    {
        return Err("crosses_hour");
    }
    Ok(Usage::new((source, id), organization, item, quantity, (at, secs)))
}

/// Codes for a number that is negative, none, or too large.
const QUANTITY: [&str; 3] = ["quantity_negative", "quantity_not_integer", "quantity_too_large"];
const SECONDS: [&str; 3] = ["seconds_negative", "seconds_not_integer", "seconds_too_large"];

fn integer(raw: &RawValue, [negative, not_integer, too_large]: [&'static str; 3]) -> Result<i64, &'static str> {
    let text = raw.get();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(not_integer);
    }
    match text.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(number),
        _ if text.starts_with('-') => Err(negative),
        _ => Err(too_large),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn fine() -> Value {
        json!({
            "specversion": "1.0", "type": TYPE, "source": "cluster-1", "id": "1", "subject": "org_1",
            "time": "2026-11-23T10:20:00+08:00", "data": { "item": "Period", "quantity": 60 },
        })
    }

    fn verdict(event: &Value) -> Result<Usage, &'static str> {
        read(Mode::One, event.to_string().as_bytes()).unwrap().remove(0).usage
    }

    #[test]
    fn an_event_says_who_used_how_much_of_what_and_when() {
        let usage = verdict(&fine()).unwrap();
        assert_eq!((usage.source.as_str(), usage.event_id.as_str()), ("cluster-1", "1"));
        assert_eq!((usage.organization_id.as_str(), usage.item.as_str(), usage.quantity), ("org_1", "Period", 60));
        assert_eq!((usage.at.ms(), usage.secs), (1_795_400_400_000, None));
        let mut extended = fine();
        extended["datacontenttype"] = "application/json".into();
        extended["myextension"] = 5.into();
        extended["data"]["seconds"] = 2_400.into();
        assert_eq!(verdict(&extended).unwrap().secs, Some(2_400), "to the end of the hour");
    }

    #[test]
    fn what_is_wrong_with_an_event_is_named() {
        for (pointer, value, code) in [
            ("/specversion", json!("0.3"), "unknown_specversion"),
            ("/specversion", json!(1.0), "malformed"),
            ("/type", json!("com.example.other"), "unknown_type"),
            ("/source", json!(""), "source_required"),
            ("/source", json!("x".repeat(257)), "too_long"),
            ("/id", json!(""), "id_required"),
            ("/id", json!(7), "malformed"),
            ("/subject", json!(""), "subject_required"),
            ("/time", json!(""), "time_required"),
            ("/time", json!("2026-11-23 10:20:00"), "time_malformed"),
            ("/time", json!("yesterday"), "time_malformed"),
            ("/data", json!(null), "data_required"),
            ("/data", json!("text"), "data_malformed"),
            ("/data/item", json!(""), "item_required"),
            ("/data/quantity", json!(null), "quantity_required"),
            ("/data/quantity", json!(-1), "quantity_negative"),
            ("/data/quantity", json!(1.5), "quantity_not_integer"),
            ("/data/quantity", json!(1e3), "quantity_not_integer"),
            ("/data/quantity", json!("60"), "quantity_not_integer"),
            ("/data/quantity", json!(9_223_372_036_854_775_808_u64), "quantity_too_large"),
            ("/data", json!({ "item": "Period", "quantity": 1, "seconds": -1 }), "seconds_negative"),
            ("/data", json!({ "item": "Period", "quantity": 1, "seconds": 0.5 }), "seconds_not_integer"),
            ("/data", json!({ "item": "Period", "quantity": 1, "seconds": 2_401 }), "crosses_hour"),
            ("/data", json!({ "item": "Period", "quantity": 1, "seconds": i64::MAX }), "crosses_hour"),
        ] {
            let mut event = fine();
            *event.pointer_mut(pointer).unwrap() = value.clone();
            assert_eq!(verdict(&event).unwrap_err(), code, "{pointer} {value}");
        }
        let huge = fine().to_string().replace("60}", "18446744073709551616}");
        assert_eq!(read(Mode::One, huge.as_bytes()).unwrap().remove(0).usage.unwrap_err(), "quantity_too_large");
    }

    #[test]
    fn one_bad_event_spoils_no_batch_and_a_bad_batch_is_refused() {
        let batch = json!([fine(), 7, { "id": "2" }]);
        let read_batch = read(Mode::Batch, batch.to_string().as_bytes()).unwrap();
        let codes: Vec<_> = read_batch.iter().map(|sent| sent.usage.as_ref().err().copied()).collect();
        assert_eq!(codes, [None, Some("malformed"), Some("unknown_specversion")]);
        assert_eq!(read_batch[2].id, "2");
        for bad in ["", "{", "{}", "nothing", "[1,]"] {
            assert!(read(Mode::Batch, bad.as_bytes()).is_err(), "{bad}");
        }
        let full = json!(vec![fine(); MAX_EVENTS]).to_string();
        assert_eq!(read(Mode::Batch, full.as_bytes()).unwrap().len(), MAX_EVENTS);
        let more = json!(vec![7; MAX_EVENTS + 1]).to_string();
        assert!(read(Mode::Batch, more.as_bytes()).is_err());
        assert!(read(Mode::One, full.as_bytes()).unwrap()[0].usage.is_err(), "a batch is not one event");
    }

    #[test]
    fn media_types_are_told_apart() {
        assert_eq!(Mode::of("application/cloudevents+json; charset=utf-8").unwrap(), Mode::One);
        assert_eq!(Mode::of("Application/CloudEvents-Batch+JSON").unwrap(), Mode::Batch);
        for other in ["", "application/json", "text/plain", "application/cloudevents"] {
            assert!(Mode::of(other).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read(Mode::One, &body), read(Mode::Batch, &body));
        }
    }
}
