//! Background work: take what is due, run it, record how it went. At least once; every effect is idempotent, and one
//! that consists of rows alone is committed together with its job's end.
//!
//! Work is done in lanes, each by a thread of its own, so that a slow mail server never holds up a binding.

mod backup;
mod figure;
mod heal;
mod hook;
mod housekeeping;
mod mail;
mod openapi;
mod push;
mod usage;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::app::App;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::usecase::{
    self, Tx,
    job::{self, Job},
};

/// Work that one thread does, one job after the other.
struct Lane {
    name: &'static str,
    kinds: &'static [&'static str],
    /// Jobs leased at once.
    batch: u32,
    /// A batch whose thread has not come back after this is taken again.
    lease_ms: i64,
    holds: Held,
}

/// When a lane stands still.
#[derive(Clone, Copy)]
enum Held {
    Never,
    WithMails,
    WithUsage,
}

/// A new kind of job needs a lane, or nobody takes it.
const LANES: &[Lane] = &[
    // Rows only.
    Lane {
        name: "jobs",
        kinds: &[
            usecase::binding::ACTIVATE,
            usecase::binding::TIME_OUT,
            usecase::notice::TELL,
            usecase::notice::WARN,
            usecase::settings::CLEAR,
        ],
        batch: 50,
        lease_ms: 60_000,
        holds: Held::Never,
    },
    // Rows only, but many; and the other deadlines that a clock which is ahead must not pass.
    Lane {
        name: "jobs-usage",
        kinds: &[
            usecase::usage::DRAIN,
            usecase::usage::SEAL,
            usecase::usage::CLOSE,
            usecase::usage::FORGET,
            usecase::notice::END_GRACE,
        ],
        batch: 1,
        lease_ms: 300_000,
        holds: Held::WithUsage,
    },
    // A mail server may take seconds for each of its answers.
    Lane { name: "jobs-mail", kinds: &[usecase::mail::SEND], batch: 1, lease_ms: 300_000, holds: Held::WithMails },
    // A large file takes minutes.
    Lane { name: "jobs-backup", kinds: &[usecase::copy::BACKUP], batch: 1, lease_ms: 3_600_000, holds: Held::Never },
    // The marketplace may take seconds for each of its answers.
    Lane { name: "jobs-heal", kinds: &[usecase::heal::ASK], batch: 1, lease_ms: 120_000, holds: Held::Never },
];

/// Rounds of questions to the marketplace. A clock that is advanced does not stop for each of them, or a month would
/// take thousands of rounds: they run wherever it stops for something else, and where it is going.
const SWEEPS: Lane =
    Lane { name: "jobs-sweep", kinds: &[usecase::heal::SWEEP], batch: 1, lease_ms: 900_000, holds: Held::Never };

/// Every kind of job, as the metrics name them.
#[must_use]
pub fn kinds() -> Vec<&'static str> {
    LANES.iter().chain([&SWEEPS]).flat_map(|lane| lane.kinds.iter().copied()).collect()
}

/// A job that failed this often is given up and shown to operators.
const ATTEMPTS: u32 = 20;
/// Longest nap of a job thread, so that a clock that was moved is noticed.
const NAP: Duration = Duration::from_millis(500);

/// Whether it is time for what is done every so often. A clock that went back from where it should never have been is not
/// waited for until it is there again.
fn is_due(last: Instant, now: Instant, every_ms: i64) -> bool {
    now.since_ms(last).abs() >= every_ms
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ran {
    pub ran: u32,
    pub failed: u32,
}

/// Why a job is not done.
enum Fault {
    /// Worth another try.
    Later(Error),
    /// It will never succeed.
    Never(Error),
}

impl From<Error> for Fault {
    fn from(cause: Error) -> Self {
        Self::Later(cause)
    }
}

/// Runs everything that is due at the app's clock, including what becomes due by it.
pub fn run_due(app: &Arc<App>) -> Ran {
    let mut total = Ran::default();
    loop {
        let round = LANES
            .iter()
            .chain([&SWEEPS])
            .map(|lane| run_lane(app, lane))
            .fold(add(add(hook::run(app), heal::notice(app)), push::run(app)), add);
        total = add(total, round);
        if round.ran == 0 {
            return total;
        }
    }
}

fn add(a: Ran, b: Ran) -> Ran {
    Ran { ran: a.ran + b.ran, failed: a.failed + b.failed }
}

/// When the next job, delivery or push is due, if any is open, or something else happens by itself.
pub fn next_due(app: &App) -> Result<Option<Instant>> {
    let others = [hook::next_due(app)?, heal::next_due(app)?, push::next_due(app)?];
    let going: Vec<&Lane> = LANES.iter().filter(|lane| !is_held(app, lane)).collect();
    app.store.read_blocking(move |db| {
        let due: Result<Vec<_>> = going.iter().map(|lane| job::next_due(db, lane.kinds)).collect();
        Ok(due?.into_iter().chain(others).flatten().min())
    })
}

/// Looks now for everything that never arrived, and settles it; for demos and fixtures.
pub fn sweep(app: &Arc<App>) -> Result<Ran> {
    heal::sweep_now(app, || run_due(app))
}

/// Runs what is due in a lane until nothing is.
fn run_lane(app: &Arc<App>, lane: &'static Lane) -> Ran {
    let mut total = Ran::default();
    loop {
        match run_batch(app, lane) {
            Ok(Ran { ran: 0, .. }) => return total,
            Ok(batch) => total = add(total, batch),
            Err(cause) => {
                tracing::warn!(lane = lane.name, %cause, "jobs could not be taken");
                total.failed += 1;
                return total;
            }
        }
    }
}

/// Whether a lane stands still: mails by a copy, the closing of usage by a clock that moved by itself (rules D2, D3).
fn is_held(app: &App, lane: &Lane) -> bool {
    match lane.holds {
        Held::Never => false,
        Held::WithMails => !app.holds.may_tell(),
        Held::WithUsage => !watch::look_at_clock(app),
    }
}

fn run_batch(app: &Arc<App>, lane: &'static Lane) -> Result<Ran> {
    if is_held(app, lane) {
        return Ok(Ran::default());
    }
    let now = app.now();
    let real_now = app.clock.real_now();
    // Most of the time nothing is due: that is seen without troubling the writer.
    if app.store.read_blocking(|db| job::next_due(db, lane.kinds))?.is_none_or(|due| due > now) {
        return Ok(Ran::default());
    }
    let jobs =
        app.store.write_blocking(move |tx| job::take(tx, lane.kinds, now, real_now, lane.lease_ms, lane.batch))?;
    let mut ran = Ran::default();
    for job in jobs {
        ran.ran += 1;
        let done = run(app, &job);
        app.metrics.jobs.add(&job.kind, if done.is_ok() { "done" } else { "failed" });
        if let Err(fault) = done {
            ran.failed += 1;
            if let Err(cause) = record(app, job, fault) {
                // The lease runs out and the job runs again.
                tracing::warn!(%cause, "a job's failure could not be recorded");
            }
        }
    }
    Ok(ran)
}

fn record(app: &App, job: Job, fault: Fault) -> Result<()> {
    let now = app.now();
    let (cause, is_final) = match fault {
        Fault::Later(cause) => (cause, job.attempts + 1 >= ATTEMPTS),
        Fault::Never(cause) => (cause, true),
    };
    tracing::warn!(kind = job.kind, key = job.key, attempts = job.attempts + 1, is_final, %cause, "a job failed");
    let text = cause.to_string();
    if is_final {
        app.store.write_blocking(move |tx| usecase::give_up(tx, &job, &text, now))
    } else {
        let due_at = now.plus_ms(back_off_ms(job.attempts, job.id));
        app.store.write_blocking(move |tx| job::postpone(tx, job.id, due_at, &text))
    }
}

/// 1 s, 2 s, 4 s … 1 h, spread by up to a quarter so that jobs of one cause do not stay in step.
fn back_off_ms(attempts: u32, id: i64) -> i64 {
    let base = (1_000_i64 << attempts.min(12)).min(3_600_000);
    base + (base / 4) * (id.rem_euclid(16)) / 16
}

fn run(app: &Arc<App>, job: &Job) -> Result<(), Fault> {
    match job.kind.as_str() {
        usecase::binding::ACTIVATE => rows(app, job, usecase::binding::activate),
        usecase::binding::TIME_OUT => rows(app, job, usecase::binding::time_out),
        usecase::notice::END_GRACE => rows(app, job, usecase::notice::end_grace),
        usecase::notice::TELL => mail::tell(app, job, usecase::notice::tell),
        usecase::notice::WARN => mail::tell(app, job, usecase::notice::tell_of_risk),
        usecase::settings::CLEAR => mail::tell(app, job, usecase::settings::clear),
        usecase::mail::SEND => mail::send(app, job),
        usecase::copy::BACKUP => backup::make(app, job),
        usecase::heal::ASK => heal::ask(app, job),
        usecase::heal::SWEEP => heal::sweep(app, job),
        usecase::usage::SEAL => usage::seal(app, job),
        usecase::usage::CLOSE => usage::close(app, job),
        usecase::usage::FORGET => usage::forget(app, job),
        usecase::usage::DRAIN => usage::drain(app, job),
        unknown => Err(Error::internal(format!("no such kind of job: {unknown}")).into()),
    }
}

/// An effect that consists of rows alone, with the job's end in the same transaction: it happens exactly once.
fn rows(app: &App, job: &Job, effect: fn(&Tx, &str, Instant) -> Result<()>) -> Result<(), Fault> {
    let (id, key, now) = (job.id, job.key.clone(), app.now());
    app.store.write_blocking(move |tx| {
        effect(tx, &key, now)?;
        job::finish(tx, id, now)
    })?;
    Ok(())
}

/// The threads that run jobs until they are stopped.
pub struct Runner {
    is_stopping: Arc<AtomicBool>,
    app: Arc<App>,
    threads: Vec<JoinHandle<()>>,
}

impl Runner {
    /// Starts a thread per lane; each begins by freeing what a process that is gone had leased.
    pub fn start(app: &Arc<App>) -> Result<Self> {
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut runner = Self { is_stopping, app: Arc::clone(app), threads: Vec::new() };
        for (index, lane) in LANES.iter().chain([&SWEEPS]).enumerate() {
            let (stopping, shared) = (Arc::clone(&runner.is_stopping), Arc::clone(app));
            let housekeeping = (index == 0).then(housekeeping::Housekeeping::default);
            let work = move || work(&shared, lane, &stopping, housekeeping);
            runner.threads.push(std::thread::Builder::new().name(lane.name.into()).spawn(work)?);
        }
        let (stopping, shared) = (Arc::clone(&runner.is_stopping), Arc::clone(app));
        let pushing = move || push_usage(&shared, &stopping);
        runner.threads.push(std::thread::Builder::new().name("jobs-push".into()).spawn(pushing)?);
        let (stopping, shared) = (Arc::clone(&runner.is_stopping), Arc::clone(app));
        let watch = move || watch::work(&shared, &stopping);
        runner.threads.push(std::thread::Builder::new().name("jobs-watch".into()).spawn(watch)?);
        let (stopping, shared) = (Arc::clone(&runner.is_stopping), Arc::clone(app));
        let tell = move || tell(&shared, &stopping);
        runner.threads.push(std::thread::Builder::new().name("jobs-hooks".into()).spawn(tell)?);
        if app.config.metrics.is_on() {
            let (stopping, shared) = (Arc::clone(&runner.is_stopping), Arc::clone(app));
            let look = move || figure::work(&shared, &stopping);
            runner.threads.push(std::thread::Builder::new().name("jobs-figures".into()).spawn(look)?);
        }
        Ok(runner)
    }

    /// Lets the jobs that are running finish, and ends the threads.
    pub fn stop(self) {
        self.is_stopping.store(true, Ordering::Release);
        self.app.asking.close();
        self.app.work.stop();
        for thread in self.threads {
            drop(thread.join());
        }
    }
}

fn work(
    app: &Arc<App>,
    lane: &'static Lane,
    is_stopping: &AtomicBool,
    mut housekeeping: Option<housekeeping::Housekeeping>,
) {
    if let Err(cause) = app.store.write_blocking(|tx| job::free_leases(tx, lane.kinds)) {
        tracing::warn!(%cause, "old leases were not freed; they run out by themselves");
    }
    if lane.kinds == [usecase::copy::BACKUP]
        && let Err(cause) = backup::plan(app)
    {
        tracing::warn!(%cause, "no backup was planned: the next start tries again");
    }
    if lane.kinds == SWEEPS.kinds
        && let Err(cause) = heal::plan(app, heal::next_round(app))
    {
        tracing::warn!(%cause, "no sweep was planned: the next start tries again");
    }
    let mut rings = 0;
    while !is_stopping.load(Ordering::Acquire) {
        run_lane(app, lane);
        if let Some(housekeeping) = &mut housekeeping {
            heal::notice(app);
            housekeeping.run_if_due(app);
        }
        rings = app.work.wait(rings, NAP);
    }
}

/// Pushes usage until stopped; what a process that is gone had sent is held first.
fn push_usage(app: &App, is_stopping: &AtomicBool) {
    let (mut rings, mut is_recovered) = (0, false);
    while !is_stopping.load(Ordering::Acquire) {
        if is_recovered {
            push::run(app);
        } else {
            match push::recover(app) {
                Ok(()) => {
                    is_recovered = true;
                    continue;
                }
                Err(cause) => tracing::warn!(%cause, "pushes without an answer were not held yet; nothing is pushed"),
            }
        }
        rings = app.work.wait(rings, NAP);
    }
}

/// Between two looks: under load the bell rings all the time.
const BREATH: Duration = Duration::from_millis(20);

/// Sends to webhooks until stopped.
fn tell(app: &Arc<App>, is_stopping: &AtomicBool) {
    if let Err(cause) = app.store.write_blocking(usecase::delivery::free_leases) {
        tracing::warn!(%cause, "old leases were not freed; they run out by themselves");
    }
    let mut senders = hook::Senders::default();
    let mut rings = 0;
    while !is_stopping.load(Ordering::Acquire) {
        let nap = senders.start_due(app);
        std::thread::sleep(BREATH);
        rings = app.work.wait(rings, nap);
    }
    senders.join();
}

#[cfg(test)]
mod tests {
    use super::{back_off_ms, is_due};
    use crate::clock::Instant;

    #[test]
    fn what_is_done_every_so_often_does_not_wait_for_a_clock_that_went_back() {
        let due = |last, now| is_due(Instant::from_ms(last), Instant::from_ms(now), 10);
        assert!(due(0, 10) && !due(0, 9) && !due(9, 0));
        assert!(due(40_000, 20), "it had been ahead");
    }

    #[test]
    fn waiting_grows_to_an_hour_and_never_shrinks() {
        let waits: Vec<i64> = (0..20).map(|attempts| back_off_ms(attempts, 0)).collect();
        assert!(waits.is_sorted() && waits[0] == 1_000 && waits[19] == 3_600_000);
        assert!((0..20).all(|id| (1_000..1_250).contains(&back_off_ms(0, id))));
    }
}
