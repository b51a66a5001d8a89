//! Keys of the vendor's product: made, rotated and revoked, by commands and on the operators' pages.

use std::process::Output;

use serde_json::Value;

use crate::cli::{KEY, configure, marketgate, says};
use crate::sink::{Api, advance};
use crate::world::World;

fn run(world: &World, arguments: &[&str]) -> Output {
    let mut command = marketgate(&["api-key"]);
    command.args(arguments).args(["--database", world.ready["database"].as_str().unwrap()]);
    command.output().unwrap()
}

/// What a command prints for programs, after it succeeded.
fn told(world: &World, arguments: &[&str]) -> String {
    let output = run(world, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(world: &World, arguments: &[&str]) -> String {
    let output = run(world, arguments);
    assert!(!output.status.success(), "{arguments:?} was carried out");
    String::from_utf8(output.stderr).unwrap()
}

fn status(world: &World, key: &str, path: &str) -> u16 {
    Api::of(world).with_key(key).call("GET", path, &[], "").0
}

fn id_of(world: &World, name: &str) -> String {
    world.rows(&format!("SELECT id FROM api_key WHERE name = '{name}' ORDER BY id DESC")).remove(0)
}

#[test]
fn a_key_is_made_by_a_command_shown_once_and_does_what_it_was_made_for() {
    let world = World::start();
    let made = told(&world, &["create", "--name", "billing job", "--scope", "organizations:read,events:read"]);
    let secret = made.trim_end();
    assert_eq!(made.lines().count(), 1, "the secret alone: {made}");
    assert!(secret.starts_with("mg_test_") && secret.len() == "mg_test_".len() + 43, "{secret}");
    assert_eq!(status(&world, secret, "/organizations"), 200);
    assert_eq!(status(&world, secret, "/events"), 200);
    assert_eq!(status(&world, secret, "/subscriptions"), 403, "no more than was asked for");

    let list = told(&world, &["list"]);
    assert!(list.contains("billing job") && list.contains(&format!("{}…", &secret[..12])), "{list}");
    assert!(!list.contains(secret), "never again");
    let database = world.ready["database"].as_str().unwrap();
    for file in [database.to_owned(), format!("{database}-wal")] {
        let bytes = std::fs::read(file).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "nor in the file");
    }
    assert_eq!(
        world.rows("SELECT actor_kind || ' ' || action || ' ' || after FROM audit"),
        ["command_line api_key.created billing job: organizations:read events:read"]
    );

    let id = id_of(&world, "billing job");
    told(&world, &["revoke", &id, "--reason", "it was in a log"]);
    assert_eq!(status(&world, secret, "/organizations"), 401);
    told(&world, &["revoke", &id]);
    assert_eq!(
        world.rows("SELECT action || coalesce(' (' || reason || ')', '') FROM audit"),
        ["api_key.created", "api_key.revoked (it was in a log)"],
        "a second time changes nothing"
    );
    assert!(refused(&world, &["rotate", &id]).contains("not in force"));
    assert!(refused(&world, &["revoke", "key_nobodys"]).contains("api-key list"));
    assert!(refused(&world, &["create", "--name", " ", "--scope", "usage:write"]).contains("name"));
    assert!(refused(&world, &["create", "--name", "x", "--scope", "usage:all"]).contains("usage:write"));
    assert!(refused(&world, &["create", "--name", "x"]).contains("--scope"));
}

#[test]
fn a_rotated_key_goes_on_beside_the_new_one_and_both_end_at_their_time() {
    let world = World::start();
    let first = told(&world, &["create", "--name", "product", "--scope", "organizations:read", "--days", "3"]);
    let first = first.trim_end();
    let id = id_of(&world, "product");
    let document = told(&world, &["rotate", &id, "--overlap-hours", "5", "--days", "2", "--json"]);
    let next: Value = serde_json::from_str(&document).unwrap();
    let second = next["secret"].as_str().unwrap();
    assert_eq!((next["name"].as_str(), next["replaces"].as_str()), (Some("product"), Some(id.as_str())));
    assert_eq!(next["scopes"], serde_json::json!(["organizations:read"]));
    assert!(refused(&world, &["rotate", &id]).contains("rotated before"));
    let both = || [first, second].map(|key| status(&world, key, "/organizations"));
    assert_eq!(both(), [200, 200]);
    advance(&world, "301m");
    assert_eq!(both(), [401, 200], "the overlap is over");
    advance(&world, "2d");
    assert_eq!(both(), [401, 401], "and so is the life of the new one");
    // A rotation never lets a key live longer than it would have.
    told(&world, &["create", "--name", "short", "--scope", "organizations:read", "--days", "1"]);
    let short = id_of(&world, "short");
    let ends = |id: &str| world.rows(&format!("SELECT expires_at FROM api_key WHERE id = '{id}'")).remove(0);
    let before = ends(&short);
    told(&world, &["rotate", &short, "--overlap-hours", "700"]);
    assert_eq!(ends(&short), before);
}

#[test]
fn the_last_use_of_a_key_is_known_without_a_write_for_each_call() {
    let world = World::start();
    let secret = told(&world, &["create", "--name", "quiet", "--scope", "organizations:read"]);
    let used = || world.rows("SELECT coalesce(last_used_at, 0) FROM api_key WHERE name = 'quiet'").remove(0);
    let call =
        |times: usize| (0..times).for_each(|_| assert_eq!(status(&world, secret.trim_end(), "/organizations"), 200));
    assert_eq!(used(), "0");
    call(1);
    let first = used();
    assert_ne!(first, "0");
    call(20);
    assert_eq!(used(), first, "calls that follow soon write nothing");
    advance(&world, "11m");
    call(1);
    assert!(used() > first, "a later one does");
    assert!(told(&world, &["list"]).contains("last used 20"));
}

#[test]
fn a_production_key_says_so() {
    let place = tempfile::tempdir().unwrap();
    let file = configure(place.path(), "https://gate.example.com", KEY);
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
    let make = ["api-key", "create", "--name", "product", "--scope", "usage:write", "--config", &file];
    let (code, text) = says(marketgate(&make));
    assert!(code == Some(0) && text.starts_with("mg_live_") && text.contains("shown this once"), "{text}");
}
