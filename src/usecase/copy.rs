//! Copies of a file never bill twice (rules D2): which one of its copies a file is, how one takes the original's place,
//! and what it then leaves to a person.

use crate::domain::hold::Reason;
use crate::domain::usage::Gap;
use crate::domain::value::{Instant, MINUTE_MS};
use crate::error::Result;
use crate::store::stamp::Stamp;
use crate::store::{Db, Store, Tx, alarm, approval, entry, invitation, second_factor, stamp, subscription, user};
use crate::usecase::{self, heal, hold};

pub use crate::store::copy::{check, copy, discard, home, is_same_home, names, place};

/// What was written so shortly before the last known change may not have been copied.
const MARGIN_MS: i64 = 5 * MINUTE_MS;
/// Rows that one write touches.
const STEP: u32 = 500;

/// The kind of job that makes a copy, in the directory of the settings.
pub const BACKUP: &str = "backup.make";

/// A file that may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub epoch: i64,
    /// It is a copy, started in the original's place.
    pub gap: Option<Gap>,
    pub holds: Vec<Reason>,
    /// Not long before the last change that another process made.
    pub last_commit_at: Option<Instant>,
    /// It stood in the fence.
    pub is_fenced: bool,
}

/// Opens a file for who is about to serve it: at home, here for the first time, or in the original's place. `None`: it is a
/// copy that nobody has put there, and `may_move` does not make this its home. Blocks.
pub fn open(store: &Store, home: &str, may_move: bool, asked: &[String], now: Instant) -> Result<Option<Opened>> {
    let home = home.to_owned();
    let stamp = store.write_blocking(move |tx| {
        stamp::ensure(tx, now)?;
        let found = stamp::find(tx)?;
        let is_strange = found.home.as_ref().is_some_and(|there| !is_same_home(there, &home));
        if is_strange && !may_move {
            return Ok(None);
        }
        stamp::set_home(tx, &home)?;
        Ok(Some(found))
    })?;
    let Some(stamp) = stamp else { return Ok(None) };
    let gap = match (stamp.restored_since, stamp.restored_at) {
        (Some(since), Some(until)) => Some(Gap { since, until }),
        (Some(since), None) => Some(settle(store, since, asked, now)?),
        (None, _) => None,
    };
    let holds = store.write_blocking(move |tx| {
        stamp::touch(tx, now)?;
        hold::list(tx)
    })?;
    let holds = holds.into_iter().map(|(reason, ..)| reason).collect();
    let Stamp { epoch, last_commit_at, is_fenced, .. } = stamp;
    Ok(Some(Opened { epoch, gap, holds, last_commit_at, is_fenced }))
}

/// The first start in the original's place: everything that it may have sent waits for a person, and the marketplace is
/// asked about everything.
fn settle(store: &Store, since: Instant, asked: &[String], now: Instant) -> Result<Gap> {
    let mut held = 0;
    loop {
        match store.write_blocking(move |tx| usecase::push::hold_restored(tx, since, now, STEP))? {
            0 => break,
            rows => held += rows,
        }
    }
    while store.write_blocking(move |tx| subscription::forget_asked(tx, STEP))? > 0 {}
    let asked = asked.to_vec();
    store.write_blocking(move |tx| {
        alarm::raise(tx, Reason::Restored.alarm(), "", &format!("{held} records"), now)?;
        heal::plan_sweeps(tx, &asked, now)?;
        stamp::set_restored_at(tx, now)
    })?;
    Ok(Gap { since, until: now })
}

/// Ends sessions and whatever a mailed link or a code lets in, before this copy takes the original's place: it does not know
/// which of them the original ended. Claims stay, because they grant nothing by themselves (rules A3). Blocks.
pub fn end_ways_in(store: &Store, now: Instant) -> Result<()> {
    let mut after = Some(String::new());
    while let Some(id) = after {
        // With each row as much again may be told.
        after = store.write_blocking(move |tx| usecase::session::end_some(tx, &id, now, STEP / 2))?;
    }
    // Whatever has an end has one before this.
    let ever = Instant::from_ms(i64::MAX);
    let end_some = move |tx: &Tx| {
        Ok(second_factor::delete_old_halves(tx, ever, STEP / 5)?
            + user::delete_old_resets(tx, ever, STEP / 5)?
            + entry::delete_old_codes(tx, ever, STEP / 5)?
            + approval::end_some(tx, now, STEP / 5)?
            + invitation::revoke_some(tx, now, STEP / 5)?)
    };
    while store.write_blocking(end_some)? > 0 {}
    Ok(())
}

/// Puts this copy into the original's place: a greater epoch, and nothing leaves before a person says so. The epoch.
pub fn succeed(tx: &Tx, home: &str, least_epoch: i64, detail: &str, now: Instant) -> Result<i64> {
    stamp::ensure(tx, now)?;
    let found = stamp::find(tx)?;
    let epoch = (found.epoch + 1).max(least_epoch);
    let last = found.last_commit_at.map_or(Instant::default(), |at| at.plus_ms(-MARGIN_MS));
    // A copy that took a place before and was never started: the earlier gap is open still.
    let since = match (found.restored_since, found.restored_at) {
        (Some(since), None) => since.min(last),
        _ => last,
    };
    stamp::succeed(tx, home, epoch, since)?;
    hold::hold(tx, Reason::Restored, detail, now)?;
    let entry = usecase::audit::Entry {
        action: "file.succeeded",
        subject: ("file", ""),
        after: Some(&epoch.to_string()),
        reason: Some(detail),
        ..usecase::audit::Entry::default()
    };
    usecase::audit::note(tx, &usecase::audit::By::command_line(), &entry, now)?;
    Ok(epoch)
}

/// Which file on which machine a file was when it was last served.
pub fn home_of(db: &Db) -> Result<Option<String>> {
    Ok(stamp::find(db)?.home)
}

/// A copy was made (`None`), or why not.
pub fn note_backup(tx: &Tx, failure: Option<&str>, now: Instant) -> Result<()> {
    match failure {
        Some(why) => alarm::raise(tx, "backup_failed", "", why, now),
        None => alarm::clear(tx, "backup_failed", "", now).map(drop),
    }
}

/// The file's epoch, and whether it stood in the fence.
pub fn rank(db: &Db) -> Result<(i64, bool)> {
    let found = stamp::find(db)?;
    Ok((found.epoch, found.is_fenced))
}

/// Whether the file stands in a fence from now on.
pub fn set_fenced(tx: &Tx, is_fenced: bool) -> Result<()> {
    stamp::set_fenced(tx, is_fenced)
}

/// The fence can be looked at (`None`), or why not: then it is not known whether another copy took over.
pub fn note_fence(tx: &Tx, failure: Option<&str>, now: Instant) -> Result<()> {
    match failure {
        Some(why) => alarm::raise(tx, "fence_unreadable", "", why, now),
        None => alarm::clear(tx, "fence_unreadable", "", now).map(drop),
    }
}

/// Notes that something changes about now.
pub fn touch(tx: &Tx, now: Instant) -> Result<()> {
    stamp::touch(tx, now)
}
