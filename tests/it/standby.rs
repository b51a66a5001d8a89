//! A standby that Litestream keeps up to date takes over from a primary that is gone: what it knows, what it does not, and
//! that the primary, come back, may write no more (rules D2).

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::cli::{KEY, configure_with, marketgate, says};
use crate::sink::Api;
use crate::world::{OWNER, World, agent, now_secs, until};

const EXAMPLE: &str = include_str!("../../deploy/litestream.yml");
const DATABASE: &str = "/var/lib/marketgate/marketgate.db";
const REPLICA: &str = "sftp://marketgate@standby.example.com/srv/replica/marketgate";

fn litestream(arguments: &[&str]) -> Command {
    let program = format!("{}/target/litestream/bin/litestream", env!("CARGO_MANIFEST_DIR"));
    assert!(Path::new(&program).exists(), "{program} is missing; `make test-setup` installs it");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Litestream beside a primary, with the settings that we ship.
struct Replicator(Child);

impl Replicator {
    fn start(place: &Path, database: &Path, replica: &str) -> Self {
        assert!(EXAMPLE.contains(DATABASE) && EXAMPLE.contains(REPLICA));
        let settings = EXAMPLE.replace(DATABASE, database.to_str().unwrap()).replace(REPLICA, replica);
        let file = place.join("litestream.yml");
        std::fs::write(&file, settings).unwrap();
        Self(litestream(&["replicate", "-config", file.to_str().unwrap()]).spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Replicator {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Puts what the replica has into a file where nothing is. Whether there was anything.
fn fetch(replica: &str, to: &Path) -> bool {
    litestream(&["restore", "-o", to.to_str().unwrap(), replica]).status().unwrap().success()
}

fn count(file: &Path, sql: &str) -> i64 {
    let db = rusqlite::Connection::open(file).unwrap();
    db.query_row(sql, (), |row| row.get(0)).unwrap()
}

fn tell(world: &World, organization: &str, ids: std::ops::Range<u32>) {
    let at = jiff::Timestamp::from_second(now_secs() + 1).unwrap().to_string();
    let event = |id: u32| {
        json!({
            "specversion": "1.0", "type": "marketgate.usage.v1", "source": "load", "id": id.to_string(),
            "subject": organization, "time": at, "data": { "item": "Period", "quantity": 1 },
        })
    };
    let batch = Value::from(ids.map(event).collect::<Vec<_>>());
    let kind = [("content-type", "application/cloudevents-batch+json")];
    let (status, _, said) = Api::of(world).call("POST", "/usage", &kind, &batch.to_string());
    assert_eq!(status, 200, "{said}");
}

/// A machine of its own, as far as files go: a directory with settings that name the fence.
fn machine(place: &Path, name: &str, fence: &Path) -> (PathBuf, String) {
    let directory = place.join(name);
    std::fs::create_dir(&directory).unwrap();
    let standby = format!("[standby]\nfence_file = \"{}\"\n", fence.display());
    let config = configure_with(&directory, "https://gate.example.com", KEY, &standby);
    (directory.join("gate.db"), config)
}

fn serve<'a>(database: &'a Path, fence: &'a Path) -> [&'a str; 4] {
    ["--database", database.to_str().unwrap(), "--fence", fence.to_str().unwrap()]
}

#[test]
fn a_standby_takes_over_with_what_was_replicated_and_the_primary_never_writes_again() {
    let place = tempfile::tempdir().unwrap();
    let fence = place.path().join("fence");
    let (old, old_config) = machine(place.path(), "primary", &fence);
    let (new, new_config) = machine(place.path(), "standby", &fence);
    let replica = format!("file://{}", place.path().join("replica").display());
    let world = World::with(&serve(&old, &fence));
    let organization = world.bind("86040001", OWNER, "云帆数据");
    let replicator = Replicator::start(place.path(), &old, &replica);
    tell(&world, &organization, 0..100);
    let look = place.path().join("look.db");
    until("the replica", || {
        for ending in ["", "-wal", "-shm", ".tmp"] {
            let _none = std::fs::remove_file(format!("{}{ending}", look.display()));
        }
        (fetch(&replica, &look) && count(&look, "SELECT count(*) FROM usage_event") >= 100).then_some(())
    });
    // Under load the machine is gone, with everything on it.
    let mut sent = 100;
    for _ in 0..40 {
        tell(&world, &organization, sent..sent + 10);
        sent += 10;
    }
    world.kill();
    replicator.kill();

    assert!(fetch(&replica, &new));
    let kept = count(&new, "SELECT count(*) FROM usage_event");
    let last = count(&new, "SELECT max(CAST(event_id AS INTEGER)) FROM usage_event");
    assert!((100..=i64::from(sent)).contains(&kept) && last + 1 == kept, "a beginning without a gap: {kept}, {last}");
    // The file alone is a copy, without its key it is nothing, and then it takes over.
    let (code, said) = says(marketgate(&["promote", "--config", &new_config]));
    assert!(code == Some(1) && said.contains("master key"), "{said}");
    std::fs::copy(format!("{}.key", old.display()), format!("{}.key", new.display())).unwrap();
    let (code, said) = says(marketgate(&["serve", "--config", &new_config]));
    assert!(code == Some(1) && said.contains("is a copy"), "{said}");
    let (code, said) = says(marketgate(&["promote", "--config", &new_config]));
    assert!(code == Some(0) && said.contains("epoch 2") && said.contains("resume"), "{said}");
    assert_eq!(std::fs::read_to_string(&fence).unwrap(), "2\n");

    let world = World::with(&serve(&new, &fence));
    assert_eq!(world.rows("SELECT state FROM binding"), ["live"]);
    // The vendor tells once more what it is not sure of, and each event counts once.
    tell(&world, &organization, 0..sent);
    assert_eq!(world.rows("SELECT count(*), sum(quantity) FROM usage_event"), [sent.to_string()]);
    assert_eq!(world.rows("SELECT sum(quantity) FROM record"), [sent.to_string()]);
    // The old one comes back on its old file, whichever way it is started.
    let pushes = count(&old, "SELECT count(*) FROM push");
    let (code, said) = says(marketgate(&[&["fixture"], &serve(&old, &fence)[..]].concat()));
    assert!(code == Some(1) && said.contains("took over"), "{said}");
    let (code, said) = says(marketgate(&["serve", "--config", &old_config]));
    assert!(code == Some(1) && said.contains("took over"), "{said}");
    assert_eq!(count(&old, "SELECT count(*) FROM push"), pushes);

    // And one that still runs ends when another takes over.
    let (third, third_config) = machine(place.path(), "third", &fence);
    let copy = place.path().join("copy.db");
    let copied = says(marketgate(&["backup", copy.to_str().unwrap(), "--config", &new_config]));
    assert_eq!(copied.0, Some(0), "{}", copied.1);
    std::fs::copy(format!("{}.key", old.display()), format!("{}.key", third.display())).unwrap();
    let (code, said) = says(marketgate(&["restore", copy.to_str().unwrap(), "--config", &third_config]));
    assert!(code == Some(0) && said.contains("epoch 3"), "{said}");
    until("its end", || agent().get(&format!("{}/healthz", world.gateway)).call().is_err().then_some(()));
}

#[test]
fn a_fence_that_cannot_be_reached_lets_nobody_start() {
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("gate.db");
    for (fence, why) in [("nowhere/fence", "cannot reach"), ("nonsense", "is no fence")] {
        let fence = place.path().join(fence);
        std::fs::write(place.path().join("nonsense"), "x").unwrap();
        let (code, said) = says(marketgate(&[&["fixture"], &serve(&database, &fence)[..]].concat()));
        assert!(code == Some(1) && said.contains(why), "{said}");
    }
}
