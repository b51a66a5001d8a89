//! How long the marketplace's calls, and what somebody typed in them, are kept (rules D6).

use serde_json::json;

use crate::world::{BUYER, PLAN, PRODUCT, World, create, until};

const OPERATOR: &str = crate::console::OPERATOR;
const LARGER: &str = "cmgj00063418-prepay-16";
const TYPED: &str = "SELECT count(*) FROM call WHERE params LIKE '%南京路%' OR params LIKE '%13800000000%'";

fn calls(world: &World, instance: &str) -> usize {
    world.rows(&format!("SELECT 1 FROM call WHERE instance_id = '{instance}'")).len()
}

/// Lets a minute pass, and looks again, until it is so.
fn minutes_until(world: &World, what: &str, mut is_so: impl FnMut() -> bool) {
    until(what, || {
        world.tell("clock", &json!({ "advance": "1m" }));
        is_so().then_some(())
    });
}

#[test]
fn what_somebody_typed_is_erased_after_thirty_days_and_a_replay_is_noticed_all_the_same() {
    let world = World::with(&["--no-access-key"]);
    let typed = |instance: &'static str| {
        let mut purchase = create(instance);
        purchase.extend([("Count", "3"), ("Address", "上海市南京路 1 号"), ("mobile", "13800000000")]);
        assert!(world.spi(&purchase).1.contains(instance));
    };
    typed("2");
    world.advance("2d");
    typed("1");
    let upgrade =
        [("action", "upgradeInstance"), ("instanceId", "1"), ("skuId", PLAN), ("Address", "上海市南京路 2 号")];
    assert_eq!(world.spi(&upgrade).0, 200);
    // Turned away, but no less typed.
    assert_eq!(world.spi(&[("action", "bindDomain"), ("Address", "南京路")]).0, 400);
    let id = world.rows("SELECT id FROM call WHERE action = 'create' AND instance_id = '1'").remove(0);
    let words = "已按保留期限在 30 天后清除";
    world.advance("28d");
    minutes_until(&world, "the older one is erased", || world.rows(TYPED) != ["3"]);
    assert_eq!(world.rows(TYPED), ["2"]);
    let browser = world.signed_in(OPERATOR);
    let page = browser.get(&format!("/operator/calls/{id}"));
    assert!(page.has("南京路 1 号") && !page.has(words), "{}", page.html);

    world.advance("2d");
    minutes_until(&world, "the others are erased", || world.rows(TYPED) == ["0"]);
    let browser = world.signed_in(OPERATOR);
    let kept = world.rows("SELECT params FROM call WHERE action = 'create' AND instance_id = '1'").remove(0);
    for part in [r#""Count":"3""#, r#""orderId":"205060317920890""#, r#""Address":null"#, r#""mobile":null"#] {
        assert!(kept.contains(part), "{part}: {kept}");
    }
    minutes_until(&world, "the turned away", || world.rows("SELECT 1 FROM refused_call").is_empty());
    let page = browser.get(&format!("/operator/calls/{id}"));
    assert!(page.status == 200 && page.has("Address=[erased]") && page.has(words), "{}", page.html);
    let page = browser.get("/operator/subscriptions/alibaba-1");
    assert!(page.status == 200 && page.has("Address=[erased]") && page.has(words), "{}", page.html);

    // Said again with nothing in between it changes nothing; after another one it may be a replay.
    let version = "SELECT version FROM subscription WHERE instance_id = '1'";
    let before = world.rows(version);
    assert_eq!((world.spi(&upgrade).0, world.rows(version)), (200, before));
    assert_eq!(world.alarms(), Vec::<String>::new());
    assert_eq!(world.spi(&[("action", "upgradeInstance"), ("instanceId", "1"), ("skuId", LARGER)]).0, 200);
    // The call just repeated is as it was said; only erased ones are left to compare with.
    world.execute("DELETE FROM call WHERE instance_id = '1' AND params LIKE '%南京路%'");
    assert_eq!(world.spi(&upgrade).0, 200);
    assert_eq!(world.alarms(), ["said_before alibaba-1"]);
    assert_eq!(world.rows("SELECT count(*) FROM alarm WHERE detail LIKE '%南京路%'"), ["0"]);
}

#[test]
fn calls_are_forgotten_400_days_after_the_release_and_no_order_applies_again() {
    let world = World::with(&["--no-access-key"]);
    let pay = [
        ("action", "orderPay"),
        ("requestId", "r"),
        ("aliUid", BUYER),
        ("orderBizId", "1"),
        ("orderId", "7"),
        ("productCode", PRODUCT),
        ("skuId", PLAN),
    ];
    let renew =
        [("action", "renewInstance"), ("instanceId", "1"), ("orderId", "a"), ("expiredOn", "2035-01-01 00:00:00")];
    let yes = r#"{"success":true}"#;
    for instance in ["1", "2", "3"] {
        world.buy(instance);
        // Another order for the same is an alarm that stays.
        let other: Vec<_> = create(instance).into_iter().filter(|(name, _)| *name != "orderId").collect();
        assert_eq!(world.spi(&[&other[..], &[("orderId", "other")]].concat()).0, 200);
    }
    let alarms = "SELECT subject FROM alarm WHERE kind = 'conflict' ORDER BY subject";
    assert_eq!(world.rows(alarms), ["alibaba-1", "alibaba-2", "alibaba-3"]);
    assert_eq!((world.spi(&pay).1.as_str(), world.spi(&renew).1.as_str()), (yes, yes));
    for instance in ["1", "3"] {
        assert_eq!(world.spi(&[("action", "releaseInstance"), ("instanceId", instance)]).1, yes);
    }
    // More than one step takes.
    world.execute(
        "INSERT INTO call (seller_id, instance_id, action, params, verdict, status, reply, received_at, took_us, request_id)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         SELECT 'alibaba', '3', 'expire', '{}', 'repeated', 200, '{}', 1, 1, 'r' FROM n",
    );
    let back = |instance: &str, days: i64| {
        world.execute(&format!(
            "UPDATE subscription SET released_at = released_at - {days} * 86400000 WHERE instance_id = '{instance}'"
        ));
    };
    back("1", 399);
    back("3", 401);
    minutes_until(&world, "the old ones are gone", || calls(&world, "3") == 0);
    assert_eq!(calls(&world, "1"), 5);
    world.advance("1d");
    minutes_until(&world, "these, too", || calls(&world, "1") == 0);
    assert_eq!(calls(&world, "2"), 2, "of what lives nothing is forgotten");
    assert_eq!(world.rows(alarms), ["alibaba-2"], "alarms repeat the calls");

    // Nothing that was said then is done again.
    let stands =
        "SELECT state || ' ' || version || ' ' || coalesce(expires_at, 0) FROM subscription WHERE instance_id = '1'";
    let before = world.rows(stands);
    assert!(before[0].starts_with("released "), "{before:?}");
    assert_eq!(world.spi(&pay).1, yes);
    assert_eq!(world.rows("SELECT count(*) FROM event WHERE type = 'order.paid'"), ["1"]);
    assert_eq!(world.spi(&renew).1, r#"{"success":false}"#);
    assert!(world.spi(&create("1")).1.contains(r#""instanceId":"1""#));
    assert_eq!(world.rows(stands), before);
    let page = world.signed_in(OPERATOR).get("/operator/subscriptions/alibaba-1");
    assert_eq!(page.status, 200);
    assert_eq!(calls(&world, "1"), 3);
    minutes_until(&world, "what came late is forgotten as well", || calls(&world, "1") == 0);
}

#[test]
fn an_alarm_is_forgotten_thirty_days_after_it_is_over() {
    let world = World::with(&["--no-access-key"]);
    for instance in ["open", "over", "over-before"] {
        assert_eq!(world.spi(&[("action", "upgradeInstance"), ("instanceId", instance), ("skuId", PLAN)]).0, 200);
    }
    let alarms = "SELECT subject FROM alarm ORDER BY subject";
    assert_eq!(world.rows(alarms), ["alibaba-open", "alibaba-over", "alibaba-over-before"]);
    world.execute("UPDATE alarm SET cleared_at = last_at WHERE subject = 'alibaba-over'");
    world.execute("UPDATE alarm SET cleared_at = last_at - 2 * 86400000 WHERE subject = 'alibaba-over-before'");
    world.advance("29d");
    minutes_until(&world, "the older one", || world.rows(alarms).len() < 3);
    assert_eq!(world.rows(alarms), ["alibaba-open", "alibaba-over"]);
    world.advance("1d");
    minutes_until(&world, "the one that is over", || world.rows(alarms) == ["alibaba-open"]);
}
