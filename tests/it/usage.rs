//! Usage through the front door: taken once, counted in its hour, closed in time (rules C1–C4).

use serde_json::{Value, json};

use crate::world::{OWNER, World, agent, now_secs, until};

const HOUR: i64 = 3_600;
const BATCH: &str = "application/cloudevents-batch+json";
const ONE: &str = "application/cloudevents+json";

impl World {
    fn send_usage(&self, content_type: &str, body: &[u8]) -> (u16, Value) {
        self.send_usage_as(self.ready["api_key"].as_str().unwrap(), content_type, body)
    }

    fn send_usage_as(&self, key: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
        let request = agent()
            .post(&format!("{}/api/v1/usage", self.gateway))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", content_type);
        let mut response = request.send(body).unwrap();
        let told = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&told).unwrap_or(Value::Null))
    }

    /// Posts a batch that must be answered with verdicts; each as `verdict`, `verdict code` or `verdict note`.
    fn use_up(&self, events: &[Value]) -> Vec<String> {
        let (status, answer) = self.send_usage(BATCH, json!(events).to_string().as_bytes());
        assert_eq!(status, 200, "{answer}");
        let text = |event: &Value, key: &str| event[key].as_str().map(|word| format!(" {word}")).unwrap_or_default();
        let told = answer["events"].as_array().unwrap();
        told.iter()
            .map(|event| {
                format!("{}{}{}", event["verdict"].as_str().unwrap(), text(event, "code"), text(event, "note"))
            })
            .collect()
    }

    fn move_clock(&self, order: &Value) -> i64 {
        let url = format!("{}/control/clock", self.simulator_origin());
        let mut response = agent().post(&url).send(order.to_string()).unwrap();
        let told: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        assert_eq!(response.status(), 200, "{told}");
        told["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
    }

    /// Moves the clock to the start of the next hour plus so many seconds; that hour's start.
    fn at_next_hour(&self, secs: i64) -> i64 {
        let now = self.move_clock(&json!({ "advance": "1s" }));
        let hour = now - now.rem_euclid(HOUR) + HOUR;
        self.move_to(hour + secs);
        hour
    }

    fn move_to(&self, secs: i64) {
        self.move_clock(&json!({ "to": rfc3339(secs) }));
    }

    /// The ledger: `item part quantity state code`, oldest window first.
    fn ledger(&self) -> Vec<String> {
        self.rows(
            "SELECT item || ' ' || part || ' ' || quantity || ' ' || state || coalesce(' ' || code, '') FROM record ORDER BY hour_at, id",
        )
    }
}

fn rfc3339(secs: i64) -> String {
    jiff::Timestamp::from_second(secs).unwrap().to_string()
}

fn event(id: &str, organization: &str, item: &str, quantity: i64, at: i64) -> Value {
    json!({
        "specversion": "1.0", "type": "marketgate.usage.v1", "source": "test", "id": id, "subject": organization,
        "time": rfc3339(at), "data": { "item": item, "quantity": quantity },
    })
}

/// A gateway that pushes nothing, so that records stay where intake and sealing leave them.
fn unpushed() -> World {
    World::with(&["--no-access-key"])
}

#[test]
fn an_event_counts_once_and_another_of_its_name_is_a_conflict() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = world.at_next_hour(60);
    let first = event("a", &organization, "Period", 60, hour + 10);
    assert_eq!(world.use_up(&[first.clone(), first.clone()]), ["accepted", "duplicate"], "within a batch");
    assert_eq!(world.use_up(std::slice::from_ref(&first)), ["duplicate"], "and later");
    assert_eq!(world.use_up(&[event("a", &organization, "Period", 61, hour + 10)]), ["rejected conflict"]);
    assert_eq!(world.use_up(&[event("a", &organization, "Period", 60, hour + 11)]), ["rejected conflict"]);
    let mut elsewhere = first.clone();
    elsewhere["source"] = "another".into();
    assert_eq!(world.use_up(&[elsewhere]), ["accepted"], "source and id together name an event");
    let mut same = first.clone();
    same["time"] = rfc3339(hour + 10).replace('Z', "+00:00").into();
    assert_eq!(world.use_up(&[same]), ["duplicate"], "the same moment, spelt otherwise");
    assert_eq!(world.ledger(), ["Period regular 120 open"]);
    // Long afterwards, when it would be too late or too old.
    world.move_to(hour + 3 * HOUR);
    assert_eq!(world.use_up(std::slice::from_ref(&first)), ["duplicate"]);
    world.move_to(hour + 38 * 24 * HOUR);
    assert_eq!(
        world.use_up(&[first.clone(), event("b", &organization, "Period", 1, hour)]),
        ["duplicate", "rejected too_old"]
    );
    world.move_to(hour + 41 * 24 * HOUR);
    assert_eq!(world.rows("SELECT count(*) FROM usage_event"), ["0"], "forgotten");
    assert_eq!(world.use_up(&[first]), ["rejected too_old"], "and still not counted again");
    assert_eq!(world.ledger(), ["Period regular 120 missed deadline"]);
}

#[test]
fn every_event_of_a_batch_has_a_verdict_of_its_own() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let other = world.organization("云帆数据");
    let hour = world.at_next_hour(60);
    let mut later = event("6", &organization, "Period", 1, hour + 50);
    later["data"]["seconds"] = 3_600.into();
    let told = world.use_up(&[
        event("1", &organization, "Period", 60, hour + 10),
        event("2", &organization, "Teleport", 60, hour + 10),
        event("3", "org_unknown", "Period", 60, hour + 10),
        event("4", &other, "Period", 60, hour + 10),
        event("5", &organization, "Period", -1, hour + 10),
        later,
        event("7", &organization, "Period", 1, hour + 60 + 300 + 60),
        event("8", &organization, "Period", 1, hour - 36 * 24 * HOUR),
        json!("nonsense"),
        event("9", &organization, "Period", i64::MAX, hour + 10),
        event("10", &organization, "Period", 2, hour - 20 * 24 * HOUR),
        event("11", &organization, "Period", 0, hour + 60 + 240),
    ]);
    assert_eq!(
        told,
        [
            "accepted",
            "rejected unknown_item",
            "rejected unknown_organization",
            "accepted unbound",
            "rejected quantity_negative",
            "rejected crosses_hour",
            "rejected in_future",
            "rejected too_old",
            "rejected malformed",
            "rejected overflow",
            "accepted unbound",
            "accepted",
        ]
    );
    assert_eq!(
        world.ledger(),
        ["Period regular 2 unbillable unbound", "Period regular 60 open", "Period regular 60 unbillable unbound"]
    );
}

#[test]
fn requests_that_cannot_be_taken_are_refused_whole_and_say_why() {
    let world = unpushed();
    let organization = world.organization("星河科技");
    let now = now_secs();
    let fine = event("1", &organization, "Period", 60, now).to_string();
    let batch = |count: usize| {
        let events: Vec<_> = (0..count).map(|id| event(&id.to_string(), &organization, "Period", 1, now)).collect();
        json!(events).to_string()
    };
    for (content_type, body, status, code) in [
        ("application/json", fine.clone(), 415, "unsupported_media_type"),
        (BATCH, fine.clone(), 422, "invalid"),
        (BATCH, "[".to_owned(), 422, "invalid"),
        (BATCH, batch(1_001), 422, "invalid"),
        (BATCH, format!("[{}]", " ".repeat(10 * 1024 * 1024)), 413, "too_large"),
        (ONE, event("1", &organization, "Teleport", 60, now).to_string(), 422, "invalid"),
    ] {
        let (told, problem) = world.send_usage(content_type, body.as_bytes());
        assert_eq!((told, problem["code"].as_str()), (status, Some(code)), "{content_type} {problem}");
    }
    assert_eq!(world.send_usage(BATCH, batch(1_001).as_bytes()).1["errors"][0]["code"], "too_many_events");
    let single = world.send_usage(ONE, event("1", &organization, "Teleport", 60, now).to_string().as_bytes()).1;
    assert_eq!(single["errors"][0], json!({ "field": "event", "code": "unknown_item" }));
    assert_eq!(world.send_usage_as("wrong", ONE, fine.as_bytes()).0, 401);
    let digest = marketgate::crypto::hex(&marketgate::crypto::digest(b"narrow"));
    world.execute(&format!(
        "INSERT INTO api_key (id, name, secret_hash, scopes, created_at) VALUES ('key_1', 'x', x'{digest}', 'metering:read', 0)"
    ));
    assert_eq!(world.send_usage_as("narrow", ONE, fine.as_bytes()).0, 403);
    assert_eq!(world.rows("SELECT count(*) FROM usage_event"), ["0"], "nothing of it was taken");
    assert_eq!(world.send_usage(ONE, fine.as_bytes()).1["accepted"], 1);
    let (status, answer) = world.send_usage(BATCH, batch(1_000).as_bytes());
    assert_eq!((status, &answer["accepted"], answer["events"].as_array().unwrap().len()), (200, &json!(999), 1_000));
    assert_eq!(world.send_usage(BATCH, b"[]").1["events"], json!([]));
}

#[test]
fn an_hour_is_summed_sealed_at_12_past_and_missed_at_55_past() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = world.at_next_hour(60);
    world.use_up(&[
        event("1", &organization, "Period", 60, hour),
        event("2", &organization, "Period", 30, hour + 3_599 - 3_300),
        event("3", &organization, "VirtualCpu", 4, hour + 10),
        event("4", &organization, "VirtualCpu", 16, hour + 20),
        event("5", &organization, "VirtualCpu", 8, hour + 30),
    ]);
    assert_eq!(world.ledger(), ["Period regular 90 open", "VirtualCpu regular 16 open"]);
    world.move_to(hour + HOUR + 11 * 60);
    assert_eq!(world.use_up(&[event("6", &organization, "Period", 10, hour + 3_599)]), ["accepted"]);
    assert_eq!(world.ledger()[0], "Period regular 100 open");
    world.move_to(hour + HOUR + 12 * 60);
    assert_eq!(world.ledger(), ["Period regular 100 sealed", "VirtualCpu regular 16 sealed"]);
    assert_eq!(
        world.rows(
            "SELECT (hour_at / 1000 - %) || ' ' || (until_at - hour_at) || ' ' || (due_by - until_at) FROM record"
                .replace('%', &hour.to_string())
                .as_str()
        ),
        [format!("0 {} {}", HOUR * 1_000, 55 * 60 * 1_000), format!("0 {} {}", HOUR * 1_000, 55 * 60 * 1_000)]
    );
    // Not sent yet: what comes late is still counted.
    assert_eq!(world.use_up(&[event("7", &organization, "Period", 1, hour + 5)]), ["accepted"]);
    assert_eq!(world.ledger()[0], "Period regular 101 sealed");
    // On its way: what comes now is too late, and seen.
    world.execute("UPDATE record SET state = 'sending' WHERE item = 'Period'");
    assert_eq!(world.use_up(&[event("8", &organization, "Period", 5, hour + 6)]), ["accepted late"]);
    assert_eq!(world.use_up(&[event("9", &organization, "Period", 6, hour + 7)]), ["accepted late"]);
    world.move_to(hour + HOUR + 55 * 60);
    assert_eq!(
        world.ledger(),
        ["Period regular 101 sending", "VirtualCpu regular 16 missed deadline", "Period late 11 missed late"]
    );
    assert_eq!(world.use_up(&[event("10", &organization, "VirtualCpu", 32, hour + 8)]), ["accepted late"]);
    assert_eq!(world.ledger()[3], "VirtualCpu late 32 missed late");
}

#[test]
fn an_hour_that_passed_while_nobody_was_there_is_sealed_at_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gate.db");
    // Pushed by nobody, or the seal would be over before it is seen.
    let start = || World::with(&["--database", file.to_str().unwrap(), "--no-access-key"]);
    let world = start();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = world.at_next_hour(60);
    world.use_up(&[event("1", &organization, "Period", 60, hour)]);
    world.kill();
    // As if it had been long ago.
    let file_alone = rusqlite::Connection::open(&file).unwrap();
    file_alone
        .execute_batch("UPDATE record SET seals_at = 1; UPDATE job SET due_at = 1, leased_until = 9000000000000000 WHERE kind = 'usage.seal'")
        .unwrap();
    let world = start();
    until("the seal", || (world.ledger() == ["Period regular 60 sealed"]).then_some(()));
}

#[test]
fn a_release_hurries_what_was_used_and_cuts_the_last_window() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = world.at_next_hour(180);
    world.use_up(&[
        event("1", &organization, "Period", 60, hour + 10),
        event("2", &organization, "VirtualCpu", 4, hour + 10),
    ]);
    let (status, _) = world.spi(&[("action", "releaseInstance"), ("instanceId", "1")]);
    assert_eq!(status, 200);
    until("the hurry", || {
        world
            .rows("SELECT count(*) FROM record WHERE until_at - hour_at = 301000")
            .contains(&"2".to_owned())
            .then_some(())
    });
    assert_eq!(world.ledger(), ["Period regular 60 open", "VirtualCpu regular 4 open"]);
    world.move_clock(&json!({ "advance": "100s" }));
    let told = world.use_up(&[
        event("3", &organization, "Period", 5, hour + 100),
        event("4", &organization, "Period", 7, hour + 270),
    ]);
    assert_eq!(told, ["accepted", "accepted unbound"], "the last events, and what was used after it");
    assert_eq!(world.ledger()[0], "Period regular 65 open");
    world.move_clock(&json!({ "advance": "25s" }));
    assert_eq!(
        world.ledger(),
        ["Period regular 65 sealed", "VirtualCpu regular 4 sealed", "Period regular 7 unbillable unbound"]
    );
    assert_eq!(
        world.rows("SELECT until_at - hour_at FROM record WHERE state = 'sealed'"),
        ["301000", "301000"],
        "longer than five minutes, whatever part was bound"
    );
}

#[test]
fn usage_after_an_expiry_is_kept_but_not_billed() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = world.at_next_hour(1_200);
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", "1")]).0, 200);
    world.execute("UPDATE subscription SET is_disputed = 0");
    world.use_up(&[event("1", &organization, "Period", 60, hour + 10)]);
    world.move_to(hour + HOUR + 60);
    assert_eq!(world.use_up(&[event("2", &organization, "Period", 30, hour + HOUR + 10)]), ["accepted"]);
    world.move_to(hour + 2 * HOUR + 720);
    assert_eq!(
        world.ledger(),
        ["Period regular 60 missed deadline", "Period regular 30 unbillable expired"],
        "the hour of the expiry is billed, the next is not"
    );
}

#[test]
fn an_organization_that_is_bound_elsewhere_pays_for_itself_alone() {
    let world = unpushed();
    let first = world.bind("1", OWNER, "星河科技");
    let second = world.bind("2", OWNER, "云帆数据");
    let third = world.rows("SELECT id FROM organization WHERE name NOT IN ('星河科技', '云帆数据') LIMIT 1");
    let hour = world.at_next_hour(60);
    let mut events = vec![event("1", &first, "Period", 1, hour + 1), event("2", &second, "Period", 2, hour + 1)];
    events.extend(third.iter().map(|id| event("3", id, "Period", 4, hour + 1)));
    world.use_up(&events);
    assert_eq!(
        world.rows("SELECT instance_id || ' ' || quantity FROM record WHERE instance_id IS NOT NULL ORDER BY 1"),
        ["1 1", "2 2"]
    );
}

/// Runs `marketgate usage import`: whether it was content, what it said, and what it complained of.
fn import(world: &World, file: &std::path::Path, more: &[&str]) -> (bool, String, String) {
    let done = assert_cmd::Command::new(env!("CARGO_BIN_EXE_marketgate"))
        .args(["usage", "import", file.to_str().unwrap(), "--url", &world.gateway])
        .args(more)
        .env("MARKETGATE_API_KEY", world.ready["api_key"].as_str().unwrap())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (done.status.success(), text(&done.stdout), text(&done.stderr))
}

#[test]
fn a_file_of_usage_is_imported_once_however_often_it_is_sent() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = world.at_next_hour(600);
    let place = tempfile::tempdir().unwrap();
    let lines: Vec<String> =
        (0..1_201).map(|id| event(&id.to_string(), &organization, "Period", 2, hour + id % 500).to_string()).collect();
    let file = place.path().join("usage.ndjson");
    std::fs::write(&file, format!("\n{}\n\n", lines.join("\n"))).unwrap();
    let (is_fine, said, _) = import(&world, &file, &["--dry-run"]);
    assert!(is_fine && said.contains("1201 events: 1201 well-formed"), "{said}");
    assert_eq!(world.ledger(), [""; 0], "nothing was sent");
    // Half of it had been taken when the first import was interrupted.
    std::fs::write(place.path().join("half"), lines[..700].join("\n")).unwrap();
    assert!(import(&world, &place.path().join("half"), &[]).0);
    let (is_fine, said, _) = import(&world, &file, &[]);
    assert!(is_fine && said.contains("1201 events: 501 accepted, 700 known already, 0 rejected"), "{said}");
    assert_eq!(world.ledger(), ["Period regular 2402 open"]);
    let broken = format!("{{\n{}", event("x", &organization, "Teleport", 1, hour));
    std::fs::write(&file, broken).unwrap();
    let (is_fine, _, complaint) = import(&world, &file, &[]);
    assert!(
        !is_fine && complaint.contains("line 1: malformed") && complaint.contains("line 2: unknown_item"),
        "{complaint}"
    );
    let (is_fine, _, complaint) = import(&world, &file, &["--api-key", "wrong"]);
    assert!(!is_fine && complaint.contains("401"), "{complaint}");
}

#[test]
fn a_table_of_usage_is_imported_and_its_bad_lines_are_named() {
    let world = unpushed();
    let organization = world.bind("1", OWNER, "星河科技");
    let hour = world.at_next_hour(600);
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("usage.csv");
    let time = rfc3339(hour);
    let table = format!(
        "id,source,subject,time,item,quantity,seconds\n1,t,{organization},{time},Period,60,\n2,t,{organization},{time},Period,5,300\n\
         3,t,{organization},{time},Period,1.5,\n4,t,{organization},{time},Period,many,\n5,\"a \"\"b\"\"\",{organization},{time},VirtualCpu,8,\n"
    );
    std::fs::write(&file, table).unwrap();
    let (is_fine, said, complaint) = import(&world, &file, &[]);
    assert!(!is_fine && said.contains("5 events: 3 accepted, 0 known already, 2 rejected"), "{said}");
    assert!(
        complaint.contains("line 4: quantity_not_integer") && complaint.contains("line 5: quantity_not_integer"),
        "{complaint}"
    );
    assert_eq!(world.ledger(), ["Period regular 65 open", "VirtualCpu regular 8 open"]);
}
