//! One-time codes of 「进入产品」: worth what the session is worth that they came from, once.

use std::path::PathBuf;

use marketgate::crypto::Keys;
use serde_json::{Value, json};

use crate::browserlike::Browser;
use crate::sink::Api;
use crate::world::{MEMBER, OWNER, World};

/// A code that a browser is sent to the product with.
fn code(browser: &Browser, organization: &str) -> String {
    let entered = browser.get_only(&format!("/enter?org={organization}"));
    entered.headers["location"].split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

fn exchange(api: &Api, key: Option<&str>, code: &str) -> (u16, Value) {
    let headers: Vec<(&str, &str)> = key.iter().map(|key| ("idempotency-key", *key)).collect();
    let (status, _, body) = api.call("POST", "/sessions/exchange", &headers, &json!({ "code": code }).to_string());
    (status, body)
}

#[test]
fn neither_a_code_nor_a_remembered_answer_outlives_what_the_session_rests_on() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let api = Api::of(&world);
    let (full, small) = (world.signed_in(OWNER), world.browser());
    small.open_link(&world.link("1"));
    let owner = world.rows(&format!("SELECT id FROM user WHERE email = '{OWNER}'")).remove(0);
    let role = |role: &str| format!("UPDATE member SET role = '{role}' WHERE user_id = '{owner}'");
    let later = |column: &str, sign: &str| {
        let table = if column == "password_changed_at" { "user" } else { "session" };
        format!("UPDATE {table} SET {column} = {column} {sign} 900000000000")
    };
    let sql = |text: &str| text.to_owned();
    let joins = format!("INSERT INTO member VALUES ('{organization}', '{owner}', 'owner', 0)");
    let leaves = format!("DELETE FROM member WHERE organization_id = '{organization}' AND user_id = '{owner}'");
    let cases = [
        (&full, sql("UPDATE user SET disabled_at = 1"), sql("UPDATE user SET disabled_at = NULL")),
        (&full, later("password_changed_at", "+"), later("password_changed_at", "-")),
        (&full, later("seen_at", "-"), later("seen_at", "+")),
        (&full, later("expires_at", "-"), later("expires_at", "+")),
        (&full, leaves, joins),
        (&small, role("member"), role("owner")),
        (&small, sql("UPDATE binding SET state = 'ended'"), sql("UPDATE binding SET state = 'live'")),
        (&small, sql("UPDATE subscription SET state = 'expired'"), sql("UPDATE subscription SET state = 'active'")),
    ];
    for (browser, ends, undo) in cases {
        let (fresh, spent) = (code(browser, &organization), code(browser, &organization));
        assert_eq!(exchange(&api, Some(&ends), &spent).1["user"]["email"], OWNER, "{ends}");
        world.execute(&ends);
        assert_eq!([exchange(&api, None, &fresh).0, exchange(&api, Some(&ends), &spent).0], [410, 410], "{ends}");
        world.execute(&undo);
        assert_eq!([exchange(&api, None, &fresh).0, exchange(&api, Some(&ends), &spent).0], [200, 200], "{undo}");
    }
}

#[test]
fn a_remembered_answer_holds_nothing_of_a_person_and_is_told_to_a_good_key_only() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let api = Api::of(&world);
    let member = world.signed_in(MEMBER);
    let spent = code(&member, &organization);
    let again = || exchange(&api, Some("one"), &spent).0;
    assert_eq!([again(), again()], [200, 200]);
    let database = world.ready["database"].as_str().unwrap();
    let key = std::fs::read(PathBuf::from(format!("{database}.key"))).unwrap();
    let kept = world.rows("SELECT answer FROM idempotency").remove(0);
    let kept = Keys::new(key.try_into().unwrap()).open("idempotency", &kept).unwrap();
    let kept = String::from_utf8(kept).unwrap();
    assert!(kept.contains("ses_") && !kept.contains('@') && !kept.contains("陈思远"), "{kept}");
    for (column, value, status) in [("revoked_at", "1", 401), ("expires_at", "1", 401), ("scopes", "''", 403)] {
        let before = format!("(SELECT {column} FROM former WHERE former.id = api_key.id)");
        world.execute("CREATE TABLE former AS SELECT * FROM api_key");
        world.execute(&format!("UPDATE api_key SET {column} = {value}"));
        assert_eq!(again(), status, "{column}");
        world.execute(&format!("UPDATE api_key SET {column} = {before}"));
        world.execute("DROP TABLE former");
    }
    assert_eq!(again(), 200);
    let page = member.get("/me/delete");
    member.submit(&page.form("/me/delete").set("email", MEMBER));
    assert_eq!(again(), 410, "nobody is told of somebody who has gone");
}

#[test]
fn of_many_who_exchange_one_code_at_once_one_learns_who_it_is() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let (api, owner) = (Api::of(&world), world.signed_in(OWNER));
    let code = code(&owner, &organization);
    let keys: Vec<Option<String>> = (0..12).map(|at| (at % 3 > 0).then(|| format!("key {at}"))).collect();
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = keys.iter().map(|key| scope.spawn(|| exchange(&api, key.as_deref(), &code).0)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let count = |status: u16| answers.iter().filter(|one| **one == status).count();
    assert_eq!([count(200), count(410)], [1, 11], "{answers:?}");
    let kept = world.rows("SELECT count(*) FROM idempotency").remove(0);
    assert!(kept == "0" || kept == "1", "what failed is not remembered: {kept}");
}
