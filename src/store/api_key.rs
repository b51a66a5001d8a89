//! Keys of the vendor's product. A key that has ended keeps its row, so that whoever still uses it hears why.

use rusqlite::Row;

use super::Db;
use crate::domain::value::Instant;
use crate::error::Result;

/// A key as lists show it; the secret itself is nowhere.
#[derive(Debug, Clone)]
pub struct Listed {
    pub id: String,
    pub name: String,
    /// Space-separated.
    pub scopes: String,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
}

const COLUMNS: &str = "id, name, scopes, created_at, expires_at, revoked_at, last_used_at";

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let at = |column| row.get::<_, Option<i64>>(column).map(|ms| ms.map(Instant::from_ms));
    Ok(Listed {
        id: row.get(0)?,
        name: row.get(1)?,
        scopes: row.get(2)?,
        created_at: Instant::from_ms(row.get(3)?),
        expires_at: at(4)?,
        revoked_at: at(5)?,
        last_used_at: at(6)?,
    })
}

/// The newest first, from before `before` (an id; empty: from the newest).
pub fn list(db: &Db, before: &str, limit: u32) -> Result<Vec<Listed>> {
    // Ids begin with a lower-case letter, which every id is less than a brace.
    let before = if before.is_empty() { "{" } else { before };
    db.list(&format!("SELECT {COLUMNS} FROM api_key WHERE id < ?1 ORDER BY id DESC LIMIT ?2"), (before, limit), listed)
}
