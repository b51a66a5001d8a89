//! `marketgate doctor`: what it finds in a file that somebody broke, and that it changes nothing.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::{KEY, configure, configure_with, marketgate, says};
use crate::sink::Api;
use crate::world::{OWNER, World, now_secs};

const HOUR: i64 = 3_600_000;

/// What is found in a file that is well.
const HINTS: [&str; 2] = ["no_backups", "mail_off"];

/// A file with a binding, an audit log and usage, and the settings of a gateway on it.
struct Patient {
    place: tempfile::TempDir,
    config: String,
}

impl Patient {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let world = World::on(&place.path().join("gate.db"));
        let organization = world.bind("86040001", OWNER, "云帆数据");
        let at = jiff::Timestamp::from_second(now_secs() + 1).unwrap();
        assert_eq!(Api::of(&world).use_some(&organization, "1", ("Period", 60), at).0, 200);
        world.execute("UPDATE alarm SET cleared_at = 1");
        let config = configure(place.path(), "https://gate.example.com", KEY);
        private(Path::new(&config));
        let patient = Self { place, config };
        // While it runs.
        assert_eq!(patient.findings(&[]), (Some(0), HINTS.map(str::to_owned).to_vec()));
        world.terminate();
        patient
    }

    fn database(&self) -> PathBuf {
        self.place.path().join("gate.db")
    }

    fn sql(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.database()).unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        db.execute_batch(sql).unwrap();
    }

    fn findings(&self, more: &[&str]) -> (Option<i32>, Vec<String>) {
        let (code, said) =
            says(marketgate(&[&["doctor", "--config", &self.config, "--json", "--offline"], more].concat()));
        let told: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("no JSON: {said}"));
        (code, codes(&told))
    }

    /// That a change of rows is found, as this and nothing else, and is over when it is undone.
    fn finds(&self, expected: &str, change: &str, undo: &str) {
        self.sql(change);
        let (code, found) = self.findings(&[]);
        assert_eq!(found, [HINTS[0], expected, HINTS[1]], "{change}");
        assert_eq!(code, Some(1), "{expected}");
        self.sql(undo);
        assert_eq!(self.findings(&[]).0, Some(0), "{expected} was undone");
    }
}

fn codes(told: &Value) -> Vec<String> {
    let findings = told["checks"].as_array().unwrap().iter().flat_map(|check| check["findings"].as_array().unwrap());
    findings
        .map(|one| {
            assert!(!one["what"].as_str().unwrap().is_empty() && !one["remedy"].as_str().unwrap().is_empty());
            one["code"].as_str().unwrap().to_owned()
        })
        // How full the disk of the tests is does not matter here.
        .filter(|code| !code.starts_with("disk_"))
        .collect()
}

fn private(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A record like the one that there is, with other columns.
fn record(hours_ago: i64, item: &str, aggregate: &str, state: &str, due_in: i64) -> String {
    let now = now_secs() * 1000;
    let hour = now - now.rem_euclid(HOUR) - hours_ago * HOUR;
    format!(
        "INSERT INTO record (organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item, aggregate, cycle,
           hour_at, until_at, part, quantity, events, state, seals_at, due_by, created_at, updated_at)
         SELECT organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, '{item}', '{aggregate}', 'hour',
           {hour}, {}, 'regular', 0, 0, '{state}', {hour}, {}, created_at, {now} FROM record LIMIT 1;",
        hour + HOUR,
        now + due_in,
    )
}

#[test]
fn each_thing_that_was_broken_is_found_with_what_to_do() {
    let patient = Patient::new();
    let ago = |hours| record(hours, "Storage", "max", "waived", 0).replace("'waived'", "'accepted'");
    let forget = "DELETE FROM record WHERE events = 0;";
    patient.finds(
        "unbalanced",
        "UPDATE record SET quantity = quantity + 1",
        "UPDATE record SET quantity = quantity - 1",
    );
    patient.finds("unbalanced", "UPDATE usage_event SET record_id = 99", "UPDATE usage_event SET record_id = 1");
    patient.sql("UPDATE binding SET live_at = live_at - 100000000");
    patient.finds("gauge_hole", &[ago(5), ago(3), ago(2), ago(1)].concat(), forget);
    patient.finds("gauge_hole", &[ago(6), ago(5)].concat(), forget);
    patient.sql(&[ago(3), ago(2), ago(1)].concat());
    assert_eq!(patient.findings(&[]).0, Some(0), "each hour was told of");
    patient.sql(forget);
    patient.finds("at_risk", &record(2, "Period", "sum", "sealed", 600_000), forget);
    patient.finds("held", &record(2, "Period", "sum", "unknown", 0), forget);
    patient.finds("lost", &record(2, "Period", "sum", "missed", 0), forget);
    patient.finds("lost", &record(2, "Period", "sum", "rejected", 0), forget);
    patient.finds(
        "push_stopped",
        "INSERT INTO push_stop VALUES ('alibaba', 'k', 'Permission.Denied', 1)",
        "DELETE FROM push_stop",
    );
    patient.finds(
        "dead_jobs",
        "INSERT INTO job (kind, key, due_at, dead_at) VALUES ('mail.send', '7', 1, 1)",
        "DELETE FROM job WHERE dead_at IS NOT NULL",
    );
    let webhook = "INSERT INTO webhook (id, url, secret, cursor, created_at, disabled_at, disabled_reason) VALUES ('w', 'https://x.example/', '', 0, 1, 1, 'failing');";
    patient.finds("disabled_webhooks", webhook, "DELETE FROM webhook");
    patient.finds(
        "dead_deliveries",
        &format!(
            "{webhook} UPDATE webhook SET disabled_at = NULL, disabled_reason = NULL;
                  INSERT INTO delivery (webhook_id, state, created_at, ended_at) VALUES ('w', 'dead', 1, 1);"
        ),
        "DELETE FROM delivery; DELETE FROM webhook;",
    );
    patient.finds(
        "alarm",
        "INSERT INTO alarm (kind, subject, raised_at, last_at) VALUES ('overdue', 's', 1, 1)",
        "DELETE FROM alarm",
    );
    patient.finds(
        "no_operator",
        "UPDATE user SET disabled_at = 1 WHERE is_operator = 1",
        "UPDATE user SET disabled_at = NULL",
    );
    patient.finds(
        "dangling",
        "INSERT INTO member VALUES ('nowhere', 'nobody', 'owner', 1)",
        "DELETE FROM member WHERE user_id = 'nobody'",
    );
    patient.finds(
        "audit_chain",
        "DROP TRIGGER audit_is_never_changed; UPDATE audit SET at = at + 1 WHERE id = 1;",
        "UPDATE audit SET at = at - 1 WHERE id = 1;",
    );
    let index = |columns| {
        format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX member_by_user ON member ({columns})' WHERE name = 'member_by_user';"
        )
    };
    patient.finds("damaged", &index("role"), &index("user_id"));
}

#[test]
fn files_that_do_not_fit_or_are_open_to_others_are_named() {
    let patient = Patient::new();
    let found = |expected: &str| {
        let (code, found) = patient.findings(&[]);
        assert!(code == Some(1) && found.contains(&expected.to_owned()), "{expected}: {found:?}");
    };
    for path in [patient.database(), patient.place.path().join("gate.db.key"), PathBuf::from(&patient.config)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        found("readable");
        private(&path);
    }
    std::fs::set_permissions(patient.place.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    found("writable");
    std::fs::set_permissions(patient.place.path(), std::fs::Permissions::from_mode(0o700)).unwrap();

    let key = patient.place.path().join("gate.db.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, [7; 32]).unwrap();
    found("other_master_key");
    std::fs::write(&key, [7; 31]).unwrap();
    found("no_master_key");
    std::fs::write(&key, right).unwrap();

    for (version, code) in [(1, "older_schema"), (99, "newer_schema"), (0, "foreign")] {
        patient.sql(&format!("PRAGMA user_version = {version}"));
        found(code);
    }
    std::fs::write(patient.database(), "dear diary, ".repeat(100)).unwrap();
    found("unreadable");
    let (code, said) = says(marketgate(&["doctor", "--config", "/nowhere.toml", "--json"]));
    assert!(code == Some(1) && said.contains("/nowhere.toml"), "{said}");
    configure(patient.place.path(), "http://gate.example.com", KEY);
    found("settings");
}

#[test]
fn it_speaks_both_languages_and_leaves_the_file_as_it_was() {
    let patient = Patient::new();
    let before = std::fs::read(patient.database()).unwrap();
    let speak = |lang| says(marketgate(&["doctor", "--config", &patient.config, "--offline", "--lang", lang]));
    let (code, said) = speak("zh");
    assert!(code == Some(0) && said.contains("✓ 用量守恒") && said.contains("一切正常"), "{said}");
    let (code, said) = speak("en");
    assert!(code == Some(0) && said.contains("✓ conservation of usage") && said.contains("All is well"), "{said}");
    assert_eq!(std::fs::read(patient.database()).unwrap(), before);
    // Nor is the log of a process that was killed folded in.
    let db = rusqlite::Connection::open(patient.database()).unwrap();
    db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    db.execute("UPDATE user SET name = name || '.'", ()).unwrap();
    drop(db);
    let files = || ["gate.db", "gate.db-wal"].map(|name| std::fs::read(patient.place.path().join(name)).unwrap());
    let before = files();
    assert!(!before[1].is_empty());
    assert_eq!(speak("en").0, Some(0));
    assert!(files() == before, "the file and its log are as they were");
    // A place without any database: nothing is made there.
    let empty = tempfile::tempdir().unwrap();
    let config = configure(empty.path(), "https://gate.example.com", KEY);
    let (code, said) = says(marketgate(&["doctor", "--config", &config, "--offline"]));
    assert!(code == Some(1), "{said}");
    assert!(!empty.path().join("gate.db").exists());
}

/// Answers every request with this date.
pub fn marketplace(date: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (origin, date) = (format!("http://{}", listener.local_addr().unwrap()), date.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _head = stream.read(&mut [0; 1024]).unwrap();
            write!(stream, "HTTP/1.1 400 Bad\r\ndate: {date}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
        }
    });
    origin
}

#[test]
fn the_marketplaces_clock_and_the_mail_server_are_asked() {
    // Nobody listens there.
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let asked = |origin: &str| {
        let place = tempfile::tempdir().unwrap();
        let mail =
            format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"a@b.example\"\n", nobody.port());
        let config = configure_with(place.path(), "https://gate.example.com", KEY, &mail);
        let text = std::fs::read_to_string(&config).unwrap();
        let seller =
            format!("[[seller]]\nopenapi_url = \"{origin}\"\naccess_key_id = \"k\"\naccess_key_secret = \"s\"\n");
        std::fs::write(&config, text.replace("[[seller]]\n", &seller)).unwrap();
        let (code, said) = says(marketgate(&["doctor", "--config", &config, "--json"]));
        assert_eq!(code, Some(1), "{said}");
        let found = codes(&serde_json::from_str(&said).unwrap());
        assert!(found.contains(&"mail_server".to_owned()), "{said}");
        (found, said)
    };
    let (found, said) = asked(&format!("http://{nobody}"));
    assert!(found.contains(&"unreachable".to_owned()), "{said}");
    let two_hours_ago = jiff::Timestamp::from_second(now_secs() - 7200).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT");
    let (found, said) = asked(&marketplace(&two_hours_ago.to_string()));
    let told: Value = serde_json::from_str(&said).unwrap();
    let checks = told["checks"].as_array().unwrap().iter().flat_map(|check| check["findings"].as_array().unwrap());
    let what = checks.filter(|one| one["code"] == "clock").map(|one| one["what"].as_str().unwrap()).next().unwrap();
    let mut numbers = what.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u32>().ok());
    assert!(found.contains(&"clock".to_owned()) && numbers.any(|secs| (7190..=7260).contains(&secs)), "{what}");
    let now = jiff::Timestamp::from_second(now_secs()).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT");
    let (found, said) = asked(&marketplace(&now.to_string()));
    assert!(!found.contains(&"clock".to_owned()) && !found.contains(&"unreachable".to_owned()), "{said}");
}
