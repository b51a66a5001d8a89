//! The code that is mailed to an address (rules A3, A7).

use crate::browserlike::{Browser, Form, Page};
use crate::second_factor::advance;
use crate::world::{MEMBER, OWNER, PASSWORD, World};

fn checked() -> World {
    World::with(&["--email-check"])
}

fn filled(page: &Page, email: &str) -> Form {
    let form = page.form("/register").set("name", "陈思远").set("email", email);
    form.set("password", "orange-Bicycle-77").set("agree", "1")
}

fn register(browser: &Browser, email: &str) -> Page {
    browser.submit(&filled(&browser.get("/register"), email))
}

/// The mails to an address, newest first: kind and body.
fn mails(world: &World, email: &str) -> Vec<(String, String)> {
    let text = |mail: &serde_json::Value, key: &str| mail[key].as_str().unwrap_or_default().to_owned();
    (world.mails().iter())
        .filter(|mail| ["to", "recipient"].iter().any(|key| text(mail, key) == email))
        .map(|mail| (text(mail, "kind"), text(mail, "body")))
        .collect()
}

pub fn code(world: &World, email: &str) -> String {
    let (kind, body) = mails(world, email).remove(0);
    assert_eq!(kind, "address_code");
    let line = body.lines().find(|line| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit()));
    line.unwrap_or_else(|| panic!("no code in {body}")).to_owned()
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

fn type_in(browser: &Browser, page: &Page, code: &str) -> Page {
    browser.submit(&page.form("/register/code").set("code", code))
}

#[test]
fn registering_takes_the_mailed_code_and_its_address_is_verified() {
    let world = checked();
    let browser = world.browser();
    let page = register(&browser, "chen@example.com");
    assert_eq!((page.status, page.h1().as_str()), (200, "查收验证码"));
    assert!(page.has("chen@example.com"));
    let input = "input[name=code][autocomplete='one-time-code'][inputmode=numeric]";
    assert_eq!(page.document().select(&scraper::Selector::parse(input).unwrap()).count(), 1);
    assert_eq!(world.rows("SELECT count(*) FROM user WHERE email = 'chen@example.com'"), ["0"], "nobody yet");
    let code = code(&world, "chen@example.com");
    let kept = world.rows("SELECT hex(code_mac) || password_hash || name FROM email_check").remove(0);
    assert!(!kept.contains(&code) && !kept.contains("orange"), "{kept}");
    assert_eq!(type_in(&browser, &page, wrong(&code)).status, 422);
    // Elsewhere the code is worth nothing.
    let thief = world.browser();
    thief.get("/login");
    let csrf = thief.get("/login").form("/login").fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let check = page.form("/register/code").fields.into_iter().find(|(name, _)| name == "check").unwrap().1;
    let stolen = thief.post("/register/code", &[("csrf", &csrf), ("check", &check), ("code", &code)]);
    assert_eq!(stolen.headers["location"], "/register");
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let done = type_in(&browser, &page, &spaced);
    assert_eq!((done.status, done.path.as_str()), (200, "/orgs"));
    assert_eq!(
        world.rows("SELECT name || (email_verified_at IS NOT NULL) FROM user WHERE email = 'chen@example.com'"),
        ["陈思远1"]
    );
    assert_eq!(world.rows("SELECT name || password_hash FROM email_check"), [""], "what it held is gone");
    // The same code again makes nobody.
    assert_eq!(type_in(&world.browser().again(&world.gateway), &page, &code).status, 403);
    assert_eq!(type_in(&browser, &page, &code).status, 403, "another session");
    assert_eq!(world.rows("SELECT count(*) FROM user WHERE name = '陈思远' AND email <> 'member@example.com'"), ["1"]);
    assert_eq!(browser.sign_in(&world.browser().get("/login"), "x@example.com", "x").status, 403);
}

#[test]
fn a_known_address_is_answered_like_an_unknown_one_and_its_owner_is_told() {
    let world = checked();
    let shape = |email: &str| {
        let browser = world.browser();
        let page = register(&browser, email);
        let neutral = |page: &Page| {
            let text = page.document().root_element().text().collect::<String>().replace(email, "§");
            (page.status, page.h1(), text.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let mut seen = vec![neutral(&page)];
        for _ in 0..6 {
            let refused = type_in(&browser, &page, "000000");
            let mut one = neutral(&refused);
            one.2.clear();
            seen.push((one.0, one.1, refused.texts("[role=alert]").join(" ")));
        }
        let again = browser.submit(&page.form("/register/code/again"));
        seen.push((again.status, again.h1(), again.texts("[role=alert]").join(" ")));
        advance(&world, "31s");
        let again = browser.submit(&page.form("/register/code/again"));
        seen.push((again.status, again.h1(), again.texts("[role=status]").join(" ")));
        seen
    };
    let known = shape(OWNER);
    let unknown = shape("nobody@example.com");
    assert_eq!(known.iter().map(|one| one.0).collect::<Vec<_>>(), [200, 422, 422, 422, 422, 422, 422, 429, 200]);
    // The text of the page has an id of the request in no place, so the two are the same to the letter.
    assert_eq!(known, unknown);
    let kinds = |email: &str| mails(&world, email).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    assert_eq!(kinds(OWNER), ["address_taken", "address_taken"]);
    assert_eq!(kinds("nobody@example.com"), ["address_code", "address_code"]);
    assert!(!mails(&world, "nobody@example.com")[0].1.contains("陈思远"), "no stranger's text is mailed");
}

#[test]
fn a_code_ends_by_tries_by_time_and_by_the_next_one() {
    let world = checked();
    let browser = world.browser();
    let page = register(&browser, "chen@example.com");
    let first = code(&world, "chen@example.com");
    for _ in 0..5 {
        assert!(type_in(&browser, &page, wrong(&first)).has("验证码不正确"));
    }
    assert!(type_in(&browser, &page, &first).has("已经失效"), "the right one, too late");
    advance(&world, "31s");
    let sent = browser.submit(&page.form("/register/code/again"));
    assert!(sent.status == 200 && sent.has("新的验证码已发送"));
    let second = code(&world, "chen@example.com");
    advance(&world, "15m");
    assert!(type_in(&browser, &page, &second).has("已经失效"));
    browser.submit(&page.form("/register/code/again"));
    let third = code(&world, "chen@example.com");
    if third != second {
        assert!(type_in(&browser, &page, &second).has("验证码不正确"));
    }
    advance(&world, "31s");
    let refused = browser.submit(&page.form("/register/code/again"));
    assert_eq!(refused.status, 429, "three codes a registration");
    assert_eq!(type_in(&browser, &page, &third).path, "/orgs");
}

#[test]
fn a_mailbox_gets_five_codes_an_hour_whoever_asks() {
    let world = checked();
    for _ in 0..7 {
        let page = register(&world.browser(), "victim@example.com");
        assert_eq!(page.h1(), "查收验证码", "nobody is told");
    }
    assert_eq!(mails(&world, "victim@example.com").len(), 5);
    advance(&world, "61m");
    register(&world.browser(), "victim@example.com");
    assert_eq!(mails(&world, "victim@example.com").len(), 6);
}

#[test]
fn registering_through_a_claim_asks_for_the_code_and_the_claim_waits() {
    let world = checked();
    world.buy("1");
    let browser = world.browser();
    let claim = browser.open_link(&world.link("1")).path;
    let id = claim.rsplit('/').next().unwrap();
    let page = browser.submit(&filled(&browser.get(&format!("/register?claim={id}")), "chen@example.com"));
    assert!(page.h1() == "查收验证码" && page.has("按量付费"), "the purchase stays in sight");
    assert_eq!(world.rows("SELECT count(*) FROM claim WHERE user_id IS NULL"), ["1"]);
    // The mail takes its time; another code, hours later; and the claim is still open.
    advance(&world, "50m");
    let page = browser.submit(&page.form("/register/code/again"));
    let done = type_in(&browser, &page, &code(&world, "chen@example.com"));
    assert_eq!((done.path.as_str(), done.h1().as_str()), (claim.as_str(), "为您的组织绑定支付方式"));
}

#[test]
fn two_registrations_of_one_address_make_one_account() {
    let world = checked();
    let (one, two) = (world.browser(), world.browser());
    let first = register(&one, "chen@example.com");
    let code_one = code(&world, "chen@example.com");
    let second = register(&two, "chen@example.com");
    let code_two = code(&world, "chen@example.com");
    assert_eq!(type_in(&one, &first, &code_one).path, "/orgs");
    let late = type_in(&two, &second, &code_two);
    assert!(late.status == 422 && late.has("已经注册"), "who reads the mailbox is told the truth");
    assert_eq!(world.rows("SELECT count(*) FROM user WHERE email = 'chen@example.com'"), ["1"]);
}

#[test]
fn an_address_that_was_never_checked_is_verified_later_and_another_one_takes_its_place() {
    // Here anybody registers unchecked.
    let world = World::start();
    let browser = world.browser();
    assert_eq!(register(&browser, "chen@example.com").path, "/orgs");
    let page = browser.get("/me/email");
    assert!(page.has("未验证"));
    let page = browser.submit(&page.form("/me/email"));
    assert_eq!(page.h1(), "查收验证码");
    let done = browser.submit(&page.form("/me/email/code").set("code", &code(&world, "chen@example.com")));
    assert!(done.path.starts_with("/me?"), "{}", done.path);
    assert!(browser.get("/me/email").has("已验证"));
    // Another address: nothing changes before its code.
    let change = |to: &str| {
        let page = browser.get("/me/email");
        let csrf = page.form("/me/email").fields.into_iter().find(|(name, _)| name == "csrf").unwrap();
        let form = Form { action: "/me/email".into(), fields: vec![csrf] }.set("email", to);
        browser.submit(&form)
    };
    let page = change("siyuan@example.com");
    assert_eq!(
        world.rows("SELECT email FROM user WHERE name = '陈思远' ORDER BY created_at DESC LIMIT 1"),
        ["chen@example.com"]
    );
    let typed = page.form("/me/email/code").set("code", &code(&world, "siyuan@example.com"));
    // Somebody else cannot finish it.
    let other = world.browser();
    other.sign_in_as(MEMBER);
    let csrf = other.get("/me").form("/logout").fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let stolen = other.submit(&typed.clone().set("csrf", &csrf));
    assert_eq!(stolen.path, "/me/email");
    browser.submit(&typed);
    let (kind, body) = mails(&world, "chen@example.com").remove(0);
    assert!(kind == "email_changed" && body.contains("siyuan@example.com"), "the former address is told: {body}");
    let door = world.browser();
    assert_eq!(door.sign_in(&door.get("/login"), "chen@example.com", "orange-Bicycle-77").status, 422);
    assert_eq!(door.sign_in(&door.get("/login"), "siyuan@example.com", "orange-Bicycle-77").path, "/orgs");
    // An address of somebody else: the same page, and no code is right.
    let page = change(OWNER);
    assert_eq!(page.h1(), "查收验证码");
    assert_eq!(mails(&world, OWNER)[0].0, "address_taken");
    // A person who does not know the password does not get that far.
    advance(&world, "16m");
    assert_eq!(browser.get("/me/email").h1(), "再次输入密码");
    assert_eq!(door.sign_in(&world.browser().get("/login"), OWNER, PASSWORD).status, 403, "another browser's form");
}
