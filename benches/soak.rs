//! `make soak`: everything at once against production for minutes, with flat memory and no error.
//!
//! People sign in and bind, the marketplace calls, the product tells usage and reads, webhooks arrive, the file is backed
//! up; meanwhile memory, open files and the database are looked at every second. An answer that was not expected, a
//! lost event, or memory that grows ends it with a failure. Arguments: `--minutes N`, `--write` for docs/performance.md.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a benchmark")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use marketgate::crypto::{digest, hex};
use serde_json::{Value, json};

use browserlike::Browser;

#[path = "../tests/it/browserlike.rs"]
#[expect(dead_code, reason = "shared with the socket tests, which use all of it")]
mod browserlike;

/// What the browser of the tests needs of its world.
mod world {
    use std::time::Duration;

    pub const PASSWORD: &str = "orange-Bicycle-77";

    pub fn agent() -> ureq::Agent {
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // The server ends what is idle, and a POST on a connection that just ended would be an error of ours.
            .max_idle_connections(0)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into()
    }
}

const KEY: &str = "a-key-of-the-seller-0123456789";
const API_KEY: &str = "mg_live_of-the-soak";
/// Between two backups.
const BACKUP_EVERY: Duration = Duration::from_secs(20);
/// Memory may be so much larger in the last quarter than in the second: by a tenth, and by this much.
const SLACK_KIB: u64 = 8 * 1024;
/// Open files may be so many more.
const SLACK_FILES: u64 = 32;
const MARKS: (&str, &str) = ("<!-- soak -->\n", "<!-- soak end -->");

struct Soak {
    origin: String,
    place: PathBuf,
    is_over: AtomicBool,
    /// By kind of work, how long each took, in microseconds.
    took: Mutex<BTreeMap<&'static str, Vec<u32>>>,
    /// Told to come again, and done then.
    put_off: AtomicUsize,
    heard: AtomicUsize,
    counted: AtomicUsize,
}

impl Soak {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Does something once, and notes how long it took.
    fn time<T>(&self, kind: &'static str, act: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let made = act();
        let micros = u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.took.lock().unwrap().entry(kind).or_default().push(micros);
        made
    }

    fn call(&self, params: &[(&str, &str)]) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params).append_pair("token", &marketgate::market::token::sign(params, KEY));
        let url = format!("{}/marketplace/alibaba/spi?{}", self.origin, query.finish());
        let (status, body) = get(&url, None);
        assert_eq!(status, 200, "{body}");
        assert!(!body.contains("false"), "{params:?}: {body}");
    }

    fn buy(&self, instance: &str) {
        self.time("createInstance", || {
            self.call(&[
                ("action", "createInstance"),
                ("aliUid", "1234567890125678"),
                ("orderBizId", instance),
                ("orderId", instance),
                ("productCode", "cmgj00063418"),
                ("skuId", "cmgj00063418-postpay"),
                ("trial", "false"),
            ]);
        });
    }

    fn release(&self, instance: &str) {
        self.time("releaseInstance", || self.call(&[("action", "releaseInstance"), ("instanceId", instance)]));
    }

    fn post(&self, path: &str, kind: &str, body: &Value) -> (u16, Value) {
        let request = world::agent()
            .post(format!("{}{path}", self.origin))
            .header("authorization", format!("Bearer {API_KEY}"))
            .header("content-type", kind);
        let mut answer = request.send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    /// Signs in, looks around, signs out.
    fn visit(&self, who: usize) {
        let browser = Browser::new(&self.origin);
        while !self.is_over() {
            let page = self.time("page", || browser.get("/login"));
            let form = page.form("/login").set("email", &email(who)).set("password", world::PASSWORD);
            let page = self.time("sign-in", || browser.submit_only(&form));
            assert_eq!(page.status, 303, "{}", page.h1());
            for path in ["/orgs", "/me", "/me/sessions", "/orgs/new"] {
                let page = self.time("page", || browser.get(path));
                assert_eq!(page.status, 200, "{path}: {}", page.h1());
                sleep(Duration::from_millis(20));
            }
            let form = browser.get("/me").form("/logout");
            assert_eq!(browser.submit(&form).status, 200);
        }
    }

    /// Buys, binds as a person does, and lets the marketplace release it, again and again.
    fn claim(&self, who: usize) {
        let browser = Browser::new(&self.origin);
        let form = browser.get("/login").form("/login").set("email", &email(who)).set("password", world::PASSWORD);
        assert_eq!(browser.submit(&form).status, 200);
        let name = format!("组织 {who}");
        let made = browser.submit_only(&browser.get("/orgs/new").form("/orgs").set("name", &name));
        assert_eq!(made.status, 303);
        for round in 0.. {
            if self.is_over() {
                return;
            }
            let instance = format!("claim-{who}-{round}");
            self.buy(&instance);
            let stamp = china_now();
            let params = [("action", "verify"), ("instanceId", instance.as_str()), ("timeStamp", stamp.as_str())];
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(params).append_pair("token", &marketgate::market::token::sign(&params, KEY));
            let link = format!("/marketplace/alibaba/login?{}", query.finish());
            let page = self.time("landing", || browser.open_link(&link));
            let claim = page.path.clone();
            let choice = page.choice(&name).unwrap_or_else(|| panic!("{name} on {}", page.h1()));
            let form = page.form(&format!("{claim}/confirm")).set("choice", &choice);
            self.time("binding", || {
                browser.submit(&form);
                while browser.get(&claim).h1() != "绑定成功" {
                    assert!(!self.is_over() || round > 0, "no binding came about");
                    sleep(Duration::from_millis(20));
                }
            });
            self.release(&instance);
        }
    }

    /// The marketplace alone, with every repetition that it may make.
    fn sell(&self, seller: usize) {
        for round in 0.. {
            if self.is_over() {
                return;
            }
            let instance = format!("sale-{seller}-{round}");
            self.buy(&instance);
            self.buy(&instance);
            self.release(&instance);
            self.release(&instance);
            sleep(Duration::from_millis(10));
        }
    }

    /// Usage of one organization, in batches; each event twice.
    fn use_up(&self, who: usize, organization: &str) {
        for round in 0.. {
            if self.is_over() {
                return;
            }
            let time = jiff::Timestamp::from_second(now_secs()).unwrap().to_string();
            let events: Vec<Value> = (0..50)
                .map(|n| {
                    json!({
                        "specversion": "1.0", "type": "marketgate.usage.v1", "source": format!("soak-{who}"),
                        "id": format!("{round}-{n}"), "subject": organization, "time": time,
                        "data": { "item": "Period", "quantity": 1 },
                    })
                })
                .collect();
            for expected in ["accepted", "duplicate"] {
                let answer = self.time("usage, 50 events", || {
                    loop {
                        let (status, answer) =
                            self.post("/api/v1/usage", "application/cloudevents-batch+json", &json!(events));
                        match status {
                            200 => return answer,
                            429 | 503 => self.put_off.fetch_add(1, Ordering::Relaxed),
                            status => panic!("{status} {answer}"),
                        };
                        sleep(Duration::from_millis(200));
                    }
                });
                assert_eq!(answer[expected], 50, "{answer}");
            }
            self.counted.fetch_add(50, Ordering::Relaxed);
            sleep(Duration::from_millis(50));
        }
    }

    /// The product reads the feed to its end and asks about what it finds.
    fn read(&self) {
        let mut after = String::new();
        while !self.is_over() {
            let url = format!("{}/api/v1/events?after={after}&limit=500", self.origin);
            let (status, body) = self.time("feed", || get(&url, Some(API_KEY)));
            assert_eq!(status, 200, "{body}");
            let told: Value = serde_json::from_str(&body).unwrap();
            told["next"].as_str().unwrap().clone_into(&mut after);
            for path in ["/api/v1/organizations", "/api/v1/subscriptions", "/api/v1/metering", "/readyz"] {
                let (status, body) = self.time("API", || get(&format!("{}{path}", self.origin), Some(API_KEY)));
                assert_eq!(status, 200, "{path}: {body}");
            }
            sleep(Duration::from_millis(100));
        }
    }

    fn back_up(&self, file: &str) {
        let copy = self.place.join("copy.db");
        while !self.is_over() {
            // A copy is never written over another.
            let _none = std::fs::remove_file(&copy);
            self.time("backup", || {
                let told = marketgate(&["backup", copy.to_str().unwrap(), "--config", file]).output().unwrap();
                assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
            });
            let next = Instant::now() + BACKUP_EVERY;
            while Instant::now() < next && !self.is_over() {
                sleep(Duration::from_millis(100));
            }
        }
    }

    /// Answers webhooks.
    fn hear(&self, listener: &TcpListener) {
        listener.set_nonblocking(true).unwrap();
        while !self.is_over() {
            match listener.accept() {
                Ok((stream, _)) => {
                    if answer(&stream).is_ok() {
                        self.heard.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(_) => sleep(Duration::from_millis(2)),
            }
        }
    }
}

fn answer(stream: &TcpStream) -> std::io::Result<()> {
    let mut stream = stream;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut asked = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let read = stream.read(&mut buffer)?;
        asked.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&asked).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
}

fn get(url: &str, key: Option<&str>) -> (u16, String) {
    let mut request = world::agent().get(url);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let mut answer = request.call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark has no clock of its own")]
fn now_secs() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn china_now() -> String {
    let at = jiff::Timestamp::from_second(now_secs()).unwrap();
    at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn email(who: usize) -> String {
    format!("person-{who}@example.com")
}

fn marketgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marketgate"));
    command.args(arguments).env_remove("MARKETGATE_LOG").stdin(Stdio::null());
    // The usual port may be another's.
    command.env("MARKETGATE_METRICS_LISTEN", "127.0.0.1:0");
    command
}

/// Production, ended with the soak.
struct Serving(Child);

impl Serving {
    /// And the address that the system gave it.
    fn start(file: &str) -> (Self, String) {
        let mut serving = Self(marketgate(&["serve", "--config", file]).stderr(Stdio::piped()).spawn().unwrap());
        let mut log = BufReader::new(serving.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = log.find_map(|line| {
            let told = serde_json::from_str::<Value>(&line).unwrap_or_default()["fields"].take();
            (told["message"] == "serving").then(|| told["listen"].as_str().unwrap().to_owned())
        });
        // Nobody reads the rest, but it may not get stuck on it.
        thread::spawn(move || log.for_each(drop));
        (serving, address.expect("it serves"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Memory in KiB, open files, KiB of the database and of its log.
#[derive(Clone, Copy)]
struct Sample {
    memory: u64,
    files: u64,
    database: u64,
    log: u64,
}

impl Sample {
    fn take(pid: u32, database: &Path) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len() / 1024);
        Self {
            memory: memory.trim().trim_end_matches(" kB").parse().unwrap(),
            files: std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64,
            database: size(database),
            log: size(&database.with_extension("db-wal")),
        }
    }
}

/// The median of one figure over a part of the samples, in quarters.
fn median(samples: &[Sample], quarter: usize, figure: fn(&Sample) -> u64) -> u64 {
    let part = samples.len() / 4;
    let mut figures: Vec<u64> = samples[part * quarter..part * (quarter + 1)].iter().map(figure).collect();
    figures.sort_unstable();
    figures[figures.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let minutes =
        arguments.iter().position(|one| one == "--minutes").map_or(10.0, |at| arguments[at + 1].parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let sink = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = configure(place.path());
    assert!(marketgate(&["init", "--config", &file]).output().unwrap().status.success());
    let (serving, address) = Serving::start(&file);
    let soak = Arc::new(Soak {
        origin: format!("http://{address}"),
        place: place.path().to_owned(),
        is_over: AtomicBool::new(false),
        took: Mutex::default(),
        put_off: AtomicUsize::new(0),
        heard: AtomicUsize::new(0),
        counted: AtomicUsize::new(0),
    });
    let database = place.path().join("gate.db");
    let organizations = people(&soak, &database);
    let url = format!("http://{}/", sink.local_addr().unwrap());
    assert_eq!(soak.post("/api/v1/webhooks", "application/json", &json!({ "url": url })).0, 201);

    let mut work: Vec<thread::JoinHandle<()>> = Vec::new();
    let mut start = |name: String, act: Box<dyn FnOnce(&Soak) + Send>| {
        let soak = Arc::clone(&soak);
        work.push(thread::Builder::new().name(name).spawn(move || act(&soak)).unwrap());
    };
    for (who, organization) in organizations.into_iter().enumerate() {
        start(format!("visits {who}"), Box::new(move |soak| soak.visit(who)));
        start(format!("claims {who}"), Box::new(move |soak| soak.claim(who + 2)));
        start(format!("sales {who}"), Box::new(move |soak| soak.sell(who)));
        start(format!("usage {who}"), Box::new(move |soak| soak.use_up(who, &organization)));
    }
    start("feed".into(), Box::new(Soak::read));
    start("webhooks".into(), Box::new(move |soak| soak.hear(&sink)));
    let has_backup = marketgate(&["backup", "--help"]).output().unwrap().status.success();
    if has_backup {
        let file = file.clone();
        start("backups".into(), Box::new(move |soak| soak.back_up(&file)));
    }
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while begun.elapsed().as_secs_f64() < minutes * 60.0 && work.iter().all(|one| !one.is_finished()) {
        sleep(Duration::from_secs(1));
        samples.push(Sample::take(serving.0.id(), &database));
    }
    soak.is_over.store(true, Ordering::Relaxed);
    let failed = work.into_iter().map(thread::JoinHandle::join).filter(Result::is_err).count();
    assert_eq!(failed, 0, "a worker met what it did not expect");
    report(&soak, &samples, minutes, has_backup, arguments.iter().any(|one| one == "--write"));
    check(&soak, &samples, &database);
}

/// Registers everybody; the organizations that tell usage.
fn people(soak: &Soak, database: &Path) -> Vec<String> {
    for who in 0..4 {
        let browser = Browser::new(&soak.origin);
        let form = browser.get("/register").form("/register").set("name", &format!("人 {who}"));
        let form = form.set("email", &email(who)).set("password", world::PASSWORD).set("agree", "1");
        assert_eq!(browser.submit(&form).status, 200);
        if who < 2 {
            let form = browser.get("/orgs/new").form("/orgs").set("name", &format!("用量 {who}"));
            assert_eq!(browser.submit_only(&form).status, 303);
        }
    }
    let db = rusqlite::Connection::open(database).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let scopes = "usage:write organizations:read subscriptions:read metering:read events:read webhooks:write";
    let row = format!(
        "INSERT INTO api_key (id, name, secret_hash, scopes, created_at) VALUES ('key_soak', 'soak', x'{}', '{scopes}', 1)",
        hex(&digest(API_KEY.as_bytes()))
    );
    db.execute(&row, ()).unwrap();
    let mut list = db.prepare("SELECT id FROM organization WHERE name LIKE '用量%' ORDER BY name").unwrap();
    list.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn configure(place: &Path) -> String {
    let most = 10_000_000;
    let text = format!(
        "public_url = \"{}\"\nlisten = \"127.0.0.1:0\"\ndatabase = \"{}\"\n\
         [accounts]\nunverified = \"accept\"\n[binding]\nprocessing_secs = 0\n\
         [webhooks]\nprivate_networks = [\"127.0.0.0/8\"]\n\
         [limits]\nsign_in_per_address_minute = {most}\nsign_in_per_user_minute = {most}\n\
         register_per_address_hour = {most}\nlanding_per_address_minute = {most}\n\
         [rates]\napi_per_key_minute = {most}\nusage_per_key_minute = {most}\npages_per_address_minute = {most}\n\
         [[seller]]\nid = \"alibaba\"\nisv_key = \"{KEY}\"\n[[seller.product]]\ncode = \"cmgj00063418\"\n\
         name = \"Example\"\nmarket_url = \"https://market.example.com/\"\nbill_url = \"https://bill.example.com/\"\n\
         [[seller.product.plan]]\nsku = \"cmgj00063418-postpay\"\nname = \"按量付费\"\nkind = \"postpay\"\n\
         [[seller.product.item]]\nkey = \"Period\"\nname = \"时长\"\nunit = \"Second\"\naggregate = \"sum\"\n",
        browserlike::PRODUCTION,
        place.join("gate.db").display()
    );
    let file = place.join("marketgate.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn report(soak: &Soak, samples: &[Sample], minutes: f64, has_backup: bool, is_written: bool) {
    let mut rows = vec![format!("| {minutes} minutes | done | p50 | p99 |"), "|---|---|---|---|".to_owned()];
    for (kind, took) in &mut *soak.took.lock().unwrap() {
        took.sort_unstable();
        let at = |part: usize| f64::from(took[(took.len() - 1) * part / 100]) / 1000.0;
        rows.push(format!("| {kind} | {} | {:.1} ms | {:.1} ms |", took.len(), at(50), at(99)));
    }
    let heard = soak.heard.load(Ordering::Relaxed);
    rows.push(format!("| webhooks delivered | {heard} |  |  |"));
    rows.push(format!("| put off with Retry-After, then done | {} |  |  |", soak.put_off.load(Ordering::Relaxed)));
    if !has_backup {
        rows.push("| backups | none in this run |  |  |".to_owned());
    }
    rows.push(String::new());
    rows.push("| median of | second quarter | last quarter |".to_owned());
    rows.push("|---|---|---|".to_owned());
    let mut row = |name: &str, figure: fn(&Sample) -> u64| {
        rows.push(format!("| {name} | {} | {} |", median(samples, 1, figure), median(samples, 3, figure)));
    };
    row("memory (RSS), KiB", |sample| sample.memory);
    row("open files", |sample| sample.files);
    row("database, KiB", |sample| sample.database);
    row("its log, KiB", |sample| sample.log);
    let table = rows.join("\n") + "\n";
    println!("{table}");
    if is_written {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(MARKS.0).expect("the place of the table");
        let (_, after) = rest.split_once(MARKS.1).expect("the end of the table");
        std::fs::write(path, format!("{before}{}{table}{}{after}", MARKS.0, MARKS.1)).unwrap();
    }
}

fn check(soak: &Soak, samples: &[Sample], database: &Path) {
    let grows = |figure: fn(&Sample) -> u64| (median(samples, 1, figure), median(samples, 3, figure));
    let (early, late) = grows(|sample| sample.memory);
    assert!(late <= early + early / 10 + SLACK_KIB, "memory grows from {early} to {late} KiB");
    let (early, late) = grows(|sample| sample.files);
    assert!(late <= early + SLACK_FILES, "open files grow from {early} to {late}");
    let db = rusqlite::Connection::open(database).unwrap();
    let number = |sql: &str| db.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    let counted = i64::try_from(soak.counted.load(Ordering::Relaxed)).unwrap();
    assert_eq!(number("SELECT sum(quantity) FROM record"), counted, "each event of usage counts once");
    assert!(soak.heard.load(Ordering::Relaxed) > 0, "webhooks arrive");
    assert_eq!(number("SELECT count(*) FROM delivery WHERE state = 'dead'"), 0);
    let sound: String = db.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}
