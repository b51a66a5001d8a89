//! The keys of the vendor's product.

use crate::error::Result;
use crate::store::{Db, api_key};

pub use crate::store::api_key::Listed;

/// Every key, the newest first, from before `before` (an id; empty: from the newest).
pub fn list(db: &Db, before: &str, limit: u32) -> Result<Vec<Listed>> {
    api_key::list(db, before, limit)
}
