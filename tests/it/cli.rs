//! The commands: what they refuse, and how production starts and stops.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::world::{PASSWORD, World, create, get, query, token};

pub const KEY: &str = "a-key-of-the-seller-0123456789";
const FORMER: &str = "the-key-before-the-rotation-01";

pub fn marketgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marketgate"));
    command.args(arguments).env_remove("MARKETGATE_LOG").stdin(Stdio::null());
    // Several of them run at once, and the usual port is one.
    command.env("MARKETGATE_METRICS_LISTEN", "127.0.0.1:0");
    command
}

/// A production configuration in a place of its own.
pub fn configure(place: &Path, public_url: &str, key: &str) -> String {
    configure_with(place, public_url, key, "")
}

/// The same, with more tables.
pub fn configure_with(place: &Path, public_url: &str, key: &str, more: &str) -> String {
    let text = format!(
        "public_url = \"{public_url}\"\nlisten = \"127.0.0.1:0\"\ndatabase = \"{}\"\n[accounts]\nunverified = \"accept\"\n{more}[[seller]]\nid = \"alibaba\"\nisv_key = \"{key}\"\nisv_key_previous = \"{FORMER}\"\n[[seller.product]]\ncode = \"cmgj00063418\"\nname = \"Example\"\nmarket_url = \"https://market.example.com/\"\nbill_url = \"https://bill.example.com/\"\n",
        place.join("gate.db").display()
    );
    let file = place.join("marketgate.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A production configuration, and what `init` makes for it.
pub fn initialized(place: &Path) -> String {
    let file = configure(place, "https://gate.example.com", KEY);
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
    file
}

pub fn says(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr),
    )
}

/// Whether files can be given to other users here, which nobody but root can.
#[expect(clippy::print_stderr, reason = "whoever runs it should know that a part was left out")]
pub fn can_give_away(file: &Path) -> bool {
    let is_root = std::fs::metadata(file).unwrap().uid() == 0;
    if !is_root {
        eprintln!("nobody but root gives files away: what follows from their owners is left out");
    }
    is_root
}

#[test]
fn an_unsafe_setting_is_refused_with_a_sentence() {
    let place = tempfile::tempdir().unwrap();
    for (url, key, said) in [
        ("http://gate.example.com", KEY, "https"),
        ("https://gate.example.com", "short", "shorter"),
        ("https://gate.example.com", "demo-isv-key-not-for-production", "demo"),
    ] {
        let file = configure(place.path(), url, key);
        let (code, text) = says(marketgate(&["serve", "--config", &file]));
        assert!(code == Some(1) && text.contains(said), "{text}");
    }
    let file = configure(place.path(), "https://gate.example.com", KEY);
    let (code, text) = says(marketgate(&["serve", "--config", &file]));
    assert!(
        code == Some(1) && text.contains("gate.db.key") && text.contains("`marketgate init`"),
        "without a master key: {text}"
    );
    assert!(
        says(marketgate(&["config", "check", "--config", &file])).1.contains("`marketgate init`"),
        "told before the start"
    );
    assert_eq!(says(marketgate(&["serve", "--nonsense"])).0, Some(2));
    let (code, text) = says(marketgate(&["config", "show", "--config", &file]));
    assert!(code == Some(0) && text.contains("[hidden]") && !text.contains(KEY), "{text}");
    let (code, text) = says(marketgate(&["config", "example"]));
    assert!(code == Some(0) && text.contains("isv_key_file"));
}

/// `serve` in production settings: its process, its address, and what it told of its listeners.
pub struct Serving(pub Child, pub String, pub Value, Option<JoinHandle<String>>);

impl Serving {
    pub fn start(file: &str) -> Self {
        Self::start_with(file, |command| command)
    }

    /// The same, with more said to the command.
    pub fn start_with(file: &str, more: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = marketgate(&["serve", "--config", file, "--listen", "127.0.0.1:0"]);
        let mut child = more(command.stderr(Stdio::piped())).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut log = String::new();
        let told = lines.find_map(|line| {
            log.extend([line.as_str(), "\n"]);
            let told: Value = serde_json::from_str(&line).unwrap_or_default();
            (told["fields"]["message"] == "serving").then(|| told["fields"].clone())
        });
        let told = told.unwrap_or_else(|| panic!("it never served: {log}"));
        let url = format!("http://{}", told["listen"].as_str().unwrap());
        let rest = std::thread::spawn(move || lines.fold(log, |log, line| log + &line + "\n"));
        Self(child, url, told, Some(rest))
    }

    /// Ends it as a power cut would; everything that it logged.
    pub fn kill(mut self) -> String {
        self.0.kill().unwrap();
        self.3.take().unwrap().join().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn production_starts_answers_both_keys_and_stops_in_order() {
    let place = tempfile::tempdir().unwrap();
    let file = initialized(place.path());
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(1), "never over an old key");
    assert_eq!(says(marketgate(&["config", "check", "--config", &file])).0, Some(0));
    let mut serving = Serving::start(&file);
    let call = |key: &str, instance: &str| {
        get(&format!(
            "{}/marketplace/alibaba/spi?{}",
            serving.1,
            query(&create(instance), &token(&create(instance), key))
        ))
    };
    assert_eq!((call(KEY, "1").0, call(FORMER, "2").0, call("another-key-0123456789", "3").0), (200, 200, 403));
    // None of what demos may do is here (rules D4).
    for path in ["/control", "/control/clock", "/control/mail", "/console/services"] {
        assert_eq!(get(&format!("{}{path}", serving.1)).0, 404, "{path}");
    }
    // The demo's people are not either.
    let browser = crate::browserlike::Browser::new(&serving.1);
    let page = browser.get("/login");
    assert!(page.headers["strict-transport-security"].contains("max-age"));
    assert!(
        page.headers["set-cookie"].starts_with("__Host-mg_browser=") && page.headers["set-cookie"].contains("Secure")
    );
    assert_eq!(browser.sign_in(&page, "owner@example.com", PASSWORD).status, 422);
    // No mail server is configured, so the page names support instead of offering a form that leads nowhere.
    let forgot = browser.get("/password/forgot");
    assert!(forgot.find_form("/password/forgot").is_none() && forgot.has("support@example.com"), "{}", forgot.html);
    // A second process on the same file is told who holds it (rules D1).
    let (code, text) = says(marketgate(&["serve", "--config", &file]));
    assert!(code == Some(1) && text.contains(&serving.0.id().to_string()), "{text}");
    assert!(says(marketgate(&["migrate", "--status", "--config", &file])).1.contains("up to date"));
    Command::new("kill").arg(serving.0.id().to_string()).status().unwrap();
    assert!(serving.0.wait().unwrap().success(), "SIGTERM ends it in order");
    let wal = place.path().join("gate.db-wal");
    assert!(!wal.exists() || wal.metadata().unwrap().len() == 0, "the log is folded in");
    let db = rusqlite::Connection::open(place.path().join("gate.db")).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM subscription", (), |row| row.get::<_, i64>(0)).unwrap(), 2);
    drop(db);
    // A file of another version is refused with the way out.
    rusqlite::Connection::open(place.path().join("gate.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let (code, text) = says(marketgate(&["serve", "--config", &file]));
    assert!(code == Some(1) && text.contains("99"), "{text}");
}

#[test]
fn a_fixture_leaves_nothing_behind_when_its_input_closes() {
    let world = World::start();
    let place = Path::new(world.ready["database"].as_str().unwrap()).parent().unwrap().to_owned();
    assert!(place.exists());
    world.close();
    assert!(!place.exists());
}

#[test]
fn a_taken_port_gets_a_clear_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("demo.db");
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = says(marketgate(&[
        "demo",
        "--database",
        database.to_str().unwrap(),
        "--listen",
        &address,
        "--simulator-listen",
        "127.0.0.1:0",
        "--product-listen",
        "127.0.0.1:0",
    ]));
    assert!(code == Some(1) && text.contains(&address), "{text}");
    let (code, text) = says(marketgate(&["demo", "--database", database.to_str().unwrap(), "--listen", "0.0.0.0:0"]));
    assert!(code == Some(1) && text.contains("127.0.0.1 only"), "{text}");
}
