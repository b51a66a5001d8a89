//! Keys of the vendor's product. A key that has ended keeps its row, so that whoever still uses it hears why.

use rusqlite::Row;

use super::{Db, Tx};
use crate::domain::api_key::Scope;
use crate::domain::value::Instant;
use crate::error::Result;

/// A key as a call is checked against it.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: String,
    /// Space-separated.
    pub scopes: String,
    /// Coarse.
    pub last_used_at: Option<Instant>,
}

impl ApiKey {
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.split(' ').any(|held| held == scope.as_str())
    }
}

/// A key as lists show it; the secret itself is nowhere.
#[derive(Debug, Clone)]
pub struct Listed {
    pub id: String,
    pub name: String,
    /// How the secret begins; empty where that was not kept.
    pub hint: String,
    /// Space-separated.
    pub scopes: String,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
    /// Coarse.
    pub last_used_at: Option<Instant>,
    /// The key that this one took the place of.
    pub replaces: Option<String>,
    /// The key that took the place of this one.
    pub replaced_by: Option<String>,
}

const COLUMNS: &str = "id, name, hint, scopes, created_at, expires_at, revoked_at, last_used_at, replaces, (SELECT next.id FROM api_key AS next WHERE next.replaces = api_key.id)";

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let at = |column| row.get::<_, Option<i64>>(column).map(|ms| ms.map(Instant::from_ms));
    Ok(Listed {
        id: row.get(0)?,
        name: row.get(1)?,
        hint: row.get(2)?,
        scopes: row.get(3)?,
        created_at: Instant::from_ms(row.get(4)?),
        expires_at: at(5)?,
        revoked_at: at(6)?,
        last_used_at: at(7)?,
        replaces: row.get(8)?,
        replaced_by: row.get(9)?,
    })
}

/// The newest first, of lesser ids than `before`.
pub fn list(db: &Db, before: &str, limit: u32) -> Result<Vec<Listed>> {
    db.list(&format!("SELECT {COLUMNS} FROM api_key WHERE id < ?1 ORDER BY id DESC LIMIT ?2"), (before, limit), listed)
}

pub fn find(db: &Db, id: &str) -> Result<Option<Listed>> {
    db.find(&format!("SELECT {COLUMNS} FROM api_key WHERE id = ?1"), [id], listed)
}

/// A key that is in force, by its secret.
pub fn find_in_force(db: &Db, secret_hash: &[u8], now: Instant) -> Result<Option<ApiKey>> {
    db.find(
        "SELECT id, scopes, last_used_at FROM api_key WHERE secret_hash = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)",
        (secret_hash, now.ms()),
        |row| {
            let last_used_at = row.get::<_, Option<i64>>(2)?.map(Instant::from_ms);
            Ok(ApiKey { id: row.get(0)?, scopes: row.get(1)?, last_used_at })
        },
    )
}

/// A key that is made.
pub struct New<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub secret_hash: &'a [u8],
    pub hint: &'a str,
    /// Space-separated.
    pub scopes: &'a str,
    pub expires_at: Option<Instant>,
    pub replaces: Option<&'a str>,
}

/// Inserts it; false: there is one of this id, or one that replaces the same.
pub fn insert(tx: &Tx, new: &New<'_>, now: Instant) -> Result<bool> {
    let inserted = tx.execute(
        "INSERT INTO api_key (id, name, secret_hash, hint, scopes, created_at, expires_at, replaces) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        (
            new.id,
            new.name,
            new.secret_hash,
            new.hint,
            new.scopes,
            now.ms(),
            new.expires_at.map(Instant::ms),
            new.replaces,
        ),
    )?;
    Ok(inserted == 1)
}

pub fn set_expiry(tx: &Tx, id: &str, at: Instant) -> Result<()> {
    tx.execute("UPDATE api_key SET expires_at = ?2 WHERE id = ?1", (id, at.ms()))?;
    Ok(())
}

/// Takes a key out of force; false if it was revoked before.
pub fn revoke(tx: &Tx, id: &str, now: Instant) -> Result<bool> {
    Ok(tx.execute("UPDATE api_key SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", (id, now.ms()))? == 1)
}

/// Takes every key of this name out of force.
pub fn revoke_named(tx: &Tx, name: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE api_key SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL", (name, now.ms()))?;
    Ok(())
}

/// Notes that it was used; an earlier moment than the one that is known changes nothing.
pub fn set_used(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE api_key SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
        (id, now.ms()),
    )?;
    Ok(())
}
