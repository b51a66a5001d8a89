//! `make bench`: how the gateway behaves under load, as ratios measured in one run.
//!
//! The gateway is the release binary with a durable file; the load comes from this process over loopback
//! sockets. Beside each figure stands a bare answer of the same web framework, measured by the same client on
//! the same cores, so that the ratio holds when the machine's speed drifts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark"
)]

#[path = "load/grown.rs"]
mod grown;
#[path = "load/ledger.rs"]
mod ledger;
#[path = "load/sealing.rs"]
mod sealing;
#[path = "load/usage.rs"]
mod usage;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use marketgate::market::token;
use marketgate::store::{Options, Store};

const KEY: &str = "demo-isv-key-not-for-production";
/// A request's bytes, made before the clock runs.
type Request = Arc<[u8]>;
/// How long each measurement runs.
const SPAN: Duration = Duration::from_secs(4);

fn main() {
    if std::env::args().any(|argument| argument == "--bare") {
        return bare();
    }
    let is_writing = std::env::args().any(|argument| argument == "--write");
    let mut report = Report::default();
    if std::env::args().any(|argument| argument == "--usage") {
        return usage::measure(&mut report, &Process::gateway());
    }
    if std::env::args().any(|argument| argument == "--grown") {
        return grown::measure(&mut report);
    }
    if std::env::args().any(|argument| argument == "--ledger") {
        return ledger::measure(&mut report);
    }
    if std::env::args().any(|argument| argument == "--sealing") {
        return sealing::measure(&mut report);
    }
    start_up(&mut report);
    let gateway = Process::gateway();
    report.line("idle memory", "RSS", format!("{:.1} MB", gateway.rss_mb()), "≤ 15 MB", gateway.rss_mb() <= 15.0);
    let server = Process::bare();
    let requests = Arc::new(creates(900_000));
    let next = Arc::new(AtomicUsize::new(0));
    let bare_request: Request = (*b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").into();
    let bare_call = |connections| {
        let request = Arc::clone(&bare_request);
        load(&server.address, connections, SPAN, move |_| Arc::clone(&request))
    };
    for connections in [16, 64] {
        let bare = bare_call(connections);
        let spi = load(&gateway.address, connections, SPAN, create_maker(&requests, &next));
        let ratio = spi.per_second() / bare.per_second();
        report.line(
            &format!("createInstance, {connections} connections"),
            "throughput",
            format!("{:.0}/s = {ratio:.2} of a bare answer ({:.0}/s)", spi.per_second(), bare.per_second()),
            if connections == 64 { "≥ 0.28" } else { "" },
            connections != 64 || ratio >= 0.28,
        );
        report.line(
            "",
            "p50 / p99",
            format!("{:.2} / {:.2} ms", spi.percentile(0.50), spi.percentile(0.99)),
            if connections == 64 { "p99 ≤ 5 ms" } else { "" },
            connections != 64 || spi.percentile(0.99) <= 5.0,
        );
    }
    let ceiling = in_process();
    report.line(
        "the same statements in process",
        "throughput",
        format!("{ceiling:.0}/s with group commit, 64 callers"),
        "",
        true,
    );
    let bare = bare_call(64);
    let page_request: Request = (*b"GET /login HTTP/1.1\r\nHost: x\r\nCookie: mg_browser=bench\r\n\r\n").into();
    let page = load(&gateway.address, 64, SPAN, move |_| Arc::clone(&page_request));
    let ratio = page.per_second() / bare.per_second();
    report.line(
        "page /login, 64 connections",
        "throughput",
        format!("{:.0}/s = {ratio:.2} of a bare answer ({:.0}/s)", page.per_second(), bare.per_second()),
        "≥ 0.5",
        ratio >= 0.5,
    );
    burst(&mut report, &gateway, &requests, &next);
    report.line(
        "memory after the burst",
        "RSS",
        format!("{:.1} MB", gateway.rss_mb()),
        "≤ 100 MB",
        gateway.rss_mb() <= 100.0,
    );
    usage::measure(&mut report, &Process::gateway());
    sealing::measure(&mut report);
    ledger::measure(&mut report);
    grown::measure(&mut report);
    println!("{}", report.text());
    if is_writing {
        report.write();
    }
}

/// Process start to the first 200, with a new database each time.
fn start_up(report: &mut Report) {
    let mut times: Vec<f64> = (0..11)
        .map(|_| {
            let start = Instant::now();
            let gateway = Process::gateway();
            let mut connection = Connection::open(&gateway.address);
            connection.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    report.line(
        "start-up to the first 200",
        "median of 11",
        format!("{:.0} ms (fixture: gateway, simulator and demo product)", times[5]),
        "≤ 40 ms",
        times[5] <= 40.0,
    );
}

/// Eight clients sign in without pause, while pages are asked for 200 times a second and calls come on 64 connections.
fn burst(report: &mut Report, gateway: &Process, requests: &Arc<Vec<Request>>, next: &Arc<AtomicUsize>) {
    let is_over = Arc::new(AtomicBool::new(false));
    let signed_in = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (address, is_over, signed_in) = (gateway.address.clone(), Arc::clone(&is_over), Arc::clone(&signed_in));
            thread::spawn(move || sign_in_until(&address, &is_over, &signed_in))
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    let before = (Instant::now(), signed_in.load(Ordering::Relaxed));
    let pages = paced(&gateway.address, 200, SPAN);
    let rate = (signed_in.load(Ordering::Relaxed) - before.1) as f64 / before.0.elapsed().as_secs_f64();
    report.line("8 clients signing in", "sign-ins", format!("{rate:.0}/s"), "", true);
    report.line(
        "",
        "page p99 at 200/s",
        format!("{:.2} ms", pages.percentile(0.99)),
        "≤ 1 ms",
        pages.percentile(0.99) <= 1.0,
    );
    let spi = load(&gateway.address, 64, SPAN, create_maker(requests, next));
    report.line(
        "",
        "createInstance p99, 64 connections",
        format!("{:.2} ms at {:.0}/s", spi.percentile(0.99), spi.per_second()),
        "≤ 10 ms",
        spi.percentile(0.99) <= 10.0,
    );
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
}

fn sign_in_until(address: &str, is_over: &AtomicBool, signed_in: &AtomicUsize) {
    let mut connection = Connection::open(address);
    let page = connection.ask(b"GET /login HTTP/1.1\r\nHost: x\r\nCookie: mg_browser=bench\r\n\r\n");
    let page = String::from_utf8_lossy(&page);
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let body = format!("csrf={csrf}&email=owner%40example.com&password=marketgate-demo");
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://{address}\r\nCookie: mg_browser=bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    while !is_over.load(Ordering::Relaxed) {
        let answer = connection.ask(request.as_bytes());
        assert!(answer.starts_with(b"HTTP/1.1 303"), "{}", String::from_utf8_lossy(&answer));
        signed_in.fetch_add(1, Ordering::Relaxed);
    }
}

/// Signed createInstance calls, each of another purchase.
fn creates(count: usize) -> Vec<Request> {
    (0..count)
        .map(|number| {
            let instance = format!("{}", 10_000_000 + number);
            let params = [
                ("action", "createInstance"),
                ("aliUid", "1234567890125678"),
                ("orderBizId", &instance),
                ("orderId", &instance),
                ("productCode", "cmgj00063418"),
                ("skuId", "cmgj00063418-postpay"),
                ("trial", "false"),
            ];
            let signed = token::sign(&params, KEY);
            let query: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("GET /marketplace/alibaba/spi?{}&token={signed} HTTP/1.1\r\nHost: x\r\n\r\n", query.join("&"))
                .into_bytes()
                .into()
        })
        .collect()
}

fn create_maker(
    requests: &Arc<Vec<Request>>,
    next: &Arc<AtomicUsize>,
) -> impl Fn(usize) -> Request + Send + Sync + Clone + 'static {
    let (requests, next) = (Arc::clone(requests), Arc::clone(next));
    move |_| requests[next.fetch_add(1, Ordering::Relaxed) % requests.len()].clone()
}

/// The statements of createInstance on the store alone: what sockets and HTTP cost is the difference.
fn in_process() -> f64 {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(&place.path().join("bench.db"), Options::default()).unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let threads: Vec<_> = (0..64)
        .map(|caller| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            thread::spawn(move || {
                for number in 0_u32.. {
                    if start.elapsed() > SPAN {
                        break;
                    }
                    let id = format!("{caller}-{number}");
                    let made = store.write_blocking(move |tx| {
                        tx.execute("INSERT INTO subscription (seller_id, instance_id, state, product_code, plan_code, buyer_account, order_id, is_trial, source, created_at) VALUES ('alibaba', ?1, 'active', 'p', 'p', '1', ?1, 0, 'call', 0)", [&id])?;
                        let row = tx.conn().last_insert_rowid();
                        tx.execute("INSERT INTO event (type, subscription_id, sequence, subject, data, occurred_at) VALUES ('subscription.activated', ?1, 1, 'x', '{}', 0)", [row])?;
                        tx.execute("INSERT INTO call (seller_id, instance_id, action, params, verdict, status, reply, received_at, took_us, request_id) VALUES ('alibaba', ?1, 'create', '{}', 'applied', 200, '{}', 0, 0, 'r')", [&id])?;
                        Ok(())
                    });
                    if made.is_ok() {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// What a load did: the milliseconds of each answer, sorted, and the seconds that it took.
#[derive(Default)]
struct Run {
    millis: Vec<f64>,
    span: f64,
}

impl Run {
    fn add(&mut self, other: Self) {
        self.millis.extend(other.millis);
        self.millis.sort_by(f64::total_cmp);
        self.span += other.span;
    }

    fn per_second(&self) -> f64 {
        self.millis.len() as f64 / self.span
    }

    fn percentile(&self, share: f64) -> f64 {
        self.millis[((self.millis.len() - 1) as f64 * share) as usize]
    }
}

/// Threads of the client. Each serves its share of the connections without blocking, so that the client takes as little
/// as possible of the cores that it shares with the server.
const CLIENT_THREADS: usize = 2;

/// So many keep-alive connections, each asking again as soon as it is answered.
fn load<M: Fn(usize) -> Request + Send + Sync + Clone + 'static>(
    address: &str,
    connections: usize,
    span: Duration,
    make: M,
) -> Run {
    let start = Instant::now();
    let threads: Vec<_> = (0..CLIENT_THREADS)
        .map(|thread_number| {
            let (address, make) = (address.to_owned(), make.clone());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
                let local = tokio::task::LocalSet::new();
                local.block_on(&runtime, async {
                    let tasks: Vec<_> = (thread_number..connections)
                        .step_by(CLIENT_THREADS)
                        .map(|number| {
                            tokio::task::spawn_local(ask_until(address.clone(), number, start + span, make.clone()))
                        })
                        .collect();
                    let mut millis = Vec::new();
                    for task in tasks {
                        millis.extend(task.await.unwrap());
                    }
                    millis
                })
            })
        })
        .collect();
    let mut millis: Vec<f64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let span = start.elapsed().as_secs_f64();
    millis.sort_by(f64::total_cmp);
    Run { millis, span }
}

/// One connection's milliseconds.
async fn ask_until<M: Fn(usize) -> Request>(address: String, number: usize, end: Instant, make: M) -> Vec<f64> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let mut millis = Vec::with_capacity(100_000);
    while Instant::now() < end {
        let request = make(number);
        let asked = Instant::now();
        stream.write_all(&request).await.unwrap();
        let mut filled = 0;
        while answer_length(&buffer[..filled]).is_none_or(|length| filled < length) {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert!(read > 0, "the server hung up");
            filled += read;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..filled]));
        millis.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    millis
}

/// How long an answer is of which this much has come; `None` while its head is not complete.
fn answer_length(received: &[u8]) -> Option<usize> {
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let head = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let at = received[..head].windows(LENGTH.len()).position(|name| name.eq_ignore_ascii_case(LENGTH))?;
    let digits = received[at + LENGTH.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(head + 4 + digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}

/// Pages at a steady pace on one connection.
fn paced(address: &str, per_second: u32, span: Duration) -> Run {
    let mut connection = Connection::open(address);
    let start = Instant::now();
    let mut millis = Vec::new();
    let pause = Duration::from_secs(1) / per_second;
    while start.elapsed() < span {
        let due = pause * u32::try_from(millis.len()).unwrap();
        thread::sleep(due.saturating_sub(start.elapsed()));
        let asked = Instant::now();
        connection.ask(b"GET /login HTTP/1.1\r\nHost: x\r\nCookie: mg_browser=bench\r\n\r\n");
        millis.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    let span = start.elapsed().as_secs_f64();
    millis.sort_by(f64::total_cmp);
    Run { millis, span }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, buffer: vec![0; 64 * 1024] }
    }

    /// One request, one whole answer.
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.stream.write_all(request).unwrap();
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).unwrap();
            assert!(read > 0, "the server hung up");
            filled += read;
            if answer_length(&self.buffer[..filled]).is_some_and(|length| filled >= length) {
                return self.buffer[..filled].to_vec();
            }
        }
    }
}

/// What is measured: the program as it was just built, or the build that `MARKETGATE` names, for comparing two.
fn binary() -> String {
    std::env::var("MARKETGATE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_marketgate").to_owned())
}

/// A server under load, ended with its handle.
struct Process {
    child: Child,
    _input: Option<ChildStdin>,
    address: String,
    /// What a fixture says when it is ready.
    ready: serde_json::Value,
    _place: tempfile::TempDir,
}

impl Process {
    fn gateway() -> Self {
        Self::gateway_with(&[])
    }

    fn gateway_with(arguments: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let database = place.path().join("bench.db");
        Self::spawn(
            Command::new(binary()).args(["fixture", "--workers", "2", "--database"]).arg(database).args(arguments),
            place,
            |line| {
                let ready: serde_json::Value = serde_json::from_str(line).unwrap();
                ready["gateway"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
            },
        )
    }

    fn bare() -> Self {
        Self::spawn(
            Command::new(std::env::current_exe().unwrap()).arg("--bare"),
            tempfile::tempdir().unwrap(),
            |line| line.trim().to_owned(),
        )
    }

    fn spawn(command: &mut Command, place: tempfile::TempDir, read: impl Fn(&str) -> String) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_default();
        Self { address: read(&line), ready, _input: child.stdin.take(), child, _place: place }
    }

    fn rss_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The same framework with nothing to do.
fn bare() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let server = HttpServer::new(|| App::new().route("/", web::get().to(async || "ok")))
        .workers(2)
        .listen(listener)
        .unwrap()
        .run();
    actix_web::rt::System::new().block_on(server).unwrap();
}

#[derive(Default)]
struct Report {
    rows: Vec<[String; 5]>,
}

impl Report {
    fn line(&mut self, what: &str, figure: &str, value: String, target: &str, is_met: bool) {
        let verdict = if target.is_empty() {
            ""
        } else if is_met {
            "met"
        } else {
            "missed"
        };
        println!("{what:36} {figure:36} {value}  {target} {verdict}");
        self.rows.push([what.to_owned(), figure.to_owned(), value, target.to_owned(), verdict.to_owned()]);
    }

    fn text(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect();
        format!("| | figure | measured | target | |\n|---|---|---|---|---|\n{}\n", rows.join("\n"))
    }

    /// Puts the table between the marks of the document.
    fn write(&self) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (head, rest) = document.split_once("<!-- figures -->\n").unwrap();
        let (_, tail) = rest.split_once("<!-- end -->").unwrap();
        std::fs::write(path, format!("{head}<!-- figures -->\n{}<!-- end -->{tail}", self.text())).unwrap();
    }
}
