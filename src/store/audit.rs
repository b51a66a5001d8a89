//! The audit log as it is stored. What its chain means is in `usecase::audit`.

use rusqlite::types::Value;
use rusqlite::{Row as SqlRow, named_params, params_from_iter};

use super::{Db, Tx};
use crate::domain::value::Instant;
use crate::error::Result;

/// Length of a MAC, in bytes.
pub const MAC_LEN: usize = 32;
pub type Mac = [u8; MAC_LEN];

/// A row, with its values as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: i64,
    pub at: Instant,
    pub actor_kind: String,
    pub actor_id: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub organization_id: Option<String>,
    pub subscription_id: Option<i64>,
    pub user_id: Option<String>,
    pub reason: Option<String>,
    /// Sealed if `is_personal`.
    pub before: Option<String>,
    pub after: Option<String>,
    pub is_personal: bool,
    pub request_id: String,
    pub mac: Mac,
}

pub(super) const COLUMNS: &str = "id, at, actor_kind, actor_id, action, subject_kind, subject_id, organization_id, subscription_id, user_id, reason, before, after, is_personal, request_id, mac";

/// Of a length that nobody wrote: no MAC, so that it fits nothing.
fn mac(row: &SqlRow<'_>, name: &str) -> rusqlite::Result<Mac> {
    Ok(row.get::<_, Vec<u8>>(name)?.try_into().unwrap_or_default())
}

pub(super) fn from_row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get("id")?,
        at: Instant::from_ms(row.get("at")?),
        actor_kind: row.get("actor_kind")?,
        actor_id: row.get("actor_id")?,
        action: row.get("action")?,
        subject_kind: row.get("subject_kind")?,
        subject_id: row.get("subject_id")?,
        organization_id: row.get("organization_id")?,
        subscription_id: row.get("subscription_id")?,
        user_id: row.get("user_id")?,
        reason: row.get("reason")?,
        before: row.get("before")?,
        after: row.get("after")?,
        is_personal: row.get("is_personal")?,
        request_id: row.get("request_id")?,
        mac: mac(row, "mac")?,
    })
}

pub fn insert(tx: &Tx, row: &Row) -> Result<()> {
    tx.execute(
        "INSERT INTO audit (id, at, actor_kind, actor_id, action, subject_kind, subject_id, organization_id, subscription_id, user_id,
           reason, before, after, is_personal, request_id, mac)
         VALUES (:id, :at, :actor_kind, :actor, :action, :subject_kind, :subject, :organization, :subscription, :user,
           :reason, :before, :after, :is_personal, :request, :mac)",
        named_params! {
            ":id": row.id,
            ":at": row.at.ms(),
            ":actor_kind": row.actor_kind,
            ":actor": row.actor_id,
            ":action": row.action,
            ":subject_kind": row.subject_kind,
            ":subject": row.subject_id,
            ":organization": row.organization_id,
            ":subscription": row.subscription_id,
            ":user": row.user_id,
            ":reason": row.reason,
            ":before": row.before,
            ":after": row.after,
            ":is_personal": row.is_personal,
            ":request": row.request_id,
            ":mac": row.mac,
        },
    )?;
    Ok(())
}

/// The rows behind an id, in the order in which they were written.
pub fn list_after(db: &Db, after: i64, limit: u32) -> Result<Vec<Row>> {
    db.list(&format!("SELECT {COLUMNS} FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2"), (after, limit), from_row)
}

/// Which rows a list shows; what is empty is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub actor_id: String,
    pub organization_id: String,
    pub subscription_id: Option<i64>,
    pub user_id: String,
    /// An action, or the beginning of one that ends in a dot.
    pub action: String,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
}

/// The newest first, older than `before`.
pub fn list(db: &Db, filter: &Filter, before: i64, limit: u32) -> Result<Vec<Row>> {
    let mut conditions = vec!["id < ?"];
    let mut values = vec![Value::from(before)];
    let mut ask = |condition: &'static str, value: Value| {
        conditions.push(condition);
        values.push(value);
    };
    let text = |text: &String| Value::from(text.clone());
    if !filter.actor_id.is_empty() {
        ask("actor_id = ?", text(&filter.actor_id));
    }
    if !filter.organization_id.is_empty() {
        ask("organization_id = ?", text(&filter.organization_id));
    }
    if let Some(id) = filter.subscription_id {
        ask("subscription_id = ?", id.into());
    }
    if !filter.user_id.is_empty() {
        ask("user_id = ?", text(&filter.user_id));
    }
    if filter.action.ends_with('.') {
        ask("substr(action, 1, length(?)) = ?", text(&filter.action));
        values.push(text(&filter.action));
    } else if !filter.action.is_empty() {
        ask("action = ?", text(&filter.action));
    }
    if let Some(from) = filter.from {
        conditions.push("at >= ?");
        values.push(from.ms().into());
    }
    if let Some(until) = filter.until {
        conditions.push("at < ?");
        values.push(until.ms().into());
    }
    values.push(limit.into());
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE {} ORDER BY id DESC LIMIT ?", conditions.join(" AND "));
    db.list(&sql, params_from_iter(values), from_row)
}

/// Where the log begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The chain's key, sealed.
    pub chain: String,
    /// The last row that retention took, and its MAC; 0: none.
    pub base: (i64, Mac),
    /// The last row; the base if there is none.
    pub last: (i64, Mac),
    pub mac: Mac,
}

pub fn find_head(db: &Db) -> Result<Option<Head>> {
    db.find("SELECT chain, base_id, base_mac, last_id, last_mac, mac FROM audit_head WHERE id = 1", (), |row| {
        Ok(Head {
            chain: row.get("chain")?,
            base: (row.get("base_id")?, mac(row, "base_mac")?),
            last: (row.get("last_id")?, mac(row, "last_mac")?),
            mac: mac(row, "mac")?,
        })
    })
}

pub fn set_head(tx: &Tx, head: &Head) -> Result<()> {
    tx.execute(
        "INSERT INTO audit_head (id, chain, base_id, base_mac, last_id, last_mac, mac) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET chain = excluded.chain, base_id = excluded.base_id, base_mac = excluded.base_mac,
           last_id = excluded.last_id, last_mac = excluded.last_mac, mac = excluded.mac",
        (&head.chain, head.base.0, head.base.1, head.last.0, head.last.1, head.mac),
    )?;
    Ok(())
}

/// The last of at most so many rows at the beginning that are older: its id and MAC.
pub fn find_old(db: &Db, after: i64, older_than: Instant, limit: u32) -> Result<Option<(i64, Mac)>> {
    db.find(
        "SELECT id, mac FROM (SELECT id, at, mac FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2) WHERE at < ?3 ORDER BY id DESC LIMIT 1",
        (after, limit, older_than.ms()),
        |row| Ok((row.get("id")?, mac(row, "mac")?)),
    )
}

/// Takes the rows up to this one, which the head must say already.
pub fn delete_until(tx: &Tx, id: i64) -> Result<usize> {
    tx.execute("DELETE FROM audit WHERE id <= ?1", [id])
}

/// A person's key, sealed.
pub fn find_key(db: &Db, user_id: &str) -> Result<Option<String>> {
    db.find("SELECT key FROM audit_key WHERE user_id = ?1", [user_id], |row| row.get(0))
}

pub fn set_key(tx: &Tx, user_id: &str, key: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO audit_key (user_id, key) VALUES (?1, ?2) ON CONFLICT (user_id) DO UPDATE SET key = excluded.key",
        (user_id, key),
    )?;
    Ok(())
}

/// Sealed keys behind a user's id.
pub fn list_keys(db: &Db, after: &str, limit: u32) -> Result<Vec<(String, String)>> {
    db.list("SELECT user_id, key FROM audit_key WHERE user_id > ?1 ORDER BY user_id LIMIT ?2", (after, limit), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Destroys a person's key; its bytes are overwritten before the row goes, so that no free page keeps them.
pub fn delete_key(tx: &Tx, user_id: &str) -> Result<()> {
    tx.execute(
        "UPDATE audit_key SET key = substr(hex(zeroblob(length(key))), 1, length(key)) WHERE user_id = ?1",
        [user_id],
    )?;
    tx.execute("DELETE FROM audit_key WHERE user_id = ?1", [user_id])?;
    Ok(())
}
