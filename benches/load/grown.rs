//! Calls on a file that has grown: a million subscriptions and ten million kept calls beside an empty file, in one run.

use std::path::Path;
use std::time::Duration;

use crate::{KEY, Process, Report, Request, Run, load};

const SUBSCRIPTIONS: u64 = 1_000_000;
const CALLS_EACH: u64 = 10;
/// Few connections: this is about how long a call takes, not about how many fit.
const CONNECTIONS: usize = 4;
const SPAN: Duration = Duration::from_secs(3);
/// The files take turns, so that what the machine does beside falls on both alike; each is measured after a first turn that
/// does not count, so that neither is read for the first time.
const TURNS: u64 = 5;
/// Orders of one turn are not those of another.
const AFRESH: u64 = 1_000_000_000;
/// How much longer a call may take on the grown file.
const MOST: f64 = 1.5;

/// Measures mixed calls (a renewal, an upgrade, a repetition) on both files.
pub fn measure(report: &mut Report) {
    let files = [(1_000, 0), (SUBSCRIPTIONS, CALLS_EACH)].map(|(subscriptions, calls_each)| {
        let gateway = Process::gateway();
        fill(&gateway, subscriptions, calls_each);
        mixed(&gateway, subscriptions, 0);
        (gateway, subscriptions)
    });
    let mut runs = [Run::default(), Run::default()];
    for turn in 1..=TURNS {
        for ((gateway, subscriptions), run) in files.iter().zip(&mut runs) {
            run.add(mixed(gateway, *subscriptions, turn * AFRESH));
        }
    }
    let [before, after] = &runs;
    for (share, name) in [(0.50, "p50"), (0.99, "p99")] {
        let (small, large) = (before.percentile(share), after.percentile(share));
        report.line(
            if share < 0.9 { "calls on 1,000,000 subscriptions, 10,000,000 calls" } else { "" },
            name,
            format!("{large:.2} ms = {:.2} of an empty file ({small:.2} ms)", large / small),
            "≤ 1.5",
            large / small <= MOST,
        );
    }
}

fn mixed(gateway: &Process, subscriptions: u64, from: u64) -> Run {
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(from));
    load(&gateway.address, CONNECTIONS, SPAN, move |_| {
        call(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed), subscriptions)
    })
}

/// One of the mixed calls, for some subscription of a file with so many.
pub fn call(number: u64, subscriptions: u64) -> Request {
    // Spread over the whole file, as calls come.
    let instance = (1 + number.wrapping_mul(2_654_435_761) % subscriptions).to_string();
    let order = format!("n{number}");
    let plan = format!("s{number}");
    let pairs: &[(&str, &str)] = match number % 3 {
        0 => &[
            ("action", "renewInstance"),
            ("instanceId", &instance),
            ("orderId", &order),
            ("expiredOn", "2035-01-01 00:00:00"),
        ],
        1 => &[("action", "upgradeInstance"), ("instanceId", &instance), ("orderId", &order), ("skuId", &plan)],
        _ => &[("action", "refundRenewInstance"), ("instanceId", &instance), ("expiredOn", "2034-01-01 00:00:00")],
    };
    let token = marketgate::market::token::sign(pairs, KEY);
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "%20"))).collect();
    format!("GET /marketplace/alibaba/spi?{}&token={token} HTTP/1.1\r\nHost: x\r\n\r\n", query.join("&"))
        .into_bytes()
        .into()
}

/// Puts subscriptions with their calls and events into the gateway's file.
fn fill(gateway: &Process, subscriptions: u64, calls_each: u64) {
    let file = gateway.ready["database"].as_str().unwrap();
    let db = rusqlite::Connection::open(Path::new(file)).unwrap();
    db.busy_timeout(Duration::from_mins(1)).unwrap();
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;").unwrap();
    // In parts, so that the gateway's own writes get their turn.
    for first in (1..=subscriptions).step_by(100_000) {
        let last = (first + 99_999).min(subscriptions);
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 <= {last})
               INSERT INTO subscription (seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at)
               SELECT 'alibaba', i, 'active', 'cmgj00063418', 'p', '1234567890125678', i, 0, 'call', 0 FROM n;
             WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 <= {last}),
               c(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM c WHERE k < {calls_each})
               INSERT INTO call (seller_id, instance_id, action, order_key, params, verdict, status, reply, received_at, took_us, request_id)
               SELECT 'alibaba', i, 'renew', 'o' || k, '{{\"action\":\"renewInstance\",\"orderId\":\"1\"}}', 'applied', 200, '{{\"success\":true}}', 0, 100, 'req_x'
               FROM n, c WHERE {calls_each} > 0;
             COMMIT;"
        ))
        .unwrap();
    }
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    // Or the gateway's first checkpoint waits for what was filled in here.
    std::fs::File::open(file).unwrap().sync_all().unwrap();
}
