//! The marketplace's language, pure: words in, values out. No SQL, no HTTP, no clock, no chance.
//!
//! The marketplace's own words (`orderBizId`, `aliUid`, `expiredOn`, …) end here; everything inside speaks of
//! instances, buyer accounts, orders, products, plans and items.
//!
//! | module | speaks |
//! |---|---|
//! | [`token`] | the MD5 token that signs every lifecycle call and login-free link |
//! | [`call`] | a lifecycle call: query and form in, a typed [`call::Action`] out |
//! | [`reply`] | what is answered to a call, and how the other side reads it |
//! | [`enter`] | the login-free link and the window of its time stamp |
//! | [`metering`] | usage as it is pushed, its limits, units and amounts, and what an answer means for it |
//! | [`plan`] | which usage goes together into one request |
//! | [`openapi`] | signed requests to the marketplace's `OpenAPI`, both signature versions, both sides |
//! | [`time`] | the marketplace's date texts and the hours, days and months of China time |
//!
//! The gateway and the simulator both speak through these modules, each in its own direction: what one of them
//! writes the other reads, and neither knows how the other is made.

pub mod call;
pub mod enter;
pub mod metering;
pub mod openapi;
pub mod plan;
pub mod reply;
pub mod time;
pub mod token;

use serde::Serialize;

/// The JSON text of something made of texts, numbers, lists and maps with text keys. That cannot fail to serialize;
/// were it ever to, an empty object is not mistaken for an answer by any reader.
fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The official and computed test vectors.
#[cfg(test)]
fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("../../tests/fixtures/vectors.json")).unwrap_or_default()
}
