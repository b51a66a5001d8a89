//! The independent recomputation of bills: its own cases, worked out by hand, and what it says of pushes by hand.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use marketgate::domain::value::Instant;
use marketgate::market::openapi::Credentials;
use marketgate::market::openapi::request::{Operation, Style};
use serde_json::{Value, json};

use crate::browserlike::Browser;
use crate::world::{PRODUCT, World, agent};

pub const YEARLY: &str = "cmgj00063418-prepay";
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;

/// Where the independent programs are.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// What happened, as the oracle wants to be told it.
pub struct Month {
    pub world: World,
    /// Where its file is.
    place: tempfile::TempDir,
    /// Midnight in China at its beginning, in seconds.
    pub start: i64,
    pub events: Vec<Value>,
    pub bindings: Vec<Value>,
    pub instances: Value,
    pub outages: Vec<[i64; 2]>,
    /// For quantities: the same ones in every run.
    dice: u64,
}

impl Month {
    /// The first whole month after the world's present.
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let world = World::on(&place.path().join("month.db"));
        let now: jiff::Timestamp = world.control("clock")["now"].as_str().unwrap().parse().unwrap();
        let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
        let next = now.to_zoned(china).date().first_of_month().saturating_add(jiff::Span::new().months(1));
        let start = next.at(0, 0, 0, 0).in_tz("Asia/Shanghai").unwrap().timestamp().as_second();
        let (events, bindings, outages) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, place, start, events, bindings, instances: json!({}), outages, dice: 20_151_101 }
    }

    pub fn roll(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % below
    }

    /// The power fails, and comes back.
    pub fn cut_power(&mut self) {
        self.world.cut_power(&self.place.path().join("month.db"));
    }

    /// A second of the month, as the control API is told it.
    pub fn moment(&self, at: i64) -> String {
        jiff::Timestamp::from_second(self.start + at).unwrap().to_string()
    }

    /// Moves the clock to a second of the month.
    pub fn go(&self, at: i64) {
        let to = self.moment(at);
        let (status, moved) = self.world.order_control("clock", &json!({ "to": to }));
        assert_eq!(status, 200, "{to}: {moved}");
    }

    /// The second of the month that it is.
    pub fn now(&self) -> i64 {
        let now: jiff::Timestamp = self.world.control("clock")["now"].as_str().unwrap().parse().unwrap();
        now.as_second() - self.start
    }

    pub fn buy(&self, plan: &str, more: &Value) -> String {
        let mut order = json!({ "account": "A", "product": PRODUCT, "plan": plan });
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, bought) = self.world.order_control("orders", &order);
        assert_eq!((status, &bought["state"]), (200, &json!("opened")), "{bought}");
        bought["instance_id"].as_str().unwrap().to_owned()
    }

    /// An event that is posted later or now.
    pub fn event(&mut self, organization: &str, item: &str, at: i64, quantity: u64) -> Value {
        json!({
            "specversion": "1.0",
            "type": "marketgate.usage.v1",
            "source": "month",
            "id": format!("{organization}-{item}-{at}-{}", self.roll(1 << 30)),
            "subject": organization,
            "time": jiff::Timestamp::from_second(self.start + at).unwrap().to_string(),
            "data": { "item": item, "quantity": quantity },
        })
    }

    /// Tells the oracle of events that arrived.
    pub fn note(&mut self, events: &[Value], received_at: i64) {
        for event in events {
            let time: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
            self.events.push(json!({
                "source": event["source"],
                "id": event["id"],
                "organization": event["subject"],
                "item": event["data"]["item"],
                "time": time.as_second(),
                "quantity": event["data"]["quantity"],
                "received_at": received_at,
            }));
        }
    }

    /// What the product says of an hour when it is over.
    pub fn usage_of(&mut self, organization: &str, hour: i64) -> Vec<Value> {
        let mut events = Vec::new();
        for slice in 0..4 {
            let seconds = 300 + self.roll(600);
            events.push(self.event(organization, "Period", hour + slice * 900, seconds));
        }
        for minute in [20, 50] {
            let (cpus, bytes) = (1 + self.roll(8), (1 + self.roll(400)) << 30);
            events.push(self.event(organization, "VirtualCpu", hour + minute * 60, cpus));
            events.push(self.event(organization, "Storage", hour + minute * 60 + 1, bytes));
        }
        events
    }

    pub fn oracle(&self, is_late_carried: bool, takes_closed: bool) -> Value {
        let late = if is_late_carried { "carry" } else { "drop_visible" };
        let products = self.world.control("state")["products"].clone();
        let mut items = json!({});
        for item in products[0]["items"].as_array().unwrap() {
            let aggregate = if item["key"] == "Period" { "sum" } else { "max" };
            items[item["key"].as_str().unwrap()] =
                json!({ "aggregate": aggregate, "cycle": item["cycle"], "late": late, "price": item["price"] });
        }
        let facts = json!({
            "items": items,
            "bindings": self.bindings,
            "instances": self.instances,
            "events": self.events,
            "outages": self.outages,
            "takes_closed": takes_closed,
            "now": self.start + self.now(),
        });
        let mut child = Command::new("python3")
            .args(["-B", &format!("{FIXTURES}/oracle.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(facts.to_string().as_bytes()).unwrap();
        serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
    }

    /// Every bill that the marketplace made, as the oracle tells its own.
    pub fn billed(&self) -> Vec<Value> {
        let mut bills = Vec::new();
        for instance in self.instances.as_object().unwrap().keys() {
            let told = self.world.control(&format!("instances/{instance}/bills"));
            for bill in told["statements"].as_array().unwrap().iter().flat_map(|s| s["bills"].as_array().unwrap()) {
                let starts_at: jiff::Timestamp = bill["starts_at"].as_str().unwrap().parse().unwrap();
                if bill["is_made"] == true && bill["quantity"] != 0 {
                    bills.push(json!({
                        "instance": instance,
                        "item": bill["item"],
                        "starts_at": starts_at.as_second(),
                        "quantity": bill["quantity"],
                        "fen": bill["amount_fen"],
                    }));
                }
            }
        }
        let text = |bill: &Value, name: &str| bill[name].as_str().unwrap().to_owned();
        bills.sort_by_key(|bill| (text(bill, "instance"), text(bill, "item"), bill["starts_at"].as_i64()));
        bills
    }

    /// Says what differs, and not two lists of thousands.
    pub fn compare(&self, is_late_carried: bool, takes_closed: bool) -> usize {
        let (billed, oracle) = (self.billed(), self.oracle(is_late_carried, takes_closed));
        let expected = oracle["bills"].as_array().unwrap();
        let told = |bill: &Value| {
            let hours = (bill["starts_at"].as_i64().unwrap() - self.start) / HOUR;
            format!("day {} hour {} of {bill}", hours / 24 + 1, hours % 24)
        };
        let missing: Vec<_> = expected.iter().filter(|bill| !billed.contains(bill)).map(told).collect();
        let extra: Vec<_> = billed.iter().filter(|bill| !expected.contains(bill)).map(told).collect();
        assert!(missing.is_empty() && extra.is_empty(), "not billed: {missing:#?}\nbilled in its place: {extra:#?}");
        assert_eq!(billed.len(), expected.len(), "a bill that stands twice");
        billed.len()
    }
}

#[test]
fn the_oracle_agrees_with_cases_worked_out_by_hand() {
    let done = Command::new("python3")
        .args(["-B", "-m", "unittest", "-v", "test_oracle"])
        .current_dir(FIXTURES)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("Ran 14 tests"), "{said}");
}

impl Month {
    /// A stand-in for the gateway that knows one organization and no trouble: what an hour comes to, pushed as it is.
    fn push(&self, instance: &str, hour: i64, events: &[Value], number: usize) -> String {
        let mut items: BTreeMap<&str, u64> = BTreeMap::new();
        for event in events {
            let quantity = event["data"]["quantity"].as_u64().unwrap();
            let total = items.entry(event["data"]["item"].as_str().unwrap()).or_default();
            *total = if event["data"]["item"] == "Period" { *total + quantity } else { quantity.max(*total) };
        }
        let entities: Vec<Value> = items
            .iter()
            .map(|(item, value)| json!({ "Key": item, "Value": value, "meteringAssit": format!("{PRODUCT}-{item}-1") }))
            .collect();
        let record = json!({
            "InstanceId": instance,
            "StartTime": self.start + hour,
            "EndTime": self.start + hour + HOUR,
            "Entities": entities,
        });
        let text = |name: &str| self.world.ready[name].as_str().unwrap().to_owned();
        let keys = Credentials { access_key_id: text("access_key_id"), access_key_secret: text("access_key_secret") };
        let host = self.world.simulator_origin().replace("http://localhost", "127.0.0.1");
        let metering = json!([record]).to_string();
        let operation = Operation { host: &host, action: "PushMeteringData", params: &[("Metering", &metering)] };
        let at = Instant::from_ms((self.start + self.now()) * 1_000);
        let request = operation.sign(Style::V3, &keys, &format!("push-{number}"), at);
        let mut post = agent().post(&format!("http://{host}/?{}", request.query));
        for (name, value) in &request.headers {
            post = post.header(name, value);
        }
        let mut answer = post.send_empty().unwrap();
        let told: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        told["Code"].as_str().unwrap_or("ok").to_owned()
    }
}

#[test]
fn the_simulators_bills_are_those_of_the_oracle() {
    let mut month = Month::new();
    month.go(-2 * HOUR);
    // It ends at twenty past twelve on the third day, and is renewed at ten in the evening.
    let ends_at = month.start + 2 * DAY + 12 * HOUR + 20 * 60;
    let ends = jiff::Timestamp::from_second(ends_at).unwrap().to_string();
    let instance = month.buy(YEARLY, &json!({ "expires_on": ends }));
    month.bindings = vec![json!({ "organization": "x", "instance": instance, "from": month.start - DAY, "to": null })];
    month.instances[&instance] = json!({ "lapses": [[ends_at, month.start + 2 * DAY + 21 * HOUR]], "closed_at": null });
    // Nobody is heard on the second day from five past three to five past six; what was missed comes too late.
    let outage = month.start + DAY + 3 * HOUR + 5 * 60;
    month.outages.push([outage, outage + 3 * HOUR]);
    for hour in (-HOUR..3 * DAY).step_by(usize::try_from(HOUR).unwrap()) {
        let events = month.usage_of("x", hour);
        let received_at = month.start + hour + HOUR + 60;
        month.note(&events, received_at);
        let (day, clock) = (hour.div_euclid(DAY), hour.rem_euclid(DAY) / HOUR);
        if (day, clock) == (2, 21) {
            month.go(hour + HOUR);
            month.world.order_control(&format!("instances/{instance}/renew"), &json!({}));
        }
        month.go(hour + HOUR + if day == 1 && (2..5).contains(&clock) { 59 * 60 } else { 12 * 60 });
        assert_eq!(month.push(&instance, hour, &events, month.events.len()), "ok", "{hour}");
    }
    month.go(3 * DAY + 2 * HOUR);
    let bills = month.compare(false, false);
    let page = Browser::new(&month.world.simulator_origin()).get("/console/bills");
    for told in ["已接收、不计费的用量：33 条", "迟到：超过了这一小时的推送期限", "服务到期之后的用量"]
    {
        assert!(page.has(told), "{told}");
    }
    assert_eq!(bills, 3 * (3 * 24 + 1 - 3 - 8), "without the outage and the eight hours after the term");
}
