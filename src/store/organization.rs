//! Organizations.

use rusqlite::Row;

use super::{Db, Tx};
use crate::domain::organization::{Freeze, FreezeReason, Role};
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Organization {
    pub id: String,
    pub name: String,
    pub time_zone: String,
    pub freeze: Option<Freeze>,
    pub members: u32,
    pub created_at: Instant,
}

pub(super) const COLUMNS: &str = "o.id, o.name, o.time_zone, o.freeze_reason, o.frozen_at, o.grace_until, o.created_at, \
     (SELECT count(*) FROM member c WHERE c.organization_id = o.id)";

/// Most organizations of one person that a list shows.
const LIMIT: u32 = 200;

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Organization> {
    let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
    let reason: Option<String> = row.get(3)?;
    let freeze = match (reason.as_deref().and_then(FreezeReason::parse), instant(4)?) {
        (Some(reason), Some(since)) => Some(Freeze { reason, since, grace_until: instant(5)? }),
        _ => None,
    };
    Ok(Organization {
        id: row.get(0)?,
        name: row.get(1)?,
        time_zone: row.get(2)?,
        freeze,
        created_at: Instant::from_ms(row.get(6)?),
        members: row.get(7)?,
    })
}

/// One that was not deleted.
pub fn find(db: &Db, id: &str) -> Result<Option<Organization>> {
    db.find(&format!("SELECT {COLUMNS} FROM organization o WHERE o.id = ?1 AND o.deleted_at IS NULL"), [id], from_row)
}

/// All of them in the order of their ids, behind `after`.
pub fn list_after(db: &Db, after: &str, limit: u32) -> Result<Vec<Organization>> {
    db.list(
        &format!(
            "SELECT {COLUMNS} FROM organization o WHERE o.id > ?1 AND o.deleted_at IS NULL ORDER BY o.id LIMIT ?2"
        ),
        (after, limit),
        from_row,
    )
}

/// The organizations of a user with the role held there, those joined first come first.
pub fn list_of_user(db: &Db, user_id: &str) -> Result<Vec<(Organization, Role)>> {
    db.list(
        &format!(
            "SELECT {COLUMNS}, m.role FROM member m JOIN organization o ON o.id = m.organization_id
             WHERE m.user_id = ?1 AND o.deleted_at IS NULL ORDER BY m.joined_at, o.id LIMIT ?2"
        ),
        (user_id, LIMIT),
        |row| Ok((from_row(row)?, Role::parse(&row.get::<_, String>(8)?).unwrap_or(Role::Member))),
    )
}

pub fn insert(tx: &Tx, id: &str, name: &str, now: Instant) -> Result<()> {
    tx.execute("INSERT INTO organization (id, name, created_at) VALUES (?1, ?2, ?3)", (id, name, now.ms()))?;
    Ok(())
}

/// The name of one, also of one that was deleted.
pub fn find_name(db: &Db, id: &str) -> Result<Option<String>> {
    db.find("SELECT name FROM organization WHERE id = ?1", [id], |row| row.get(0))
}

pub fn set_name(tx: &Tx, id: &str, name: &str) -> Result<()> {
    tx.execute("UPDATE organization SET name = ?2, version = version + 1 WHERE id = ?1", (id, name))?;
    Ok(())
}

pub fn set_time_zone(tx: &Tx, id: &str, name: &str) -> Result<()> {
    tx.execute("UPDATE organization SET time_zone = ?2 WHERE id = ?1", (id, name))?;
    Ok(())
}

/// Hides it from everybody; bindings, records and the log still point to it.
pub fn set_deleted(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE organization SET deleted_at = ?2, version = version + 1 WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}
