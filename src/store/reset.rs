//! Emptying a file, for a demo or a fixture that begins anew. `serve` has no way to here.

use super::{Db, Tx};
use crate::error::{Error, Result};

/// Whether a thread works on a job right now: its end would be written to rows that are gone, or to new ones.
pub fn is_at_work(db: &Db) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM job WHERE leased_until IS NOT NULL AND done_at IS NULL AND dead_at IS NULL)",
        (),
    )
}

/// Deletes every row but the file's own, which forgets what it was a copy of, in an order that the foreign keys allow.
pub fn empty(tx: &Tx) -> Result<()> {
    tx.execute("UPDATE meta SET last_commit_at = NULL, restored_since = NULL, restored_at = NULL WHERE id = 1", ())?;
    let mut left: Vec<String> = tx.list(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'meta' ORDER BY name LIMIT 1000",
        (),
        |row| row.get(0),
    )?;
    while !left.is_empty() {
        let mut refused = None;
        let before = left.len();
        // A table that others still refer to has its turn again after them.
        left.retain(|table| match tx.execute(&format!("DELETE FROM \"{table}\""), ()) {
            Ok(_) => false,
            Err(cause) => {
                refused = Some(cause);
                true
            }
        });
        if left.len() == before {
            return Err(refused.unwrap_or_else(|| Error::internal("nothing could be emptied")));
        }
    }
    Ok(())
}
