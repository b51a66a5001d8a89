//! Billing items: what a product is metered by.

use serde::{Deserialize, Serialize};

use super::{ConfigError, wrong};
use crate::domain::usage::{Aggregate, Cycle, Late, Rule, Timing, is_gauge_key};
use crate::domain::value::{Lang, MINUTE_MS, SECOND_MS};

/// When records are closed.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metering {
    /// Minutes after an hour from which its records are pushed: 1 to 40.
    pub seal_minutes: u32,
    /// How long a released subscription's last events are waited for.
    pub drain_secs: u32,
}

impl Default for Metering {
    fn default() -> Self {
        Self { seal_minutes: 12, drain_secs: 120 }
    }
}

impl Metering {
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing { seal_ms: i64::from(self.seal_minutes) * MINUTE_MS, drain_ms: i64::from(self.drain_secs) * SECOND_MS }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=40).contains(&self.seal_minutes) {
            return wrong(
                "metering.seal_minutes must be 1 to 40: records have to be pushed before the hour's 55th minute",
            );
        }
        if self.drain_secs > 600 {
            return wrong(
                "metering.drain_secs must be 600 at most: the marketplace may close a released subscription soon",
            );
        }
        Ok(())
    }
}

/// How requests that carry usage are made (rules C5, C6).
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Push {
    /// Bytes of the encoded records in one request.
    pub max_query_bytes: usize,
    /// The marketplace refuses a request as a whole. Otherwise each carries one instance only.
    pub assume_batch_atomic: bool,
}

impl Default for Push {
    fn default() -> Self {
        Self { max_query_bytes: 7 * 1024, assume_batch_atomic: true }
    }
}

impl Push {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if (1024..=7 * 1024).contains(&self.max_query_bytes) {
            return Ok(());
        }
        wrong("push.max_query_bytes must be 1024 to 7168: servers refuse addresses above 8 KB, signature included")
    }
}

/// One billing item of a product, as its listing at the marketplace has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The marketplace's key, such as `Storage`.
    pub key: String,
    pub name: String,
    #[serde(default)]
    pub name_en: String,
    /// The unit of quantities, as it is pushed; for people.
    #[serde(default)]
    pub unit: String,
    /// Default: `sum`; a key that measures a level has to say (rules C1).
    #[serde(default)]
    pub aggregate: Option<Aggregate>,
    #[serde(default)]
    pub cycle: Cycle,
    #[serde(default)]
    pub late: Late,
    /// The item's id in the listing; new products cannot be pushed without.
    #[serde(default)]
    pub assit: String,
    /// CNY per billed unit, a decimal text; for estimates only.
    #[serde(default)]
    pub price: String,
}

impl Item {
    /// How its events become a number.
    #[must_use]
    pub fn aggregate(&self) -> Aggregate {
        self.aggregate.unwrap_or(Aggregate::Sum)
    }

    /// How its events are counted.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule { aggregate: self.aggregate(), cycle: self.cycle, late: self.late }
    }

    /// The item's name in a language; Chinese where no other is given.
    #[must_use]
    pub fn name_in(&self, lang: Lang) -> &str {
        if lang == Lang::En && !self.name_en.is_empty() { &self.name_en } else { &self.name }
    }

    fn check(&self, product: &str) -> Result<(), ConfigError> {
        let key = &self.key;
        if key.is_empty() || key.len() > 64 || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        {
            return wrong(format!("seller.product.item.key '{key}' of {product} is not a key such as Storage"));
        }
        if self.aggregate.is_none() && is_gauge_key(key) {
            return wrong(format!(
                "seller.product.item {key} of {product} needs aggregate = \"max\", \"last\", \"time_average\" or \"sum\": it measures a level, and only you know how it is sold"
            ));
        }
        if self.late == Late::Carry && self.aggregate().is_gauge() {
            return wrong(format!(
                "seller.product.item {key} of {product}: late = \"carry\" is for aggregate = \"sum\" only, a level cannot be added to a later hour"
            ));
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (whole, fraction) = self.price.split_once('.').unwrap_or((&self.price, "0"));
        let is_decimal = digits(whole) && digits(fraction) && fraction.len() <= 8 && self.price.len() <= 13;
        if !is_decimal && !self.price.is_empty() {
            return wrong(format!(
                "seller.product.item.price of {key} of {product} must be a decimal text such as \"0.001\", not '{}'",
                self.price
            ));
        }
        Ok(())
    }
}

/// Checks the items of one product.
pub(super) fn check(product: &str, items: &[Item]) -> Result<(), ConfigError> {
    for (index, item) in items.iter().enumerate() {
        item.check(product)?;
        if items[..index].iter().any(|other| other.key == item.key) {
            return wrong(format!("seller.product.item {} of {product} appears twice", item.key));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::config::{Config, EXAMPLE};

    fn item(text: &str) -> Result<Item, String> {
        let item: Item = toml::from_str(&format!("name = \"x\"\n{text}")).map_err(|cause| cause.to_string())?;
        check("p", std::slice::from_ref(&item)).map(|()| item).map_err(|cause| cause.to_string())
    }

    #[test]
    fn a_level_has_to_say_how_it_is_counted() {
        for key in ["Storage", "StorageGigaByte", "VirtualCpu", "Memory", "DailyActiveUser", "Suit"] {
            assert!(item(&format!("key = \"{key}\"")).unwrap_err().contains("needs aggregate"), "{key}");
            assert_eq!(item(&format!("key = \"{key}\"\naggregate = \"max\"")).unwrap().aggregate(), Aggregate::Max);
        }
        assert_eq!(item("key = \"Period\"").unwrap().aggregate(), Aggregate::Sum);
        assert!(item("key = \"Period\"\naggregate = \"average\"").is_err());
    }

    #[test]
    fn items_that_cannot_be_billed_as_they_say_are_refused() {
        assert!(item("key = \"Period\"\nlate = \"carry\"").is_ok());
        assert!(item("key = \"Memory\"\naggregate = \"last\"\nlate = \"carry\"").unwrap_err().contains("carry"));
        assert!(item("key = \"\"").unwrap_err().contains("key"));
        for (price, is_fine) in
            [("0.001", true), ("12", true), ("", true), ("-1", false), ("1.", false), ("1e3", false)]
        {
            assert_eq!(item(&format!("key = \"Period\"\nprice = \"{price}\"")).is_ok(), is_fine, "{price}");
        }
        let twice = item("key = \"Period\"").unwrap();
        assert!(check("p", &[twice.clone(), twice]).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn the_example_shows_items_and_when_they_are_closed() {
        // Secrets are files elsewhere.
        let text: String = EXAMPLE.lines().filter(|line| !line.contains("_file = \"/")).collect::<Vec<_>>().join("\n");
        let text = text
            .replace("console_url =", "isv_key = \"0123456789abcdef\"\naccess_key_secret = \"x\"\nconsole_url =")
            .replace("user = \"marketgate\"", "user = \"marketgate\"\npassword = \"x\"");
        let config = Config::parse(&text).unwrap();
        let product = config.first_product().unwrap();
        assert_eq!(product.items.len(), 3);
        assert_eq!(product.item("Storage").unwrap().aggregate(), Aggregate::Max);
        assert_eq!(config.metering.timing(), Timing { seal_ms: 12 * MINUTE_MS, drain_ms: 120 * SECOND_MS });
        for minutes in ["0", "41"] {
            assert!(Config::parse(&text.replace("seal_minutes = 12", &format!("seal_minutes = {minutes}"))).is_err());
        }
    }
}
