//! Ways into the vendor's product: one-time codes.

use serde::{Deserialize, Serialize};

use super::Tx;
use crate::domain::value::Instant;
use crate::error::Result;

pub fn insert_code(
    tx: &Tx,
    code_hash: &[u8],
    session_id: &str,
    organization_id: &str,
    now: Instant,
    expires_at: Instant,
) -> Result<()> {
    tx.execute(
        "INSERT INTO entry_code (code_hash, session_id, organization_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (code_hash, session_id, organization_id, now.ms(), expires_at.ms()),
    )?;
    Ok(())
}

/// What a code stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Code {
    pub session_id: String,
    pub organization_id: String,
}

/// Uses a code up; `None` if it is unknown, used or too old.
pub fn use_code(tx: &Tx, code_hash: &[u8], now: Instant) -> Result<Option<Code>> {
    tx.returning(
        "UPDATE entry_code SET used_at = ?2 WHERE code_hash = ?1 AND used_at IS NULL AND expires_at > ?2 RETURNING session_id, organization_id",
        (code_hash, now.ms()),
        |row| Ok(Code { session_id: row.get(0)?, organization_id: row.get(1)? }),
    )
}

/// Forgets codes that can no longer be used; at most `limit` rows at a time.
pub fn delete_old_codes(tx: &Tx, now: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM entry_code WHERE code_hash IN (SELECT code_hash FROM entry_code WHERE expires_at < ?1 LIMIT ?2)",
        (now.ms(), limit),
    )
}
