//! A standby that Litestream keeps up to date takes over from a primary that is gone: what it knows, what it does not, and
//! that the primary, come back, may write no more (rules D2).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{KEY, configure_with, marketgate, says};
use crate::sink::Api;
use crate::world::{OWNER, World, agent, create, now_secs, until};

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
    tell_at(world, organization, ids, &jiff::Timestamp::from_second(now_secs() + 1).unwrap().to_string());
}

fn tell_at(world: &World, organization: &str, ids: std::ops::Range<u32>, at: &str) {
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
    assert!(std::fs::read_to_string(&fence).unwrap().starts_with("2 "));

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

/// A share with a fence, which can be unmounted: what is left is the empty place where it was mounted.
struct Share {
    mounted: PathBuf,
    away: PathBuf,
}

impl Share {
    fn new(place: &Path) -> Self {
        let share = Self { mounted: place.join("share"), away: place.join("away") };
        std::fs::create_dir(&share.mounted).unwrap();
        share
    }

    fn fence(&self) -> PathBuf {
        self.mounted.join("fence")
    }

    fn unmount(&self) {
        std::fs::rename(&self.mounted, &self.away).unwrap();
        std::fs::create_dir(&self.mounted).unwrap();
    }

    fn mount(&self) {
        // Fails if anything was written there meanwhile.
        std::fs::remove_dir(&self.mounted).unwrap();
        std::fs::rename(&self.away, &self.mounted).unwrap();
    }
}

#[test]
fn a_share_that_is_not_mounted_lets_nobody_start_who_stood_in_its_fence() {
    let place = tempfile::tempdir().unwrap();
    let share = Share::new(place.path());
    let (database, config) = machine(place.path(), "primary", &share.fence());
    let fixture = || says(marketgate(&[&["fixture"], &serve(&database, &share.fence())[..]].concat()));
    drop(World::with(&serve(&database, &share.fence())));
    share.unmount();
    for (code, said) in [fixture(), says(marketgate(&["promote", "--config", &config]))] {
        assert!(code == Some(1) && said.contains("is not there") && said.contains("echo 1 >"), "{said}");
    }
    assert_eq!(count(&database, "SELECT epoch FROM meta"), 1, "nor is anything changed");
    share.mount();
    drop(World::with(&serve(&database, &share.fence())));
    // The way out that is told, and what it makes is a fence again.
    std::fs::remove_file(share.fence()).unwrap();
    assert_eq!(fixture().0, Some(1));
    std::fs::write(share.fence(), "1\n").unwrap();
    drop(World::with(&serve(&database, &share.fence())));
    assert!(std::fs::read_to_string(share.fence()).unwrap().starts_with("1 "));
    // One that is older than the copy is another share's, or an older state of it.
    assert_eq!(says(marketgate(&["promote", "--config", &config])).0, Some(0));
    std::fs::write(share.fence(), "1\n").unwrap();
    let (code, said) = fixture();
    assert!(code == Some(1) && said.contains("has epoch 1 only"), "{said}");
    // A start without any fence is one that nobody watches, and forgets it.
    drop(World::on(&database));
    drop(World::with(&serve(&database, &share.fence())));
    assert!(std::fs::read_to_string(share.fence()).unwrap().starts_with("2 "));
}

#[test]
fn a_fence_that_vanishes_stops_what_is_pushed_and_nothing_else_until_it_is_back() {
    let place = tempfile::tempdir().unwrap();
    let share = Share::new(place.path());
    let (database, _) = machine(place.path(), "primary", &share.fence());
    let fence = share.fence();
    let arguments = [&serve(&database, &fence)[..], &["--fence-patience-ms", "1000"]].concat();
    let world = World::with(&arguments);
    let organization = world.bind("86040001", OWNER, "云帆数据");
    let alarms = || world.rows("SELECT kind || ' ' || times FROM alarm WHERE cleared_at IS NULL");
    share.unmount();
    until("the alarm", || (alarms() == ["fence_unreadable 1"]).then_some(()));
    tell(&world, &organization, 0..10);
    crate::sink::advance(&world, "2h");
    assert_eq!(world.rows("SELECT count(*) FROM push"), ["0"]);
    assert_eq!(world.spi(&create("86040002")).0, 200, "the marketplace is answered");
    assert_eq!(alarms()[0], "fence_unreadable 1", "written once");
    share.mount();
    until("the end of the alarm", || (!alarms().iter().any(|one| one.starts_with("fence_unreadable"))).then_some(()));
    tell_at(&world, &organization, 10..20, world.control("clock")["now"].as_str().unwrap());
    crate::sink::advance(&world, "2h");
    assert_ne!(world.rows("SELECT count(*) FROM push"), ["0"], "it goes on");
    // A share that hangs answers nobody, and whoever looks at it waits.
    let (fifo, aside) = (place.path().join("fifo"), place.path().join("aside"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::fs::rename(&fence, &aside).unwrap();
    std::fs::hard_link(&fifo, &fence).unwrap();
    let detail = "SELECT detail FROM alarm WHERE cleared_at IS NULL AND kind = 'fence_unreadable'";
    until("the alarm", || world.rows(detail).first().is_some_and(|why| why.contains("does not answer")).then_some(()));
    std::fs::rename(&aside, &fence).unwrap();
    std::fs::write(&fifo, "x").unwrap();
    until("the end of the alarm", || world.rows(detail).is_empty().then_some(()));
    // What a process that is gone had raised is over when the next one sees the fence.
    share.unmount();
    until("the alarm", || alarms().iter().any(|one| one.starts_with("fence_unreadable")).then_some(()));
    world.kill();
    share.mount();
    let world = World::with(&arguments);
    until("its end", || {
        (world.rows("SELECT count(*) FROM alarm WHERE cleared_at IS NULL AND kind = 'fence_unreadable'") == ["0"])
            .then_some(())
    });
}

#[test]
fn one_that_another_copy_replaced_ends_without_a_word_about_the_clock() {
    let place = tempfile::tempdir().unwrap();
    let (fence, log) = (place.path().join("fence"), place.path().join("log"));
    let (database, _) = machine(place.path(), "primary", &fence);
    let more = ["--watch-clock", "--fence-patience-ms", "1000", "--patience-ms", "2500"];
    let arguments = [&serve(&database, &fence)[..], &more].concat();
    let world = World::launch(&arguments, |command| command.stderr(std::fs::File::create(&log).unwrap()));
    // A request that does not end keeps the process up for a while, and with it who looks at the clock.
    let mut slow = TcpStream::connect(world.gateway.trim_start_matches("http://")).unwrap();
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\nexpect: 100-continue";
    write!(slow, "POST /marketplace/alibaba/spi HTTP/1.1\r\nhost: x\r\n{form}\r\n\r\n").unwrap();
    slow.read_exact(&mut [0; "HTTP/1.1 100 Continue\r\n\r\n".len()]).unwrap();
    std::fs::write(&fence, "9 ffffffffffffffff-1-0\n").unwrap();
    let said = || std::fs::read_to_string(&log).unwrap();
    until("its fall", || said().contains("took over").then_some(()));
    let fell = std::time::Instant::now();
    world.close();
    drop(slow);
    assert!(fell.elapsed() > Duration::from_millis(1_500), "nobody looked meanwhile");
    assert!(!said().contains("clock") && !said().contains("usage goes on"), "{}", said());
}

#[test]
fn one_copy_at_a_time_takes_over_and_nothing_in_the_way_is_written_over() {
    let place = tempfile::tempdir().unwrap();
    let fence = place.path().join("fence");
    let (old, old_config) = machine(place.path(), "primary", &fence);
    World::with(&serve(&old, &fence)).terminate();
    let part = place.path().join("fence.part");
    std::os::unix::fs::symlink(&old, &part).unwrap();
    let (code, said) = says(marketgate(&["promote", "--config", &old_config]));
    assert!(code == Some(1) && said.contains("taking over at this moment") && said.contains("fence.part"), "{said}");
    assert_eq!(count(&old, "SELECT epoch FROM meta"), 1, "a database still, and not in charge");
    assert!(part.is_symlink());
    std::fs::remove_file(&part).unwrap();
    // Two standbys, each with a copy, at once.
    let machines = ["one", "two"].map(|name| machine(place.path(), name, &fence));
    for (database, _) in &machines {
        std::fs::copy(&old, database).unwrap();
        std::fs::copy(format!("{}.key", old.display()), format!("{}.key", database.display())).unwrap();
    }
    let promote = |config: &str| {
        let mut command = marketgate(&["promote", "--config", config]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running = machines.each_ref().map(|(_, config)| promote(config));
    let done = running.map(|child| child.wait_with_output().unwrap().status.success());
    assert!(done.contains(&true));
    let epochs = machines.each_ref().map(|(database, _)| count(database, "SELECT epoch FROM meta"));
    assert_ne!(epochs[0], epochs[1], "each that took over has an epoch of its own: {done:?}");
    let first = usize::from(epochs[1] > epochs[0]);
    let (code, said) = says(marketgate(&["serve", "--config", &machines[1 - first].1]));
    assert!(code == Some(1) && (said.contains("took over") || said.contains("is a copy")), "{said}");
    // The same epoch as another file: as two of an earlier version could have.
    let (database, _) = &machines[first];
    drop(World::with(&serve(database, &fence)));
    std::fs::write(&fence, format!("{} ffffffffffffffff-1-0\n", epochs[first])).unwrap();
    let (code, said) = says(marketgate(&[&["fixture"], &serve(database, &fence)[..]].concat()));
    assert!(code == Some(1) && said.contains("of another file"), "{said}");
}

/// A command that permissions bind, as they bind everybody but root.
fn bound(command: Command, file: &str) -> Command {
    if std::fs::metadata(file).unwrap().uid() != 0 {
        return command;
    }
    let mut less = Command::new("setpriv");
    less.args(["--bounding-set", "-dac_override,-dac_read_search"]).arg(command.get_program()).args(command.get_args());
    less
}

#[test]
fn nobody_takes_over_by_a_fence_that_a_loss_of_power_may_undo() {
    let place = tempfile::tempdir().unwrap();
    let share = Share::new(place.path());
    let (database, config) = machine(place.path(), "standby", &share.fence());
    World::with(&serve(&database, &share.fence())).terminate();
    let permit = |mode| std::fs::set_permissions(&share.mounted, std::fs::Permissions::from_mode(mode)).unwrap();
    let promote = || marketgate(&["promote", "--config", &config]);
    // What is written here can be read again, but nobody can wait until it is on the disk.
    permit(0o300);
    let (code, said) = says(bound(promote(), &config));
    assert!(code == Some(1) && said.contains(&format!("cannot write {}", share.fence().display())), "{said}");
    assert_eq!(count(&database, "SELECT epoch FROM meta"), 1, "not in charge");
    permit(0o700);
    let (code, said) = says(promote());
    assert_eq!(code, Some(0), "{said}");
    assert!(count(&database, "SELECT epoch FROM meta") > 1);
}
