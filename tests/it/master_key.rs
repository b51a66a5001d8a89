//! Another master key in the place of the present one (rules D5).

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::cli::{KEY, configure, marketgate, says};
use crate::second_factor::{App, turn_on};
use crate::world::{OWNER, PASSWORD, World, agent};

/// A file with something in it that is sealed: a second factor, a webhook, mails, an answer that may be asked for again.
struct Place {
    directory: tempfile::TempDir,
    config: String,
    app: App,
    codes: Vec<String>,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = World::on(&directory.path().join("gate.db"));
        let browser = world.browser();
        browser.sign_in_as(OWNER);
        let (app, codes) = turn_on(&browser);
        assert_eq!(add_webhook(&world).0, 201);
        world.terminate();
        let config = configure(directory.path(), "https://gate.example.com", KEY);
        Self { directory, config, app, codes }
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("gate.db")
    }

    fn key(&self, ending: &str) -> PathBuf {
        self.directory.path().join(format!("gate.db.key{ending}"))
    }

    fn rotate(&self, more: &[&str]) -> (Option<i32>, String) {
        says(marketgate(&[&["master-key", "rotate", "--config", &self.config], more].concat()))
    }

    /// Everything that was sealed still opens.
    fn check(&self, code: usize) {
        let world = World::on(&self.database());
        let browser = world.browser();
        let page = browser.sign_in(&browser.get("/login"), OWNER, PASSWORD);
        let form = page.form("/login/totp");
        // A code of the app, which needs the sealed secret; one in the same half minute was used before.
        let typed = self.app.next(&world);
        assert_eq!(browser.submit(&form.set("code", &typed)).path, "/orgs");
        let other = world.browser();
        let page = other.sign_in(&other.get("/login"), OWNER, PASSWORD);
        let form = page.form("/login/totp").without("code").set("recovery", &self.codes[code]);
        assert_eq!(other.submit(&form).path, "/orgs");
        let mails = world.mails();
        assert!(mails.iter().all(|mail| mail["body"].as_str().is_some_and(|body| body.contains("您好"))), "{mails:#?}");
        world.terminate();
    }
}

fn add_webhook(world: &World) -> (u16, String) {
    let key = world.ready["api_key"].as_str().unwrap();
    let mut answer = agent()
        .post(&format!("{}/api/v1/webhooks", world.gateway))
        .header("authorization", format!("Bearer {key}"))
        .header("idempotency-key", "once")
        .content_type("application/json")
        .send(r#"{"url":"http://127.0.0.1:9/hook"}"#)
        .unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn sealed(place: &Place) -> Vec<String> {
    let db = rusqlite::Connection::open(place.database()).unwrap();
    let mut statement = db
        .prepare("SELECT secret FROM totp UNION ALL SELECT secret FROM webhook UNION ALL SELECT body FROM mail UNION ALL SELECT answer FROM idempotency UNION ALL SELECT chain FROM audit_head")
        .unwrap();
    statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_rotation_seals_every_secret_anew_and_the_former_key_opens_nothing() {
    let place = Place::new();
    let (before, old) = (sealed(&place), std::fs::read(place.key("")).unwrap());
    assert!(before.len() >= 5, "{before:?}");
    let (code, said) = place.rotate(&[]);
    assert!(code == Some(0) && said.contains("standby") && said.contains("backups"), "{said}");
    let after = sealed(&place);
    assert!(after.len() == before.len() && after.iter().all(|one| !before.contains(one)), "each is sealed anew");
    assert_eq!(std::fs::read(place.key(".former")).unwrap(), old);
    assert_ne!(std::fs::read(place.key("")).unwrap(), old);
    assert_eq!((mode(&place.key("")), mode(&place.key(".former"))), (0o600, 0o600));
    assert!(!place.key(".next").exists());
    place.check(0);
    // The former key in its place again: refused with a sentence, and nothing is touched.
    std::fs::write(place.key(""), &old).unwrap();
    let serve = says(marketgate(&["serve", "--config", &place.config]));
    assert!(serve.0 == Some(1) && serve.1.contains("is not the master key"), "{}", serve.1);
    let (code, said) = place.rotate(&[]);
    assert!(code == Some(1) && said.contains("is not the master key"), "{said}");
    assert!(!place.key(".next").exists());
    let noted: i64 = rusqlite::Connection::open(place.database())
        .unwrap()
        .query_row("SELECT count(*) FROM audit WHERE action = 'master_key.rotated'", (), |row| row.get(0))
        .unwrap();
    assert_eq!(noted, 1);
}

#[test]
fn a_rotation_that_is_cut_off_anywhere_leaves_a_file_that_starts() {
    let place = Place::new();
    for (number, moment) in ["key-written", "before-commit", "after-commit"].into_iter().enumerate() {
        let old = std::fs::read(place.key("")).unwrap();
        let (code, said) = place.rotate(&["--die", moment]);
        assert_eq!(code, None, "it died: {said}");
        assert!(place.key(".next").exists());
        assert_eq!(std::fs::read(place.key("")).unwrap(), old, "the old key is kept until it is done");
        // The start finds the key that fits.
        place.check(number);
        let is_over = moment == "after-commit";
        assert_eq!(place.key(".next").exists(), !is_over, "{moment}");
        assert_eq!(std::fs::read(place.key("")).unwrap() == old, !is_over, "{moment}");
    }
    // And the command finishes what was begun, or begins anew.
    assert_eq!(place.rotate(&["--die", "after-commit"]).0, None);
    let (code, said) = place.rotate(&[]);
    assert!(code == Some(0) && said.contains("finished"), "{said}");
    assert_eq!(place.rotate(&["--die", "before-commit"]).0, None);
    let (code, said) = place.rotate(&[]);
    assert!(code == Some(0) && said.contains("made a new master key"), "{said}");
    place.check(4);
}

#[test]
fn nobody_rotates_under_a_running_gateway() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::on(&directory.path().join("gate.db"));
    let config = configure(directory.path(), "https://gate.example.com", KEY);
    let before = std::fs::read(directory.path().join("gate.db.key")).unwrap();
    let (code, said) = says(marketgate(&["master-key", "rotate", "--config", &config]));
    assert!(code == Some(1) && said.contains("stop the gateway first"), "{said}");
    assert_eq!(std::fs::read(directory.path().join("gate.db.key")).unwrap(), before);
    world.terminate();
}
