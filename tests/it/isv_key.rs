//! The keys with which the marketplace signs its calls: changed without a restart and without a refused call.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::cli::{Serving, can_give_away, configure, marketgate, says};
use crate::socket::{socket_of, tell};
use crate::world::{World, create, get, now_secs, query, token, until};

const FIRST: &str = "the-first-key-of-the-seller-01";
const SECOND: &str = "the-second-key-of-the-seller-2";
const THIRD: &str = "the-third-key-of-the-seller-03";

/// A production configuration whose keys are in files.
struct Place {
    _directory: tempfile::TempDir,
    config: String,
    current: PathBuf,
    previous: PathBuf,
}

fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = configure(directory.path(), "https://gate.example.com", FIRST);
        let (current, previous) = (directory.path().join("isv.key"), directory.path().join("isv.previous"));
        let text = std::fs::read_to_string(&config).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("isv_key"));
        let mut text = lines.collect::<Vec<_>>().join("\n");
        text = text.replace(
            "id = \"alibaba\"",
            &format!(
                "id = \"alibaba\"\nisv_key_file = \"{}\"\nisv_key_previous_file = \"{}\"",
                current.display(),
                previous.display()
            ),
        );
        std::fs::write(&config, text).unwrap();
        write_private(&current, FIRST);
        write_private(&previous, "");
        assert_eq!(says(marketgate(&["init", "--config", &config])).0, Some(0));
        Self { _directory: directory, config, current, previous }
    }

    fn rotate(&self, key: &str) -> Output {
        let mut command = marketgate(&["isv-key", "rotate", "--config", &self.config]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // What is refused for another reason may not be read at all.
        let _unread = std::io::Write::write_all(&mut child.stdin.take().unwrap(), key.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn drop_previous(&self) -> (Option<i32>, String) {
        says(marketgate(&["isv-key", "drop-previous", "--config", &self.config]))
    }

    fn files(&self) -> [String; 2] {
        [&self.current, &self.previous].map(|path| std::fs::read_to_string(path).unwrap().trim().to_owned())
    }
}

/// What a call that is signed with a key is answered.
fn call(serving: &Serving, key: &str, instance: &str) -> u16 {
    let params = create(instance);
    get(&format!("{}/marketplace/alibaba/spi?{}", serving.1, query(&params, &token(&params, key)))).0
}

fn accepted(serving: &Serving) -> [u16; 3] {
    [FIRST, SECOND, THIRD].map(|key| call(serving, key, "1"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_rotation_puts_the_new_key_in_force_at_once_and_no_call_is_refused_meanwhile() {
    let place = Place::new();
    let serving = Serving::start(&place.config);
    assert_eq!(accepted(&serving), [200, 403, 403]);
    let (is_over, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(call(&serving, FIRST, "2"), 200, "the present key, before, during and after");
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
        until("some calls", || (calls.load(Ordering::Relaxed) > 5).then_some(()));
        let output = place.rotate(SECOND);
        assert!(output.status.success(), "{}", text(&output));
        assert!(!text(&output).contains(SECOND) && !text(&output).contains(FIRST), "{}", text(&output));
        let so_far = calls.load(Ordering::Relaxed);
        until("some more", || (calls.load(Ordering::Relaxed) > so_far + 5).then_some(()));
        is_over.store(true, Ordering::Relaxed);
        caller.join().unwrap();
    });
    assert_eq!(accepted(&serving), [200, 200, 403]);
    assert_eq!(place.files(), [SECOND, FIRST]);
    for path in [&place.current, &place.previous] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // The next rotation ends the first key.
    assert!(place.rotate(THIRD).status.success());
    assert_eq!(accepted(&serving), [403, 200, 200]);
    // Every key that was seen is told apart and none is told.
    let (code, list) = says(marketgate(&["isv-key", "list", "--config", &place.config]));
    assert!(code == Some(0) && list.contains("current") && list.contains("previous"), "{list}");
    assert!(!list.contains("-key-of-the-seller"), "{list}");
    let database = place.current.with_file_name("gate.db");
    let db = rusqlite::Connection::open(database).unwrap();
    let changes: i64 =
        db.query_row("SELECT count(*) FROM audit WHERE action = 'seller.keys_changed'", (), |row| row.get(0)).unwrap();
    assert_eq!(changes, 2);
    // And one is ended without another.
    let (code, said) = place.drop_previous();
    assert!(code == Some(0) && said.contains("current") && !said.contains("previous  "), "{said}");
    assert_eq!(accepted(&serving), [403, 403, 200]);
    assert_eq!(place.files(), [THIRD, ""]);
    let (code, said) = place.drop_previous();
    assert!(code == Some(1) && said.contains("no previous key"), "{said}");
    until("the uses of all three", || {
        let marks: i64 = db.query_row("SELECT count(*) FROM isv_key_use", (), |row| row.get(0)).unwrap();
        (marks == 3).then_some(())
    });
}

#[test]
fn the_files_are_read_again_at_a_signal_and_what_is_wrong_with_them_changes_nothing() {
    let place = Place::new();
    let serving = Serving::start(&place.config);
    let hang_up =
        || assert!(Command::new("kill").args(["-HUP", &serving.0.id().to_string()]).status().unwrap().success());
    write_private(&place.current, SECOND);
    assert_eq!(accepted(&serving), [200, 403, 403], "not before it is told");
    hang_up();
    until("the new key", || (accepted(&serving) == [403, 200, 403]).then_some(()));
    // Too short for production, or open to everybody on this machine: refused, and the key of before stays.
    let database = place.current.with_file_name("gate.db");
    for (text, mode, said) in [("short", 0o600, "shorter"), (THIRD, 0o644, "chmod 600")] {
        write_private(&place.current, text);
        std::fs::set_permissions(&place.current, std::fs::Permissions::from_mode(mode)).unwrap();
        let told = tell(&socket_of(&database), b"{\"command\":\"isv_key\",\"with\":\"reload\"}\n");
        assert!(told["failed"].as_str().is_some_and(|why| why.contains(said)), "{told}");
        assert_eq!(accepted(&serving), [403, 200, 403]);
    }
    write_private(&place.current, THIRD);
    write_private(&place.previous, SECOND);
    hang_up();
    until("both", || (accepted(&serving) == [403, 200, 200]).then_some(()));
}

#[test]
fn a_key_that_cannot_be_right_is_refused_and_no_file_is_touched() {
    let place = Place::new();
    for (key, said) in [
        ("short", "shorter"),
        ("two keys of a seller in one file", "blank"),
        (FIRST, "in force already"),
        ("demo-isv-key-not-for-production", "demo"),
    ] {
        let output = place.rotate(key);
        assert!(!output.status.success() && text(&output).contains(said), "{key}: {}", text(&output));
        assert_eq!(place.files(), [FIRST, ""], "{key}");
    }
    // Nobody serves: both are in force from the start on.
    assert!(place.rotate(SECOND).status.success());
    let serving = Serving::start(&place.config);
    assert_eq!(accepted(&serving), [200, 200, 403]);
    // Keys that stand in the configuration itself are not this command's.
    let plain = configure(place.current.parent().unwrap(), "https://gate.example.com", FIRST);
    let output = place.rotate(THIRD);
    assert!(plain == place.config && text(&output).contains("isv_key_file"), "{}", text(&output));
}

/// As the gateway's user leaves them: root, who runs the command, must not take them away.
#[test]
fn the_files_stay_their_owners_when_root_rotates() {
    let place = Place::new();
    if !can_give_away(&place.current) {
        return;
    }
    for path in [&place.current, &place.previous] {
        chown(path, Some(10_001), Some(10_002)).unwrap();
    }
    std::fs::set_permissions(&place.previous, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(place.rotate(SECOND).status.success());
    for (path, mode) in [(&place.current, 0o600), (&place.previous, 0o640)] {
        let found = std::fs::metadata(path).unwrap();
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (10_001, 10_002, mode));
    }
    assert_eq!(place.files(), [SECOND, FIRST]);
}

#[test]
fn files_that_the_gateways_user_could_not_read_are_not_written() {
    let place = Place::new();
    let database = place.current.with_file_name("gate.db");
    drop(Serving::start(&place.config));
    if !can_give_away(&place.current) {
        return;
    }
    chown(&database, Some(10_001), Some(10_001)).unwrap();
    chown(&place.current, Some(10_001), None).unwrap();
    let output = place.rotate(SECOND);
    assert!(!output.status.success() && text(&output).contains("isv.previous cannot be read"), "{}", text(&output));
    assert_eq!(place.files(), [FIRST, ""]);
    chown(&place.previous, Some(10_001), None).unwrap();
    // Nor is a lock left that would be root's.
    let lock = place.current.with_file_name("gate.db.lock");
    std::fs::remove_file(&lock).unwrap();
    assert!(place.rotate(SECOND).status.success());
    assert_eq!(place.files(), [SECOND, FIRST]);
    assert!(!lock.exists());
}

#[test]
fn a_previous_key_that_was_forgotten_is_found() {
    let place = Place::new();
    let found = || says(marketgate(&["doctor", "--offline", "--json", "--config", &place.config])).1;
    let age = |days: i64| {
        let then = jiff::Timestamp::from_second(now_secs() - days * 24 * 60 * 60 - 60).unwrap();
        std::fs::File::options().append(true).open(&place.previous).unwrap().set_modified(then.into()).unwrap();
    };
    age(40);
    assert!(!found().contains("previous_key"), "there is none");
    write_private(&place.previous, SECOND);
    age(29);
    assert!(!found().contains("previous_key"));
    age(40);
    assert!(found().contains("previous_key") && found().contains("drop-previous"), "{}", found());
}

/// With the settings that are shipped, and the files that the guide has made.
#[test]
fn an_installation_that_follows_the_guide_can_rotate() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let example = std::fs::read_to_string(deploy.join("marketgate.example.toml")).unwrap();
    let guide = std::fs::read_to_string(deploy.join("../docs/deploy.md")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let here = |path: &str| directory.path().join(path.trim_start_matches('/'));
    for path in ["/var/lib/marketgate", "/etc/marketgate"] {
        std::fs::create_dir_all(here(path)).unwrap();
    }
    let mut made = Vec::new();
    for line in guide.lines().filter_map(|line| line.strip_prefix("install -m ")) {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
        let [.., from, to] = words[..] else { panic!("{line}") };
        write_private(&here(to), if from == "/dev/null" { "" } else { FIRST });
        // What the gateway replaces is in its own place and its own.
        let is_key = to.contains("/isv");
        assert_eq!(is_key, to.starts_with("/var/lib/marketgate/") && line.contains("-o marketgate "), "{line}");
        made.push(to);
    }
    let named: Vec<&str> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once("_file = \"").map(|(_, rest)| rest.split('"').next().unwrap()))
        .collect();
    let sorted = |mut paths: Vec<&str>| {
        paths.sort_unstable();
        paths.join(" ")
    };
    assert_eq!(sorted(named), sorted(made), "the settings name what the guide makes");
    let config = here("/etc/marketgate/marketgate.toml");
    let at = |path: &str| (format!("\"{path}"), format!("\"{}", here(path).display()));
    let ((lib, lib_here), (etc, etc_here)) = (at("/var/lib/marketgate"), at("/etc/marketgate"));
    std::fs::write(&config, example.replace(&lib, &lib_here).replace(&etc, &etc_here)).unwrap();
    let config = config.display().to_string();
    assert_eq!(says(marketgate(&["init", "--config", &config])).0, Some(0));
    let [current, previous] = ["isv.key", "isv-previous.key"].map(|name| here("/var/lib/marketgate").join(name));
    let place = Place { _directory: directory, config, current, previous };
    let output = place.rotate(SECOND);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(place.files(), [SECOND, FIRST]);
}

#[test]
fn operators_see_when_a_key_last_verified_a_call_and_never_the_key() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(world.ready["operator"]["email"].as_str().unwrap());
    assert!(browser.get("/operator/keys").has("还没有"));
    world.buy("1");
    until("the use", || (world.rows("SELECT count(*) FROM isv_key_use") == ["1"]).then_some(()));
    let page = browser.get("/operator/keys");
    let mark = world.rows("SELECT mark FROM isv_key_use").remove(0);
    assert!(
        page.has("安全密钥与 AccessKey") && page.has(&mark) && page.has("当前安全密钥") && !page.has("还没有"),
        "{}",
        page.html
    );
    assert!(!page.html.contains(world.ready["isv_key"].as_str().unwrap()));
    // After a reset it is written anew.
    let reset = crate::world::agent().post(format!("{}/control/reset", world.simulator_origin())).send_empty();
    assert_eq!(reset.unwrap().status(), 200);
    assert_eq!(world.rows("SELECT count(*) FROM isv_key_use"), ["0"]);
    world.buy("1");
    until("the use after a reset", || (world.rows("SELECT count(*) FROM isv_key_use") == ["1"]).then_some(()));
}

#[test]
fn another_access_key_is_noted_and_its_id_is_not() {
    let place = Place::new();
    let text = std::fs::read_to_string(&place.config).unwrap();
    let configure = |id: &str| {
        let more = format!(
            "access_key_id = \"{id}\"\naccess_key_secret = \"a-secret\"\nopenapi_url = \"https://127.0.0.1:1\""
        );
        write_private(
            Path::new(&place.config),
            &text.replace("id = \"alibaba\"", &format!("id = \"alibaba\"\n{more}")),
        );
    };
    configure("LTAI5tTheFirstKeyOfAll1111");
    let serving = Serving::start(&place.config);
    configure("LTAI5tTheSecondKeyOfAll2222");
    let told =
        tell(&socket_of(&place.current.with_file_name("gate.db")), b"{\"command\":\"isv_key\",\"with\":\"reload\"}\n");
    assert!(told["failed"].is_null(), "{told}");
    let db = rusqlite::Connection::open(place.current.with_file_name("gate.db")).unwrap();
    let noted: String = db
        .query_row("SELECT before || after FROM audit WHERE action = 'seller.keys_changed'", (), |row| row.get(0))
        .unwrap();
    assert!(noted.contains("LTAI****1111") && noted.contains("LTAI****2222") && !noted.contains("KeyOfAll"), "{noted}");
    drop(serving);
}
