//! The pages on which an organization that told ten million events in a month sees its usage.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::{Connection, Process, Report, Run};

const EVENTS: i64 = 10_000_000;
/// Organizations beside it that use the same items in each hour, so that its records lie apart as in a real file.
const OTHERS: u32 = 100;
/// How often each page is asked for.
const ASKED: usize = 300;
/// Milliseconds.
const MOST: f64 = 50.0;
const HOUR_MS: i64 = 3_600_000;

pub fn measure(report: &mut Report) {
    let gateway = Process::gateway();
    let month = fill(&gateway);
    let cookie = sign_in(&gateway.address);
    let organization = organization(&open(&gateway));
    for (page, path) in [
        ("usage", format!("/orgs/{organization}/usage?month={month}")),
        ("billing", format!("/orgs/{organization}/billing?month={month}")),
    ] {
        let run = pages(&gateway.address, &path, &cookie);
        report.line(
            if page == "usage" { "pages of an organization, 10,000,000 events in the month" } else { "" },
            &format!("{page}: p50 / p99"),
            format!("{:.1} / {:.1} ms", run.percentile(0.50), run.percentile(0.99)),
            "p99 ≤ 50 ms",
            run.percentile(0.99) <= MOST,
        );
    }
}

/// One page after the other.
fn pages(address: &str, path: &str, cookie: &str) -> Run {
    let mut connection = Connection::open(address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n");
    let start = Instant::now();
    let mut millis: Vec<f64> = (0..ASKED)
        .map(|_| {
            let asked = Instant::now();
            let answer = connection.ask(request.as_bytes());
            let took = asked.elapsed().as_secs_f64() * 1e3;
            let text = String::from_utf8_lossy(&answer);
            assert!(text.starts_with("HTTP/1.1 200") && text.contains("计算时长"), "{text}");
            took
        })
        .collect();
    let span = start.elapsed().as_secs_f64();
    millis.sort_by(f64::total_cmp);
    Run { millis, span }
}

/// Signs the organization's owner in; the cookies from then on.
fn sign_in(address: &str) -> String {
    let browser = "mg_browser=bench";
    let mut connection = Connection::open(address);
    let page = connection.ask(format!("GET /login HTTP/1.1\r\nHost: x\r\nCookie: {browser}\r\n\r\n").as_bytes());
    let page = String::from_utf8_lossy(&page).into_owned();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let body = format!("csrf={csrf}&email=owner%40example.com&password=marketgate-demo");
    let answer = connection.ask(
        format!(
            "POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://{address}\r\nCookie: {browser}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .as_bytes(),
    );
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let set = answer.lines().filter(|line| line.to_ascii_lowercase().starts_with("set-cookie: "));
    set.fold(browser.to_owned(), |mut cookies, line| {
        let pair = line["set-cookie: ".len()..].split(';').next().unwrap();
        write!(cookies, "; {pair}").unwrap();
        cookies
    })
}

fn open(gateway: &Process) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(gateway.ready["database"].as_str().unwrap()).unwrap();
    db.busy_timeout(Duration::from_mins(1)).unwrap();
    db
}

fn organization(db: &rusqlite::Connection) -> String {
    db.query_row(
        "SELECT m.organization_id FROM member m JOIN user u ON u.id = m.user_id WHERE u.email = 'owner@example.com' ORDER BY 1 LIMIT 1",
        (),
        |row| row.get(0),
    )
    .unwrap()
}

/// The last whole month as the intake and the pushes leave it: an accepted record for each hour and item, and its events.
fn fill(gateway: &Process) -> String {
    let db = open(gateway);
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;").unwrap();
    let now: i64 = db.query_row("SELECT max(created_at) FROM api_key", (), |row| row.get(0)).unwrap();
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let this = jiff::Timestamp::from_millisecond(now).unwrap().to_zoned(china).first_of_month().unwrap();
    let until = this.start_of_day().unwrap();
    let from = until.checked_sub(jiff::Span::new().months(1)).unwrap();
    let (from_ms, until_ms) = (from.timestamp().as_millisecond(), until.timestamp().as_millisecond());
    let hours = (until_ms - from_ms) / HOUR_MS;
    let organization = organization(&db);
    db.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         INSERT INTO user (id, email, name, password_hash, password_changed_at, created_at) VALUES ('bench', 'bench@example.com', 'x', 'x', 0, 0);
         CREATE TEMP TABLE o AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {OTHERS})
           SELECT i, 'org_bench_' || i AS id FROM n;
         INSERT INTO organization (id, name, created_at) SELECT id, 'x', 0 FROM o;
         INSERT INTO o VALUES (0, '{organization}');
         INSERT INTO subscription (id, seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at)
           SELECT 1000000 + i, 'alibaba', 'bench' || i, 'active', 'cmgj00063418', 'p', '1', '1', 0, 'call', 0 FROM o;
         INSERT INTO binding (id, subscription_id, organization_id, state, requested_by, entry_user_id, entry_role, allows_entry, requested_at, live_at)
           SELECT 'bnd_bench_' || i, 1000000 + i, id, 'live', 'bench', 'bench', 'owner', 1, 0, 0 FROM o;
         CREATE TEMP TABLE h AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {hours})
           SELECT i, {from_ms} + i * {HOUR_MS} AS at FROM n;
         INSERT INTO push (id, seller_id, product_code, nonce, body_digest, records, entities, state, status, request_ref, sent_at, answered_at)
           SELECT 1 + h.i * {OTHERS} + o.i, 'alibaba', 'cmgj00063418', h.i || '-' || o.i, randomblob(32), 1, 3, 'accepted', 200, 'r', h.at, h.at
           FROM h, o WHERE o.i < {OTHERS};
         INSERT INTO record (organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item, aggregate, cycle,
             hour_at, until_at, part, quantity, events, deciding_at, state, seals_at, due_by, sealed_at, settled_at, push_id, attempts, created_at, updated_at)
           SELECT o.id, 'bnd_bench_' || o.i, 1000000 + o.i, 'alibaba', 'cmgj00063418', 'bench' || o.i, 'p', item, aggregate, 'hour',
             h.at, h.at + {HOUR_MS}, 'regular', 60, {EVENTS} / ({hours} * 3), iif(aggregate = 'max', h.at, NULL), 'accepted',
             h.at + {HOUR_MS}, h.at + 2 * {HOUR_MS}, h.at + {HOUR_MS}, h.at + {HOUR_MS}, 1 + h.i * {OTHERS} + o.i % {OTHERS}, 1, h.at, h.at
           FROM h, o, (SELECT 'Period' AS item, 'sum' AS aggregate UNION ALL SELECT 'Storage', 'max' UNION ALL SELECT 'VirtualCpu', 'max')
           ORDER BY h.i, o.i * 47 % 101;
         CREATE TEMP TABLE mine AS SELECT id, item, hour_at FROM record WHERE organization_id = '{organization}' ORDER BY hour_at;
         COMMIT;"
    ))
    .unwrap();
    // In parts, so that the gateway's own writes get their turn.
    for part in 0..100 {
        db.execute(
            &format!(
                "INSERT INTO usage_event (digest, source, event_id, organization_id, item, quantity, at, received_at, record_id)
                 WITH RECURSIVE n(i) AS (SELECT {part} * {EVENTS} / 100 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ({part} + 1) * {EVENTS} / 100)
                 SELECT CAST(printf('%016x', i) AS BLOB), 'bench', i, '{organization}', m.item, 1, m.hour_at + i % {HOUR_MS}, m.hour_at, m.id
                 FROM n JOIN mine m ON m.rowid = 1 + i * (SELECT max(rowid) FROM mine) / {EVENTS}"
            ),
            (),
        )
        .unwrap();
    }
    let counted: i64 = db.query_row("SELECT count(*) FROM usage_event", (), |row| row.get(0)).unwrap();
    assert_eq!(counted, EVENTS);
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    from.strftime("%Y-%m").to_string()
}
