//! Finding and settling differences between the gateway and the marketplace (rules A5, B2, B4, D5).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::world::{BUYER, OWNER, PLAN, PRODUCT, World, agent, china_text, create, until};

const YEARLY: &str = "cmgj00063418-prepay";
const LARGER: &str = "cmgj00063418-prepay-16";

impl World {
    /// An order to the control that is carried out.
    pub fn tell(&self, path: &str, body: &Value) -> Value {
        let (status, told) = self.order_control(path, body);
        assert_eq!(status, 200, "{path} {body}: {told}");
        told
    }

    /// A purchase at the simulator; its instance.
    pub fn purchase(&self, plan: &str) -> String {
        let order = json!({ "account": "A", "product": PRODUCT, "plan": plan, "items": { "Count": 3 } });
        self.tell("orders", &order)["instance_id"].as_str().unwrap().to_owned()
    }

    pub fn change(&self, instance: &str, what: &str, body: &Value) {
        self.tell(&format!("instances/{instance}/{what}"), body);
    }

    pub fn advance(&self, span: &str) {
        self.tell("clock", &json!({ "advance": span }));
    }

    pub fn sweep(&self) {
        self.tell("sweep", &json!({}));
    }

    /// The open alarms: `kind subject`.
    pub fn alarms(&self) -> Vec<String> {
        let told = self.control("alarms");
        let alarms = told["alarms"].as_array().unwrap().iter();
        let text = |alarm: &Value, name: &str| alarm[name].as_str().unwrap().to_owned();
        alarms.map(|alarm| format!("{} {}", text(alarm, "kind"), text(alarm, "subject"))).collect()
    }

    /// Operations of the OpenAPI that the simulator was asked for.
    pub fn questions(&self, action: &str) -> usize {
        let calls = self.control("calls?limit=1000");
        let of_it = |call: &&Value| call["direction"] == "in" && call["action"] == action;
        calls["calls"].as_array().unwrap().iter().filter(of_it).count()
    }

    /// Every instance at the simulator as `state plan items expiry`.
    pub fn there(&self) -> BTreeMap<String, String> {
        let state = self.control("state");
        let instances = state["instances"].as_array().unwrap().iter();
        instances
            .map(|instance| {
                let state = match instance["state"].as_str().unwrap() {
                    "opened" => "active",
                    "closed" => "released",
                    other => other,
                };
                let expiry = instance["expires_at"].as_str().map(seconds);
                let told = line(state, &instance["plan"], &instance["items"], expiry);
                (instance["id"].as_str().unwrap().to_owned(), told)
            })
            .collect()
    }

    /// Every subscription at the gateway, in the same words.
    pub fn here(&self) -> BTreeMap<String, String> {
        let sql = "SELECT json_object('id', instance_id, 'state', state, 'plan', plan_code, 'items', json(items), 'end', expires_at) FROM subscription";
        self.rows(sql)
            .iter()
            .map(|row| {
                let row: Value = serde_json::from_str(row).unwrap();
                let told = line(
                    row["state"].as_str().unwrap(),
                    &row["plan"],
                    &row["items"],
                    row["end"].as_i64().map(|ms| ms / 1000),
                );
                (row["id"].as_str().unwrap().to_owned(), told)
            })
            .collect()
    }
}

fn line(state: &str, plan: &Value, items: &Value, expiry: Option<i64>) -> String {
    // What is gone for good has nothing left to agree on.
    if state == "released" { state.to_owned() } else { format!("{state} {plan} {items} {expiry:?}") }
}

fn seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

fn healing() -> World {
    World::with(&["--heal"])
}

#[test]
fn rows_that_were_deleted_and_altered_come_back_as_the_marketplace_has_them() {
    let world = healing();
    let ids: Vec<String> = (0..8).map(|_| world.purchase(YEARLY)).collect();
    let postpay = world.purchase(PLAN);
    world.change(&ids[1], "upgrade", &json!({ "plan": LARGER, "items": { "Count": 9 } }));
    world.change(&ids[2], "expire", &json!({}));
    world.change(&ids[3], "release", &json!({ "refund": true }));
    world.change(&ids[4], "renew", &json!({}));
    world.advance("2m");
    assert_eq!(world.here(), world.there());
    let alter =
        |id: &str, what: &str| world.execute(&format!("UPDATE subscription SET {what} WHERE instance_id = '{id}'"));
    alter(&ids[1], &format!("plan_code = '{YEARLY}', items = '{{}}'"));
    alter(&ids[2], "state = 'active'");
    alter(&ids[4], "state = 'expired', expires_at = 1000000000000");
    alter(&ids[5], "state = 'opening'");
    alter(&ids[6], "expires_at = expires_at + 86400000");
    alter(&postpay, "state = 'expired', is_disputed = 1");
    for id in [&ids[0], &ids[3]] {
        world.execute(&format!(
            "DELETE FROM event WHERE subscription_id = (SELECT id FROM subscription WHERE instance_id = '{id}')"
        ));
        world.execute(&format!("DELETE FROM subscription WHERE instance_id = '{id}'"));
    }
    assert_ne!(world.here(), world.there());
    // The daily check is due a day after the last one.
    world.advance("25h");
    world.sweep();
    assert_eq!(world.here(), world.there());
    assert_eq!(world.alarms(), Vec::<String>::new());
    let source = |id: &str| world.rows(&format!("SELECT source FROM subscription WHERE instance_id = '{id}'"));
    assert_eq!((source(&ids[0]), source(&ids[3])), (vec!["healed".to_owned()], vec!["tombstone".to_owned()]));
    assert_eq!(
        world.rows(&format!("SELECT buyer_account FROM subscription WHERE instance_id = '{}'", ids[0])),
        [BUYER],
        "the buyer is in the order"
    );
    // Once more changes nothing.
    let (events, repairs) = ("SELECT count(*) FROM event", "SELECT sum(times) FROM alarm WHERE kind = 'repaired'");
    let before = (world.rows(events), world.rows(repairs));
    world.advance("25h");
    world.sweep();
    assert_eq!((world.rows(events), world.rows(repairs)), before);
    assert_eq!(world.here(), world.there());
}

#[test]
fn a_repair_has_the_effects_of_the_call_that_never_came() {
    let world = healing();
    let [bound, frozen] = [world.purchase(YEARLY), world.purchase(YEARLY)];
    let mut organizations = Vec::new();
    for (id, name) in [(&bound, "云帆数据"), (&frozen, "星河科技")] {
        let browser = world.browser();
        let link = world.control(&format!("instances/{id}/login-url"))["url"].as_str().unwrap().to_owned();
        let page = browser.open_link(link.strip_prefix(&world.gateway).unwrap());
        let claim = page.path.clone();
        let page = browser.sign_in(&page, OWNER, crate::world::PASSWORD);
        browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &page.choice(name).unwrap()));
        until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
        organizations.push(world.organization(name));
    }
    world.change(&frozen, "expire", &json!({}));
    world.advance("2m");
    let freeze = || {
        world.rows(&format!("SELECT coalesce(freeze_reason, '-') FROM organization WHERE id = '{}'", organizations[1]))
    };
    assert_eq!(freeze(), ["payment"]);
    // A renewal and a release that are lost on the way, every attempt of them.
    for action in ["renewInstance", "releaseInstance"] {
        world.tell("faults", &json!({ "action": action, "kind": "status_500", "count": 10 }));
    }
    world.change(&frozen, "renew", &json!({}));
    world.change(&bound, "release", &json!({ "refund": false }));
    world.advance("30m");
    assert_eq!(world.rows("SELECT state FROM binding ORDER BY id"), ["live", "live"], "nothing was heard");
    world.advance("25h");
    world.sweep();
    assert_eq!(world.here(), world.there());
    assert_eq!(freeze(), ["-"]);
    let binding =
        |column: &str| world.rows(&format!("SELECT coalesce({column}, '-') FROM binding ORDER BY id LIMIT 1"));
    assert_eq!((binding("state"), binding("reason")), (vec!["ended".into()], vec!["subscription_released".into()]));
    for event in ["subscription.released", "organization.unfrozen", "organization.no_channel"] {
        assert_eq!(world.rows(&format!("SELECT count(*) FROM event WHERE type = '{event}'")), ["1"], "{event}");
    }
}

#[test]
fn a_payment_that_could_not_be_delivered_is_fetched_once_and_confirmed() {
    let world = healing();
    let [paid, unopened] = [world.purchase(PLAN), {
        // Never opened, so we never heard of it: its notification cannot be processed.
        world.tell("faults", &json!({ "action": "createInstance", "kind": "status_500", "count": 130 }));
        let origin = world.simulator_origin();
        let buying = thread::spawn(move || {
            let order = json!({ "account": "B", "product": PRODUCT, "plan": PLAN });
            let sent = agent().post(format!("{origin}/control/orders")).send(order.to_string());
            sent.unwrap().body_mut().read_to_string().unwrap()
        });
        until("the purchase to be given up", || {
            world.advance("1m");
            buying.is_finished().then_some(())
        });
        let bought: Value = serde_json::from_str(&buying.join().unwrap()).unwrap();
        bought["instance_id"].as_str().unwrap().to_owned()
    }];
    world.tell("faults", &json!({ "action": "orderPay", "kind": "status_500", "count": 24 }));
    world.change(&unopened, "pay", &json!({ "request_id": "poison" }));
    world.change(&paid, "pay", &json!({ "request_id": "lost" }));
    world.advance("10h");
    world.sweep();
    let payments = || world.rows("SELECT data ->> 'request_id' FROM event WHERE type = 'order.paid'");
    assert_eq!(payments(), ["lost"]);
    assert!(world.alarms().contains(&"notification_stuck alibaba/poison".to_owned()), "{:?}", world.alarms());
    world.sweep();
    assert_eq!(payments(), ["lost"], "listed or not, it is paid once");
    let confirmed = |id: &str| {
        let calls = world.control("calls?limit=1000");
        let of_it =
            |call: &&Value| call["action"] == "ConfirmNotification" && call["request"].as_str().unwrap().contains(id);
        calls["calls"].as_array().unwrap().iter().filter(of_it).count()
    };
    assert_eq!((confirmed("=lost"), confirmed("=poison")), (1, 0));
}

#[test]
fn a_payment_that_was_heard_is_not_recorded_again_when_it_is_fetched() {
    let world = healing();
    let id = world.purchase(PLAN);
    // Heard twelve times, and every answer is lost.
    world.tell("faults", &json!({ "action": "orderPay", "kind": "cut", "count": 12 }));
    world.change(&id, "pay", &json!({ "request_id": "heard" }));
    world.advance("10h");
    world.sweep();
    assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'order.paid'"), ["1"]);
    assert_eq!(world.questions("ConfirmNotification"), 1);
}

#[test]
fn the_waiting_page_goes_on_when_the_marketplace_knows_the_purchase() {
    let world = healing();
    let id = world.purchase(PLAN);
    let link = world.control(&format!("instances/{id}/login-url"))["url"].as_str().unwrap().to_owned();
    world.advance("2m");
    world.execute("DELETE FROM event");
    world.execute("DELETE FROM subscription");
    let asked = world.questions("DescribeInstanceForIsv");
    let link = link.strip_prefix(&world.gateway).unwrap();
    let browser = world.browser();
    let waiting = browser.open_link(link);
    until("the purchase to be found", || (browser.get(&waiting.path).h1() == "您的订阅已开通，还差一步").then_some(()));
    assert_eq!(world.questions("DescribeInstanceForIsv"), asked + 1);
    assert_eq!(world.rows("SELECT source || ' ' || state FROM subscription"), ["healed active"]);
    // The create that comes after all finds it as it is.
    let order = world.rows("SELECT order_id FROM subscription").remove(0);
    let call: Vec<(&str, &str)> = create(&id)
        .into_iter()
        .map(|(name, value)| (name, if name == "orderId" { order.as_str() } else { value }))
        .collect();
    let stands = "SELECT source || ' ' || state || ' ' || version FROM subscription";
    let before = world.rows(stands);
    assert!(before[0].starts_with("healed active "), "{before:?}");
    assert!(world.spi(&call).1.contains(&format!("\"instanceId\":\"{id}\"")));
    assert_eq!(world.rows(stands), before, "who waits sees no other page");
    // It says what was bought: another purchase under its name is none.
    let conflicts = "SELECT count(*) FROM event WHERE type = 'subscription.conflict'";
    assert_eq!((world.spi(&call).0, world.rows(conflicts)), (200, vec!["0".to_owned()]));
    let other: Vec<_> =
        call.iter().map(|&(name, value)| (name, if name == "orderId" { "another" } else { value })).collect();
    assert!(world.spi(&other).1.contains(&format!("\"instanceId\":\"{id}\"")));
    assert_eq!((world.rows(conflicts), world.rows(stands)), (vec!["1".to_owned()], before));
}

#[test]
fn a_purchase_that_nobody_knows_is_not_found_after_three_minutes_and_asked_about_once() {
    let world = healing();
    let browser = world.browser();
    let page = browser.open_link(&world.link("4711"));
    assert_eq!(page.h1(), "正在等待云市场开通结果");
    until("the question", || (world.questions("DescribeInstanceForIsv") == 1).then_some(()));
    browser.open_link(&world.link("4711"));
    world.advance("4m");
    let page = browser.get(&page.path);
    assert_eq!((page.status, page.h1().as_str()), (404, "未找到该订阅"));
    assert_eq!(world.questions("DescribeInstanceForIsv"), 1);
    assert_eq!(world.rows("SELECT count(*) FROM subscription"), ["0"]);
}

#[test]
fn a_create_that_the_marketplace_does_not_know_is_quarantined_within_a_minute() {
    let world = healing();
    // Somebody who has the ISV key, but is not the marketplace.
    world.buy("666");
    let known = world.purchase(PLAN);
    world.advance("1m");
    assert_eq!(world.alarms(), ["quarantined alibaba-666"]);
    let page = world.browser().open_link(&world.link("666"));
    assert_eq!(page.h1(), "正在等待云市场开通结果", "no landing");
    let stamped = world.rows("SELECT instance_id FROM subscription WHERE quarantined_at IS NOT NULL");
    assert_eq!(stamped, ["666"], "and not {known}");
}

#[test]
fn a_dispute_is_decided_by_the_marketplace() {
    let world = healing();
    let [here, there] = [world.purchase(YEARLY), world.purchase(YEARLY)];
    // Said by somebody who replays calls; the marketplace knows of one only.
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", &here)]).0, 200);
    world.change(&there, "expire", &json!({}));
    let disputed = "SELECT count(*) FROM subscription WHERE is_disputed = 1 AND state = 'expired'";
    assert_eq!((world.rows(disputed), world.alarms().len()), (vec!["2".to_owned()], 2));
    world.advance("2m");
    assert_eq!(world.here(), world.there());
    assert_eq!((world.rows(disputed), world.alarms()), (vec!["0".to_owned()], vec![]));
}

#[test]
fn an_expiry_that_nobody_tells_us_of_is_overdue_after_an_hour() {
    for (arguments, state, is_open) in [(&["--heal"][..], "expired", false), (&["--no-access-key"][..], "active", true)]
    {
        let world = World::with(arguments);
        let id = world.purchase("cmgj00063418-trial");
        world.tell("faults", &json!({ "action": "expiredInstance", "kind": "status_500", "count": 10 }));
        let end = world.control("state")["instances"][0]["expires_at"].as_str().unwrap().to_owned();
        let hour = seconds(&end) + 3_600;
        let to = |secs: i64| {
            let at = jiff::Timestamp::from_second(secs).unwrap().to_string();
            world.tell("clock", &json!({ "to": at }));
        };
        // Checked just now, so that the daily check is not what finds it.
        to(hour - 2 * 3_600);
        world.sweep();
        to(hour - 5);
        assert_eq!(world.alarms(), Vec::<String>::new());
        assert_eq!(world.rows("SELECT state FROM subscription"), ["active"]);
        to(hour + 5);
        assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'subscription.overdue'"), ["1"]);
        assert_eq!(world.rows("SELECT state FROM subscription"), [state], "{arguments:?}");
        let overdue = world.alarms().contains(&format!("overdue alibaba-{id}"));
        assert_eq!(overdue, is_open, "{:?}", world.alarms());
        to(hour + 86_400);
        assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'subscription.overdue'"), ["1"], "told once");
    }
}

#[test]
fn a_word_about_an_unknown_instance_starts_a_question() {
    let world = healing();
    let id = world.purchase(YEARLY);
    world.advance("2m");
    world.execute("DELETE FROM event");
    world.execute("DELETE FROM subscription");
    // Heard, refused, and repeated by the marketplace until it is true.
    world.change(&id, "upgrade", &json!({ "plan": LARGER }));
    world.advance("2m");
    assert_eq!(world.here(), world.there());
    assert_eq!(world.alarms(), Vec::<String>::new());
}

#[test]
fn without_an_access_key_nothing_is_asked_and_differences_wait_for_an_operator() {
    let world = World::with(&["--heal", "--no-access-key"]);
    let id = world.purchase(YEARLY);
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", &id)]).0, 200);
    world.spi(&[("action", "renewInstance"), ("instanceId", "4711"), ("expiredOn", "2099-01-01 00:00:00")]);
    world.browser().open_link(&world.link("4712"));
    world.sweep();
    world.advance("26h");
    world.sweep();
    assert_eq!(world.alarms(), ["unknown_instance alibaba-4711".to_owned(), format!("disputed_expiry alibaba-{id}")]);
    assert_eq!(world.rows("SELECT state FROM subscription"), ["expired"], "nothing was repaired");
    let calls = world.control("calls?limit=1000");
    assert!(calls["calls"].as_array().unwrap().iter().all(|call| call["direction"] == "out"), "{calls}");
    // A renewal settles it.
    world.change(&id, "renew", &json!({}));
    assert_eq!(world.alarms(), ["unknown_instance alibaba-4711"]);
}

#[test]
fn an_unknown_plan_is_accepted_and_flagged() {
    let world = World::start();
    let call: Vec<_> =
        create("7").into_iter().map(|(name, value)| (name, if name == "skuId" { "yuncode1" } else { value })).collect();
    assert!(world.spi(&call).1.contains("\"instanceId\":\"7\""));
    assert_eq!(world.alarms(), ["unknown_plan alibaba-7"]);
}

#[test]
fn a_call_that_found_no_room_is_an_alarm_and_a_question() {
    let world = healing();
    let id = world.purchase(YEARLY);
    world.advance("2m");
    let asked = world.questions("DescribeInstanceForIsv");
    let holder = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    holder.busy_timeout(crate::world::PATIENCE).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (status, _) = world.spi(&[("action", "releaseInstance"), ("instanceId", &id)]);
    assert_eq!(status, 503);
    holder.execute_batch("ROLLBACK").unwrap();
    let raised = format!("SELECT times FROM alarm WHERE kind = 'missed_call' AND subject = 'alibaba-{id}'");
    until("the alarm", || world.rows(&raised).pop());
    until("the question", || (world.questions("DescribeInstanceForIsv") == asked + 1).then_some(()));
    until("the end of the alarm", || world.alarms().is_empty().then_some(()));
    assert_eq!(world.rows("SELECT state FROM subscription"), ["active"], "the marketplace still has it");
}

/// A server that is asked instead of the marketplace, and answers as it is told.
struct Impostor {
    url: String,
    answer: Arc<Mutex<Lie>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// `None`: no answer ever.
type Lie = Box<dyn Fn(&str, &str) -> Option<(u16, String)> + Send>;

impl Impostor {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer: Arc<Mutex<Lie>> = Arc::new(Mutex::new(Box::new(|_, _| Some((200, String::new())))));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (lie, log) = (Arc::clone(&answer), Arc::clone(&asked));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if hear(&stream, &lie, &log).is_none() {
                    silent.push(stream);
                }
            }
        });
        Self { url, answer, asked }
    }

    fn says(&self, lie: impl Fn(&str, &str) -> Option<(u16, String)> + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(lie);
    }

    fn times(&self, action: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == action).count()
    }
}

fn hear(mut stream: &TcpStream, answer: &Mutex<Lie>, log: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut action, mut first, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_lowercase();
        if let Some(value) = header.strip_prefix("x-acs-action: ") {
            value.clone_into(&mut action);
        } else if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        } else if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    log.lock().unwrap().push(action.clone());
    let (status, body) = answer.lock().unwrap()(&action, &first)?;
    write!(stream, "HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).ok()?;
    Some(())
}

/// An honest answer about any instance.
fn instance(id: &str, product: &str, status: &str) -> String {
    json!({ "InstanceId": id, "OrderId": "77", "ProductCode": product, "ProductSkuCode": PLAN, "Status": status })
        .to_string()
}

fn honest(action: &str, instance: &str) -> (u16, String) {
    match action {
        "describeorderforisv" => (200, json!({ "OrderId": "77", "AliUid": BUYER, "ProductCode": PRODUCT }).to_string()),
        "describefailednotifications" => (200, json!({ "NotificationList": [], "TotalCount": 0 }).to_string()),
        _ => (200, instance.to_owned()),
    }
}

#[test]
fn answers_that_cannot_be_believed_repair_nothing() {
    let impostor = Impostor::start();
    let world = World::with(&["--heal", "--openapi", &impostor.url]);
    impostor.says(|action, _| Some(honest(action, &instance("1", PRODUCT, "OPENED"))));
    world.buy("1");
    world.advance("2m");
    let before = world.here();
    let lies: [(u16, String); 8] = [
        (200, String::new()),
        (200, "<html><body>it works</body></html>".into()),
        (200, "{}".into()),
        (200, instance("2", PRODUCT, "CLOSED")),
        (200, instance("1", PRODUCT, "GONE")),
        (500, instance("1", PRODUCT, "CLOSED")),
        (503, json!({ "Code": "Invalid.Parameter.Instance", "Message": "no", "RequestId": "1" }).to_string()),
        (200, instance("1", "another", "CLOSED")),
    ];
    for (status, body) in lies {
        let lie = body.clone();
        impostor.says(move |action, _| {
            let honest = honest(action, "");
            Some(if action == "describeinstanceforisv" { (status, lie.clone()) } else { honest })
        });
        let asked = impostor.times("describeinstanceforisv");
        world.advance("25h");
        world.sweep();
        assert!(impostor.times("describeinstanceforisv") > asked, "{status} {body}");
        assert_eq!(world.here(), before, "{status} {body}");
        let kind = if body.contains("another") { "product_differs" } else { "unclear_answer" };
        assert_eq!(world.alarms(), [format!("{kind} alibaba-1")], "{status} {body}");
    }
    // An answer that can be believed ends the doubt, and is acted upon.
    impostor.says(|action, _| Some(honest(action, &instance("1", PRODUCT, "CLOSED"))));
    world.advance("25h");
    world.sweep();
    assert_eq!((world.here()["1"].as_str(), world.alarms()), ("released", vec![]));
}

#[test]
fn a_refused_key_is_an_alarm_until_it_is_accepted() {
    let impostor = Impostor::start();
    let world = World::with(&["--heal", "--openapi", &impostor.url]);
    impostor.says(|_, _| {
        Some((404, json!({ "Code": "InvalidAccessKeyId.NotFound", "Message": "no", "RequestId": "1" }).to_string()))
    });
    world.buy("1");
    world.advance("1m");
    world.sweep();
    assert_eq!(world.alarms(), ["access_refused alibaba"]);
    assert_eq!(
        world.rows("SELECT count(*) FROM subscription WHERE quarantined_at IS NULL AND state = 'active'"),
        ["1"]
    );
    impostor.says(|action, _| Some(honest(action, &instance("1", PRODUCT, "OPENED"))));
    world.sweep();
    assert_eq!(world.alarms(), Vec::<String>::new());
}

#[test]
fn a_foreign_product_is_not_adopted_and_what_is_ours_is() {
    let impostor = Impostor::start();
    let world = World::with(&["--heal", "--openapi", &impostor.url]);
    impostor.says(|action, first| {
        let foreign = first.contains("4711");
        let (id, product) = if foreign { ("4711", "cmgj99") } else { ("4712", PRODUCT) };
        Some(honest(action, &instance(id, product, "OPENED")))
    });
    for id in ["4711", "4712"] {
        world.spi(&[("action", "renewInstance"), ("instanceId", id), ("expiredOn", "2099-01-01 00:00:00")]);
    }
    until("the adoption", || world.rows("SELECT instance_id FROM subscription").pop());
    until("the report", || world.alarms().contains(&"foreign_product alibaba-4711".to_owned()).then_some(()));
    assert_eq!(world.rows("SELECT instance_id || ' ' || order_id FROM subscription"), ["4712 77"]);
    // One whose order is another's is not ours to take either.
    impostor.says(|action, _| {
        Some(match action {
            "describeorderforisv" => (
                200,
                json!({ "OrderId": "77", "AliUid": "9", "ProductCode": PRODUCT, "InstanceIds": ["5"] }).to_string(),
            ),
            _ => honest(action, &instance("4713", PRODUCT, "OPENED")),
        })
    });
    world.spi(&[("action", "expiredInstance"), ("instanceId", "4713")]);
    until("the report", || world.alarms().contains(&"adoption_unclear alibaba-4713".to_owned()).then_some(()));
    assert_eq!(world.rows("SELECT count(*) FROM subscription"), ["1"]);
}

#[test]
fn a_marketplace_that_hangs_holds_up_nobody() {
    let impostor = Impostor::start();
    impostor.says(|_, _| None);
    let world = World::with(&["--heal", "--openapi", &impostor.url]);
    world.browser().open_link(&world.link("4711"));
    until("the question", || (impostor.times("describeinstanceforisv") == 1).then_some(()));
    world.bind("1", OWNER, "云帆数据");
    let hanging =
        "SELECT count(*) FROM job WHERE key = 'alibaba/4711' AND leased_until IS NOT NULL AND last_error IS NULL";
    assert_eq!(world.rows(hanging), ["1"], "it is still waiting for its answer");
}

#[test]
fn a_quarantine_is_lifted_when_the_marketplace_knows_it_after_all() {
    let impostor = Impostor::start();
    let world = World::with(&["--heal", "--openapi", &impostor.url]);
    let unknown = json!({ "Code": "Invalid.Parameter.Instance", "Message": "no", "RequestId": "1" }).to_string();
    impostor.says(move |action, _| {
        let honest = honest(action, "");
        Some(if action == "describeinstanceforisv" { (400, unknown.clone()) } else { honest })
    });
    world.buy("1");
    world.advance("1m");
    assert_eq!(world.alarms(), ["quarantined alibaba-1"]);
    world.sweep();
    assert_eq!(world.alarms(), ["quarantined alibaba-1"], "counted once");
    impostor.says(|action, _| Some(honest(action, &instance("1", PRODUCT, "OPENED"))));
    world.sweep();
    assert_eq!(world.alarms(), Vec::<String>::new());
    let page = world.browser().open_link(&world.link_made("1", 60));
    assert_eq!(page.h1(), "您的订阅已开通，还差一步");
}

#[test]
fn a_call_that_comes_while_the_marketplace_answers_is_not_undone() {
    let impostor = Impostor::start();
    let world = World::with(&["--heal", "--openapi", &impostor.url]);
    let told = |end: i64| {
        let answer: Value = serde_json::from_str(&instance("1", PRODUCT, "OPENED")).unwrap();
        let mut answer = answer.as_object().unwrap().clone();
        answer.insert("EndOn".into(), json!(end));
        Value::Object(answer).to_string()
    };
    let (old, new) = (told(1_900_000_000_000), told(2_000_000_000_000));
    let lie = old.clone();
    impostor.says(move |action, _| Some(honest(action, &lie)));
    let created = [create("1"), vec![("expiredOn", "2030-03-18 01:46:40")]].concat();
    assert_eq!(world.spi(&created).0, 200);
    world.advance("25h");
    world.sweep();
    // The answer is on its way when the renewal arrives, and older than it.
    let renewal = [("action", "renewInstance"), ("instanceId", "1"), ("expiredOn", "2033-05-18 11:33:20")];
    let url = format!("{}/marketplace/alibaba/spi?{}", world.gateway, world.signed(&renewal));
    let lie = old.clone();
    impostor.says(move |action, _| {
        if action == "describeinstanceforisv" {
            assert_eq!(crate::world::get(&url).0, 200);
        }
        Some(honest(action, &lie))
    });
    world.advance("25h");
    world.sweep();
    let expiry = || world.rows("SELECT expires_at FROM subscription");
    assert_eq!(expiry(), ["2000000000000"]);
    assert_eq!(world.rows("SELECT count(*) FROM alarm WHERE kind = 'repaired'"), ["0"]);
    // One that is newer counts.
    impostor.says(move |action, _| Some(honest(action, &new)));
    world.advance("2m");
    assert_eq!((expiry(), world.alarms()), (vec!["2000000000000".to_owned()], vec![]));
}

#[test]
fn what_was_overdue_is_so_no_more_when_a_call_moves_its_date_or_its_state() {
    for (action, state) in [("renewInstance", "active"), ("expiredInstance", "expired")] {
        let world = World::with(&["--no-access-key"]);
        let id = world.purchase("cmgj00063418-trial");
        world.tell("faults", &json!({ "action": "expiredInstance", "kind": "status_500", "count": 10 }));
        let end = seconds(world.control("state")["instances"][0]["expires_at"].as_str().unwrap());
        let late = jiff::Timestamp::from_second(end + 3_605).unwrap().to_string();
        world.tell("clock", &json!({ "to": late }));
        let stands = || world.rows("SELECT state || ' ' || (overdue_at IS NOT NULL) FROM subscription");
        assert_eq!(stands(), ["active 1"]);
        let moved = china_text(end + 86_400);
        let call = [("action", action), ("instanceId", &id), ("orderId", "1"), ("expiredOn", &moved)];
        let is_renewal = action == "renewInstance";
        assert_eq!(world.spi(&call[..if is_renewal { 4 } else { 2 }]).0, 200);
        assert_eq!(stands(), [format!("{state} 0")]);
    }
}
