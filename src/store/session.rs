//! Sessions: server-side, found by the hash of a secret that only the browser has.

use rusqlite::{Row, named_params};

use super::{Db, Tx};
use crate::domain::organization::Role;
use crate::domain::session::Kind;
use crate::domain::value::{Instant, Lang};
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub user_id: String,
    pub kind: Kind,
    /// Marketplace: the binding it entered by, and the role held then.
    pub binding_id: Option<String>,
    pub role: Option<Role>,
    pub created_at: Instant,
    pub seen_at: Instant,
    pub expires_at: Instant,
    pub stepped_up_until: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub user_agent: String,
    pub address: String,
}

const COLUMNS: &str = "s.id, s.user_id, s.kind, s.binding_id, s.role, s.created_at, s.seen_at, s.expires_at, s.stepped_up_until, s.ended_at, s.user_agent, s.address";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Session> {
    let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
    let kind: String = row.get(2)?;
    Ok(Session {
        id: row.get(0)?,
        user_id: row.get(1)?,
        kind: if kind == "full" { Kind::Full } else { Kind::Marketplace },
        binding_id: row.get(3)?,
        role: row.get::<_, Option<String>>(4)?.as_deref().and_then(Role::parse),
        created_at: instant(5)?.unwrap_or_default(),
        seen_at: instant(6)?.unwrap_or_default(),
        expires_at: instant(7)?.unwrap_or_default(),
        stepped_up_until: instant(8)?,
        ended_at: instant(9)?,
        user_agent: row.get(10)?,
        address: row.get(11)?,
    })
}

/// A session with what decides whether it still holds.
#[derive(Debug, Clone)]
pub struct Standing {
    pub session: Session,
    pub user_name: String,
    pub email: String,
    pub lang: Lang,
    pub is_operator: bool,
    pub is_user_disabled: bool,
    pub password_changed_at: Instant,
    pub has_totp: bool,
    /// Marketplace: the organization, whether its binding is live and its subscription active, and the role now.
    pub organization_id: Option<String>,
    pub is_binding_good: bool,
    pub role_now: Option<Role>,
}

/// By its secret's hash, if it was not ended; one indexed read.
pub fn find(db: &Db, secret_hash: &[u8]) -> Result<Option<Standing>> {
    standing(db, "s.secret_hash = ?1", secret_hash)
}

/// By its id, if it was not ended.
pub fn find_by_id(db: &Db, id: &str) -> Result<Option<Standing>> {
    standing(db, "s.id = ?1", id)
}

fn standing(db: &Db, named: &str, name: impl rusqlite::ToSql) -> Result<Option<Standing>> {
    db.find(
        &format!(
            "SELECT {COLUMNS}, u.name, u.email, u.lang, u.is_operator, u.disabled_at IS NOT NULL, u.password_changed_at,
               b.organization_id, b.state = 'live' AND p.state = 'active', m.role,
               EXISTS (SELECT 1 FROM totp t WHERE t.user_id = u.id)
             FROM session s JOIN user u ON u.id = s.user_id
             LEFT JOIN binding b ON b.id = s.binding_id
             LEFT JOIN subscription p ON p.id = b.subscription_id
             LEFT JOIN member m ON m.organization_id = b.organization_id AND m.user_id = s.user_id
             WHERE {named} AND s.ended_at IS NULL"
        ),
        [name],
        |row| {
            Ok(Standing {
                session: from_row(row)?,
                user_name: row.get(12)?,
                email: row.get(13)?,
                lang: Lang::parse(&row.get::<_, String>(14)?).unwrap_or_default(),
                is_operator: row.get(15)?,
                is_user_disabled: row.get(16)?,
                password_changed_at: Instant::from_ms(row.get(17)?),
                organization_id: row.get(18)?,
                is_binding_good: row.get::<_, Option<bool>>(19)?.unwrap_or(false),
                role_now: row.get::<_, Option<String>>(20)?.as_deref().and_then(Role::parse),
                has_totp: row.get(21)?,
            })
        },
    )
}

/// The sessions of a user that were not ended and have not run out, newest first.
pub fn list(db: &Db, user_id: &str, now: Instant, limit: u32) -> Result<Vec<Session>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM session s WHERE s.user_id = ?1 AND s.ended_at IS NULL AND s.expires_at > ?2 ORDER BY s.created_at DESC, s.id LIMIT ?3"),
        (user_id, now.ms(), limit),
        from_row,
    )
}

/// The ids of a user's sessions that were not ended, but for one.
pub fn list_others(db: &Db, user_id: &str, id: &str, limit: u32) -> Result<Vec<String>> {
    db.list(
        "SELECT id FROM session WHERE user_id = ?1 AND ended_at IS NULL AND id <> ?2 LIMIT ?3",
        (user_id, id, limit),
        |row| row.get(0),
    )
}

pub struct New<'a> {
    pub id: &'a str,
    pub secret_hash: &'a [u8],
    pub user_id: &'a str,
    pub binding: Option<(&'a str, Role)>,
    pub expires_at: Instant,
    pub stepped_up_until: Option<Instant>,
    pub user_agent: &'a str,
    pub address: &'a str,
}

pub fn insert(tx: &Tx, new: &New<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO session (id, secret_hash, user_id, kind, binding_id, role, created_at, seen_at, expires_at, stepped_up_until, user_agent, address)
         VALUES (:id, :secret, :user, :kind, :binding, :role, :now, :now, :expires, :stepped, :agent, :address)",
        named_params! {
            ":id": new.id,
            ":secret": new.secret_hash,
            ":user": new.user_id,
            ":kind": if new.binding.is_some() { "marketplace" } else { "full" },
            ":binding": new.binding.map(|(id, _)| id),
            ":role": new.binding.map(|(_, role)| role.as_str()),
            ":now": now.ms(),
            ":expires": new.expires_at.ms(),
            ":stepped": new.stepped_up_until.map(Instant::ms),
            ":agent": new.user_agent,
            ":address": new.address,
        },
    )?;
    Ok(())
}

pub fn set_seen(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE session SET seen_at = ?2 WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

pub fn set_stepped_up(tx: &Tx, id: &str, until: Instant) -> Result<()> {
    tx.execute("UPDATE session SET stepped_up_until = ?2 WHERE id = ?1", (id, until.ms()))?;
    Ok(())
}

/// Another secret for the same session.
pub fn set_secret(tx: &Tx, id: &str, secret_hash: &[u8]) -> Result<()> {
    tx.execute("UPDATE session SET secret_hash = ?2 WHERE id = ?1", (id, secret_hash))?;
    Ok(())
}

/// Ends a session of a user. Whether there was one.
pub fn end(tx: &Tx, id: &str, user_id: &str, now: Instant) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE session SET ended_at = ?3 WHERE id = ?1 AND user_id = ?2 AND ended_at IS NULL",
        (id, user_id, now.ms()),
    )? > 0)
}

pub fn end_all(tx: &Tx, user_id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE session SET ended_at = ?2 WHERE user_id = ?1 AND ended_at IS NULL", (user_id, now.ms()))?;
    Ok(())
}

/// Sessions behind an id that were not ended and have not run out, in the order of their ids: id and user.
pub fn list_open_after(db: &Db, after: &str, now: Instant, limit: u32) -> Result<Vec<(String, String)>> {
    db.list(
        "SELECT id, user_id FROM session WHERE id > ?1 AND ended_at IS NULL AND expires_at > ?2 ORDER BY id LIMIT ?3",
        (after, now.ms(), limit),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The login-free sessions of a user by which an organization was entered, if they were not ended; at most `limit`.
pub fn list_of_entry(db: &Db, user_id: &str, organization_id: &str, limit: u32) -> Result<Vec<String>> {
    db.list(
        "SELECT s.id FROM session s JOIN binding b ON b.id = s.binding_id
         WHERE s.user_id = ?1 AND s.ended_at IS NULL AND b.organization_id = ?2 LIMIT ?3",
        (user_id, organization_id, limit),
        |row| row.get(0),
    )
}

/// Sessions that came by a binding of an organization and have not run out: id and user.
pub fn list_of_organization(db: &Db, organization_id: &str, now: Instant, limit: u32) -> Result<Vec<(String, String)>> {
    db.list(
        "SELECT s.id, s.user_id FROM binding b JOIN session s ON s.binding_id = b.id
         WHERE b.organization_id = ?1 AND s.ended_at IS NULL AND s.expires_at > ?2 LIMIT ?3",
        (organization_id, now.ms(), limit),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// All sessions of a user that are still kept, newest first.
pub fn list_all(db: &Db, user_id: &str, limit: u32) -> Result<Vec<Session>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM session s WHERE s.user_id = ?1 ORDER BY s.created_at DESC, s.id LIMIT ?2"),
        (user_id, limit),
        from_row,
    )
}

/// Forgets all sessions of a user.
pub fn delete_all(tx: &Tx, user_id: &str) -> Result<()> {
    tx.execute("DELETE FROM session WHERE user_id = ?1", [user_id])?;
    Ok(())
}

/// Forgets sessions that ran out before `until`; at most `limit` rows at a time.
pub fn delete_old(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
        (until.ms(), limit),
    )
}
