//! The OpenAPI document: it names every call that there is, every answer fits it, and a stranger's tool finds no answer
//! that it does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use marketgate::web::{Listener, ROUTES};
use serde_json::{Value, json};

use crate::foreign::SCOPES;
use crate::sink::{Api, Sink};
use crate::world::{OWNER, World, get, now_secs, until};

const PATH: &str = "/api/v1/openapi.json";

fn document(world: &World) -> Value {
    let (status, text) = get(&format!("{}{PATH}", world.gateway));
    assert_eq!(status, 200);
    serde_json::from_str(&text).unwrap()
}

/// Method and path of every call in the document.
fn calls(document: &Value) -> BTreeMap<(String, String), Value> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(move |(method, told)| ((method.to_uppercase(), path.clone()), told.clone()))
    });
    each.collect()
}

/// A schema of the document, with everything that it refers to.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&whole).unwrap()
}

fn wrong(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    validator(document, schema).iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_document_names_every_call_with_its_scope_and_no_other() {
    let world = World::start();
    let document = document(&world);
    let told = calls(&document);
    let routes: BTreeSet<(String, String)> = ROUTES
        .iter()
        .filter(|spec| spec.listener == Listener::Api && spec.path != PATH)
        .map(|spec| (spec.method.to_string(), spec.path.to_owned()))
        .collect();
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), routes);
    let mut names = BTreeSet::new();
    for ((method, path), told) in &told {
        let scope = SCOPES.iter().find(|(of, at, _)| of == method && at == path).unwrap().2;
        assert_eq!(told["security"][0]["key"][0].as_str(), scope, "{method} {path}");
        assert!(
            names.insert(told["operationId"].as_str().unwrap().to_owned()),
            "{method} {path}: its name stands twice"
        );
        // Every POST says that it may be repeated; usage names its events instead.
        let parameters = told["parameters"].as_array().cloned().unwrap_or_default();
        let is_once = parameters.iter().any(|one| one["name"] == "Idempotency-Key");
        assert_eq!(is_once, method == "POST" && !path.ends_with("/usage"), "{method} {path}");
        let group = &told["tags"][0];
        assert!(document["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == *group), "{group}");
    }
    // A link leads to a call that takes an id, from an id that is there.
    let answers = told.values().flat_map(|told| told["responses"].as_object().unwrap().values());
    let mut links = 0;
    for answer in answers {
        for link in answer["links"].as_object().into_iter().flat_map(|links| links.values()) {
            let target = told.iter().find(|(_, told)| told["operationId"] == link["operationId"]).unwrap();
            assert!(target.0.1.contains("{id}"), "{link}");
            let place = link["parameters"]["id"].as_str().unwrap().strip_prefix("$response.body#").unwrap();
            let example = &answer["content"]["application/json"]["example"];
            assert!(example.pointer(place).is_some_and(Value::is_string), "{link}: {example}");
            links += 1;
        }
    }
    assert!(links > 10, "{links}");
    assert_eq!(document["info"]["version"], world.ready["version"].as_str().unwrap().split(' ').next().unwrap());
}

#[test]
fn every_example_fits_its_shape() {
    let world = World::start();
    let document = document(&world);
    let mut seen = 0;
    for ((method, path), told) in calls(&document) {
        let bodies = told["requestBody"]["content"].as_object().into_iter().flatten().map(|(_, body)| body.clone());
        let answers = told["responses"].as_object().unwrap().values();
        let answers = answers.flat_map(|answer| answer["content"].as_object().cloned().into_iter().flatten());
        for content in bodies.chain(answers.map(|(_, body)| body)) {
            if let Some(example) = content.get("example") {
                let wrong = wrong(&document, &content["schema"], example);
                assert!(wrong.is_empty() && !example.is_null(), "{method} {path}: {wrong:#?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn what_is_answered_has_the_shape_that_is_documented() {
    let (world, sink) = (World::with(&["--confirmation", "--no-access-key"]), Sink::start());
    let document = document(&world);
    let told = calls(&document);
    let api = Api::of(&world);
    let mut answered: BTreeSet<(String, String)> = BTreeSet::new();
    let mut ask = |method: &str, pattern: &str, id: &str, body: &Value| -> Value {
        let path = pattern.strip_prefix("/api/v1").unwrap().replace("{id}", id);
        let kind = if pattern.ends_with("/usage") { "application/cloudevents+json" } else { "application/json" };
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, headers, answer) = api.call(method, &path, &[("content-type", kind)], &text);
        let plain = pattern.split('?').next().unwrap().to_owned();
        let call = &told[&(method.to_owned(), plain.clone())];
        let expected = &call["responses"][status.to_string()];
        assert!(status < 300 && expected.is_object(), "{method} {path}: {status} {answer}");
        for header in expected["headers"].as_object().unwrap().keys() {
            assert!(headers.contains_key(&header.to_lowercase()), "{method} {path}: no {header}");
        }
        if let Some(schema) = expected["content"]["application/json"].get("schema") {
            let wrong = wrong(&document, schema, &answer);
            assert!(wrong.is_empty(), "{method} {path}: {wrong:#?} in {answer}");
        }
        answered.insert((method.to_owned(), plain));
        answer
    };
    let none = Value::Null;
    // A binding that the vendor confirms, and one that it refuses.
    for (instance, organization, word) in [("1", "云帆数据", "confirm"), ("2", "星河科技", "refuse")] {
        world.buy(instance);
        let browser = world.browser();
        let page = browser.open_link(&world.link(instance));
        let claim = page.path.clone();
        let page = browser.sign_in(&page, OWNER, crate::world::PASSWORD);
        browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &page.choice(organization).unwrap()));
        let binding = world.rows("SELECT id FROM binding WHERE state = 'requested'").remove(0);
        let body = if word == "refuse" { json!({ "reason": "no contract" }) } else { Value::Null };
        ask("POST", &format!("/api/v1/bindings/{{id}}/{word}"), &binding, &body);
    }
    let organization = world.organization("云帆数据");
    let time = jiff::Timestamp::from_second(now_secs()).unwrap().to_string();
    ask(
        "POST",
        "/api/v1/usage",
        "",
        &json!({
            "specversion": "1.0", "type": "marketgate.usage.v1", "source": "test", "id": "1", "subject": organization,
            "time": time, "data": { "item": "Period", "quantity": 60 },
        }),
    );
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", "1")]).0, 200);
    for list in ["organizations", "subscriptions", "metering", "events"] {
        let items = ask("GET", &format!("/api/v1/{list}"), "", &none)["items"].as_array().unwrap().len();
        assert!(items > 0, "{list}");
    }
    ask("GET", "/api/v1/organizations/{id}", &organization, &none);
    assert!(ask("GET", "/api/v1/subscriptions/{id}", "alibaba-1", &none)["timeline"].as_array().unwrap().len() > 3);
    let made = ask("POST", "/api/v1/webhooks", "", &json!({ "url": sink.url, "types": ["binding.*"] }));
    let hook = made["id"].as_str().unwrap().to_owned();
    ask("POST", "/api/v1/webhooks/{id}/rotate", &hook, &none);
    let ping = ask("POST", "/api/v1/webhooks/{id}/ping", &hook, &none)["id"].as_str().unwrap().to_owned();
    until("the ping", || (world.rows("SELECT state FROM delivery") == ["delivered"]).then_some(()));
    ask("GET", "/api/v1/deliveries", "", &none);
    ask("GET", "/api/v1/deliveries/{id}", &ping, &none);
    ask("POST", "/api/v1/deliveries/{id}/redeliver", &ping, &none);
    ask("PATCH", "/api/v1/webhooks/{id}", &hook, &json!({ "enabled": false }));
    ask("GET", "/api/v1/webhooks", "", &none);
    ask("GET", "/api/v1/webhooks/{id}", &hook, &none);
    ask("DELETE", "/api/v1/webhooks/{id}", &hook, &none);
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let entered = browser.get_only(&format!("/enter?org={organization}"));
    let code = entered.headers["location"].split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    ask("POST", "/api/v1/sessions/exchange", "", &json!({ "code": code }));
    assert_eq!(answered, told.keys().cloned().collect(), "every call was made");
}

#[test]
fn a_code_is_exchanged_once_and_its_answer_is_told_again_to_the_same_call_only() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let code = || {
        let browser = world.browser();
        browser.sign_in_as(OWNER);
        let entered = browser.get_only(&format!("/enter?org={organization}"));
        entered.headers["location"].split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned()
    };
    let api = Api::of(&world);
    let exchange = |key: Option<&str>, code: &str| {
        let headers: Vec<(&str, &str)> = key.iter().map(|key| ("idempotency-key", *key)).collect();
        let (status, _, body) = api.call("POST", "/sessions/exchange", &headers, &json!({ "code": code }).to_string());
        (status, body)
    };
    let (first, second) = (code(), code());
    let (status, told) = exchange(Some("a"), &first);
    assert_eq!((status, told["user"]["email"].as_str()), (200, Some(OWNER)));
    assert_eq!(exchange(Some("a"), &first), (200, told.clone()), "the answer was lost on the way");
    assert_eq!(exchange(None, &first).0, 410, "without the key it is spent");
    assert_eq!(exchange(Some("b"), &first).0, 410, "and with another one");
    let (status, body) = exchange(Some("a"), &second);
    assert_eq!((status, body["errors"][0]["code"].as_str()), (422, Some("reused")), "another code with the same key");
    assert_eq!(exchange(None, &second).0, 200, "which was not spent by that");
    // Another key of the vendor's is another caller.
    let other = api.with_key(&crate::api_key::made(&world, "sessions:exchange"));
    let body = json!({ "code": first }).to_string();
    assert_eq!(other.call("POST", "/sessions/exchange", &[("idempotency-key", "a")], &body).0, 410);
    let kept = world.rows("SELECT answer FROM idempotency").remove(0);
    assert!(!kept.contains(OWNER) && !kept.contains("usr_"), "sealed: {kept}");
    // Many at once: one exchanges, and all hear the same.
    let third = code();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..12).map(|_| scope.spawn(|| exchange(Some("many"), &third))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.0 == 200 && *answer == answers[0]), "{answers:?}");
}

#[test]
fn the_page_shows_every_call_without_anything_from_elsewhere() {
    let world = World::start();
    let mut browser = world.browser();
    for (language, title) in [("zh-CN", "API 文档"), ("en", "API documentation")] {
        browser.headers = vec![("accept-language", language.to_owned())];
        let page = browser.get("/api/docs");
        assert_eq!((page.status, page.h1().as_str()), (200, title));
        for ((method, path), told) in calls(&document(&world)) {
            assert!(
                page.has(&format!("{method} {path}")) && page.has(told["summary"].as_str().unwrap()),
                "{method} {path}"
            );
        }
        assert!(page.has("too_many_webhooks") && page.has("curl ") && page.has("WebhookWithSecret"));
        assert!(!page.html.contains("src=\"http") && !page.html.contains("<script>"));
    }
}

#[test]
fn a_tool_that_reads_the_document_finds_no_answer_that_it_does_not_have() {
    let world = World::with(&["--no-access-key"]);
    let organization = world.bind("1", OWNER, "星河科技");
    let root = env!("CARGO_MANIFEST_DIR");
    let tool = format!("{root}/target/contract/bin/st");
    let place = tempfile::tempdir().unwrap();
    let output = Command::new(&tool)
        .current_dir(place.path())
        .args(["--no-color", "--config-file", &format!("{root}/tests/fixtures/contract.toml"), "run"])
        .arg(format!("{}{PATH}", world.gateway))
        .args(["--url", &world.gateway])
        .env("API_KEY", world.ready["api_key"].as_str().unwrap())
        .env("ORGANIZATION", organization)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|e| panic!("{tool}: {e}; `make test-setup` installs it"));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    // Not one call was passed over.
    let all = calls(&document(&world)).len();
    assert!(told.contains(&format!("Tested: {all}")) && told.contains("No issues found"), "{told}");
}
