//! The parameters of a call as they are stored: what of them is a person's own text, and what is left without it.

use serde_json::{Map, Value};

use super::{CONTACT, RESERVED};

/// Most digits of a number that says how much, not who: a billing item's quantity.
const QUANTITY_DIGITS: usize = 6;

/// Whether a parameter may hold what somebody typed (rules D6): any that is not the protocol's own, unless it is a quantity.
pub(super) fn is_free_form(name: &str, value: &str) -> bool {
    let is_quantity = value.len() <= QUANTITY_DIGITS && value.bytes().all(|b| b.is_ascii_digit());
    CONTACT.contains(&name) || !RESERVED.contains(&name) && !is_quantity
}

fn is_erasable(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => is_free_form(name, text),
        Value::Array(values) => values.iter().any(|value| is_erasable(name, value)),
        _ => false,
    }
}

fn parsed(stored: &str) -> Map<String, Value> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// Stored parameters without free-form values. Each name keeps its place with null, which nothing received can be.
#[must_use]
pub fn erased(stored: &str) -> String {
    let mut params = parsed(stored);
    for (name, value) in &mut params {
        if is_erasable(name, value) {
            *value = Value::Null;
        }
    }
    Value::Object(params).to_string()
}

/// Stored parameters without those that are free-form.
#[must_use]
pub fn without_free_form(stored: &str) -> String {
    let mut params = parsed(stored);
    params.retain(|name, value| !is_erasable(name, value));
    Value::Object(params).to_string()
}

/// Whether something was erased from stored parameters.
#[must_use]
pub fn is_erased(stored: &str) -> bool {
    parsed(stored).values().any(Value::is_null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_is_erased_and_what_was_bought_stays() {
        let stored = r#"{"action":"createInstance","mobile":"1","Count":"2","Region":"上海","x":["1","y"],"template":"t","token":"[hidden]"}"#;
        let left = erased(stored);
        assert!(is_erased(&left) && !is_erased(stored));
        let left: Value = serde_json::from_str(&left).unwrap_or_default();
        for (name, value) in [("action", "createInstance"), ("Count", "2"), ("template", "t"), ("token", "[hidden]")] {
            assert_eq!(left[name], value);
        }
        for name in ["mobile", "Region", "x"] {
            assert!(left.get(name).is_some_and(Value::is_null), "{name}: {left}");
        }
        assert_eq!(erased(&left.to_string()), left.to_string(), "once is enough");
        assert_eq!(parsed(&without_free_form(stored)).len(), 4);
    }

    #[test]
    fn what_a_migration_takes_for_the_protocols_own_is_that() {
        let sql = include_str!("../../store/migrations/0003-people-and-operations.sql");
        let lists: Vec<&str> =
            sql.split("WHERE key ").skip(1).filter_map(|rest| rest.split(['(', ')']).nth(1)).collect();
        assert_eq!(lists.len(), 2, "calls and alarms");
        for list in lists {
            for name in list.split(',').map(|name| name.trim().trim_matches('\'')) {
                assert!(!is_free_form(name, "what somebody typed"), "{name}");
            }
        }
    }

    #[test]
    fn a_long_number_tells_of_somebody() {
        for (value, is_free) in [("", false), ("999999", false), ("1234567", true), ("-1", true), ("a", true)] {
            assert_eq!(is_free_form("Count", value), is_free, "{value}");
        }
        assert!(!is_free_form("orderId", "205060317920890"));
    }
}
