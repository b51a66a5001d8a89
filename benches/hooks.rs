//! `make bench`: how fast webhooks are delivered to a sink on the same machine.
//!
//! Purchases happen while the webhook is disabled; then it is enabled, and the time runs until the sink has heard of each.
//! Every delivery is a connection of its own, a signed POST, and a record that is durable.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a benchmark")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use marketgate::market::token;
use serde_json::{Value, json};

const KEY: &str = "demo-isv-key-not-for-production";
/// Events to deliver, each of another subscription.
const EVENTS: usize = 4_000;
/// Connections that buy.
const BUYERS: usize = 16;
/// When to give up.
const PATIENCE: Duration = Duration::from_mins(2);

struct Gateway {
    child: Child,
    ready: Value,
    _place: tempfile::TempDir,
}

impl Gateway {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_marketgate"))
            .args(["fixture", "--workers", "2", "--database"])
            .arg(place.path().join("bench.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap(), _place: place }
    }

    fn origin(&self) -> &str {
        self.ready["gateway"].as_str().unwrap()
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.origin()))
            .header("authorization", format!("Bearer {}", self.ready["api_key"].as_str().unwrap()))
            .body(body.to_string())
            .unwrap();
        let text = ureq::Agent::new_with_defaults().run(request).unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn buy(&self, instance: &str, agent: &ureq::Agent) {
        let params = [
            ("action", "createInstance"),
            ("aliUid", "1234567890125678"),
            ("orderBizId", instance),
            ("orderId", instance),
            ("productCode", "cmgj00063418"),
            ("skuId", "cmgj00063418-postpay"),
            ("trial", "false"),
        ];
        let query: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let signed = token::sign(&params, KEY);
        agent
            .get(format!("{}/marketplace/alibaba/spi?{}&token={signed}", self.origin(), query.join("&")))
            .call()
            .unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Takes everything, and counts.
fn sink() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let heard = Arc::new(AtomicUsize::new(0));
    for _ in 0..8 {
        let (listener, heard) = (listener.try_clone().unwrap(), Arc::clone(&heard));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if take(stream.unwrap()).is_some() {
                    heard.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    (url, heard)
}

fn take(mut stream: TcpStream) -> Option<()> {
    let (mut buffer, mut filled) = (vec![0; 16 * 1024], 0);
    loop {
        let read = stream.read(&mut buffer[filled..]).ok().filter(|read| *read > 0)?;
        filled += read;
        let text = String::from_utf8_lossy(&buffer[..filled]).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
            if body.len() >= length {
                return stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").ok();
            }
        }
    }
}

fn main() {
    let is_writing = std::env::args().any(|argument| argument == "--write");
    let (gateway, (url, heard)) = (Gateway::start(), sink());
    let hook = gateway.call("POST", "/webhooks", &json!({ "url": url, "types": ["subscription.*"] }));
    let path = format!("/webhooks/{}", hook["id"].as_str().unwrap());
    gateway.call("PATCH", &path, &json!({ "enabled": false }));
    thread::scope(|scope| {
        for buyer in 0..BUYERS {
            let gateway = &gateway;
            scope.spawn(move || {
                let agent = ureq::Agent::new_with_defaults();
                for number in (buyer..EVENTS).step_by(BUYERS) {
                    gateway.buy(&(10_000_000 + number).to_string(), &agent);
                }
            });
        }
    });
    let start = Instant::now();
    gateway.call("PATCH", &path, &json!({ "enabled": true }));
    while heard.load(Ordering::Relaxed) < EVENTS {
        assert!(start.elapsed() < PATIENCE, "{} of {EVENTS} were heard", heard.load(Ordering::Relaxed));
        thread::sleep(Duration::from_millis(5));
    }
    let rate = EVENTS as f64 / start.elapsed().as_secs_f64();
    let row = format!(
        "| webhook deliveries to one local sink, {EVENTS} subscriptions | {rate:.0}/s, each recorded durably |"
    );
    println!("{row}");
    if is_writing {
        write(&row);
    }
}

/// Puts the figure between its marks in the document.
fn write(row: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (head, rest) = document.split_once("<!-- hooks -->\n").unwrap();
    let (_, tail) = rest.split_once("<!-- end of hooks -->").unwrap();
    std::fs::write(
        path,
        format!("{head}<!-- hooks -->\n| | measured |\n|---|---|\n{row}\n<!-- end of hooks -->{tail}"),
    )
    .unwrap();
}
