//! Copies of the database at their times of day.

use std::path::Path;

use super::{Fault, watch};
use crate::app::App;
use crate::clock::Instant;
use crate::domain::backup::{is_old, is_unfinished, name, outdated, youngest};
use crate::domain::value::{DAY_MS, MINUTE_MS};
use crate::error::{Error, Result};
use crate::usecase::copy;
use crate::usecase::job::{self, Job};

/// After a failure it is tried again so much later.
const AGAIN_MS: i64 = 15 * MINUTE_MS;

/// When the next copy is due; `None`: none are made.
fn next(app: &App) -> Option<Instant> {
    app.config.backup.directory()?;
    let now = app.now();
    app.config.backup.times().into_iter().map(|time| time.next(now)).min()
}

/// Plans the next copy, at once where the last one is missing or too old.
pub fn plan(app: &App) -> Result<()> {
    let (Some(directory), Some(next)) = (app.config.backup.directory(), next(app)) else { return Ok(()) };
    let now = app.now();
    let last = newest(directory, now);
    let at = if is_old(last, now) { now } else { next };
    app.store.write_blocking(move |tx| job::enqueue_by(tx, copy::BACKUP, "", at))
}

/// When the youngest copy in a directory was made.
pub fn newest(directory: &Path, now: Instant) -> Option<Instant> {
    youngest(&copy::names(directory).ok()?, now)
}

/// The job [`copy::BACKUP`]: makes a copy and plans the next one. A failure is an alarm and tried again, for ever.
pub fn make(app: &App, job: &Job) -> Result<(), Fault> {
    let made = match app.config.backup.directory() {
        Some(directory) => copy_to(app, directory),
        None => Ok(()),
    };
    let (id, now) = (job.id, app.now());
    let failure = made.err().map(|cause| cause.to_string());
    let again = if failure.is_some() { Some(now.plus_ms(AGAIN_MS)) } else { next(app) };
    if let Some(cause) = &failure {
        tracing::error!(cause, "no backup was made");
    }
    app.store.write_blocking(move |tx| {
        copy::note_backup(tx, failure.as_deref(), now)?;
        match again {
            Some(at) => job::again(tx, id, at, now),
            None => job::finish(tx, id, now),
        }
    })?;
    Ok(())
}

fn copy_to(app: &App, directory: &Path) -> Result<()> {
    let now = app.now();
    for name in copy::names(directory)?.iter().filter(|name| is_unfinished(name)) {
        copy::discard(&directory.join(name));
    }
    let to = directory.join(name(now));
    match copy::copy(app.store.path(), &to) {
        Ok(bytes) => tracing::info!(bytes, file = %to.display(), "a backup was made"),
        // Within the same second, and it is as good.
        Err(Error::Conflict(_)) => {}
        Err(cause) => return Err(cause),
    }
    if !watch::look_at_clock(app) {
        tracing::warn!("old backups stay until the clock is right");
        return Ok(());
    }
    let names = copy::names(directory)?;
    for name in outdated(&names, now, i64::from(app.config.backup.keep_days) * DAY_MS) {
        let path = directory.join(name);
        // The copy is made all the same: a failure would have the next one made in a quarter of an hour.
        if let Err(cause) = std::fs::remove_file(&path) {
            tracing::error!(%cause, file = %path.display(), "an old backup was not removed");
        }
    }
    Ok(())
}
