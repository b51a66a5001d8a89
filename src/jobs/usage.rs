//! Closing the books: records are sealed and missed at their moments, a step at a time (rules C3, C4).

use super::Fault;
use crate::app::App;
use crate::clock::Instant;
use crate::error::Result;
use crate::usecase::Tx;
use crate::usecase::job::{self, Job};
use crate::usecase::usage;

pub fn seal(app: &App, job: &Job) -> Result<(), Fault> {
    steps(app, job, usage::seal)
}

pub fn close(app: &App, job: &Job) -> Result<(), Fault> {
    steps(app, job, usage::close)
}

/// Forgets old events, and comes back when there are more.
pub fn forget(app: &App, job: &Job) -> Result<(), Fault> {
    steps_only(app, usage::forget)?;
    let (id, now) = (job.id, app.now());
    app.store.write_blocking(move |tx| {
        job::finish(tx, id, now)?;
        match usage::forget_again(tx, now)? {
            Some(at) => job::enqueue(tx, usage::FORGET, "", at),
            None => Ok(()),
        }
    })?;
    Ok(())
}

/// Hurries what a released subscription used last.
pub fn drain(app: &App, job: &Job) -> Result<(), Fault> {
    let (id, key, now, timing) = (job.id, job.key.clone(), app.now(), app.config.metering.timing());
    app.store.write_blocking(move |tx| {
        usage::drain(tx, timing, &key, now)?;
        job::finish(tx, id, now)
    })?;
    Ok(())
}

fn steps(app: &App, job: &Job, step: fn(&Tx, Instant) -> Result<usize>) -> Result<(), Fault> {
    steps_only(app, step)?;
    let (id, now) = (job.id, app.now());
    app.store.write_blocking(move |tx| job::finish(tx, id, now))?;
    Ok(())
}

/// Small writes, so that others get in between. A crash in the middle leaves the job, which goes on where it was.
fn steps_only(app: &App, step: fn(&Tx, Instant) -> Result<usize>) -> Result<(), Fault> {
    let now = app.now();
    while app.store.write_blocking(move |tx| step(tx, now))? > 0 {}
    Ok(())
}
