//! Keys of the vendor's product: made, rotated and revoked, by commands and on the operators' pages.

use std::process::Output;

use serde_json::Value;

use crate::browserlike::{Browser, Form, Page};
use crate::cli::{initialized, marketgate, says};
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

/// The secret of another key with this scope.
pub fn made(world: &World, scope: &str) -> String {
    told(world, &["create", "--name", "another", "--scope", scope]).trim_end().to_owned()
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
    let file = initialized(place.path());
    let make = ["api-key", "create", "--name", "product", "--scope", "usage:write", "--config", &file];
    let (code, text) = says(marketgate(&make));
    assert!(code == Some(0) && text.starts_with("mg_live_") && text.contains("shown this once"), "{text}");
}

/// An operator's browser.
fn operator(world: &World) -> Browser {
    let browser = world.browser();
    browser.sign_in_as(world.ready["operator"]["email"].as_str().unwrap());
    browser
}

/// The secret that a page shows, in the field from which it is copied.
fn secret_on(page: &Page) -> Option<String> {
    let field = page.html.split("id=\"secret\"").nth(1)?;
    Some(field.split("value=\"").nth(1)?.split('"').next()?.to_owned())
}

#[test]
fn an_operator_makes_rotates_and_revokes_keys_and_sees_each_secret_once() {
    let world = World::start();
    let browser = operator(&world);
    let list = browser.get("/operator/keys");
    assert!(list.h1() == "密钥" && list.has("demo") && list.has("usage:write"), "{}", list.html);
    assert!(!list.html.contains(world.ready["api_key"].as_str().unwrap()));
    let form = browser.get("/operator/keys/new").form("/operator/keys");
    // What is wrong is told, and what was typed stays.
    let page = browser.submit(&form.clone().set("name", "产品后端").set("days", "90"));
    assert!(page.status == 422 && page.has("至少勾选一项权限") && page.html.contains("产品后端"), "{}", page.html);
    let form = page.form("/operator/keys").set("scope", "organizations:read");
    let made = browser.submit(&form);
    assert_eq!((made.status, made.h1().as_str()), (200, "密钥已创建"));
    let secret = secret_on(&made).unwrap();
    assert_eq!(status(&world, &secret, "/organizations"), 200);
    assert_eq!(status(&world, &secret, "/events"), 403);
    // Sent again, as a browser does that reloads: no second key, and no secret.
    let again = browser.submit(&form);
    assert!(again.status == 409 && again.has("这个密钥已经创建过") && secret_on(&again).is_none(), "{}", again.html);
    let id = id_of(&world, "产品后端");
    assert_eq!(world.rows("SELECT count(*) FROM api_key WHERE name = '产品后端'"), ["1"]);
    let path = format!("/operator/keys/{id}");
    for page in ["/operator/keys", &path] {
        let page = browser.get(page);
        assert!(page.has("产品后端") && page.has(&secret[..12]) && !page.html.contains(&secret));
    }

    let rotate = browser.get(&format!("{path}/rotate")).form(&format!("{path}/rotate"));
    let page = browser.submit(&rotate.set("overlap", "1").set("days", ""));
    let next = secret_on(&page).unwrap();
    assert!(page.h1() == "新密钥已创建" && page.has("之前仍然有效"), "{}", page.html);
    let both = || [&secret, &next].map(|key| status(&world, key, "/organizations"));
    assert_eq!(both(), [200, 200]);
    advance(&world, "61m");
    assert_eq!(both(), [401, 200]);
    // The session stays, its proof of a quarter of an hour ago does not.
    let next_id = id_of(&world, "产品后端");
    assert_ne!(next_id, id);
    let path = format!("/operator/keys/{next_id}/revoke");
    let browser = operator(&world);
    let form = browser.get(&path).form(&path);
    assert_eq!(browser.submit(&form.clone().set("why", " ")).status, 422, "a reason is asked for");
    assert_eq!(both(), [401, 200]);
    let page = browser.submit(&form.set("why", "泄露"));
    assert!(page.has("密钥已吊销") && page.has("revoked"), "{}", page.html);
    assert_eq!(both(), [401, 401]);
    assert_eq!(
        world.rows("SELECT actor_kind || ' ' || action || coalesce(' ' || reason, '') FROM audit WHERE subject_kind = 'api_key' AND request_id LIKE 'req_%'"),
        ["operator api_key.created", "operator api_key.rotated", "operator api_key.created", "operator api_key.revoked 泄露"]
    );
}

#[test]
fn keys_are_changed_only_by_an_operator_who_typed_the_password_just_now() {
    let world = World::start();
    let id = id_of(&world, "demo");
    let browser = operator(&world);
    let path = format!("/operator/keys/{id}/revoke");
    let form = browser.get(&path).form(&path).set("why", "x");
    // The answer leads to the password instead of doing what was asked.
    world.execute("UPDATE session SET stepped_up_until = NULL");
    let page = browser.submit_only(&form);
    assert!(page.headers["location"].starts_with("/login/confirm?next="), "{:?}", page.headers);
    assert_eq!(browser.get_only("/operator/keys").status, 200, "reading takes no password");
    // Somebody who was an operator a moment ago.
    let browser = operator(&world);
    let form = browser.get(&path).form(&path).set("why", "x");
    world.execute("UPDATE user SET is_operator = 0");
    assert!(matches!(browser.submit_only(&form).status, 303 | 403));
    assert_eq!(world.rows("SELECT count(*) FROM api_key WHERE revoked_at IS NOT NULL"), ["0"]);
    assert_eq!(status(&world, world.ready["api_key"].as_str().unwrap(), "/organizations"), 200);
}

#[test]
fn the_list_of_keys_goes_on_while_there_are_more_and_leads_back() {
    let world = World::start();
    let operator = world.browser();
    operator.sign_in_as(crate::console::OPERATOR);
    let already = world.rows("SELECT count(*) FROM api_key").remove(0).parse::<usize>().unwrap();
    let make = |from: usize, to: usize| {
        world.execute(&format!(
            "WITH RECURSIVE n (i) AS (VALUES ({from}) UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             INSERT INTO api_key (id, name, secret_hash, scopes, created_at)
             SELECT printf('key_zz%024d', i), 'no ' || i, randomblob(32), 'events:read', 1795330800000 FROM n"
        ));
    };
    let rows = |page: &Page| page.texts("[aria-labelledby=api-keys] tbody tr").len();
    make(1, 50 - already);
    let full = operator.get("/operator/keys");
    assert!(rows(&full) == 50 && !full.has("更早"), "nothing is behind it");
    make(51, 51);
    let first = operator.get("/operator/keys");
    assert!(rows(&first) == 50 && first.has("更早") && !first.has("回到最新"));
    let on = first.texts_of("[aria-labelledby=api-keys] footer a", "href").remove(0);
    let last = operator.get(&on);
    assert!(rows(&last) == 1 && last.has("回到最新") && !last.has("更早"), "{}", last.html);
    assert_eq!(last.texts_of("[aria-labelledby=api-keys] footer a", "href"), ["/operator/keys"]);
}

/// Sends forms at the same time; the secrets that are shown.
fn at_once(browser: &Browser, forms: &[Form]) -> Vec<String> {
    std::thread::scope(|scope| {
        let pages: Vec<_> = forms.iter().map(|form| scope.spawn(|| browser.submit(form))).collect();
        pages.into_iter().filter_map(|page| secret_on(&page.join().unwrap())).collect()
    })
}

#[test]
fn a_key_that_is_made_or_rotated_twice_at_once_is_made_once() {
    let world = World::start();
    let browser = operator(&world);
    let form = browser.get("/operator/keys/new").form("/operator/keys");
    let form = form.set("name", "产品后端").set("days", "90").set("scope", "organizations:read");
    let made = at_once(&browser, &vec![form; 6]);
    assert_eq!(made.len(), 1);
    assert_eq!(world.rows("SELECT count(*) FROM api_key WHERE name = '产品后端'"), ["1"]);
    let id = id_of(&world, "产品后端");
    let path = format!("/operator/keys/{id}/rotate");
    // Each page has an id of its own for the next key.
    let next = || browser.get(&path).form(&path).set("overlap", "1").set("days", "");
    let forms: Vec<Form> = (0..6).map(|_| next()).collect();
    let rotated = at_once(&browser, &forms);
    assert_eq!(rotated.len(), 1);
    assert_eq!(world.rows(&format!("SELECT count(*) FROM api_key WHERE replaces = '{id}'")), ["1"]);
    let next = id_of(&world, "产品后端");
    assert_ne!(id, next);
    assert_eq!([&made[0], &rotated[0]].map(|key| status(&world, key, "/organizations")), [200, 200]);
    let acts = "SELECT action FROM audit WHERE subject_kind = 'api_key' ORDER BY id";
    assert_eq!(world.rows(acts), ["api_key.created", "api_key.rotated", "api_key.created"]);
}

#[test]
fn either_key_of_a_rotation_can_be_revoked_while_both_are_in_force() {
    let world = World::start();
    for is_former_revoked in [true, false] {
        let name = if is_former_revoked { "former" } else { "next" };
        let first = told(&world, &["create", "--name", name, "--scope", "organizations:read"]);
        let former = id_of(&world, name);
        let second = told(&world, &["rotate", &former, "--overlap-hours", "5"]);
        let next = id_of(&world, name);
        let both = || [&first, &second].map(|key| status(&world, key.trim_end(), "/organizations"));
        assert_eq!(both(), [200, 200]);
        told(&world, &["revoke", if is_former_revoked { &former } else { &next }]);
        assert_eq!(both(), if is_former_revoked { [401, 200] } else { [200, 401] });
    }
}
