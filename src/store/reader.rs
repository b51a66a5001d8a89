//! Threads and connections that only read. A read sees one snapshot from its first row to its last, and is
//! cut when it takes too long: nothing else could be answered meanwhile.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::queue::{Queue, Taken};
use super::{Db, Inner, answer_panic, retryable_as_busy};
use crate::error::{Error, Result};

/// Steps of SQLite's machine between two looks at the clock; some ten microseconds of work.
const STEPS_PER_LOOK: i32 = 1_000;

/// A read that waits for its turn.
pub(super) trait Job: Send {
    fn run(self: Box<Self>, reader: &Reader);
}

struct Work<F, T> {
    f: F,
    caller: oneshot::Sender<Result<T>>,
}

pub(super) fn job<F, T>(f: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T>>)
where
    F: FnOnce(&Db) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Work { f, caller }), answer)
}

impl<F, T> Job for Work<F, T>
where
    F: FnOnce(&Db) -> Result<T> + Send,
    T: Send,
{
    fn run(self: Box<Self>, reader: &Reader) {
        // A reader that nobody waits for any more need not read.
        if !self.caller.is_closed() {
            drop(self.caller.send(reader.read(self.f)));
        }
    }
}

/// A read-only connection with a watch.
pub(super) struct Reader {
    db: Db,
    watch: Arc<Watch>,
    limit: Duration,
}

/// When the present read is cut. Shared with the connection's progress handler.
struct Watch {
    epoch: Instant,
    /// Nanoseconds after `epoch`; `u64::MAX`: no limit.
    cut_at: AtomicU64,
}

impl Watch {
    fn nanos(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Reader {
    pub(super) fn open(inner: &Inner) -> Result<Self> {
        let mut conn = super::connect_read_only(&inner.path, &inner.options)?;
        let watch = Arc::new(Watch { epoch: Instant::now(), cut_at: AtomicU64::new(u64::MAX) });
        let seen = Arc::clone(&watch);
        let late = move || seen.nanos() > seen.cut_at.load(Ordering::Relaxed);
        conn.progress_handler(STEPS_PER_LOOK, Some(late))?;
        let notary = inner.options.notary.clone();
        Ok(Self { db: Db { conn, notary }, watch, limit: inner.options.read_limit })
    }

    /// Runs `f` on one snapshot, within the limit. A read inside a read belongs to it.
    pub(super) fn read<T>(&self, f: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        let conn = &self.db.conn;
        if !conn.is_autocommit() {
            return f(&self.db);
        }
        let limit = u64::try_from(self.limit.as_nanos()).unwrap_or(u64::MAX);
        self.watch.cut_at.store(self.watch.nanos().saturating_add(limit), Ordering::Relaxed);
        let outcome =
            conn.prepare_cached("BEGIN").and_then(|mut begin| begin.execute(())).map_err(Error::from).and_then(|_| {
                catch_unwind(AssertUnwindSafe(|| f(&self.db))).unwrap_or_else(|panic| Err(answer_panic(&*panic)))
            });
        // The end is never cut: a snapshot left open would keep the log from being folded in.
        self.watch.cut_at.store(u64::MAX, Ordering::Relaxed);
        if !conn.is_autocommit() && conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute(())).is_err() {
            conn.execute_batch("ROLLBACK")?;
        }
        outcome.map_err(retryable_as_busy)
    }
}

/// A reader thread: works until the queue is closed and empty.
pub(super) fn run(queue: &Queue<Box<dyn Job>>, reader: &Reader) {
    let mut jobs = Vec::with_capacity(1);
    while queue.take(&mut jobs, 1, None).0 != Taken::Closed {
        for job in jobs.drain(..) {
            drop(catch_unwind(AssertUnwindSafe(|| job.run(reader))));
        }
    }
}

thread_local! {
    /// The calling thread's own readers, one per open store that it has read from.
    static HERE: RefCell<Vec<(Weak<Inner>, Rc<Reader>)>> = const { RefCell::new(Vec::new()) };
}

/// The calling thread's reader of this store, opened at its first use and kept while the store lives.
pub(super) fn here(inner: &Arc<Inner>) -> Result<Rc<Reader>> {
    HERE.with_borrow_mut(|readers| {
        if let Some((_, reader)) = readers.iter().find(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(inner))) {
            return Ok(Rc::clone(reader));
        }
        readers.retain(|(of, _)| of.strong_count() > 0);
        let reader = Rc::new(Reader::open(inner)?);
        readers.push((Arc::downgrade(inner), Rc::clone(&reader)));
        Ok(reader)
    })
}
