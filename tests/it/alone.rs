//! The simulator alone against somebody's interface, and its log made again.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::browserlike::Browser;
use crate::cli::{marketgate, says};
use crate::world::{PLAN, PRODUCT, World, agent, get, until};

const YEARLY: &str = "cmgj00063418-prepay";

/// `marketgate simulator`, ended with the test.
struct Alone {
    child: Child,
    origin: String,
}

impl Alone {
    fn start(target: &str, key: &str, more: &[&str]) -> Self {
        let mut child = marketgate(&["simulator", "--target", target, "--listen", "127.0.0.1:0"])
            .env("MARKETGATE_ISV_KEY", key)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no readiness line but {line:?}"));
        Self { child, origin: ready["simulator"].as_str().unwrap().to_owned() }
    }

    fn of(world: &World, more: &[&str]) -> Self {
        Self::start(&spi(world), key(world), more)
    }

    fn control(&self, path: &str, body: &Value) -> Value {
        let mut response = agent().post(format!("{}/control/{path}", self.origin)).send(body.to_string()).unwrap();
        let told = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status(), 200, "{path}: {told}");
        serde_json::from_str(&told).unwrap()
    }

    fn read(&self, path: &str) -> Value {
        let (status, body) = get(&format!("{}/control/{path}", self.origin));
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn buy(&self, product: &str, plan: &str) -> String {
        let order = json!({ "account": "A", "product": product, "plan": plan, "items": { "Count": 3 } });
        let bought = self.control("orders", &order);
        assert_eq!(bought["state"], "opened", "{bought}");
        bought["instance_id"].as_str().unwrap().to_owned()
    }

    /// Saves the log as a file.
    fn log(&self, place: &Path) -> PathBuf {
        let (status, log) = get(&format!("{}/control/calls?format=ndjson", self.origin));
        assert_eq!(status, 200, "{log}");
        let file = place.join("calls.ndjson");
        std::fs::write(&file, log).unwrap();
        file
    }

    /// Ends it as an operator does.
    fn close(mut self) {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(self.child.wait().unwrap().success(), "SIGTERM ends it in order");
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn spi(world: &World) -> String {
    format!("{}/marketplace/alibaba/spi", world.gateway)
}

fn key(world: &World) -> &str {
    world.ready["isv_key"].as_str().unwrap()
}

fn replay(file: &Path, target: &str, key: &str) -> (Option<i32>, String) {
    let mut command = marketgate(&["replay", file.to_str().unwrap(), "--target", target, "--pause", "0.005"]);
    command.env("MARKETGATE_ISV_KEY", key);
    says(command)
}

#[test]
fn a_life_is_led_against_a_foreign_interface_and_replayed_against_another() {
    let (first, second) = (World::start(), World::start());
    let place = tempfile::tempdir().unwrap();
    let alone = Alone::of(&first, &[]);
    let id = alone.buy(PRODUCT, YEARLY);
    alone.control("faults", &json!({ "action": "expiredInstance", "kind": "bad_token" }));
    for (what, body) in [
        ("renew", json!({ "expires_on": "2030-01-01T00:00:00+08:00" })),
        ("upgrade", json!({ "items": { "Count": 5, "note": "a+b & c" } })),
        ("pay", json!({})),
        ("expire", json!({})),
        ("release", json!({ "refund": true })),
    ] {
        alone.control(&format!("instances/{id}/{what}"), &body);
    }
    assert_eq!(first.rows("SELECT state FROM subscription"), ["released"]);
    let log = alone.log(place.path());
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.lines().count() >= 6 && !text.contains(key(&first)), "{text}");
    assert!(text.lines().next().unwrap().contains("createInstance"), "oldest first: {text}");

    let (code, told) = replay(&log, &spi(&second), key(&second));
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(second.rows("SELECT instance_id || ' ' || state FROM subscription"), [format!("{id} released")]);
    assert_eq!(second.rows("SELECT items FROM subscription"), first.rows("SELECT items FROM subscription"));

    // Where every token is refused, every success of then is told.
    let (code, told) = replay(&log, &spi(&second), "another-key-0123456789");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("createInstance") && told.contains("→"), "{told}");
    std::fs::write(&log, "{}\n").unwrap();
    let (code, told) = replay(&log, &spi(&second), key(&second));
    assert!(code == Some(1) && told.contains("line 1"), "{told}");
    alone.close();
}

#[test]
fn control_without_a_gateway_is_the_simulators_part_of_it() {
    let world = World::start();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("simulator.db");
    let alone = Alone::of(&world, &["--database", file.to_str().unwrap()]);
    let id = alone.buy(PRODUCT, YEARLY);
    // Its own clock moves, and what falls due on the way is called; the foreign clock stays.
    let moved = alone.control("clock", &json!({ "advance": "400d" }));
    assert_eq!(moved["failed"], 0, "{moved}");
    assert_eq!(alone.read("state")["instances"][0]["state"], "expired");
    until("the freeze", || (world.rows("SELECT state FROM subscription") == ["expired"]).then_some(()));
    let url = alone.read(&format!("instances/{id}/login-url"))["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&world.gateway), "{url}");
    // There is no mail, neither for programs nor as a link.
    assert_eq!(get(&format!("{}/control/mail", alone.origin)).0, 404);
    let page = Browser::new(&alone.origin).get("/control");
    assert!(page.has("模拟控制") && page.has("只有模拟器的时钟前进") && !page.has("查看邮件"), "{}", page.html);
    assert!(page.has("下载记录"));
    assert_eq!(get(&format!("{}/control/calls?format=xml", alone.origin)).0, 400);
    let now = |of: &Alone| of.read("clock")["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let before = now(&alone);
    alone.close();
    let alone = Alone::of(&world, &["--database", file.to_str().unwrap()]);
    let after = now(&alone);
    assert!(after >= before, "its file keeps the clock: {before}, then {after}");
    assert_eq!(alone.read("state")["instances"][0]["id"], json!(id));
}

#[test]
fn another_vendors_product_is_sold_under_its_own_codes() {
    let world = World::start();
    let alone = Alone::of(&world, &["--product", "cmgj00009999", "--sku", "yuncode1", "--sku", "x-postpay"]);
    let products = alone.read("state")["products"].clone();
    assert_eq!(products[0]["code"], "cmgj00009999");
    assert_eq!(products[0]["plans"][0]["terms"]["kind"], "prepay");
    assert_eq!(products[0]["plans"][1]["terms"]["kind"], "postpay");
    let page = Browser::new(&alone.origin).get("/products/cmgj00009999");
    assert!(page.status == 200 && page.has("yuncode1"), "{}", page.html);
    // Without plans of its own, they follow the product's code.
    let alone = Alone::of(&world, &["--product", "cmgj00009999"]);
    assert_eq!(alone.read("state")["products"][0]["plans"][0]["sku"], "cmgj00009999-postpay");
    let alone = Alone::of(&world, &[]);
    alone.buy(PRODUCT, PLAN);
}
