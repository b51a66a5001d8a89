//! What can be asked of us: one function each, (db or tx, actor, now, input) -> outcome. Rights are checked here.

pub mod approval;
pub mod binding;
pub mod claim;
pub mod entry;
pub mod landing;
pub mod mail;
pub mod organization;
pub mod provision;
pub mod session;
pub mod user;

use crate::domain::value::Instant;

pub use crate::store::probe;

/// The public name of a subscription: `alibaba-86040213`.
#[must_use]
pub fn subscription_name(seller_id: &str, instance_id: &str) -> String {
    format!("{seller_id}-{instance_id}")
}

/// A moment as the API and the feed write it.
#[must_use]
pub fn rfc3339(at: Instant) -> String {
    jiff::Timestamp::from_millisecond(at.ms()).map(|at| at.to_string()).unwrap_or_default()
}
