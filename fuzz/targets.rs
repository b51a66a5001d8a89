//! What strangers send, read as the gateway reads it: each target takes any bytes, must not panic, and says what has to
//! hold of whatever was read. `make test` runs them over the corpus, `make fuzz` lets a fuzzer go on from there.

use marketgate::cli::files;
use marketgate::config::Config;
use marketgate::domain::network::Network;
use marketgate::domain::organization::{NAME_MAX, check_name};
use marketgate::domain::value::{Email, Instant, Lang, is_hidden};
use marketgate::market::call::{Action, Call, MAX_INSTANCE_ID_BYTES, MAX_PARAMS};
use marketgate::market::openapi::answer::Answer;
use marketgate::market::openapi::describe;
use marketgate::market::{enter, metering, time, token};
use marketgate::web::cloudevent::{self, MAX_EVENTS, Mode};
use marketgate::web::{Fields, MAX_FIELDS, local_path};

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("query", query),
    ("link", link),
    ("cloudevents", cloudevents),
    ("usage_csv", usage_csv),
    ("usage_ndjson", usage_ndjson),
    ("seed", seed),
    ("config", config),
    ("form", form),
    ("answer", answer),
    ("metering", metering),
    ("text", text),
];

const KEY: &str = "a-key-of-the-seller-0123456789";

/// A provisioning call: query and, behind the first line break, a form.
pub fn query(data: &[u8]) {
    let mut parts = data.splitn(2, |b| *b == b'\n');
    let (query, body) = (parts.next().unwrap_or_default(), parts.next());
    let Ok(call) = Call::parse(query, body) else { return };
    let params: Vec<(String, String)> = call.params().map(|(name, value)| (name.into(), value.into())).collect();
    assert!(params.len() <= MAX_PARAMS);
    let told: serde_json::Value = serde_json::from_str(&call.redacted_json()).unwrap();
    assert!(told.is_object());
    if let Some(secret) = call.get("token").filter(|secret| secret.len() == 32) {
        let said_elsewhere =
            params.iter().any(|(name, value)| name != "token" && (value.contains(secret) || name.contains(secret)));
        assert!(said_elsewhere || !call.redacted_json().contains(secret), "a token in the log");
    }
    assert_eq!(call.digest(), call.digest());
    let signed = token::sign(&params, KEY);
    assert!(call.is_signed_by(&[KEY]) == call.get("token").is_some_and(|token| token.eq_ignore_ascii_case(&signed)));
    if let Ok(action) = call.action() {
        let id = action.instance_id();
        assert!(!id.is_empty() && id.len() <= MAX_INSTANCE_ID_BYTES, "{id}");
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{id}");
    }
}

/// A login-free link, made from an address and opened again.
pub fn link(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (address, instance) = text.split_once('\n').unwrap_or((text, "1"));
    let stamp = Instant::from_ms(1_795_400_400_000);
    let Ok(link) = enter::link(address, instance, stamp, KEY) else { return };
    let query = link.split_once('?').unwrap().1.split('#').next().unwrap();
    let Ok(call) = Call::parse(query.as_bytes(), None) else { return };
    assert!(call.is_signed_by(&[KEY]), "{link}");
    if let Ok(Action::Verify(entry)) = call.action() {
        assert!(entry.stamp == stamp || address.contains("timeStamp"), "{link}");
    }
    if let Some(at) = time::parse(instance) {
        let second = Instant::from_ms(at.ms() - at.ms().rem_euclid(1_000));
        assert_eq!(time::parse(&time::text(at)), Some(second), "texts are of seconds, stamps may be finer");
        let _ = enter::within_window(at, stamp, enter::WINDOW_MS);
    }
}

/// Usage as the API takes it.
pub fn cloudevents(data: &[u8]) {
    if let Ok(events) = cloudevent::read(Mode::One, data) {
        assert_eq!(events.len(), 1);
    }
    if let Ok(events) = cloudevent::read(Mode::Batch, data) {
        assert!(events.len() <= MAX_EVENTS);
        for event in events {
            assert!(event.source.len() <= 256 && event.id.len() <= 256);
            if let Ok(usage) = event.usage {
                assert!(usage.quantity >= 0 && !usage.item.is_empty() && usage.secs.is_none_or(|secs| secs >= 0));
            }
        }
    }
}

pub fn usage_csv(data: &[u8]) {
    if let Some((events, bad)) = files::well_formed(data, true) {
        assert!(bad <= events);
    }
}

pub fn usage_ndjson(data: &[u8]) {
    if let Some((events, bad)) = files::well_formed(data, false) {
        assert!(bad <= events && events <= data.split(|b| *b == b'\n').count());
    }
}

/// The seed of a fixture. What is refused is refused in words.
pub fn seed(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Err(why) = files::check_seed(text)
    {
        assert!(!why.to_string().is_empty());
    }
}

pub fn config(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Err(why) = Config::parse(text)
    {
        assert!(!why.to_string().is_empty());
    }
}

pub fn form(data: &[u8]) {
    if let Ok(fields) = Fields::parse(data) {
        assert!(data.split(|b| *b == b'&').filter(|field| !field.is_empty()).count() <= MAX_FIELDS);
        assert!(fields.text("csrf").len() <= 3 * data.len(), "what is no UTF-8 becomes three bytes");
    }
}

/// What the marketplace answers, in JSON or XML.
pub fn answer(data: &[u8]) {
    let Ok(body) = std::str::from_utf8(data) else { return };
    if let Some(answer) = Answer::read(body) {
        assert!(answer.fields.is_object());
        assert!(!answer.is_success() || answer.error().is_none());
    }
    for status in [200, 400, 500] {
        let _ = (describe::instance(status, body, "1"), describe::order(status, body, "1"));
        let _ = (describe::notifications(status, body), describe::confirmed(status, body));
    }
}

/// The text of a push. What was read is written so that it reads the same.
pub fn metering(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(records) = metering::read(text) {
        assert_eq!(metering::read(&metering::write(&records)).unwrap(), records);
        assert!(metering::query_bytes(&records) >= metering::write(&records).len());
    }
}

/// What people type into single fields.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = check_name(text) {
        assert!(!name.chars().any(is_hidden) && (1..=NAME_MAX).contains(&name.chars().count()));
        assert_eq!(check_name(&name).as_deref(), Ok(name.as_str()));
    }
    if let Some(email) = Email::parse(text) {
        assert_eq!(Email::parse(email.as_str()).as_ref(), Some(&email));
        assert!(!email.as_str().contains(|c: char| c.is_whitespace() || c.is_control()));
    }
    if let Some(path) = local_path(text) {
        let base = url::Url::parse("https://gate.example.com/x").unwrap();
        assert_eq!(base.join(path).unwrap().origin(), base.origin(), "{path} leads away");
    }
    if let Ok(network) = text.parse::<Network>() {
        assert_eq!(String::from(network).parse::<Network>().as_ref(), Ok(&network));
    }
    let _ = Lang::parse(text);
    if let Some(price) = metering::Price::parse(text) {
        let _ = metering::unit_of("Storage").map(|unit| unit.amount_fen(u64::MAX / 4, price));
    }
}
