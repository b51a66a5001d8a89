//! Who did what: acts of people, operators, keys and the marketplace, as the audit log has them (rules D6).

use std::path::Path;
use std::sync::Arc;

use marketgate::crypto::{Keys, Notary};
use marketgate::store::{Options, Store};
use marketgate::usecase::audit;
use serde_json::json;

use crate::sink::{Api, Sink, advance};
use crate::world::{BILLING, OWNER, World, until};

/// Of a store that another program opens: the master key stands beside the file.
pub fn options(file: &Path) -> Options {
    let key = std::fs::read(format!("{}.key", file.display())).unwrap();
    let keys = Keys::new(key.try_into().unwrap());
    Options { notary: Some(Arc::new(Notary::new(Arc::new(keys)))), ..Options::default() }
}

/// Each act: who, what, to what kind of thing, and why.
fn acts(world: &World) -> Vec<String> {
    world.rows(
        "SELECT a.actor_kind || coalesce(':' || u.email, CASE a.actor_kind WHEN 'api_key' THEN '' WHEN 'webhook' THEN '' ELSE ':' || a.actor_id END)
           || ' ' || a.action || ' ' || a.subject_kind || coalesce(' (' || a.reason || ')', '')
         FROM audit a LEFT JOIN user u ON u.id = a.actor_id ORDER BY a.id",
    )
}

#[test]
fn a_channels_life_is_noted_with_whoever_changed_it() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "云帆数据");
    world.spi(&[("action", "expiredInstance"), ("instanceId", "1")]);
    world.spi(&[("action", "expiredInstance"), ("instanceId", "1")]);
    world.spi(&[
        ("action", "renewInstance"),
        ("instanceId", "1"),
        ("orderId", "2"),
        ("expiredOn", "2099-01-01 00:00:00"),
    ]);
    let browser = world.browser();
    browser.sign_in_as(BILLING);
    let page = browser.get(&format!("/orgs/{organization}/unbind"));
    browser.submit(&page.form(&format!("/orgs/{organization}/unbind")));
    assert_eq!(
        acts(&world),
        [
            "user:owner@example.com binding.requested binding",
            "job:binding.activate binding.live binding",
            "marketplace:alibaba organization.frozen organization (payment)",
            "marketplace:alibaba organization.unfrozen organization (payment)",
            "user:billing@example.com binding.ended binding (unbound)",
        ]
    );
    let about = world.rows(&format!(
        "SELECT count(*) FROM audit WHERE organization_id = '{organization}' AND actor_kind <> 'job' AND request_id LIKE 'req_%'"
    ));
    assert_eq!(about, ["4"], "with the organization and the request");
    // Neither the buyer account nor anybody's name or address.
    let all = world
        .rows("SELECT json_array(a.actor_id, a.subject_id, a.reason, a.before, a.after, a.user_id) FROM audit a")
        .concat();
    assert!(!all.contains('@') && !all.contains(crate::world::BUYER), "{all}");
}

#[test]
fn what_the_vendors_key_does_to_webhooks_is_noted_and_no_secret_is() {
    let (world, sink) = (World::start(), Sink::start());
    let api = Api::of(&world);
    let hook = api.hook(&sink.url, &["order.paid"]);
    let path = format!("/webhooks/{}", hook["id"].as_str().unwrap());
    let change = |body: &str| assert_eq!(api.call("PATCH", &path, &[], body).0, 200);
    change(r#"{"types":["binding.*"]}"#);
    change(r#"{"types":["binding.*"]}"#);
    change(r#"{"enabled":false}"#);
    change(r#"{"enabled":true}"#);
    let (_, rotated) = api.post(&format!("{path}/rotate"), &json!({}));
    assert_eq!(api.call("DELETE", &path, &[], "").0, 204);
    assert_eq!(
        acts(&world),
        ["created", "changed", "disabled", "enabled", "secret_rotated", "deleted"]
            .map(|what| format!("api_key webhook.{what} webhook"))
    );
    assert_eq!(
        world.rows("SELECT before || ' -> ' || after FROM audit WHERE action = 'webhook.changed'"),
        [format!("{0} order.paid -> {0} binding.*", sink.url)]
    );
    let all = world.rows("SELECT json_array(before, after, reason, subject_id) FROM audit").concat();
    for secret in [&hook, &rotated] {
        assert!(!all.contains(secret["secret"].as_str().unwrap()));
    }
}

#[test]
fn what_the_vendor_and_the_clock_decide_about_a_request_is_noted() {
    let world = World::with(&["--confirmation"]);
    let ask = |instance: &str, organization: &str| {
        world.buy(instance);
        let browser = world.browser();
        let page = browser.open_link(&world.link(instance));
        let claim = page.path.clone();
        let page = browser.sign_in(&page, OWNER, crate::world::PASSWORD);
        let choice = page.choice(organization).unwrap();
        browser.submit(&page.form(&format!("{claim}/confirm")).set("choice", &choice));
        world.rows("SELECT id FROM binding WHERE state = 'requested'").remove(0)
    };
    let api = Api::of(&world);
    let first = ask("1", "云帆数据");
    assert_eq!(api.post(&format!("/bindings/{first}/refuse"), &json!({ "reason": "no contract" })).0, 200);
    let second = ask("2", "云帆数据");
    assert_eq!(api.post(&format!("/bindings/{second}/confirm"), &json!({})).0, 200);
    ask("3", "星河科技");
    advance(&world, "3m");
    until("the end of the wait", || acts(&world).iter().any(|act| act.contains("timed_out")).then_some(()));
    let decided: Vec<String> = acts(&world).into_iter().filter(|act| !act.contains("requested")).collect();
    assert_eq!(
        decided,
        [
            "api_key binding.refused binding (no contract)",
            "api_key binding.live binding",
            "job:binding.time_out binding.timed_out binding",
        ]
    );
}

#[test]
fn a_file_that_was_served_keeps_a_log_that_holds_and_shows_what_was_changed_in_it() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("kept.db");
    let world = World::on(&file);
    world.bind("1", OWNER, "云帆数据");
    world.close();
    let check = || {
        let store = Store::open(&file, options(&file)).unwrap();
        let report = audit::verify(&store).unwrap();
        store.close();
        (report.rows, report.fault)
    };
    assert_eq!(check(), (2, None));
    let conn = rusqlite::Connection::open(&file).unwrap();
    assert!(conn.execute("UPDATE audit SET actor_id = 'usr_other' WHERE id = 1", ()).is_err(), "not by accident");
    conn.execute_batch("DROP TRIGGER audit_is_never_changed; UPDATE audit SET actor_id = 'usr_other' WHERE id = 1")
        .unwrap();
    assert_eq!(check(), (0, Some(audit::Fault::Changed(1))));
}
