//! Answers that are given again to the same call.

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

/// The hash of the request that a key was used with, and its sealed answer.
pub fn find(db: &Db, api_key_id: &str, key: &str) -> Result<Option<(Vec<u8>, String)>> {
    db.find(
        "SELECT request_hash, answer FROM idempotency WHERE api_key_id = ?1 AND key = ?2",
        (api_key_id, key),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

pub fn insert(tx: &Tx, api_key_id: &str, key: &str, request_hash: &[u8], answer: &str, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO idempotency (api_key_id, key, request_hash, answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (api_key_id, key, request_hash, answer, now.ms()),
    )?;
    Ok(())
}

pub fn delete_old(tx: &Tx, before: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM idempotency WHERE (api_key_id, key) IN (SELECT api_key_id, key FROM idempotency WHERE created_at < ?1 LIMIT ?2)",
        (before.ms(), limit),
    )
}
