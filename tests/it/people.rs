//! Accounts and sessions (rules A7, product §5).

use marketgate::clock::Instant;
use marketgate::error::Error;
use marketgate::store::Store;
use marketgate::usecase::session;

use crate::world::{MEMBER, OWNER, PASSWORD, World, behind, now_secs};

#[test]
fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let world = World::start();
    let answer = |email: &str| {
        let browser = world.browser();
        let page = browser.sign_in(&browser.get("/login"), email, "not-the-password");
        (page.status, page.texts("[role=alert]"))
    };
    let known = answer(OWNER);
    assert_eq!(known.0, 422);
    assert_eq!(known, answer("nobody@example.com"));
    assert_eq!(known, answer("not an address"));
}

#[test]
fn a_forgotten_password_is_answered_alike_and_reset_by_mail_once() {
    let world = World::start();
    let ask = |email: &str| {
        let browser = world.browser();
        let page = browser.submit(&browser.get("/password/forgot").form("/password/forgot").set("email", email));
        (page.status, page.h1())
    };
    assert_eq!(ask("nobody@example.com"), ask(OWNER));
    assert_eq!(world.rows("SELECT recipient FROM mail"), [OWNER]);
    // The mail is sealed: a copy of the file grants nothing.
    let body = world.rows("SELECT body FROM mail").remove(0);
    assert!(!body.contains("http") && !body.contains("password"));
    // Of two that were mailed the first one used ends both, and works no second time.
    let first = link(&world);
    ask(OWNER);
    let second = link(&world);
    assert_ne!(first, second);
    world.execute("UPDATE user SET email_verified_at = NULL");
    let browser = world.browser();
    let forms =
        [&first, &second].map(|link| browser.get(link).form("/password/reset").set("password", "orange-Bicycle-77"));
    assert!(browser.submit(&forms[0]).path.starts_with("/login"));
    assert_eq!([browser.submit(&forms[0]).status, browser.submit(&forms[1]).status], [410, 410]);
    assert_eq!([browser.get(&first).status, browser.get(&second).status], [410, 410]);
    assert_eq!(browser.sign_in(&browser.get("/login"), OWNER, "orange-Bicycle-77").path, "/orgs");
    let verified = world.rows("SELECT email FROM user WHERE email_verified_at IS NOT NULL");
    assert_eq!(verified, [OWNER], "its mailbox has proved the address");
}

/// The newest link that was mailed.
fn link(world: &World) -> String {
    let path = "/password/reset/";
    format!("{path}{}", behind(world.mail(OWNER, "password_reset")["body"].as_str().unwrap(), path))
}

#[test]
fn a_password_that_another_one_replaced_while_it_was_checked_signs_nobody_in() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("gate.db");
    let world = World::on(&file);
    let owner = |column: &str| world.rows(&format!("SELECT {column} FROM user WHERE email = '{OWNER}'")).remove(0);
    let (id, before) = (owner("id"), owner("password_hash"));
    let browser = world.browser();
    browser.submit(&browser.get("/password/forgot").form("/password/forgot").set("email", OWNER));
    let form = browser.get(&link(&world)).form("/password/reset");
    browser.submit(&form.set("password", "orange-Bicycle-77"));
    let after = owner("password_hash");
    world.terminate();
    // The check of the old one took longer than the reset.
    let store = Store::open(&file, crate::audit::options(&file)).unwrap();
    let now = Instant::from_ms((now_secs() + 60) * 1000);
    let begin = |hash: &str| {
        let (id, hash) = (id.clone(), hash.to_owned());
        store.write_blocking(move |tx| {
            let fresh = session::Fresh {
                id: "ses_x".to_owned(),
                secret_hash: [7; 32],
                user_agent: String::new(),
                address: String::new(),
                device: String::new(),
                request_id: String::new(),
            };
            let begin = session::Begin {
                fresh: &fresh,
                user_id: &id,
                password_hash: &hash,
                browser_hash: &[7; 32],
                before: None,
                claim_id: "",
            };
            session::begin(tx, &begin, now)
        })
    };
    assert!(matches!(begin(&before), Err(Error::Conflict("password_changed"))));
    assert!(matches!(begin(&after), Ok(false)));
    store.close();
}

#[test]
fn registering_is_honest_about_a_taken_address() {
    let world = World::start();
    let browser = world.browser();
    let form = browser
        .get("/register")
        .form("/register")
        .set("name", "某人")
        .set("password", "orange-Bicycle-77")
        .set("agree", "1");
    let taken = browser.submit(&form.clone().set("email", OWNER));
    assert_eq!(taken.status, 422);
    let without = browser.submit(&form.clone().set("email", "new@example.com").without("agree"));
    assert_eq!(without.status, 422);
    let weak = browser.submit(&form.clone().set("email", "new@example.com").set("password", "password12"));
    assert_eq!(weak.status, 422);
    let done = browser.submit(&form.set("email", " New@Example.com "));
    assert_eq!((done.status, done.path.as_str()), (200, "/orgs"));
    assert_eq!(world.rows("SELECT email FROM user WHERE name = '某人'"), ["new@example.com"]);
}

#[test]
fn signing_in_changes_the_sessions_secret_and_signing_out_ends_it() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let first = world.rows("SELECT hex(secret_hash) FROM session WHERE ended_at IS NULL");
    let before = browser.again(&world.gateway);
    // Signing in again from the same browser.
    let page = browser.get("/me");
    assert_eq!(page.status, 200);
    browser.submit(&page.form("/logout"));
    assert!(!browser.cookie_names().iter().any(|name| name == "mg_session"));
    assert!(before.get("/me").path.starts_with("/login"), "the old cookie is worth nothing");
    browser.sign_in_as(OWNER);
    assert_ne!(first, world.rows("SELECT hex(secret_hash) FROM session WHERE ended_at IS NULL"));
}

#[test]
fn a_page_asked_for_is_where_signing_in_leads() {
    let world = World::start();
    let browser = world.browser();
    let page = browser.get("/me/sessions");
    assert_eq!(page.path, "/login?next=%2Fme%2Fsessions");
    let page = browser.sign_in(&page, OWNER, PASSWORD);
    assert_eq!(page.path, "/me/sessions");
    // Another site's address is not followed.
    let browser = world.browser();
    let page = browser.get("/login?next=https%3A%2F%2Fevil.example%2F");
    assert_eq!(browser.sign_in(&page, OWNER, PASSWORD).path, "/orgs");
}

#[test]
fn own_sessions_are_listed_and_ended_one_by_one() {
    let world = World::start();
    let (laptop, phone) = (world.browser(), world.browser());
    laptop.sign_in_as(OWNER);
    phone.sign_in_as(OWNER);
    let page = laptop.get("/me/sessions");
    let others = world.rows("SELECT id FROM session ORDER BY created_at DESC, id DESC");
    assert_eq!(others.len(), 2);
    for id in others {
        if let Some(form) = page.find_form(&format!("/me/sessions/{id}/end"))
            && phone.get("/me").path == "/me"
        {
            laptop.submit(&form);
        }
    }
    let is_phone_out = phone.get("/me").path.starts_with("/login");
    let is_laptop_out = laptop.get("/me").path.starts_with("/login");
    assert!(is_phone_out != is_laptop_out || is_phone_out, "one ended the other");
    // Somebody else's session is not there to be ended.
    let thief = world.browser();
    thief.sign_in_as(MEMBER);
    let id = world.rows("SELECT id FROM session WHERE ended_at IS NULL LIMIT 1").remove(0);
    let csrf = thief.get("/me").form("/logout");
    let fields: Vec<(&str, &str)> = csrf.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    thief.post(&format!("/me/sessions/{id}/end"), &fields);
    assert_eq!(world.rows(&format!("SELECT ended_at IS NULL FROM session WHERE id = '{id}' AND user_id <> (SELECT id FROM user WHERE email = '{MEMBER}') UNION ALL SELECT 1 LIMIT 1")), ["1"]);
}

#[test]
fn languages_are_switched_and_remembered() {
    let world = World::start();
    let browser = world.browser();
    let page = browser.get("/login");
    assert!(page.html.contains("<html lang=\"zh-CN\""), "Chinese first");
    let page = browser.submit(&page.form("/preferences").set("lang", "en"));
    assert!(page.html.contains("<html lang=\"en\"") && page.path == "/login");
    let mut english = world.browser();
    english.headers = vec![("accept-language", "en-GB,en;q=0.9".into())];
    assert!(english.get("/login").html.contains("<html lang=\"en\""));
}

#[test]
fn foreign_and_unknown_organizations_look_alike() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(MEMBER);
    let foreign = world.organization("云帆数据");
    for page in ["billing", "members", ""] {
        let (a, b) = (
            browser.get(&format!("/orgs/{foreign}/{page}")),
            browser.get(&format!("/orgs/org_00000000000000000000000000/{page}")),
        );
        assert_eq!((a.status, a.h1()), (404, b.h1()));
    }
    let mine = browser.get(&format!("/orgs/{}/members", world.organization("星河科技")));
    assert!(mine.status == 200 && mine.has("林悦") && mine.has("陈思远"));
}

#[test]
fn guessing_is_limited_per_user_even_with_the_right_password() {
    let place = tempfile::tempdir().unwrap();
    let world = World::with(&["--database", place.path().join("gate.db").to_str().unwrap(), "--strict-limits"]);
    let browser = world.browser();
    let statuses: Vec<u16> =
        (0..8).map(|_| browser.sign_in(&browser.get("/login"), OWNER, "wrong-password").status).collect();
    assert!(statuses.starts_with(&[422, 422, 422, 422, 422, 422]) && statuses[7] == 429, "{statuses:?}");
    assert_eq!(browser.sign_in(&browser.get("/login"), OWNER, PASSWORD).status, 429);
    assert_eq!(
        browser.sign_in(&browser.get("/login"), MEMBER, PASSWORD).status,
        200,
        "another person is not in the way"
    );
}
