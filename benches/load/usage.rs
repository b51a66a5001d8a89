//! Intake of usage: batches of 100 from 8 clients, each event once, beside the same use case on the store alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use marketgate::domain::usage::{Aggregate, Cycle, Late, Rule, Timing};
use marketgate::domain::value::Instant as Moment;
use marketgate::store::{Options, Store};
use marketgate::usecase::usage::{self, Usage};

use super::{Process, Report, Request, SPAN, load};

const BATCH: usize = 100;
const CLIENTS: usize = 8;
/// Organizations with a live binding each.
const ORGANIZATIONS: usize = 1_000;
/// So many that none is sent twice within the span.
const REQUESTS: usize = 6_000;

pub fn measure(report: &mut Report, gateway: &Process) {
    let now_ms = now_ms(gateway);
    let db = rusqlite::Connection::open(gateway.ready["database"].as_str().unwrap()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db.execute_batch(&format!("BEGIN; {} COMMIT", seed("alibaba", "cmgj00063418"))).unwrap();
    let requests = Arc::new(requests(gateway, now_ms));
    let next = Arc::new(AtomicUsize::new(0));
    let run = load(&gateway.address, CLIENTS, SPAN, {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        move |_| Arc::clone(&requests[next.fetch_add(1, Ordering::Relaxed) % REQUESTS])
    });
    let sent = next.load(Ordering::Relaxed);
    assert!(sent <= REQUESTS, "events were sent twice: make more");
    let kept: i64 = db.query_row("SELECT count(*) FROM usage_event", (), |row| row.get(0)).unwrap();
    assert_eq!(kept, i64::try_from(sent * BATCH).unwrap(), "every event is kept");
    let (rate, ceiling) = (run.per_second() * BATCH as f64, in_process(now_ms));
    report.line(
        "usage, batches of 100 from 8 clients",
        "events",
        format!("{rate:.0}/s = {:.2} of the use case in process ({ceiling:.0}/s)", rate / ceiling),
        "≥ 50,000/s",
        rate >= 50_000.0,
    );
    report.line("", "p50 / p99", format!("{:.2} / {:.2} ms", run.percentile(0.50), run.percentile(0.99)), "", true);
}

/// The gateway's present, from what its own database was made at.
fn now_ms(gateway: &Process) -> i64 {
    let db = rusqlite::Connection::open(gateway.ready["database"].as_str().unwrap()).unwrap();
    db.query_row("SELECT max(created_at) FROM api_key", (), |row| row.get(0)).unwrap()
}

fn seed(seller: &str, product: &str) -> String {
    format!(
        "INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at) VALUES ('bench', 'bench@example.com', 'x', 'x', 0, 0);
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {ORGANIZATIONS})
           INSERT INTO organization (id, name, created_at) SELECT 'bench_' || i, 'x', 0 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {ORGANIZATIONS})
           INSERT INTO subscription (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at)
           SELECT 1000000 + i, '{seller}', 'bench' || i, 'active', '{product}', 'p', '1', '1', 0, 'call', 0 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {ORGANIZATIONS})
           INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at, live_at)
           SELECT 'bench_' || i, 1000000 + i, 'bench_' || i, 'live', 'bench', 'bench', 'owner', 1, 0, 0 FROM n;"
    )
}

/// A batch tells of one moment of ten organizations.
fn place(request: usize, number: usize) -> (String, &'static str) {
    let item = ["Period", "Storage", "VirtualCpu"][number % 3];
    (format!("bench_{}", (request * 10 + number / 10) % ORGANIZATIONS), item)
}

fn requests(gateway: &Process, now_ms: i64) -> Vec<Request> {
    let key = gateway.ready["api_key"].as_str().unwrap();
    let time = jiff::Timestamp::from_millisecond(now_ms).unwrap();
    (0..REQUESTS)
        .map(|request| {
            let events: Vec<String> = (0..BATCH)
                .map(|number| {
                    let (organization, item) = place(request, number);
                    format!(
                        "{{\"specversion\":\"1.0\",\"type\":\"marketgate.usage.v1\",\"source\":\"bench\",\"id\":\"{request}-{number}\",\"subject\":\"{organization}\",\"time\":\"{time}\",\"data\":{{\"item\":\"{item}\",\"quantity\":60}}}}"
                    )
                })
                .collect();
            let body = format!("[{}]", events.join(","));
            format!(
                "POST /api/v1/usage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/cloudevents-batch+json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes()
            .into()
        })
        .collect()
}

/// The use case on the store alone: what sockets, HTTP and JSON cost is the difference.
fn in_process(now_ms: i64) -> f64 {
    let place_of_file = tempfile::tempdir().unwrap();
    let store = Store::open(&place_of_file.path().join("bench.db"), Options::default()).unwrap();
    store.write_blocking(|tx| Ok(tx.conn().execute_batch(&seed("s", "p"))?)).unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let (start, now) = (Instant::now(), Moment::from_ms(now_ms));
    let threads: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            thread::spawn(move || {
                let timing = Timing { seal_ms: 720_000, drain_ms: 120_000 };
                for request in 0.. {
                    if start.elapsed() > SPAN {
                        break;
                    }
                    let events: Vec<Usage> = (0..BATCH)
                        .map(|number| {
                            let (organization, item) = place(request * CLIENTS + client, number);
                            let named = ("bench".to_owned(), format!("{client}-{request}-{number}"));
                            Usage::new(named, organization, item.to_owned(), 60, (now, None))
                        })
                        .collect();
                    let rule = |item: &str| Rule {
                        aggregate: if item == "Period" { Aggregate::Sum } else { Aggregate::Max },
                        cycle: Cycle::Hour,
                        late: Late::DropVisible,
                    };
                    let taken = store.write_blocking(move |tx| {
                        usage::take(tx, &|_, item| Some(rule(item)), (timing, None), &events, now)
                    });
                    done.fetch_add(taken.map_or(0, |verdicts| verdicts.len()), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}
