//! Who belongs to which organization, and as what.

use rusqlite::Row;

use super::{Db, Tx};
use crate::domain::invitation::MEMBERS_MAX;
use crate::domain::organization::Role;
use crate::domain::value::{Instant, Lang};
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Member {
    pub user_id: String,
    pub name: String,
    pub email: String,
    pub lang: Lang,
    pub role: Role,
    pub joined_at: Instant,
}

/// Most members that a list shows: all of them.
pub const LIMIT: u32 = MEMBERS_MAX;

/// A user's role in an organization that exists.
pub fn find_role(db: &Db, organization_id: &str, user_id: &str) -> Result<Option<Role>> {
    let role: Option<String> = db.find(
        "SELECT m.role FROM member m JOIN organization o ON o.id = m.organization_id WHERE m.organization_id = ?1 AND m.user_id = ?2 AND o.deleted_at IS NULL",
        (organization_id, user_id),
        |row| row.get(0),
    )?;
    Ok(role.as_deref().and_then(Role::parse))
}

pub fn list(db: &Db, organization_id: &str) -> Result<Vec<Member>> {
    db.list(
        "SELECT u.id, u.name, u.email, u.lang, m.role, m.joined_at FROM member m JOIN user u ON u.id = m.user_id
         WHERE m.organization_id = ?1 ORDER BY m.joined_at, u.id LIMIT ?2",
        (organization_id, LIMIT),
        from_row,
    )
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        user_id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        lang: Lang::parse(&row.get::<_, String>(3)?).unwrap_or_default(),
        // The schema's CHECK keeps other words out; the fallback manages nothing.
        role: Role::parse(&row.get::<_, String>(4)?).unwrap_or(Role::Member),
        joined_at: Instant::from_ms(row.get(5)?),
    })
}

pub fn insert(tx: &Tx, organization_id: &str, user_id: &str, role: Role, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO member (organization_id, user_id, role, joined_at) VALUES (?1, ?2, ?3, ?4)",
        (organization_id, user_id, role.as_str(), now.ms()),
    )?;
    Ok(())
}

/// A member by id.
pub fn find(db: &Db, organization_id: &str, user_id: &str) -> Result<Option<Member>> {
    db.find(
        "SELECT u.id, u.name, u.email, u.lang, m.role, m.joined_at FROM member m JOIN user u ON u.id = m.user_id
         WHERE m.organization_id = ?1 AND m.user_id = ?2",
        (organization_id, user_id),
        from_row,
    )
}

pub fn count(db: &Db, organization_id: &str) -> Result<u32> {
    db.value("SELECT count(*) FROM member WHERE organization_id = ?1", [organization_id])
}

/// How many owners there are beside a user, counting accounts in force.
pub fn count_other_owners(db: &Db, organization_id: &str, user_id: &str) -> Result<u32> {
    db.value(
        "SELECT count(*) FROM member m JOIN user u ON u.id = m.user_id
         WHERE m.organization_id = ?1 AND m.user_id <> ?2 AND m.role = 'owner' AND u.disabled_at IS NULL",
        (organization_id, user_id),
    )
}

pub fn set_role(tx: &Tx, organization_id: &str, user_id: &str, role: Role) -> Result<()> {
    tx.execute(
        "UPDATE member SET role = ?3 WHERE organization_id = ?1 AND user_id = ?2",
        (organization_id, user_id, role.as_str()),
    )?;
    Ok(())
}

pub fn delete(tx: &Tx, organization_id: &str, user_id: &str) -> Result<()> {
    tx.execute("DELETE FROM member WHERE organization_id = ?1 AND user_id = ?2", (organization_id, user_id))?;
    Ok(())
}

/// Takes so many members out of an organization; who they were, and as what.
pub fn take(tx: &Tx, organization_id: &str, limit: u32) -> Result<Vec<(String, Option<Role>)>> {
    let taken = tx.list(
        "SELECT user_id, role FROM member WHERE organization_id = ?1 ORDER BY user_id LIMIT ?2",
        (organization_id, limit),
        |row| Ok((row.get::<_, String>(0)?, Role::parse(&row.get::<_, String>(1)?))),
    )?;
    taken.iter().try_for_each(|(user_id, _)| delete(tx, organization_id, user_id))?;
    Ok(taken)
}
