//! When the keys of sellers' calls were seen. The keys are nowhere here: only their marks.

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

/// When a key verified calls.
#[derive(Debug, Clone)]
pub struct Use {
    pub seller_id: String,
    pub mark: String,
    pub first_at: Instant,
    /// Coarse.
    pub last_at: Instant,
}

/// Notes that it verified a call.
pub fn set_used(tx: &Tx, seller_id: &str, mark: &str, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO isv_key_use (seller_id, mark, first_at, last_at) VALUES (?1, ?2, ?3, ?3) ON CONFLICT (seller_id, mark) DO UPDATE SET last_at = max(last_at, excluded.last_at)",
        (seller_id, mark, now.ms()),
    )?;
    Ok(())
}

/// Of a seller: so many at most, which are more keys than anybody has had.
pub fn list(db: &Db, seller_id: &str, limit: u32) -> Result<Vec<Use>> {
    db.list(
        "SELECT seller_id, mark, first_at, last_at FROM isv_key_use WHERE seller_id = ?1 LIMIT ?2",
        (seller_id, limit),
        |row| {
            Ok(Use {
                seller_id: row.get(0)?,
                mark: row.get(1)?,
                first_at: Instant::from_ms(row.get(2)?),
                last_at: Instant::from_ms(row.get(3)?),
            })
        },
    )
}
