//! What the binding page lists: a person's organizations, each with what decides whether it can be chosen.

use rusqlite::Row;

use super::Db;
use crate::domain::organization::{Freeze, FreezeReason, Role};
use crate::domain::subscription;
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Candidate {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub freeze: Option<Freeze>,
    pub version: i64,
    pub members: u32,
    /// Names of the owners, the earliest first, at most [`OWNERS`].
    pub owners: Vec<String>,
    /// The live binding, with the subscription that it is bound to.
    pub live: Option<LiveBinding>,
    pub is_requested: bool,
}

#[derive(Debug, Clone)]
pub struct LiveBinding {
    pub id: String,
    pub seller_id: String,
    pub instance_id: String,
    pub product_code: String,
    pub plan_code: String,
    pub buyer_account: String,
    pub state: subscription::State,
}

/// Most organizations that the page lists.
pub const LIMIT: u32 = 200;
/// Most owners that a reason names.
pub const OWNERS: u32 = 3;

/// The organizations of a user, those joined first come first.
pub fn list(db: &Db, user_id: &str) -> Result<Vec<Candidate>> {
    let mut candidates = db.list(
        "SELECT o.id, o.name, m.role, o.freeze_reason, o.frozen_at, o.grace_until, o.version,
           (SELECT count(*) FROM member c WHERE c.organization_id = o.id),
           b.id, s.instance_id, s.buyer_account, s.state, s.seller_id, s.product_code, s.plan_code,
           EXISTS (SELECT 1 FROM binding r WHERE r.organization_id = o.id AND r.state IN ('requested', 'live') AND r.state = 'requested')
         FROM member m
         JOIN organization o ON o.id = m.organization_id AND o.deleted_at IS NULL
         LEFT JOIN binding b ON b.organization_id = o.id AND b.state IN ('requested', 'live') AND b.state = 'live'
         LEFT JOIN subscription s ON s.id = b.subscription_id
         WHERE m.user_id = ?1 ORDER BY m.joined_at, o.id LIMIT ?2",
        (user_id, LIMIT),
        from_row,
    )?;
    for candidate in &mut candidates {
        candidate.owners = db.list(
            "SELECT u.name FROM member m JOIN user u ON u.id = m.user_id WHERE m.organization_id = ?1 AND m.role = 'owner' ORDER BY m.joined_at, u.id LIMIT ?2",
            (&candidate.id, OWNERS),
            |row| row.get(0),
        )?;
    }
    Ok(candidates)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let instant = |at: usize| row.get::<_, Option<i64>>(at).map(|ms| ms.map(Instant::from_ms));
    let role: String = row.get(2)?;
    let reason: Option<String> = row.get(3)?;
    let freeze = match (reason.as_deref().and_then(FreezeReason::parse), instant(4)?) {
        (Some(reason), Some(since)) => Some(Freeze { reason, since, grace_until: instant(5)? }),
        _ => None,
    };
    let live = match row.get::<_, Option<String>>(8)? {
        Some(id) => {
            let state: String = row.get(11)?;
            Some(LiveBinding {
                id,
                seller_id: row.get(12)?,
                instance_id: row.get(9)?,
                product_code: row.get(13)?,
                plan_code: row.get(14)?,
                buyer_account: row.get(10)?,
                state: subscription::State::parse(&state).unwrap_or(subscription::State::Released),
            })
        }
        None => None,
    };
    Ok(Candidate {
        id: row.get(0)?,
        name: row.get(1)?,
        // The schema's CHECK keeps other words out; the fallback manages nothing.
        role: Role::parse(&role).unwrap_or(Role::Member),
        freeze,
        version: row.get(6)?,
        members: row.get(7)?,
        owners: Vec::new(),
        live,
        is_requested: row.get(15)?,
    })
}
