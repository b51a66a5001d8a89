//! Closing an hour of 100,000 subscriptions with three items each: every record is sealed, planned into requests, sent to a
//! sink on the same machine and accepted, while the marketplace's calls come at a steady pace.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Connection, Process, Report, Run, grown};

const SUBSCRIPTIONS: i64 = 100_000;
const ITEMS: i64 = 3;
/// Calls of the marketplace beside, on so many connections.
const CALLS_PER_SECOND: u32 = 200;
const CONNECTIONS: u32 = 4;
/// The calls alone are measured this long, for comparison.
const ALONE: Duration = Duration::from_secs(6);
/// An hour may take so long to close.
const MOST: Duration = Duration::from_mins(1);
/// When to give up.
const PATIENCE: Duration = Duration::from_mins(10);
const HOUR_MS: i64 = 3_600_000;

pub fn measure(report: &mut Report) {
    let sink = Sink::open();
    let gateway = Process::gateway_with(&["--openapi", &sink.origin]);
    fill(&gateway);
    let alone = {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let calls = scope.spawn(|| steady(&gateway.address, 0, &is_over));
            thread::sleep(ALONE);
            is_over.store(true, Ordering::Relaxed);
            calls.join().unwrap()
        })
    };
    let is_over = AtomicBool::new(false);
    let (sealed, accepted, beside) = thread::scope(|scope| {
        let calls = scope.spawn(|| steady(&gateway.address, 1_000_000_000, &is_over));
        let (sealed, accepted) = close(&gateway);
        is_over.store(true, Ordering::Relaxed);
        (sealed, accepted, calls.join().unwrap())
    });
    report.line(
        "closing an hour of 100,000 subscriptions with 3 items",
        "sealed / accepted by a local sink",
        format!(
            "{:.1} s / {:.1} s, {} requests",
            sealed.as_secs_f64(),
            accepted.as_secs_f64(),
            sink.heard.load(Ordering::Relaxed)
        ),
        "≤ 60 s",
        accepted <= MOST,
    );
    report.line(
        "",
        "calls beside, 200/s: p50 / p99 / worst",
        format!(
            "{:.1} / {:.1} / {:.1} ms (before it: {:.1} / {:.1} / {:.1} ms)",
            beside.percentile(0.50),
            beside.percentile(0.99),
            beside.percentile(1.0),
            alone.percentile(0.50),
            alone.percentile(0.99),
            alone.percentile(1.0)
        ),
        "p99 ≤ 50 ms",
        beside.percentile(0.99) <= 50.0,
    );
}

/// Lets the hour end; how long until everything was sealed, and until everything was accepted.
fn close(gateway: &Process) -> (Duration, Duration) {
    let db = open(gateway);
    db.execute("UPDATE job SET due_at = 0 WHERE kind = 'usage.seal'", ()).unwrap();
    let start = Instant::now();
    let until_none = |state: &str| {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM record WHERE state = '{state}')");
        while db.query_row(&sql, (), |row| row.get::<_, bool>(0)).unwrap() {
            assert!(start.elapsed() < PATIENCE, "there are {state} records left");
            thread::sleep(Duration::from_millis(20));
        }
        start.elapsed()
    };
    let sealed = until_none("open");
    until_none("sealed");
    let accepted = until_none("sending");
    let number = |sql: &str| db.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM record WHERE state = 'accepted'"), SUBSCRIPTIONS * ITEMS);
    assert_eq!(number("SELECT sum(entities) FROM push"), SUBSCRIPTIONS * ITEMS, "each once");
    (sealed, accepted)
}

/// Calls at a steady pace until it is over. What is late because the one before it was, counts as late.
fn steady(address: &str, from: u64, is_over: &AtomicBool) -> Run {
    let start = Instant::now();
    let mut millis: Vec<f64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|connection| scope.spawn(move || steady_on_one(address, from, connection, start, is_over)))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let span = start.elapsed().as_secs_f64();
    millis.sort_by(f64::total_cmp);
    Run { millis, span }
}

fn steady_on_one(address: &str, from: u64, number: u32, start: Instant, is_over: &AtomicBool) -> Vec<f64> {
    let mut connection = Connection::open(address);
    let pause = Duration::from_secs(1) / CALLS_PER_SECOND;
    let mut millis = Vec::new();
    for turn in (number..).step_by(CONNECTIONS as usize) {
        let due = pause * turn;
        thread::sleep(due.saturating_sub(start.elapsed()));
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let answer = connection.ask(&grown::call(from + u64::from(turn), SUBSCRIPTIONS.unsigned_abs()));
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        millis.push(start.elapsed().saturating_sub(due).as_secs_f64() * 1e3);
    }
    millis
}

fn path(gateway: &Process) -> &Path {
    Path::new(gateway.ready["database"].as_str().unwrap())
}

fn open(gateway: &Process) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(path(gateway)).unwrap();
    db.busy_timeout(Duration::from_mins(1)).unwrap();
    db
}

/// An open hour as the intake leaves it: of each organization three records, organizations in no order.
fn fill(gateway: &Process) {
    let db = open(gateway);
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;").unwrap();
    let now: i64 = db.query_row("SELECT max(created_at) FROM api_key", (), |row| row.get(0)).unwrap();
    let hour = now - now % HOUR_MS - HOUR_MS;
    db.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at) VALUES ('bench', 'bench@example.com', 'x', 'x', 0, 0);
         CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SUBSCRIPTIONS}) SELECT i FROM n;
         INSERT INTO organization (id, name, created_at) SELECT 'org_bench_' || i, 'x', 0 FROM n;
         INSERT INTO subscription (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at)
           SELECT 1000000 + i, 'alibaba', i, 'active', 'cmgj00063418', 'p', '1234567890125678', i, 0, 'call', 0 FROM n;
         INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at, live_at)
           SELECT 'bnd_bench_' || i, 1000000 + i, 'org_bench_' || i, 'live', 'bench', 'bench', 'owner', 1, 0, 0 FROM n;
         INSERT INTO record (organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item, aggregate, cycle,
             hour_at, until_at, part, quantity, events, deciding_at, state, seals_at, due_by, created_at, updated_at)
           SELECT 'org_bench_' || i, 'bnd_bench_' || i, 1000000 + i, 'alibaba', 'cmgj00063418', i, 'p', item, aggregate, 'hour',
             {hour}, {hour} + {HOUR_MS}, 'regular', 60 + i % 3600, 60, iif(aggregate = 'max', {hour} + 1, NULL), 'open', {now}, {now} + {HOUR_MS}, {hour}, {hour}
           FROM (SELECT i * 48271 % 100003 AS turn, i FROM n),
             (SELECT 'Period' AS item, 'sum' AS aggregate UNION ALL SELECT 'Storage', 'max' UNION ALL SELECT 'VirtualCpu', 'max') ORDER BY turn;
         INSERT INTO job (kind, key, due_at) VALUES ('usage.seal', 'bench', {now} + 100 * {HOUR_MS});
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);"
    ))
    .unwrap();
    // Or the gateway's first checkpoint waits for what was filled in here.
    std::fs::File::open(path(gateway)).unwrap().sync_all().unwrap();
}

/// The marketplace's side: takes every request.
struct Sink {
    origin: String,
    heard: Arc<AtomicUsize>,
}

impl Sink {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 {
            let (listener, heard) = (listener.try_clone().unwrap(), Arc::clone(&heard));
            thread::spawn(move || {
                for stream in listener.incoming() {
                    if accept(stream.unwrap()).is_ok() {
                        heard.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        Self { origin, heard }
    }
}

/// What is pushed is in the first line, so the end of the head is the end of what matters.
fn accept(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut buffer, mut filled) = (vec![0; 32 * 1024], 0);
    while !buffer[..filled].windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer[filled..])? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\nConnection: close\r\n\r\n{\"Success\":true,\"RequestId\":\"bench\"}")
}
