//! Second factors: the shared secret, the codes that stand in for it, who is half signed in, and wrong guesses.

use super::{Db, Tx};
use crate::domain::second_factor::Door;
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Totp {
    /// Sealed.
    pub secret: String,
    /// Of the last code that was taken.
    pub last_step: i64,
    pub enabled_at: Instant,
}

pub fn find(db: &Db, user_id: &str) -> Result<Option<Totp>> {
    db.find("SELECT secret, last_step, enabled_at FROM totp WHERE user_id = ?1", [user_id], |row| {
        Ok(Totp { secret: row.get(0)?, last_step: row.get(1)?, enabled_at: Instant::from_ms(row.get(2)?) })
    })
}

/// Whether there was none before.
pub fn insert(tx: &Tx, user_id: &str, secret: &str, last_step: i64, now: Instant) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO totp (user_id, secret, last_step, enabled_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        (user_id, secret, last_step, now.ms()),
    )?;
    Ok(added > 0)
}

/// Takes the code of a step, if neither it nor a later one was taken before.
pub fn take_step(tx: &Tx, user_id: &str, step: i64) -> Result<bool> {
    Ok(tx.execute("UPDATE totp SET last_step = ?2 WHERE user_id = ?1 AND last_step < ?2", (user_id, step))? > 0)
}

/// Forgets the secret and all that belongs to it. Whether there was one.
pub fn delete(tx: &Tx, user_id: &str) -> Result<bool> {
    let was_on = tx.execute("DELETE FROM totp WHERE user_id = ?1", [user_id])? > 0;
    for table in ["recovery_code", "half_session", "second_factor_guess"] {
        tx.execute(&format!("DELETE FROM {table} WHERE user_id = ?1"), [user_id])?;
    }
    Ok(was_on)
}

/// Puts these codes in the place of all earlier ones.
pub fn replace_codes(tx: &Tx, user_id: &str, hashes: &[[u8; 32]]) -> Result<()> {
    tx.execute("DELETE FROM recovery_code WHERE user_id = ?1", [user_id])?;
    for hash in hashes {
        tx.execute("INSERT INTO recovery_code (code_hash, user_id) VALUES (?1, ?2)", (&hash[..], user_id))?;
    }
    Ok(())
}

/// Uses a code up. Whether it was an unused one of this user.
pub fn use_code(tx: &Tx, user_id: &str, hash: &[u8], now: Instant) -> Result<bool> {
    Ok(tx.execute(
        "UPDATE recovery_code SET used_at = ?3 WHERE code_hash = ?2 AND user_id = ?1 AND used_at IS NULL",
        (user_id, hash, now.ms()),
    )? > 0)
}

pub fn count_codes(db: &Db, user_id: &str) -> Result<u32> {
    db.value("SELECT count(*) FROM recovery_code WHERE user_id = ?1 AND used_at IS NULL", [user_id])
}

/// Wrong codes in a row, and until when no code is looked at.
pub fn find_guesses(db: &Db, user_id: &str, door: Door) -> Result<(u32, Option<Instant>)> {
    let found = db.find(
        "SELECT failures, paused_until FROM second_factor_guess WHERE user_id = ?1 AND door = ?2",
        (user_id, door.as_str()),
        |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(Instant::from_ms))),
    )?;
    Ok(found.unwrap_or_default())
}

pub fn set_guesses(tx: &Tx, user_id: &str, door: Door, failures: u32, paused_until: Option<Instant>) -> Result<()> {
    tx.execute(
        "INSERT INTO second_factor_guess (user_id, door, failures, paused_until) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user_id, door) DO UPDATE SET failures = excluded.failures, paused_until = excluded.paused_until",
        (user_id, door.as_str(), failures, paused_until.map(Instant::ms)),
    )?;
    Ok(())
}

/// Somebody whose password was right, or who came by a login-free entry; the code is missing.
#[derive(Debug, Clone)]
pub struct Half {
    pub user_id: String,
    /// The binding of a login-free entry.
    pub binding_id: Option<String>,
}

pub fn insert_half(tx: &Tx, secret_hash: &[u8], half: &Half, now: Instant, expires_at: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO half_session (secret_hash, user_id, binding_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        (secret_hash, &half.user_id, &half.binding_id, now.ms(), expires_at.ms()),
    )?;
    Ok(())
}

/// One that has not run out, was not overtaken by a new password, and whose user may still sign in with a code.
pub fn find_half(db: &Db, secret_hash: &[u8], now: Instant) -> Result<Option<Half>> {
    db.find(
        "SELECT h.user_id, h.binding_id FROM half_session h JOIN user u ON u.id = h.user_id JOIN totp t ON t.user_id = u.id
         WHERE h.secret_hash = ?1 AND h.expires_at > ?2 AND u.password_changed_at <= h.created_at AND u.disabled_at IS NULL",
        (secret_hash, now.ms()),
        |row| Ok(Half { user_id: row.get(0)?, binding_id: row.get(1)? }),
    )
}

pub fn delete_half(tx: &Tx, secret_hash: &[u8]) -> Result<()> {
    tx.execute("DELETE FROM half_session WHERE secret_hash = ?1", [secret_hash])?;
    Ok(())
}

/// Forgets those that have run out; at most `limit` rows at a time.
pub fn delete_old_halves(tx: &Tx, now: Instant, limit: u32) -> Result<usize> {
    tx.execute(
        "DELETE FROM half_session WHERE secret_hash IN (SELECT secret_hash FROM half_session WHERE expires_at < ?1 LIMIT ?2)",
        (now.ms(), limit),
    )
}

/// Whoever is half signed in as this user is not any more.
pub fn delete_halves(tx: &Tx, user_id: &str) -> Result<()> {
    tx.execute("DELETE FROM half_session WHERE user_id = ?1", [user_id])?;
    Ok(())
}
