//! Usage on its way to the marketplace: what leaves, what every answer does to it, and that nothing is sent twice in doubt.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use marketgate::clock::Instant;
use marketgate::domain::audit::By;
use marketgate::store::Store;
use marketgate::usecase::push::{self, Decision};
use serde_json::Value;

use crate::sink::{Api, advance};
use crate::world::{OWNER, PRODUCT, World, listen, now_secs, silent, until};

const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;
const ACCEPTED: &str = r#"{"RequestId":"6EF60BEC","Success":true}"#;

/// What the marketplace says.
enum Say {
    Ok,
    Code(&'static str),
    /// The connection ends without an answer.
    Cut,
    /// The connection stays open without an answer until the test ends.
    Nothing,
}

type Answer = Box<dyn Fn(&Value) -> Say + Send + Sync>;

/// Stands in for the marketplace's `OpenAPI`: hears pushes and says what the test wants.
struct Market {
    url: String,
    heard: Arc<Mutex<Vec<Value>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Market {
    fn answering(answer: impl Fn(&Value) -> Say + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    fn on(listener: TcpListener, answer: impl Fn(&Value) -> Say + Send + Sync + 'static) -> Self {
        let market = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            heard: Arc::default(),
            answer: Arc::new(Mutex::new(Box::new(answer))),
        };
        let (heard, answer) = (Arc::clone(&market.heard), Arc::clone(&market.answer));
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                held.extend(converse(stream.unwrap(), &heard, &answer));
            }
        });
        market
    }

    fn answers(&self, answer: impl Fn(&Value) -> Say + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    /// How often each instance was pushed.
    fn times(&self, instance: &str) -> usize {
        let named = |push: &Value| push.as_array().unwrap().iter().any(|record| record["InstanceId"] == instance);
        self.heard().iter().filter(|push| named(push)).count()
    }
}

fn converse(mut stream: TcpStream, heard: &Mutex<Vec<Value>>, answer: &Mutex<Answer>) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let query = line.split(' ').nth(1).unwrap().split_once('?').unwrap().1.to_owned();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    let text = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "Metering").unwrap().1;
    let records: Value = serde_json::from_str(&text).unwrap();
    let say = answer.lock().unwrap()(&records);
    heard.lock().unwrap().push(records);
    let (status, body) = match say {
        Say::Ok => (200, ACCEPTED.to_owned()),
        Say::Code(code) => (500, format!(r#"{{"Code":"{code}","Message":"no","RequestId":"r"}}"#)),
        Say::Cut => return None,
        Say::Nothing => return Some(stream),
    };
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
    None
}

/// A fixture that pushes to the stand-in.
fn world(market: &Market, more: &[&str]) -> World {
    World::with(&[&["--openapi", &market.url], more].concat())
}

/// An hour of usage of an instance that was bought, ready to be pushed for `minutes` more.
fn seal(world: &World, instance: &str, item: &str, quantity: i64, minutes: i64) {
    let now = now_ms(world);
    // One organization pays for all of them, so each is of an hour of its own.
    let back: i64 = instance[4..].parse().unwrap();
    let hour = now - now.rem_euclid(HOUR) - (1 + back) * HOUR;
    world.execute(&format!(
        "INSERT INTO record (organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item, aggregate, cycle,
           hour_at, until_at, part, quantity, events, state, seals_at, due_by, sealed_at, created_at, updated_at)
         SELECT b.organization_id, b.id, s.id, s.seller_id, '{PRODUCT}', s.instance_id, s.plan_code, '{item}', 'sum', 'hour',
           {hour}, {}, 'regular', {quantity}, 1, 'sealed', {now}, {}, {now}, {now}, {now}
         FROM subscription s, binding b WHERE s.instance_id = '{instance}' AND b.state = 'live' LIMIT 1",
        hour + HOUR,
        now + minutes * MINUTE,
    ));
}

fn now_ms(world: &World) -> i64 {
    let ahead = world.rows("SELECT coalesce(max(last_at), 0) FROM alarm").remove(0).parse::<i64>().unwrap();
    ahead.max(now_secs() * 1000)
}

fn states(world: &World) -> Vec<String> {
    world.rows("SELECT instance_id || ' ' || state || coalesce(' ' || code, '') FROM record ORDER BY id")
}

fn settled(world: &World, expected: &[&str]) {
    until(&format!("{expected:?}"), || (states(world) == expected).then_some(()));
}

/// Usage that is refused, that cannot leave before its deadline, and that overlaps what was pushed: what each tells.
pub fn make_trouble(world: &World, instance: &str) {
    let now = now_secs() * 1000;
    let hour = now - now.rem_euclid(HOUR) - HOUR;
    for (named, item, part, state, waits) in [
        ("nobodys", "Period", "regular", "sealed", 0),
        (instance, "Storage", "regular", "sealed", 20),
        (instance, "VirtualCpu", "regular", "accepted", 0),
        (instance, "VirtualCpu", "late", "sealed", 0),
    ] {
        world.execute(&format!(
            "INSERT INTO record (organization_id, binding_id, subscription_id, seller_id, product_code, instance_id, plan_code, item, aggregate, cycle,
               hour_at, until_at, part, quantity, events, state, seals_at, due_by, not_before, created_at, updated_at)
             SELECT b.organization_id, b.id, s.id, s.seller_id, '{PRODUCT}', '{named}', s.plan_code, '{item}', 'max', 'hour',
               {hour}, {}, '{part}', 1, 1, '{state}', {now}, {}, {}, {now}, {now}
             FROM subscription s, binding b WHERE s.instance_id = '{instance}' AND b.subscription_id = s.id LIMIT 1",
            hour + HOUR,
            now + 10 * MINUTE,
            now + waits * MINUTE,
        ));
    }
    until("what is told of them", || {
        let told = world.rows("SELECT DISTINCT type FROM event WHERE type LIKE 'metering.%' ORDER BY type");
        (told == ["metering.at_risk", "metering.missed", "metering.rejected"]).then_some(())
    });
}

/// The first instance is bound; the others are bought and are charged through the same organization's rows.
fn buy(world: &World, others: &[&str]) {
    world.bind("86040001", OWNER, "云帆数据");
    for instance in others {
        world.buy(instance);
    }
}

#[test]
fn what_was_accepted_is_never_sent_again_and_the_api_shows_it() {
    let market = Market::answering(|_| Say::Ok);
    let world = world(&market, &[]);
    buy(&world, &[]);
    seal(&world, "86040001", "Period", 1800, 30);
    seal(&world, "86040001", "Storage", 1_572_864, 30);
    settled(&world, &["86040001 accepted", "86040001 accepted"]);
    advance(&world, "2h");
    let values: Vec<String> = (market.heard().iter().flat_map(|push| push.as_array().unwrap().clone()))
        .flat_map(|record| record["Entities"].as_array().unwrap().clone())
        .map(|entity| format!("{} {} {}", entity["Key"], entity["Value"], entity["meteringAssit"]))
        .collect();
    let mut values = values;
    values.sort();
    assert_eq!(
        values,
        [r#""Period" "1800" "cmgj00063418-Period-1""#, r#""Storage" "1572864" "cmgj00063418-Storage-1""#]
    );
    let api = Api::of(&world);
    let first = api.get("/metering?state=accepted&limit=1");
    assert_eq!(first["items"][0]["request"], "6EF60BEC");
    let rest = api.get(&format!("/metering?state=accepted&limit=5&after={}", first["next"].as_str().unwrap()));
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["items"][0]["item"]), (1, &Value::from("Storage")));
    assert_eq!(api.get("/metering?state=unknown")["items"], Value::Array(Vec::new()));
    assert_eq!(api.call("GET", "/metering?state=lost", &[], "").0, 422);
    assert_eq!(api.call("GET", "/metering?after=x", &[], "").0, 422);
}

#[test]
fn usage_that_the_product_tells_is_sealed_pushed_once_and_accepted() {
    let market = Market::answering(|_| Say::Ok);
    let world = world(&market, &[]);
    let organization = world.bind("86040001", OWNER, "云帆数据");
    let api = Api::of(&world);
    let event = |id: &str, quantity: u64| {
        // After the binding became live within this second.
        let at = jiff::Timestamp::from_second(now_secs() + 1).unwrap();
        let (status, said) = api.use_some(&organization, id, ("Period", quantity), at);
        assert_eq!(status, 200, "{said}");
    };
    event("1", 1800);
    event("2", 60);
    event("1", 1800);
    advance(&world, "3h");
    let values: u64 = (market.heard().iter())
        .flat_map(|push| push.as_array().unwrap().clone())
        .map(|record| record["Entities"][0]["Value"].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(values, 1860, "each event once: {:?}", market.heard());
    assert!(states(&world).iter().all(|state| state == "86040001 accepted"), "{:?}", states(&world));
}

#[test]
fn a_lost_answer_is_held_for_a_person_and_never_sent_again_by_itself() {
    for code in ["unanswered", "UnknownError"] {
        let market = Market::answering(move |_| if code == "unanswered" { Say::Cut } else { Say::Code(code) });
        let world = world(&market, &[]);
        buy(&world, &[]);
        seal(&world, "86040001", "Period", 5, 30);
        settled(&world, &[&format!("86040001 unknown {code}")]);
        market.answers(|_| Say::Ok);
        advance(&world, "20m");
        assert_eq!((market.times("86040001"), states(&world)), (1, vec![format!("86040001 unknown {code}")]));
        assert_eq!(world.rows("SELECT detail FROM alarm WHERE kind = 'metering_unknown'"), [code]);
    }
}

/// An operator decides to push the one record, which is unknown, once more. There is no page for it yet.
fn decide(file: &Path, operator: &str, owner: &str) {
    let store = Store::open(file, crate::audit::options(file)).unwrap();
    let now = Instant::from_ms(now_secs() * 1000);
    let ask = |who: &str, decision, why: &'static str| {
        let who = By::operator(who);
        let done = store.write_blocking(move |tx| push::decide(tx, &who, 1, decision, why, now));
        done.map_err(|error| error.to_string())
    };
    let no = |why: &str| Err(why.to_owned());
    assert_eq!(ask(owner, Decision::Resend, "mine"), no("not_operator"));
    assert_eq!(ask(operator, Decision::Resend, " "), no("invalid why:required"));
    assert_eq!(ask(operator, Decision::Retry, "it was not refused"), no("record_changed"));
    assert_eq!(ask(operator, Decision::Resend, "the bill does not show it"), Ok(()));
    assert_eq!(ask(operator, Decision::TreatAsAccepted, "the bill shows it"), no("record_changed"));
    // A copy of the file that is started elsewhere holds what the original may have sent.
    let held = store.write_blocking(move |tx| push::hold_restored(tx, now, now.plus_ms(MINUTE), 500)).unwrap();
    let again = store.write_blocking(move |tx| push::hold_restored(tx, now, now.plus_ms(MINUTE), 500)).unwrap();
    assert_eq!((held, again), (1, 0));
    assert_eq!(ask(operator, Decision::Resend, "the original is gone"), Ok(()));
    store.close();
}

#[test]
fn a_process_killed_before_the_answer_leaves_an_unknown_record_that_is_not_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kept.db");
    let kept = ["--database", file.to_str().unwrap()];
    let market = Market::answering(|_| Say::Nothing);
    let first = world(&market, &kept);
    buy(&first, &[]);
    seal(&first, "86040001", "Period", 5, 30);
    until("the push", || (market.times("86040001") == 1).then_some(()));
    assert_eq!(states(&first), ["86040001 sending"]);
    first.kill();
    market.answers(|_| Say::Ok);
    let second = world(&market, &kept);
    settled(&second, &["86040001 unknown interrupted"]);
    advance(&second, "20m");
    assert_eq!(market.times("86040001"), 1);
    let ids = |email: &str| second.rows(&format!("SELECT id FROM user WHERE email = '{email}'")).remove(0);
    let (operator, owner) = (ids(second.ready["operator"]["email"].as_str().unwrap()), ids(OWNER));
    second.close();
    decide(&file, &operator, &owner);
    let third = world(&market, &kept);
    settled(&third, &["86040001 accepted"]);
    assert_eq!(market.times("86040001"), 2, "once more, because a person said so");
}

#[test]
fn a_throttled_request_waits_a_minute_and_then_goes() {
    let market = Market::answering(|_| Say::Code("Throttling.User"));
    let world = world(&market, &[]);
    buy(&world, &[]);
    seal(&world, "86040001", "Period", 5, 30);
    until("the first push", || (world.rows("SELECT state FROM push") == ["throttled"]).then_some(()));
    market.answers(|_| Say::Ok);
    advance(&world, "50s");
    assert_eq!((market.times("86040001"), states(&world)), (1, vec!["86040001 sealed".to_owned()]));
    advance(&world, "15s");
    assert_eq!((market.times("86040001"), states(&world)), (2, vec!["86040001 accepted".to_owned()]));
}

#[test]
fn one_poisoned_record_is_found_by_halving_and_the_others_are_accepted() {
    let poisoned = |push: &Value| push.as_array().unwrap().iter().any(|record| record["InstanceId"] == "86040003");
    let market = Market::answering(|_| Say::Code("Throttling"));
    let world = world(&market, &[]);
    let others = ["86040002", "86040003", "86040004", "86040005"];
    buy(&world, &others);
    for instance in ["86040001"].iter().chain(&others) {
        seal(&world, instance, "Period", 5, 40);
    }
    market.answers(move |push| if poisoned(push) { Say::Code("Invalid.Parameter.Instance") } else { Say::Ok });
    advance(&world, "15m");
    assert_eq!(
        states(&world),
        [
            "86040001 accepted",
            "86040002 accepted",
            "86040003 rejected Invalid.Parameter.Instance",
            "86040004 accepted",
            "86040005 accepted"
        ]
    );
    let rejected: Vec<Value> =
        Api::of(&world).feed().into_iter().filter(|event| event["type"] == "metering.rejected").collect();
    assert_eq!((rejected.len(), &rejected[0]["subject"]), (1, &Value::from("alibaba-86040003")));
}

#[test]
fn a_refused_key_stops_the_seller_keeps_the_usage_and_warns_before_the_deadline() {
    let market = Market::answering(|_| Say::Code("Permission.Denied"));
    let world = world(&market, &[]);
    buy(&world, &[]);
    seal(&world, "86040001", "Period", 5, 30);
    until("the stop", || (world.rows("SELECT code FROM push_stop") == ["Permission.Denied"]).then_some(()));
    // Which key it was is known by a mark: keys are never rows.
    let id = world.ready["access_key_id"].as_str().unwrap();
    assert_eq!(world.rows("SELECT length(key_mark) FROM push_stop"), ["8"]);
    assert_eq!(world.rows(&format!("SELECT count(*) FROM push_stop WHERE instr(key_mark, '{id}')")), ["0"]);
    let at_risk = |world: &World| world.rows("SELECT count(*) FROM event WHERE type = 'metering.at_risk'").remove(0);
    advance(&world, "10m");
    assert_eq!((market.times("86040001"), at_risk(&world).as_str()), (1, "0"));
    advance(&world, "8m");
    assert_eq!(
        (market.times("86040001"), at_risk(&world).as_str(), states(&world)),
        (1, "1", vec!["86040001 sealed".to_owned()])
    );
    advance(&world, "5m");
    assert_eq!(at_risk(&world), "1", "told once");
    // And the operators by mail, who can do something about it.
    let mails = world.rows("SELECT recipient || ' ' || kind FROM mail WHERE kind = 'metering_at_risk'");
    assert_eq!(mails, ["operator@example.com metering_at_risk"]);
    let told = Value::from(world.mails()).to_string();
    assert!(told.contains("1 条用量即将错过推送期限") && told.contains("/operator/metering"), "{told}");
}

#[test]
fn what_could_not_leave_goes_as_soon_as_somebody_answers() {
    let listener = silent();
    let world = World::with(&["--openapi", &format!("http://{}", listener.local_addr().unwrap())]);
    buy(&world, &[]);
    seal(&world, "86040001", "Period", 5, 30);
    until("an attempt", || world.rows("SELECT state FROM push LIMIT 1").contains(&"not_sent".to_owned()).then_some(()));
    advance(&world, "2m");
    assert_eq!(states(&world), ["86040001 sealed"]);
    listen(&listener);
    let market = Market::on(listener, |_| Say::Ok);
    advance(&world, "2m");
    assert_eq!((market.times("86040001"), states(&world)), (1, vec!["86040001 accepted".to_owned()]));
}
