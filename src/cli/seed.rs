//! The people and organizations that a demo and a fixture begin with.

use crate::config::Config;
use crate::crypto::{self, Chance};
use crate::domain::api_key::{Scope, hint};
use crate::domain::organization::Role;
use crate::domain::value::{DAY_MS, Instant};
use crate::error::Result;
use crate::store::{Tx, api_key, member, organization, session, user};

pub const PASSWORD: &str = "marketgate-demo";
pub const OPERATOR: &str = "operator@example.com";
/// Argon2id of [`PASSWORD`], ready-made: hashing at the start would cost more than the start itself.
pub const PASSWORD_HASH: &str = include_str!("seed.password-hash").trim_ascii();

/// E-mail address, name.
pub const USERS: [(&str, &str); 3] =
    [("owner@example.com", "林悦"), ("member@example.com", "陈思远"), ("billing@example.com", "沈知行")];

/// Organization, and its members with their roles.
const ORGANIZATIONS: [(&str, &[(&str, Role)]); 2] = [
    ("星河科技", &[("owner@example.com", Role::Owner), ("member@example.com", Role::Member)]),
    ("云帆数据", &[("owner@example.com", Role::Owner), ("billing@example.com", Role::Billing)]),
];

/// Who there is beside [`USERS`] and [`ORGANIZATIONS`].
#[derive(Debug, Clone, Default)]
pub struct People {
    /// E-mail address, name.
    pub users: Vec<(String, String)>,
    /// Name, and the members with their roles.
    pub organizations: Vec<(String, Vec<(String, Role)>)>,
}

/// Plants the seed in a new file, with this hash of everybody's password; a file with people in it is left as it is.
pub fn plant(tx: &Tx, chance: &Chance, more: &People, password_hash: &str, now: Instant) -> Result<()> {
    if user::find_by_email(tx, USERS[0].0)?.is_some() {
        return Ok(());
    }
    let then = now.plus_ms(-30 * DAY_MS);
    let add = |email: &str, name: &str, is_operator: bool| -> Result<String> {
        let id = chance.id("usr", then);
        let fresh = user::New {
            id: &id,
            email,
            name,
            password_hash,
            lang: crate::domain::value::Lang::Zh,
            is_operator,
            email_verified_at: Some(then),
        };
        user::insert(tx, &fresh, then)?;
        Ok(id)
    };
    let mut ids = Vec::new();
    let users = more.users.iter().map(|(email, name)| (email.as_str(), name.as_str()));
    for (email, name) in USERS.into_iter().chain(users) {
        ids.push((email, add(email, name, false)?));
    }
    add(OPERATOR, "运营人员", true)?;
    let found = |name: &str, members: &mut dyn Iterator<Item = (&str, Role)>| -> Result<()> {
        let id = chance.id("org", then);
        organization::insert(tx, &id, name, then)?;
        for (email, role) in members {
            if let Some((_, user_id)) = ids.iter().find(|(other, _)| *other == email) {
                member::insert(tx, &id, user_id, role, then)?;
            }
        }
        Ok(())
    };
    for (name, members) in ORGANIZATIONS {
        found(name, &mut members.iter().copied())?;
    }
    for (name, members) in &more.organizations {
        found(name, &mut members.iter().map(|(email, role)| (email.as_str(), *role)))?;
    }
    Ok(())
}

/// Gives everybody in the built-in seed a new password.
pub fn set_passwords(tx: &Tx, hash: &str, now: Instant) -> Result<()> {
    for email in USERS.iter().map(|(email, _)| *email).chain([OPERATOR]) {
        if let Some(found) = user::find_by_email(tx, email)? {
            user::set_password(tx, &found.id, hash, now)?;
            session::end_all(tx, &found.id, now)?;
        }
    }
    Ok(())
}

/// Puts the demo product's key in force, which may do everything; the ones before it stop working.
pub fn product_key(tx: &Tx, chance: &Chance, secret: &str, now: Instant) -> Result<()> {
    const NAME: &str = "demo";
    api_key::revoke_named(tx, NAME, now)?;
    let scopes = Scope::ALL.map(Scope::as_str).join(" ");
    let new = api_key::New {
        id: &chance.id("key", now),
        name: NAME,
        secret_hash: &crypto::digest(secret.as_bytes()),
        hint: &hint(secret),
        scopes: &scopes,
        expires_at: None,
        replaces: None,
    };
    // A fresh id replaces nothing, so it is inserted.
    api_key::insert(tx, &new, now)?;
    Ok(())
}

/// The master key beside a demo's file; made on first use.
pub fn master_key(database: &std::path::Path, path: &std::path::Path) -> anyhow::Result<[u8; 32]> {
    if path.exists() { super::master_key::read(database, path) } else { super::init::write_master_key(path) }
}

/// The settings of a demo or fixture whose listeners are bound already.
pub fn config(
    gateway: &str,
    simulator: &str,
    access_key: (&str, &str),
    product_entry: &str,
    database: &std::path::Path,
    processing_secs: u32,
) -> anyhow::Result<Config> {
    let text = format!(
        r#"
public_url = "{gateway}"
database = "{database}"
[brand]
name = "Zilliz Cloud"
support = "support@example.com"
docs_url = "https://docs.zilliz.com.cn/"
login_url = "{gateway}/login"
[accounts]
unverified = "accept"
operator_totp = "optional"
[binding]
processing_secs = {processing_secs}
[webhooks]
private_networks = ["127.0.0.0/8", "::1/128"]
[limits]
sign_in_per_address_minute = 100000
sign_in_per_user_minute = 100000
register_per_address_hour = 100000
reset_per_address_hour = 100000
reset_per_user_hour = 100000
landing_per_address_minute = 100000
[rates]
api_per_key_minute = 10000000
usage_per_key_minute = 10000000
pages_per_address_minute = 10000000
organizations_per_user_hour = 10000000
invitations_per_user_hour = 10000000
changes_per_user_hour = 10000000
[[seller]]
id = "alibaba"
isv_key = "{isv_key}"
console_url = "{simulator}/console/services"
access_key_id = "{access_key_id}"
access_key_secret = "{access_key_secret}"
openapi_url = "{simulator}"
[[seller.product]]
code = "cmgj00063418"
name = "Zilliz Cloud"
market_url = "{simulator}/products/cmgj00063418"
bill_url = "{simulator}/console/bills"
[[seller.product.plan]]
sku = "cmgj00063418-postpay"
name = "按量付费"
name_en = "Pay-as-you-go"
kind = "postpay"
[[seller.product.plan]]
sku = "cmgj00063418-prepay"
name = "包年，8 vCPU"
name_en = "Yearly, 8 vCPU"
kind = "prepay"
[[seller.product.plan]]
sku = "cmgj00063418-prepay-16"
name = "包年，16 vCPU"
name_en = "Yearly, 16 vCPU"
kind = "prepay"
[[seller.product.plan]]
sku = "cmgj00063418-trial"
name = "试用 7 天"
name_en = "7-day trial"
kind = "prepay"
[[seller.product.item]]
key = "Period"
name = "计算时长"
name_en = "Compute time"
unit = "second"
aggregate = "sum"
cycle = "hour"
late = "drop_visible"
assit = "cmgj00063418-Period-1"
price = "0.12"
[[seller.product.item]]
key = "Storage"
name = "存储"
name_en = "Storage"
unit = "Byte"
aggregate = "max"
assit = "cmgj00063418-Storage-1"
price = "0.000001"
[[seller.product.item]]
key = "VirtualCpu"
name = "vCPU"
unit = "core"
aggregate = "max"
assit = "cmgj00063418-VirtualCpu-1"
price = "0.86"
[product_entry]
url = "{product_entry}"
"#,
        database = database.display(),
        isv_key = crate::config::DEMO_ISV_KEY,
        access_key_id = access_key.0,
        access_key_secret = access_key.1,
    );
    Ok(Config::parse(&text)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::market::metering::Price;
    use crate::simulator::Catalogue;

    #[test]
    fn the_settings_name_the_items_that_the_marketplace_sells() {
        let file = std::path::Path::new("demo.db");
        let origin = "http://127.0.0.1:1";
        let config = config(origin, origin, ("LTAI", "secret"), origin, file, 0).unwrap();
        let mut set: Vec<_> = config.sellers[0].products[0]
            .items
            .iter()
            .map(|item| (item.key.clone(), item.assit.clone(), Price::parse(&item.price).unwrap().to_string()))
            .collect();
        let catalogue = Catalogue::demo();
        let mut sold: Vec<_> = catalogue.products[0]
            .items
            .iter()
            .map(|item| (item.key.clone(), item.assit.clone(), Price::parse(&item.price).unwrap().to_string()))
            .collect();
        set.sort_by(|a, b| a.0.cmp(&b.0));
        sold.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(set, sold, "an estimate of the gateway and a bill of the simulator are of the same prices");
    }
}
