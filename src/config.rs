//! Every setting in one struct: read once, checked once, prints itself without secrets.
//!
//! One TOML file; every key also as an environment variable (`brand.name` is `MARKETGATE_BRAND_NAME`,
//! `seller[0].isv_key` is `MARKETGATE_SELLER_0_ISV_KEY`); common ones also as flags.
//! Precedence: flag, environment, file, default.

mod accounts;
mod backup;
mod hook;
mod item;
mod metrics;
mod rate;
mod smtp;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use url::Url;

use crate::domain::letter::Letterhead;
use crate::domain::network::{ForwardedBy, Network};
use crate::domain::usage::Rule;
use crate::domain::value::Lang;
pub use accounts::{Accounts, OperatorTotp, Registration, Unverified};
pub use backup::{Backup, Standby};
pub use hook::{Confirmation, Webhooks};
pub use item::{Item, Metering, Push};
pub use metrics::Metrics;
pub use rate::Rates;
pub use smtp::{Smtp, SmtpTls};

/// The keys of the demo, which `serve` refuses.
pub const DEMO_ISV_KEY: &str = "demo-isv-key-not-for-production";
/// Shortest ISV key that `serve` accepts, in characters (rules D5).
const ISV_KEY_MIN: usize = 16;
const IS_DEMO: &str = "is the demo's key, which everybody knows";

/// Whether a key can be one that the marketplace signs with.
///
/// # Errors
/// What is wrong with it.
pub fn check_isv_key(key: &str) -> Result<(), String> {
    if key == DEMO_ISV_KEY {
        Err(IS_DEMO.to_owned())
    } else if key.chars().count() < ISV_KEY_MIN {
        Err(format!(
            "is shorter than {ISV_KEY_MIN} characters: give the whole key from the overview page of the marketplace's console"
        ))
    } else if key.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Err("has a blank in it: give the key alone".to_owned())
    } else {
        Ok(())
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Origin under which browsers reach the gateway, such as `https://gate.example.com`.
    pub public_url: String,
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    #[serde(default = "default_database")]
    pub database: PathBuf,
    /// 32 bytes, made by `marketgate init`. Default: `<database>.key`.
    #[serde(default)]
    pub master_key_file: Option<PathBuf>,
    /// Networks of reverse proxies that are believed when they say whose request they pass on.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// The header in which they say it. The other one is what a client sent and is not looked at.
    #[serde(default)]
    pub forwarded_by: ForwardedBy,
    #[serde(default)]
    pub metrics: Metrics,
    #[serde(default)]
    pub backup: Backup,
    #[serde(default)]
    pub standby: Standby,
    #[serde(default)]
    pub brand: Brand,
    /// Where 「进入产品」 leads. Without it the console is the product.
    #[serde(default)]
    pub product_entry: Option<ProductEntry>,
    #[serde(default)]
    pub accounts: Accounts,
    #[serde(default)]
    pub landing: Landing,
    #[serde(default)]
    pub binding: Binding,
    #[serde(default)]
    pub heal: Heal,
    #[serde(default)]
    pub confirmation: Confirmation,
    #[serde(default)]
    pub webhooks: Webhooks,
    #[serde(default)]
    pub metering: Metering,
    #[serde(default)]
    pub push: Push,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub rates: Rates,
    /// Without it mails are queued and nobody sends them.
    #[serde(default)]
    pub smtp: Option<Smtp>,
    #[serde(default, rename = "seller")]
    pub sellers: Vec<Seller>,
}

/// How the installation calls itself.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Brand {
    pub name: String,
    pub support: String,
    pub docs_url: String,
    /// The product's own sign-in page.
    pub login_url: String,
    pub terms_url: String,
    pub privacy_url: String,
    /// Replaces the sentence about invoices on 「帐单概览」.
    pub invoice_zh: String,
    pub invoice_en: String,
}

impl Default for Brand {
    fn default() -> Self {
        let empty = String::new;
        Self {
            name: "Zilliz Cloud".into(),
            support: "support@example.com".into(),
            docs_url: empty(),
            login_url: empty(),
            terms_url: empty(),
            privacy_url: empty(),
            invoice_zh: empty(),
            invoice_en: empty(),
        }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProductEntry {
    /// Receives `?code=…&org=…&state=…`.
    pub url: String,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Landing {
    /// How far a login-free link's time may be from now, either way.
    pub window_secs: u32,
}

impl Default for Landing {
    fn default() -> Self {
        Self { window_secs: 300 }
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Binding {
    /// A request becomes live this long after its confirmation at the earliest; the demo takes two
    /// seconds, so that people see the processing page.
    pub processing_secs: u32,
}

/// How differences from the marketplace are found, with a seller's AccessKey.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Heal {
    /// Minutes between two looks for what never arrived. 0: the marketplace is not asked for differences at all, and
    /// each of them is an alarm, as without an AccessKey.
    pub sweep_mins: u32,
}

impl Default for Heal {
    fn default() -> Self {
        Self { sweep_mins: 10 }
    }
}

/// How often one address or one user may try what can be guessed or flooded.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub sign_in_per_address_minute: NonZeroU32,
    pub sign_in_per_user_minute: NonZeroU32,
    pub register_per_address_hour: NonZeroU32,
    pub reset_per_address_hour: NonZeroU32,
    pub reset_per_user_hour: NonZeroU32,
    pub landing_per_address_minute: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        let count = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            sign_in_per_address_minute: count(30),
            sign_in_per_user_minute: count(6),
            register_per_address_hour: count(5),
            reset_per_address_hour: count(20),
            reset_per_user_hour: count(3),
            landing_per_address_minute: count(60),
        }
    }
}

/// One ISV account at a marketplace. Its paths are `/marketplace/{id}/spi` and `/login`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// Lower-case letters and digits.
    pub id: String,
    #[serde(default = "default_site")]
    pub site: Site,
    #[serde(default)]
    pub isv_key: Secret,
    #[serde(default)]
    pub isv_key_file: Option<PathBuf>,
    /// The key before the last rotation; still accepted.
    #[serde(default)]
    pub isv_key_previous: Secret,
    #[serde(default)]
    pub isv_key_previous_file: Option<PathBuf>,
    #[serde(default, rename = "product")]
    pub products: Vec<Product>,
    /// The marketplace console's list of purchases, for 「回到云市场」.
    #[serde(default = "default_console_url")]
    pub console_url: String,
    /// The access key of the ISV account. Without it the marketplace's `OpenAPI` is never asked.
    #[serde(default)]
    pub access_key_id: String,
    #[serde(default)]
    pub access_key_secret: Secret,
    #[serde(default)]
    pub access_key_secret_file: Option<PathBuf>,
    /// Origin of the marketplace's `OpenAPI`.
    #[serde(default = "default_openapi_url")]
    pub openapi_url: String,
    #[serde(default)]
    pub openapi_signature: OpenapiSignature,
}

/// How requests to the `OpenAPI` are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenapiSignature {
    /// ACS3-HMAC-SHA256, what the current SDKs send.
    #[default]
    V3,
    /// HMAC-SHA1, what older SDKs send.
    V1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    Cn,
    Intl,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub code: String,
    pub name: String,
    /// The product's page at the marketplace, for the entrance of organizations without a channel.
    pub market_url: String,
    /// The marketplace's own bill, for 「查看阿里云帐单」.
    pub bill_url: String,
    #[serde(default, rename = "plan")]
    pub plans: Vec<Plan>,
    #[serde(default, rename = "item")]
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub sku: String,
    pub name: String,
    #[serde(default)]
    pub name_en: String,
    pub kind: PlanKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanKind {
    Prepay,
    Postpay,
}

/// Text that never shows itself.
#[derive(Clone, Default)]
pub struct Secret(String);

impl<'de> Deserialize<'de> for Secret {
    /// By hand, because the usual error of another type quotes the value.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("a key or password must be a text in quotes")),
        }
    }
}

impl Secret {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "\"[hidden]\"" })
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "[hidden]" })
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_database() -> PathBuf {
    PathBuf::from("marketgate.db")
}

fn default_site() -> Site {
    Site::Cn
}

fn default_console_url() -> String {
    "https://market.console.aliyun.com/".into()
}

fn default_openapi_url() -> String {
    "https://market.aliyuncs.com".into()
}

/// Why a configuration cannot be used: a sentence that says what to change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

fn wrong<T>(sentence: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError(sentence.into()))
}

impl Config {
    /// Reads the file (if any), lets the environment and then the flags override it, reads the secrets' files.
    ///
    /// `environment` yields names and values as the process got them; `flags` are dotted keys with values.
    ///
    /// # Errors
    /// A sentence naming the key, and the nearest known key for a misspelt one.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<Self, ConfigError> {
        let mut table = match file {
            None => Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| ConfigError(format!("cannot read {}: {e}", path.display())))?;
                read_table(&text).map_err(|cause| ConfigError(format!("{} is {cause}", path.display())))?
            }
        };
        for (name, value) in environment {
            if let Some(rest) = name.strip_prefix("MARKETGATE_")
                // Read by the build; the last three by the commands that play the marketplace's side.
                && !matches!(rest, "CONFIG" | "LOG" | "COMMIT" | "ISV_KEY" | "ACCESS_KEY_ID" | "ACCESS_KEY_SECRET")
            {
                set(&mut table, &key_of(rest)?, value)?;
            }
        }
        for (key, value) in flags {
            set(&mut table, key, value.clone())?;
        }
        Self::from_table(table)
    }

    /// Reads a whole configuration from one text, without environment or flags.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::from_table(read_table(text)?)
    }

    fn from_table(table: Table) -> Result<Self, ConfigError> {
        let config: Self =
            Value::Table(table).try_into().map_err(|e: toml::de::Error| ConfigError(with_suggestion(e.message())))?;
        config.with_secrets()
    }

    fn with_secrets(mut self) -> Result<Self, ConfigError> {
        for seller in &mut self.sellers {
            read_secret(&mut seller.isv_key, seller.isv_key_file.as_deref(), "isv_key")?;
            read_secret(&mut seller.isv_key_previous, seller.isv_key_previous_file.as_deref(), "isv_key_previous")?;
            read_secret(&mut seller.access_key_secret, seller.access_key_secret_file.as_deref(), "access_key_secret")?;
        }
        if let Some(smtp) = &mut self.smtp {
            read_secret(&mut smtp.password, smtp.password_file.as_deref(), "smtp.password")?;
        }
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if origin_of(&self.public_url).is_none() {
            return wrong(format!(
                "public_url must be an origin such as https://gate.example.com, without a path, not '{}'",
                self.public_url
            ));
        }
        if self.sellers.is_empty() {
            return wrong(
                "no [[seller]] is configured: add one with its isv_key_file and products (see `marketgate config example`)",
            );
        }
        for (index, seller) in self.sellers.iter().enumerate() {
            if seller.id.is_empty() || !seller.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
                return wrong(format!(
                    "seller.id '{}' must be lower-case letters and digits: it becomes part of /marketplace/{{id}}/spi",
                    seller.id
                ));
            }
            if self.sellers[..index].iter().any(|other| other.id == seller.id) {
                return wrong(format!("seller.id '{}' appears twice", seller.id));
            }
            if seller.isv_key.is_empty() {
                return wrong(format!(
                    "seller '{}' has no isv_key: put the key from the marketplace console's overview page into isv_key_file",
                    seller.id
                ));
            }
            if seller.access_key_id.is_empty() != seller.access_key_secret.is_empty() {
                return wrong(format!(
                    "seller '{}': access_key_id and access_key_secret (or access_key_secret_file) go together: give both or neither",
                    seller.id
                ));
            }
            if origin_of(&seller.openapi_url).is_none() {
                return wrong(format!(
                    "seller.openapi_url must be an origin such as https://market.aliyuncs.com, not '{}'",
                    seller.openapi_url
                ));
            }
            for product in &seller.products {
                item::check(&product.code, &product.items)?;
                for (key, text) in [("market_url", &product.market_url), ("bill_url", &product.bill_url)] {
                    if Url::parse(text).is_err() {
                        return wrong(format!("seller.product.{key} of {} is not an address: '{text}'", product.code));
                    }
                }
            }
        }
        if let Some(entry) = &self.product_entry
            && Url::parse(&entry.url).is_err()
        {
            return wrong(format!("product_entry.url is not an address: '{}'", entry.url));
        }
        for (key, text) in [
            ("docs_url", &self.brand.docs_url),
            ("login_url", &self.brand.login_url),
            ("terms_url", &self.brand.terms_url),
            ("privacy_url", &self.brand.privacy_url),
        ] {
            if !text.is_empty() && !Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
                return wrong(format!("brand.{key} is not a web address: '{text}'"));
            }
        }
        if let Some(smtp) = &self.smtp {
            smtp.check()?;
        }
        self.metrics.address()?;
        self.backup.check()?;
        self.metering.check()?;
        self.push.check()?;
        self.accounts.check()?;
        if self.heal.sweep_mins > 1440 {
            return wrong("heal.sweep_mins must be 0 to 1440");
        }
        if !(10..=3600).contains(&self.confirmation.timeout_secs) {
            return wrong("confirmation.timeout_secs must be 10 to 3600");
        }
        if !(10..=3600).contains(&self.landing.window_secs) {
            return wrong("landing.window_secs must be 10 to 3600");
        }
        Ok(())
    }

    /// What only production asks for. `serve` refuses to start otherwise.
    ///
    /// # Errors
    /// A sentence that says which setting is unsafe and what to do.
    pub fn check_for_production(&self) -> Result<(), ConfigError> {
        if !self.is_https() {
            return wrong(
                "public_url must be https in production: buyers' sessions and login-free links travel over it",
            );
        }
        for seller in &self.sellers {
            if let Err(why) = check_isv_key(seller.isv_key.expose()) {
                return wrong(format!("the isv_key of seller '{}' {why}", seller.id));
            }
            if seller.isv_key_previous.expose() == DEMO_ISV_KEY {
                return wrong(format!("the isv_key_previous of seller '{}' {IS_DEMO}", seller.id));
            }
            for file in [&seller.isv_key_file, &seller.isv_key_previous_file, &seller.access_key_secret_file]
                .into_iter()
                .flatten()
            {
                check_private(file)?;
            }
            if seller.has_access_key() && !seller.openapi_url.starts_with("https://") {
                return wrong(format!(
                    "seller '{}': openapi_url must be https in production: what is asked and pushed there is money",
                    seller.id
                ));
            }
        }
        if let Some(file) = self.smtp.as_ref().and_then(|smtp| smtp.password_file.as_deref()) {
            check_private(file)?;
        }
        let master_key = self.master_key_path();
        if !master_key.exists() {
            return wrong(format!("there is no master key {} yet: run `marketgate init` once", master_key.display()));
        }
        check_private(&master_key)?;
        self.accounts.check_for_production(self.smtp.is_some())
    }

    /// What every mail carries.
    #[must_use]
    pub fn letterhead(&self) -> Letterhead<'_> {
        Letterhead { public_url: &self.public_url, brand: &self.brand.name, support: &self.brand.support }
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    #[must_use]
    pub fn master_key_path(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| {
            let mut name = self.database.clone().into_os_string();
            name.push(".key");
            name.into()
        })
    }

    #[must_use]
    pub fn seller(&self, id: &str) -> Option<&Seller> {
        self.sellers.iter().find(|seller| seller.id == id)
    }

    /// Whether the marketplace is asked how a seller's subscriptions stand.
    #[must_use]
    pub fn asks(&self, seller: &Seller) -> bool {
        seller.has_access_key() && self.heal.sweep_mins > 0
    }

    /// The product and plan of a subscription, as far as they are configured.
    #[must_use]
    pub fn product(&self, seller_id: &str, code: &str) -> Option<&Product> {
        self.seller(seller_id)?.products.iter().find(|product| product.code == code)
    }

    /// How an item's usage is counted: with a product (seller and code), or with the first that has the item.
    #[must_use]
    pub fn usage_rule(&self, product: Option<(&str, &str)>, item: &str) -> Option<Rule> {
        match product {
            Some((seller, code)) => self.product(seller, code)?.item(item).map(Item::rule),
            None => {
                self.sellers.iter().flat_map(|seller| &seller.products).find_map(|one| one.item(item)).map(Item::rule)
            }
        }
    }

    /// The product whose page at the marketplace an organization without a channel is shown.
    #[must_use]
    pub fn first_product(&self) -> Option<&Product> {
        self.sellers.iter().find_map(|seller| seller.products.first())
    }
}

impl Seller {
    /// Whether the marketplace's `OpenAPI` can be asked for this seller.
    #[must_use]
    pub fn has_access_key(&self) -> bool {
        !self.access_key_id.is_empty()
    }
}

impl Plan {
    /// The plan's name in a language; Chinese where no other is given.
    #[must_use]
    pub fn name_in(&self, lang: Lang) -> &str {
        if lang == Lang::En && !self.name_en.is_empty() { &self.name_en } else { &self.name }
    }
}

impl Product {
    #[must_use]
    pub fn plan(&self, sku: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.sku == sku)
    }

    #[must_use]
    pub fn item(&self, key: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key == key)
    }
}

/// The address, if it is an origin and nothing more.
fn origin_of(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.origin().ascii_serialization() == text
    })
}

fn read_secret(secret: &mut Secret, file: Option<&Path>, key: &str) -> Result<(), ConfigError> {
    let Some(path) = file else { return Ok(()) };
    if !secret.is_empty() {
        return wrong(format!("{key} and {key}_file are both given; keep one"));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError(format!("cannot read {key}_file {}: {e}", path.display())))?;
    *secret = Secret::new(text.trim());
    Ok(())
}

fn check_private(path: &Path) -> Result<(), ConfigError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o007 != 0 => wrong(format!(
            "{} can be read by every user of this machine: run `chmod 600 {}`",
            path.display(),
            path.display()
        )),
        Ok(_) => Ok(()),
        Err(e) => wrong(format!("cannot read {}: {e}", path.display())),
    }
}

/// The kinds of values that the environment and flags can set.
#[derive(Clone, Copy, PartialEq)]
enum Type {
    Text,
    Number,
    Truth,
    List,
}

/// Every key that one text can set; `seller` stands for `seller.0`, `seller.1` and so on.
const KEYS: &[(&str, Type)] = &[
    ("public_url", Type::Text),
    ("listen", Type::Text),
    ("database", Type::Text),
    ("master_key_file", Type::Text),
    ("trusted_proxies", Type::List),
    ("forwarded_by", Type::Text),
    ("metrics.listen", Type::Text),
    ("backup.directory", Type::Text),
    ("backup.at", Type::List),
    ("backup.keep_days", Type::Number),
    ("standby.fence_file", Type::Text),
    ("brand.name", Type::Text),
    ("brand.support", Type::Text),
    ("brand.docs_url", Type::Text),
    ("brand.login_url", Type::Text),
    ("brand.terms_url", Type::Text),
    ("brand.privacy_url", Type::Text),
    ("brand.invoice_zh", Type::Text),
    ("brand.invoice_en", Type::Text),
    ("product_entry.url", Type::Text),
    ("accounts.registration", Type::Text),
    ("accounts.unverified", Type::Text),
    ("accounts.passwordless_entry", Type::Truth),
    ("accounts.operator_totp", Type::Text),
    ("accounts.hash_threads", Type::Number),
    ("landing.window_secs", Type::Number),
    ("binding.processing_secs", Type::Number),
    ("heal.sweep_mins", Type::Number),
    ("confirmation.required", Type::Truth),
    ("confirmation.timeout_secs", Type::Number),
    ("webhooks.private_networks", Type::List),
    ("metering.seal_minutes", Type::Number),
    ("metering.drain_secs", Type::Number),
    ("push.max_query_bytes", Type::Number),
    ("push.assume_batch_atomic", Type::Truth),
    ("limits.sign_in_per_address_minute", Type::Number),
    ("limits.sign_in_per_user_minute", Type::Number),
    ("limits.register_per_address_hour", Type::Number),
    ("limits.reset_per_address_hour", Type::Number),
    ("limits.reset_per_user_hour", Type::Number),
    ("limits.landing_per_address_minute", Type::Number),
    ("rates.api_per_key_minute", Type::Number),
    ("rates.usage_per_key_minute", Type::Number),
    ("rates.pages_per_address_minute", Type::Number),
    ("rates.organizations_per_user_hour", Type::Number),
    ("rates.invitations_per_user_hour", Type::Number),
    ("rates.changes_per_user_hour", Type::Number),
    ("smtp.host", Type::Text),
    ("smtp.port", Type::Number),
    ("smtp.tls", Type::Text),
    ("smtp.user", Type::Text),
    ("smtp.password", Type::Text),
    ("smtp.password_file", Type::Text),
    ("smtp.from", Type::Text),
    ("seller.id", Type::Text),
    ("seller.site", Type::Text),
    ("seller.console_url", Type::Text),
    ("seller.isv_key", Type::Text),
    ("seller.isv_key_file", Type::Text),
    ("seller.isv_key_previous", Type::Text),
    ("seller.isv_key_previous_file", Type::Text),
    ("seller.access_key_id", Type::Text),
    ("seller.access_key_secret", Type::Text),
    ("seller.access_key_secret_file", Type::Text),
    ("seller.openapi_url", Type::Text),
    ("seller.openapi_signature", Type::Text),
];

/// `BRAND_NAME` is `brand.name`, `SELLER_0_ISV_KEY` is `seller.0.isv_key`.
fn key_of(name: &str) -> Result<String, ConfigError> {
    let lower = name.to_lowercase();
    let (index, plain) = match lower.strip_prefix("seller_").and_then(|rest| rest.split_once('_')) {
        Some((index, rest)) if index.bytes().all(|b| b.is_ascii_digit()) && !index.is_empty() => {
            (Some(index), format!("seller_{rest}"))
        }
        _ => (None, lower.clone()),
    };
    let Some((key, _)) = KEYS.iter().find(|(key, _)| key.replace('.', "_") == plain) else {
        let nearest = nearest(&plain, KEYS.iter().map(|(key, _)| key.replace('.', "_")));
        return wrong(format!(
            "unknown setting MARKETGATE_{name}{}",
            nearest.map(|key| format!("; did you mean MARKETGATE_{}?", key.to_uppercase())).unwrap_or_default()
        ));
    };
    Ok(match (index, key.strip_prefix("seller.")) {
        (Some(index), Some(rest)) => format!("seller.{index}.{rest}"),
        _ => (*key).to_owned(),
    })
}

fn set(table: &mut Table, key: &str, text: String) -> Result<(), ConfigError> {
    let parts: Vec<&str> = key.split('.').collect();
    let plain = parts.iter().filter(|part| part.parse::<usize>().is_err()).copied().collect::<Vec<_>>().join(".");
    let kind = KEYS.iter().find(|(known, _)| *known == plain).map_or(Type::Text, |(_, kind)| *kind);
    let value = match kind {
        Type::Text => Value::String(text),
        Type::Number => {
            Value::Integer(text.parse().map_err(|_| ConfigError(format!("{key} must be a number, not '{text}'")))?)
        }
        Type::Truth => {
            Value::Boolean(text.parse().map_err(|_| ConfigError(format!("{key} must be true or false, not '{text}'")))?)
        }
        Type::List => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| Value::String(part.to_owned()))
                .collect(),
        ),
    };
    let misplaced = || ConfigError(format!("{key} does not fit the file: it is not a table there"));
    match parts.as_slice() {
        [name] => {
            table.insert((*name).to_owned(), value);
        }
        [section, name] => {
            let entry = table.entry((*section).to_owned()).or_insert_with(|| Value::Table(Table::new()));
            entry.as_table_mut().ok_or_else(misplaced)?.insert((*name).to_owned(), value);
        }
        [section, index, name] => {
            let index: usize = index.parse().map_err(|_| misplaced())?;
            let list = table
                .entry((*section).to_owned())
                .or_insert_with(|| Value::Array(vec![]))
                .as_array_mut()
                .ok_or_else(misplaced)?;
            if index > list.len() {
                return wrong(format!(
                    "{key}: there are only {} of them; number them from 0 without a gap",
                    list.len()
                ));
            }
            if index == list.len() {
                list.push(Value::Table(Table::new()));
            }
            list[index].as_table_mut().ok_or_else(misplaced)?.insert((*name).to_owned(), value);
        }
        _ => return Err(misplaced()),
    }
    Ok(())
}

/// serde's "unknown field `nmae`, expected one of `name`, `support`", with the nearest one pointed out.
pub(crate) fn with_suggestion(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((unknown, known)) if message.starts_with("unknown field") => {
            match nearest(unknown, known.iter().map(|key| (*key).to_owned())) {
                Some(key) => format!("unknown key '{unknown}'; did you mean '{key}'?"),
                None => format!("unknown key '{unknown}'; known here: {}", known.join(", ")),
            }
        }
        _ => message.to_owned(),
    }
}

/// The keys of a file. An error names its line and does not show it: there may be a secret on it.
fn read_table(text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|cause: toml::de::Error| {
        let at = cause.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.get(..at).unwrap_or_default().matches('\n').count();
        ConfigError(format!("not valid TOML at line {line}: {}", cause.message()))
    })
}

fn nearest(text: &str, known: impl Iterator<Item = String>) -> Option<String> {
    known
        .map(|key| (strsim::jaro_winkler(text, &key), key))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}

/// A complete file to start from, with every key explained. `marketgate config example` prints it.
pub const EXAMPLE: &str = include_str!("../deploy/marketgate.example.toml");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::load(Some(file.path()), environment, &[]).map_err(|e| e.to_string())
    }

    const SMALL: &str =
        "public_url = \"https://gate.example.com\"\n[[seller]]\nid = \"alibaba\"\nisv_key = \"0123456789abcdef\"\n";

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load(
            SMALL,
            &[
                ("MARKETGATE_BRAND_NAME", "Acme"),
                ("MARKETGATE_SELLER_0_ISV_KEY", "another-key-0123456"),
                ("MARKETGATE_LANDING_WINDOW_SECS", "60"),
                ("HOME", "/"),
            ],
        )
        .unwrap();
        assert_eq!(
            (config.brand.name.as_str(), config.sellers[0].isv_key.expose(), config.landing.window_secs),
            ("Acme", "another-key-0123456", 60)
        );
    }

    #[test]
    fn misspelt_keys_are_errors_that_suggest_the_right_one() {
        let text = format!("{SMALL}[brand]\nsuport = \"x\"\n");
        assert!(load(&text, &[]).unwrap_err().contains("did you mean 'support'"));
        assert!(load(SMALL, &[("MARKETGATE_BRAND_NAM", "x")]).unwrap_err().contains("MARKETGATE_BRAND_NAME"));
    }

    #[test]
    fn unsafe_settings_are_refused_in_production() {
        let refused = |text: &str| load(text, &[]).unwrap().check_for_production().unwrap_err().to_string();
        assert!(refused(&SMALL.replace("https", "http")).contains("https"));
        assert!(refused(&SMALL.replace("0123456789abcdef", "short")).contains("shorter"));
        assert!(refused(&SMALL.replace("0123456789abcdef", DEMO_ISV_KEY)).contains("demo"));
        assert!(refused(&SMALL.replace("0123456789abcdef", "01234567 89abcdef")).contains("blank"));
    }

    #[test]
    fn wrong_values_name_their_key() {
        assert!(
            load(&SMALL.replace("gate.example.com", "gate.example.com/x"), &[]).unwrap_err().contains("public_url")
        );
        assert!(load(&SMALL.replace("\"alibaba\"", "\"Ali baba\""), &[]).unwrap_err().contains("seller.id"));
        assert!(load("public_url = \"https://gate.example.com\"", &[]).unwrap_err().contains("[[seller]]"));
        assert!(load(SMALL, &[("MARKETGATE_LANDING_WINDOW_SECS", "soon")]).unwrap_err().contains("number"));
    }

    const MAIL: &str = "[smtp]\nhost = \"mail.example.com\"\nfrom = \"Example <no-reply@example.com>\"\n";

    fn with_mail(more: &str) -> Result<Config, String> {
        // A table's own keys stand before the next table.
        load(
            &format!(
                "{}{MAIL}{more}[[seller]]{}",
                SMALL.split("[[seller]]").next().unwrap(),
                SMALL.split("[[seller]]").nth(1).unwrap()
            ),
            &[],
        )
    }

    #[test]
    fn a_mail_server_has_a_sender_both_credentials_and_encryption_unless_it_is_here() {
        let smtp = with_mail("").unwrap().smtp.unwrap();
        assert_eq!((smtp.tls, smtp.port()), (SmtpTls::StartTls, 587));
        assert_eq!(with_mail("tls = \"tls\"\n").unwrap().smtp.unwrap().port(), 465);
        assert!(with_mail("tls = \"none\"\n").unwrap_err().contains("this machine"));
        assert!(with_mail("user = \"gate\"\n").unwrap_err().contains("go together"));
        assert!(with_mail("password = \"x\"\n").unwrap_err().contains("go together"));
        let here = |host: &str| {
            load(
                &SMALL.replace(
                    "[[seller]]",
                    &format!("[smtp]\nhost = \"{host}\"\ntls = \"none\"\nfrom = \"a@b.example\"\n[[seller]]"),
                ),
                &[],
            )
        };
        for host in ["127.0.0.1", "::1", "localhost"] {
            assert_eq!(here(host).unwrap().smtp.unwrap().port(), 25, "{host}");
        }
        for host in ["", "smtp://mail.example.com", "mail.example.com:25"] {
            assert!(here(host).unwrap_err().contains("smtp.host"), "{host}");
        }
        let sender = load(
            &SMALL.replace("[[seller]]", "[smtp]\nhost = \"mail.example.com\"\nfrom = \"nobody\"\n[[seller]]"),
            &[],
        );
        assert!(sender.unwrap_err().contains("smtp.from"));
        let shown = with_mail("user = \"gate\"\npassword = \"the-password\"\n").unwrap();
        assert!(!format!("{shown:?}{}", toml::to_string(&shown).unwrap()).contains("the-password"));
        assert!(
            load(
                SMALL,
                &[
                    ("MARKETGATE_SMTP_HOST", "mail.example.com"),
                    ("MARKETGATE_SMTP_PORT", "2525"),
                    ("MARKETGATE_SMTP_FROM", "a@b.example")
                ]
            )
            .unwrap()
            .smtp
            .is_some_and(|smtp| smtp.port() == 2525)
        );
    }

    #[test]
    fn open_registration_needs_mail_or_has_to_accept_unchecked_addresses() {
        let place = tempfile::tempdir().unwrap();
        let key = place.path().join("key");
        std::fs::write(&key, [7; 32]).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let key = format!("master_key_file = \"{}\"\n", key.display());
        let start = |mail: &str, accounts: &str| {
            load(&format!("{key}{}", SMALL.replace("[[seller]]", &format!("{mail}{accounts}[[seller]]"))), &[])
                .unwrap()
                .check_for_production()
        };
        assert!(start("", "").unwrap_err().to_string().contains("no mail server"));
        assert!(start(MAIL, "").is_ok(), "new users are asked for a mailed code");
        for mail in ["", MAIL] {
            assert!(start(mail, "[accounts]\nunverified = \"accept\"\n").is_ok());
            assert!(start(mail, "[accounts]\nregistration = \"closed\"\n").is_ok());
        }
    }

    #[test]
    fn secrets_do_not_show_themselves() {
        let config = load(SMALL, &[]).unwrap();
        let shown = format!("{config:?}{}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("0123456789abcdef") && shown.contains("[hidden]"));
    }

    #[test]
    fn the_example_is_a_valid_file_that_names_every_key() {
        let text = EXAMPLE.replace("# ", "");
        for (key, _) in KEYS {
            let name = key.rsplit('.').next().unwrap();
            assert!(text.contains(&format!("{name} = ")), "{key} is missing in the example");
        }
        assert!(EXAMPLE.parse::<Table>().is_ok());
    }
}
