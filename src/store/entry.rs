//! Ways into the vendor's product: one-time codes and API keys.

use super::{Db, Tx};
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

#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: String,
    /// Space-separated.
    pub scopes: String,
}

impl ApiKey {
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.split(' ').any(|held| held == scope)
    }
}

pub fn insert_key(tx: &Tx, id: &str, name: &str, secret_hash: &[u8], scopes: &str, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO api_key (id, name, secret_hash, scopes, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (id, name, secret_hash, scopes, now.ms()),
    )?;
    Ok(())
}

/// Takes every key of this name out of force.
pub fn revoke_keys_named(tx: &Tx, name: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE api_key SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL", (name, now.ms()))?;
    Ok(())
}

/// A key that is in force.
pub fn find_key(db: &Db, secret_hash: &[u8], now: Instant) -> Result<Option<ApiKey>> {
    db.find(
        "SELECT id, scopes FROM api_key WHERE secret_hash = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)",
        (secret_hash, now.ms()),
        |row| Ok(ApiKey { id: row.get(0)?, scopes: row.get(1)? }),
    )
}
