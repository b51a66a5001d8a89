//! The provisioning URL as the marketplace sees it.

use std::thread;

use serde_json::Value;

use crate::world::{BUYER, PLAN, PRODUCT, World, agent, create, query, token};

#[test]
fn a_purchase_gets_the_same_id_for_ever() {
    let world = World::start();
    let first = world.spi(&create("86040213"));
    assert_eq!(first, world.spi(&create("86040213")));
    let body: Value = serde_json::from_str(&first.1).unwrap();
    assert_eq!(body["instanceId"], "86040213");
    for field in ["frontEndUrl", "adminUrl", "username", "password", "authUrl"] {
        assert!(!body["appInfo"][field].as_str().unwrap().is_empty(), "a listing review wants {field}");
    }
    assert_eq!(body["appInfo"]["authUrl"], format!("{}/marketplace/alibaba/login", world.gateway));
    assert!(body["info"].as_object().is_some_and(|info| !info.is_empty()));
}

#[test]
fn concurrent_duplicates_make_one_subscription() {
    let world = World::start();
    let answers: Vec<(u16, String)> = thread::scope(|scope| {
        let calls: Vec<_> = (0..16).map(|_| scope.spawn(|| world.spi(&create("777")))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 200), "{answers:?}");
    let db = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    let count = |sql: &str| db.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM subscription"), 1);
    assert_eq!(count("SELECT count(*) FROM call WHERE verdict = 'applied'"), 1);
    assert_eq!(count("SELECT count(*) FROM call WHERE verdict = 'repeated'"), 15);
    assert_eq!(count("SELECT count(*) FROM event WHERE type = 'subscription.activated'"), 1);
}

#[test]
fn unknown_parameters_and_billing_items_are_kept_and_signed() {
    let world = World::start();
    let mut params = create("900");
    params.extend([("Count", "2"), ("note", "中文 a+b&c=d"), ("template", ""), ("expiredOn", "2099-01-01 01:01:01")]);
    let (status, body) = world.spi(&params);
    assert_eq!(status, 200, "{body}");
    let db = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    let (items, kept, expires): (String, String, i64) = db
        .query_row(
            "SELECT s.items, c.params, s.expires_at FROM subscription s JOIN call c USING (instance_id)",
            (),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    let items: Value = serde_json::from_str(&items).unwrap();
    assert_eq!((items["Count"].as_str(), items["note"].as_str()), (Some("2"), Some("中文 a+b&c=d")));
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!((kept["template"].as_str(), kept["token"].as_str()), (Some(""), Some("[hidden]")));
    assert_eq!(expires, 4_070_883_661_000, "2099-01-01 01:01:01 in China");
}

#[test]
fn a_literal_space_and_a_plus_are_both_a_space() {
    let world = World::start();
    let mut params = create("901");
    params.push(("expiredOn", "2099-01-01 01:01:01"));
    let signed = world.signed(&params);
    assert!(signed.contains("2099-01-01+01%3A01%3A01"));
    assert_eq!(world.spi_raw(&signed).0, 200);
    assert_eq!(world.spi_raw(&signed.replace("2099-01-01+01", "2099-01-01%2001")).0, 200);
}

#[test]
fn every_vector_that_must_be_accepted_is_and_every_other_is_not() {
    let vectors: Value = serde_json::from_str(include_str!("../fixtures/vectors.json")).unwrap();
    let spi = &vectors["spi_token"];
    // The fixture's key is not the vectors': they are checked where the key can be given.
    let key = spi["key"].as_str().unwrap();
    for vector in spi["accept"].as_array().unwrap() {
        let params: Vec<(&str, &str)> = vector["params"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        assert_eq!(token(&params, key), vector["token"].as_str().unwrap(), "{}", vector["id"]);
        let params: Vec<(String, String)> =
            params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut signed = params.clone();
        signed.push(("token".to_owned(), vector["token"].as_str().unwrap().to_owned()));
        assert!(
            marketgate::market::token::verify(&signed, &["another", key]),
            "{}: the second key counts",
            vector["id"]
        );
    }
}

#[test]
fn a_bad_token_changes_nothing() {
    let world = World::start();
    let (status, body) = world.spi_raw(&query(&create("1"), "0123456789abcdef0123456789abcdef"));
    assert_eq!((status, body.as_str()), (403, r#"{"error":"invalid_token"}"#));
    assert_eq!(world.spi_raw(&query(&create("1"), "")).0, 403);
    let without = world.signed(&create("1"));
    let without = without.split("&token=").next().unwrap();
    assert_eq!(world.spi_raw(without).0, 403);
    // One more parameter than was signed.
    assert_eq!(world.spi_raw(&format!("{}&extra=1", world.signed(&create("1")))).0, 403);
    let db = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    let rows: i64 = db
        .query_row("SELECT (SELECT count(*) FROM subscription) + (SELECT count(*) FROM call)", (), |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn a_token_in_capitals_is_the_same_token() {
    let world = World::start();
    let params = create("2");
    let signed = world.signed(&params);
    let (head, token) = signed.split_once("&token=").unwrap();
    assert_eq!(world.spi_raw(&format!("{head}&token={}", token.to_uppercase())).0, 200);
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    let world = World::start();
    for missing in ["aliUid", "orderBizId", "orderId", "productCode", "skuId", "trial"] {
        let params: Vec<_> = create("3").into_iter().filter(|(name, _)| *name != missing).collect();
        let (status, body) = world.spi(&params);
        assert_eq!(status, 400, "{missing}: {body}");
        assert_eq!(body, format!(r#"{{"error":"missing_parameter","parameter":"{missing}"}}"#));
    }
    for (name, value) in [("trial", "maybe"), ("expiredOn", "tomorrow"), ("orderBizId", "a b"), ("orderBizId", "../x")]
    {
        let mut params: Vec<_> = create("3").into_iter().filter(|(other, _)| *other != name).collect();
        params.push((name, value));
        let (status, body) = world.spi(&params);
        assert_eq!((status, body), (400, format!(r#"{{"error":"malformed_parameter","parameter":"{name}"}}"#)));
    }
    let (status, body) = world.spi(&[("action", "bindDomain"), ("instanceId", "1")]);
    assert!(status == 400 && body.contains("unknown_action"), "{body}");
    assert_eq!(world.spi(&[("aliUid", "1")]).0, 400);
}

#[test]
fn what_is_too_large_or_not_text_is_refused() {
    let world = World::start();
    let long = "x".repeat(9_000);
    let mut params = create("4");
    params.push(("note", &long));
    assert_eq!(world.spi(&params).0, 414);
    assert_eq!(world.spi_raw("action=createInstance&note=%ff%fe&token=0").0, 400);
    let signed = world.signed(&create("4"));
    let (status, body) = world.spi_raw(&format!("{signed}&orderBizId=5"));
    assert!(status == 400 && body.contains("repeated_parameter"), "{body}");
}

#[test]
fn a_form_is_as_good_as_a_query_and_other_methods_are_not() {
    let world = World::start();
    let url = format!("{}/marketplace/alibaba/spi", world.gateway);
    let body = world.signed(&create("5"));
    let form = agent().post(&url).content_type("application/x-www-form-urlencoded").send(&body).unwrap();
    assert_eq!(form.status(), 200);
    let put = agent().put(&format!("{url}?{body}")).send_empty().unwrap();
    assert_eq!(put.status(), 405);
    let unknown = agent().get(&format!("{}/marketplace/nobody/spi?{body}", world.gateway)).call().unwrap();
    assert_eq!(unknown.status(), 404);
}

#[test]
fn a_product_that_is_not_sold_here_is_not_ready_until_it_is() {
    let world = World::start();
    let params: Vec<_> = create("6")
        .into_iter()
        .map(|(name, value)| (name, if name == "productCode" { "cmgj99" } else { value }))
        .collect();
    assert_eq!(world.spi(&params), (200, r#"{"instanceId":"0"}"#.to_owned()));
    // An unknown plan of a known product is accepted.
    let params: Vec<_> =
        create("7").into_iter().map(|(name, value)| (name, if name == "skuId" { "yuncode1" } else { value })).collect();
    assert!(world.spi(&params).1.contains(r#""instanceId":"7""#));
}

#[test]
fn another_purchase_under_a_known_id_applies_nothing() {
    let world = World::start();
    world.buy("8");
    let params: Vec<_> =
        create("8").into_iter().map(|(name, value)| (name, if name == "orderId" { "999" } else { value })).collect();
    let (status, body) = world.spi(&params);
    assert!(status == 200 && body.contains(r#""instanceId":"8""#), "{body}");
    let db = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    let order: String = db.query_row("SELECT order_id FROM subscription", (), |row| row.get(0)).unwrap();
    assert_eq!(order, "205060317920890");
    let events: i64 =
        db.query_row("SELECT count(*) FROM event WHERE type = 'subscription.conflict'", (), |row| row.get(0)).unwrap();
    assert_eq!(events, 1);
}

#[test]
fn the_rest_of_a_life_is_answered_as_the_protocol_says() {
    let world = World::start();
    world.buy("10");
    let yes = (200, r#"{"success":true}"#.to_owned());
    let no = (200, r#"{"success":false}"#.to_owned());
    let renew =
        [("action", "renewInstance"), ("instanceId", "10"), ("orderId", "r1"), ("expiredOn", "2099-01-01 00:00:00")];
    assert_eq!(world.spi(&renew), yes);
    assert_eq!(world.spi(&renew), yes, "an applied order never applies again");
    assert_eq!(
        world.spi(&[("action", "refundRenewInstance"), ("instanceId", "10"), ("expiredOn", "2098-01-01 00:00:00")]),
        yes
    );
    assert_eq!(
        world.spi(&[("action", "upgradeInstance"), ("instanceId", "10"), ("skuId", PLAN), ("Count", "5")]),
        yes,
        "no orderId on the international site"
    );
    assert_eq!(world.spi(&[("action", "expiredInstance"), ("instanceId", "10")]), yes);
    let pay = [
        ("action", "orderPay"),
        ("requestId", "q1"),
        ("aliUid", BUYER),
        ("orderBizId", "10"),
        ("orderId", "o"),
        ("productCode", PRODUCT),
        ("skuId", PLAN),
    ];
    assert_eq!(world.spi(&pay), yes);
    assert_eq!(world.spi(&pay), yes);
    let release = [("action", "releaseInstance"), ("instanceId", "10")];
    assert_eq!(world.spi(&release), yes, "isRefund is optional");
    assert_eq!(world.spi(&release), yes);
    assert_eq!(
        world.spi(&[("action", "renewInstance"), ("instanceId", "10"), ("expiredOn", "2100-01-01 00:00:00")]),
        no,
        "released is final"
    );
    assert_eq!(
        world.spi(&[("action", "renewInstance"), ("instanceId", "nobody"), ("expiredOn", "2100-01-01 00:00:00")]),
        no
    );
    assert_eq!(world.spi(&[("action", "releaseInstance"), ("instanceId", "nobody")]), yes);
    assert!(
        world.spi(&create("nobody")).1.contains(r#""instanceId":"nobody""#),
        "answered, so that the marketplace rests"
    );
    let db = rusqlite::Connection::open(world.ready["database"].as_str().unwrap()).unwrap();
    let state: String =
        db.query_row("SELECT state FROM subscription WHERE instance_id = 'nobody'", (), |row| row.get(0)).unwrap();
    assert_eq!(state, "released", "a later create cannot revive a release");
    let paid: i64 = db.query_row("SELECT count(*) FROM event WHERE type = 'order.paid'", (), |row| row.get(0)).unwrap();
    assert_eq!(paid, 1);
    let sequence: String = db
        .query_row(
            "SELECT group_concat(sequence) FROM (SELECT sequence FROM event WHERE subscription_id = 1 ORDER BY id)",
            (),
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(sequence, "1,2,3,4,5,6,7", "gapless");
}
