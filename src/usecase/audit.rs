//! The audit log: who did what, written in the transaction of the act (rules D6).
//!
//! Each row's MAC covers the row and the MAC before it, and the head's covers both ends, so a row that was changed, left
//! out, moved or cut off is found by whoever holds the master key. Values that tell of a person are sealed with a key of that
//! person's own: when it is destroyed they are gone, and the chain still holds, because it covers what was sealed.
//!
//! What it cannot show: that the whole file was put back to an earlier state of its own. Whoever fears that keeps the last
//! number and MAC elsewhere; [`Report`] has them.

use crate::crypto::{Keys, hex, same};
use crate::domain::value::{DAY_MS, Instant};
use crate::error::{Error, Result};
use crate::store::audit::{self, Head, Mac, Row};
use crate::store::{Db, Store, Tx};
use crate::usecase;
use crate::usecase::operator::require_operator;
use crate::usecase::timeline::{Actors, actors};

pub use crate::domain::audit::{By, Kind};
pub use crate::store::audit::Filter;

/// What is noted. `..Entry::default()` for what an act has none of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry<'a> {
    /// `binding.unbound`: a noun of the code and what happened to it.
    pub action: &'a str,
    /// What it happened to: a noun, and its id.
    pub subject: (&'a str, &'a str),
    pub organization_id: Option<&'a str>,
    pub subscription_id: Option<i64>,
    /// Whom it is about.
    pub user_id: Option<&'a str>,
    /// What the actor wrote about it.
    pub reason: Option<&'a str>,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
    /// `before` and `after` tell of the person `user_id`: a name, an address. They are sealed with that person's key.
    pub is_personal: bool,
}

/// How long rows are kept.
const KEEP_MS: i64 = 7 * 365 * DAY_MS;
/// The purpose that personal values are sealed for.
const SEAL: &str = "audit.value";
/// Rows that a check reads at once.
const CHECKED_AT_ONCE: u32 = 1_000;

/// Notes an act.
///
/// # Errors
/// `Internal` for an entry that tells of a person without saying of whom, and where the file's log was made with another
/// master key.
pub fn note(tx: &Tx, by: &By, entry: &Entry<'_>, now: Instant) -> Result<()> {
    let mut head = match audit::find_head(tx)? {
        Some(head) => head,
        None => begin(tx)?,
    };
    let chain = chain_of(tx, &head)?;
    let (before, after) = if entry.is_personal {
        let user_id = entry.user_id.ok_or_else(|| Error::internal("personal values of nobody"))?;
        let key = key_of(tx, user_id)?;
        let chance = tx.notary()?.chance();
        let seal = |value: &str| key.seal(SEAL, value.as_bytes(), chance);
        (entry.before.map(seal), entry.after.map(seal))
    } else {
        (entry.before.map(str::to_owned), entry.after.map(str::to_owned))
    };
    let mut row = Row {
        id: head.last.0 + 1,
        at: now,
        actor_kind: by.kind.as_str().to_owned(),
        actor_id: by.id.clone(),
        action: entry.action.to_owned(),
        subject_kind: entry.subject.0.to_owned(),
        subject_id: entry.subject.1.to_owned(),
        organization_id: entry.organization_id.map(str::to_owned),
        subscription_id: entry.subscription_id,
        user_id: entry.user_id.map(str::to_owned),
        reason: entry.reason.map(str::to_owned),
        before,
        after,
        is_personal: entry.is_personal,
        request_id: by.request_id.clone(),
        mac: Mac::default(),
    };
    row.mac = mac_of(&chain, &head.last.1, &row);
    audit::insert(tx, &row)?;
    head.last = (row.id, row.mac);
    save(tx, &chain, head)
}

/// Destroys what opens a person's values: they are gone, and the rows stay as they are.
pub fn forget_user(tx: &Tx, user_id: &str) -> Result<()> {
    audit::delete_key(tx, user_id)
}

/// Forgets rows that are older than seven years; so many at most.
pub fn forget_old(tx: &Tx, now: Instant, rows: u32) -> Result<usize> {
    let Some(mut head) = audit::find_head(tx)? else { return Ok(0) };
    let Some(base) = audit::find_old(tx, head.base.0, now.plus_ms(-KEEP_MS), rows)? else { return Ok(0) };
    let chain = chain_of(tx, &head)?;
    head.base = base;
    save(tx, &chain, head)?;
    audit::delete_until(tx, base.0)
}

/// Seals the keys of the log for another master key; called where that is rotated, in its transaction.
///
/// # Errors
/// `Internal` for a key that the present master key does not open.
pub fn reseal(tx: &Tx, next: &Keys) -> Result<()> {
    let again = |stored: &str| -> Result<String> {
        tx.notary()?.reseal(stored, next).ok_or_else(|| Error::internal(OTHER_KEY))
    };
    if let Some(head) = audit::find_head(tx)? {
        audit::set_head(tx, &Head { chain: again(&head.chain)?, ..head })?;
    }
    let mut after = String::new();
    loop {
        let keys = audit::list_keys(tx, &after, CHECKED_AT_ONCE)?;
        let Some((last, _)) = keys.last() else { return Ok(()) };
        after.clone_from(last);
        for (user_id, key) in &keys {
            audit::set_key(tx, user_id, &again(key)?)?;
        }
    }
}

/// A value of a row, as it can be read now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Nothing,
    Text(String),
    /// It told of a person whose key was destroyed.
    Erased,
}

/// A row as operators read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub id: i64,
    pub at: Instant,
    pub by: By,
    pub action: String,
    pub subject: (String, String),
    pub organization_id: Option<String>,
    pub subscription_id: Option<i64>,
    pub user_id: Option<String>,
    pub reason: Option<String>,
    pub before: Said,
    pub after: Said,
}

/// The newest rows of a filter first, older than `before`. For operators; whoever shows them checks that.
pub fn list(db: &Db, filter: &Filter, before: i64, limit: u32) -> Result<Vec<Noted>> {
    audit::list(db, filter, before, limit)?.into_iter().map(|row| read(db, row)).collect()
}

/// What of the log an operator asks for; what is empty is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub actor_id: String,
    /// What it is about: an organization or a user by their id, a subscription by its public name.
    pub subject: String,
    /// An action, or the beginning of one that ends in a dot.
    pub action: String,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
}

/// # Errors
/// `Forbidden(not_operator)`.
pub fn require(db: &Db, user_id: &str) -> Result<()> {
    require_operator(db, user_id)
}

/// Rows that an operator asks for, the newest first and older than `before`; the names of those who acted; and behind
/// which row the next page begins.
///
/// # Errors
/// `Forbidden(not_operator)`.
pub fn page(
    db: &Db,
    user_id: &str,
    asked: &Asked,
    before: i64,
    limit: u32,
) -> Result<(Vec<Noted>, Actors, Option<String>)> {
    require_operator(db, user_id)?;
    let mut filter = Filter {
        actor_id: asked.actor_id.clone(),
        action: asked.action.clone(),
        from: asked.from,
        until: asked.until,
        ..Filter::default()
    };
    match asked.subject.as_str() {
        "" => {}
        id if id.starts_with("usr_") => id.clone_into(&mut filter.user_id),
        id if id.starts_with("org_") => id.clone_into(&mut filter.organization_id),
        name => match usecase::subscription::look(db, name)? {
            Some(found) => filter.subscription_id = Some(found.id),
            None => return Ok((vec![], Actors::new(), None)),
        },
    }
    let mut found = list(db, &filter, before, limit.saturating_add(1))?;
    let next = usecase::page(&mut found, limit, |last| last.id.to_string());
    let actors = actors(db, found.iter().map(|noted| &noted.by))?;
    Ok((found, actors, next))
}

pub(super) fn read(db: &Db, row: Row) -> Result<Noted> {
    let key = match row.user_id.as_deref().filter(|_| row.is_personal) {
        Some(user_id) => audit::find_key(db, user_id)?.and_then(|stored| db.notary().ok()?.open(&stored)),
        None => None,
    };
    let open = |value: Option<String>| match value {
        None => Said::Nothing,
        Some(text) if !row.is_personal => Said::Text(text),
        Some(sealed) => key
            .as_ref()
            .and_then(|key| key.open(SEAL, &sealed))
            .and_then(|plain| String::from_utf8(plain).ok())
            .map_or(Said::Erased, Said::Text),
    };
    Ok(Noted {
        by: By {
            // The schema's CHECK keeps other words out.
            kind: Kind::parse(&row.actor_kind).unwrap_or(Kind::Job),
            id: row.actor_id,
            request_id: row.request_id,
        },
        before: open(row.before),
        after: open(row.after),
        id: row.id,
        at: row.at,
        action: row.action,
        subject: (row.subject_kind, row.subject_id),
        organization_id: row.organization_id,
        subscription_id: row.subscription_id,
        user_id: row.user_id,
        reason: row.reason,
    })
}

const OTHER_KEY: &str = "the audit log was made with another master key";

fn begin(tx: &Tx) -> Result<Head> {
    let none = (0, Mac::default());
    Ok(Head { chain: tx.notary()?.fresh().1, base: none, last: none, mac: Mac::default() })
}

fn chain_of(db: &Db, head: &Head) -> Result<Keys> {
    db.notary()?.open(&head.chain).ok_or_else(|| Error::internal(OTHER_KEY))
}

fn save(tx: &Tx, chain: &Keys, head: Head) -> Result<()> {
    let mac = mac_of_head(chain, &head);
    audit::set_head(tx, &Head { mac, ..head })
}

fn key_of(tx: &Tx, user_id: &str) -> Result<Keys> {
    if let Some(stored) = audit::find_key(tx, user_id)? {
        return tx.notary()?.open(&stored).ok_or_else(|| Error::internal(OTHER_KEY));
    }
    let (key, stored) = tx.notary()?.fresh();
    audit::set_key(tx, user_id, &stored)?;
    Ok(key)
}

/// Over everything that a row says, and the row before it.
fn mac_of(chain: &Keys, previous: &Mac, row: &Row) -> Mac {
    // What there is begins with a mark, so that it differs from what there is not.
    let maybe = |text: Option<&str>| text.map(|text| format!("={text}")).unwrap_or_default();
    let optional = [
        maybe(row.organization_id.as_deref()),
        maybe(row.subscription_id.map(|id| id.to_string()).as_deref()),
        maybe(row.user_id.as_deref()),
        maybe(row.reason.as_deref()),
        maybe(row.before.as_deref()),
        maybe(row.after.as_deref()),
    ];
    let (id, at) = (row.id.to_be_bytes(), row.at.ms().to_be_bytes());
    let mut parts: Vec<&[u8]> = vec![
        previous,
        &id,
        &at,
        row.actor_kind.as_bytes(),
        row.actor_id.as_bytes(),
        row.action.as_bytes(),
        row.subject_kind.as_bytes(),
        row.subject_id.as_bytes(),
        if row.is_personal { b"1" } else { b"0" },
        row.request_id.as_bytes(),
    ];
    parts.extend(optional.iter().map(String::as_bytes));
    chain.mac("audit.row", &parts)
}

fn mac_of_head(chain: &Keys, head: &Head) -> Mac {
    let (base, last) = (head.base.0.to_be_bytes(), head.last.0.to_be_bytes());
    chain.mac("audit.head", &[&base, &head.base.1, &last, &head.last.1])
}

/// What a check of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Rows that were checked.
    pub rows: u64,
    /// The last row and its MAC in hexadecimal, to be kept elsewhere; `None`: nothing was ever noted.
    pub last: Option<(i64, String)>,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

/// What is wrong with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Rows but no head, or a head that was not made by us.
    Head,
    /// The log was made with another master key.
    OtherKey,
    /// This row is not there.
    Missing(i64),
    /// This row is not what was written, or not where.
    Changed(i64),
    /// The log goes on behind its last row.
    Surplus(i64),
}

/// How far a check has come: the last row that was found good, and how many were.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    at: Option<(i64, Mac)>,
    rows: u64,
}

/// Checks the whole chain, some rows at a time: memory and the length of each read are bounded. Blocks.
pub fn verify(store: &Store) -> Result<Report> {
    go_along(|mark| store.read_blocking(move |db| check(db, mark, CHECKED_AT_ONCE)))
}

/// [`verify`] for who has a connection of his own.
pub fn verify_here(db: &Db) -> Result<Report> {
    go_along(|mark| check(db, mark, CHECKED_AT_ONCE))
}

fn go_along(mut step: impl FnMut(Mark) -> Result<(Mark, Option<Report>)>) -> Result<Report> {
    let mut mark = Mark::default();
    loop {
        match step(mark)? {
            (_, Some(report)) => return Ok(report),
            (next, None) => mark = next,
        }
    }
}

/// Checks so many rows behind a mark; the report once nothing is left, or something is wrong.
fn check(db: &Db, mark: Mark, limit: u32) -> Result<(Mark, Option<Report>)> {
    let rows = audit::list_after(db, mark.at.map_or(i64::MIN, |(id, _)| id), limit)?;
    let is_end = rows.len() < limit as usize;
    let Some(head) = audit::find_head(db)? else {
        let fault = (mark.rows > 0 || !rows.is_empty()).then_some(Fault::Head);
        return Ok((mark, Some(Report { rows: mark.rows, last: None, fault })));
    };
    let (mark, fault) = match db.notary()?.open(&head.chain) {
        None => (mark, Some(Fault::OtherKey)),
        Some(chain) if !same(&mac_of_head(&chain, &head), &head.mac) => (mark, Some(Fault::Head)),
        Some(chain) => walk(&chain, &head, mark, &rows, is_end),
    };
    let last = Some((head.last.0, hex(&head.last.1)));
    let report = (is_end || fault.is_some()).then_some(Report { rows: mark.rows, last, fault });
    Ok((mark, report))
}

/// Goes along rows of one moment: how far they are good, and what is wrong with the next one.
fn walk(chain: &Keys, head: &Head, mark: Mark, rows: &[Row], is_end: bool) -> (Mark, Option<Fault>) {
    // At the beginning, or behind rows that retention has taken meanwhile.
    let mut at = mark.at.filter(|(id, _)| *id >= head.base.0).unwrap_or(head.base);
    let mut checked = mark.rows;
    for row in rows {
        let fault = if row.id <= at.0 || row.id > head.last.0 {
            Some(Fault::Surplus(row.id))
        } else if row.id != at.0 + 1 {
            Some(Fault::Missing(at.0 + 1))
        } else {
            (!same(&mac_of(chain, &at.1, row), &row.mac)).then_some(Fault::Changed(row.id))
        };
        if fault.is_some() {
            return (Mark { at: Some(at), rows: checked }, fault);
        }
        at = (row.id, row.mac);
        checked += 1;
    }
    let fault =
        (is_end && at != head.last).then(|| if at.0 < head.last.0 { Fault::Missing(at.0 + 1) } else { Fault::Head });
    (Mark { at: Some(at), rows: checked }, fault)
}

#[cfg(test)]
mod tests;
