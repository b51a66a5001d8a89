//! People: an address, a name, a password's hash.

use rusqlite::Row;

use super::{Db, Tx};
use crate::domain::value::{Instant, Lang};
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    pub password_hash: String,
    pub lang: Lang,
    pub is_operator: bool,
    pub email_verified_at: Option<Instant>,
    pub password_changed_at: Instant,
    pub created_at: Instant,
    pub disabled_at: Option<Instant>,
}

pub(super) const COLUMNS: &str = "id, email, name, password_hash, lang, is_operator, password_changed_at, created_at, disabled_at, email_verified_at";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        password_hash: row.get(3)?,
        lang: Lang::parse(&row.get::<_, String>(4)?).unwrap_or_default(),
        is_operator: row.get(5)?,
        password_changed_at: Instant::from_ms(row.get(6)?),
        created_at: Instant::from_ms(row.get(7)?),
        disabled_at: row.get::<_, Option<i64>>(8)?.map(Instant::from_ms),
        email_verified_at: row.get::<_, Option<i64>>(9)?.map(Instant::from_ms),
    })
}

pub fn find(db: &Db, id: &str) -> Result<Option<User>> {
    db.find(&format!("SELECT {COLUMNS} FROM user WHERE id = ?1"), [id], from_row)
}

/// By address, in the one spelling of `domain::value::Email`.
pub fn find_by_email(db: &Db, email: &str) -> Result<Option<User>> {
    db.find(&format!("SELECT {COLUMNS} FROM user WHERE email = ?1"), [email], from_row)
}

pub struct New<'a> {
    pub id: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub password_hash: &'a str,
    pub lang: Lang,
    pub is_operator: bool,
    pub email_verified_at: Option<Instant>,
}

pub fn insert(tx: &Tx, new: &New<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO user (id, email, name, password_hash, lang, is_operator, email_verified_at, password_changed_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        (new.id, new.email, new.name, new.password_hash, new.lang.tag(), new.is_operator, new.email_verified_at.map(Instant::ms), now.ms()),
    )?;
    Ok(())
}

pub fn set_name(tx: &Tx, id: &str, name: &str) -> Result<()> {
    tx.execute("UPDATE user SET name = ?2 WHERE id = ?1", (id, name))?;
    Ok(())
}

/// The address is the user's, as its mailbox has proved.
pub fn set_email(tx: &Tx, id: &str, email: &str, now: Instant) -> Result<()> {
    tx.execute(
        "UPDATE user SET email_verified_at = CASE WHEN email = ?2 THEN coalesce(email_verified_at, ?3) ELSE ?3 END, email = ?2 WHERE id = ?1",
        (id, email, now.ms()),
    )?;
    Ok(())
}

pub fn set_lang(tx: &Tx, id: &str, lang: Lang) -> Result<()> {
    tx.execute("UPDATE user SET lang = ?2 WHERE id = ?1", (id, lang.tag()))?;
    Ok(())
}

pub fn set_password(tx: &Tx, id: &str, hash: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE user SET password_hash = ?2, password_changed_at = ?3 WHERE id = ?1", (id, hash, now.ms()))?;
    Ok(())
}

/// A reset that was asked for: its token's hash, good until then; mailed to the address, or handed over in another way.
pub fn insert_reset(
    tx: &Tx,
    token_hash: &[u8],
    (user_id, is_mailed): (&str, bool),
    now: Instant,
    expires_at: Instant,
) -> Result<()> {
    tx.execute(
        "INSERT INTO password_reset (token_hash, user_id, created_at, expires_at, is_mailed) VALUES (?1, ?2, ?3, ?4, ?5)",
        (token_hash, user_id, now.ms(), expires_at.ms(), is_mailed),
    )?;
    Ok(())
}

/// What a reset for an address that nobody has writes: as much as a real one, so that both wait for the disk, and nothing
/// that is kept.
pub fn insert_reset_for_nobody(tx: &Tx, token_hash: &[u8], now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO password_reset (token_hash, user_id, created_at, expires_at)
         SELECT ?1, id, ?2, ?2 FROM user WHERE id > '' ORDER BY id LIMIT 1",
        (token_hash, now.ms()),
    )?;
    tx.execute("DELETE FROM password_reset WHERE token_hash = ?1", [token_hash])?;
    Ok(())
}

/// Whose password a token may reset, and whether it was mailed.
pub fn find_reset(db: &Db, token_hash: &[u8], now: Instant) -> Result<Option<(String, bool)>> {
    db.find(
        "SELECT user_id, is_mailed FROM password_reset WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2",
        (token_hash, now.ms()),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Uses up every reset of a user: a new password ends them all.
pub fn use_resets(tx: &Tx, user_id: &str, now: Instant) -> Result<()> {
    tx.execute("UPDATE password_reset SET used_at = ?2 WHERE user_id = ?1 AND used_at IS NULL", (user_id, now.ms()))?;
    Ok(())
}

/// Remembers a browser of a user. Whether it is new.
pub fn meet_browser(tx: &Tx, user_id: &str, browser_hash: &[u8], now: Instant) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO known_browser (user_id, browser_hash, first_seen_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (user_id, browser_hash, now.ms()),
    )?;
    Ok(added > 0)
}

/// When each browser of a user was first seen, newest first.
pub fn list_browsers(db: &Db, user_id: &str, limit: u32) -> Result<Vec<Instant>> {
    db.list(
        "SELECT first_seen_at FROM known_browser WHERE user_id = ?1 ORDER BY first_seen_at DESC LIMIT ?2",
        (user_id, limit),
        |row| row.get(0).map(Instant::from_ms),
    )
}

/// Locks a person out, or lets them in again. Whether something changed; a deleted account stays out.
pub fn set_disabled(tx: &Tx, id: &str, at: Option<Instant>) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE user SET disabled_at = ?2 WHERE id = ?1 AND deleted_at IS NULL AND (disabled_at IS NULL) <> (?2 IS NULL)",
        (id, at.map(Instant::ms)),
    )? > 0)
}

/// By id, unless the account was deleted.
pub fn find_known(db: &Db, id: &str) -> Result<Option<User>> {
    db.find(&format!("SELECT {COLUMNS} FROM user WHERE id = ?1 AND deleted_at IS NULL"), [id], from_row)
}

/// Operators who can sign in, the newest first.
pub fn list_operators(db: &Db, limit: u32) -> Result<Vec<User>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM user WHERE is_operator = 1 AND disabled_at IS NULL ORDER BY id DESC LIMIT ?1"),
        [limit],
        from_row,
    )
}

/// Whether there is an operator in force beside a user.
pub fn has_other_operator(db: &Db, id: &str) -> Result<bool> {
    db.value("SELECT EXISTS (SELECT 1 FROM user WHERE is_operator = 1 AND disabled_at IS NULL AND id <> ?1)", [id])
}

/// Erases what tells of a person. The row stays, because bindings and the audit log point to it; the address is free.
pub fn erase(tx: &Tx, id: &str, email: &str, now: Instant) -> Result<()> {
    for table in ["known_browser", "password_reset", "email_check"] {
        tx.execute(&format!("DELETE FROM {table} WHERE user_id = ?1"), [id])?;
    }
    tx.execute("DELETE FROM email_check WHERE email = ?1", [email])?;
    tx.execute(
        "UPDATE user SET email = id || '@deleted.invalid', name = '', password_hash = '', email_verified_at = NULL,
           is_operator = 0, disabled_at = ?2, deleted_at = ?2 WHERE id = ?1",
        (id, now.ms()),
    )?;
    Ok(())
}

/// Forgets resets that ran out before `until`; at most `limit` rows at a time.
pub fn delete_old_resets(tx: &Tx, until: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM password_reset WHERE token_hash IN (SELECT token_hash FROM password_reset WHERE expires_at < ?1 LIMIT ?2)",
        (until.ms(), limit),
    )
}
