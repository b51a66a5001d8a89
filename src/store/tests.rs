#![allow(clippy::unwrap_used, reason = "tests")]

use std::future::Future;
use std::sync::atomic::AtomicUsize;
use std::sync::{Barrier, mpsc};
use std::time::Instant;

use super::*;

/// A store of its own, with two tables.
fn world(options: Options) -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("market.db");
    let store = Store::open(&path, options).unwrap();
    let table = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
                 CREATE TABLE answer (note INTEGER NOT NULL REFERENCES note(id)) STRICT;";
    store.write_blocking(move |tx| Ok(tx.conn().execute_batch(table)?)).unwrap();
    (store, dir)
}

/// How SQLite answers a question in a file of this schema, step by step, whatever is asked for.
pub(super) fn plan(sql: &str) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(&place.path().join("plan.db"), throw_away()).unwrap();
    let steps = store.read_here(|db| {
        let mut statement = db.conn().prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        for at in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(at, rusqlite::types::Null)?;
        }
        Ok(statement.raw_query().mapped(|row| row.get(3)).collect::<rusqlite::Result<_>>()?)
    });
    steps.unwrap()
}

fn throw_away() -> Options {
    Options { synchronous: Synchronous::Normal, ..Options::default() }
}

fn insert(tx: &Tx, text: &str) -> Result<()> {
    tx.execute("INSERT INTO note (text) VALUES (?1)", [text])?;
    Ok(())
}

fn texts(store: &Store) -> Vec<String> {
    store.read_blocking(|db| db.list("SELECT text FROM note ORDER BY id", (), |row| row.get(0))).unwrap()
}

fn count(db: &Db) -> Result<u32> {
    db.value("SELECT count(*) FROM note", ())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Holds the writer inside a job, so that what is sent meanwhile waits in the queue and becomes one group.
struct Held {
    release: mpsc::Sender<()>,
    holder: JoinHandle<Result<()>>,
}

fn hold(store: &Store) -> Held {
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let store = store.clone();
    let holder = std::thread::spawn(move || {
        store.write_blocking(move |_| {
            entered.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        })
    });
    inside.recv().unwrap();
    Held { release, holder }
}

impl Held {
    /// Lets go. What the holder itself hears depends on whether its group took the others in.
    fn release(self) {
        self.release.send(()).unwrap();
        drop(self.holder.join().unwrap());
    }
}

/// Sends a write from a thread of its own and returns once it waits in the queue.
fn send<T: Send + 'static>(store: &Store, f: impl FnOnce(&Tx) -> Result<T> + Send + 'static) -> JoinHandle<Result<T>> {
    let waiting = store.load().writes_waiting;
    let sender = store.clone();
    let caller = std::thread::spawn(move || sender.write_blocking(f));
    until(|| store.load().writes_waiting > waiting);
    caller
}

fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "it never happened");
        std::thread::yield_now();
    }
}

#[test]
fn what_was_written_can_be_read_through_every_door() {
    let (store, _dir) = world(throw_away());
    run(async {
        store.write(|tx| insert(tx, "one")).await.unwrap();
        store.write_reserved(|tx| insert(tx, "two")).await.unwrap();
        assert_eq!(store.read(count).await.unwrap(), 2);
    });
    store.write_blocking(|tx| insert(tx, "three")).unwrap();
    assert_eq!(store.read_here(count).unwrap(), 3);
    assert_eq!(texts(&store), ["one", "two", "three"]);
    let id: Option<i64> = store
        .write_blocking(|tx| tx.returning("INSERT INTO note (text) VALUES ('four') RETURNING id", (), |row| row.get(0)))
        .unwrap();
    assert_eq!(id, Some(4));
    let none = store
        .read_here(|db| db.find("SELECT id FROM note WHERE text = 'five'", (), |row| row.get::<_, i64>(0)))
        .unwrap();
    assert_eq!(none, None);
}

#[test]
fn what_waits_together_is_committed_together() {
    let (store, _dir) = world(throw_away());
    let before = store.load();
    let held = hold(&store);
    let callers: Vec<_> = (0..20).map(|n| send(&store, move |tx| insert(tx, &n.to_string()))).collect();
    held.release();
    for caller in callers {
        caller.join().unwrap().unwrap();
    }
    let after = store.load();
    assert_eq!(after.writes - before.writes, 21);
    assert!(after.groups - before.groups <= 2, "{after:?}");
    assert_eq!((after.failed_groups, after.is_writable), (0, true));
}

#[test]
fn nothing_is_answered_or_seen_before_the_commit() {
    let (store, _dir) = world(throw_away());
    let held = hold(&store);
    let first = send(&store, |tx| insert(tx, "first"));
    // The second job of the same group waits inside it: the first one has run and is not committed.
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let second = send(&store, move |tx| {
        entered.send(count(tx)?).unwrap();
        released.recv().unwrap();
        Ok(())
    });
    held.release.send(()).unwrap();
    assert_eq!(inside.recv().unwrap(), 1, "a job sees what was written before it");
    assert!(!first.is_finished());
    assert_eq!(store.read_here(count).unwrap(), 0);
    release.send(()).unwrap();
    first.join().unwrap().unwrap();
    second.join().unwrap().unwrap();
    assert_eq!(store.read_here(count).unwrap(), 1);
}

#[test]
fn a_refused_job_loses_its_own_rows_only() {
    let (store, _dir) = world(throw_away());
    let held = hold(&store);
    let before = send(&store, |tx| insert(tx, "before"));
    let refused = send(&store, |tx| {
        insert(tx, "half")?;
        Err::<(), _>(Error::Conflict("changed_its_mind"))
    });
    let twice = send(&store, |tx| {
        insert(tx, "other half")?;
        insert(tx, "before")
    });
    let orphan = send(&store, |tx| {
        let row =
            tx.returning("INSERT INTO answer (note) VALUES (4711) RETURNING note", (), |row| row.get::<_, i64>(0));
        row.map(|_| ())
    });
    let after = send(&store, |tx| insert(tx, "after"));
    held.release();
    before.join().unwrap().unwrap();
    assert_eq!(refused.join().unwrap().unwrap_err().code(), "changed_its_mind");
    assert!(
        matches!(twice.join().unwrap(), Err(Error::Internal(_))),
        "a broken constraint nobody looked for is our fault"
    );
    assert!(matches!(orphan.join().unwrap(), Err(Error::Internal(_))));
    after.join().unwrap().unwrap();
    assert_eq!(texts(&store), ["before", "after"]);
}

#[test]
fn trap_1_a_full_disk_ends_the_group_and_nobody_is_told_yes() {
    let (store, _dir) = world(Options { max_page_count: Some(512), ..throw_away() });
    let long = |n: usize| format!("{n} {}", "x".repeat(100_000));

    let held = hold(&store);
    let small = send(&store, |tx| insert(tx, "small"));
    let callers: Vec<_> = (0..40).map(|n| send(&store, move |tx| insert(tx, &long(n)))).collect();
    // This one does not care about errors, and goes on after the group has ended.
    let careless = send(&store, |tx| {
        drop(insert(tx, &"y".repeat(4_000_000)));
        drop(insert(tx, "alone"));
        Ok(())
    });
    held.release();
    assert!(matches!(small.join().unwrap(), Err(Error::Busy)));
    assert!(callers.into_iter().all(|caller| matches!(caller.join().unwrap(), Err(Error::Busy))));
    assert!(matches!(careless.join().unwrap(), Err(Error::Busy)));
    assert_eq!(texts(&store), Vec::<String>::new());
    assert_eq!((store.load().failed_groups, store.load().is_writable), (1, false));

    // The same careless job where it is the one that fills the disk.
    let careless = store.write_blocking(|tx| {
        drop(insert(tx, &"y".repeat(4_000_000)));
        drop(insert(tx, "alone"));
        Ok(())
    });
    assert!(matches!(careless, Err(Error::Busy)));
    assert_eq!(texts(&store), Vec::<String>::new());

    // What fits is taken as before, until one says no; exactly the yeses are on disk, also for another program.
    let yes = (0..40)
        .filter(|n| {
            store
                .write_blocking({
                    let text = long(*n);
                    move |tx| insert(tx, &text)
                })
                .is_ok()
        })
        .count();
    let yes = u32::try_from(yes).unwrap();
    assert!((1..40).contains(&yes), "{yes}");
    assert_eq!(store.read_here(count).unwrap(), yes);
    let other = Connection::open(store.path()).unwrap();
    assert_eq!(other.query_row("SELECT count(*) FROM note", (), |row| row.get::<_, u32>(0)).unwrap(), yes);
    store.write_blocking(|tx| tx.execute("DELETE FROM note", ())).unwrap();
    store.write_blocking(|tx| insert(tx, "room again")).unwrap();
    assert!(store.load().is_writable);
}

#[test]
fn trap_2_while_another_process_holds_the_write_lock_no_job_runs() {
    let (store, _dir) = world(Options { busy_timeout: Duration::from_millis(20), ..throw_away() });
    let other = Connection::open(store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..5)
        .map(|n| {
            let (store, ran) = (store.clone(), Arc::clone(&ran));
            std::thread::spawn(move || {
                store.write_blocking(move |tx| {
                    ran.fetch_add(1, Ordering::SeqCst);
                    insert(tx, &n.to_string())
                })
            })
        })
        .collect();
    assert!(callers.into_iter().all(|caller| matches!(caller.join().unwrap(), Err(Error::Busy))));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert!(!store.load().is_writable);
    other.execute_batch("ROLLBACK").unwrap();
    store.write_blocking(|tx| insert(tx, "later")).unwrap();
    assert_eq!(texts(&store), ["later"]);
}

#[test]
fn trap_3_a_panicking_job_costs_nobody_else_anything() {
    let (store, _dir) = world(throw_away());
    let held = hold(&store);
    let before = send(&store, |tx| insert(tx, "before"));
    let panicking = send(&store, |tx| {
        insert(tx, "half")?;
        // In the middle of a statement.
        tx.list("SELECT id FROM note", (), |_| -> rusqlite::Result<()> { panic!("the sky fell") })?;
        Ok(())
    });
    let after = send(&store, |tx| insert(tx, "after"));
    held.release();
    before.join().unwrap().unwrap();
    let error = panicking.join().unwrap().unwrap_err();
    assert!(matches!(&error, Error::Internal(cause) if cause.to_string().contains("the sky fell")), "{error}");
    after.join().unwrap().unwrap();
    assert_eq!(texts(&store), ["before", "after"]);
}

#[test]
fn trap_4_nothing_is_left_to_the_commit_and_no_clause_ends_the_transaction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("schema.sql")];
    for dir in [root.join("src/store"), root.join("src/store/migrations")] {
        let inside = std::fs::read_dir(dir).into_iter().flatten().map(|file| file.unwrap().path());
        files.extend(inside.filter(|path| path.is_file() && path.file_name().unwrap() != "tests.rs"));
    }
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap().to_uppercase();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for forbidden in [
            "DEFERRABLE",
            "INITIALLY DEFERRED",
            "DEFER_FOREIGN_KEYS",
            "ON CONFLICT ROLLBACK",
            "OR ROLLBACK",
            "RAISE(ROLLBACK",
            "RAISE (ROLLBACK",
        ] {
            assert!(!words.contains(forbidden), "{} says {forbidden}", file.display());
        }
    }
}

#[test]
fn a_commit_that_fails_is_a_no_to_everybody() {
    let (store, _dir) = world(throw_away());
    let held = hold(&store);
    let innocent = send(&store, |tx| insert(tx, "innocent"));
    let refused = send(&store, |_| Err::<(), _>(Error::Conflict("because_of_innocent")));
    let guilty = send(&store, |tx| {
        tx.conn().execute_batch("PRAGMA defer_foreign_keys = ON; INSERT INTO answer (note) VALUES (4711)")?;
        Ok(())
    });
    held.release();
    assert!(matches!(innocent.join().unwrap(), Err(Error::Busy)));
    assert!(matches!(refused.join().unwrap(), Err(Error::Busy)), "its reason is gone as well");
    assert!(matches!(guilty.join().unwrap(), Err(Error::Busy)));
    assert_eq!(texts(&store), Vec::<String>::new());
    store.write_blocking(|tx| insert(tx, "later")).unwrap();
    assert_eq!(texts(&store), ["later"]);
}

#[test]
fn a_full_queue_says_busy_at_once_and_the_reserved_lane_still_has_room() {
    let (store, _dir) = world(Options { queue: 3, reserved: 1, ..throw_away() });
    let held = hold(&store);
    let callers: Vec<_> = (0..3).map(|n| send(&store, move |tx| insert(tx, &format!("ordinary {n}")))).collect();
    run(async {
        assert!(matches!(store.write(|tx| insert(tx, "too many")).await, Err(Error::Busy)));
    });
    assert!(matches!(store.write_blocking(|tx| insert(tx, "too many")), Err(Error::Busy)));

    let reserved = |text: &'static str| {
        let store = store.clone();
        std::thread::spawn(move || run(store.write_reserved(move |tx| insert(tx, text))))
    };
    let first = reserved("first reserved");
    until(|| store.load().writes_waiting == 4);
    // The only reserved place is taken: this one waits for it, and gets it when the writer goes on.
    let second = reserved("second reserved");
    held.release();
    first.join().unwrap().unwrap();
    second.join().unwrap().unwrap();
    for caller in callers {
        caller.join().unwrap().unwrap();
    }
    let texts = texts(&store);
    assert_eq!(texts.len(), 5);
    assert_eq!(texts[0], "first reserved", "what is reserved goes first");
}

#[test]
fn a_reserved_write_gives_up_when_no_place_comes() {
    let (store, _dir) = world(Options { reserved: 1, ..throw_away() });
    let held = hold(&store);
    let waiting = store.clone();
    let first = std::thread::spawn(move || run(waiting.write_reserved(|tx| insert(tx, "first"))));
    until(|| store.load().writes_waiting == 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let began = Instant::now();
    let refused = runtime.block_on(store.write_reserved(|tx| insert(tx, "second")));
    assert!(matches!(refused, Err(Error::Busy)));
    assert!(began.elapsed() >= RESERVED_WAIT);
    held.release();
    first.join().unwrap().unwrap();
    assert_eq!(texts(&store), ["first"]);
}

#[test]
fn a_caller_that_leaves_breaks_nothing() {
    let (store, _dir) = world(Options { reserved: 1, ..throw_away() });
    let held = hold(&store);
    run(async {
        let gone = tokio::time::timeout(Duration::ZERO, store.write(|tx| insert(tx, "left early"))).await;
        assert!(gone.is_err());
        let gone = tokio::time::timeout(Duration::ZERO, store.write_reserved(|tx| insert(tx, "left early, too"))).await;
        assert!(gone.is_err());
        // Leaves while it waits for a reserved place, which it must not take along.
        let gone = tokio::time::timeout(Duration::ZERO, store.write_reserved(|tx| insert(tx, "never came"))).await;
        assert!(gone.is_err());
    });
    held.release();
    run(store.write_reserved(|tx| insert(tx, "stayed"))).unwrap();
    let mut texts = texts(&store);
    texts.sort();
    assert_eq!(texts, ["left early", "left early, too", "stayed"]);
}

#[test]
fn a_read_that_takes_too_long_is_cut_and_the_reader_goes_on() {
    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let (store, _dir) = world(Options { readers: 1, read_limit: Duration::from_millis(30), ..throw_away() });
    let cut = store.read_blocking(|db| db.value::<i64>(ENDLESS, ()));
    assert!(matches!(cut, Err(Error::Busy)));
    assert!(matches!(store.read_here(|db| db.value::<i64>(ENDLESS, ())), Err(Error::Busy)));
    assert_eq!(store.read_blocking(count).unwrap(), 0);
    assert_eq!(store.read_here(count).unwrap(), 0);
    assert_eq!(Options::default().read_limit, Duration::from_secs(2));
}

#[test]
fn a_panicking_read_costs_nobody_else_anything() {
    let (store, _dir) = world(Options { readers: 1, ..throw_away() });
    let panicking = |db: &Db| -> Result<()> {
        count(db)?;
        panic!("the sky fell")
    };
    assert!(matches!(store.read_blocking(panicking), Err(Error::Internal(_))));
    assert!(matches!(store.read_here(panicking), Err(Error::Internal(_))));
    store.write_blocking(|tx| insert(tx, "later")).unwrap();
    assert_eq!(store.read_blocking(count).unwrap(), 1, "the snapshot of the broken read is gone");
    assert_eq!(store.read_here(count).unwrap(), 1);
}

#[test]
fn a_read_sees_one_moment_from_its_first_row_to_its_last() {
    let (store, _dir) = world(throw_away());
    let writer = store.clone();
    let (before, after) = store
        .read_here(|db| {
            let before = count(db)?;
            writer.write_blocking(|tx| insert(tx, "meanwhile"))?;
            // A read inside the read belongs to the same moment.
            Ok((before, writer.read_here(count)?))
        })
        .unwrap();
    assert_eq!((before, after), (0, 0));
    assert_eq!(store.read_here(count).unwrap(), 1);
}

#[test]
fn too_many_waiting_reads_are_busy_at_once() {
    let (store, _dir) = world(Options { readers: 1, queue: 1, ..throw_away() });
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let reader = store.clone();
    let reading = std::thread::spawn(move || {
        reader.read_blocking(move |_| {
            entered.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        })
    });
    inside.recv().unwrap();
    let reader = store.clone();
    let waiting = std::thread::spawn(move || reader.read_blocking(count));
    until(|| store.load().reads_waiting == 1);
    assert!(matches!(run(store.read(count)), Err(Error::Busy)));
    release.send(()).unwrap();
    reading.join().unwrap().unwrap();
    waiting.join().unwrap().unwrap();
}

#[test]
fn reading_never_writes() {
    let (store, _dir) = world(throw_away());
    for sql in ["INSERT INTO note (text) VALUES ('sneaky') RETURNING id", "DELETE FROM note"] {
        assert!(store.read_blocking(move |db| db.value::<i64>(sql, ())).is_err());
        assert!(store.read_here(|db| Ok(db.conn().execute(sql, ())?)).is_err());
        assert!(
            store.write_blocking(move |tx| tx.list(sql, (), |_| Ok(()))).is_err(),
            "through a Tx it needs the writing words"
        );
    }
    assert_eq!(store.read_here(count).unwrap(), 0);
}

#[test]
fn every_thread_reads_its_own_store() {
    let (one, _dir) = world(throw_away());
    let (two, _dir) = world(throw_away());
    one.write_blocking(|tx| insert(tx, "one")).unwrap();
    assert_eq!((one.read_here(count).unwrap(), two.read_here(count).unwrap()), (1, 0));
    assert_eq!(std::thread::spawn(move || one.read_here(count)).join().unwrap().unwrap(), 1);
}

#[test]
fn closing_finishes_what_waits_and_folds_the_log_in() {
    let (store, _dir) = world(throw_away());
    assert_eq!(store.read_here(count).unwrap(), 0);
    let held = hold(&store);
    let waiting: Vec<_> = (0..5).map(|n| send(&store, move |tx| insert(tx, &n.to_string()))).collect();
    let closing = store.clone();
    let closer = std::thread::spawn(move || closing.close());
    until(|| matches!(store.read_here(count), Err(Error::Busy)));
    assert!(matches!(run(store.write_reserved(|tx| insert(tx, "too late"))), Err(Error::Busy)));
    held.release();
    closer.join().unwrap();
    for caller in waiting {
        caller.join().unwrap().unwrap();
    }
    assert!(matches!(store.write_blocking(|tx| insert(tx, "too late")), Err(Error::Busy)));
    assert!(matches!(store.read_blocking(count), Err(Error::Busy)));
    store.close();
    let mut log = store.path().as_os_str().to_owned();
    log.push("-wal");
    assert_eq!(std::fs::metadata(log).map_or(0, |log| log.len()), 0);
    let again = Store::open(store.path(), throw_away()).unwrap();
    assert_eq!(texts(&again).len(), 5);
}

#[test]
fn a_store_may_be_dropped_by_its_own_job() {
    let (store, _dir) = world(throw_away());
    let barrier = Arc::new(Barrier::new(2));
    let (own, reached) = (store.clone(), Arc::clone(&barrier));
    let dropping = std::thread::spawn({
        let store = store.clone();
        move || {
            run(async {
                let write = store.write(move |tx| {
                    reached.wait();
                    insert(tx, "last words")?;
                    drop(own);
                    Ok(())
                });
                drop(tokio::time::timeout(Duration::ZERO, write).await);
            });
        }
    });
    dropping.join().unwrap();
    let path = store.path().to_owned();
    drop(store);
    barrier.wait();
    until(|| {
        let conn = Connection::open(&path).unwrap();
        conn.query_row("SELECT count(*) FROM note", (), |row| row.get::<_, u32>(0)).unwrap() == 1
    });
}

#[test]
fn the_connections_are_set_up_as_designed() {
    let (store, _dir) = world(Options::default());
    let settings = |db: &Db| {
        let number = |name: &str| db.conn().pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        Ok((
            number("synchronous"),
            number("foreign_keys"),
            number("temp_store"),
            number("busy_timeout"),
            number("cache_size"),
        ))
    };
    assert_eq!(store.write_blocking(move |tx| settings(tx)).unwrap(), (2, 1, 2, 5_000, -WRITER_CACHE_KIB));
    let reader = store.read_blocking(settings).unwrap();
    assert_eq!((reader.2, reader.3, reader.4), (2, 5_000, -READER_CACHE_KIB));
    let mode = |db: &Db| Ok(db.conn().pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?);
    assert_eq!(store.read_here(mode).unwrap(), "wal");
}

#[test]
fn who_works_on_jobs_is_woken_by_a_group_that_brought_some_and_by_no_other() {
    let (store, _dir) = world(throw_away());
    let bell = store.work();
    let rings = || bell.wait(0, Duration::ZERO);
    store.write_blocking(|tx| insert(tx, "no job")).unwrap();
    assert_eq!(rings(), 0);
    let due = crate::domain::value::Instant::from_ms(7);
    store.write_blocking(move |tx| job::enqueue(tx, "kind", "key", due)).unwrap();
    assert_eq!(rings(), 1);
    store.write_blocking(|tx| insert(tx, "none again")).unwrap();
    assert_eq!(rings(), 1);
}

#[test]
fn the_log_is_folded_in_beside_the_writer_and_begun_anew_before_it_is_large() {
    let (store, _dir) = world(throw_away());
    let other = Connection::open(store.path()).unwrap();
    let look = || fold::look(&other, "NOOP").unwrap();
    let write = |round: u32| {
        let page = move |number: u32| format!("{round} {number} {}", "x".repeat(3_000));
        store.write_blocking(move |tx| (0..500).try_for_each(|number| insert(tx, &page(number)))).unwrap();
    };
    (0..6).for_each(write);
    // The writer would not begin before `WRITERS`, or when nothing was written for five seconds.
    until(|| {
        let (pages, folded) = look();
        pages > 2_000 && pages - folded < 1_000
    });
    let mut most = 0;
    for round in 6..66 {
        write(round);
        most = most.max(look().0);
    }
    assert!(most > 3_000 && most < 3 * fold::WRITERS, "{most}");
}
