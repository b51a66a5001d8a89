//! Freezes of organizations (rules B3).

use super::Tx;
use crate::domain::organization::FreezeReason;
use crate::domain::value::Instant;
use crate::error::Result;

/// Freezes an organization for payment; an operator's freeze stays what it is. Whether something changed.
pub fn set_payment(tx: &Tx, organization_id: &str, now: Instant, grace_until: Option<Instant>) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE organization SET freeze_reason = ?2, frozen_at = coalesce(frozen_at, ?3), grace_until = ?4, version = version + 1
         WHERE id = ?1 AND (freeze_reason IS NULL OR freeze_reason = ?2)",
        (organization_id, FreezeReason::Payment.as_str(), now.ms(), grace_until.map(Instant::ms)),
    )?;
    Ok(changed > 0)
}

/// Freezes an organization until an operator lifts it; a freeze for payment gives way. Whether something changed.
pub fn set_operator(tx: &Tx, organization_id: &str, now: Instant) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE organization SET freeze_reason = ?2, frozen_at = ?3, grace_until = NULL, version = version + 1
         WHERE id = ?1 AND freeze_reason IS NOT ?2",
        (organization_id, FreezeReason::Operator.as_str(), now.ms()),
    )?;
    Ok(changed > 0)
}

/// Lifts an operator's freeze. Whether there was one.
pub fn lift_operator(tx: &Tx, organization_id: &str) -> Result<bool> {
    lift(tx, organization_id, FreezeReason::Operator)
}

/// Lifts a freeze for payment. Whether there was one.
pub fn lift_payment(tx: &Tx, organization_id: &str) -> Result<bool> {
    lift(tx, organization_id, FreezeReason::Payment)
}

fn lift(tx: &Tx, organization_id: &str, reason: FreezeReason) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE organization SET freeze_reason = NULL, frozen_at = NULL, grace_until = NULL, version = version + 1 WHERE id = ?1 AND freeze_reason = ?2",
        (organization_id, reason.as_str()),
    )?;
    Ok(changed > 0)
}
