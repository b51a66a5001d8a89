//! All SQL. One thread writes, a few threads read, and every answer to a writer comes after its COMMIT is on disk.
//!
//! [`Store::read`] and [`Store::write`] are the two doors; `&Db` reads, `&Tx` writes. The shape, and what it was
//! measured against, is in the architecture notes: group commit on one thread is what lets many small durable
//! writes share one wait for the disk, without a single "database is locked".
//!
//! Four traps, each with a test that goes through the real thing:
//!
//! 1. A full disk or an I/O error makes SQLite roll back the whole group by itself: the group ends and nobody is told yes.
//! 2. `BEGIN IMMEDIATE` may fail: then no job runs.
//! 3. A panicking job loses its own savepoint and costs nobody else anything.
//! 4. Constraints that are checked at COMMIT, and conflict clauses that end the transaction, are forbidden in the
//!    schema and in here: one job could take everybody else's rows with it.

pub mod alarm;
pub mod api_key;
pub mod approval;
pub mod audit;
mod bell;
pub mod binding;
pub mod call;
pub mod choice;
pub mod claim;
pub mod copy;
pub mod delivery;
pub mod email_check;
pub mod entry;
pub mod event;
pub mod figure;
pub mod file;
mod fold;
pub mod freeze;
pub mod idempotency;
pub mod invitation;
pub mod isv_key;
pub mod job;
pub mod ledger;
pub mod lock;
pub mod mail;
pub mod master_key;
pub mod member;
pub mod migrate;
pub mod onlooker;
pub mod organization;
pub mod push;
mod queue;
mod reader;
pub mod record;
pub mod reset;
pub mod search;
pub mod second_factor;
pub mod session;
pub mod stamp;
pub mod subscription;
#[cfg(test)]
mod tests;
pub mod timeline;
pub mod usage;
pub mod user;
pub mod webhook;
mod writer;

use std::any::Any;
use std::cell::Cell;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, OptionalExtension, Params, Row};
use tokio::sync::Semaphore;

use crate::crypto::Notary;
use crate::error::{Error, Result};
use crate::metrics::{DURATIONS, GROUP_SIZES, Histogram, MICROS, Spread};
pub use bell::Bell;
use queue::Queue;

/// How long a reserved write waits for a place before it hears [`Error::Busy`] (rules B4).
pub const RESERVED_WAIT: Duration = Duration::from_secs(2);
/// Compiled statements that each connection keeps.
const STATEMENTS: usize = 256;
/// Page cache of the writing connection, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// Page cache of each reading connection, in KiB.
const READER_CACHE_KIB: i64 = 4 * 1024;
/// What the log may keep on disk after it was folded in, in bytes.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// How durable an answered write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// It survives a loss of power. With group commit this costs little.
    #[default]
    Full,
    /// It survives a crash of the process; a loss of power may take the last moments. For throw-away files.
    Normal,
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that read.
    pub readers: usize,
    /// Most ordinary writes, and most reads, that wait; one more is [`Error::Busy`].
    pub queue: usize,
    /// Places of the reserved lane of the write queue (rules B4).
    pub reserved: usize,
    pub synchronous: Synchronous,
    /// Largest size of the file, in pages of 4 KiB.
    pub max_page_count: Option<u32>,
    /// A read is cut after this.
    pub read_limit: Duration,
    /// How long another process that holds the file's write lock is waited for.
    pub busy_timeout: Duration,
    /// Who keeps the audit log. Without one nothing can be noted there.
    pub notary: Option<Arc<Notary>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 2,
            queue: 1024,
            reserved: 256,
            synchronous: Synchronous::Full,
            max_page_count: None,
            read_limit: Duration::from_secs(2),
            busy_timeout: Duration::from_secs(5),
            notary: None,
        }
    }
}

/// Read access to one snapshot of the database.
pub struct Db {
    conn: Connection,
    notary: Option<Arc<Notary>>,
}

impl Db {
    /// The connection, for what the helpers below do not offer. It must not be used to begin or end transactions.
    #[must_use]
    pub fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Who keeps the audit log of this file.
    ///
    /// # Errors
    /// `Internal` where the store was opened without one.
    pub fn notary(&self) -> Result<&Notary> {
        self.notary.as_deref().ok_or_else(|| Error::internal("the store was opened without the keys of its audit log"))
    }

    /// The first row, if there is any.
    pub fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.reading(sql)?.query_row(params, map).optional()?)
    }

    /// All rows, in order. The statement carries the LIMIT.
    pub fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.reading(sql)?;
        let rows = statement.query_map(params, map)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The one value of a statement that always has one, such as a count.
    pub fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T> {
        Ok(self.reading(sql)?.query_row(params, |row| row.get(0))?)
    }

    fn reading(&self, sql: &str) -> Result<CachedStatement<'_>> {
        let statement = self.conn.prepare_cached(sql)?;
        if statement.readonly() { Ok(statement) } else { Err(Error::internal("a statement that writes needs a Tx")) }
    }
}

/// Write access: the group's transaction, and in it the savepoint of one job. Reads what it wrote.
pub struct Tx {
    db: Db,
    /// A job was written in this group.
    has_work: Cell<bool>,
}

impl Deref for Tx {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Tx {
    /// Runs one statement; the number of rows that it changed.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.writing(sql)?.execute(params)?)
    }

    /// Runs one statement with a RETURNING clause; the first row it returned, if it changed any.
    pub fn returning<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.writing(sql)?;
        let mut rows = statement.query(params)?;
        let first = rows.next()?.map(map).transpose()?;
        // Foreign keys are checked when the statement has run to its end.
        while rows.next()?.is_some() {}
        Ok(first)
    }

    /// A job was written: whoever works on them is woken after the COMMIT.
    fn note_work(&self) {
        self.has_work.set(true);
    }

    fn writing(&self, sql: &str) -> Result<CachedStatement<'_>> {
        if self.conn.is_autocommit() {
            // An earlier statement of this job ended the group; this one would be committed all alone.
            return Err(Error::Busy);
        }
        Ok(self.conn.prepare_cached(sql)?)
    }
}

/// A database file and the threads that work on it. Clones share them.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    options: Options,
    writes: Arc<Queue<Box<dyn writer::Job>>>,
    reads: Arc<Queue<Box<dyn reader::Job>>>,
    reserved: Arc<Semaphore>,
    counters: Arc<Counters>,
    work: Arc<Bell>,
    /// Rung after each COMMIT.
    commits: Arc<Bell>,
    closed: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Counters {
    groups: AtomicU64,
    jobs: AtomicU64,
    failed_groups: AtomicU64,
    writable: AtomicBool,
    pace: Paces,
}

/// How the writer keeps up. Counted by it alone, so nothing is waited for.
struct Paces {
    waited: Histogram,
    took: Histogram,
    size: Histogram,
}

impl Default for Paces {
    fn default() -> Self {
        Self { waited: Histogram::new(DURATIONS), took: Histogram::new(DURATIONS), size: Histogram::new(GROUP_SIZES) }
    }
}

/// [`Store::pace`]
pub struct Pace {
    /// Seconds that a write waited in the queue.
    pub waited: Spread,
    /// Seconds that a transaction took, its COMMIT included.
    pub took: Spread,
    /// Writes in a transaction.
    pub size: Spread,
}

/// What the store is doing; for metrics and readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Writes that wait, in both lanes.
    pub writes_waiting: usize,
    /// Reads that wait.
    pub reads_waiting: usize,
    /// Transactions since the store was opened.
    pub groups: u64,
    /// Writes that were committed (or refused by themselves) in them.
    pub writes: u64,
    /// Transactions of which nothing stayed.
    pub failed_groups: u64,
    /// Whether the last transaction was committed.
    pub is_writable: bool,
}

impl Store {
    /// Opens the file and starts its threads. A file that does not exist or is empty is made from the schema; one
    /// of another version is refused with the way out (`migrate`).
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        migrate::prepare(path)?;
        let db = Db { conn: connect(path, &options)?, notary: options.notary.clone() };
        let tx = Tx { db, has_work: Cell::new(false) };
        let inner = Arc::new(Inner {
            path: path.to_owned(),
            writes: Arc::new(Queue::new(options.queue)),
            reads: Arc::new(Queue::new(options.queue)),
            reserved: Arc::new(Semaphore::new(options.reserved)),
            counters: Arc::new(Counters { writable: AtomicBool::new(true), ..Counters::default() }),
            work: Arc::default(),
            commits: Arc::default(),
            closed: AtomicBool::new(false),
            threads: Mutex::new(Vec::new()),
            options,
        });
        let writer = writer::Writer {
            queue: Arc::clone(&inner.writes),
            reserved: Arc::clone(&inner.reserved),
            counters: Arc::clone(&inner.counters),
            work: Arc::clone(&inner.work),
            commits: Arc::clone(&inner.commits),
            options: inner.options.clone(),
        };
        inner.spawn("store-writer".into(), move || writer.run(&tx))?;
        let (folding, commits) = (connect(path, &inner.options)?, Arc::clone(&inner.commits));
        inner.spawn("store-folder".into(), move || fold::run(&folding, &commits))?;
        for number in 1..=inner.options.readers.max(1) {
            let reader = reader::Reader::open(&inner)?;
            let queue = Arc::clone(&inner.reads);
            inner.spawn(format!("store-reader-{number}"), move || reader::run(&queue, &reader))?;
        }
        Ok(Self { inner })
    }

    /// Reads on a reader thread. [`Error::Busy`] if too many wait already, or if it took longer than the limit.
    pub async fn read<T: Send + 'static>(&self, f: impl FnOnce(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        let (job, answer) = reader::job(f);
        self.inner.reads.push(job).map_err(|_| Error::Busy)?;
        answer.await.unwrap_or(Err(Error::Busy))
    }

    /// Writes. The answer comes once it is durable; [`Error::Busy`] means that nothing was written.
    /// A caller that stops waiting does not stop the write.
    pub async fn write<T: Send + 'static>(&self, f: impl FnOnce(&Tx) -> Result<T> + Send + 'static) -> Result<T> {
        let (job, answer) = writer::job(f);
        self.inner.writes.push(job).map_err(|_| Error::Busy)?;
        answer.await.unwrap_or(Err(Error::Busy))
    }

    /// Like [`Store::write`], in the lane that ordinary writes cannot fill: for validly signed calls of the
    /// marketplace (rules B4). Waits up to [`RESERVED_WAIT`] for a place.
    pub async fn write_reserved<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = tokio::time::timeout(RESERVED_WAIT, self.inner.reserved.acquire()).await;
        // Closed, or no place in time.
        let place = place.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?;
        let (job, answer) = writer::job(f);
        self.inner.writes.push_reserved(job).map_err(|_| Error::Busy)?;
        // The writer gives the place back when it takes the job.
        place.forget();
        answer.await.unwrap_or(Err(Error::Busy))
    }

    /// [`Store::read`] for threads of our own. Panics on a thread that runs async tasks.
    pub fn read_blocking<T: Send + 'static>(&self, f: impl FnOnce(&Db) -> Result<T> + Send + 'static) -> Result<T> {
        let (job, answer) = reader::job(f);
        self.inner.reads.push(job).map_err(|_| Error::Busy)?;
        answer.blocking_recv().unwrap_or(Err(Error::Busy))
    }

    /// [`Store::write`] for threads of our own. Panics on a thread that runs async tasks.
    pub fn write_blocking<T: Send + 'static>(&self, f: impl FnOnce(&Tx) -> Result<T> + Send + 'static) -> Result<T> {
        let (job, answer) = writer::job(f);
        self.inner.writes.push(job).map_err(|_| Error::Busy)?;
        answer.blocking_recv().unwrap_or(Err(Error::Busy))
    }

    /// Reads on the calling thread, on a connection that it keeps: for a few rows found by an index, where a trip to
    /// another thread would cost more than the read. Scans, exports and searches belong to [`Store::read`].
    pub fn read_here<T>(&self, f: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        if self.inner.closed.load(Ordering::Acquire) {
            return Err(Error::Busy);
        }
        reader::here(&self.inner)?.read(f)
    }

    /// What waits, and what was done.
    #[must_use]
    pub fn load(&self) -> Load {
        let counters = &self.inner.counters;
        Load {
            writes_waiting: self.inner.writes.len(),
            reads_waiting: self.inner.reads.len(),
            groups: counters.groups.load(Ordering::Relaxed),
            writes: counters.jobs.load(Ordering::Relaxed),
            failed_groups: counters.failed_groups.load(Ordering::Relaxed),
            is_writable: counters.writable.load(Ordering::Relaxed),
        }
    }

    /// How the writer keeps up.
    #[must_use]
    pub fn pace(&self) -> Pace {
        let Paces { waited, took, size } = &self.inner.counters.pace;
        Pace { waited: waited.spread(MICROS), took: took.spread(MICROS), size: size.spread(1.0) }
    }

    /// Rung after each COMMIT that brought jobs.
    #[must_use]
    pub fn work(&self) -> Arc<Bell> {
        Arc::clone(&self.inner.work)
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Takes nothing new, finishes what waits, folds the log into the file and ends the threads. Blocks until then;
    /// a second call finds nothing left to do.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn spawn(&self, name: String, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name).spawn(work)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    fn close(&self) {
        self.reserved.close();
        self.reads.close();
        self.writes.close();
        self.commits.stop();
        self.closed.store(true, Ordering::Release);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // The last handle of a store may be dropped by one of its own jobs.
            if thread.thread().id() != std::thread::current().id() {
                drop(thread.join());
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The writing connection, with every pragma that is not stored in the file.
fn connect(path: &Path, options: &Options) -> Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(options.busy_timeout)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::internal(format!(
            "this file system does not support a write-ahead log (journal_mode is {mode})"
        )));
    }
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    if let Some(pages) = options.max_page_count {
        conn.pragma_update(None, "max_page_count", pages)?;
    }
    conn.pragma_update(None, "wal_autocheckpoint", fold::WRITERS)?;
    tune(&conn, WRITER_CACHE_KIB)?;
    Ok(conn)
}

fn connect_read_only(path: &Path, options: &Options) -> Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(options.busy_timeout)?;
    tune(&conn, READER_CACHE_KIB)?;
    Ok(conn)
}

fn tune(conn: &Connection, cache_kib: i64) -> Result<()> {
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // A plan that may rest on a bound value (a partial index is enough) would be made anew at each binding.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "cache_size", -cache_kib)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// SQLite's own "not now" (locked, full, cut) is [`Error::Busy`]: nothing happened, ask again.
fn retryable_as_busy(error: Error) -> Error {
    let Error::Internal(cause) = &error else { return error };
    let code = cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    match code {
        Some(
            code @ (ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::OperationInterrupted),
        ) => {
            tracing::warn!(?code, %cause, "the database asks for patience");
            Error::Busy
        }
        _ => error,
    }
}

/// The smallest write that has to become durable, into a file that is still the one that was opened; for readiness.
pub fn probe(tx: &Tx) -> Result<()> {
    let found: u32 = tx.value("PRAGMA user_version", ())?;
    if found != migrate::VERSION {
        return Err(Error::internal(format!(
            "the database has become version {found}, and this program knows {}",
            migrate::VERSION
        )));
    }
    // The same number again: a page that is written all the same.
    Ok(tx.conn().pragma_update(None, "user_version", found)?)
}

fn answer_panic(panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("a job panicked: {}", said.unwrap_or("without a word")))
}
