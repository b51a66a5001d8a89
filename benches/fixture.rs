//! `make bench`: what a test author waits for: the fixture's start, a reset, a month.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

/// Of each figure, so many measurements.
const TIMES: usize = 11;

struct Fixture {
    child: Child,
    ready: Value,
}

impl Fixture {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_marketgate"))
            .arg("fixture")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    fn control(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/control/{path}", self.ready["simulator"].as_str().unwrap());
        let told = ureq::post(url).send(body.to_string()).unwrap().into_body().read_to_string().unwrap();
        serde_json::from_str(&told).unwrap()
    }

    /// Buys and binds.
    fn subscribe(&self) {
        let order = json!({ "account": "A", "product": "cmgj00063418", "plan": "cmgj00063418-postpay" });
        let instance = self.control("orders", &order)["instance_id"].clone();
        let bind = json!({ "instance": instance, "user": "owner@example.com", "organization": "云帆数据" });
        assert_eq!(self.control("bind", &bind)["state"], "live");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// Milliseconds that each run took, the middle one.
fn median(mut run: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..TIMES).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[TIMES / 2]
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn main() {
    let mut rows = Vec::new();
    let mut line = |what: &str, took: f64, target: f64| {
        let verdict = if took <= target { "met" } else { "missed" };
        println!("{what:60} {took:.1} ms  ≤ {target} ms {verdict}");
        rows.push(format!("| {what} | {took:.1} ms | ≤ {target} ms | {verdict} |"));
    };
    let start_up = median(|| {
        let start = Instant::now();
        let _fixture = Fixture::start();
        ms(start)
    });
    line("process start to the readiness line", start_up, 30.0);
    let fixture = Fixture::start();
    let reset = median(|| {
        fixture.subscribe();
        let start = Instant::now();
        fixture.control("reset", &json!({}));
        ms(start)
    });
    line("reset after a purchase and a binding", reset, 10.0);
    let month = median(|| {
        fixture.control("reset", &json!({}));
        fixture.subscribe();
        let start = Instant::now();
        assert_eq!(fixture.control("clock", &json!({ "advance": "30d" }))["failed"], 0);
        ms(start)
    });
    line("30 days of a bound subscription", month, 2_000.0);
    if std::env::args().any(|argument| argument == "--write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (above, below) = document.split_once("<!-- fixture -->\n").unwrap();
        let (_, after) = below.split_once("<!-- fixture end -->").unwrap();
        let table = format!("| median of {TIMES} | measured | target | |\n|---|---|---|---|\n{}\n", rows.join("\n"));
        std::fs::write(path, format!("{above}<!-- fixture -->\n{table}<!-- fixture end -->{after}")).unwrap();
    }
}
