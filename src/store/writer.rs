//! The one thread that writes: whatever waits becomes one transaction, one savepoint per job, one COMMIT
//! that is durable once for all of them. Nobody hears an answer before that COMMIT.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Statement;
use tokio::sync::{Semaphore, oneshot};

use super::queue::{Queue, Taken};
use super::{Bell, Counters, Options, Tx, answer_panic, retryable_as_busy};
use crate::error::{Error, Result};

/// Most jobs of one transaction.
const GROUP_JOBS: usize = 256;
/// A transaction that has run this long takes no further jobs in.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// A job above this keeps everybody else waiting and is reported (rules D1 allow 20 ms).
const SLOW_JOB: Duration = Duration::from_millis(100);
/// Without work for this long, the statistics are refreshed and the log is folded into the file.
const IDLE: Duration = Duration::from_secs(5);
/// At stop, readers of other processes (a replica's, a backup's) may hold the log for this long.
const LAST_CHECKPOINT_WAIT: Duration = Duration::from_millis(500);

/// A write that waits for its turn.
pub(super) trait Job: Send {
    /// When it lined up.
    fn came(&self) -> Instant;
    /// Does the work and keeps its outcome; true if its rows are to stay.
    fn run(&mut self, tx: &Tx) -> bool;
    /// Tells the caller: the outcome if the group was committed, else that nothing happened.
    fn answer(self: Box<Self>, committed: bool);
}

/// The closure of a caller, then its outcome: one allocation for a job's whole life.
struct Work<F, T> {
    f: Option<F>,
    came: Instant,
    outcome: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

/// Wraps a closure; the receiver hears the outcome after the COMMIT, or nothing if the job was dropped.
pub(super) fn job<F, T>(f: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T>>)
where
    F: FnOnce(&Tx) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Work { f: Some(f), came: Instant::now(), outcome: None, caller }), answer)
}

impl<F, T> Job for Work<F, T>
where
    F: FnOnce(&Tx) -> Result<T> + Send,
    T: Send,
{
    fn came(&self) -> Instant {
        self.came
    }

    fn run(&mut self, tx: &Tx) -> bool {
        let Some(f) = self.f.take() else { return false };
        // What the closure captured is dropped by the unwinding, and its rows go with the savepoint.
        let outcome = catch_unwind(AssertUnwindSafe(|| f(tx))).unwrap_or_else(|panic| Err(answer_panic(&*panic)));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome.map_err(retryable_as_busy));
        keep
    }

    fn answer(self: Box<Self>, committed: bool) {
        // A refusal may rest on rows of the same group that are gone now, so it is taken back, too.
        let outcome = if committed { self.outcome.unwrap_or(Err(Error::Busy)) } else { Err(Error::Busy) };
        // The caller may have left; what was decided stays.
        drop(self.caller.send(outcome));
    }
}

/// The statements that every group needs, compiled once.
struct Frame<'tx> {
    tx: &'tx Tx,
    begin: Statement<'tx>,
    commit: Statement<'tx>,
    savepoint: Statement<'tx>,
    release: Statement<'tx>,
    rollback_to: Statement<'tx>,
}

impl<'tx> Frame<'tx> {
    fn new(tx: &'tx Tx) -> rusqlite::Result<Self> {
        let conn = tx.conn();
        Ok(Self {
            tx,
            begin: conn.prepare("BEGIN IMMEDIATE")?,
            commit: conn.prepare("COMMIT")?,
            savepoint: conn.prepare("SAVEPOINT job")?,
            release: conn.prepare("RELEASE job")?,
            rollback_to: conn.prepare("ROLLBACK TO job")?,
        })
    }

    /// Runs one job in its savepoint. An error means that the transaction is not to be trusted any more.
    fn run(&mut self, job: &mut dyn Job) -> rusqlite::Result<()> {
        self.savepoint.execute(())?;
        let keep = job.run(self.tx);
        if self.tx.conn().is_autocommit() {
            // A full disk or an I/O error made SQLite roll the whole group back by itself. The next savepoint
            // would start, and commit, a transaction of its own.
            return Err(ended());
        }
        if !keep {
            self.rollback_to.execute(())?;
        }
        self.release.execute(())?;
        Ok(())
    }

    /// Leaves no transaction open, whatever state the last one was left in.
    fn abandon(&self) {
        let conn = self.tx.conn();
        if !conn.is_autocommit()
            && let Err(cause) = conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%cause, "the writer could not roll back");
        }
    }
}

fn ended() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
    rusqlite::Error::SqliteFailure(code, Some("the transaction was rolled back while a job ran".into()))
}

/// The writer's side of the queue.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue<Box<dyn Job>>>,
    /// Places of the reserved lane; given back as soon as a job is taken.
    pub(super) reserved: Arc<Semaphore>,
    pub(super) counters: Arc<Counters>,
    pub(super) work: Arc<Bell>,
    pub(super) commits: Arc<Bell>,
    pub(super) options: Options,
}

impl Writer {
    /// Works until the queue is closed and empty, then leaves the file tidy.
    pub(super) fn run(&self, tx: &Tx) {
        let mut frame = match Frame::new(tx) {
            Ok(frame) => frame,
            Err(cause) => {
                tracing::error!(%cause, "the writer cannot start");
                self.queue.close();
                let mut jobs = Vec::new();
                while self.take(&mut jobs, None) == Taken::Work {
                    jobs.drain(..).for_each(|job| job.answer(false));
                }
                return;
            }
        };
        let mut jobs = Vec::with_capacity(GROUP_JOBS);
        let mut tidy = true;
        loop {
            match self.take(&mut jobs, (!tidy).then_some(IDLE)) {
                Taken::Work => {
                    self.group(&mut frame, &mut jobs);
                    tidy = false;
                }
                Taken::Idle => {
                    // Whoever reads at this moment is not waited for: the next idle time will do.
                    self.tidy_up(tx, Duration::ZERO);
                    tidy = true;
                }
                Taken::Closed => break,
            }
        }
        self.tidy_up(tx, LAST_CHECKPOINT_WAIT);
    }

    fn take(&self, jobs: &mut Vec<Box<dyn Job>>, patience: Option<Duration>) -> Taken {
        let most = GROUP_JOBS - jobs.len();
        let (taken, reserved) = self.queue.take(jobs, most, patience);
        if reserved > 0 {
            self.reserved.add_permits(reserved);
        }
        taken
    }

    /// One transaction for `jobs` and for what arrives while they run. Leaves `jobs` empty.
    fn group(&self, frame: &mut Frame<'_>, jobs: &mut Vec<Box<dyn Job>>) {
        let started = Instant::now();
        let result = self.try_group(frame, jobs);
        let committed = result.is_ok();
        if let Err(cause) = &result {
            frame.abandon();
            tracing::error!(%cause, jobs = jobs.len(), "a group of writes was given up; every caller was told to ask again");
        }
        self.counters.group(jobs.len(), committed, started.elapsed());
        if committed {
            self.commits.ring();
        }
        if frame.tx.has_work.take() && committed {
            self.work.ring();
        }
        for job in jobs.drain(..) {
            // Dropping what a caller left behind is a caller's code as well.
            drop(catch_unwind(AssertUnwindSafe(|| job.answer(committed))));
        }
    }

    fn try_group(&self, frame: &mut Frame<'_>, jobs: &mut Vec<Box<dyn Job>>) -> rusqlite::Result<()> {
        frame.abandon();
        frame.begin.execute(())?;
        let started = Instant::now();
        let mut before = started;
        let mut next = 0;
        while next < jobs.len() {
            self.counters.pace.waited.observe_time(before.saturating_duration_since(jobs[next].came()));
            frame.run(&mut *jobs[next])?;
            next += 1;
            let now = Instant::now();
            if now - before > SLOW_JOB {
                tracing::warn!(ms = (now - before).as_millis(), "a write held everybody up");
            }
            before = now;
            if next == jobs.len() && next < GROUP_JOBS && now - started < GROUP_TIME {
                self.take(jobs, Some(Duration::ZERO));
            }
        }
        frame.commit.execute(())?;
        Ok(())
    }

    fn tidy_up(&self, tx: &Tx, patience: Duration) {
        let conn = tx.conn();
        let tidied = conn
            .execute_batch("PRAGMA optimize")
            .and_then(|()| conn.busy_timeout(patience))
            .and_then(|()| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())));
        let restored = conn.busy_timeout(self.options.busy_timeout);
        if let Err(cause) = tidied.and(restored) {
            tracing::debug!(%cause, "could not tidy the database up");
        }
    }
}

impl Counters {
    fn group(&self, jobs: usize, committed: bool, took: Duration) {
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        self.groups.fetch_add(1, Ordering::Relaxed);
        if committed {
            self.jobs.fetch_add(jobs, Ordering::Relaxed);
        } else {
            self.failed_groups.fetch_add(1, Ordering::Relaxed);
        }
        self.pace.took.observe_time(took);
        self.pace.size.observe(jobs);
        self.writable.store(committed, Ordering::Relaxed);
    }
}
