//! POSTs with an `Idempotency-Key`: the same call again gets the same answer, and nothing happens twice.

use serde_json::Value;

use crate::crypto::{Chance, Keys, same};
use crate::domain::value::{DAY_MS, Instant};
use crate::error::{Error, Result};
use crate::store::{Tx, idempotency};

/// How long an answer is kept.
const KEEP_MS: i64 = DAY_MS;
/// The purpose that answers are sealed for.
pub(super) const SEAL: &str = "idempotency";

/// A call that may come again.
pub struct Call {
    pub api_key_id: String,
    /// The caller's key; `None`: each call counts.
    pub key: Option<String>,
    /// Of method, path and body.
    pub request_hash: [u8; 32],
}

/// Runs the effect, or gives the answer of the first time. A call that failed left nothing behind and may be tried again.
///
/// # Errors
/// `Invalid(idempotency-key, reused)` if the key came with another request before.
pub fn once(
    tx: &Tx,
    (keys, chance): (&Keys, &Chance),
    call: &Call,
    now: Instant,
    effect: impl FnOnce(&Tx) -> Result<Value>,
) -> Result<Value> {
    let Some(key) = &call.key else { return effect(tx) };
    if let Some((hash, sealed)) = idempotency::find(tx, &call.api_key_id, key)? {
        if !same(&hash, &call.request_hash) {
            return Err(Error::invalid("idempotency-key", "reused"));
        }
        let answer = keys.open(SEAL, &sealed).ok_or_else(|| Error::internal("sealed under another master key"))?;
        return Ok(serde_json::from_slice(&answer)?);
    }
    let answer = effect(tx)?;
    let sealed = keys.seal(SEAL, answer.to_string().as_bytes(), chance);
    idempotency::insert(tx, &call.api_key_id, key, &call.request_hash, &sealed, now)?;
    Ok(answer)
}

/// Forgets answers that nobody asks for any more.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    idempotency::delete_old(tx, now.plus_ms(-KEEP_MS), rows)
}
