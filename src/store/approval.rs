//! Requests to owners to complete a purchase.

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

pub fn insert(
    tx: &Tx,
    token_hash: &[u8],
    claim_id: &str,
    organization_id: &str,
    requester_id: &str,
    now: Instant,
    expires_at: Instant,
) -> Result<()> {
    tx.execute(
        "INSERT INTO approval (token_hash, claim_id, organization_id, requester_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (token_hash, claim_id, organization_id, requester_id, now.ms(), expires_at.ms()),
    )?;
    Ok(())
}

/// How often owners of an organization were asked about a claim.
pub fn count(db: &Db, claim_id: &str, organization_id: &str) -> Result<u32> {
    db.value("SELECT count(*) FROM approval WHERE claim_id = ?1 AND organization_id = ?2", (claim_id, organization_id))
}

/// A request that can still be answered.
#[derive(Debug, Clone)]
pub struct Approval {
    pub claim_id: String,
    pub organization_id: String,
    pub requester_id: String,
    pub expires_at: Instant,
}

/// An unanswered request by its mailed token's hash.
pub fn find(db: &Db, token_hash: &[u8], now: Instant) -> Result<Option<Approval>> {
    db.find(
        "SELECT claim_id, organization_id, requester_id, expires_at FROM approval WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2",
        (token_hash, now.ms()),
        |row| {
            Ok(Approval {
                claim_id: row.get(0)?,
                organization_id: row.get(1)?,
                requester_id: row.get(2)?,
                expires_at: Instant::from_ms(row.get(3)?),
            })
        },
    )
}

/// Uses a request up. Whether it was unused.
pub fn set_used(tx: &Tx, token_hash: &[u8], user_id: &str, now: Instant) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE approval SET used_at = ?2, used_by = ?3 WHERE token_hash = ?1 AND used_at IS NULL",
        (token_hash, now.ms(), user_id),
    )? > 0)
}

/// Ends requests that can still be answered; at most `limit` rows at a time.
pub fn end_some(tx: &Tx, now: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "UPDATE approval SET expires_at = ?1 WHERE token_hash IN (
           SELECT token_hash FROM approval WHERE token_hash > x'' AND used_at IS NULL AND expires_at > ?1 LIMIT ?2)",
        (now.ms(), limit),
    )
}
