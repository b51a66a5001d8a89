//! Subscriptions as the vendor's product may read them.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::store::call::{self, Kept};
use crate::store::subscription::{self, Subscription};
use crate::store::{Db, binding};
use crate::usecase;

pub use crate::store::binding::Binding as Bound;

/// Calls and events that a timeline shows of each.
const TIMELINE: u32 = 100;

/// By its public name, if there is one of it.
pub fn look(db: &Db, name: &str) -> Result<Option<Subscription>> {
    match name.split_once('-') {
        Some((seller_id, instance_id)) => subscription::find(db, seller_id, instance_id),
        None => Ok(None),
    }
}

/// By its public name.
///
/// # Errors
/// `NotFound(subscription)`.
pub fn find(db: &Db, name: &str) -> Result<Subscription> {
    look(db, name)?.ok_or(Error::NotFound("subscription"))
}

/// The subscriptions behind the one of this name, in the order in which they became known, each with what occupies it.
///
/// # Errors
/// `Invalid(after, unknown)`.
pub fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<(Subscription, Option<Bound>)>> {
    let after = match after {
        "" => 0,
        name => look(db, name)?.ok_or_else(|| Error::invalid("after", "unknown"))?.id,
    };
    let found = subscription::list_after(db, after, limit)?;
    found.into_iter().map(|one| binding::find_of_subscription(db, one.id).map(|bound| (one, bound))).collect()
}

/// A subscription with what happened to it, the newest first.
pub struct Seen {
    pub subscription: Subscription,
    /// The requested or live binding.
    pub bound: Option<Bound>,
    pub calls: Vec<Kept>,
    /// As the feed tells them.
    pub events: Vec<Value>,
}

pub fn see(db: &Db, name: &str) -> Result<Seen> {
    let subscription = find(db, name)?;
    Ok(Seen {
        bound: binding::find_of_subscription(db, subscription.id)?,
        calls: call::list(db, &subscription.seller_id, &subscription.instance_id, TIMELINE)?,
        events: usecase::feed::list_of_subscription(db, subscription.id, TIMELINE)?,
        subscription,
    })
}
