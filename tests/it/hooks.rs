//! Telling the vendor's product: signatures, order, retries, dead letters, and where a webhook may lead (interfaces §3).

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::cli::{KEY, Serving, configure_with, marketgate, says};
use crate::sink::{Api, Heard, Sink, advance};
use crate::world::{OWNER, World, until};

/// Checks a request with the library that the specification's authors publish.
fn verify(heard: &Heard, secret: &str) -> Result<(), standardwebhooks::WebhookError> {
    let mut headers = ureq::http::HeaderMap::new();
    for (name, value) in &heard.headers {
        if name.starts_with("webhook-") {
            headers.insert(ureq::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
    }
    Webhook::new(secret).unwrap().verify(heard.text.as_bytes(), &headers)
}

fn secret(hook: &Value) -> &str {
    hook["secret"].as_str().unwrap()
}

fn path(hook: &Value) -> String {
    format!("/webhooks/{}", hook["id"].as_str().unwrap())
}

/// Each order to a date of its own: one that changes nothing is no event.
fn renew(world: &World, instance: &str, order: &str) {
    let minute = order.bytes().map(u32::from).sum::<u32>() % 60;
    let (status, body) = world.spi(&[
        ("action", "renewInstance"),
        ("instanceId", instance),
        ("orderId", order),
        ("expiredOn", &format!("2099-01-01 00:{minute:02}:00")),
    ]);
    assert_eq!((status, body.contains("true")), (200, true), "{body}");
}

#[test]
fn what_happens_reaches_the_product_signed_and_with_the_feeds_own_bodies() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    let hook = api.hook(&sink.url, &[]);
    assert!(secret(&hook).starts_with("whsec_"));
    world.bind("1", OWNER, "云帆数据");
    sink.hears("binding.live");
    let feed = api.feed();
    for event in &feed {
        let heard = until("each event", || sink.heard().into_iter().find(|heard| heard.body["id"] == event["id"]));
        assert_eq!(&heard.body, event);
        assert_eq!(heard.headers["webhook-id"], event["id"].as_str().unwrap());
        assert_eq!((heard.headers["content-type"].as_str(), heard.path.as_str()), ("application/json", "/hook"));
        verify(&heard, secret(&hook)).unwrap();
        let mut forged = heard.clone();
        forged.text = forged.text.replace("version", "Version");
        assert!(verify(&forged, secret(&hook)).is_err());
        assert!(verify(&heard, &format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).is_err());
    }
    let kinds: Vec<&str> = feed.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["subscription.activated", "binding.requested", "binding.live"]);
    let stored = world.rows("SELECT secret FROM webhook");
    assert!(!stored[0].contains("whsec"), "secrets are sealed");
    for body in [api.get("/webhooks"), api.get(&path(&hook))] {
        assert!(!body.to_string().contains("whsec"), "a secret is shown once");
    }
}

#[test]
fn without_a_webhook_an_event_writes_nothing_more() {
    let world = World::start();
    world.bind("1", OWNER, "云帆数据");
    assert_eq!(world.rows("SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM webhook)"), ["0"]);
}

#[test]
fn a_webhook_hears_what_it_asked_for_from_its_beginning_on() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    world.buy("before");
    api.hook(&sink.url, &["subscription.*", "order.paid"]);
    world.bind("1", OWNER, "云帆数据");
    renew(&world, "1", "9");
    sink.hears("subscription.renewed");
    assert_eq!(sink.kinds(), ["subscription.activated", "subscription.renewed"]);
}

#[test]
fn a_later_event_of_a_subscription_waits_for_the_earlier_one_and_others_go_on() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    api.hook(&sink.url, &["subscription.*"]);
    sink.answers(|heard| (if heard.body["subject"] == "alibaba-1" { 503 } else { 200 }, "later".into()));
    for instance in ["1", "2"] {
        world.buy(instance);
        for order in ["a", "b", "c"] {
            renew(&world, instance, order);
        }
    }
    let lines = |subject: &str| -> Vec<String> {
        sink.heard().iter().map(Heard::line).filter(|line| line.starts_with(subject)).collect()
    };
    until("the other subscription", || (lines("alibaba-2").len() == 4).then_some(()));
    // What was heard is on record a moment later.
    let waiting = until("the records", || {
        let listed = api.get("/deliveries?state=waiting")["items"].as_array().unwrap().clone();
        (listed.len() == 4 && listed[3]["status"].is_number()).then_some(listed)
    });
    // On a slow machine it is tried again meanwhile.
    assert!(lines("alibaba-1").iter().all(|line| line == "alibaba-1 subscription.activated 1"));
    assert_eq!((&waiting[3]["status"], &waiting[3]["error"]), (&json!(503), &json!("answered 503: later")));
    assert!(waiting[3]["next_attempt_at"].is_string() && waiting[0]["next_attempt_at"].is_null());
    let behind = format!("/deliveries/{}/redeliver", waiting[0]["id"].as_str().unwrap());
    assert_eq!(api.post(&behind, &json!({})).1["code"], "behind_another");
    sink.answers(|_| (200, String::new()));
    // Past the second retry, should the first have been one of those.
    advance(&world, "10m");
    until("the last", || lines("alibaba-1").contains(&"alibaba-1 subscription.renewed 4".to_owned()).then_some(()));
    let mut tries = sink.heard();
    tries.retain(|one| one.line() == "alibaba-1 subscription.activated 1");
    assert!(tries.len() > 1 && tries.iter().all(|one| one.body["id"] == tries[0].body["id"]), "a retry is the same");
    let later = ["renewed 2", "renewed 3", "renewed 4"].map(|end| format!("alibaba-1 subscription.{end}"));
    assert_eq!(lines("alibaba-1")[tries.len()..], later, "each once, after that");
}

#[test]
fn what_nobody_takes_is_tried_ten_times_then_dead_visible_and_sent_again_on_demand() {
    let (world, sink) = (World::start(), Sink::answering(|_| (500, "broken".into())));
    let api = Api::of(&world);
    let hook = api.hook(&sink.url, &["subscription.activated"]);
    world.buy("1");
    sink.hears("subscription.activated");
    for (span, tried) in
        [("6s", 2), ("331s", 3), ("34m", 4), ("133m", 5), ("331m", 6), ("11h", 7), ("16h", 8), ("22h", 9)]
    {
        advance(&world, span);
        assert_eq!(sink.heard().len(), tried, "after {span}");
    }
    assert_eq!(api.get("/deliveries?state=dead")["items"], json!([]));
    advance(&world, "27h");
    assert_eq!(sink.heard().len(), 10);
    let dead = api.get(&format!("/deliveries?webhook={}&state=dead", hook["id"].as_str().unwrap()));
    let dead = &dead["items"][0];
    assert_eq!(
        (&dead["attempts"], &dead["status"], &dead["type"]),
        (&json!(10), &json!(500), &json!("subscription.activated"))
    );
    assert_eq!(world.rows("SELECT kind FROM alarm"), ["dead_delivery"]);
    advance(&world, "1d");
    assert_eq!(sink.heard().len(), 10, "dead is dead");
    sink.answers(|_| (200, String::new()));
    let again = format!("/deliveries/{}/redeliver", dead["id"].as_str().unwrap());
    assert_eq!(api.post(&again, &json!({})).0, 202);
    until("the redelivery", || (sink.heard().len() == 11).then_some(()));
    until("its record", || {
        (api.get(&format!("/deliveries/{}", dead["id"].as_str().unwrap()))["state"] == "delivered").then_some(())
    });
    assert_eq!(world.rows("SELECT kind FROM alarm WHERE cleared_at IS NULL").len(), 0, "the alarm's cause is gone");
}

#[test]
fn a_webhook_that_is_gone_or_fails_for_days_is_disabled_and_loses_nothing() {
    let (world, gone) = (World::start(), Sink::answering(|_| (410, String::new())));
    let failing = Sink::answering(|_| (500, String::new()));
    let api = Api::of(&world);
    let (gone_hook, failing_hook) = (api.hook(&gone.url, &[]), api.hook(&failing.url, &[]));
    world.buy("1");
    until("the end", || (api.get(&path(&gone_hook))["disabled"]["reason"] == "gone").then_some(()));
    for _ in 0..5 {
        advance(&world, "25h");
        world.buy(&format!("{}", sink_count(&failing)));
    }
    advance(&world, "1h");
    assert_eq!(api.get(&path(&failing_hook))["disabled"]["reason"], "failing");
    assert_eq!(
        world.rows("SELECT DISTINCT detail FROM alarm WHERE kind = 'webhook_disabled' ORDER BY 1"),
        ["failing", "gone"]
    );
    let heard = failing.heard().len();
    advance(&world, "2d");
    assert_eq!((gone.heard().len(), failing.heard().len()), (1, heard), "nothing is sent to a disabled one");
    assert_eq!(api.post(&format!("{}/ping", path(&gone_hook)), &json!({})).1["code"], "webhook_disabled");
    gone.answers(|_| (200, String::new()));
    let (status, _, enabled) = api.call("PATCH", &path(&gone_hook), &[], r#"{"enabled":true}"#);
    assert_eq!((status, &enabled["enabled"]), (200, &json!(true)));
    assert_eq!(
        world.rows("SELECT detail FROM alarm WHERE kind = 'webhook_disabled' AND cleared_at IS NULL"),
        ["failing"],
        "the other one still is"
    );
    let all = api.feed().len();
    until("everything missed", || {
        let mut ids: Vec<String> = gone.heard().iter().map(|one| one.body["id"].to_string()).collect();
        ids.sort();
        ids.dedup();
        (ids.len() == all).then_some(())
    });
}

fn sink_count(sink: &Sink) -> usize {
    1_000 + sink.heard().len()
}

#[test]
fn both_secrets_sign_while_a_rotation_overlaps() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    let hook = api.hook(&sink.url, &[]);
    let (status, rotated) = api.post(&format!("{}/rotate", path(&hook)), &json!({ "overlap_secs": 3600 }));
    assert_eq!(status, 200);
    assert_ne!(secret(&hook), secret(&rotated));
    world.buy("1");
    let heard = sink.hears("subscription.activated");
    verify(&heard, secret(&hook)).unwrap();
    verify(&heard, secret(&rotated)).unwrap();
    assert_eq!(heard.headers["webhook-signature"].split(' ').count(), 2);
    advance(&world, "61m");
    renew(&world, "1", "a");
    let heard = sink.hears("subscription.renewed");
    assert!(verify(&heard, secret(&hook)).is_err(), "the old one is out of force");
    verify(&heard, secret(&rotated)).unwrap();
    for bad in
        [json!({ "overlap_secs": -1 }), json!({ "overlap_secs": 10_000_000 }), json!({ "overlap_secs": i64::MAX })]
    {
        assert_eq!(api.post(&format!("{}/rotate", path(&hook)), &bad).0, 422, "{bad}");
    }
}

#[test]
fn a_ping_goes_out_once_whatever_is_asked_for_and_says_how_it_went() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    let hook = api.hook(&sink.url, &["order.paid"]);
    let ping = |state: &str| {
        let (status, sent) = api.post(&format!("{}/ping", path(&hook)), &json!({}));
        assert_eq!((status, &sent["type"]), (202, &json!("ping")));
        let id = sent["id"].as_str().unwrap().to_owned();
        until("the ping's end", || (api.get(&format!("/deliveries/{id}"))["state"] == state).then_some(()));
    };
    ping("delivered");
    verify(&sink.hears("ping"), secret(&hook)).unwrap();
    sink.answers(|_| (500, String::new()));
    ping("dead");
    advance(&world, "1d");
    assert_eq!(sink.heard().len(), 2, "it is not tried again");
    assert!(api.feed().is_empty(), "a ping did not happen");
}

#[test]
fn a_disabled_webhook_goes_on_where_it_stopped_and_a_deleted_one_is_gone() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    let hook = api.hook(&sink.url, &[]);
    assert_eq!(api.call("PATCH", &path(&hook), &[], r#"{"enabled":false}"#).0, 200);
    world.buy("1");
    advance(&world, "1h");
    assert!(sink.heard().is_empty());
    let (_, _, changed) = api.call("PATCH", &path(&hook), &[], r#"{"enabled":true,"types":["subscription.renewed"]}"#);
    assert_eq!(changed["types"], json!(["subscription.renewed"]));
    renew(&world, "1", "a");
    sink.hears("subscription.renewed");
    assert_eq!(sink.kinds(), ["subscription.renewed"], "filtered by what it wants now");
    assert_eq!(api.call("DELETE", &path(&hook), &[], "").0, 204);
    assert_eq!(api.call("GET", &path(&hook), &[], "").0, 404);
    assert_eq!(api.get("/webhooks")["items"], json!([]));
    assert_eq!(api.get("/deliveries")["items"], json!([]));
    renew(&world, "1", "b");
    advance(&world, "1h");
    assert_eq!(sink.heard().len(), 1);
}

#[test]
fn the_same_key_gets_the_same_answer_and_another_body_none() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    let body = json!({ "url": sink.url }).to_string();
    let make = |key: &str, body: &str| api.call("POST", "/webhooks", &[("idempotency-key", key)], body);
    let first = make("one", &body);
    assert_eq!((first.0, make("one", &body).2), (201, first.2.clone()));
    assert!(first.2["secret"].is_string());
    let other = make("one", &json!({ "url": format!("{}2", sink.url) }).to_string());
    assert_eq!((other.0, &other.2["errors"][0]), (422, &json!({ "field": "idempotency-key", "code": "reused" })));
    let elsewhere = api.call("POST", &format!("{}/ping", path(&first.2)), &[("idempotency-key", "one")], &body);
    assert_eq!(elsewhere.0, 422, "a key belongs to one call");
    assert_eq!(make(&"x".repeat(256), &body).0, 422);
    assert_eq!(make("", &body).0, 422);
    assert_eq!(world.rows("SELECT count(*) FROM webhook"), ["1"]);
    assert_ne!(make("two", &body).2["id"], first.2["id"]);
    let kept = world.rows("SELECT answer FROM idempotency");
    assert!(kept.iter().all(|answer| !answer.contains("whsec")));
    // A call that failed may be tried again under its key.
    assert_eq!(make("three", "{}").0, 422);
    assert_eq!(make("three", &body).0, 201);
    let together: Vec<Value> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..6).map(|_| scope.spawn(|| make("four", &body).2)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(together.iter().all(|one| *one == together[0]), "{together:?}");
    advance(&world, "2d");
    until("forgetting", || (world.rows("SELECT count(*) FROM idempotency") == ["0"]).then_some(()));
}

#[test]
fn a_key_reaches_as_far_as_its_scopes() {
    let world = World::start();
    let api = Api::of(&world);
    world.buy("1");
    let hash = |secret: &str| marketgate::crypto::hex(&marketgate::crypto::digest(secret.as_bytes()));
    let key = |secret: &str, scopes: &str| {
        world.execute(&format!("INSERT INTO api_key (id, name, secret_hash, scopes, created_at) VALUES ('{secret}', '{secret}', x'{}', '{scopes}', 1)", hash(secret)));
        api.with_key(secret)
    };
    let calls = [
        ("GET", "/webhooks", "webhooks:write"),
        ("POST", "/webhooks", "webhooks:write"),
        ("GET", "/webhooks/x", "webhooks:write"),
        ("PATCH", "/webhooks/x", "webhooks:write"),
        ("DELETE", "/webhooks/x", "webhooks:write"),
        ("POST", "/webhooks/x/ping", "webhooks:write"),
        ("POST", "/webhooks/x/rotate", "webhooks:write"),
        ("GET", "/deliveries", "webhooks:write"),
        ("GET", "/deliveries/1", "webhooks:write"),
        ("POST", "/deliveries/1/redeliver", "webhooks:write"),
        ("GET", "/events", "events:read"),
        ("GET", "/subscriptions", "subscriptions:read"),
        ("GET", "/subscriptions/alibaba-1", "subscriptions:read"),
        ("POST", "/bindings/x/confirm", "bindings:write"),
        ("POST", "/bindings/x/refuse", "bindings:write"),
    ];
    let all = ["webhooks:write", "events:read", "subscriptions:read", "bindings:write"];
    for scope in all {
        let but: Vec<&str> = all.into_iter().filter(|other| *other != scope).collect();
        let (without, only) = (key(&format!("no-{scope}"), &but.join(" ")), key(&format!("only-{scope}"), scope));
        for (method, path, _) in calls.iter().filter(|(_, _, needed)| *needed == scope) {
            let (status, headers, body) = without.call(method, path, &[], "not json");
            assert_eq!((status, &body["code"]), (403, &json!("scope")), "{method} {path}");
            assert_eq!(headers["content-type"], "application/problem+json");
            assert_ne!(only.call(method, path, &[], "{}").0, 403, "{method} {path}");
            assert_eq!(api.with_key("foreign").call(method, path, &[], "").0, 401, "{method} {path}");
        }
    }
    world.execute("UPDATE api_key SET revoked_at = 1 WHERE id = 'only-events:read'");
    assert_eq!(api.with_key("only-events:read").call("GET", "/events", &[], "").0, 401);
}

#[test]
fn what_is_malformed_is_named() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    for (body, field, code) in [
        (json!({}), "body", "malformed"),
        (json!({ "url": "nowhere" }), "url", "malformed"),
        (json!({ "url": "ftp://a.example/" }), "url", "not_https"),
        (json!({ "url": "https://10.0.0.1/" }), "url", "private"),
        (json!({ "url": "https://[::ffff:169.254.169.254]/" }), "url", "private"),
        (json!({ "url": sink.url, "types": ["binding"] }), "types", "unknown"),
        (json!({ "url": sink.url, "secret": "mine" }), "body", "malformed"),
    ] {
        let (status, said) = api.post("/webhooks", &body);
        assert_eq!((status, &said["errors"][0]), (422, &json!({ "field": field, "code": code })), "{body}");
    }
    for path in [
        "/events?after=evt_1",
        "/events?limit=0",
        "/events?limit=1001",
        "/deliveries?state=lost",
        "/deliveries?after=x",
        "/subscriptions?after=x",
        "/webhooks?limit=many",
    ] {
        assert_eq!(api.call("GET", path, &[], "").0, 422, "{path}");
    }
    for _ in 0..20 {
        api.hook(&sink.url, &[]);
    }
    assert_eq!(api.post("/webhooks", &json!({ "url": sink.url })).1["code"], "too_many_webhooks");
}

#[test]
fn lists_go_on_behind_their_cursor() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    for _ in 0..5 {
        api.hook(&sink.url, &["order.paid"]);
    }
    for instance in ["1", "2", "3", "4", "5"] {
        world.buy(instance);
    }
    for (list, all) in [("webhooks", 5), ("subscriptions", 5), ("events", 5)] {
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = api.get(&format!("/{list}?limit=2&after={next}"));
            let items = page["items"].as_array().unwrap().clone();
            seen.extend(items.iter().map(|item| item["id"].clone()));
            if items.len() < 2 {
                break;
            }
            next = page["next"].as_str().unwrap().to_owned();
        }
        let mut once = seen.clone();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (all, all), "{list}");
    }
    let end = api.get("/events")["next"].as_str().unwrap().to_owned();
    let none = api.get(&format!("/events?after={end}"));
    assert_eq!((&none["items"], &none["next"], &none["has_more"]), (&json!([]), &json!(end), &json!(false)));
    renew(&world, "3", "a");
    let news = api.get(&format!("/events?after={end}"));
    assert_eq!((&news["items"][0]["type"], &news["items"][0]["sequence"]), (&json!("subscription.renewed"), &json!(2)));
}

#[test]
fn the_sequence_of_a_subscription_has_no_gap() {
    let world = World::start();
    world.bind("1", OWNER, "云帆数据");
    std::thread::scope(|scope| {
        for order in 0..12 {
            let world = &world;
            scope.spawn(move || renew(world, "1", &order.to_string()));
        }
    });
    let feed = Api::of(&world).feed();
    let sequence: Vec<i64> = feed
        .iter()
        .filter(|event| event["subject"] == "alibaba-1")
        .map(|event| event["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequence, (1..=15).collect::<Vec<_>>());
}

#[test]
fn a_subscription_tells_its_plan_its_binding_and_what_happened_to_it() {
    let world = World::start();
    let api = Api::of(&world);
    let organization = world.bind("1", OWNER, "云帆数据");
    renew(&world, "1", "a");
    let seen = api.get("/subscriptions/alibaba-1");
    assert_eq!(
        (&seen["state"], &seen["plan"], &seen["expires_at"]),
        (&json!("active"), &json!("cmgj00063418-postpay"), &json!("2098-12-31T16:37:00Z"))
    );
    assert_eq!((&seen["binding"]["organization"], &seen["binding"]["state"]), (&json!(organization), &json!("live")));
    assert_eq!(seen["buyer_account"], "1234567890125678", "this key may see it");
    let timeline: Vec<String> = seen["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["call"].as_str().or(entry["event"]["type"].as_str()).unwrap().to_owned())
        .collect();
    assert_eq!(timeline.len(), 6, "{timeline:?}");
    assert!(timeline[..2].contains(&"subscription.renewed".to_owned()), "the newest first: {timeline:?}");
    world.execute("UPDATE api_key SET scopes = 'subscriptions:read'");
    assert_eq!(api.get("/subscriptions/alibaba-1")["buyer_account"], "1234****5678");
    assert_eq!(api.get("/subscriptions")["items"][0]["buyer_account"], "1234****5678");
    for missing in ["alibaba-2", "alibaba", "other-1", "-", "alibaba-1'"] {
        assert_eq!(api.call("GET", &format!("/subscriptions/{missing}"), &[], "").0, 404, "{missing}");
    }
}

#[test]
fn a_killed_gateway_loses_no_event() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gate.db");
    let sink = Sink::start();
    let is_slow = Arc::new(AtomicBool::new(true));
    let slow = Arc::clone(&is_slow);
    // Holds each answer back until the gateway has been killed once.
    sink.answers(move |heard| {
        let number = heard.body["subject"].as_str().unwrap().rsplit('-').next().unwrap().parse::<u32>().unwrap();
        while number > 3 && slow.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        (200, String::new())
    });
    let world = World::on(&file);
    let hook = Api::of(&world).hook(&sink.url, &[]);
    for instance in 1..=12 {
        world.buy(&instance.to_string());
    }
    until("some deliveries", || (sink.heard().len() >= 6).then_some(()));
    world.kill();
    is_slow.store(false, Ordering::Relaxed);
    let world = World::on(&file);
    let feed = Api::of(&world).feed();
    assert_eq!(feed.len(), 12);
    for event in feed {
        let heard = until("each event", || sink.heard().into_iter().find(|heard| heard.body["id"] == event["id"]));
        verify(&heard, secret(&hook)).unwrap();
    }
    until("the records", || {
        (world.rows("SELECT count(*) FROM delivery WHERE state = 'delivered'") == ["12"]).then_some(())
    });
}

/// Production with these networks opened, and a key for its API.
fn production(place: &tempfile::TempDir, networks: &str) -> (Serving, Api) {
    let more = format!("[webhooks]\nprivate_networks = [{networks}]\n");
    let file = configure_with(place.path(), "https://gate.example.com", KEY, &more);
    assert_eq!(says(marketgate(&["init", "--config", &file])).0, Some(0));
    let serving = Serving::start(&file);
    let db = rusqlite::Connection::open(place.path().join("gate.db")).unwrap();
    db.busy_timeout(crate::world::PATIENCE).unwrap();
    let hash = marketgate::crypto::digest(b"key");
    db.execute(
        "INSERT INTO api_key (id, name, secret_hash, scopes, created_at) VALUES ('k', 'k', ?1, 'webhooks:write', 1)",
        [&hash[..]],
    )
    .unwrap();
    let api = Api { origin: serving.1.clone(), key: "key".into() };
    (serving, api)
}

/// Pings a webhook; why it failed, or nothing.
fn ping_error(api: &Api, hook: &Value) -> Option<String> {
    let (_, sent) = api.post(&format!("{}/ping", path(hook)), &json!({}));
    let id = sent["id"].as_str().unwrap().to_owned();
    until("the ping's end", || {
        let found = api.get(&format!("/deliveries/{id}"));
        (found["state"] != "waiting").then(|| found["error"].as_str().map(str::to_owned))
    })
}

#[test]
fn a_name_or_a_redirect_that_leads_into_our_own_network_reaches_nothing() {
    let place = tempfile::tempdir().unwrap();
    let inner = Sink::start();
    let target = inner.url.clone();
    // One address of loopback is opened; the rest of it is not.
    let outer = Sink::on(&TcpListener::bind("127.0.0.2:0").unwrap(), move |_| (307, target.clone()));
    let (_serving, api) = production(&place, "\"127.0.0.2/32\"");
    let redirected = ping_error(&api, &api.hook(&outer.url, &[]));
    assert!(redirected.is_some_and(|why| why.starts_with("answered 307")), "a redirect is a failure");
    assert_eq!(outer.heard().len(), 1);
    let by_name = api.hook(&inner.url.replace("127.0.0.1", "localhost"), &[]);
    assert!(ping_error(&api, &by_name).is_some_and(|why| why.contains("private")));
    assert_eq!(api.post("/webhooks", &json!({ "url": inner.url })).1["errors"][0]["code"], "private");
    assert!(inner.heard().is_empty(), "nothing got there");
}

#[test]
fn without_an_opened_network_only_tls_and_public_addresses_are_taken() {
    let place = tempfile::tempdir().unwrap();
    let (_serving, api) = production(&place, "");
    for (url, code) in [
        ("http://hooks.example.com/", "not_https"),
        ("https://127.0.0.1/", "private"),
        ("https://[::1]/", "private"),
        ("https://169.254.169.254/latest/meta-data", "private"),
        ("https://100.100.100.200/latest/meta-data", "private"),
        ("https://0177.0.0.1/", "private"),
    ] {
        assert_eq!(api.post("/webhooks", &json!({ "url": url })).1["errors"][0]["code"], code, "{url}");
    }
    let by_name = api.hook("https://localhost/", &[]);
    assert!(ping_error(&api, &by_name).is_some_and(|why| why.contains("private")));
}

#[test]
fn an_endless_answer_is_cut_and_a_slow_webhook_holds_up_no_other() {
    let (world, endless) = (World::start(), Sink::answering(|_| (200, "x".repeat(1024 * 1024))));
    let (slow, quick) = (Sink::start(), Sink::start());
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    slow.answers(move |_| {
        while !over.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        (200, String::new())
    });
    let api = Api::of(&world);
    let cut = api.hook(&endless.url, &["order.paid"]);
    assert!(ping_error(&api, &cut).is_some());
    api.hook(&slow.url, &[]);
    api.hook(&quick.url, &[]);
    world.buy("1");
    slow.hears("subscription.activated");
    renew(&world, "1", "a");
    quick.hears("subscription.renewed");
    assert_eq!(slow.heard().len(), 1);
    is_over.store(true, Ordering::Relaxed);
}

#[test]
fn a_webhook_that_never_answers_does_not_keep_the_gateway_from_stopping() {
    let (world, silent) = (World::start(), Sink::start());
    silent.answers(|_| {
        loop {
            std::thread::park();
        }
    });
    Api::of(&world).hook(&silent.url, &[]);
    world.buy("1");
    silent.hears("subscription.activated");
    let start = std::time::Instant::now();
    world.close();
    assert!(start.elapsed().as_secs() < 6, "it took {:?}", start.elapsed());
}

/// Each kind of fault on messages: how often the product hears of the event, whether every time signed as it should be,
/// and the status that the log shows for the message that suffered it.
#[test]
fn a_message_suffers_the_fault_that_is_asked_for_and_arrives_all_the_same() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    let hook = api.hook(&sink.url, &["subscription.renewed"]);
    let shared = secret(&hook).to_owned();
    sink.answers(move |heard| if verify(heard, &shared).is_ok() { (204, String::new()) } else { (401, String::new()) });
    world.buy("1");
    let cases = [
        ("subscription.renewed", "delay", 1, json!(204)),
        ("webhook", "status_500", 1, json!(500)),
        ("subscription.*", "cut", 2, json!(null)),
        ("subscription.renewed", "empty_body", 1, json!(204)),
        ("subscription.renewed", "duplicate", 2, json!(204)),
        ("subscription.renewed", "bad_token", 2, json!(401)),
    ];
    for (action, kind, times, status) in cases {
        let fault = json!({ "action": action, "kind": kind, "delay_ms": 1 });
        assert_eq!(world.order_control("faults", &fault).0, 200, "{fault}");
        renew(&world, "1", kind);
        // The next attempt after a failed one comes five seconds later.
        advance(&world, "10s");
        let sequence = api.feed().last().unwrap()["sequence"].clone();
        let heard: Vec<Heard> = sink.heard().into_iter().filter(|heard| heard.body["sequence"] == sequence).collect();
        assert_eq!(heard.len(), times, "{kind}");
        let forged = heard.iter().filter(|heard| verify(heard, secret(&hook)).is_err()).count();
        assert_eq!(forged, usize::from(kind == "bad_token"), "{kind}");
        let logged = &world.control("calls")["calls"][0];
        assert_eq!(
            (&logged["action"], &logged["fault"], &logged["status"]),
            (&json!("subscription.renewed"), &json!(kind), &status)
        );
        assert!(logged["request"].as_str().unwrap().starts_with(&sink.url), "{logged}");
    }
    assert_eq!(world.control("faults")["faults"], json!([]), "each befell one message");
    assert_eq!(world.rows("SELECT DISTINCT state FROM delivery"), ["delivered"]);
    for (action, kind) in [("subscription.renewed", "reorder"), ("webhook", "throttle"), ("subscription.renwed", "cut")]
    {
        let (code, told) = world.order_control("faults", &json!({ "action": action, "kind": kind }));
        assert_eq!((code, &told["code"]), (409, &json!("fault_does_not_apply")), "{action} {kind}");
    }
}
