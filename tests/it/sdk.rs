//! The seller's calls, by Alibaba Cloud's own clients: the simulator must not notice that they were not made for it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::browserlike::Browser;
use crate::world::{PLAN, World, china_text, get, now_secs};

/// The current client with V3 and with V1 signatures, and the one before it.
const CLIENTS: [&str; 3] = ["v3", "v2", "classic"];

impl World {
    /// What a client makes of the answers to its questions.
    fn ask_as(&self, client: &str, secret: &str, steps: &Value) -> Vec<Value> {
        let root = env!("CARGO_MANIFEST_DIR");
        let python = format!("{root}/target/sdk/bin/python");
        let mut child = Command::new(&python)
            .args([&format!("{root}/tests/fixtures/sdk.py"), client])
            .args([&self.api_host(), self.ready["access_key_id"].as_str().unwrap(), secret])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{python}: {e}; `make test-setup` installs the clients"));
        child.stdin.take().unwrap().write_all(steps.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{client} failed");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn ask_with(&self, client: &str, steps: &Value) -> Vec<Value> {
        self.ask_as(client, self.ready["access_key_secret"].as_str().unwrap(), steps)
    }

    fn api_host(&self) -> String {
        self.simulator_origin().replace("http://localhost", "127.0.0.1")
    }

    /// Moves the clock to an hour and minute of the day after its own, China time; the first second of that day.
    fn go_to_tomorrow(&self, clock: &str) -> i64 {
        let now: jiff::Timestamp = self.control("clock")["now"].as_str().unwrap().parse().unwrap();
        let day = &china_text(now.as_second() + 86_400)[..10];
        let (status, moved) = self.order_control("clock", &json!({ "to": format!("{day} {clock}") }));
        assert_eq!(status, 200, "{moved}");
        let midnight: jiff::Timestamp = format!("{day}T00:00:00+08:00").parse().unwrap();
        midnight.as_second()
    }

    /// All bills of an instance in one month.
    fn bills_of(&self, id: &str) -> Value {
        self.control(&format!("instances/{id}/bills"))["statements"][0].clone()
    }
}

/// A push of a whole hour, `[[instance, item, value], ...]`.
fn push(starts_at: i64, usage: &[(&str, &str, u64)]) -> Value {
    let records: Vec<Value> = usage
        .iter()
        .map(|(id, item, value)| {
            let entity =
                json!({ "Key": item, "Value": value.to_string(), "meteringAssit": format!("cmgj00063418-{item}-1") });
            json!({
                "InstanceId": id,
                "StartTime": starts_at.to_string(),
                "EndTime": (starts_at + 3600).to_string(),
                "Entities": [entity],
            })
        })
        .collect();
    json!({ "action": "PushMeteringData", "params": { "Metering": Value::from(records).to_string() } })
}

fn codes(outcomes: &[Value]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome["code"].as_str().unwrap_or("ok")).collect()
}

#[test]
fn every_client_pushes_usage_that_appears_on_the_bill() {
    let world = World::start();
    let ids: Vec<String> = CLIENTS.iter().map(|_| world.buy_there(PLAN)).collect();
    let day = world.go_to_tomorrow("09:12:00");
    for (client, id) in CLIENTS.iter().zip(&ids) {
        let good = push(day + 8 * 3600, &[(id, "Period", 1800), (id, "VirtualCpu", 4)]);
        let told = world.ask_with(client, &json!([good, good, push(day + 8 * 3600, &[("1", "Period", 1)])]));
        assert_eq!(codes(&told), ["ok", "Service.Flow.Control", "Invalid.Parameter.Instance"], "{client}");
        assert_eq!(told[0]["body"]["Success"], true, "{client}: {}", told[0]);
        assert!(!told[0]["body"]["RequestId"].as_str().unwrap().is_empty());
    }
    let before = world.bills_of(&ids[0]);
    assert_eq!((&before["amount_fen"], &before["bills"][0]["is_made"]), (&json!(0), &json!(false)), "{before}");
    world.order_control("clock", &json!({ "advance": "1h" }));
    for id in &ids {
        let bills = world.bills_of(id);
        assert_eq!(bills["amount_fen"], 6 + 344, "half an hour at 0.12, four cores at 0.86: {bills}");
    }
    let state = world.control("state");
    assert_eq!(state["bills"].as_array().unwrap().len(), 3);
    let browser = Browser::new(&world.simulator_origin());
    let page = browser.get("/console/bills");
    for told in [&ids[0], "1,800", "0.5", "¥ 3.50", "逐张查看 2 张帐单"] {
        assert!(page.has(told), "{told}");
    }
}

#[test]
fn every_client_reads_instances_orders_and_messages() {
    let world = World::start();
    let id = world.buy_there(PLAN);
    let order = world.control("state")["orders"][0]["id"].as_str().unwrap().to_owned();
    world.order_control("faults", &json!({ "action": "orderPay", "kind": "status_500", "count": 12 }));
    for client in CLIENTS {
        world.order_control(&format!("instances/{id}/pay"), &json!({ "request_id": format!("by-{client}") }));
        world.order_control("clock", &json!({ "advance": "9h" }));
        let list = json!({ "action": "DescribeFailedNotifications", "params": { "PageNumber": 1, "PageSize": 50 } });
        let confirm =
            json!({ "action": "ConfirmNotification", "params": { "NotificationRequestId": format!("by-{client}") } });
        let told = world.ask_with(
            client,
            &json!([
                { "action": "DescribeInstanceForIsv", "params": { "InstanceId": id } },
                { "action": "DescribeOrderForIsv", "params": { "OrderId": order } },
                list, confirm, list,
            ]),
        );
        assert_eq!(codes(&told), ["ok"; 5], "{client}: {told:?}");
        let body = |step: usize| &told[step]["body"];
        assert_eq!((&body(0)["Status"], &body(0)["ProductSkuCode"]), (&json!("OPENED"), &json!(PLAN)), "{client}");
        assert_eq!(
            (&body(1)["OrderType"], &body(1)["OrderId"]),
            (&json!("NEW"), &json!(order.parse::<u64>().unwrap()))
        );
        assert_eq!(body(2)["NotificationList"][0]["NotificationRequestId"], format!("by-{client}"), "{}", body(2));
        assert_eq!((&body(3)["Success"], &body(4)["TotalCount"]), (&json!(true), &json!(0)), "{client}");
        world.order_control("faults", &json!({ "action": "orderPay", "kind": "status_500", "count": 12 }));
    }
}

#[test]
fn a_wrong_key_an_old_time_and_a_used_nonce_are_refused_by_name() {
    let world = World::start();
    let id = world.buy_there(PLAN);
    let real = jiff::Timestamp::from_second(now_secs()).unwrap();
    world.order_control("clock", &json!({ "advance": "30d" }));
    let simulated: jiff::Timestamp = world.control("clock")["now"].as_str().unwrap().parse().unwrap();
    let text = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let minutes = |count| jiff::Span::new().minutes(count);
    for client in CLIENTS {
        let ask = |more: Value| {
            let mut step = json!({ "action": "DescribeInstanceForIsv", "params": { "InstanceId": id } });
            step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            step
        };
        let told = world.ask_as(client, "another-secret", &json!([ask(json!({}))]));
        assert_eq!(codes(&told), ["SignatureDoesNotMatch"], "{client}");
        let nonce = json!({ "nonce": format!("nonce-of-{client}") });
        let told = world.ask_with(
            client,
            &json!([
                ask(nonce.clone()),
                ask(nonce),
                ask(json!({ "time": text(real + minutes(14)) })),
                ask(json!({ "time": text(simulated - minutes(14)) })),
                ask(json!({ "time": text(simulated - minutes(20)) })),
                ask(json!({ "time": text(real - minutes(20)) })),
            ]),
        );
        let expired = "InvalidTimeStamp.Expired";
        assert_eq!(codes(&told), ["ok", "SignatureNonceUsed", "ok", "ok", expired, expired], "{client}");
    }
}

#[test]
fn a_push_whose_answer_is_lost_was_taken_and_one_that_was_refused_was_not() {
    let world = World::start();
    let id = world.buy_there(PLAN);
    let day = world.go_to_tomorrow("09:05:00");
    // What the client hears, and whether the usage is on the bill.
    let cases = [
        ("throttle", "Service.Flow.Control", 0),
        ("denied", "Permission.Denied", 0),
        ("status_500", "InternalError", 0),
        ("unknown_error", "UnknownError", 1),
        ("cut", "unanswered", 1),
        ("empty_body", "unanswered", 1),
    ];
    let mut taken = 0;
    for (kind, code, more) in cases {
        world.order_control("clock", &json!({ "advance": "2m" }));
        assert_eq!(world.order_control("faults", &json!({ "action": "PushMeteringData", "kind": kind })).0, 200);
        let told = world.ask_with("v3", &json!([push(day + 8 * 3600, &[(&id, "VirtualCpu", 1)])]));
        taken += more;
        assert_eq!(codes(&told), [code], "{kind}");
        let pending = world.bills_of(&id)["lines"][0]["pending"].as_u64().unwrap_or_default();
        assert_eq!(pending, taken, "{kind}");
    }
    let (status, body) = world.order_control("faults", &json!({ "action": "createInstance", "kind": "throttle" }));
    assert_eq!((status, &body["code"]), (409, &json!("fault_does_not_apply")));
}

#[test]
fn a_too_long_address_is_refused_before_anybody_reads_it() {
    let world = World::start();
    let address =
        |bytes: usize| format!("http://{}/?Action=PushMeteringData&Metering={}", world.api_host(), "x".repeat(bytes));
    let fixed = "/?Action=PushMeteringData&Metering=".len();
    let (status, body) = get(&address(8192 - fixed));
    assert_eq!(status, 400, "8 KB are read, and found unsigned: {body}");
    let (status, body) = get(&address(8193 - fixed));
    assert!(status == 414 && body.contains("Request-URI Too Large"), "{status} {body}");
    let newest = &world.control("calls?limit=1")["calls"][0];
    assert_eq!((&newest["status"], &newest["direction"]), (&json!(414), &json!("in")));
}

#[test]
fn the_switches_say_what_nobody_knows() {
    let world = World::start();
    let strict = json!({ "takes_closed": false, "ignores_repeats": false });
    assert_eq!(world.control("policy"), strict);
    let (status, kind) = world.order_control("policy", &json!({ "takes_closed": true }));
    assert_eq!((status, &kind["takes_closed"]), (200, &json!(true)));
    assert_eq!(world.order_control("policy", &json!({ "takes_everything": true })).0, 400);
    let id = world.buy_there(PLAN);
    let day = world.go_to_tomorrow("09:03:00");
    world.order_control(&format!("instances/{id}/release"), &json!({}));
    let told = world.ask_with("v3", &json!([push(day + 8 * 3600, &[(&id, "VirtualCpu", 1)])]));
    assert_eq!(codes(&told), ["ok"]);
    world.order_control("policy", &strict);
    world.order_control("clock", &json!({ "advance": "2m" }));
    let told = world.ask_with("v3", &json!([push(day + 8 * 3600, &[(&id, "VirtualCpu", 1)])]));
    assert_eq!(codes(&told), ["Invalid.Parameter.Instance"]);
}
