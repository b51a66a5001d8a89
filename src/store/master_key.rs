//! Which master key a file's secrets are sealed with, and all of those secrets for when it changes (rules D5).

use std::path::Path;

use super::onlooker::Onlooker;
use super::{Db, Tx};
use crate::error::Result;

/// Tables with sealed columns, each with a rowid.
const SEALED: [(&str, &str); 4] =
    [("webhook", "secret"), ("webhook", "previous_secret"), ("totp", "secret"), ("mail", "body")];
/// Rows that are looked at together.
const AT_ONCE: u32 = 500;

/// What tells the file's master key from others; it does not tell the key.
pub fn find_mark(db: &Db) -> Result<Option<Vec<u8>>> {
    db.find("SELECT mark FROM master_key WHERE id = 1", (), |row| row.get(0))
}

pub fn set_mark(tx: &Tx, mark: &[u8]) -> Result<()> {
    tx.execute(
        "INSERT INTO master_key (id, mark) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET mark = excluded.mark",
        [mark],
    )?;
    Ok(())
}

/// The mark of a file, which is not changed; `None` also for one that is not there, or was made before there were marks.
pub fn mark_of_file(path: &Path) -> Result<Option<Vec<u8>>> {
    if !path.exists() {
        return Ok(None);
    }
    Onlooker::open(path, None)?.read(|db| {
        let has_marks: bool = db.value("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'master_key')", ())?;
        if has_marks { find_mark(db) } else { Ok(None) }
    })
}

/// Seals everything anew: `again` is given the table and what is sealed now. How many were changed.
pub fn reseal(tx: &Tx, mut again: impl FnMut(&str, &str) -> Result<Option<String>>) -> Result<u64> {
    let mut changed = 0;
    for (table, column) in SEALED {
        let mut after = 0_i64;
        loop {
            let rows: Vec<(i64, String)> = tx.list(
                &format!(
                    "SELECT rowid, {column} FROM {table} WHERE rowid > ?1 AND {column} <> '' ORDER BY rowid LIMIT ?2"
                ),
                (after, AT_ONCE),
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let Some((last, _)) = rows.last() else { break };
            after = *last;
            for (rowid, sealed) in &rows {
                if let Some(next) = again(table, sealed)? {
                    tx.execute(&format!("UPDATE {table} SET {column} = ?2 WHERE rowid = ?1"), (rowid, next))?;
                    changed += 1;
                }
            }
        }
    }
    changed += reseal_answers(tx, &mut again)?;
    Ok(changed)
}

fn reseal_answers(tx: &Tx, again: &mut impl FnMut(&str, &str) -> Result<Option<String>>) -> Result<u64> {
    let (mut changed, mut after) = (0, (String::new(), String::new()));
    loop {
        let rows: Vec<(String, String, String)> = tx.list(
            "SELECT api_key_id, key, answer FROM idempotency WHERE (api_key_id, key) > (?1, ?2) ORDER BY api_key_id, key LIMIT ?3",
            (&after.0, &after.1, AT_ONCE),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let Some((api_key_id, key, _)) = rows.last() else { return Ok(changed) };
        after = (api_key_id.clone(), key.clone());
        for (api_key_id, key, answer) in &rows {
            if let Some(next) = again("idempotency", answer)? {
                tx.execute(
                    "UPDATE idempotency SET answer = ?3 WHERE api_key_id = ?1 AND key = ?2",
                    (api_key_id, key, next),
                )?;
                changed += 1;
            }
        }
    }
}
