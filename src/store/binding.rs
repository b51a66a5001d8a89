//! Bindings: which organization pays through which subscription.

use rusqlite::{Row, named_params};

use super::{Db, Tx};
use crate::domain::binding::State;
use crate::domain::organization::Role;
use crate::domain::value::Instant;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Binding {
    pub id: String,
    pub subscription_id: i64,
    pub organization_id: String,
    pub state: State,
    pub replaces: Option<String>,
    pub requested_by: String,
    pub entry_user_id: String,
    pub entry_role: Role,
    pub allows_entry: bool,
    pub requested_at: Instant,
    /// Until when the vendor may confirm it; `None`: nobody is asked.
    pub deadline_at: Option<Instant>,
    pub live_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub reason: Option<String>,
    /// The person who unbound or switched it.
    pub ended_by: Option<String>,
    /// What somebody wrote about its end.
    pub note: Option<String>,
}

const COLUMNS: &str = "id, subscription_id, organization_id, state, replaces, requested_by, entry_user_id, entry_role, allows_entry, \
     requested_at, live_at, ended_at, reason, deadline_at, note, ended_by";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Binding> {
    let state: String = row.get(3)?;
    let role: String = row.get(7)?;
    Ok(Binding {
        id: row.get(0)?,
        subscription_id: row.get(1)?,
        organization_id: row.get(2)?,
        // The schema's CHECKs keep other words out; the fallbacks grant nothing.
        state: State::parse(&state).unwrap_or(State::Ended),
        replaces: row.get(4)?,
        requested_by: row.get(5)?,
        entry_user_id: row.get(6)?,
        entry_role: Role::parse(&role).unwrap_or(Role::Owner),
        allows_entry: row.get(8)?,
        requested_at: Instant::from_ms(row.get(9)?),
        live_at: row.get::<_, Option<i64>>(10)?.map(Instant::from_ms),
        ended_at: row.get::<_, Option<i64>>(11)?.map(Instant::from_ms),
        reason: row.get(12)?,
        deadline_at: row.get::<_, Option<i64>>(13)?.map(Instant::from_ms),
        note: row.get(14)?,
        ended_by: row.get(15)?,
    })
}

pub fn find(db: &Db, id: &str) -> Result<Option<Binding>> {
    db.find(&format!("SELECT {COLUMNS} FROM binding WHERE id = ?1"), [id], from_row)
}

/// The bindings that a user asked for, newest first.
pub fn list_of_requester(db: &Db, user_id: &str, limit: u32) -> Result<Vec<Binding>> {
    db.list(
        &format!("SELECT {COLUMNS} FROM binding WHERE requested_by = ?1 ORDER BY requested_at DESC LIMIT ?2"),
        (user_id, limit),
        from_row,
    )
}

/// The requested or live binding that occupies a subscription.
pub fn find_of_subscription(db: &Db, subscription_id: i64) -> Result<Option<Binding>> {
    db.find(
        &format!("SELECT {COLUMNS} FROM binding WHERE subscription_id = ?1 AND state IN ('requested', 'live')"),
        [subscription_id],
        from_row,
    )
}

/// The live binding of an organization.
pub fn find_live_of_organization(db: &Db, organization_id: &str) -> Result<Option<Binding>> {
    db.find(
        &format!("SELECT {COLUMNS} FROM binding WHERE organization_id = ?1 AND state IN ('requested', 'live') AND state = 'live'"),
        [organization_id],
        from_row,
    )
}

/// The request of an organization that is being processed.
pub fn find_requested_of_organization(db: &Db, organization_id: &str) -> Result<Option<Binding>> {
    db.find(
        &format!("SELECT {COLUMNS} FROM binding WHERE organization_id = ?1 AND state IN ('requested', 'live') AND state = 'requested'"),
        [organization_id],
        from_row,
    )
}

/// A new request. A unique index refuses it while the subscription or the organization is occupied.
pub struct Request<'a> {
    pub id: &'a str,
    pub subscription_id: i64,
    pub organization_id: &'a str,
    pub replaces: Option<&'a str>,
    /// The manager who asks for it.
    pub requested_by: &'a str,
    /// The person in whose browser the login-free link was opened (rules A1).
    pub entry_user_id: &'a str,
    pub entry_role: Role,
    pub allows_entry: bool,
    /// Until when the vendor may confirm it; `None`: nobody is asked.
    pub deadline_at: Option<Instant>,
}

pub fn insert(tx: &Tx, request: &Request<'_>, now: Instant) -> Result<()> {
    tx.execute(
        "INSERT INTO binding (id, subscription_id, organization_id, state, replaces, requested_by, entry_user_id, entry_role, allows_entry, requested_at, deadline_at)
         VALUES (:id, :subscription, :organization, 'requested', :replaces, :user, :entry_user, :role, :entry, :now, :deadline)",
        named_params! {
            ":id": request.id,
            ":subscription": request.subscription_id,
            ":organization": request.organization_id,
            ":replaces": request.replaces,
            ":user": request.requested_by,
            ":entry_user": request.entry_user_id,
            ":role": request.entry_role.as_str(),
            ":entry": request.allows_entry,
            ":now": now.ms(),
            ":deadline": request.deadline_at.map(Instant::ms),
        },
    )?;
    Ok(())
}

/// What the vendor wrote about its no.
pub fn set_note(tx: &Tx, id: &str, note: &str) -> Result<()> {
    tx.execute("UPDATE binding SET note = ?2 WHERE id = ?1", (id, note))?;
    Ok(())
}

/// Notes that the vendor is told to undo a confirmation. Whether this is the first time.
pub fn set_undone(tx: &Tx, id: &str, now: Instant) -> Result<bool> {
    Ok(tx.execute("UPDATE binding SET undone_at = ?2 WHERE id = ?1 AND undone_at IS NULL", (id, now.ms()))? > 0)
}

/// Moves a binding on. The caller has asked [`State::may_become`].
pub fn set_state(tx: &Tx, id: &str, state: State, reason: Option<&str>, now: Instant) -> Result<()> {
    let is_over = !state.is_occupying();
    tx.execute(
        "UPDATE binding SET state = ?2, reason = ?3,
           live_at = CASE WHEN ?2 = 'live' THEN ?4 ELSE live_at END,
           ended_at = CASE WHEN ?5 THEN ?4 ELSE ended_at END
         WHERE id = ?1",
        (id, state.as_str(), reason, now.ms(), is_over),
    )?;
    Ok(())
}

/// Notes the person who unbound or switched it.
pub fn set_ended_by(tx: &Tx, id: &str, user_id: &str) -> Result<()> {
    tx.execute("UPDATE binding SET ended_by = ?2 WHERE id = ?1", (id, user_id))?;
    Ok(())
}

/// The binding of an organization that ended last.
pub fn find_last_ended(db: &Db, organization_id: &str) -> Result<Option<Binding>> {
    db.find(
        &format!("SELECT {COLUMNS} FROM binding WHERE organization_id = ?1 AND state = 'ended' ORDER BY requested_at DESC LIMIT 1"),
        [organization_id],
        from_row,
    )
}
