//! The export of what is held about a person, and the end of an account (rules D6).

use serde_json::Value;

use crate::browserlike::{Browser, Form, Page};
use crate::second_factor::{advance, turn_on};
use crate::world::{BILLING, MEMBER, OWNER, PASSWORD, World};

fn delete(browser: &Browser, typed: &str) -> Page {
    let page = browser.get("/me/delete");
    browser.submit(&page.form("/me/delete").set("email", typed))
}

fn id_of(world: &World, email: &str) -> String {
    world.rows(&format!("SELECT id FROM user WHERE email = '{email}'")).remove(0)
}

#[test]
fn an_export_holds_what_is_known_about_oneself_and_nothing_of_others() {
    let world = World::start();
    world.bind("1", OWNER, "星河科技");
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    turn_on(&browser);
    let page = browser.get("/me/export");
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-disposition"], "attachment; filename=\"account.json\"");
    let held: Value = serde_json::from_str(&page.html).unwrap();
    assert_eq!(held["profile"]["email"], OWNER);
    assert_eq!(held["two_step_verification"]["recovery_codes_left"], 10);
    assert_eq!(held["memberships"].as_array().unwrap().len(), 2);
    assert!(held["sessions"].as_array().unwrap().len() >= 2);
    assert_eq!(held["bindings_requested"][0]["state"], "live");
    assert!(held["mails"].as_array().unwrap().iter().any(|mail| mail["kind"] == "second_factor_on"));
    let log = held["audit_log"].as_array().unwrap();
    assert!(log.iter().any(|entry| entry["action"] == "user.second_factor_on"), "{log:#?}");
    for secret in ["argon2", "secret", MEMBER, BILLING, "陈思远"] {
        assert!(!page.html.contains(secret), "{secret}");
    }
    // The file is asked for with a fresh password.
    advance(&world, "16m");
    assert_eq!(browser.get("/me/export").h1(), "再次输入密码");
}

#[test]
fn a_deleted_account_is_gone_and_its_address_registers_anew() {
    let world = World::start();
    let organization = world.organization("星河科技");
    let (browser, other) = (world.browser(), world.browser());
    browser.sign_in_as(MEMBER);
    other.sign_in_as(MEMBER);
    turn_on(&other);
    let id = id_of(&world, MEMBER);
    let wrong = delete(&browser, OWNER);
    assert!(wrong.status == 422 && wrong.has("这不是您的登录邮箱"));
    let page = delete(&browser, " Member@Example.com ");
    assert!(page.path.starts_with("/login?because=") && page.has("您的帐号已删除"), "{}", page.path);
    assert!(other.get("/me").path.starts_with("/login"), "every session has ended");
    // Nothing in the file tells of the person, but for the last mail to them.
    assert_eq!(
        world.rows(&format!(
            "SELECT email || name || password_hash || (deleted_at IS NOT NULL) FROM user WHERE id = '{id}'"
        )),
        [format!("{id}@deleted.invalid1")]
    );
    assert_eq!(world.rows(&format!("SELECT kind FROM mail WHERE recipient = '{MEMBER}'")), ["account_deleted"]);
    for table in ["session", "totp", "recovery_code", "known_browser", "password_reset", "member", "audit_key"] {
        assert_eq!(world.rows(&format!("SELECT count(*) FROM {table} WHERE user_id = '{id}'")), ["0"], "{table}");
    }
    // The vendor's product is told.
    let told = world.rows(&format!("SELECT type FROM event WHERE data LIKE '%{id}%' ORDER BY id DESC LIMIT 2"));
    assert_eq!(told, ["session.revoked", "member.removed"]);
    let noted = world.rows(&format!("SELECT action FROM audit WHERE user_id = '{id}' AND action = 'user.deleted'"));
    assert_eq!(noted.len(), 1);
    // The organization lives on, and the address is free for another account.
    let owner = world.browser();
    owner.sign_in_as(OWNER);
    let members = owner.get(&format!("/orgs/{organization}/members"));
    assert!(members.status == 200 && !members.has("陈思远"));
    let door = world.browser();
    assert_eq!(door.sign_in(&door.get("/login"), MEMBER, PASSWORD).status, 422);
    let form = door.get("/register").form("/register").set("name", "陈思远").set("email", MEMBER);
    let page = door.submit(&form.set("password", "orange-Bicycle-77").set("agree", "1"));
    assert_eq!((page.status, page.path.as_str()), (200, "/orgs"));
    assert_ne!(id_of(&world, MEMBER), id);
}

#[test]
fn the_only_owner_is_told_the_way_out_and_deletes_nothing() {
    let world = World::start();
    let organization = world.bind("1", OWNER, "星河科技");
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let page = browser.get("/me/delete");
    assert!(page.has("星河科技") && page.has("先让另一位成员成为组织管理员"), "{}", page.h1());
    assert!(page.find_form("/me/delete").is_none());
    // Also not with a form that no page offered.
    let csrf = page.form("/logout").fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let forced = browser.post("/me/delete", &[("csrf", &csrf), ("email", OWNER)]);
    assert_eq!(forced.status, 409);
    assert_eq!(world.rows("SELECT count(*) FROM member"), ["4"]);
    // Others own them too: now the account may go, and the binding stays.
    let (member, billing) = (id_of(&world, MEMBER), id_of(&world, BILLING));
    world.execute(&format!("UPDATE member SET role = 'owner' WHERE user_id IN ('{member}', '{billing}')"));
    assert!(delete(&browser, OWNER).path.starts_with("/login?"));
    assert_eq!(world.rows("SELECT state FROM binding"), ["live"]);
    // A login-free entry of the person who is gone asks to sign in.
    let stranger = world.browser();
    assert_eq!(stranger.open_link(&world.link("1")).h1(), "您的订阅已开通，还差一步");
    let heir = world.browser();
    heir.sign_in_as(MEMBER);
    let page = heir.get(&format!("/orgs/{organization}/billing"));
    assert!(page.status == 200 && page.has("已删除用户"), "who bound it is gone");
}

#[test]
fn the_last_operator_stays() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as("operator@example.com");
    assert!(browser.get("/me/delete").has("您是唯一的运营人员"));
    world.execute(&format!("UPDATE user SET is_operator = 1 WHERE email = '{BILLING}'"));
    assert!(delete(&browser, "operator@example.com").path.starts_with("/login?"));
}

#[test]
fn nobody_deletes_somebody_else_or_without_a_fresh_password() {
    let world = World::start();
    let (thief, browser) = (world.browser(), world.browser());
    thief.sign_in_as(BILLING);
    assert_eq!(delete(&thief, MEMBER).status, 422);
    browser.sign_in_as(MEMBER);
    let form = browser.get("/me/delete").form("/me/delete").set("email", MEMBER);
    advance(&world, "16m");
    assert_eq!(browser.submit(&form).h1(), "再次输入密码");
    assert_eq!(world.rows("SELECT count(*) FROM user WHERE deleted_at IS NOT NULL"), ["0"]);
}

#[test]
fn signing_out_everywhere_else_leaves_this_session_and_nobody_elses() {
    let world = World::start();
    let (laptop, phone, other) = (world.browser(), world.browser(), world.browser());
    laptop.sign_in_as(OWNER);
    phone.sign_in_as(OWNER);
    other.sign_in_as(MEMBER);
    let page = laptop.submit(&laptop.get("/me/sessions").form("/me/sessions/end-others"));
    assert_eq!(page.path, "/me/sessions");
    assert!(page.find_form("/me/sessions/end-others").is_none(), "there is no other");
    assert!(phone.get("/me").path.starts_with("/login"));
    assert_eq!((laptop.get("/me").path.as_str(), other.get("/me").path.as_str()), ("/me", "/me"));
}

#[test]
fn a_new_password_keeps_this_browser_and_ends_every_other_session() {
    let world = World::start();
    let (laptop, phone) = (world.browser(), world.browser());
    laptop.sign_in_as(OWNER);
    phone.sign_in_as(OWNER);
    let fixed = laptop.again(&world.gateway);
    let page = laptop.get("/me/security/password");
    let weak = laptop.submit(&page.form("/me/security/password").set("password", "password12"));
    assert!(weak.status == 422 && weak.has("太容易被猜到"));
    let done = laptop.submit(&page.form("/me/security/password").set("password", "orange-Bicycle-77"));
    assert_eq!((done.path.as_str(), laptop.get("/me").path.as_str()), ("/me/security", "/me"));
    assert!(phone.get("/me").path.starts_with("/login"));
    assert!(fixed.get("/me").path.starts_with("/login"), "the cookie of before is worth nothing");
    assert_eq!(world.rows("SELECT recipient FROM mail WHERE kind = 'password_changed'"), [OWNER]);
    let door = world.browser();
    assert_eq!(door.sign_in(&door.get("/login"), OWNER, PASSWORD).status, 422);
    assert_eq!(door.sign_in(&door.get("/login"), OWNER, "orange-Bicycle-77").path, "/orgs");
}

#[test]
fn a_new_name_is_noted_under_the_persons_own_key() {
    let world = World::start();
    let browser = world.browser();
    browser.sign_in_as(OWNER);
    let form = browser.get("/me").form("/me").set("name", "林月");
    assert!(browser.submit(&form).has("林月"));
    browser.submit(&form);
    let noted = world.rows("SELECT before || after FROM audit WHERE action = 'user.renamed' AND is_personal = 1");
    assert_eq!(noted.len(), 1, "the same name again is no change");
    assert!(!noted[0].contains("林"), "sealed");
    let held: Value = serde_json::from_str(&browser.get("/me/export").html).unwrap();
    let log = held["audit_log"].as_array().unwrap();
    assert!(log.iter().any(|entry| entry["before"] == "林悦" && entry["after"] == "林月"), "{log:#?}");
}

#[test]
fn sessions_are_kept_for_ninety_days_after_they_ran_out() {
    let world = World::start();
    world.browser().sign_in_as(OWNER);
    let forgetful = world.browser();
    forgetful.submit(&forgetful.get("/password/forgot").form("/password/forgot").set("email", OWNER));
    assert_eq!(world.rows("SELECT count(*) FROM password_reset"), ["1"]);
    let count = || world.rows("SELECT count(*) FROM session").remove(0);
    // Fourteen days of life, and ninety.
    advance(&world, "100d");
    assert_eq!(count(), "1");
    advance(&world, "5d");
    crate::world::until("the housekeeping", || (count() == "0").then_some(()));
    let resets = || world.rows("SELECT count(*) FROM password_reset").remove(0);
    crate::world::until("the write behind it", || (resets() == "0").then_some(()));
}

#[test]
fn what_went_to_an_address_of_before_goes_as_well_unless_it_is_somebody_elses_now() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    let owner = world.signed_in(OWNER);
    let browser = world.signed_in(MEMBER);
    for to in ["second@example.com", "third@example.com"] {
        let page = browser.get("/me/email");
        let csrf = page.form("/logout").fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
        let page =
            browser.submit(&Form { action: "/me/email".into(), fields: vec![] }.set("csrf", &csrf).set("email", to));
        browser.submit(&page.form("/me/email/code").set("code", &crate::email_check::code(&world, to)));
    }
    for email in [MEMBER, "second@example.com"] {
        crate::invitations::invite(&owner, &organization, email, "member");
    }
    // The first address is somebody else's by now.
    let door = world.browser();
    door.submit(&crate::invitations::fill(&door.get("/register"), MEMBER));
    assert!(delete(&browser, "third@example.com").path.starts_with("/login?because="));
    let invited = world.rows("SELECT email FROM invitation");
    assert_eq!(invited, [MEMBER]);
    let mailed = world.rows("SELECT DISTINCT recipient FROM mail WHERE kind <> 'account_deleted' ORDER BY recipient");
    assert_eq!(mailed, [MEMBER], "nothing of the address that nobody has");
}

#[test]
fn what_went_to_a_person_is_erased_in_writes_of_some_hundred_rows() {
    let world = World::start();
    let browser = world.signed_in(MEMBER);
    let (owner, now) = (id_of(&world, OWNER), crate::world::now_secs() * 1_000);
    let many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1200)";
    world.execute(&format!(
        "INSERT INTO mail (recipient, lang, kind, subject, body, created_at)
         {many} SELECT '{MEMBER}', 'zh', 'x', '', '', {now} FROM n"
    ));
    world.execute(&format!(
        "INSERT INTO invitation (id, token_hash, organization_id, email, role, invited_by, is_shown, sent_at, expires_at, revoked_at)
         {many} SELECT 'inv' || n, randomblob(32), '{}', '{MEMBER}', 'member', '{owner}', 0, {now}, {now}, {now} FROM n",
        world.organization("云帆数据")
    ));
    // What is left to the write that deletes the account.
    let held = format!(
        "(SELECT count(*) FROM mail WHERE recipient = '{MEMBER}') + (SELECT count(*) FROM invitation WHERE email = '{MEMBER}')"
    );
    world.execute("CREATE TABLE at_the_end (n INTEGER)");
    world.execute(&format!(
        "CREATE TRIGGER at_the_end AFTER INSERT ON audit WHEN new.action = 'user.deleted'
         BEGIN INSERT INTO at_the_end SELECT {held}; END"
    ));
    assert_eq!(world.rows(&format!("SELECT {held} >= 2400")), ["1"]);
    assert!(delete(&browser, MEMBER).path.starts_with("/login?because="));
    assert_eq!(world.rows("SELECT n FROM at_the_end"), ["0"]);
    assert_eq!(world.rows(&format!("SELECT {held}")), ["1"], "the last mail");
}

#[test]
fn of_two_owners_who_delete_their_accounts_at_once_one_stays() {
    let world = World::start();
    let organization = world.organization("云帆数据");
    world.execute("UPDATE member SET role = 'owner'");
    let people = [OWNER, BILLING].map(|email| (world.signed_in(email), email));
    let forms =
        people.each_ref().map(|(browser, email)| browser.get("/me/delete").form("/me/delete").set("email", email));
    let mut statuses = std::thread::scope(|scope| {
        let other = scope.spawn(|| people[1].0.submit(&forms[1]).status);
        [people[0].0.submit(&forms[0]).status, other.join().unwrap()]
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let left = world.rows(&format!("SELECT count(*) FROM member WHERE organization_id = '{organization}'"));
    assert_eq!(
        (left, world.rows("SELECT count(*) FROM user WHERE deleted_at IS NOT NULL")),
        (vec!["1".into()], vec!["1".into()])
    );
}
