//! A full disk, seen by the marketplace: it is told to come again, and nothing that was answered is missing.

use crate::world::{World, create};

/// More than the people and organizations of a fixture take, and soon full.
const PAGES: &str = "--max-pages=400";
const AT_MOST: usize = 2_000;

/// Buys until the gateway says no: who was told yes, and the status that ended it.
fn buy_until_full(world: &World, first: usize) -> (Vec<String>, u16) {
    let much = "x".repeat(1_500);
    let mut answered = Vec::new();
    for n in first..first + AT_MOST {
        let name = format!("full-{n}");
        let mut params = create(&name);
        params.push(("note", &much));
        let (status, body) = world.spi(&params);
        if status != 200 {
            return (answered, status);
        }
        assert!(body.contains(&name), "{body}");
        answered.push(name);
    }
    panic!("{AT_MOST} purchases do not fill it");
}

fn known(world: &World) -> Vec<String> {
    world.rows("SELECT instance_id FROM subscription WHERE instance_id LIKE 'full-%' ORDER BY id")
}

#[test]
fn a_full_disk_is_answered_503_and_loses_nothing_that_was_answered() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gate.db");
    let arguments = ["--database", file.to_str().unwrap()];
    let world = World::with(&[arguments[0], arguments[1], PAGES]);
    let (answered, status) = buy_until_full(&world, 0);
    assert_eq!(status, 503);
    assert!(answered.len() > 10, "there was room at first: {}", answered.len());
    assert_eq!(known(&world), answered, "exactly what was answered is there");

    // Room again, under the running gateway.
    world.execute("DELETE FROM call");
    let (more, status) = buy_until_full(&world, AT_MOST);
    assert!(status == 503 && !more.is_empty(), "it goes on by itself, until it is full again");
    let all = [answered, more].concat();
    assert_eq!(known(&world), all);

    // And after a restart with more of it.
    world.kill();
    let world = World::with(&arguments);
    assert_eq!(world.rows("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(known(&world), all);
    assert_eq!(world.spi(&create(&all[0])).0, 200, "a repeated call is answered again");
    assert_eq!(world.spi(&create("after")).0, 200);
}
