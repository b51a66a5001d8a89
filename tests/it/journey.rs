//! The whole purchase through the simulator's own pages, and by a caller that shares nothing with the product.

use std::process::Command;

use crate::browserlike::Browser;
use crate::world::{OWNER, PASSWORD, World, until};

#[test]
fn from_the_product_page_to_the_marketplaces_bill() {
    let world = World::start();
    let market = Browser::new(&world.simulator_origin());
    let page = market.get("/");
    assert!(page.path.starts_with("/products/cmgj00063418"), "{}", page.path);
    assert!(page.has("立即开通"));
    let dialog = market.get("/products/cmgj00063418/open?plan=cmgj00063418-postpay&account=A");
    assert_eq!(dialog.h1(), "开通按量服务");
    assert!(dialog.has("同意商品在线协议及云市场平台服务协议"));
    let form = dialog.form("/products/cmgj00063418/open").set("agree", "on");
    let submitted = market.submit(&form);
    assert!(submitted.has("开通申请已提交，约需要1 - 5分钟完成开通"), "{}", submitted.html);
    let list = until("「已开通」", || Some(market.get("/console/services")).filter(|page| page.has("已开通")));
    assert_eq!(list.h1(), "已购买服务列表");
    let guide = list
        .document()
        .select(&scraper::Selector::parse("a[href^='/console/services/']").unwrap())
        .find(|a| a.text().any(|text| text.contains("使用指南")))
        .unwrap()
        .attr("href")
        .unwrap()
        .to_owned();
    let guide_page = market.get(&guide);
    assert!(guide_page.has(&format!("{}/marketplace/alibaba/login", world.gateway)), "the login-free address");
    let instance = guide.rsplit('/').next().unwrap().split(['?', '#']).next().unwrap().to_owned();
    let link = market.get_only(&format!("/console/services/{instance}/login?go=1"));
    let link = link.headers.get("location").cloned().unwrap_or_else(|| {
        let url = crate::world::get(&format!("{}/control/instances/{instance}/login-url", world.simulator_origin())).1;
        serde_json::from_str::<serde_json::Value>(&url).unwrap()["url"].as_str().unwrap().to_owned()
    });
    let browser = world.browser();
    let page = browser.open_link(link.strip_prefix(&world.gateway).unwrap());
    assert_eq!(page.h1(), "您的订阅已开通，还差一步");
    assert!(page.has("Zilliz Cloud") && page.has("按量付费"));
    let claim = page.path.clone();
    let page = browser.sign_in(&page, OWNER, PASSWORD);
    let form = page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap());
    browser.submit(&form);
    until("the binding", || (browser.get(&claim).h1() == "绑定成功").then_some(()));
    let billing = browser.get(&format!("/orgs/{}/billing", world.organization("云帆数据")));
    let bill = billing
        .document()
        .select(&scraper::Selector::parse("a").unwrap())
        .find(|a| a.text().any(|text| text.contains("查看阿里云帐单")))
        .unwrap()
        .attr("href")
        .unwrap()
        .to_owned();
    assert_eq!(bill, format!("{}/console/bills", world.simulator_origin()));
    assert_eq!(market.get("/console/bills").status, 200);
}

#[test]
fn an_independent_caller_drives_the_purchase() {
    let world = World::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/spi_caller.py");
    let done = Command::new("python3")
        .arg(script)
        .arg(&world.gateway)
        .arg("demo-isv-key-not-for-production")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("bound 青石智能"), "{said}");
}

#[test]
fn the_simulator_repeats_until_it_hears_an_id() {
    let world = World::start();
    let control = |path: &str, body: &str| {
        let mut response =
            crate::world::agent().post(&format!("{}{path}", world.simulator_origin())).send(body).unwrap();
        response.body_mut().read_to_string().unwrap()
    };
    control("/control/faults", r#"{"action":"createInstance","kind":"status_500","count":2}"#);
    let started = std::thread::spawn({
        let origin = world.simulator_origin();
        move || {
            let body = r#"{"account":"A","product":"cmgj00063418","plan":"cmgj00063418-postpay"}"#;
            let mut response = crate::world::agent().post(&format!("{origin}/control/orders")).send(body).unwrap();
            response.body_mut().read_to_string().unwrap()
        }
    });
    until("the third attempt", || {
        control("/control/clock", r#"{"advance":"10s"}"#);
        started.is_finished().then_some(())
    });
    assert!(started.join().unwrap().contains("\"opened\""));
    let calls = crate::world::get(&format!("{}/control/calls", world.simulator_origin())).1;
    assert!(calls.matches("\"createInstance\"").count() >= 3, "{calls}");
    assert!(!calls.contains("token=0") && calls.contains("token=****"), "tokens are hidden");
}

#[test]
fn one_clock_moves_both_sides_forward_only() {
    let world = World::start();
    let clock = format!("{}/control/clock", world.simulator_origin());
    let post = |body: &str| {
        let mut response = crate::world::agent().post(&clock).send(body).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    };
    world.buy("1");
    let link = world.link("1");
    assert_eq!(post(r#"{"advance":"6m"}"#).0, 200);
    assert_eq!(world.browser().get(&link).status, 410, "the gateway's window moved with it");
    assert_eq!(post(r#"{"to":"2020-01-01T00:00:00Z"}"#).0, 409);
    assert_eq!(post(r#"{"advance":"soon"}"#).0, 400);
    // Sessions obey it too.
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    post(r#"{"advance":"4d"}"#);
    assert!(browser.get("/me").path.starts_with("/login"), "idle for more than three days");
}

#[test]
fn mails_can_be_read_and_their_links_work_once() {
    let world = World::start();
    let browser = world.browser();
    browser.submit(&browser.get("/password/forgot").form("/password/forgot").set("email", OWNER));
    let mails = world.mails();
    let body = mails[0]["body"].as_str().unwrap();
    let link =
        body.lines().find(|line| line.starts_with("http")).unwrap().strip_prefix(&world.gateway).unwrap().to_owned();
    let signed_in = world.browser();
    signed_in.sign_in_as(OWNER);
    // Opening it spends nothing.
    assert_eq!(world.browser().get(&link).status, 200);
    let page = browser.get(&link);
    let weak = browser.submit(&page.form("/password/reset").set("password", "short"));
    assert_eq!(weak.status, 422);
    let done = browser.submit(&weak.form("/password/reset").set("password", "orange-Bicycle-77"));
    assert!(done.path.starts_with("/login"), "{}", done.path);
    assert!(signed_in.get("/me").path.starts_with("/login"), "every session has ended");
    assert_eq!(browser.get(&link).status, 410);
    assert_eq!(browser.sign_in(&browser.get("/login"), OWNER, PASSWORD).status, 422);
    assert_eq!(browser.sign_in(&browser.get("/login"), OWNER, "orange-Bicycle-77").path, "/orgs");
}

#[test]
fn the_product_shows_the_way_to_the_marketplace_until_a_channel_is_bound() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let organization = world.organization("云帆数据");
    let enter = browser.get(&format!("/enter?org={organization}"));
    let product = world.product();
    let inside = product.get(enter.path.strip_prefix(&world.product_origin()).unwrap());
    assert!(inside.has("未绑定") && inside.has("前往阿里云云市场订阅"), "{}", inside.h1());
    let new = product.get("/clusters/new");
    assert_eq!(new.choice("标准版"), None);
    assert!(new.has("需要扣费渠道"));
    let free = product.submit(&new.form("/clusters").set("name", "search").set("plan", "free"));
    assert!(free.has("search"), "{}", free.h1());
    let refused = product.submit(&new.form("/clusters").set("name", "big").set("plan", "standard"));
    assert_eq!(refused.status, 422);
    world.bind("1", OWNER, "云帆数据");
    let new = product.get("/clusters/new");
    assert!(new.has("已绑定") && new.choice("标准版").is_some());
    assert!(product.submit(&new.form("/clusters").set("name", "big").set("plan", "standard")).has("big"));
}
