//! Whoever only looks at a file, beside the process that may hold it (rules D1): one read-only connection, no threads.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Db;
use crate::crypto::Notary;
use crate::error::Result;

/// How long the process that holds the file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Damage that is named.
const NAMED: u32 = 20;

pub struct Onlooker {
    db: Db,
}

impl Onlooker {
    /// Opens a file that is there and fits; makes and changes nothing.
    pub fn open(path: &Path, notary: Option<Arc<Notary>>) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(PATIENCE)?;
        Ok(Self { db: Db { conn, notary } })
    }

    /// Reads one moment of the file, however long it takes.
    pub fn read<T>(&self, f: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        self.db.conn.execute_batch("BEGIN")?;
        let found = f(&self.db);
        // Nothing was written: how it ends makes no difference.
        self.db.conn.execute_batch("ROLLBACK")?;
        found
    }
}

/// What SQLite finds wrong with the file itself; nothing: it is sound.
pub fn integrity(db: &Db) -> Result<Vec<String>> {
    let found: Vec<String> = db.list(&format!("PRAGMA integrity_check({NAMED})"), (), |row| row.get(0))?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}

/// Tables with rows that refer to rows that are not there, and how many.
pub fn dangling(db: &Db) -> Result<Vec<(String, i64)>> {
    db.list("SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1 ORDER BY 1 LIMIT 100", (), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}
