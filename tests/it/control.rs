//! Driving both sides: clock, purchases without clicks, faults, and the page that does the same by hand.

use serde_json::{Value, json};

use crate::browserlike::Browser;
use crate::world::{OWNER, PLAN, PRODUCT, World, agent};

const YEARLY: &str = "cmgj00063418-prepay";

impl World {
    pub fn control(&self, path: &str) -> Value {
        let (status, body) = crate::world::get(&format!("{}/control/{path}", self.simulator_origin()));
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn order_control(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/control/{path}", self.simulator_origin());
        let mut response = agent().post(&url).send(body.to_string()).unwrap();
        let told = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&told).unwrap())
    }

    pub fn buy_there(&self, plan: &str) -> String {
        let order = json!({ "account": "A", "product": PRODUCT, "plan": plan, "items": { "Count": 3 } });
        let (status, bought) = self.order_control("orders", &order);
        assert_eq!((status, &bought["state"]), (200, &json!("opened")), "{bought}");
        bought["instance_id"].as_str().unwrap().to_owned()
    }

    fn state_there(&self) -> String {
        self.control("state")["instances"][0]["state"].as_str().unwrap().to_owned()
    }
}

#[test]
fn every_call_of_a_life_can_be_made_without_clicking() {
    let world = World::start();
    let id = world.buy_there(YEARLY);
    for (what, body) in [
        ("renew", json!({ "expires_on": "2030-01-01T00:00:00+08:00" })),
        ("refund-renew", json!({ "expires_on": "2029-01-01T00:00:00+08:00" })),
        ("upgrade", json!({ "items": { "Count": 5 } })),
        ("pay", json!({})),
        ("expire", json!({})),
        ("release", json!({ "refund": true })),
    ] {
        let (status, sent) = world.order_control(&format!("instances/{id}/{what}"), &body);
        assert_eq!((status, &sent["status"]), (200, &json!(200)), "{what}: {sent}");
        assert!(sent["reply"].as_str().unwrap().contains("true"), "{what}: {sent}");
    }
    let state = world.control("state");
    assert_eq!(state["instances"][0]["state"], "closed");
    assert_eq!(state["instances"][0]["items"]["Count"], "5");
    assert_eq!(state["instances"][0]["expires_at"], "2028-12-31T16:00:00Z");
    let calls = world.control("calls?limit=3");
    assert_eq!((&calls["total"], calls["calls"].as_array().unwrap().len()), (&json!(7), 3));
    assert_eq!(world.order_control(&format!("instances/{id}/explode"), &json!({})).0, 404);
    assert_eq!(world.order_control("instances/1/renew", &json!({})).0, 404);
}

#[test]
fn a_term_that_ends_on_the_way_expires_on_both_sides() {
    let world = World::start();
    world.buy_there(YEARLY);
    let before = world.control("clock")["now"].as_str().unwrap().to_owned();
    let (status, moved) = world.order_control("clock", &json!({ "advance": "400d" }));
    assert_eq!((status, &moved["failed"]), (200, &json!(0)), "{moved}");
    assert!(moved["now"].as_str().unwrap() > before.as_str());
    assert_eq!(world.state_there(), "expired");
    assert_eq!(world.rows("SELECT state FROM subscription"), ["expired"]);
    for (body, status) in [(json!({ "advance": "99999d" }), 400), (json!({ "advance": "1h", "to": "x" }), 400)] {
        assert_eq!(world.order_control("clock", &body).0, status, "{body}");
    }
}

#[test]
fn a_fault_befalls_the_next_call_and_can_be_taken_back() {
    let world = World::start();
    let id = world.buy_there(PLAN);
    let fault = |action: &str, kind: &str| world.order_control("faults", &json!({ "action": action, "kind": kind }));
    assert_eq!(fault("releaseInstance", "cut").0, 200);
    let (_, mistaken) = fault("PushMeteringData", "status_500");
    assert_eq!((mistaken["kind"].as_str(), mistaken["count"].as_u64()), (Some("status_500"), Some(1)), "{mistaken}");
    let url = format!("{}/control/faults?id={}", world.simulator_origin(), mistaken["id"]);
    assert_eq!(agent().delete(&url).call().unwrap().status(), 200);
    assert_eq!(world.control("faults")["faults"].as_array().unwrap().len(), 1);
    let (_, sent) = world.order_control(&format!("instances/{id}/release"), &json!({}));
    assert_eq!(sent["status"], Value::Null, "the answer was cut off");
    assert_eq!(world.rows("SELECT state FROM subscription"), ["released"], "and the call arrived");
    for (action, kind, status) in
        [("PushMeteringData", "replay", 409), ("nothing", "cut", 409), ("releaseInstance", "explode", 400)]
    {
        assert_eq!(fault(action, kind).0, status, "{action} {kind}");
    }
}

#[test]
fn the_page_does_by_forms_what_the_api_does() {
    let world = World::start();
    let id = world.buy_there(YEARLY);
    let browser = Browser::new(&world.simulator_origin());
    let page = browser.get("/control");
    for told in ["模拟控制", "createInstance", "→ 网关", &id] {
        assert!(page.has(told), "{told}");
    }
    let page = browser.submit(&page.form("/control/move").set("advance", "1h"));
    assert_eq!((page.status, page.path.as_str()), (200, "/control"));
    let page = browser.submit(&page.form("/control/move").set("to", "2020-01-01T00:00"));
    assert!(page.has("时钟只能向前"), "{}", page.path);
    let fault =
        page.form("/control/break").set("action", "expiredInstance").set("kind", "status_500").set("count", "2");
    let page = browser.submit(&fault);
    assert!(page.has("还剩 2 次"));
    let page = browser.submit(&page.form("/control/mend"));
    assert!(!page.has("还剩"));
    let page = browser.submit(&page.form("/control/policy/save").set("ignores_repeats", "true"));
    assert_eq!(page.status, 200);
    assert_eq!(world.control("policy"), json!({ "takes_closed": false, "ignores_repeats": true }));
    let page = browser.submit(&page.form("/control/act").set("id", &id).set("what", "expire"));
    assert_eq!((page.status, world.state_there().as_str()), (200, "expired"));
    let page = browser.submit(&page.form("/control/act").set("id", &id).set("what", "release_refunded"));
    assert!(page.has("还没有实例") && page.has("releaseInstance"));
    assert_eq!(world.control("state")["orders"][0]["is_refunded"], true);
}

#[test]
fn the_tour_leads_through_the_demo_and_ends_with_a_reset() {
    let world = World::start();
    world.buy_there(PLAN);
    let browser = Browser::new(&world.simulator_origin());
    let page = browser.get("/control");
    assert!(!page.has("下一步"), "nobody is led who did not ask for it");
    let mut page = browser.submit(&page.form("/control/tour"));
    for step in 1..8 {
        assert!(page.has(&format!("第 {step} 步，共 8 步")), "{step}");
        page = browser.submit(&page.form("/control/tour").set("step", &(step + 1).to_string()));
    }
    assert!(page.has("第 8 步，共 8 步") && !page.has("下一步"));
    let page = browser.submit(&page.form("/control/anew"));
    assert!(page.has("第 1 步，共 8 步"), "the next audience begins at the beginning");
    assert_eq!(world.control("state")["instances"], json!([]));
    let page = browser.submit(&page.form("/control/tour").set("step", "0"));
    assert!(!page.has("第 1 步"));
}

#[test]
fn a_form_of_another_site_resets_nothing() {
    let world = World::start();
    world.buy_there(PLAN);
    for path in ["reset", "anew"] {
        let url = format!("{}/control/{path}", world.simulator_origin());
        let answer = agent().post(&url).header("origin", &world.gateway).send("").unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
    assert_eq!(world.control("state")["instances"].as_array().unwrap().len(), 1);
}

#[test]
fn a_restart_keeps_both_sides_of_the_stage() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("demo.db");
    let inside = |world: &World| {
        let browser = world.browser();
        browser.sign_in_as(OWNER);
        let enter = browser.get(&format!("/enter?org={}", world.organization("云帆数据")));
        let product = world.product();
        product.get(enter.path.strip_prefix(&world.product_origin()).unwrap());
        product
    };
    let world = World::on(&database);
    let id = world.buy_there(PLAN);
    let product = inside(&world);
    let page = product.get("/clusters/new");
    assert!(product.submit(&page.form("/clusters").set("name", "search").set("plan", "free")).has("search"));
    world.order_control("clock", &json!({ "advance": "40d" }));
    let before = world.control("clock")["now"].as_str().unwrap().to_owned();
    world.close();

    let world = World::on(&database);
    assert!(world.control("clock")["now"].as_str().unwrap() >= before.as_str(), "the clock went back");
    assert_eq!(world.control("state")["instances"][0]["id"], json!(id));
    assert!(inside(&world).get("/").has("search"));
}
