//! The vendor's word on a requested binding: each way in which it can come, not come, or come too late (rules A4).

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::browserlike::{Browser, Page};
use crate::sink::{Api, Sink, advance};
use crate::world::{MEMBER, OWNER, PASSWORD, World, until};

/// A gateway that waits for the vendor's word.
fn world() -> World {
    World::with(&["--confirmation"])
}

/// A purchase whose buyer has pressed 「确认绑定」.
struct Asked {
    browser: Browser,
    claim: String,
    binding: String,
}

impl Asked {
    fn new(world: &World, instance: &str) -> Self {
        world.buy(instance);
        let browser = world.browser();
        let page = browser.open_link(&world.link(instance));
        let claim = page.path.clone();
        let page = browser.sign_in(&page, OWNER, PASSWORD);
        Self { binding: ask(world, &browser, &page, &claim), browser, claim }
    }

    fn page(&self) -> Page {
        self.browser.get(&self.claim)
    }

    fn reaches(&self, title: &str) -> Page {
        until(title, || Some(self.page()).filter(|page| page.h1() == title))
    }
}

fn ask(world: &World, browser: &Browser, page: &Page, claim: &str) -> String {
    let choice = page.choice("云帆数据").unwrap();
    let next = browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &choice));
    assert_eq!(next.status, 200, "{}", next.h1());
    world.rows("SELECT id FROM binding ORDER BY requested_at DESC, id DESC").remove(0)
}

const LIVE: &str = "绑定成功";
const WAITING: &str = "正在处理您的授权请求";
const FAILED: &str = "绑定没有完成";

fn yes() -> (u16, String) {
    (200, json!({ "confirmed": true }).to_string())
}

fn confirm(api: &Api, binding: &str) -> (u16, Value) {
    api.post(&format!("/bindings/{binding}/confirm"), &json!({}))
}

fn refuse(api: &Api, binding: &str, body: &Value) -> (u16, Value) {
    api.post(&format!("/bindings/{binding}/refuse"), body)
}

/// What the feed told of bindings: type and reason.
fn told(api: &Api) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    api.feed()
        .iter()
        .filter(|event| event["type"].as_str().unwrap().starts_with("binding."))
        .map(|event| format!("{} {}", word(&event["type"]), word(&event["data"]["reason"])))
        .collect()
}

fn states(world: &World) -> Vec<String> {
    world.rows("SELECT state || coalesce(' ' || reason, '') FROM binding ORDER BY requested_at, id")
}

#[test]
fn an_answer_that_confirms_makes_it_live() {
    let (world, sink) = (world(), Sink::answering(|_| yes()));
    let api = Api::of(&world);
    api.hook(&sink.url, &["binding.*"]);
    let asked = Asked::new(&world, "1");
    asked.reaches(LIVE);
    assert_eq!(sink.hears("binding.requested").body["data"]["binding"], json!(asked.binding));
    sink.hears("binding.live");
    advance(&world, "5m");
    assert_eq!(sink.kinds(), ["binding.requested", "binding.live"], "it is asked no more");
    assert_eq!(told(&api), ["binding.requested -", "binding.live -"]);
}

#[test]
fn a_call_that_confirms_makes_it_live_once() {
    let world = world();
    let api = Api::of(&world);
    let asked = Asked::new(&world, "1");
    assert_eq!(asked.page().h1(), WAITING);
    advance(&world, "60s");
    assert_eq!(asked.page().h1(), WAITING, "nobody has decided");
    assert_eq!(confirm(&api, &asked.binding), (200, json!({ "id": asked.binding, "state": "live" })));
    assert_eq!(asked.page().h1(), LIVE);
    assert_eq!(confirm(&api, &asked.binding).0, 200, "again changes nothing");
    assert_eq!(refuse(&api, &asked.binding, &json!({})).1["code"], "decided");
    advance(&world, "5m");
    assert_eq!(told(&api), ["binding.requested -", "binding.live -"]);
}

#[test]
fn any_other_answer_decides_nothing_it_is_asked_five_times_and_then_times_out() {
    for (status, body) in [
        (200, r#"{"confirmed":false}"#),
        (200, "ok"),
        (202, ""),
        (200, r#"{"confirmed":"true"}"#),
        (500, r#"{"confirmed":true}"#),
        (409, ""),
    ] {
        let (world, sink) = (world(), Sink::answering(move |_| (status, body.to_owned())));
        let api = Api::of(&world);
        api.hook(&sink.url, &["binding.requested"]);
        let asked = Asked::new(&world, "1");
        sink.hears("binding.requested");
        for (span, times) in [("4s", 1), ("2s", 2), ("10s", 3), ("15s", 4), ("30s", 5), ("50s", 5)] {
            advance(&world, span);
            assert_eq!(sink.heard().len(), times, "{body} after {span}");
        }
        assert_eq!(asked.page().h1(), WAITING, "{body}");
        advance(&world, "10s");
        let page = asked.page();
        assert_eq!(page.h1(), FAILED, "{body}");
        assert!(!page.texts("a[href$='?again=1']").is_empty(), "there is another try");
        assert_eq!(told(&api), ["binding.requested -", "binding.timed_out not_confirmed"]);
    }
}

#[test]
fn a_word_that_comes_too_late_is_a_conflict_and_the_vendor_is_told_once_to_undo() {
    let (world, sink) = (world(), Sink::start());
    let api = Api::of(&world);
    api.hook(&sink.url, &["binding.ended"]);
    let asked = Asked::new(&world, "1");
    advance(&world, "121s");
    assert_eq!(states(&world), ["timed_out not_confirmed"]);
    for _ in 0..2 {
        let (status, said) = confirm(&api, &asked.binding);
        assert_eq!((status, &said["code"]), (409, &json!("too_late")));
    }
    let undo = sink.hears("binding.ended");
    assert_eq!(
        (&undo.body["data"]["binding"], &undo.body["data"]["state"]),
        (&json!(asked.binding), &json!("timed_out"))
    );
    assert_eq!(refuse(&api, &asked.binding, &json!({})).0, 409);
    assert_eq!(told(&api).len(), 3, "once");
    assert_eq!(states(&world), ["timed_out not_confirmed"]);
}

#[test]
fn an_answer_on_its_way_while_the_time_runs_out_comes_too_late() {
    let (world, sink) = (world(), Sink::start());
    let (arrived, arrivals) = channel();
    let (go, going) = channel();
    let (arrived, going) = (Mutex::new(arrived), Mutex::new(going));
    sink.answers(move |heard| {
        if heard.kind() == "binding.requested" {
            arrived.lock().unwrap().send(()).unwrap();
            going.lock().unwrap().recv().unwrap();
        }
        yes()
    });
    let api = Api::of(&world);
    api.hook(&sink.url, &["binding.*"]);
    let asked = Asked::new(&world, "1");
    arrivals.recv().unwrap();
    // The clock cannot be moved while a question is on its way: the time has run out all the same.
    world.execute("UPDATE binding SET deadline_at = 1");
    go.send(()).unwrap();
    let undo = sink.hears("binding.ended");
    assert_eq!(undo.body["data"]["reason"], "confirmed_too_late");
    assert_eq!(states(&world), ["timed_out not_confirmed"]);
    asked.reaches(FAILED);
}

#[test]
fn a_refusal_ends_it_with_the_vendors_words_and_another_try() {
    let world = world();
    let api = Api::of(&world);
    let asked = Asked::new(&world, "1");
    let no = json!({ "reason": "该组织已有欠费 <b>" });
    assert_eq!(refuse(&api, &asked.binding, &no), (200, json!({ "id": asked.binding, "state": "refused" })));
    assert_eq!(refuse(&api, &asked.binding, &no).0, 200, "again changes nothing");
    let page = asked.page();
    assert_eq!(page.h1(), FAILED);
    assert!(page.has("该组织已有欠费 <b>") && page.texts("b").is_empty());
    assert_eq!(confirm(&api, &asked.binding).0, 409);
    assert_eq!(
        told(&api),
        ["binding.requested -", "binding.refused refused_by_vendor", "binding.ended confirmed_too_late"]
    );
    let again = asked.browser.get(&format!("{}?again=1", asked.claim));
    let second = ask(&world, &asked.browser, &again, &asked.claim);
    assert_ne!(second, asked.binding);
    assert_eq!(confirm(&api, &second).0, 200);
    asked.reaches(LIVE);
    assert_eq!(refuse(&api, &second, &json!({ "reason": "x".repeat(501) })).0, 422);
}

#[test]
fn whatever_happens_meanwhile_ends_the_request_and_the_vendor_hears_of_it() {
    let call = |action: &'static str| -> Box<dyn Fn(&World)> {
        Box::new(move |world: &World| assert_eq!(world.spi(&[("action", action), ("instanceId", "1")]).0, 200))
    };
    let sql = |sql: &'static str| -> Box<dyn Fn(&World)> { Box::new(move |world: &World| world.execute(sql)) };
    for (what, happens, reason) in [
        ("release", call("releaseInstance"), "subscription_released"),
        ("expiry", call("expiredInstance"), "subscription_expired"),
        ("removal", sql("DELETE FROM member"), "not_manager"),
        ("a lower role", sql("UPDATE member SET role = 'member'"), "not_manager"),
        ("deletion", sql("UPDATE organization SET deleted_at = 1"), "not_manager"),
        ("a freeze", sql("UPDATE organization SET freeze_reason = 'operator', frozen_at = 1"), "organization_frozen"),
    ] {
        let world = world();
        let api = Api::of(&world);
        let asked = Asked::new(&world, "1");
        happens(&world);
        let is_at_once = what == "release" || what == "expiry";
        assert_eq!(states(&world)[0].starts_with("cancelled"), is_at_once, "{what}");
        for _ in 0..2 {
            let (status, said) = confirm(&api, &asked.binding);
            assert_eq!((status, &said["code"]), (409, &json!("too_late")), "{what}");
        }
        assert_eq!(states(&world), [format!("cancelled {reason}")], "{what}");
        let told = told(&api);
        assert_eq!(told[1], format!("binding.ended {reason}"), "{what}");
        assert!(told[2..].iter().all(|line| line == "binding.ended confirmed_too_late") && told.len() <= 3, "{told:?}");
        assert_ne!(asked.page().h1(), LIVE, "{what}");
    }
}

#[test]
fn a_crash_between_the_answer_and_its_record_confirms_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gate.db");
    let sink = Sink::start();
    let (answered, answers) = channel();
    let (held, lock) = (Arc::new(Mutex::new(None)), file.clone());
    let (holding, answered) = (Arc::clone(&held), Mutex::new(answered));
    sink.answers(move |heard| {
        if heard.kind() == "binding.requested" {
            // Nothing can be recorded from now on.
            let db = rusqlite::Connection::open(&lock).unwrap();
            db.busy_timeout(crate::world::PATIENCE).unwrap();
            db.execute_batch("BEGIN IMMEDIATE").unwrap();
            *holding.lock().unwrap() = Some(db);
            answered.lock().unwrap().send(()).unwrap();
        }
        yes()
    });
    let arguments = ["--confirmation", "--database", file.to_str().unwrap()];
    let world = World::with(&arguments);
    Api::of(&world).hook(&sink.url, &["binding.*"]);
    world.buy("1");
    let browser = world.browser();
    let page = browser.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = browser.sign_in(&page, OWNER, PASSWORD);
    let form = page.form(&format!("{claim}/confirm")).set("choice", &page.choice("云帆数据").unwrap());
    std::thread::scope(|scope| {
        // Its answer may be cut by the crash; the request itself was committed before the vendor was asked.
        scope.spawn(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| browser.submit_only(&form))).ok());
        answers.recv().unwrap();
        world.kill();
    });
    *held.lock().unwrap() = None;
    sink.answers(|_| yes());
    let world = World::with(&arguments);
    until("the binding", || (world.rows("SELECT state FROM binding") == ["live"]).then_some(()));
    assert_eq!(told(&Api::of(&world)), ["binding.requested -", "binding.live -"]);
    let asked: Vec<Value> =
        sink.heard().iter().filter(|one| one.kind() == "binding.requested").map(|one| one.body["id"].clone()).collect();
    assert!(asked.len() >= 2 && asked.iter().all(|id| *id == asked[0]), "asked again, by the same message: {asked:?}");
}

#[test]
fn a_question_waits_for_no_earlier_event() {
    let (world, sink) = (world(), Sink::start());
    let api = Api::of(&world);
    sink.answers(|heard| if heard.kind() == "binding.requested" { yes() } else { (500, String::new()) });
    api.hook(&sink.url, &[]);
    let asked = Asked::new(&world, "1");
    asked.reaches(LIVE);
    // Which is not taken; it goes its own way, and may be heard after the question.
    sink.hears("subscription.activated");
    assert!(!sink.kinds().contains(&"binding.live".to_owned()), "it has its place behind what was not taken");
}

#[test]
fn an_owners_approval_waits_for_the_vendor_too() {
    let world = world();
    let api = Api::of(&world);
    world.buy("1");
    let member = world.browser();
    let page = member.open_link(&world.link("1"));
    let claim = page.path.clone();
    let page = member.sign_in(&page, MEMBER, PASSWORD);
    member.submit(&page.form(&format!("{claim}/request-approval")));
    let owner = world.browser();
    owner.sign_in_as(OWNER);
    let token = world.mailed_approval();
    let page = owner.get(&format!("/approvals/{token}"));
    owner.submit(&page.form(&format!("/approvals/{token}")));
    let binding = world.rows("SELECT id FROM binding").remove(0);
    assert_eq!(states(&world), ["requested"]);
    assert_eq!(confirm(&api, &binding).0, 200);
    assert_eq!(states(&world), ["live"]);
}

#[test]
fn nobodys_word_is_waited_for_unless_it_is_asked_for() {
    let (world, sink) = (World::with(&["--processing", "3600"]), Sink::answering(|_| yes()));
    let api = Api::of(&world);
    api.hook(&sink.url, &["binding.*"]);
    let asked = Asked::new(&world, "1");
    sink.hears("binding.requested");
    for (status, said) in [confirm(&api, &asked.binding), refuse(&api, &asked.binding, &json!({}))] {
        assert_eq!((status, &said["code"]), (409, &json!("not_asked")));
    }
    assert_eq!(asked.page().h1(), WAITING);
    for (status, _) in [confirm(&api, "bnd_none"), refuse(&api, "bnd_none", &json!({}))] {
        assert_eq!(status, 404);
    }
}

#[test]
fn the_demo_product_confirms_by_its_webhook_and_only_what_is_signed() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gate.db");
    let arguments = ["--product-confirms", "--database", file.to_str().unwrap()];
    let registered = |world: &World| {
        let api = Api::of(world);
        until("the product's webhook", || {
            api.get("/webhooks")["items"]
                .as_array()
                .unwrap()
                .iter()
                .any(|hook| hook["types"] == json!(["binding.*"]))
                .then_some(())
        });
    };
    let world = World::with(&arguments);
    registered(&world);
    let asked = Asked::new(&world, "1");
    // Asked before it knew its secret, it is asked again.
    advance(&world, "6s");
    asked.reaches(LIVE);
    let forged = crate::world::agent()
        .post(format!("{}/hooks/marketgate", world.product_origin()))
        .header("webhook-id", "evt_1")
        .header("webhook-timestamp", "1")
        .header("webhook-signature", "v1,AAAA")
        .send(r#"{"type":"binding.requested"}"#)
        .unwrap();
    assert_eq!(forged.status().as_u16(), 401);
}

#[test]
fn an_operator_who_unbinds_a_request_reads_that_it_never_goes_live() {
    let world = world();
    Asked::new(&world, "1");
    let operator = world.browser();
    operator.sign_in_as(crate::console::OPERATOR);
    let path = "/operator/subscriptions/alibaba-1/unbind";
    let page = operator.get(path);
    assert!(page.has("请求被取消，不会生效") && !page.has("失去这个扣费渠道") && !page.has("会收到邮件"));
    operator.submit(&page.form(path).set("why", "选错了组织"));
    assert_eq!(states(&world), ["cancelled unbound"]);
    assert_eq!(world.rows("SELECT count(*) FROM mail WHERE kind LIKE '%unbound%'"), ["0"], "nothing was ever bound");
    let channel = operator.get(&format!("/operator/organizations/{}", world.organization("云帆数据")));
    assert!(channel.has("已取消 cancelled"), "{}", channel.html);
}

#[test]
fn an_operators_form_about_a_request_ends_no_channel_that_went_live_meanwhile() {
    let world = world();
    Asked::new(&world, "1");
    let operator = world.browser();
    operator.sign_in_as(crate::console::OPERATOR);
    let path = "/operator/subscriptions/alibaba-1/unbind";
    let form = operator.get(path).form(path).set("why", "选错了组织");
    let binding = world.rows("SELECT id FROM binding").remove(0);
    assert_eq!(confirm(&Api::of(&world), &binding).0, 200);
    until("the binding", || (states(&world) == ["live"]).then_some(()));
    assert_eq!(operator.submit(&form).status, 409);
    assert_eq!(states(&world), ["live"]);
}
