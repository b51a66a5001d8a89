//! Usage as the marketplace takes it (`PushMeteringData`): the `Metering` text, its limits, its units, what it costs, and
//! what an answer means for what was pushed.
//!
//! There is no idempotency key, and whether the same window pushed twice is billed twice is not documented. So
//! [`classify`] never says "again" unless it is certain that nothing was taken; everything doubtful is held for a person.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::openapi::{answer::Answer, encode};
use super::time;
use crate::domain::value::{HOUR_MS, Instant, MINUTE_MS, SECOND_MS};

/// The operation's name.
pub const ACTION: &str = "PushMeteringData";
/// The parameter that carries the records.
pub const PARAMETER: &str = "Metering";

/// Most records of one request (hourly and daily products). All must be of one product.
pub const MAX_RECORDS: usize = 100;
/// Most items of one request, over all its records.
pub const MAX_ENTITIES: usize = 100;
/// A window must be longer than this, not just as long.
pub const MIN_WINDOW_MS: i64 = 5 * MINUTE_MS;
/// Least time between two requests that name the same instance.
pub const MIN_INTERVAL_MS: i64 = 60 * SECOND_MS;
/// Longest address, query included, that servers are known to take, in bytes.
pub const MAX_URL_BYTES: usize = 8 * 1024;
/// How long after its hour hourly usage is still taken: that of 8 to 9 o'clock before 9:59.
pub const HOURLY_GRACE_MS: i64 = 59 * MINUTE_MS;
/// How long after its day daily usage is still taken: before 1:59.
pub const DAILY_GRACE_MS: i64 = HOUR_MS + 59 * MINUTE_MS;

/// What one instance used in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The marketplace's id of the instance.
    pub instance_id: String,
    /// First instant of the window; whole seconds are pushed.
    pub start: Instant,
    /// First instant after the window.
    pub end: Instant,
    pub entities: Vec<Entity>,
}

/// How much of one billing item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// One of [`UNITS`] as a rule; the product's listing decides.
    pub key: String,
    /// In the unit that is pushed, which is not always the one that is billed.
    pub value: u64,
    /// The item's id in the listing (`meteringAssit`, sic); new products cannot do without it.
    pub assit: Option<String>,
}

/// Why a `Metering` text is no list of records. The message is for whoever pushed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// The `Metering` text of these records: numbers as decimal strings, as in the documented samples.
#[must_use]
pub fn write(records: &[Record]) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct RecordOut<'a> {
        instance_id: &'a str,
        start_time: String,
        end_time: String,
        entities: Vec<EntityOut<'a>>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct EntityOut<'a> {
        key: &'a str,
        value: String,
        #[serde(rename = "meteringAssit", skip_serializing_if = "Option::is_none")]
        assit: Option<&'a str>,
    }
    let secs = |at: Instant| at.ms().div_euclid(SECOND_MS).to_string();
    let out: Vec<_> = records
        .iter()
        .map(|record| RecordOut {
            instance_id: &record.instance_id,
            start_time: secs(record.start),
            end_time: secs(record.end),
            entities: (record.entities.iter())
                .map(|e| EntityOut { key: &e.key, value: e.value.to_string(), assit: e.assit.as_deref() })
                .collect(),
        })
        .collect();
    super::json_text(&out)
}

/// Bytes that these records add to a query: the parameter's name, `=` and the encoded text.
#[must_use]
pub fn query_bytes(records: &[Record]) -> usize {
    PARAMETER.len() + 1 + encode(&write(records)).map(str::len).sum::<usize>()
}

/// Reads a `Metering` text; numbers may be numbers or decimal strings, unknown fields are passed over. Limits are not
/// checked here.
pub fn read(text: &str) -> Result<Vec<Record>, Unreadable> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|_| Unreadable("no list of records".to_owned()))?;
    list.iter().enumerate().map(|(at, record)| read_record(record, &format!("[{at}]"))).collect()
}

fn read_record(record: &Value, at: &str) -> Result<Record, Unreadable> {
    let bad = |field: &str| Unreadable(format!("{at}.{field}"));
    let time = |field: &str| {
        let secs = number(&record[field]).and_then(|secs| i64::try_from(secs).ok());
        secs.and_then(|secs| secs.checked_mul(SECOND_MS)).map(Instant::from_ms).ok_or_else(|| bad(field))
    };
    let entities = record["Entities"].as_array().ok_or_else(|| bad("Entities"))?;
    Ok(Record {
        instance_id: non_empty(&record["InstanceId"]).ok_or_else(|| bad("InstanceId"))?,
        start: time("StartTime")?,
        end: time("EndTime")?,
        entities: (entities.iter().enumerate())
            .map(|(i, entity)| {
                let bad = |field: &str| bad(&format!("Entities[{i}].{field}"));
                Ok(Entity {
                    key: non_empty(&entity["Key"]).ok_or_else(|| bad("Key"))?,
                    value: number(&entity["Value"]).ok_or_else(|| bad("Value"))?,
                    assit: non_empty(&entity["meteringAssit"]),
                })
            })
            .collect::<Result<_, _>>()?,
    })
}

fn non_empty(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        // `parse` alone would take a sign.
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// The instant before which the usage of the hour that begins at or holds `start` must have arrived.
#[must_use]
pub fn hourly_deadline(start: Instant) -> Instant {
    time::next_hour(start).plus_ms(HOURLY_GRACE_MS)
}

/// The instant before which the usage of the day (China time) that holds `start` must have arrived.
#[must_use]
pub fn daily_deadline(start: Instant) -> Instant {
    time::next_day(start).plus_ms(DAILY_GRACE_MS)
}

/// A billing key: what is counted when it is pushed, and what is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub key: &'static str,
    /// The unit of pushed values.
    pub pushed: &'static str,
    /// The unit of prices.
    pub billed: &'static str,
    /// So many pushed units are one billed unit.
    pub pushed_per_billed: u64,
}

const fn unit(key: &'static str, pushed: &'static str, billed: &'static str, pushed_per_billed: u64) -> Unit {
    Unit { key, pushed, billed, pushed_per_billed }
}

/// Every documented key (specification, 5.3).
pub const UNITS: [Unit; 14] = [
    unit("Frequency", "time", "time", 1),
    unit("Period", "second", "hour", 3600),
    unit("PeriodMin", "minute", "minute", 1),
    unit("Storage", "byte", "MB", 1024 * 1024),
    unit("StorageGigaByte", "GB", "GB", 1),
    unit("NetworkOut", "bit", "Mb", 1024 * 1024),
    unit("NetworkIn", "bit", "Mb", 1024 * 1024),
    unit("Character", "character", "character", 1),
    unit("DailyActiveUser", "user", "user", 1),
    unit("VirtualCpu", "core", "core", 1),
    unit("Memory", "GB", "GB", 1),
    unit("Unit", "unit", "unit", 1),
    unit("KTokens", "token", "thousand tokens", 1000),
    unit("Suit", "set", "set", 1),
];

/// The unit of a key; `None` for keys that are not documented.
#[must_use]
pub fn unit_of(key: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.key == key)
}

impl Unit {
    /// A pushed value in billed units, cut after six decimals: `1500` tokens are `1.5` thousand tokens.
    #[must_use]
    pub fn billed_text(&self, value: u64) -> String {
        const DECIMALS: u128 = 1_000_000;
        let scaled = u128::from(value) * DECIMALS / u128::from(self.pushed_per_billed);
        let (whole, rest) = (scaled / DECIMALS, scaled % DECIMALS);
        if rest == 0 {
            return whole.to_string();
        }
        format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()
    }

    /// What so much usage of one bill costs, in fen, cut (not rounded) as the marketplace does; bills below one fen are
    /// nothing. Usage of several windows of one bill is added before, not after. Saturates.
    #[must_use]
    pub fn amount_fen(&self, value: u64, price: Price) -> u64 {
        // No overflow: 2^64 × 10^12 × 100 < 2^128 (see `Price`).
        let fen = u128::from(value) * u128::from(price.mantissa) * 100;
        u64::try_from(fen / (u128::from(self.pushed_per_billed) * 10_u128.pow(price.decimals))).unwrap_or(u64::MAX)
    }
}

/// An exact price in CNY per billed unit: `mantissa / 10^decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    mantissa: u64,
    decimals: u32,
}

impl Price {
    /// Most digits of a price, before and after the point.
    pub const MAX_DIGITS: usize = 12;
    /// Most digits after the point.
    pub const MAX_DECIMALS: usize = 8;

    /// Reads a plain decimal text such as `0.001`; no sign, exponent or grouping.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (text, ""),
        };
        let is_plain = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        let is_short = fraction.len() <= Self::MAX_DECIMALS && whole.len() + fraction.len() <= Self::MAX_DIGITS;
        if !is_plain || !is_short {
            return None;
        }
        let mantissa = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { mantissa, decimals: u32::try_from(fraction.len()).ok()? })
    }
}

impl fmt::Display for Price {
    /// As plain decimal text, without needless zeros at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u64.pow(self.decimals);
        let (whole, rest) = (self.mantissa / one, self.mantissa % one);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{rest:0width$}", width = self.decimals as usize);
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It failed before its first byte was written: name, connection, TLS.
    NotSent,
    /// It may have arrived, but no answer did: time-out or reset after the first byte.
    Unanswered,
    /// An answer came, whatever it says.
    Answered { status: u16, body: &'a str },
}

/// What follows for the records of the request (rule C6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Taken. The request id is the marketplace's, for its support.
    Accepted { request_id: Option<String> },
    /// Certainly not taken: send the same windows again at once.
    ResendNow,
    /// Certainly not taken: send the same windows again, [`MIN_INTERVAL_MS`] later at the earliest, with a new nonce and time.
    ResendLater { code: String },
    /// One record spoils the request and nothing of it was taken: send its halves, [`MIN_INTERVAL_MS`] later at the earliest.
    Halve { code: String },
    /// This one record is refused for good.
    Rejected { code: String },
    /// The seller account may not push: stop pushing for it, keep the records, alarm.
    StopSeller { code: String },
    /// Nobody knows whether it was taken: hold, alarm, let a person decide. `reason` is the answer's code, or `unanswered`,
    /// `unreadable`, `no_success`, `http_…`.
    Hold { reason: String },
}

/// What to do next after a request with `records` records. Answers are told apart by their code, not by their status:
/// ordinary refusals come with 500.
#[must_use]
pub fn classify(outcome: Outcome<'_>, records: usize) -> Next {
    let (status, body) = match outcome {
        Outcome::NotSent => return Next::ResendNow,
        Outcome::Unanswered => return Next::Hold { reason: "unanswered".to_owned() },
        Outcome::Answered { status, body } => (status, body),
    };
    let answer = Answer::read(body);
    if let Some(code) = answer.as_ref().and_then(Answer::error) {
        return classify_code(code, records);
    }
    match answer {
        Some(answer) if status == 200 && answer.is_success() => Next::Accepted { request_id: answer.request_id },
        Some(_) if status == 200 => Next::Hold { reason: "no_success".to_owned() },
        None if status == 200 => Next::Hold { reason: "unreadable".to_owned() },
        _ => Next::Hold { reason: format!("http_{status}") },
    }
}

fn classify_code(code: &str, records: usize) -> Next {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    let owned = code.to_owned();
    if starts(&["Service.Flow.Control", "Throttling", "SignatureNonceUsed", "InvalidTimeStamp"]) {
        Next::ResendLater { code: owned }
    } else if starts(&["Invalid.Parameter", "Metering.Data.Exceeded"]) {
        if records > 1 { Next::Halve { code: owned } } else { Next::Rejected { code: owned } }
    } else if starts(&["Permission.Denied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"]) {
        // `Forbidden…` is the general gateway's word for a key without the right; rule C6 names the marketplace's own.
        Next::StopSeller { code: owned }
    } else {
        Next::Hold { reason: owned }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::super::openapi::Format;
    use super::*;

    const SAMPLE: &str = r#"[{"InstanceId":"1000001","StartTime":"100000000","EndTime":"100000010","Entities":[{"Key":"PeriodMin","Value":"96","meteringAssit":"cmapi00060317-PeriodMin-4"}]}]"#;

    fn sample() -> Vec<Record> {
        vec![Record {
            instance_id: "1000001".into(),
            start: Instant::from_ms(100_000_000_000),
            end: Instant::from_ms(100_000_010_000),
            entities: vec![Entity {
                key: "PeriodMin".into(),
                value: 96,
                assit: Some("cmapi00060317-PeriodMin-4".into()),
            }],
        }]
    }

    #[test]
    fn records_are_written_byte_for_byte_like_the_documented_sample() {
        assert_eq!(write(&sample()), SAMPLE);
        assert_eq!(super::super::vectors()["openapi_v3"][1]["query"]["Metering"], SAMPLE);
        assert_eq!(query_bytes(&sample()), "Metering=".len() + encode(SAMPLE).to_string().len());
        assert_eq!(read(SAMPLE), Ok(sample()));
        assert_eq!(write(&[]), "[]");
    }

    #[test]
    fn numbers_may_come_as_numbers_and_unknown_fields_are_passed_over() {
        let text = r#"[{"InstanceId":1000001,"SerialNo":"x","StartTime":100000000,"EndTime":100000010,
            "Entities":[{"Key":"PeriodMin","Value":96,"meteringAssit":"cmapi00060317-PeriodMin-4","x":{}}]}]"#;
        assert_eq!(read(text), Ok(sample()));
        let without = SAMPLE.replace(r#","meteringAssit":"cmapi00060317-PeriodMin-4""#, "");
        assert_eq!(read(&without).unwrap()[0].entities[0].assit, None);
        assert_eq!(write(&read(&without).unwrap()), without);
    }

    #[test]
    fn what_is_no_record_is_named() {
        for (from, to, what) in [
            ("[{\"I", "{\"I", "no list of records"),
            ("\"1000001\"", "\"\"", "[0].InstanceId"),
            ("\"100000000\"", "\"-1\"", "[0].StartTime"),
            ("\"100000000\"", "\"+1\"", "[0].StartTime"),
            ("\"100000000\"", "9223372036854775807", "[0].StartTime"),
            ("\"100000010\"", "\"18446744073709551616\"", "[0].EndTime"),
            ("Entities", "Things", "[0].Entities"),
            ("\"Key\"", "\"key\"", "[0].Entities[0].Key"),
            ("\"96\"", "-96", "[0].Entities[0].Value"),
            ("\"96\"", "9.6", "[0].Entities[0].Value"),
            ("\"96\"", "\"\"", "[0].Entities[0].Value"),
            ("\"96\"", "\"1e3\"", "[0].Entities[0].Value"),
        ] {
            let text = SAMPLE.replace(from, to);
            assert_eq!(read(&text).unwrap_err().to_string(), what, "{text}");
        }
    }

    #[test]
    fn usage_of_an_hour_and_of_a_day_has_until_a_minute_before_the_next_bill() {
        let at = |text: &str| time::parse(text).unwrap();
        let late = at("2026-11-30 08:59:59");
        assert_eq!(hourly_deadline(at("2026-11-30 08:00:00")), at("2026-11-30 09:59:00"));
        assert_eq!(hourly_deadline(late), at("2026-11-30 09:59:00"));
        assert_eq!(daily_deadline(late), at("2026-12-01 01:59:00"));
    }

    #[test]
    fn every_key_is_converted_as_documented() {
        for (key, value, billed) in [
            ("Frequency", 7, "7"),
            ("Period", 1800, "0.5"),
            ("Period", 1, "0.000277"),
            ("PeriodMin", 96, "96"),
            ("Storage", 1_572_864, "1.5"),
            ("StorageGigaByte", 3, "3"),
            ("NetworkOut", 1_048_576, "1"),
            ("NetworkIn", 524_288, "0.5"),
            ("Character", 5, "5"),
            ("DailyActiveUser", 5, "5"),
            ("VirtualCpu", 5, "5"),
            ("Memory", 5, "5"),
            ("Unit", 0, "0"),
            ("KTokens", 1500, "1.5"),
            ("Suit", u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(unit_of(key).unwrap().billed_text(value), billed, "{key}");
        }
        assert_eq!(unit_of("period"), None);
    }

    #[test]
    fn amounts_are_exact_and_cut_to_the_fen() {
        let fen =
            |key: &str, value: u64, price: &str| unit_of(key).unwrap().amount_fen(value, Price::parse(price).unwrap());
        assert_eq!(fen("Period", 1800, "1"), 50, "1800 s at 1 CNY/h");
        assert_eq!(fen("Frequency", 9, "0.001"), 0, "9 uses at 0.001 CNY");
        assert_eq!(fen("Frequency", 10, "0.001"), 1);
        assert_eq!(fen("Frequency", 3, "0.69"), 207, "no binary fractions");
        assert_eq!(fen("Period", 3599, "1"), 99);
        assert_eq!(fen("Period", 3600, "0.29"), 29);
        assert_eq!(fen("KTokens", 1500, "0.02"), 3);
        assert_eq!(fen("Storage", u64::MAX, "0"), 0);
        assert_eq!(fen("Frequency", u64::MAX, "999999999999"), u64::MAX);
    }

    #[test]
    fn prices_are_plain_decimals() {
        for (text, shown) in
            [("0.001", "0.001"), ("12", "12"), ("1.50", "1.5"), ("007.0", "7"), ("0.00000001", "0.00000001")]
        {
            assert_eq!(Price::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "0.000000001", "1234567890123", "１"] {
            assert_eq!(Price::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_outcome_has_its_next_step() {
        let answer = |code: &str| Format::Json.error("r", "h", code, "m");
        let later = |code: &str| Next::ResendLater { code: code.into() };
        let stop = |code: &str| Next::StopSeller { code: code.into() };
        let hold = |reason: &str| Next::Hold { reason: reason.into() };
        let cases = [
            ("Service.Flow.Control", later("Service.Flow.Control")),
            ("Throttling", later("Throttling")),
            ("Throttling.User", later("Throttling.User")),
            ("SignatureNonceUsed", later("SignatureNonceUsed")),
            ("InvalidTimeStamp.Expired", later("InvalidTimeStamp.Expired")),
            ("Invalid.Parameter", Next::Halve { code: "Invalid.Parameter".into() }),
            ("Invalid.Parameter.Metering", Next::Halve { code: "Invalid.Parameter.Metering".into() }),
            ("Invalid.Parameter.Instance", Next::Halve { code: "Invalid.Parameter.Instance".into() }),
            ("Metering.Data.Exceeded", Next::Halve { code: "Metering.Data.Exceeded".into() }),
            ("Permission.Denied", stop("Permission.Denied")),
            ("InvalidAccessKeyId.NotFound", stop("InvalidAccessKeyId.NotFound")),
            ("InvalidAccessKeyId.Inactive", stop("InvalidAccessKeyId.Inactive")),
            ("SignatureDoesNotMatch", stop("SignatureDoesNotMatch")),
            ("Forbidden.RAM", stop("Forbidden.RAM")),
            ("UnknownError", hold("UnknownError")),
            ("InternalError", hold("InternalError")),
            ("Never.Heard", hold("Never.Heard")),
        ];
        for (code, next) in cases {
            // Whatever the status and the language.
            for status in [200, 400, 403, 500, 503] {
                for body in [answer(code), Format::Xml.error("r", "h", code, "m")] {
                    assert_eq!(classify(Outcome::Answered { status, body: &body }, 2), next, "{code} {status}");
                }
            }
        }
        let body = answer("Invalid.Parameter.Instance");
        let alone = classify(Outcome::Answered { status: 500, body: &body }, 1);
        assert_eq!(alone, Next::Rejected { code: "Invalid.Parameter.Instance".into() });

        assert_eq!(classify(Outcome::NotSent, 1), Next::ResendNow);
        assert_eq!(classify(Outcome::Unanswered, 1), hold("unanswered"));
        let good = r#"{"RequestId":"6EF60BEC","Success":true}"#;
        for (status, body, next) in [
            (200, good, Next::Accepted { request_id: Some("6EF60BEC".into()) }),
            (
                200,
                "<PushMeteringDataResponse><Success>true</Success></PushMeteringDataResponse>",
                Next::Accepted { request_id: None },
            ),
            (200, "", hold("unreadable")),
            (200, r#"{"Success":false}"#, hold("no_success")),
            (200, "<html><body>login</body></html>", hold("no_success")),
            (500, good, hold("http_500")),
            (414, "<html>", hold("http_414")),
            (502, "", hold("http_502")),
            (302, "", hold("http_302")),
        ] {
            assert_eq!(classify(Outcome::Answered { status, body }, 3), next, "{status} {body}");
        }
    }

    fn records() -> impl Strategy<Value = Vec<Record>> {
        let entity = ("[A-Za-z]{1,10}", any::<u64>(), prop::option::of(".{1,20}"))
            .prop_map(|(key, value, assit)| Entity { key, value, assit });
        let record = (".{1,20}", 0_i64..10_000_000_000, 0_i64..100_000, prop::collection::vec(entity, 0..4)).prop_map(
            |(instance_id, start, secs, entities)| Record {
                instance_id,
                start: Instant::from_ms(start * SECOND_MS),
                end: Instant::from_ms((start + secs) * SECOND_MS),
                entities,
            },
        );
        prop::collection::vec(record, 0..5)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(records in records()) {
            let text = write(&records);
            prop_assert_eq!(query_bytes(&records), PARAMETER.len() + 1 + encode(&text).to_string().len());
            prop_assert_eq!(read(&text), Ok(records));
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "([\\[\\]{}:,\"]|InstanceId|Entities|StartTime|[0-9]|.){0,40}") {
            let _ = read(&text);
        }

        #[test]
        fn one_bill_never_costs_less_than_its_parts(a in 0..u64::MAX / 2, b in 0..u64::MAX / 2, fen in 0_u64..100_000, unit in prop::sample::select(&UNITS)) {
            let price = Price::parse(&format!("{}.{:02}", fen / 100, fen % 100)).unwrap();
            let parts = unit.amount_fen(a, price).saturating_add(unit.amount_fen(b, price));
            let whole = unit.amount_fen(a + b, price);
            prop_assert!(parts <= whole && whole - parts <= 1);
        }
    }
}
