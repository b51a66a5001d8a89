//! What the documents say of events is what is sent.

use std::collections::BTreeSet;
use std::path::Path;

use marketgate::domain::hook::TYPES;
use serde_json::{Value, json};

use crate::sink::{Api, advance};
use crate::world::{MEMBER, OWNER, PASSWORD, World, create};

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&document("events.json")).unwrap()
}

/// The schema lets fields be added later; here each that is sent has to be written down.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.contains_key("required") {
                fields.insert("additionalProperties".into(), false.into());
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// Does everything that makes an event today; the feed, and the types that it must hold.
fn everything(world: &World) -> Vec<Value> {
    let call = |params: &[(&str, &str)]| assert_eq!(world.spi(params).0, 200, "{params:?}");
    world.bind("1", OWNER, "云帆数据");
    let instance = ("instanceId", "1");
    call(&[("action", "renewInstance"), instance, ("orderId", "9"), ("expiredOn", "2027-12-01 00:00:00")]);
    call(&[("action", "upgradeInstance"), instance, ("skuId", "cmgj00063418-prepay"), ("Count", "2")]);
    call(&[("action", "expiredInstance"), instance]);
    call(&[("action", "renewInstance"), instance, ("orderId", "10"), ("expiredOn", "2099-12-01 00:00:00")]);
    let mut conflict = create("1");
    conflict[3] = ("orderId", "another");
    world.spi(&conflict);
    let mut unknown = create("2");
    unknown[4] = ("productCode", "nobodys");
    world.spi(&unknown);
    call(&[
        ("action", "orderPay"),
        ("orderBizId", "1"),
        ("orderId", "7"),
        ("requestId", "8"),
        ("skuId", "x"),
        ("productCode", "p"),
        ("aliUid", "1"),
    ]);
    crate::push::make_trouble(world, "1");
    call(&[("action", "releaseInstance"), instance]);
    world.buy("3");
    let browser = world.browser();
    let page = browser.open_link(&world.link("3"));
    let claim = page.path.clone();
    let page = browser.sign_in(&page, MEMBER, PASSWORD);
    let page = browser.submit(&page.form(&format!("{claim}/organizations")).set("name", "青石智能"));
    browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &page.choice("青石智能").unwrap()));
    let organization = world.organization("青石智能");
    let user = world.rows(&format!("SELECT id FROM user WHERE email = '{OWNER}'")).remove(0);
    world.execute(&format!("INSERT INTO member VALUES ('{organization}', '{user}', 'member', 0)"));
    for (what, role) in [("role", "owner"), ("remove", "")] {
        let path = format!("/orgs/{organization}/members/{user}/{what}");
        browser.submit(&browser.get(&path).form(&path).set("role", role));
    }
    browser.submit(&browser.get("/orgs/new").form("/orgs").set("name", "短暂"));
    let organization = world.organization("短暂");
    for (page, action) in [("settings", "settings/name"), ("delete", "delete")] {
        let form = browser.get(&format!("/orgs/{organization}/{page}")).form(&format!("/orgs/{organization}/{action}"));
        browser.submit(&form.set("name", "短暂的组织"));
    }
    browser.submit(&browser.get("/me").form("/logout"));
    Api::of(world).feed()
}

/// An expiry that nothing follows.
fn frozen(world: &World) -> Vec<Value> {
    world.bind("1", OWNER, "云帆数据");
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", "1")]).0, 200);
    advance(world, "16d");
    Api::of(world).feed()
}

/// The same where the vendor's word is waited for.
fn undecided(world: &World) -> Vec<Value> {
    let api = Api::of(world);
    for (instance, is_refused) in [("1", true), ("2", false)] {
        world.buy(instance);
        let browser = world.browser();
        let page = browser.open_link(&world.link(instance));
        let claim = page.path.clone();
        let page = browser.sign_in(&page, OWNER, PASSWORD);
        browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap()));
        if is_refused {
            let binding = world.rows("SELECT id FROM binding").remove(0);
            assert_eq!(api.post(&format!("/bindings/{binding}/refuse"), &json!({})).0, 200);
        }
    }
    advance(world, "3m");
    api.feed()
}

/// What time alone brings about.
fn forsaken(world: &World) -> Vec<Value> {
    world.bind("1", OWNER, "云帆数据");
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", "1")]).0, 200);
    // And one whose term ends without a word (rules B2).
    assert_eq!(world.spi(&[create("2"), vec![("expiredOn", "2020-01-01 00:00:00")]].concat()).0, 200);
    advance(world, "16d");
    Api::of(world).feed()
}

#[test]
fn every_event_that_is_sent_has_the_shape_that_is_documented() {
    let mut closed = schema();
    close(&mut closed);
    let validator = jsonschema::options().should_validate_formats(true).build(&closed).unwrap();
    let mut feed = everything(&World::start());
    feed.extend(frozen(&World::start()));
    feed.extend(undecided(&World::with(&["--confirmation"])));
    feed.extend(forsaken(&World::start()));
    for event in &feed {
        let wrong: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{event}: {wrong:#?}");
        let mut other = event.clone();
        other["data"] = json!({});
        assert!(!validator.is_valid(&other), "the schema of {} says something", event["type"]);
    }
    let sent: BTreeSet<&str> = feed.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let schema = schema();
    let documented: BTreeSet<&str> =
        schema["properties"]["type"]["enum"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
    assert_eq!(sent, documented, "every documented type was seen");
}

#[test]
fn every_type_that_the_code_names_is_documented() {
    fn walk(at: &Path, text: &mut String) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, text);
            } else if path.file_name().unwrap() != "hook.rs" {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut code = String::new();
    for module in ["domain", "usecase", "jobs"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module), &mut code);
    }
    let (schema, guide) = (schema(), document("events.md"));
    for kind in TYPES {
        let (family, last) = kind.split_once('.').unwrap();
        let is_named = guide.contains(&format!("`{kind}`"))
            || guide.lines().any(|line| line.contains(&format!("`{family}.")) && line.contains(&format!("`.{last}`")));
        assert!(is_named, "{kind} is not in docs/events.md");
        if code.contains(&format!("\"{kind}\"")) {
            assert!(schema["$defs"].get(kind).is_some(), "{kind} is not in docs/events.json");
        }
    }
}
