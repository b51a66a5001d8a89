//! A running gateway of one test: the real binary as a fixture, ended with the test.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};
use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

use crate::browserlike::Browser;

pub const OWNER: &str = "owner@example.com";
pub const MEMBER: &str = "member@example.com";
pub const BILLING: &str = "billing@example.com";
pub const PASSWORD: &str = "marketgate-demo";
pub const PRODUCT: &str = "cmgj00063418";
pub const PLAN: &str = "cmgj00063418-postpay";
pub const BUYER: &str = "1234567890125678";

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub struct World {
    child: Child,
    pub ready: Value,
    pub gateway: String,
    key: String,
    /// The second of the last link.
    linked: AtomicI64,
    /// Where it keeps its temporary files: one that is killed cannot remove them.
    _place: tempfile::TempDir,
}

impl World {
    /// A fixture with free ports in a place of its own.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A fixture on a file that outlives it.
    pub fn on(database: &Path) -> Self {
        Self::with(&["--database", database.to_str().unwrap()])
    }

    pub fn with(arguments: &[&str]) -> Self {
        Self::launch(arguments, |command| command)
    }

    /// The same, with more said to the command.
    pub fn launch(arguments: &[&str], more: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marketgate"));
        let place = tempfile::tempdir().unwrap();
        command
            .arg("fixture")
            .args(arguments)
            .env_remove("MARKETGATE_LOG")
            .env("TMPDIR", place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = more(&mut command).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no readiness line but {line:?}"));
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        Self { gateway: text("gateway"), key: text("isv_key"), ready, child, linked: AtomicI64::new(0), _place: place }
    }

    /// Ends it as a test does that goes away: its standard input closes.
    pub fn close(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }

    /// Ends it as a service manager does: SIGTERM.
    pub fn terminate(mut self) {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success() && self.child.wait().unwrap().success());
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as a power cut would, and starts again on the same file.
    pub fn cut_power(&mut self, database: &Path) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self = Self::on(database);
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn product_origin(&self) -> String {
        self.ready["product"].as_str().unwrap().to_owned()
    }

    /// A browser at the vendor's product.
    pub fn product(&self) -> Browser {
        Browser::new(&self.product_origin())
    }

    pub fn simulator_origin(&self) -> String {
        self.ready["simulator"].as_str().unwrap().to_owned()
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.gateway)
    }

    /// A browser in which somebody has signed in.
    pub fn signed_in(&self, email: &str) -> Browser {
        let browser = self.browser();
        browser.sign_in_as(email);
        browser
    }

    /// What was mailed, the newest first.
    pub fn mails(&self) -> Vec<Value> {
        let told: Value = serde_json::from_str(&get(&format!("{}/control/mail", self.simulator_origin())).1).unwrap();
        told["mails"].as_array().unwrap().clone()
    }

    /// The newest mail of a kind to somebody.
    pub fn mail(&self, email: &str, kind: &str) -> Value {
        let mails = self.mails();
        let found = mails.iter().find(|mail| mail["to"] == email && mail["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} to {email} in {mails:#?}")).clone()
    }

    /// The token of the newest link that asks an owner.
    pub fn mailed_approval(&self) -> String {
        behind(self.mail(OWNER, "approval_request")["body"].as_str().unwrap(), "/approvals/")
    }

    /// A query with its token, signed here by the published rule and not by the product's code.
    pub fn signed(&self, params: &[(&str, &str)]) -> String {
        query(params, &token(params, &self.key))
    }

    /// A call of the marketplace: status and body.
    pub fn spi(&self, params: &[(&str, &str)]) -> (u16, String) {
        self.spi_raw(&self.signed(params))
    }

    pub fn spi_raw(&self, query: &str) -> (u16, String) {
        get(&format!("{}/marketplace/alibaba/spi?{query}", self.gateway))
    }

    /// A purchase that was provisioned.
    pub fn buy(&self, instance: &str) {
        let (status, body) = self.spi(&create(instance));
        assert_eq!(status, 200, "{body}");
        assert!(body.contains(&format!("\"instanceId\":\"{instance}\"")), "{body}");
    }

    /// A fresh login-free link. Two of one second would be one token, so each is of another second: this one or the next
    /// that is free, so that however long a test takes none is old.
    pub fn link(&self, instance: &str) -> String {
        let now = now_secs();
        let last = self.linked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
        self.link_made(instance, (last.unwrap() + 1).max(now) - now)
    }

    /// A login-free link made so many seconds from now.
    pub fn link_made(&self, instance: &str, offset_secs: i64) -> String {
        let stamp = china_text(now_secs() + offset_secs);
        let query = self.signed(&[("action", "verify"), ("instanceId", instance), ("timeStamp", &stamp)]);
        format!("/marketplace/alibaba/login?{query}")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub fn create(instance: &str) -> Vec<(&str, &str)> {
    vec![
        ("action", "createInstance"),
        ("aliUid", BUYER),
        ("orderBizId", instance),
        ("orderId", "205060317920890"),
        ("productCode", PRODUCT),
        ("skuId", PLAN),
        ("trial", "false"),
    ]
}

pub fn token(params: &[(&str, &str)], key: &str) -> String {
    let mut sorted = params.to_vec();
    sorted.sort_unstable();
    let base: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let digest = Md5::digest(format!("{}&key={key}", base.join("&")).as_bytes());
    marketgate::crypto::hex(&digest)
}

pub fn query(params: &[(&str, &str)], token: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params);
    query.append_pair("token", token);
    query.finish()
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(PATIENCE))
        // The server ends what is idle for five seconds: a connection that is about to be is not used again.
        .max_idle_age(Duration::from_secs(2))
        .build()
        .into()
}

pub fn get(url: &str) -> (u16, String) {
    let mut response = agent().get(url).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "a test has no clock of its own")]
pub fn now_secs() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// `yyyy-MM-dd HH:mm:ss` in China Standard Time.
pub fn china_text(secs: i64) -> String {
    let at = jiff::Timestamp::from_second(secs).unwrap().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A port of one's own at which nobody answers, until [`listen`].
pub fn silent() -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.into()
}

pub fn listen(silent: &TcpListener) {
    SockRef::from(silent).listen(64).unwrap();
}

/// What stands behind this part of an address in a text.
pub fn behind(text: &str, path: &str) -> String {
    let rest = text.split(path).nth(1).unwrap_or_else(|| panic!("no {path} in {text}"));
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

/// Asks until the answer is there.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::yield_now();
    }
}

impl World {
    /// Buys and binds as a person who signs in; the organization's id.
    pub fn bind(&self, instance: &str, email: &str, organization: &str) -> String {
        self.buy(instance);
        let browser = self.browser();
        let page = browser.open_link(&self.link(instance));
        let claim = page.path.clone();
        let page = browser.sign_in(&page, email, PASSWORD);
        let choice =
            page.choice(organization).unwrap_or_else(|| panic!("{organization} cannot be chosen on {}", page.h1()));
        browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &choice));
        until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
        self.organization(organization)
    }

    /// The id of an organization of the seed.
    pub fn organization(&self, name: &str) -> String {
        self.rows(&format!("SELECT id FROM organization WHERE name = '{name}'")).remove(0)
    }

    /// The first column of every row, as text. Looks at the file beside the running gateway.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let db = self.database();
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map((), |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        rows.map(|value| match value.unwrap() {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => panic!("{other:?}"),
        })
        .collect()
    }

    /// Makes a fact that no page can make yet.
    pub fn execute(&self, sql: &str) {
        self.database().execute(sql, ()).unwrap();
    }

    fn database(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.ready["database"].as_str().unwrap()).unwrap();
        db.busy_timeout(PATIENCE).unwrap();
        db
    }
}
