//! The simulator's own small file: the one place outside `store` that speaks SQL (rule D4).

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::Serialize;

use super::Error;
use crate::clock::Instant;

type Result<T> = std::result::Result<T, Error>;

const SCHEMA: &str = include_str!("schema.sql");
const METERING: &str = include_str!("metering.sql");
const VERSION: i64 = 2;
/// From the version in which nothing had been metered yet.
const FROM_1: &str =
    "DROP TABLE metering; ALTER TABLE instance ADD COLUMN expired_at INTEGER; PRAGMA user_version = 2;";
/// Calls kept in the log; older ones are dropped.
const MAX_CALLS: i64 = 10_000;

/// Names and values, as they become parameters of a call.
pub type Pairs = Vec<(String, String)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Paid; createInstance has not brought an id yet.
    Opening,
    Opened,
    /// All attempts of createInstance are used up.
    Failed,
    Expired,
    Closed,
}

impl State {
    const ALL: [Self; 5] = [Self::Opening, Self::Opened, Self::Failed, Self::Expired, Self::Closed];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Opened => "opened",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Closed => "closed",
        }
    }
}

/// A purchase's instance.
#[derive(Debug, Clone, Serialize)]
pub struct Instance {
    pub id: String,
    pub account: String,
    pub product: String,
    pub plan: String,
    pub items: Pairs,
    pub is_trial: bool,
    pub state: State,
    /// createInstance calls so far.
    pub attempts: u32,
    pub created_at: Instant,
    pub opened_at: Option<Instant>,
    pub expires_at: Option<Instant>,
    /// When it lapsed, until it is renewed.
    pub expired_at: Option<Instant>,
    pub closed_at: Option<Instant>,
    /// What createInstance returned as `instanceId`.
    pub seller_id: Option<String>,
    /// The answer that opened it, as received.
    pub reply: Option<String>,
}

impl Instance {
    /// The seller's id for it, which every call but createInstance uses.
    #[must_use]
    pub fn sellers(&self) -> &str {
        self.seller_id.as_deref().unwrap_or(&self.id)
    }

    /// The term is over since `now`, or since its end if that was before.
    pub fn lapse(&mut self, now: Instant) {
        self.state = State::Expired;
        self.expired_at = Some(self.expires_at.map_or(now, |end| end.min(now)));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    New,
    Trial,
    Renew,
    Upgrade,
}

impl OrderKind {
    const ALL: [Self; 4] = [Self::New, Self::Trial, Self::Renew, Self::Upgrade];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Trial => "trial",
            Self::Renew => "renew",
            Self::Upgrade => "upgrade",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Order {
    pub id: String,
    pub instance_id: String,
    pub kind: OrderKind,
    pub plan: String,
    pub price_fen: i64,
    pub expires_at: Option<Instant>,
    pub previous_expires_at: Option<Instant>,
    pub is_refunded: bool,
    #[serde(skip)]
    pub form_id: Option<String>,
    pub created_at: Instant,
}

/// A call that is owed to the seller.
#[derive(Debug, Clone)]
pub struct Work {
    pub id: i64,
    pub instance_id: String,
    pub action: String,
    /// Beside action, instance and token.
    pub params: Pairs,
    pub due_at: Instant,
    pub attempts: u32,
    /// Attempts in a row without any answer.
    pub misses: u32,
    pub is_held: bool,
    pub is_extra: bool,
    pub is_automatic: bool,
}

/// One line of the call log.
#[derive(Debug, Clone, Serialize)]
pub struct CallRow {
    pub id: i64,
    pub at: Instant,
    /// `out`: to the gateway; `in`: from it.
    pub direction: &'static str,
    pub action: String,
    pub instance_id: String,
    pub method: String,
    /// Token and signature hidden.
    pub request: String,
    pub fault: Option<String>,
    /// `None`: no answer; `reply` says why.
    pub status: Option<u16>,
    pub reply: String,
    pub took_ms: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct FaultRow {
    pub id: i64,
    pub action: String,
    pub kind: String,
    pub remaining: u32,
    pub delay_ms: Option<u64>,
}

/// A message whose retries are used up.
#[derive(Debug, Clone, Serialize)]
pub struct Notification {
    pub request_id: String,
    pub action: String,
    pub message: String,
    pub created_at: Instant,
}

/// What was metered of one item of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    pub instance_id: String,
    pub item: String,
    pub quantity: i64,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub received_at: Instant,
    /// `None`: it is billed.
    pub unbilled: Option<Unbilled>,
}

/// Why usage that was accepted costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unbilled {
    /// It came after its bill's deadline.
    Late,
    /// Its hour lies after the end of the term.
    Expired,
    /// Its hour lies after the release.
    Closed,
    /// A window of the same instance and item that overlaps it was taken before.
    Repeated,
}

impl Unbilled {
    const ALL: [Self; 4] = [Self::Late, Self::Expired, Self::Closed, Self::Repeated];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Expired => "expired",
            Self::Closed => "closed",
            Self::Repeated => "repeated",
        }
    }
}

pub struct Store {
    db: Connection,
}

impl Store {
    /// Opens or makes the file; `None` keeps everything in memory.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let db = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        db.execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
        )?;
        match db.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? {
            0 => db.execute_batch(&format!("BEGIN; {SCHEMA} {METERING} COMMIT;"))?,
            1 => db.execute_batch(&format!("BEGIN; {FROM_1} {METERING} COMMIT;"))?,
            VERSION => {}
            other => return Err(Error::Version(other)),
        }
        Ok(Self { db })
    }

    /// Runs `job` in one transaction; an error or a panic rolls it back.
    pub fn transaction<T>(&self, job: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let transaction = self.db.unchecked_transaction()?;
        let outcome = job(self)?;
        transaction.commit()?;
        Ok(outcome)
    }

    /// Forgets everything.
    pub fn empty(&self) -> Result<()> {
        // Off: then the order does not matter. It cannot be changed inside a transaction.
        self.db.pragma_update(None, "foreign_keys", false)?;
        let emptied = self.transaction(|store| {
            let tables: Vec<String> =
                store.all("SELECT name FROM sqlite_master WHERE type = 'table'", [""; 0], |row| row.get(0))?;
            for table in tables {
                store.run(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        });
        self.db.pragma_update(None, "foreign_keys", true)?;
        emptied
    }

    pub fn find_fact(&self, name: &str) -> Result<Option<i64>> {
        let text = self.one("SELECT value FROM fact WHERE name = ?1", [name], |row| row.get::<_, String>(0))?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    pub fn set_fact(&self, name: &str, value: i64) -> Result<()> {
        self.run(
            "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![name, value.to_string()],
        )?;
        Ok(())
    }

    pub fn insert_instance(&self, instance: &Instance) -> Result<()> {
        self.run(
            "INSERT INTO instance (id, account, product, plan, items, is_trial, state, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                instance.id,
                instance.account,
                instance.product,
                instance.plan,
                json(&instance.items)?,
                instance.is_trial,
                instance.state.as_str(),
                instance.created_at.ms(),
                instance.expires_at.map(Instant::ms),
            ],
        )?;
        Ok(())
    }

    /// Writes what can change of an instance.
    pub fn set_instance(&self, instance: &Instance) -> Result<()> {
        self.run(
            "UPDATE instance SET plan = ?2, items = ?3, is_trial = ?4, state = ?5, attempts = ?6, opened_at = ?7,
             expires_at = ?8, expired_at = ?9, closed_at = ?10, seller_id = ?11, reply = ?12 WHERE id = ?1",
            params![
                instance.id,
                instance.plan,
                json(&instance.items)?,
                instance.is_trial,
                instance.state.as_str(),
                instance.attempts,
                instance.opened_at.map(Instant::ms),
                instance.expires_at.map(Instant::ms),
                instance.expired_at.map(Instant::ms),
                instance.closed_at.map(Instant::ms),
                instance.seller_id,
                instance.reply,
            ],
        )?;
        Ok(())
    }

    pub fn find_instance(&self, id: &str) -> Result<Option<Instance>> {
        self.one("SELECT * FROM instance WHERE id = ?1", [id], instance)
    }

    pub fn get_instance(&self, id: &str) -> Result<Instance> {
        self.find_instance(id)?.ok_or(Error::NotFound("instance"))
    }

    /// Newest first; of one account, or of all.
    pub fn list_instances(&self, account: Option<&str>) -> Result<Vec<Instance>> {
        self.all(
            "SELECT * FROM instance WHERE ?1 IS NULL OR account = ?1 ORDER BY created_at DESC, rowid DESC LIMIT 1000",
            [account],
            instance,
        )
    }

    pub fn insert_order(&self, order: &Order) -> Result<()> {
        self.run(
            "INSERT INTO purchase (id, instance_id, kind, plan, price_fen, expires_at, previous_expires_at, is_refunded,
             form_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                order.id,
                order.instance_id,
                order.kind.as_str(),
                order.plan,
                order.price_fen,
                order.expires_at.map(Instant::ms),
                order.previous_expires_at.map(Instant::ms),
                order.is_refunded,
                order.form_id,
                order.created_at.ms(),
            ],
        )?;
        Ok(())
    }

    pub fn set_order_refunded(&self, id: &str) -> Result<()> {
        self.run("UPDATE purchase SET is_refunded = 1 WHERE id = ?1", [id])?;
        Ok(())
    }

    pub fn find_order(&self, id: &str) -> Result<Option<Order>> {
        self.one("SELECT * FROM purchase WHERE id = ?1", [id], order)
    }

    pub fn find_order_by_form(&self, form_id: &str) -> Result<Option<Order>> {
        self.one("SELECT * FROM purchase WHERE form_id = ?1", [form_id], order)
    }

    /// Oldest first; of one instance, or of all.
    pub fn list_orders(&self, instance_id: Option<&str>) -> Result<Vec<Order>> {
        self.all(
            "SELECT * FROM purchase WHERE ?1 IS NULL OR instance_id = ?1 ORDER BY created_at, rowid LIMIT 1000",
            [instance_id],
            order,
        )
    }

    pub fn insert_work(&self, work: &Work) -> Result<i64> {
        self.run(
            "INSERT INTO work (instance_id, action, params, due_at, attempts, is_extra, is_automatic)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                work.instance_id,
                work.action,
                json(&work.params)?,
                work.due_at.ms(),
                work.attempts,
                work.is_extra,
                work.is_automatic,
            ],
        )?;
        Ok(self.db.last_insert_rowid())
    }

    /// Writes when and how often.
    pub fn set_work(&self, work: &Work) -> Result<()> {
        self.run(
            "UPDATE work SET due_at = ?2, attempts = ?3, misses = ?4, is_held = ?5 WHERE id = ?1",
            params![work.id, work.due_at.ms(), work.attempts, work.misses, work.is_held],
        )?;
        Ok(())
    }

    pub fn set_work_done(&self, id: i64, is_given_up: bool) -> Result<()> {
        let state = if is_given_up { "given_up" } else { "done" };
        self.run("UPDATE work SET state = ?2 WHERE id = ?1", params![id, state])?;
        Ok(())
    }

    /// Ends the open work of an instance; `is_automatic`: only the expiry of its term.
    pub fn set_instance_work_done(&self, instance_id: &str, is_automatic: bool) -> Result<()> {
        self.run(
            "UPDATE work SET state = 'done' WHERE instance_id = ?1 AND state = 'open' AND (NOT ?2 OR is_automatic)",
            params![instance_id, is_automatic],
        )?;
        Ok(())
    }

    /// What was held back until another call of the instance went out may go now.
    pub fn set_held_work_due(&self, instance_id: &str, but: i64, now: Instant) -> Result<()> {
        self.run(
            "UPDATE work SET due_at = ?3 WHERE instance_id = ?1 AND id <> ?2 AND state = 'open' AND is_held",
            params![instance_id, but, now.ms()],
        )?;
        Ok(())
    }

    pub fn find_open_work(&self, id: i64) -> Result<Option<Work>> {
        self.one("SELECT * FROM work WHERE id = ?1 AND state = 'open'", [id], work)
    }

    /// Open work that is due at `now`, the longest due first.
    pub fn list_due_work(&self, now: Instant) -> Result<Vec<Work>> {
        self.all(
            "SELECT * FROM work WHERE state = 'open' AND due_at <= ?1 ORDER BY due_at, id LIMIT 100",
            [now.ms()],
            work,
        )
    }

    pub fn find_next_due(&self) -> Result<Option<Instant>> {
        let ms = self.one("SELECT min(due_at) FROM work WHERE state = 'open'", [], |row| row.get(0))?;
        Ok(ms.flatten().map(Instant::from_ms))
    }

    pub fn insert_call(&self, call: &CallRow) -> Result<i64> {
        self.run(
            "INSERT INTO call (at, direction, action, instance_id, method, request, fault, status, reply, took_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                call.at.ms(),
                call.direction,
                call.action,
                call.instance_id,
                call.method,
                call.request,
                call.fault,
                call.status,
                call.reply,
                call.took_ms,
            ],
        )?;
        let id = self.db.last_insert_rowid();
        self.run("DELETE FROM call WHERE id <= ?1", [id - MAX_CALLS])?;
        Ok(id)
    }

    /// Newest first.
    pub fn list_calls(&self, limit: u32) -> Result<Vec<CallRow>> {
        self.all("SELECT * FROM call ORDER BY id DESC LIMIT ?1", [limit], call)
    }

    pub fn count_calls(&self) -> Result<u64> {
        let count = self.one("SELECT count(*) FROM call", [], |row| row.get::<_, u32>(0))?;
        Ok(count.unwrap_or_default().into())
    }

    pub fn insert_fault(&self, fault: &FaultRow) -> Result<i64> {
        self.run(
            "INSERT INTO fault (action, kind, remaining, delay_ms) VALUES (?1, ?2, ?3, ?4)",
            params![fault.action, fault.kind, fault.remaining, fault.delay_ms.and_then(|ms| i64::try_from(ms).ok())],
        )?;
        Ok(self.db.last_insert_rowid())
    }

    pub fn list_faults(&self) -> Result<Vec<FaultRow>> {
        self.all("SELECT * FROM fault ORDER BY id LIMIT ?1", [1000], fault)
    }

    /// Uses up one of the oldest fault for this action.
    pub fn take_fault(&self, action: &str) -> Result<Option<FaultRow>> {
        self.take_any_fault(&[action])
    }

    /// Uses up one of the oldest fault for any of these actions, of which there are three at most.
    pub fn take_any_fault(&self, actions: &[&str]) -> Result<Option<FaultRow>> {
        let of = |place: usize| actions.get(place);
        let oldest = "SELECT * FROM fault WHERE action IN (?1, ?2, ?3) ORDER BY id LIMIT 1";
        let found = self.one(oldest, params![of(0), of(1), of(2)], fault)?;
        if let Some(fault) = &found {
            self.run("UPDATE fault SET remaining = remaining - 1 WHERE id = ?1", [fault.id])?;
            self.run("DELETE FROM fault WHERE remaining <= 0", [])?;
        }
        Ok(found)
    }

    /// One fault, or all of them; how many there were.
    pub fn delete_faults(&self, id: Option<i64>) -> Result<usize> {
        self.run("DELETE FROM fault WHERE ?1 IS NULL OR id = ?1", [id])
    }

    pub fn insert_notification(&self, notification: &Notification) -> Result<()> {
        self.run(
            "INSERT INTO notification (request_id, action, message, created_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (request_id) DO NOTHING",
            params![notification.request_id, notification.action, notification.message, notification.created_at.ms()],
        )?;
        Ok(())
    }

    /// Unconfirmed ones, oldest first.
    pub fn list_notifications(&self) -> Result<Vec<Notification>> {
        self.all(
            "SELECT * FROM notification WHERE confirmed_at IS NULL ORDER BY created_at, rowid LIMIT ?1",
            [10_000],
            |row| {
                Ok(Notification {
                    request_id: row.get("request_id")?,
                    action: row.get("action")?,
                    message: row.get("message")?,
                    created_at: at(row, "created_at")?,
                })
            },
        )
    }

    /// False: there is none of that id.
    pub fn set_notification_confirmed(&self, request_id: &str, now: Instant) -> Result<bool> {
        let count = self.run(
            "UPDATE notification SET confirmed_at = coalesce(confirmed_at, ?2) WHERE request_id = ?1",
            params![request_id, now.ms()],
        )?;
        Ok(count == 1)
    }

    /// False: it was used before. Forgets those from before `horizon`.
    pub fn insert_nonce(&self, nonce: &str, at: Instant, horizon: Instant) -> Result<bool> {
        self.run("DELETE FROM nonce WHERE at < ?1", [horizon.ms()])?;
        let count =
            self.run("INSERT INTO nonce (nonce, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![nonce, at.ms()])?;
        Ok(count == 1)
    }

    pub fn insert_metered(&self, metered: &Metered) -> Result<()> {
        self.run(
            "INSERT INTO metering (instance_id, item, quantity, starts_at, ends_at, received_at, unbilled)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                metered.instance_id,
                metered.item,
                metered.quantity,
                metered.starts_at.ms(),
                metered.ends_at.ms(),
                metered.received_at.ms(),
                metered.unbilled.map(Unbilled::as_str),
            ],
        )?;
        Ok(())
    }

    /// Whether a window of this instance and item that overlaps `[starts_at, ends_at)` was taken before, to be billed.
    pub fn is_metered(&self, instance_id: &str, item: &str, starts_at: Instant, ends_at: Instant) -> Result<bool> {
        let found = self.one(
            "SELECT 1 FROM metering
             WHERE instance_id = ?1 AND starts_at < ?4 AND ends_at > ?3 AND item = ?2 AND unbilled IS NULL LIMIT 1",
            params![instance_id, item, starts_at.ms(), ends_at.ms()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// What was metered of an instance, in the order of its windows.
    pub fn list_metered(&self, instance_id: &str) -> Result<Vec<Metered>> {
        self.all("SELECT * FROM metering WHERE instance_id = ?1 ORDER BY starts_at, id", [instance_id], metered)
    }

    /// When a push last named the instance.
    pub fn find_pushed_at(&self, instance_id: &str) -> Result<Option<Instant>> {
        self.one("SELECT at FROM pushed WHERE instance_id = ?1", [instance_id], |row| at(row, "at"))
    }

    pub fn set_pushed_at(&self, instance_id: &str, now: Instant) -> Result<()> {
        self.run(
            "INSERT INTO pushed (instance_id, at) VALUES (?1, ?2) ON CONFLICT (instance_id) DO UPDATE SET at = excluded.at",
            params![instance_id, now.ms()],
        )?;
        Ok(())
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        Ok(self.db.prepare_cached(sql)?.execute(params)?)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.db.prepare_cached(sql)?.query_row(params, read).optional()?)
    }

    fn all<T, P: ToSql, const N: usize>(
        &self,
        sql: &str,
        params: [P; N],
        read: impl FnMut(&Row) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(params), read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Internal(e.to_string()))
}

fn pairs(row: &Row, name: &str) -> rusqlite::Result<Pairs> {
    // Written by `json` above; a file that somebody edited loses them, nothing else.
    Ok(serde_json::from_str(&row.get::<_, String>(name)?).unwrap_or_default())
}

fn at(row: &Row, name: &str) -> rusqlite::Result<Instant> {
    row.get(name).map(Instant::from_ms)
}

fn maybe_at(row: &Row, name: &str) -> rusqlite::Result<Option<Instant>> {
    Ok(row.get::<_, Option<i64>>(name)?.map(Instant::from_ms))
}

fn instance(row: &Row) -> rusqlite::Result<Instance> {
    let state: String = row.get("state")?;
    Ok(Instance {
        id: row.get("id")?,
        account: row.get("account")?,
        product: row.get("product")?,
        plan: row.get("plan")?,
        items: pairs(row, "items")?,
        is_trial: row.get("is_trial")?,
        // The table's CHECK admits no other text.
        state: State::ALL.into_iter().find(|s| s.as_str() == state).unwrap_or(State::Closed),
        attempts: row.get("attempts")?,
        created_at: at(row, "created_at")?,
        opened_at: maybe_at(row, "opened_at")?,
        expires_at: maybe_at(row, "expires_at")?,
        expired_at: maybe_at(row, "expired_at")?,
        closed_at: maybe_at(row, "closed_at")?,
        seller_id: row.get("seller_id")?,
        reply: row.get("reply")?,
    })
}

fn order(row: &Row) -> rusqlite::Result<Order> {
    let kind: String = row.get("kind")?;
    Ok(Order {
        id: row.get("id")?,
        instance_id: row.get("instance_id")?,
        kind: OrderKind::ALL.into_iter().find(|k| k.as_str() == kind).unwrap_or(OrderKind::New),
        plan: row.get("plan")?,
        price_fen: row.get("price_fen")?,
        expires_at: maybe_at(row, "expires_at")?,
        previous_expires_at: maybe_at(row, "previous_expires_at")?,
        is_refunded: row.get("is_refunded")?,
        form_id: row.get("form_id")?,
        created_at: at(row, "created_at")?,
    })
}

fn work(row: &Row) -> rusqlite::Result<Work> {
    Ok(Work {
        id: row.get("id")?,
        instance_id: row.get("instance_id")?,
        action: row.get("action")?,
        params: pairs(row, "params")?,
        due_at: at(row, "due_at")?,
        attempts: row.get("attempts")?,
        misses: row.get("misses")?,
        is_held: row.get("is_held")?,
        is_extra: row.get("is_extra")?,
        is_automatic: row.get("is_automatic")?,
    })
}

fn call(row: &Row) -> rusqlite::Result<CallRow> {
    let direction: String = row.get("direction")?;
    Ok(CallRow {
        id: row.get("id")?,
        at: at(row, "at")?,
        direction: if direction == "out" { "out" } else { "in" },
        action: row.get("action")?,
        instance_id: row.get("instance_id")?,
        method: row.get("method")?,
        request: row.get("request")?,
        fault: row.get("fault")?,
        status: row.get("status")?,
        reply: row.get("reply")?,
        took_ms: row.get("took_ms")?,
    })
}

fn metered(row: &Row) -> rusqlite::Result<Metered> {
    let unbilled: Option<String> = row.get("unbilled")?;
    Ok(Metered {
        instance_id: row.get("instance_id")?,
        item: row.get("item")?,
        quantity: row.get("quantity")?,
        starts_at: at(row, "starts_at")?,
        ends_at: at(row, "ends_at")?,
        received_at: at(row, "received_at")?,
        // The table's CHECK admits no other text.
        unbilled: unbilled.and_then(|text| Unbilled::ALL.into_iter().find(|why| why.as_str() == text)),
    })
}

fn fault(row: &Row) -> rusqlite::Result<FaultRow> {
    Ok(FaultRow {
        id: row.get("id")?,
        action: row.get("action")?,
        kind: row.get("kind")?,
        remaining: row.get("remaining")?,
        delay_ms: row.get::<_, Option<i64>>("delay_ms")?.and_then(|ms| u64::try_from(ms).ok()),
    })
}
