//! Background work: take what is due, run it, record how it went. At least once; every effect is idempotent.

mod housekeeping;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::app::App;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::usecase::{
    self,
    job::{self, Job},
};

/// Jobs leased at once.
const BATCH: u32 = 50;
/// A job whose thread has not come back after this is taken again.
const LEASE_MS: i64 = 60_000;
/// A job that failed this often is given up and shown to operators.
const ATTEMPTS: u32 = 20;
/// Longest nap of the job thread, so that a clock that was moved is noticed.
const NAP: Duration = Duration::from_millis(500);

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ran {
    pub ran: u32,
    pub failed: u32,
}

/// Runs everything that is due at the app's clock, including what becomes due by it.
pub fn run_due(app: &App) -> Ran {
    let mut total = Ran::default();
    loop {
        match run_batch(app) {
            Ok(Ran { ran: 0, .. }) => return total,
            Ok(batch) => {
                total.ran += batch.ran;
                total.failed += batch.failed;
            }
            Err(cause) => {
                tracing::warn!(%cause, "jobs could not be taken");
                total.failed += 1;
                return total;
            }
        }
    }
}

/// When the next job is due, if any is open.
pub fn next_due(app: &App) -> Result<Option<Instant>> {
    app.store.read_blocking(job::next_due)
}

fn run_batch(app: &App) -> Result<Ran> {
    let now = app.now();
    let real_now = app.clock.real_now();
    // Most of the time nothing is due: that is seen without troubling the writer.
    if app.store.read_blocking(job::next_due)?.is_none_or(|due| due > now) {
        return Ok(Ran::default());
    }
    let jobs = app.store.write_blocking(move |tx| job::take(tx, now, real_now, LEASE_MS, BATCH))?;
    let mut ran = Ran::default();
    for job in jobs {
        ran.ran += 1;
        let outcome = run(app, &job);
        let now = app.now();
        let id = job.id;
        let recorded = match outcome {
            Ok(()) => app.store.write_blocking(move |tx| job::finish(tx, id, now)),
            Err(cause) => {
                ran.failed += 1;
                tracing::warn!(kind = job.kind, key = job.key, attempts = job.attempts, %cause, "a job failed");
                let text = cause.to_string();
                if job.attempts + 1 >= ATTEMPTS {
                    app.store.write_blocking(move |tx| job::bury(tx, id, now, &text))
                } else {
                    let due_at = now.plus_ms(back_off_ms(job.attempts, id));
                    app.store.write_blocking(move |tx| job::postpone(tx, id, due_at, &text))
                }
            }
        };
        if let Err(cause) = recorded {
            // The lease runs out and the job runs again.
            tracing::warn!(id, %cause, "a job's end could not be recorded");
        }
    }
    Ok(ran)
}

/// 1 s, 2 s, 4 s … 1 h, spread by up to a quarter so that jobs of one cause do not stay in step.
fn back_off_ms(attempts: u32, id: i64) -> i64 {
    let base = (1_000_i64 << attempts.min(12)).min(3_600_000);
    base + (base / 4) * (id.rem_euclid(16)) / 16
}

fn run(app: &App, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        usecase::binding::ACTIVATE => {
            let (id, now) = (job.key.clone(), app.now());
            app.store.write_blocking(move |tx| usecase::binding::activate(tx, &id, now))
        }
        unknown => Err(Error::internal(format!("no such kind of job: {unknown}"))),
    }
}

/// The thread that runs jobs until it is stopped.
pub struct Runner {
    is_stopping: Arc<AtomicBool>,
    app: Arc<App>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    /// Starts the thread; it begins by freeing what a process that is gone had leased.
    pub fn start(app: &Arc<App>) -> Result<Self> {
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (stopping, shared) = (Arc::clone(&is_stopping), Arc::clone(app));
        let thread = std::thread::Builder::new().name("jobs".into()).spawn(move || {
            if let Err(cause) = shared.store.write_blocking(job::free_leases) {
                tracing::warn!(%cause, "old leases were not freed; they run out by themselves");
            }
            let mut housekeeping = housekeeping::Housekeeping::default();
            while !stopping.load(Ordering::Acquire) {
                run_due(&shared);
                housekeeping.run_if_due(&shared);
                shared.work.wait(NAP);
            }
        })?;
        Ok(Self { is_stopping, app: Arc::clone(app), thread: Some(thread) })
    }

    /// Lets the job that is running finish, and ends the thread.
    pub fn stop(mut self) {
        self.is_stopping.store(true, Ordering::Release);
        self.app.work.ring();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::back_off_ms;

    #[test]
    fn waiting_grows_to_an_hour_and_never_shrinks() {
        let waits: Vec<i64> = (0..20).map(|attempts| back_off_ms(attempts, 0)).collect();
        assert!(waits.is_sorted() && waits[0] == 1_000 && waits[19] == 3_600_000);
        assert!((0..20).all(|id| (1_000..1_250).contains(&back_off_ms(0, id))));
    }
}
