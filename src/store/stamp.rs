//! What a file says of itself: which one of its copies it is, and what it holds back (rules D2, D3).

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

/// The file's own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Raised by each `restore` and `promote`: of all copies, the one with the greatest may write.
    pub epoch: i64,
    /// Which file on which machine this is; `None`: nothing has served it yet.
    pub home: Option<String>,
    /// Not long before the last change.
    pub last_commit_at: Option<Instant>,
    /// The original of this copy may have sent things since then.
    pub restored_since: Option<Instant>,
    /// And until then, when the copy was started.
    pub restored_at: Option<Instant>,
    /// It stood in the fence that a primary and its standby reach.
    pub is_fenced: bool,
}

pub fn find(db: &Db) -> Result<Stamp> {
    let sql = "SELECT epoch, home, last_commit_at, restored_since, restored_at, is_fenced FROM meta WHERE id = 1";
    let found = db.find(sql, (), |row| {
        let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
        Ok(Stamp {
            epoch: row.get(0)?,
            home: row.get(1)?,
            last_commit_at: instant(2)?,
            restored_since: instant(3)?,
            restored_at: instant(4)?,
            is_fenced: row.get(5)?,
        })
    })?;
    // Files of earlier versions have no row.
    Ok(found.unwrap_or(Stamp {
        epoch: 1,
        home: None,
        last_commit_at: None,
        restored_since: None,
        restored_at: None,
        is_fenced: false,
    }))
}

/// Sees to it that there is a row.
pub fn ensure(tx: &Tx, now: Instant) -> Result<()> {
    tx.execute("INSERT INTO meta (id, created_at) VALUES (1, ?1) ON CONFLICT (id) DO NOTHING", [now.ms()])?;
    Ok(())
}

pub fn set_home(tx: &Tx, home: &str) -> Result<()> {
    tx.execute("UPDATE meta SET home = ?1 WHERE id = 1", [home])?;
    Ok(())
}

/// Whether the file stands in a fence.
pub fn set_fenced(tx: &Tx, is_fenced: bool) -> Result<()> {
    tx.execute("UPDATE meta SET is_fenced = ?1 WHERE id = 1", [is_fenced])?;
    Ok(())
}

/// Notes that something changes about now.
pub fn touch(tx: &Tx, now: Instant) -> Result<()> {
    tx.execute("UPDATE meta SET last_commit_at = ?1 WHERE id = 1", [now.ms()])?;
    Ok(())
}

/// This copy takes the original's place, which may have sent things since then.
pub fn succeed(tx: &Tx, home: &str, epoch: i64, since: Instant) -> Result<()> {
    tx.execute(
        "UPDATE meta SET home = ?1, epoch = ?2, restored_since = ?3, restored_at = NULL WHERE id = 1",
        (home, epoch, since.ms()),
    )?;
    Ok(())
}

/// The copy was started.
pub fn set_restored_at(tx: &Tx, now: Instant) -> Result<()> {
    tx.execute("UPDATE meta SET restored_at = ?1 WHERE id = 1", [now.ms()])?;
    Ok(())
}

/// Something that is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub reason: String,
    pub detail: String,
    pub held_at: Instant,
}

pub fn list_holds(db: &Db) -> Result<Vec<Hold>> {
    db.list("SELECT reason, detail, held_at FROM hold ORDER BY held_at, reason LIMIT 10", (), |row| {
        Ok(Hold { reason: row.get(0)?, detail: row.get(1)?, held_at: Instant::from_ms(row.get(2)?) })
    })
}

pub fn insert_hold(tx: &Tx, reason: &str, detail: &str, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO hold (reason, detail, held_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (reason) DO UPDATE SET detail = excluded.detail",
        (reason, detail, now.ms()),
    )?;
    Ok(())
}

/// Whether it was held.
pub fn delete_hold(tx: &Tx, reason: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM hold WHERE reason = ?1", [reason])? > 0)
}
