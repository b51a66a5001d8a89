//! Copies of a file never bill twice (rules D2), and a clock that moved by itself closes and pushes nothing (rules D3).

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use marketgate::clock::Instant;
use marketgate::domain::audit::By;
use marketgate::store::Store;
use marketgate::usecase::push::{self, Decision};
use serde_json::{Value, json};

use crate::cli::{KEY, Serving, can_give_away, configure, marketgate, says};
use crate::sink::{Api, Sink, advance};
use crate::world::{BILLING, OWNER, PASSWORD, PLAN, World, create, now_secs, until};

const ORGANIZATION: &str = "云帆数据";

/// A place with settings that name a file in it.
struct Place {
    directory: tempfile::TempDir,
    config: String,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = configure(directory.path(), "https://gate.example.com", KEY);
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self { directory, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, command: &str, more: &[&str]) -> (Option<i32>, String) {
        says(marketgate(&[&[command, "--config", &self.config], more].concat()))
    }

    fn run_on(&self, command: &str, file: &Path) -> (Option<i32>, String) {
        self.run(command, &[file.to_str().unwrap()])
    }

    /// The file is lost, and what the simulator knows is not.
    fn lose(&self) {
        for ending in ["", "-wal", "-shm"] {
            let path = self.path(&format!("gate.db{ending}"));
            if path.exists() {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    fn findings(&self) -> String {
        self.run("doctor", &["--offline", "--json"]).1
    }
}

/// A bound purchase; its instance and organization.
fn bind(world: &World) -> (String, String) {
    let instance = world.buy_there(PLAN);
    let wanted = json!({ "instance": instance, "user": OWNER, "organization": ORGANIZATION });
    let (status, told) = world.order_control("bind", &wanted);
    assert_eq!(status, 200, "{told}");
    until("the binding", || (world.rows("SELECT state FROM binding") == ["live"]).then_some(()));
    (instance, world.organization(ORGANIZATION))
}

fn now(world: &World) -> jiff::Timestamp {
    world.control("clock")["now"].as_str().unwrap().parse().unwrap()
}

fn go(world: &World, to: i64) {
    let to = jiff::Timestamp::from_second(to).unwrap();
    let (status, told) = world.order_control("clock", &json!({ "to": to.to_string() }));
    assert_eq!(status, 200, "{told}");
}

fn use_some(world: &World, organization: &str, id: &str, what: (&str, u64), at: jiff::Timestamp) {
    let (status, said) = Api::of(world).use_some(organization, id, what, at);
    assert!(status == 200 && said["events"][0]["verdict"] == "accepted", "{said}");
}

/// Everything that the marketplace took: item and quantity.
fn taken(world: &World, instance: &str) -> Vec<String> {
    let told = world.control(&format!("instances/{instance}/bills"));
    let statements = told["statements"].as_array().unwrap();
    let records = statements.iter().flat_map(|one| {
        [&one["bills"], &one["unbilled"]].into_iter().flat_map(|list| list.as_array().unwrap().clone())
    });
    let mut taken: Vec<String> = records.map(|one: Value| format!("{} {}", one["item"], one["quantity"])).collect();
    taken.sort();
    taken
}

/// A fresh login-free link, on whatever port the gateway was when the purchase was made.
fn link(world: &World, instance: &str) -> String {
    let url = world.control(&format!("instances/{instance}/login-url"))["url"].as_str().unwrap().to_owned();
    url[url.find("/marketplace/").unwrap()..].to_owned()
}

fn states(world: &World) -> Vec<String> {
    world.rows("SELECT item || ' ' || state || coalesce(' ' || code, '') FROM record ORDER BY id")
}

#[test]
fn a_backup_is_one_sound_file_of_its_owners_alone_and_never_overwrites() {
    let place = Place::new();
    let world = World::on(&place.path("gate.db"));
    bind(&world);
    let copy = place.path("copy.db");
    let (code, said) = place.run_on("backup", &copy);
    assert!(code == Some(0) && said.contains("checked"), "{said}");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let db = rusqlite::Connection::open(&copy).unwrap();
    let text = |sql: &str| db.query_row(sql, (), |row| row.get::<_, String>(0)).unwrap();
    assert_eq!((text("PRAGMA integrity_check"), text("PRAGMA journal_mode")), ("ok".into(), "delete".into()));
    assert_eq!(text("SELECT state FROM binding"), "live");
    drop(db);
    let before = std::fs::read(&copy).unwrap();
    let (code, said) = place.run_on("backup", &copy);
    assert!(code == Some(1) && said.contains("exists already"), "{said}");
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    let (code, said) = place.run_on("backup", &place.path("nowhere/copy.db"));
    assert!(code == Some(1) && said.contains("nowhere"), "{said}");
    let mut names: Vec<String> = (std::fs::read_dir(place.directory.path()).unwrap())
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("copy"))
        .collect();
    names.sort();
    assert_eq!(names, ["copy.db"], "nothing is left beside it");
    // It is no place for a file that is served, and damage is found before anything is put into place.
    let (code, said) = place.run_on("restore", &copy);
    assert!(code == Some(1) && said.contains("another process"), "{said}");
    world.terminate();
    let (code, said) = place.run_on("restore", &copy);
    assert!(code == Some(1) && said.contains("move it away first"), "{said}");
    place.lose();
    let mut damaged = before.clone();
    damaged[4096..].iter_mut().step_by(97).for_each(|byte| *byte ^= 0x55);
    std::fs::write(place.path("damaged.db"), damaged).unwrap();
    let (code, said) = place.run_on("restore", &place.path("damaged.db"));
    assert!(code == Some(1) && said.contains("cannot be restored"), "{said}");
    assert!(!place.path("gate.db").exists() && !place.path("gate.db.restoring").exists());
    // Nor is one that was sealed with another master key.
    let key = std::fs::read(place.path("gate.db.key")).unwrap();
    std::fs::write(place.path("gate.db.key"), [7; 32]).unwrap();
    let (code, said) = place.run_on("restore", &copy);
    assert!(code == Some(1) && said.contains("is not the master key"), "{said}");
    assert!(!place.path("gate.db").exists());
    std::fs::write(place.path("gate.db.key"), key).unwrap();
    assert_eq!(place.run_on("restore", &copy).0, Some(0));
}

/// An operator decides that the original never pushed a record.
fn resend(file: &Path, at: jiff::Timestamp) {
    let store = Store::open(file, crate::audit::options(file)).unwrap();
    let operator = rusqlite::Connection::open(file)
        .unwrap()
        .query_row("SELECT id FROM user WHERE is_operator = 1", (), |row| row.get::<_, String>(0))
        .unwrap();
    let now = Instant::from_ms(at.as_millisecond());
    let decide =
        move |tx: &_| push::decide(tx, &By::operator(operator), 1, Decision::Resend, "the bill does not show it", now);
    store.write_blocking(decide).unwrap();
    store.close();
}

#[test]
fn a_restored_copy_bills_nothing_twice_until_a_person_decides() {
    let (place, sink) = (Place::new(), Sink::start());
    let world = World::on(&place.path("gate.db"));
    let (instance, organization) = bind(&world);
    // From five minutes past an hour, so that nothing is closed in between.
    let hour = (now(&world).as_second() / 3600 + 1) * 3600;
    go(&world, hour + 300);
    let at = now(&world);
    use_some(&world, &organization, "1", ("Period", 600), at);
    assert_eq!(place.run_on("backup", &place.path("copy.db")).0, Some(0));
    // What the copy does not know.
    use_some(&world, &organization, "2", ("Storage", 7), at);
    go(&world, hour + 3600 + 14 * 60);
    let billed = taken(&world, &instance);
    assert_eq!(billed, [r#""Period" 600"#, r#""Storage" 7"#], "the original pushed both");
    let link = link(&world, &instance);
    world.terminate();
    place.lose();

    // The copy itself is not served, and both commands say why.
    std::fs::copy(place.path("copy.db"), place.path("gate.db")).unwrap();
    let (code, said) = place.run("serve", &[]);
    assert!(code == Some(1) && said.contains("is a copy") && said.contains("marketgate promote"), "{said}");
    assert!(place.findings().contains("\"copy\""), "{}", place.findings());
    place.lose();
    let (code, said) = place.run_on("restore", &place.path("copy.db"));
    assert!(code == Some(0) && said.contains("epoch 2") && said.contains("resume"), "{said}");

    let world = World::on(&place.path("gate.db"));
    assert_eq!(states(&world), ["Period unknown restored"]);
    assert_eq!(world.rows("SELECT kind FROM alarm WHERE cleared_at IS NULL"), ["restored"]);
    assert!(place.findings().contains("held_copy"));
    // A link that the original may have spent, and a fresh one.
    assert_eq!(world.browser().get(&link).status, 410, "made before the copy was started");
    Api::of(&world).hook(&sink.url, &[]);
    advance(&world, "3s");
    assert_eq!(world.browser().get(&self::link(&world, &instance)).status, 200);
    // The vendor tells once more what the copy does not know: it may have been pushed, too.
    use_some(&world, &organization, "2", ("Storage", 7), at);
    // And a new hour begins.
    use_some(&world, &organization, "3", ("Period", 60), now(&world));
    advance(&world, "10m");
    assert_eq!(taken(&world, &instance), billed, "held");
    let (code, said) = place.run("resume", &[]);
    assert!(code == Some(0) && said.contains("restored") && said.contains("records wait"), "{said}");
    assert!(place.run("resume", &[]).1.contains("nothing was held"));
    advance(&world, "3m");
    assert_eq!(taken(&world, &instance), billed, "what the original may have pushed waits for a person");
    assert_eq!(states(&world)[..2], ["Period unknown restored", "Storage unknown restored"]);
    assert!(!place.findings().contains("held_copy"));
    assert_eq!(world.rows("SELECT count(*) FROM audit WHERE action IN ('file.succeeded', 'hold.released')"), ["2"]);
    let decided_at = now(&world);
    world.terminate();
    resend(&place.path("gate.db"), decided_at);
    let world = World::on(&place.path("gate.db"));
    advance(&world, "1m");
    let twice = [r#""Period" 1200"#, r#""Storage" 7"#];
    assert_eq!(taken(&world, &instance), twice, "once more, because a person said so");
    // The hour after the restore goes by itself.
    advance(&world, "2h");
    assert!(taken(&world, &instance).contains(&r#""Period" 60"#.to_owned()), "{:?}", states(&world));
}

#[test]
fn a_copy_sends_no_webhooks_and_no_mails_before_a_person_says_so() {
    let (place, sink) = (Place::new(), Sink::start());
    let world = World::on(&place.path("gate.db"));
    bind(&world);
    assert_eq!(place.run_on("backup", &place.path("copy.db")).0, Some(0));
    world.terminate();
    place.lose();
    assert_eq!(place.run_on("restore", &place.path("copy.db")).0, Some(0));
    // The command alone is enough, and promote does the same to a file that is there.
    let (code, said) = place.run("promote", &[]);
    assert!(code == Some(0) && said.contains("epoch 3"), "{said}");
    let world = World::on(&place.path("gate.db"));
    Api::of(&world).hook(&sink.url, &[]);
    world.buy("86040009");
    // No mail server is set: as if there were one.
    world.execute("INSERT INTO job (kind, key, due_at) SELECT 'mail.send', id, 0 FROM mail");
    let mails = |of: &str| world.rows(&format!("SELECT count(*) FROM job WHERE kind = 'mail.send' AND {of}")).remove(0);
    let queued = mails("done_at IS NULL AND dead_at IS NULL");
    assert_ne!(queued, "0");
    // Runs everything that is due.
    advance(&world, "10m");
    assert_eq!(world.rows("SELECT count(*) FROM delivery"), ["0"]);
    assert_eq!(mails("attempts = 0 AND done_at IS NULL AND dead_at IS NULL"), queued);
    assert!(sink.heard().is_empty(), "{:?}", sink.heard());
    assert_eq!(place.run("resume", &[]).0, Some(0));
    until("the webhook", || (!sink.heard().is_empty()).then_some(()));
    until("the mails", || (mails("attempts = 0") == "0").then_some(()));
    world.terminate();
    // A resume without a gateway is remembered by the file.
    assert_eq!(place.run("promote", &[]).0, Some(0));
    assert_eq!(place.run("resume", &[]).0, Some(0));
    let heard = sink.heard().len();
    let world = World::on(&place.path("gate.db"));
    world.buy("86040010");
    until("the webhook", || (sink.heard().len() > heard).then_some(()));
}

#[test]
fn what_the_original_ended_lets_nobody_into_a_copy() {
    let place = Place::new();
    let world = World::on(&place.path("gate.db"));
    let (_, organization) = bind(&world);
    let (owner, half) = (world.signed_in(OWNER), world.browser());
    assert_eq!(owner.get_only(&format!("/enter?org={organization}")).status, 303);
    crate::invitations::invite(&owner, &organization, "guest@example.com", "owner");
    let invitation = crate::invitations::link(&world, "guest@example.com");
    half.submit(&half.get("/password/forgot").form("/password/forgot").set("email", OWNER));
    crate::second_factor::turn_on(&world.signed_in(BILLING));
    assert_eq!(half.sign_in(&half.get("/login"), BILLING, PASSWORD).path, "/login/totp");
    half.open_link(&link(&world, &world.buy_there(PLAN)));
    world.execute("INSERT INTO approval SELECT x'01', c.id, o.id, u.id, 1, 9999999999999, NULL, NULL FROM claim c, organization o, user u LIMIT 1");
    let open = |world: &World| {
        [
            "session WHERE ended_at IS NULL",
            "half_session",
            "password_reset",
            "entry_code",
            "approval WHERE expires_at > 9e12",
            "invitation WHERE revoked_at IS NULL",
        ]
        .map(|rows| world.rows(&format!("SELECT count(*) > 0 FROM {rows}")).remove(0))
        .concat()
    };
    assert_eq!(open(&world), "111111");
    assert_eq!(place.run_on("backup", &place.path("copy.db")).0, Some(0));
    world.terminate();
    place.lose();
    let (code, said) = place.run_on("restore", &place.path("copy.db"));
    assert!(code == Some(0) && said.contains("Everybody signs in again") && said.contains("check API keys"), "{said}");
    let world = World::on(&place.path("gate.db"));
    assert_eq!(open(&world), "000000");
    assert!(owner.again(&world.gateway).get("/me").path.starts_with("/login"));
    assert!(half.again(&world.gateway).get("/login/totp").path.starts_with("/login?"));
    assert_eq!(world.browser().get(&invitation).status, 410);
    // The vendor's product ends what it built on them, also on those that the copy does not know.
    let revoked = world.rows("SELECT data FROM event WHERE type = 'session.revoked' ORDER BY id");
    assert!(revoked.len() == 2 && revoked.iter().all(|data| data.contains(r#""session":null"#)), "{revoked:?}");
    assert_eq!(world.rows("SELECT count(*) FROM claim WHERE closed_at IS NULL"), ["1"], "a claim alone grants nothing");
    let page = world.signed_in(crate::console::OPERATOR).get("/operator");
    assert!(page.has("副本之后吊销的密钥"), "{}", page.html);
}

#[test]
fn a_clock_that_was_set_closes_and_pushes_nothing_and_the_marketplace_is_answered() {
    let place = Place::new();
    let database = place.path("gate.db");
    let world = World::with(&["--database", database.to_str().unwrap(), "--watch-clock"]);
    let (instance, organization) = bind(&world);
    let at = now(&world);
    let hour = (at.as_second() / 3600 + 1) * 3600;
    use_some(&world, &organization, "1", ("Period", 600), at);
    // Half a minute is no step.
    advance(&world, "30s");
    assert_eq!(world.rows("SELECT count(*) FROM hold"), ["0"]);
    go(&world, hour + 20 * 60);
    assert_eq!(world.rows("SELECT kind FROM alarm WHERE cleared_at IS NULL"), ["clock_stepped"]);
    assert_eq!(states(&world), ["Period open"], "neither closed nor pushed");
    assert_eq!(taken(&world, &instance), Vec::<String>::new());
    let (status, said) = world.spi(&create("86040001"));
    assert!(status == 200 && said.contains("86040001"), "{said}");
    // By this clock it would be too late, and lost.
    let (status, said) = Api::of(&world).use_some(&organization, "early", ("Period", 60), at);
    assert!(status == 503 && said["code"] == "busy", "{said}");
    assert_eq!(states(&world), ["Period open"]);
    assert!(place.findings().contains("held_clock"));
    let (code, said) = place.run("resume", &[]);
    assert!(code == Some(0) && said.contains("clock"), "{said}");
    advance(&world, "10s");
    assert_eq!(taken(&world, &instance), [r#""Period" 600"#]);
    assert_eq!(world.rows("SELECT count(*) FROM alarm WHERE cleared_at IS NULL"), ["0"]);
    // What is held outlives the process, which cannot know by itself that the clock is right.
    go(&world, hour + 3600);
    assert_eq!(world.rows("SELECT reason FROM hold"), ["clock"]);
    world.terminate();
    let world = World::on(&database);
    assert_eq!(Api::of(&world).use_some(&organization, "2", ("Period", 60), now(&world)).0, 503);
    advance(&world, "2h");
    assert_eq!(taken(&world, &instance).len(), 1, "held still");
    // Beginning anew forgets it.
    assert_eq!(world.order_control("reset", &json!({})).0, 200);
    assert_eq!(world.rows("SELECT count(*) FROM hold"), ["0"]);
}

#[test]
fn a_clock_that_was_set_forgets_nothing_and_ends_no_grace() {
    let place = Place::new();
    let (database, copies) = (place.path("gate.db"), place.path("copies"));
    std::fs::create_dir(&copies).unwrap();
    let world =
        World::with(&["--database", database.to_str().unwrap(), "--backup", copies.to_str().unwrap(), "--watch-clock"]);
    let names = || {
        let files = std::fs::read_dir(&copies).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        files.filter(|name| marketgate::domain::backup::made_at(name).is_some()).count()
    };
    until("the first copy", || (names() == 1).then_some(()));
    let organization = world.bind("1", OWNER, ORGANIZATION);
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", "1")]).0, 200);
    let countdown = "SELECT CAST(count(*) AS TEXT) FROM job WHERE kind = 'organization.end_grace' AND done_at IS NULL";
    assert_eq!(world.rows(countdown), ["1"]);
    let mails = || world.rows("SELECT count(*) FROM mail WHERE kind = 'organization_frozen'").remove(0);
    until("the mails", || (mails() != "0").then_some(()));
    let before = mails();
    go(&world, now(&world).as_second() + 40 * 86_400);
    assert_eq!(world.rows("SELECT kind FROM alarm WHERE cleared_at IS NULL"), ["clock_stepped"]);
    advance(&world, "2m");
    assert_eq!(world.rows(countdown), ["1"]);
    assert!(names() > 30, "one a day, and none of them goes: {}", names());
    assert_eq!(mails(), before, "mails are kept for thirty days");
    // It is right, a person says.
    assert_eq!(place.run("resume", &[]).0, Some(0));
    world.terminate();
    let world = World::with(&["--database", database.to_str().unwrap(), "--backup", copies.to_str().unwrap()]);
    advance(&world, "25h");
    assert_eq!(world.rows("SELECT subject FROM event WHERE type = 'organization.grace_ended'"), [organization]);
    assert!(names() < 18, "fourteen days of them: {}", names());
    let mails = "SELECT count(*) FROM mail WHERE kind = 'organization_frozen'";
    until("the mails to be forgotten", || (world.rows(mails) == ["0"]).then_some(()));
}

#[test]
fn a_clock_that_the_marketplace_agrees_with_is_right_again_by_itself() {
    let hour = (now_secs() / 3600 + 1) * 3600;
    let later = jiff::Timestamp::from_second(hour + 20 * 60).unwrap();
    let market = crate::doctor::marketplace(&later.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    let world = World::with(&["--openapi", &market, "--watch-clock"]);
    bind(&world);
    go(&world, later.as_second());
    until("its end", || (world.rows("SELECT count(*) FROM hold") == ["0"]).then_some(()));
    let alarms = "SELECT kind || ' ' || (cleared_at IS NOT NULL) FROM alarm WHERE kind = 'clock_stepped'";
    assert_eq!(world.rows(alarms), ["clock_stepped 1"], "it was held meanwhile");
    assert_eq!(
        world.rows("SELECT reason FROM audit WHERE action = 'hold.released'"),
        ["the marketplace's clock agrees"]
    );
}

#[test]
fn production_does_not_start_in_the_past() {
    let place = Place::new();
    assert_eq!(place.run("init", &[]).0, Some(0));
    let holds = || {
        let db = rusqlite::Connection::open(place.path("gate.db")).unwrap();
        db.busy_timeout(crate::world::PATIENCE).unwrap();
        db.query_row("SELECT count(*) FROM hold WHERE reason = 'clock'", (), |row| row.get::<_, i64>(0)).unwrap()
    };
    drop(Serving::start(&place.config));
    assert_eq!(holds(), 0);
    let ahead = (now_secs() + 3600) * 1000;
    let db = rusqlite::Connection::open(place.path("gate.db")).unwrap();
    db.execute("UPDATE meta SET last_commit_at = ?1", [ahead]).unwrap();
    for _ in 0..3 {
        let mut serving = Serving::start(&place.config);
        std::process::Command::new("kill").arg(serving.0.id().to_string()).status().unwrap();
        // In order: whoever looks at the clock has looked.
        assert!(serving.0.wait().unwrap().success());
        assert_eq!(holds(), 1, "the file was written later than the clock says, and the clock is no better since");
    }
}

#[test]
fn copies_are_made_at_their_time_and_old_ones_go() {
    let place = Place::new();
    let directory = place.path("copies");
    let database = place.path("gate.db");
    let start = || {
        let (database, directory) = (database.to_str().unwrap(), directory.to_str().unwrap());
        World::with(&["--database", database, "--backup", directory, "--metrics"])
    };
    let names = || {
        let files = std::fs::read_dir(&directory).unwrap();
        let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    // Without its directory it fails, which is an alarm, and is tried again.
    let world = start();
    until("the alarm", || {
        let open = world.rows("SELECT kind FROM alarm WHERE cleared_at IS NULL");
        (open == ["backup_failed"]).then_some(())
    });
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("precious.txt"), "x").unwrap();
    std::fs::write(directory.join("marketgate-20200101T000000Z.db"), "x").unwrap();
    // What a making that was cut off left there, of a name that never comes again.
    std::fs::write(directory.join("marketgate-20200102T000000Z.db.part"), "x").unwrap();
    std::fs::write(directory.join("precious.part"), "x").unwrap();
    advance(&world, "16m");
    assert_eq!(world.rows("SELECT count(*) FROM alarm WHERE cleared_at IS NULL"), ["0"]);
    assert_eq!(names()[1..], ["precious.part", "precious.txt"], "one copy, and what is not ours: {:?}", names());
    std::fs::remove_file(directory.join("precious.part")).unwrap();
    let db = rusqlite::Connection::open(directory.join(&names()[0])).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM user", (), |row| row.get::<_, i64>(0)).unwrap(), 4);
    drop(db);
    // An old one that cannot be removed is no reason to make another.
    let stuck = directory.join("marketgate-20200103T000000Z.db");
    std::fs::create_dir(&stuck).unwrap();
    advance(&world, "2d");
    assert_eq!(names().len(), 5, "one a day: {:?}", names());
    assert_eq!(world.rows("SELECT count(*) FROM alarm WHERE cleared_at IS NULL"), ["0"]);
    std::fs::remove_dir(&stuck).unwrap();
    advance(&world, "20d");
    assert!((15..=16).contains(&names().len()), "fourteen days of them: {:?}", names());
    assert!(
        names().iter().filter(|name| name.starts_with("marketgate-")).skip(1).all(|name| name.ends_with("T192000Z.db"))
    );
    world.terminate();
    // At a start a missing one is made up for.
    for name in names().iter().filter(|name| name.starts_with("marketgate-")) {
        std::fs::remove_file(directory.join(name)).unwrap();
    }
    let world = start();
    until("the copy", || (names().len() == 2).then_some(()));
    until("its metric", || {
        let (_, text) = crate::world::get(world.ready["metrics"].as_str().unwrap());
        let line = text.lines().find(|line| line.starts_with("marketgate_backup_last_success_timestamp_seconds "))?;
        (!line.ends_with(" 0")).then_some(())
    });
    // `doctor` looks at the directory.
    let settings = std::fs::read_to_string(&place.config).unwrap();
    let with = format!("[backup]\ndirectory = \"{}\"\n[accounts]", directory.display());
    std::fs::write(&place.config, settings.replace("[accounts]", &with)).unwrap();
    assert!(place.findings().contains("backup_old"), "the only one is from the future, of a clock that went ahead");
    let today = jiff::Timestamp::from_second(now_secs()).unwrap().strftime("marketgate-%Y%m%dT%H%M%SZ.db").to_string();
    std::fs::rename(directory.join(&names()[0]), directory.join(today)).unwrap();
    assert!(!place.findings().contains("backup_"), "{}", place.findings());
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(place.findings().contains("backup_directory"));
    std::fs::create_dir(&directory).unwrap();
    assert!(place.findings().contains("backup_old"));
}

#[test]
fn root_makes_no_files_that_the_gateways_user_could_not_open() {
    let place = Place::new();
    let database = place.path("gate.db");
    World::on(&database).terminate();
    let copy = place.path("copy.db");
    assert_eq!(place.run_on("backup", &copy).0, Some(0));
    if !can_give_away(&copy) {
        return;
    }
    let names = || std::fs::read_dir(place.directory.path()).unwrap().count();
    let refused = || {
        let before = names();
        for (code, said) in [
            place.run_on("restore", &copy),
            place.run("promote", &[]),
            place.run("migrate", &[]),
            place.run("migrate", &["--dry-run"]),
            place.run("resume", &[]),
            says(marketgate(&["operator", "list", "--config", &place.config])),
            says(marketgate(&["master-key", "rotate", "--config", &place.config])),
        ] {
            assert!(code == Some(1) && said.contains("sudo -u '#65534'"), "{said}");
        }
        assert_eq!(names(), before, "nor is a lock made");
    };
    std::fs::remove_file(place.path("gate.db.lock")).unwrap();
    chown(&database, Some(65534), None).unwrap();
    refused();
    chown(&database, Some(0), None).unwrap();
    chown(place.directory.path(), Some(65534), None).unwrap();
    for command in ["promote", "migrate"] {
        let (code, said) = place.run(command, &[]);
        assert!(code == Some(1) && said.contains("sudo -u '#65534'"), "put there by root: {said}");
    }
    assert_eq!(place.run("migrate", &["--status"]).0, Some(0), "who only looks makes nothing");
    place.lose();
    refused();
    // One that runs answers root, who makes nothing then.
    chown(place.directory.path(), Some(0), None).unwrap();
    let _world = World::on(&database);
    for path in [place.directory.path(), &database] {
        chown(path, Some(65534), None).unwrap();
    }
    assert_eq!(place.run("resume", &[]).0, Some(0));
}
