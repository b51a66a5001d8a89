//! Invitations to organizations.

use rusqlite::{Row, named_params};

use super::{Db, Tx};
use crate::domain::organization::Role;
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Invitation {
    pub id: String,
    pub organization_id: String,
    pub email: String,
    pub role: Role,
    /// The link was shown to the inviter instead of mailed: whoever holds it has not proved the address.
    pub is_shown: bool,
    pub sent_at: Instant,
    pub expires_at: Instant,
    pub accepted_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
    pub inviter_name: String,
    /// Whoever sent it still owns the organization.
    pub is_backed: bool,
}

const SELECT: &str = "SELECT i.id, i.organization_id, i.email, i.role, i.is_shown, i.sent_at, i.expires_at, i.accepted_at, i.revoked_at, u.name,
       u.disabled_at IS NULL AND EXISTS (
         SELECT 1 FROM member m WHERE m.organization_id = i.organization_id AND m.user_id = i.invited_by AND m.role = 'owner')
     FROM invitation i JOIN user u ON u.id = i.invited_by";

/// Most that a list shows; more than are ever open.
const LIMIT: u32 = 200;

fn from_row(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
    Ok(Invitation {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        email: row.get(2)?,
        // The schema's CHECK keeps other words out; the fallback manages nothing.
        role: Role::parse(&row.get::<_, String>(3)?).unwrap_or(Role::Member),
        is_shown: row.get(4)?,
        sent_at: Instant::from_ms(row.get(5)?),
        expires_at: Instant::from_ms(row.get(6)?),
        accepted_at: instant(7)?,
        revoked_at: instant(8)?,
        inviter_name: row.get(9)?,
        is_backed: row.get(10)?,
    })
}

/// By the hash of its newest link.
pub fn find_by_token(db: &Db, token_hash: &[u8]) -> Result<Option<Invitation>> {
    db.find(&format!("{SELECT} WHERE i.token_hash = ?1"), [token_hash], from_row)
}

/// One of an organization that is neither accepted nor revoked.
pub fn find_open(db: &Db, organization_id: &str, id: &str) -> Result<Option<Invitation>> {
    db.find(
        &format!(
            "{SELECT} WHERE i.id = ?2 AND i.organization_id = ?1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL"
        ),
        (organization_id, id),
        from_row,
    )
}

/// The one of an address that is neither accepted nor revoked.
pub fn find_open_to(db: &Db, organization_id: &str, email: &str) -> Result<Option<Invitation>> {
    db.find(
        &format!(
            "{SELECT} WHERE i.organization_id = ?1 AND i.email = ?2 AND i.accepted_at IS NULL AND i.revoked_at IS NULL"
        ),
        (organization_id, email),
        from_row,
    )
}

/// Those of an organization that are neither accepted nor revoked, the newest first.
pub fn list_open(db: &Db, organization_id: &str) -> Result<Vec<Invitation>> {
    db.list(
        &format!(
            "{SELECT} WHERE i.organization_id = ?1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL
             ORDER BY i.sent_at DESC, i.id DESC LIMIT ?2"
        ),
        (organization_id, LIMIT),
        from_row,
    )
}

pub fn count_open(db: &Db, organization_id: &str) -> Result<u32> {
    db.value(
        "SELECT count(*) FROM invitation WHERE organization_id = ?1 AND accepted_at IS NULL AND revoked_at IS NULL",
        [organization_id],
    )
}

/// What was sent to an address, the newest first.
pub fn list_to(db: &Db, email: &str, limit: u32) -> Result<Vec<Invitation>> {
    db.list(
        &format!("{SELECT} WHERE i.email = ?1 ORDER BY i.sent_at DESC, i.id DESC LIMIT ?2"),
        (email, limit),
        from_row,
    )
}

/// A link that goes out.
pub struct Sent<'a> {
    pub id: &'a str,
    pub token_hash: &'a [u8],
    pub role: Role,
    pub invited_by: &'a str,
    pub is_shown: bool,
    pub expires_at: Instant,
}

pub fn insert(tx: &Tx, organization_id: &str, email: &str, sent: &Sent<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO invitation (id, token_hash, organization_id, email, role, invited_by, is_shown, sent_at, expires_at)
         VALUES (:id, :token, :organization, :email, :role, :by, :shown, :now, :expires)",
        named_params! {
            ":id": sent.id,
            ":token": sent.token_hash,
            ":organization": organization_id,
            ":email": email,
            ":role": sent.role.as_str(),
            ":by": sent.invited_by,
            ":shown": sent.is_shown,
            ":now": now.ms(),
            ":expires": sent.expires_at.ms(),
        },
    )?;
    Ok(())
}

/// Another link for an invitation: the former one leads nowhere.
pub fn set_sent(tx: &Tx, sent: &Sent<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE invitation SET token_hash = :token, role = :role, invited_by = :by, is_shown = :shown, sent_at = :now, expires_at = :expires
         WHERE id = :id",
        named_params! {
            ":id": sent.id,
            ":token": sent.token_hash,
            ":role": sent.role.as_str(),
            ":by": sent.invited_by,
            ":shown": sent.is_shown,
            ":now": now.ms(),
            ":expires": sent.expires_at.ms(),
        },
    )?;
    Ok(())
}

pub fn set_accepted(tx: &Tx, id: &str, user_id: &str, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE invitation SET accepted_at = ?3, accepted_by = ?2 WHERE id = ?1 AND accepted_at IS NULL",
        (id, user_id, now.ms()),
    )?;
    Ok(())
}

pub fn set_revoked(tx: &Tx, id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE invitation SET revoked_at = ?2 WHERE id = ?1", (id, now.ms()))?;
    Ok(())
}

/// Ends every invitation of an organization that waits.
pub fn revoke_all(tx: &Tx, organization_id: &str, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE invitation SET revoked_at = ?2 WHERE organization_id = ?1 AND accepted_at IS NULL AND revoked_at IS NULL",
        (organization_id, now.ms()),
    )?;
    Ok(())
}

/// Ends invitations that wait, of whatever organization; at most `limit` rows at a time.
pub fn revoke_some(tx: &Tx, now: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "UPDATE invitation SET revoked_at = ?1 WHERE id IN (
           SELECT id FROM invitation WHERE organization_id > '' AND accepted_at IS NULL AND revoked_at IS NULL LIMIT ?2)",
        (now.ms(), limit),
    )
}

/// Forgets invitations of an address; at most `limit` rows at a time.
pub fn delete_to(tx: &Tx, email: &str, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM invitation WHERE id IN (SELECT id FROM invitation WHERE email = ?1 LIMIT ?2)",
        (email, limit),
    )
}

/// Forgets what ran out before `until`; at most `limit` rows at a time.
pub fn delete_old(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM invitation WHERE id IN (SELECT id FROM invitation WHERE expires_at < ?1 LIMIT ?2)",
        (until.ms(), limit),
    )
}
